# attnc_add_library(NAME SOURCE... [LINK LIB...])
#
# A static library of the runtime half: no LLVM, exceptions and RTTI as the standard library wants them.
# Optimised for size: the work is in compiled models, and attnc-run has to be small. Files with loops
# over data ask for more (set_source_files_properties).
function(attnc_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-Os> -ffunction-sections -fdata-sections)
  install(TARGETS ${name} EXPORT attncRuntimeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()

# attnc_add_mlir_library(NAME SOURCE... [FOR_PLUGINS | FOR_TESTS] [DEPENDS TARGET...] [LINK LIB...])
#
# A library of the compiler half: exceptions off as in LLVM, upstream headers precompiled once
# (attncPch owns them, the others reuse). FOR_PLUGINS: pass plugins find its symbols in the tool that loads them.
# FOR_TESTS: not installed.
function(attnc_add_mlir_library name)
  cmake_parse_arguments(ARG "FOR_PLUGINS;FOR_TESTS" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  attnc_use_mlir(${name})
  if(ATTNC_PCH)
    target_precompile_headers(${name} REUSE_FROM attncPch)
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  add_dependencies(${name} attncTableGen ${ARG_DEPENDS})
  if(ARG_FOR_PLUGINS)
    set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET default)
    set_property(GLOBAL APPEND PROPERTY ATTNC_PLUGIN_LIBS ${name})
  endif()
  if(NOT ARG_FOR_TESTS)
    install(TARGETS ${name} EXPORT attncCompilerTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
      INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  endif()
endfunction()

# Compiles a target against LLVM and MLIR as upstream does (no exceptions; RTTI as in Debian's build).
function(attnc_use_mlir target)
  target_include_directories(${target} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_definitions(${target} PRIVATE ${LLVM_DEFINITIONS_LIST})
  target_compile_options(${target} PRIVATE -fno-exceptions)
endfunction()

# attnc_add_mlir_tool(NAME SOURCE... [LINK LIB...])
function(attnc_add_mlir_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  attnc_use_mlir(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
  # Plugins loaded by a tool see the dialects, all of them: also what the tool itself does not call.
  get_property(visible GLOBAL PROPERTY ATTNC_PLUGIN_LIBS)
  string(REPLACE ";" "," visible "${visible}")
  set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON LINK_LIBRARY_OVERRIDE "WHOLE_ARCHIVE,${visible}"
    INSTALL_RPATH_USE_LINK_PATH ON) # LLVM's folder is none of the system's
  add_dependencies(${name} attncTableGen)
  install(TARGETS ${name} EXPORT attncCompilerTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# attnc_add_passes(ROOM): TableGen of lib/ROOM/Passes.td to include/attnc/ROOM/Passes.h.inc.
function(attnc_add_passes room)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include/attnc/${room})
  file(RELATIVE_PATH out ${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_BINARY_DIR}/include/attnc/${room})
  include_directories(${MLIR_INCLUDE_DIRS})
  set(LLVM_TARGET_DEFINITIONS ${CMAKE_CURRENT_SOURCE_DIR}/Passes.td)
  mlir_tablegen(${out}/Passes.h.inc -gen-pass-decls -name ${room})
  add_public_tablegen_target(attnc${room}PassesTableGen)
  add_dependencies(attncTableGen attnc${room}PassesTableGen)
endfunction()
