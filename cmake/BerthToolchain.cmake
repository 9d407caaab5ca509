# SPDX-License-Identifier: Apache-2.0
# Warnings, sanitizers: the same for every target.
include(Ccache)

# g++ 12 reports std::optional members as maybe uninitialised where they are not (GCC bug 80635).
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers -Wno-maybe-uninitialized)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-O2 -ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections -Wl,--as-needed)
endif()

if(BERTH_SANITIZE)
  string(REPLACE "," ";" berth_sanitizers "${BERTH_SANITIZE}")
  foreach(name ${berth_sanitizers})
    add_compile_options(-fsanitize=${name} -fno-omit-frame-pointer -g1)
    add_link_options(-fsanitize=${name})
  endforeach()
  add_compile_options(-fno-sanitize-recover=all)
endif()
if(BERTH_CHECK_INVARIANTS)
  add_compile_definitions(BERTH_CHECK_INVARIANTS=1)
endif()

# Beast and a torch header take 1 to 3 GB to compile: at most one such file at a time.
set_property(GLOBAL APPEND PROPERTY JOB_POOLS berth_heavy=1)
