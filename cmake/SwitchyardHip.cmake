# SPDX-License-Identifier: Apache-2.0
# How HIP sources are compiled, by what is found:
#  - a ROCm installation: CMake's HIP language;
#  - else clang++ over the HIP packages of a distribution, by custom commands, because CMake 3.25
#    does not find the language's files there; device libraries older than the compiler are completed
#    (SwitchyardHipDeviceLibs);
#  - else hipcc, in the same way.
# SWITCHYARD_HIP_COMPILER chooses the compiler of the last two.

# MI200, MI300, and one of each later generation of consumer cards.
set(SWITCHYARD_DEFAULT_HIP_ARCHITECTURES gfx90a gfx942 gfx1030 gfx1100 gfx1201)
set(CMAKE_HIP_ARCHITECTURES "${SWITCHYARD_DEFAULT_HIP_ARCHITECTURES}"
    CACHE STRING "AMD GPU architectures"
)

# Whether the compiler and its device libraries serve an architecture; the reason where not.
function(switchyard_hip_check_architecture architecture out_reason)
  execute_process(
    COMMAND ${SWITCHYARD_HIP_COMPILER} -x hip ${SWITCHYARD_HIP_COMPILER_FLAGS}
            --offload-arch=${architecture} -c /dev/null -o /dev/null "-###"
    RESULT_VARIABLE result
    OUTPUT_QUIET
    ERROR_VARIABLE text
  )
  set(reason "")
  if(NOT result EQUAL 0)
    string(REGEX MATCH "error: [^\n]*" reason "${text}")
    set(reason "${reason}.")
  endif()
  set(${out_reason} "${reason}" PARENT_SCOPE)
endfunction()

# Sets SWITCHYARD_HIP_COMPILER and SWITCHYARD_HIP_COMPILER_FLAGS, or stops with what to install.
macro(switchyard_hip_find_compiler)
  set(switchyard_hip_packages
      "On Debian: apt-get install hipcc libamdhip64-dev rocm-device-libs clang-19 clang-tools-19 lld-19"
  )
  find_program(
    SWITCHYARD_HIP_COMPILER NAMES clang++-19 hipcc DOC "clang++ for HIP, or hipcc"
  )
  if(NOT SWITCHYARD_HIP_COMPILER)
    message(FATAL_ERROR "SWITCHYARD_BACKENDS names \"hip\", which needs ROCm, or clang++-19 or hipcc: "
                        "none found. ${switchyard_hip_packages}. Or set CMAKE_HIP_COMPILER to that of "
                        "a ROCm installation, or SWITCHYARD_HIP_COMPILER"
    )
  endif()
  find_path(
    SWITCHYARD_HIP_ROOT include/hip/hip_runtime.h PATHS ENV ROCM_PATH /opt/rocm /usr
    NO_DEFAULT_PATH DOC "Where HIP's headers are installed"
  )
  mark_as_advanced(SWITCHYARD_HIP_COMPILER SWITCHYARD_HIP_ROOT)
  if(NOT SWITCHYARD_HIP_ROOT)
    message(FATAL_ERROR "SWITCHYARD_BACKENDS names \"hip\", which needs HIP's headers: no "
                        "hip/hip_runtime.h found. ${switchyard_hip_packages}"
    )
  endif()
  set(SWITCHYARD_HIP_COMPILER_FLAGS "")
  if(NOT SWITCHYARD_HIP_COMPILER MATCHES "hipcc[^/]*$")
    include(SwitchyardHipDeviceLibs)
    switchyard_hip_device_libs(switchyard_hip_device_libs_folder)
    set(SWITCHYARD_HIP_COMPILER_FLAGS
        --rocm-path=${SWITCHYARD_HIP_ROOT}
        --rocm-device-lib-path=${switchyard_hip_device_libs_folder}
    )
  endif()
  foreach(switchyard_hip_architecture IN LISTS CMAKE_HIP_ARCHITECTURES)
    switchyard_hip_check_architecture(${switchyard_hip_architecture} switchyard_hip_reason)
    if(switchyard_hip_reason)
      message(FATAL_ERROR "${SWITCHYARD_HIP_COMPILER} cannot compile for "
                          "${switchyard_hip_architecture}: ${switchyard_hip_reason} Choose others with "
                          "CMAKE_HIP_ARCHITECTURES, or a newer compiler with SWITCHYARD_HIP_COMPILER. "
                          "${switchyard_hip_packages}"
      )
    endif()
  endforeach()
endmacro()

find_path(
  SWITCHYARD_ROCM_ROOT lib/cmake/hip-lang/hip-lang-config.cmake PATHS ENV ROCM_PATH /opt/rocm
  NO_DEFAULT_PATH DOC "A ROCm installation that CMake's HIP language works with"
)
mark_as_advanced(SWITCHYARD_ROCM_ROOT)
set(SWITCHYARD_HIP_LANGUAGE OFF)
if(NOT SWITCHYARD_HIP_COMPILER AND (CMAKE_HIP_COMPILER OR DEFINED ENV{HIPCXX} OR SWITCHYARD_ROCM_ROOT))
  set(SWITCHYARD_HIP_LANGUAGE ON)
  if(SWITCHYARD_ROCM_ROOT)
    list(APPEND CMAKE_PREFIX_PATH "${SWITCHYARD_ROCM_ROOT}")
    if(NOT CMAKE_HIP_COMPILER AND NOT DEFINED ENV{HIPCXX}
       AND EXISTS "${SWITCHYARD_ROCM_ROOT}/llvm/bin/clang++"
    )
      set(CMAKE_HIP_COMPILER "${SWITCHYARD_ROCM_ROOT}/llvm/bin/clang++")
    endif()
  endif()
  enable_language(HIP)
  set(switchyard_hip_how "CMake's HIP language, ${CMAKE_HIP_COMPILER}")
else()
  switchyard_hip_find_compiler()
  set(switchyard_hip_how "${SWITCHYARD_HIP_COMPILER}")
endif()

# hip::host: headers and runtime library for the host compiler.
find_package(hip REQUIRED CONFIG)
message(STATUS "switchyard HIP architectures: ${CMAKE_HIP_ARCHITECTURES} (${switchyard_hip_how})")

set(SWITCHYARD_HIP_FLAGS -O3 -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(SWITCHYARD_WARNINGS_AS_ERRORS)
  list(APPEND SWITCHYARD_HIP_FLAGS -Werror)
endif()

# switchyard_hip_source(TARGET FILE [FLAG...]) adds a source that passes through the HIP compiler.
function(switchyard_hip_source target source)
  set(path ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  set(flags ${SWITCHYARD_HIP_FLAGS} ${ARGN})
  if(SWITCHYARD_HIP_LANGUAGE)
    set_source_files_properties(${path} PROPERTIES LANGUAGE HIP COMPILE_OPTIONS "${flags}")
    set_target_properties(
      ${target} PROPERTIES HIP_STANDARD 20 HIP_STANDARD_REQUIRED ON HIP_EXTENSIONS OFF
                           HIP_VISIBILITY_PRESET hidden
    )
    target_sources(${target} PRIVATE ${path})
    return()
  endif()

  set(object ${CMAKE_CURRENT_BINARY_DIR}/${source}.o)
  list(TRANSFORM CMAKE_HIP_ARCHITECTURES PREPEND --offload-arch= OUTPUT_VARIABLE architectures)
  add_custom_command(
    OUTPUT ${object}
    COMMAND
      ${CMAKE_HIP_COMPILER_LAUNCHER} ${SWITCHYARD_HIP_COMPILER} -x hip ${architectures}
      ${SWITCHYARD_HIP_COMPILER_FLAGS} -std=c++20 -fPIC -fvisibility=hidden
      -fvisibility-inlines-hidden ${flags} -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include
      -MD -MT ${object} -MF ${object}.d -c ${path} -o ${object}
    DEPENDS ${path}
    DEPFILE ${object}.d
    COMMENT "Building HIP object ${source}.o"
    VERBATIM
  )
  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  target_sources(${target} PRIVATE ${object})
endfunction()
