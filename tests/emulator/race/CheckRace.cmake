# SPDX-License-Identifier: Apache-2.0
# Runs the program race twice. Fails unless the thread sanitizer reports, where the barrier is
# missing, a data race at both places that the program names, and nothing where it is present.
# Leaves "passed failed" in <counts>/<name>.txt.
string(REPLACE "/" "-" file "${name}")
set(file "${counts}/${file}.txt")
file(WRITE "${file}" "0 1\n")
set(ENV{TSAN_OPTIONS} "halt_on_error=0 exitcode=66 $ENV{TSAN_OPTIONS}")

execute_process(
  COMMAND "${program}" ${case} missing
  RESULT_VARIABLE result
  OUTPUT_VARIABLE places
  ERROR_VARIABLE report
)
string(REGEX MATCHALL "[^\n]+" places "${places}")
list(REMOVE_DUPLICATES places)
list(LENGTH places num_places)
if(NOT result EQUAL 66 OR NOT num_places EQUAL 2)
  message(FATAL_ERROR "without the barrier the program ended with ${result}, must be 66:\n${report}")
endif()
if(NOT report MATCHES "WARNING: ThreadSanitizer: data race")
  message(FATAL_ERROR "no data race is reported:\n${report}")
endif()
foreach(place IN LISTS places)
  if(NOT report MATCHES "${place}[^0-9]")
    message(FATAL_ERROR "the report does not name ${place}:\n${report}")
  endif()
endforeach()

execute_process(
  COMMAND "${program}" ${case} present
  RESULT_VARIABLE result
  OUTPUT_QUIET
  ERROR_VARIABLE report
)
if(NOT result EQUAL 0 OR NOT report STREQUAL "")
  message(FATAL_ERROR "with the barrier the program ended with ${result}:\n${report}")
endif()
file(WRITE "${file}" "1 0\n")
