"""lit configuration: FileCheck tests of passes and executed tests of the tools."""
import os

import lit.formats
from lit.llvm import llvm_config

config.name = "attnc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Models", "Bench", "Inputs", "Examples"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.attnc_obj_root, "test")

for tools in (config.attnc_tools_dir, config.llvm_tools_dir):
    llvm_config.with_environment("PATH", tools, append_path=True)
config.substitutions += [("%python", config.python), ("%source_root", config.attnc_src_root), ("%build_root", config.attnc_obj_root)]
llvm_config.add_tool_substitutions(["attnc", "attnc-opt", "attnc-run", "attnc-bench", "attnc-lsp-server", "attnc-reduce"], [config.attnc_tools_dir])
llvm_config.add_tool_substitutions(["FileCheck", "not", "count", "mlir-translate", "clang", "clang++", "clang-format"], [config.llvm_tools_dir])
if "avx512f" in open("/proc/cpuinfo").read():
    config.available_features.add("avx512")
