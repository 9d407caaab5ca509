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

# The web page, where tools/build_web.sh has built it; the daemon does without.
set(page ${CMAKE_SOURCE_DIR}/build/web/index.html)
set(page_parts)
if(EXISTS ${page})
  set(page_parts ${page} ${CMAKE_SOURCE_DIR}/build/web/csp.txt)
else()
  message(STATUS "the web page is not built: the daemon answers at / with its overview")
endif()
# So that a page that is built later, or removed, is noticed.
file(WRITE ${generated}/page_parts.new "${page_parts}")
execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different ${generated}/page_parts.new ${generated}/page_parts)
add_custom_command(
  OUTPUT ${generated}/page.cc
  COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/embed.py ${page} ${generated}/page.cc berth::api::kPage
          --policy ${CMAKE_SOURCE_DIR}/build/web/csp.txt
  DEPENDS ${page_parts} ${generated}/page_parts ${CMAKE_SOURCE_DIR}/tools/embed.py)

target_sources(berth_api PRIVATE ${generated}/page.cc ${CMAKE_CURRENT_SOURCE_DIR}/docs.cc ${generated}/openapi.cc
                                 ${generated}/docs_page.cc)
