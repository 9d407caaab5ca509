# SPDX-License-Identifier: Apache-2.0
# Finds LibTorch and defines the target berth_torch. Looked for, in this order:
#   1. TORCH_ROOT (a folder with include/ and lib/: a LibTorch archive or a Python torch package)
#   2. the torch package of /usr/bin/python3
#   3. Debian's libtorch-dev
# The CMake package that torch brings is not used: a CUDA build's one insists on the CUDA toolkit.
set(TORCH_ROOT "" CACHE PATH "Folder of a LibTorch with include/ and lib/; empty: look for one")
set(berth_torch_root "${TORCH_ROOT}")
set(berth_torch_abi "")
if(NOT berth_torch_root AND EXISTS /usr/bin/python3)
  execute_process(
    COMMAND /usr/bin/python3 -c
            "import os, torch; print(os.path.dirname(torch.__file__)); print(int(torch._C._GLIBCXX_USE_CXX11_ABI))"
    OUTPUT_VARIABLE berth_python_torch ERROR_QUIET RESULT_VARIABLE berth_python_failed
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT berth_python_failed)
    string(REPLACE "\n" ";" berth_python_torch "${berth_python_torch}")
    list(GET berth_python_torch 0 berth_python_root)
    # Debian's python3-torch has no headers of its own: those are libtorch-dev's.
    if(EXISTS ${berth_python_root}/include/ATen/ATen.h AND EXISTS ${berth_python_root}/lib/libtorch_cpu.so)
      set(berth_torch_root ${berth_python_root})
      list(GET berth_python_torch 1 berth_torch_abi)
    endif()
  endif()
endif()

if(berth_torch_root)
  set(berth_torch_hints PATHS ${berth_torch_root} NO_DEFAULT_PATH)
else()
  set(berth_torch_hints "")
endif()
find_path(BERTH_TORCH_INCLUDE ATen/ATen.h ${berth_torch_hints} PATH_SUFFIXES include)
find_library(BERTH_TORCH_LIB torch ${berth_torch_hints} PATH_SUFFIXES lib)
find_library(BERTH_TORCH_CPU_LIB torch_cpu ${berth_torch_hints} PATH_SUFFIXES lib)
find_library(BERTH_C10_LIB c10 ${berth_torch_hints} PATH_SUFFIXES lib)
find_library(BERTH_TORCH_CUDA_LIB torch_cuda ${berth_torch_hints} PATH_SUFFIXES lib)
find_library(BERTH_C10_CUDA_LIB c10_cuda ${berth_torch_hints} PATH_SUFFIXES lib)
if(NOT BERTH_TORCH_INCLUDE OR NOT BERTH_TORCH_CPU_LIB OR NOT BERTH_C10_LIB)
  message(FATAL_ERROR "LibTorch was not found: apt-get install libtorch-dev libopenblas0-openmp, "
                      "or set TORCH_ROOT to a folder with include/ and lib/")
endif()

# Later ones refuse less than C++20 with an #error.
file(STRINGS ${BERTH_TORCH_INCLUDE}/ATen/ATen.h berth_torch_standard REGEX "C\\+\\+20")
if(berth_torch_standard)
  set(CMAKE_CXX_STANDARD 20)
endif()

add_library(berth_torch INTERFACE)
target_include_directories(berth_torch SYSTEM INTERFACE
  ${BERTH_TORCH_INCLUDE} ${BERTH_TORCH_INCLUDE}/torch/csrc/api/include)
target_link_libraries(berth_torch INTERFACE ${BERTH_TORCH_CPU_LIB} ${BERTH_C10_LIB})
get_filename_component(berth_torch_libdir ${BERTH_TORCH_CPU_LIB} DIRECTORY)
if(berth_torch_root)
  target_link_options(berth_torch INTERFACE "-Wl,-rpath,${berth_torch_libdir}")
endif()
if(NOT berth_torch_abi STREQUAL "")
  target_compile_definitions(berth_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=${berth_torch_abi})
endif()
if(BERTH_TORCH_CUDA_LIB AND BERTH_C10_CUDA_LIB)
  # Nothing refers to libtorch_cuda directly; it registers itself when it is loaded.
  target_link_libraries(berth_torch INTERFACE
    -Wl,--no-as-needed ${BERTH_TORCH_CUDA_LIB} ${BERTH_C10_CUDA_LIB} -Wl,--as-needed)
  target_compile_definitions(berth_torch INTERFACE BERTH_TORCH_CUDA=1)
  # A Python torch package says which CUDA it was built with: cuda: Optional[str] = '13.0'
  if(EXISTS ${berth_torch_root}/version.py)
    file(STRINGS ${berth_torch_root}/version.py berth_torch_version REGEX "^cuda")
    if(berth_torch_version MATCHES "'([0-9.]+)'")
      target_compile_definitions(berth_torch INTERFACE BERTH_CUDA_VERSION="${CMAKE_MATCH_1}")
    endif()
  endif()
  file(GLOB berth_cuda_wheel_includes ${berth_torch_root}/../nvidia/*/include)
  find_path(BERTH_CUDA_INCLUDE cuda_runtime_api.h
    PATHS /usr/local/cuda/include ${berth_cuda_wheel_includes})
  file(GLOB berth_cudart ${berth_torch_root}/../nvidia/*/lib/libcudart.so.*
       /usr/local/cuda/lib64/libcudart.so ${berth_torch_libdir}/libcudart*.so*)
  if(BERTH_CUDA_INCLUDE AND berth_cudart)
    list(GET berth_cudart 0 berth_cudart)
    target_include_directories(berth_torch SYSTEM INTERFACE ${BERTH_CUDA_INCLUDE})
    target_link_libraries(berth_torch INTERFACE ${berth_cudart})
    target_compile_definitions(berth_torch INTERFACE BERTH_CUDA_HEADERS=1)
  endif()
endif()
# Several processes that train together (runtime/process_group.cc): Gloo on the CPU, NCCL on GPUs. A
# Python torch package has no headers of Gloo; those of Debian are of its own libtorch.
get_filename_component(berth_torch_headers ${BERTH_TORCH_INCLUDE}/ATen REALPATH)
get_filename_component(berth_torch_headers ${berth_torch_headers} DIRECTORY)
find_path(BERTH_GLOO_INCLUDE gloo/algorithm.h PATHS ${berth_torch_headers} NO_DEFAULT_PATH)
set(berth_group_definitions "")
set(berth_group_includes "")
if(BERTH_GLOO_INCLUDE)
  list(APPEND berth_group_definitions BERTH_GLOO=1 USE_C10D_GLOO=1)
  list(APPEND berth_group_includes ${BERTH_GLOO_INCLUDE})
endif()
if(BERTH_TORCH_CUDA_LIB AND BERTH_CUDA_INCLUDE)
  file(GLOB berth_nccl_includes ${berth_torch_root}/../nvidia/nccl/include)
  find_path(BERTH_NCCL_INCLUDE nccl.h ${berth_torch_hints} PATHS ${berth_nccl_includes} /usr/local/cuda/include)
  if(BERTH_NCCL_INCLUDE)
    list(APPEND berth_group_definitions BERTH_NCCL=1 USE_C10D_NCCL=1)
    list(APPEND berth_group_includes ${BERTH_NCCL_INCLUDE})
  endif()
endif()
# Named once more, the compiler would look there too early.
list(REMOVE_ITEM berth_group_includes ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
message(STATUS "LibTorch: ${BERTH_TORCH_CPU_LIB} (CUDA: ${BERTH_TORCH_CUDA_LIB})")
