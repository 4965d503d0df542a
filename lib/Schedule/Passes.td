//===- Passes.td - passes of the schedule phase ------------------*- tablegen -*-===//

#ifndef ATTNC_SCHEDULE_PASSES_TD
#define ATTNC_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseElementwise : Pass<"attnc-fuse-elementwise"> {
  let summary = "fuse elementwise ops into their reader, unless they would be computed several times";
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def DecomposeOps : Pass<"attnc-decompose-ops", "::mlir::func::FuncOp"> {
  let summary = "ops that consist of others step down to them";
  let description = [{
    linalg.softmax (and any op of linalg's AggregatedOpInterface), tensor.pad, tensor.concat, tensor.generate and tensor.splat become
    ops in destination style, and attention by sigmoid_sum becomes one by softmax:

    ```mlir
    %y = tensor.splat %s[%n] : tensor<?xf32>
    // becomes
    %e = tensor.empty(%n) : tensor<?xf32>
    %y = linalg.fill ins(%s : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect", "::mlir::affine::AffineDialect"];
}

def PrepareWeights : Pass<"attnc-prepare-weights", "::mlir::ModuleOp"> {
  let summary = "make what entries compute from weights alone weights of their own";
  let description = [{
    ```mlir
    %w = ml_program.global_load_const @w : tensor<32x16xf32>
    %t = linalg.transpose ins(%w : tensor<32x16xf32>) outs(%e : tensor<16x32xf32>) permutation = [1, 0]
    // becomes
    %t = ml_program.global_load_const @"w:transpose" : tensor<16x32xf32>
    // which is made once, from w, by
    func.func @prepare_transpose(%weight0: tensor<32x16xf32>) -> tensor<16x32xf32> attributes {attnc.prepare}
    ```
    Views, slices and broadcasts of weights stay, and what would be more than twice as large as the weights it is made from (and
    than 1 MiB).
  }];
  let dependentDialects = ["::attnc::AttncDialect", "::mlir::func::FuncDialect", "::mlir::ml_program::MLProgramDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
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
