# SPDX-License-Identifier: Apache-2.0
# berth_module(NAME SOURCES ... DEPS ...): the static library berth_NAME of the folder src/NAME.
# berth_test(NAME SOURCES ... DEPS ...): a GoogleTest program, registered with ctest.
function(berth_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(berth_${name} STATIC ${ARG_SOURCES})
  target_include_directories(berth_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(berth_${name} PUBLIC ${ARG_DEPS})
  # Beast under both sanitizers takes minutes and gigabytes: it gets AddressSanitizer alone.
  if(BERTH_SANITIZE MATCHES "address" AND BERTH_SANITIZE MATCHES "undefined" AND name STREQUAL "http")
    target_compile_options(berth_${name} PRIVATE -fno-sanitize=undefined)
  endif()
endfunction()

function(berth_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/tests/unit)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
endfunction()
