# SPDX-License-Identifier: Apache-2.0
# switchyard_fmt: fmt for this project's own code. Header-only fmt costs seconds in every source, and
# a shared libfmt would be a dependency of the installed package: its out-of-line part is compiled
# once, into each library or program that links this target.
find_package(fmt 9 REQUIRED)
if(fmt_VERSION VERSION_LESS 10)
  add_library(switchyard_fmt OBJECT core/fmt.cpp)
  set_target_properties(
    switchyard_fmt PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
                              CXX_VISIBILITY_PRESET hidden
  )
  get_target_property(includes fmt::fmt-header-only INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(switchyard_fmt SYSTEM PUBLIC ${includes})
  target_link_libraries(switchyard_fmt PRIVATE switchyard_options)
else()
  add_library(switchyard_fmt INTERFACE) # other versions have other functions out of line
  target_link_libraries(switchyard_fmt INTERFACE fmt::fmt-header-only)
endif()
