# attnc_add_pass_plugin(NAME SOURCE...): a shared object for --load-pass-plugin of attnc and attnc-opt.
#
# It links nothing: MLIR, LLVM and the dialects of attnc are those of the tool that loads it, so that both mean the same
# op by attn.attention.
function(attnc_add_pass_plugin name)
  separate_arguments(definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE -fno-exceptions)
  target_compile_definitions(${name} PRIVATE ${definitions})
  target_include_directories(${name} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS}
    $<TARGET_PROPERTY:attnc::attncAttnDialect,INTERFACE_INCLUDE_DIRECTORIES>)
endfunction()
