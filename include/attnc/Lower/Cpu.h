// The lower phase for CPUs: kernels and entries from tensors and buffers to the LLVM dialect.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/LowerCpu/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/LowerCpu/Passes.h.inc"

/// The passes of the phase, in order.
void buildLowerCpuPhase(mlir::OpPassManager &passes);

} // namespace attnc
