# SPDX-License-Identifier: Apache-2.0
# Device libraries for clang. A distribution's may be older than its clang and lack
# oclc_isa_version_<x>.bc for the later architectures; such a file holds one constant, the version
# that the other libraries compare with, and is made here.

# The version by which the device libraries know an architecture: gfx90a is 9010.
function(switchyard_hip_isa_version architecture out)
  if(NOT architecture MATCHES "^gfx([0-9]+)([0-9a-f])([0-9a-f])$")
    message(FATAL_ERROR "CMAKE_HIP_ARCHITECTURES names \"${architecture}\", must be like gfx90a")
  endif()
  math(EXPR version "${CMAKE_MATCH_1} * 1000 + 0x${CMAKE_MATCH_2} * 100 + 0x${CMAKE_MATCH_3}")
  set(${out} ${version} PARENT_SCOPE)
endfunction()

# Gives the folder for --rocm-device-lib-path: the installed one, or one in the build tree that adds
# what it lacks for CMAKE_HIP_ARCHITECTURES.
function(switchyard_hip_device_libs out)
  find_path(
    SWITCHYARD_HIP_BITCODE ockl.bc
    PATHS ${SWITCHYARD_HIP_ROOT} /usr
    PATH_SUFFIXES amdgcn/bitcode lib/amdgcn/bitcode lib/${CMAKE_LIBRARY_ARCHITECTURE}/amdgcn/bitcode
    NO_DEFAULT_PATH DOC "HIP's device libraries"
  )
  mark_as_advanced(SWITCHYARD_HIP_BITCODE)
  if(NOT SWITCHYARD_HIP_BITCODE)
    message(FATAL_ERROR "SWITCHYARD_BACKENDS names \"hip\", which needs HIP's device libraries: no "
                        "amdgcn/bitcode/ockl.bc found. On Debian: apt-get install rocm-device-libs"
    )
  endif()

  set(missing "")
  foreach(architecture IN LISTS CMAKE_HIP_ARCHITECTURES)
    string(REGEX REPLACE "^gfx|:.*$" "" name "${architecture}") # without :sramecc+ and its like
    if(NOT EXISTS ${SWITCHYARD_HIP_BITCODE}/oclc_isa_version_${name}.bc)
      list(APPEND missing ${name})
    endif()
  endforeach()
  if(NOT missing)
    set(${out} ${SWITCHYARD_HIP_BITCODE} PARENT_SCOPE)
    return()
  endif()

  set(folder ${PROJECT_BINARY_DIR}/hip_device_libs)
  file(REMOVE_RECURSE ${folder})
  file(MAKE_DIRECTORY ${folder})
  file(GLOB libraries ${SWITCHYARD_HIP_BITCODE}/*.bc)
  foreach(library IN LISTS libraries)
    cmake_path(GET library FILENAME name)
    file(CREATE_LINK ${library} ${folder}/${name} SYMBOLIC)
  endforeach()

  set(clang ${SWITCHYARD_HIP_COMPILER} --target=amdgcn-amd-amdhsa -nogpulib -emit-llvm)
  execute_process(
    COMMAND ${clang} -x c -S /dev/null -o - OUTPUT_VARIABLE empty COMMAND_ERROR_IS_FATAL ANY
  )
  string(REGEX MATCHALL "target (datalayout|triple) = [^\n]*" target "${empty}")
  list(JOIN target "\n" target)
  foreach(name IN LISTS missing)
    switchyard_hip_isa_version(gfx${name} version)
    set(file ${folder}/oclc_isa_version_${name})
    file(WRITE ${file}.ll "${target}\n@__oclc_ISA_version = linkonce_odr hidden local_unnamed_addr "
                          "addrspace(4) constant i32 ${version}, align 4\n"
    )
    execute_process(
      COMMAND ${clang} -x ir -c ${file}.ll -o ${file}.bc COMMAND_ERROR_IS_FATAL ANY
    )
  endforeach()
  set(${out} ${folder} PARENT_SCOPE)
endfunction()
