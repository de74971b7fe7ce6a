# SPDX-License-Identifier: Apache-2.0
# switchyard_options: how this project's own code is compiled. Linked privately and only in the
# build tree, so that users inherit none of it.
add_library(switchyard_options INTERFACE)
target_compile_features(switchyard_options INTERFACE cxx_std_20)

# Routing is compared bit by bit between backends: no product may be fused into a sum unasked.
target_compile_options(
  switchyard_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>
)

target_compile_options(
  switchyard_options
  INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow>
            $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${SWITCHYARD_WARNINGS_AS_ERRORS}>>:-Werror>
)

# GCC 12 takes its own std::string for overlapping copies (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(switchyard_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()

set(SWITCHYARD_KNOWN_SANITIZERS "" "address,undefined" "thread")
set_property(CACHE SWITCHYARD_SANITIZE PROPERTY STRINGS "${SWITCHYARD_KNOWN_SANITIZERS}")
if(NOT "${SWITCHYARD_SANITIZE}" IN_LIST SWITCHYARD_KNOWN_SANITIZERS)
  message(FATAL_ERROR "SWITCHYARD_SANITIZE is \"${SWITCHYARD_SANITIZE}\", "
                      "must be empty, \"address,undefined\" or \"thread\""
  )
endif()
if(SWITCHYARD_SANITIZE)
  target_compile_options(
    switchyard_options
    INTERFACE
      "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SWITCHYARD_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer>"
  )
  target_link_options(switchyard_options INTERFACE -fsanitize=${SWITCHYARD_SANITIZE})
endif()
