# SPDX-License-Identifier: Apache-2.0

# switchyard_add_test_groups(TARGET [FOLDER]) makes one ctest entry for each source of a Catch2
# executable that is below the current folder and not in a support/ folder, named [FOLDER/]folder/file:
# it runs the cases of that file and fails where there are none; it is skipped where a backend under
# test has no device here. A last entry fails where a case belongs to no such file.
function(switchyard_add_test_groups target)
  get_target_property(sources ${target} SOURCES)
  if(NOT sources)
    message(FATAL_ERROR "${target} has no sources")
  endif()
  set(prefix "")
  if(ARGC GREATER 1)
    set(prefix "${ARGV1}/")
  endif()
  set(stems "")
  set(rest "")
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source)
    cmake_path(
      RELATIVE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE relative
    )
    if(relative MATCHES "(^|/)support/" OR relative MATCHES "^\\.\\./")
      continue()
    endif()
    cmake_path(GET relative STEM LAST_ONLY stem)
    if(stem IN_LIST stems)
      message(FATAL_ERROR "two test files are named ${stem}: groups go by file name")
    endif()
    list(APPEND stems ${stem})
    string(APPEND rest "~[#${stem}]")
    cmake_path(REMOVE_EXTENSION relative LAST_ONLY OUTPUT_VARIABLE group)
    switchyard_add_test_group(${target} ${prefix}${group} "[#${stem}]~[.]" some)
  endforeach()
  if(stems)
    switchyard_add_test_group(${target} ${prefix}every_case_has_a_group "${rest}~[.]" none)
  endif()
endfunction()

# switchyard_add_test_group(TARGET NAME FILTER some|none)
function(switchyard_add_test_group target name filter expected)
  add_test(
    NAME ${name}
    COMMAND
      ${CMAKE_COMMAND} -D program=$<TARGET_FILE:${target}> -D name=${name} -D filter=${filter} -D
      expected=${expected} -D counts=${PROJECT_BINARY_DIR}/tests/counts -P
      ${PROJECT_SOURCE_DIR}/cmake/RunTestGroup.cmake
  )
  set_tests_properties(
    ${name} PROPERTIES TIMEOUT 1500 SKIP_REGULAR_EXPRESSION "SKIPPED: cases of a backend"
  )
endfunction()
