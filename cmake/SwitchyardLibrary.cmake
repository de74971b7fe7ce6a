# SPDX-License-Identifier: Apache-2.0

# switchyard_add_library(NAME) makes the library switchyard_NAME, in the tree also
# switchyard::NAME: static or shared by BUILD_SHARED_LIBS, position independent, symbols hidden
# unless marked SWITCHYARD_API. Its sources see the repository root: "core/...", "kernels/...".
function(switchyard_add_library name)
  set(target switchyard_${name})
  add_library(${target})
  add_library(switchyard::${name} ALIAS ${target})
  set_target_properties(
    ${target}
    PROPERTIES EXPORT_NAME ${name}
               POSITION_INDEPENDENT_CODE ON
               CXX_EXTENSIONS OFF
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               VERSION ${PROJECT_VERSION}
               SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  )
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(
    ${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}
  )
  # Names in BUILD_INTERFACE leave no trace in the installed package.
  target_link_libraries(
    ${target} PRIVATE $<BUILD_INTERFACE:switchyard_options> $<BUILD_INTERFACE:switchyard_fmt>
  )
endfunction()

# switchyard_add_program(TARGET) makes an executable that is compiled as the library is.
function(switchyard_add_program target)
  add_executable(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${target} PRIVATE switchyard_options)
endfunction()
