# SPDX-License-Identifier: Apache-2.0
# The contract and its page, embedded in the program. To be included after berth_module(api ...).
set(generated ${CMAKE_BINARY_DIR}/generated/api)
file(MAKE_DIRECTORY ${generated})

add_custom_command(
  OUTPUT ${generated}/openapi.cc
  COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/embed.py ${CMAKE_SOURCE_DIR}/api/openapi.yaml
          ${generated}/openapi.cc berth::api::kOpenapi --yaml-to-json
  DEPENDS ${CMAKE_SOURCE_DIR}/api/openapi.yaml ${CMAKE_SOURCE_DIR}/tools/embed.py)
add_custom_command(
  OUTPUT ${generated}/docs_page.cc
  COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/embed.py ${CMAKE_CURRENT_SOURCE_DIR}/docs_page.html
          ${generated}/docs_page.cc berth::api::kDocsPage
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/docs_page.html ${CMAKE_SOURCE_DIR}/tools/embed.py)

target_sources(berth_api PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/docs.cc ${generated}/openapi.cc
                                 ${generated}/docs_page.cc)
