# SPDX-License-Identifier: Apache-2.0
# Enables CUDA, with what CMake 3.25 gets wrong for CUDA 13 put right:
#  - the compiler may be installed without being on the PATH;
#  - CMake's own default architecture, 5.2, is one that CUDA 13 has dropped, so that the check of the
#    compiler fails: the list is set before the language is enabled;
#  - it does not know nvcc's option for C++20.

# sm_80 serves all of 8.x, sm_90a has Hopper's own instructions, the PTX serves later generations.
set(SWITCHYARD_DEFAULT_CUDA_ARCHITECTURES 80-real 90a-real 90-virtual)

if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(
    SWITCHYARD_NVCC nvcc PATHS ENV CUDA_PATH ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES bin
  )
  mark_as_advanced(SWITCHYARD_NVCC)
  if(NOT SWITCHYARD_NVCC)
    message(FATAL_ERROR "SWITCHYARD_BACKENDS names \"cuda\", which needs nvcc: none on the PATH or in "
                        "/usr/local/cuda. Install the CUDA toolkit (12.4 or later), or set "
                        "CMAKE_CUDA_COMPILER"
    )
  endif()
  set(CMAKE_CUDA_COMPILER "${SWITCHYARD_NVCC}")
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "${SWITCHYARD_DEFAULT_CUDA_ARCHITECTURES}"
      CACHE STRING "CUDA architectures"
  )
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
  message(FATAL_ERROR "nvcc is ${CMAKE_CUDA_COMPILER_VERSION}, must be 12.4 or later")
endif()
find_package(CUDAToolkit REQUIRED)
message(STATUS "switchyard CUDA architectures: ${CMAKE_CUDA_ARCHITECTURES}")

# Options of sources that pass through nvcc.
function(switchyard_cuda_options target)
  set_target_properties(
    ${target} PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF
                         CUDA_VISIBILITY_PRESET hidden
  )
  target_compile_options(
    ${target}
    PRIVATE
      "$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra>"
      "$<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${SWITCHYARD_WARNINGS_AS_ERRORS}>>:-Werror=all-warnings>"
  )
endfunction()

# switchyard_cuda_kernels(TARGET EXACT MATRIX) adds two sources that pass through nvcc: the kernels
# whose arithmetic may not be contracted, and the matrix products.
function(switchyard_cuda_kernels target exact matrix)
  target_sources(${target} PRIVATE ${exact} ${matrix})
  set_source_files_properties(${exact} ${matrix} PROPERTIES LANGUAGE CUDA)
  set_source_files_properties(${exact} PROPERTIES COMPILE_OPTIONS -fmad=false)
  switchyard_cuda_options(${target})
endfunction()

# switchyard_cuda_sm90_kernels(TARGET SOURCE...) adds kernels for compute capability 9.0 alone,
# whatever CMAKE_CUDA_ARCHITECTURES names: they use instructions that no other has.
function(switchyard_cuda_sm90_kernels target)
  add_library(${target}_sm90 OBJECT ${ARGN})
  switchyard_cuda_options(${target}_sm90)
  set_target_properties(
    ${target}_sm90 PROPERTIES CUDA_ARCHITECTURES 90a-real POSITION_INDEPENDENT_CODE ON
  )
  target_include_directories(
    ${target}_sm90 PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
                           ${PROJECT_BINARY_DIR}/include
  )
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_sm90>)
endfunction()
