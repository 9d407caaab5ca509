# SPDX-License-Identifier: Apache-2.0
# ccache where it is installed. Paths below the repository count as relative, so that every checkout
# shares what another one has compiled.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  get_filename_component(berth_repository ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
  set(berth_ccache ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${berth_repository} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${berth_ccache})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${berth_ccache})
endif()
