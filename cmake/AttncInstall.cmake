# cmake --install, and what find_package(attnc) reads: headers with the generated ones beside them, tools, libraries.
include(CMakePackageConfigHelpers)
set(ATTNC_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/attnc)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT attncRuntimeTargets NAMESPACE attnc:: DESTINATION ${ATTNC_CONFIG_DIR})
if(ATTNC_COMPILER)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/include/attnc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.inc")
  install(EXPORT attncCompilerTargets NAMESPACE attnc:: DESTINATION ${ATTNC_CONFIG_DIR})
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/AttncPlugin.cmake DESTINATION ${ATTNC_CONFIG_DIR})
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/attncConfig.cmake.in ${PROJECT_BINARY_DIR}/attncConfig.cmake
  INSTALL_DESTINATION ${ATTNC_CONFIG_DIR} PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/attncConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/attncConfig.cmake ${PROJECT_BINARY_DIR}/attncConfigVersion.cmake
  DESTINATION ${ATTNC_CONFIG_DIR})
