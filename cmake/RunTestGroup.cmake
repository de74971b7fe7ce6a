# SPDX-License-Identifier: Apache-2.0
# Runs the cases of a Catch2 program that match a filter; fails where one fails or skips itself, or
# where none runs (expected=some) or one exists (expected=none). Where nothing failed and the program
# left out the cases of a backend that has no device here, prints "SKIPPED", by which ctest knows.
# Leaves "passed failed skipped" in <counts>/<name>.txt; skipped is 1 where cases were left out.
string(REPLACE "/" "-" file "${name}")
set(file "${counts}/${file}.txt")
file(WRITE "${file}" "0 1 0\n")

execute_process(
  COMMAND "${program}" --filenames-as-tags "${filter}"
  RESULT_VARIABLE result
  OUTPUT_VARIABLE output
  ECHO_OUTPUT_VARIABLE ECHO_ERROR_VARIABLE
)
if(expected STREQUAL "none")
  if(NOT output MATCHES "No test")
    message(FATAL_ERROR "cases in files that are no test group ran")
  endif()
  file(WRITE "${file}" "0 0 0\n")
  return()
endif()

set(passed 0)
set(failed 0)
set(skipped 0)
if(output MATCHES "(^|\n)skipped: ")
  set(skipped 1)
endif()
if(output MATCHES "All tests passed \\([0-9]+ assertions? in ([0-9]+) test cases?\\)")
  set(passed ${CMAKE_MATCH_1})
elseif(output MATCHES "\ntest cases: *([^\n]*)")
  set(summary "${CMAKE_MATCH_1}")
  if(summary MATCHES "([0-9]+) passed")
    set(passed ${CMAKE_MATCH_1})
  endif()
  if(summary MATCHES "([0-9]+) failed")
    set(failed ${CMAKE_MATCH_1})
  endif()
endif()

set(reason "")
if(output MATCHES "([0-9]+) skipped")
  set(reason "${CMAKE_MATCH_1} cases were skipped, which is not passed")
elseif(skipped AND result EQUAL 4)
  # No case but those left out.
elseif(NOT result EQUAL 0)
  set(reason "the program ended with ${result}")
elseif(passed EQUAL 0)
  set(reason "the group executed no case")
endif()
if(reason AND failed EQUAL 0)
  set(failed 1)
endif()
file(WRITE "${file}" "${passed} ${failed} ${skipped}\n")
if(reason)
  message(FATAL_ERROR "${name}: ${reason}")
endif()
if(skipped)
  message("SKIPPED: cases of a backend without a device here")
endif()
