# SPDX-License-Identifier: Apache-2.0
# Compiles the GLSL bodies while building; without it what spirv/ carries is used.
set(SWITCHYARD_COMPILE_SHADERS
    AUTO
    CACHE STRING "Compile Vulkan's bodies while building: ON, OFF, or AUTO: where glslc is there, in the \
version that made the carried ones"
)
set_property(CACHE SWITCHYARD_COMPILE_SHADERS PROPERTY STRINGS AUTO ON OFF)
if(NOT SWITCHYARD_COMPILE_SHADERS)
  return()
endif()
find_program(SWITCHYARD_GLSLC glslc HINTS ENV VULKAN_SDK PATH_SUFFIXES bin)
mark_as_advanced(SWITCHYARD_GLSLC)
find_package(Python3 QUIET COMPONENTS Interpreter)
set(can_compile FALSE)
if(SWITCHYARD_GLSLC AND Python3_Interpreter_FOUND)
  set(can_compile TRUE)
elseif(NOT SWITCHYARD_COMPILE_SHADERS STREQUAL "AUTO")
  message(FATAL_ERROR "SWITCHYARD_COMPILE_SHADERS is on, which needs glslc and python3")
endif()
set(build_shaders ${PROJECT_SOURCE_DIR}/scripts/build-shaders)
set(command ${CMAKE_COMMAND} -E env GLSLC=${SWITCHYARD_GLSLC} ${Python3_EXECUTABLE} ${build_shaders})
if(can_compile AND SWITCHYARD_COMPILE_SHADERS STREQUAL "AUTO")
  execute_process(COMMAND ${command} --same RESULT_VARIABLE differs OUTPUT_QUIET ERROR_QUIET)
  if(NOT differs EQUAL 0)
    set(can_compile FALSE)
  endif()
endif()
if(NOT can_compile)
  message(STATUS "switchyard: Vulkan's bodies are the carried SPIR-V")
  return()
endif()
message(STATUS "switchyard: Vulkan's bodies are compiled by ${SWITCHYARD_GLSLC}")
file(
  GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*/*.comp
  ${PROJECT_SOURCE_DIR}/kernels/*/*.glsl
)
file(GLOB carried CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
     ${CMAKE_CURRENT_SOURCE_DIR}/spirv/*.inc
)
set(shaders_dir ${CMAKE_CURRENT_BINARY_DIR}/compiled)
list(TRANSFORM carried PREPEND ${shaders_dir}/)
add_custom_command(
  OUTPUT ${carried}
  COMMAND ${command} --into ${shaders_dir}
  DEPENDS ${sources} ${build_shaders}
  COMMENT "Compiling Vulkan's bodies"
  VERBATIM
)
target_sources(switchyard_vulkan PRIVATE ${carried})
target_include_directories(switchyard_vulkan BEFORE PRIVATE ${shaders_dir})
