//===- Passes.td - passes of the schedule phase ------------------*- tablegen -*-===//

#ifndef ATTNC_SCHEDULE_PASSES_TD
#define ATTNC_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeOps : Pass<"attnc-decompose-ops", "::mlir::func::FuncOp"> {
  let summary = "linalg.softmax becomes one op a loop; tensor.pad, concat and generate write to a destination";
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def FormKernels : Pass<"attnc-form-kernels", "::mlir::ModuleOp"> {
  let summary = "put every op that computes a tensor into a kernel";
  let description = [{
    Outlines each such op, with the cheap ops that feed it, into a private function marked `attnc.kernel` and launches that:

    ```mlir
    %e = tensor.empty(%n) : tensor<?x8xf32>
    %y = linalg.exp ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    // becomes
    %y = attnc.launch @exp(%x : tensor<?x8xf32>) into(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
    Kernels with equal bodies are one symbol.
  }];
  let dependentDialects = ["::attnc::AttncDialect", "::mlir::func::FuncDialect", "::mlir::bufferization::BufferizationDialect"];
}

#endif
