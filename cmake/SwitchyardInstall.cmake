# SPDX-License-Identifier: Apache-2.0
# The installed package: libraries, headers, the backend kit, the command line program, a CMake
# package with one component per library and a pkg-config file.
include(CMakePackageConfigHelpers)

set(components core host)
if(TARGET switchyard_checkpoint)
  list(APPEND components checkpoint)
endif()
list(APPEND components ${SWITCHYARD_BUILT_BACKENDS})
list(TRANSFORM components PREPEND switchyard_ OUTPUT_VARIABLE libraries)
install(
  TARGETS ${libraries} switchyard_backend_kit switchyard_all
  EXPORT switchyard
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/switchyard/kit
)
if(TARGET switchyard_tool)
  install(TARGETS switchyard_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Public headers of what was built.
install(DIRECTORY include/switchyard DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        PATTERN "backends" EXCLUDE
)
set(backend_headers ${SWITCHYARD_BUILT_BACKENDS} host)
if("cuda" IN_LIST SWITCHYARD_BUILT_BACKENDS OR "hip" IN_LIST SWITCHYARD_BUILT_BACKENDS)
  list(APPEND backend_headers gpu)
endif()
foreach(backend IN LISTS backend_headers)
  install(FILES include/switchyard/backends/${backend}.hpp
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/switchyard/backends
  )
endforeach()
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/switchyard DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# CMake
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/switchyard)
set(SWITCHYARD_PACKAGE_COMPONENTS "${components}")
install(EXPORT switchyard NAMESPACE switchyard:: FILE switchyard-targets.cmake
        DESTINATION ${package_folder}
)
configure_package_config_file(
  cmake/switchyard-config.cmake.in ${PROJECT_BINARY_DIR}/switchyard-config.cmake
  INSTALL_DESTINATION ${package_folder}
)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/switchyard-config-version.cmake COMPATIBILITY SameMinorVersion
)
install(FILES ${PROJECT_BINARY_DIR}/switchyard-config.cmake
              ${PROJECT_BINARY_DIR}/switchyard-config-version.cmake DESTINATION ${package_folder}
)

# pkg-config. The prefix is found from the place of the file, so that the tree can be moved.
set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pkgconfig_prefix ${CMAKE_INSTALL_PREFIX})
  set(pkgconfig_libdir ${CMAKE_INSTALL_LIBDIR})
else()
  file(RELATIVE_PATH pkgconfig_up /prefix/${pkgconfig_folder} /prefix)
  string(REGEX REPLACE "/$" "" pkgconfig_up "${pkgconfig_up}")
  set(pkgconfig_prefix "\${pcfiledir}/${pkgconfig_up}")
  set(pkgconfig_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(pkgconfig_includedir ${CMAKE_INSTALL_INCLUDEDIR})
else()
  set(pkgconfig_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
# Users of a static archive come before what they use: backends and checkpoint, then the core.
list(REVERSE libraries)
list(TRANSFORM libraries PREPEND -l)
list(JOIN libraries " " pkgconfig_libraries)
set(pkgconfig_private "")
if("cuda" IN_LIST SWITCHYARD_BUILT_BACKENDS)
  string(APPEND pkgconfig_private "-L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -lrt -ldl ")
endif()
if("hip" IN_LIST SWITCHYARD_BUILT_BACKENDS)
  string(APPEND pkgconfig_private "-lamdhip64 ")
endif()
if("vulkan" IN_LIST SWITCHYARD_BUILT_BACKENDS)
  string(APPEND pkgconfig_private "-ldl ")
endif()
configure_file(cmake/switchyard.pc.in ${PROJECT_BINARY_DIR}/switchyard.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/switchyard.pc DESTINATION ${pkgconfig_folder})

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
