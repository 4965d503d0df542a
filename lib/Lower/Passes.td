//===- Passes.td - the lower phase, common to all targets ---------*- tablegen -*-===//

#ifndef ATTNC_LOWER_PASSES_TD
#define ATTNC_LOWER_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerAttn : Pass<"attnc-lower-attn", "::mlir::func::FuncOp"> {
  let summary = "every op of attn becomes loops and linalg ops on tensors";
  let description = [{
    Each op becomes one scf.forall over its independent rows or tiles. Its body works on slices of the destination and on
    temporaries of static size (bufferization.alloc_tensor), so that one-shot bufferization neither allocates memory that
    depends on the input nor copies a whole tensor. It is the general form: any shape, mask, score and normaliser.

    ```mlir
    %y = attn.rms_norm %x eps(1.0e-6) : tensor<?x384xf32>
    %r = bufferization.materialize_in_destination %y in %dest : (tensor<?x384xf32>, tensor<?x384xf32>) -> tensor<?x384xf32>
    ```
    becomes
    ```mlir
    %r = scf.forall (%row) in (%rows) shared_outs(%out = %dest) -> (tensor<?x384xf32>) {
      ... // Σ x² of the row, then the row of %out
    }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"queryBlock", "query-block", "int64_t", /*default=*/"16", "queries of a tile of attention">,
    Option<"keyBlock", "key-block", "int64_t", /*default=*/"64", "keys of a tile of attention">,
  ];
}

#endif
