//===- Passes.td - passes of the raise phase ---------------------*- tablegen -*-===//

#ifndef ATTNC_RAISE_PASSES_TD
#define ATTNC_RAISE_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseAttention : Pass<"attnc-raise-attention", "::mlir::func::FuncOp"> {
  let summary = "products, softmax and masks that make an attention become attn.attention";
  let description = [{
    Found by what elements are, not by which ops compute them: w = softmax over j of scores, in any of its forms; scores
    a function of c · Σ_d q·k; the result Σ_j w·v. Reshapes, transpositions, broadcasts and slices between them become
    the op's index lists (grouped heads its g and r), comparisons of ranges and bool tensors its mask region, whatever
    else is done to scores its score region.

    ```mlir
    %s = linalg.batch_matmul_transpose_b …            %q, %k
    %m = linalg.generic … select(j ≤ i, s · 0.125, -inf)
    %w = linalg.softmax dimension(2) ins(%m) outs(…)
    %o = linalg.batch_matmul ins(%w, %v) outs(%zeros)
    // becomes
    %o = attn.attention softmax scale(0.125) query %q[b, i, d] source %k[b, j, d], %v[b, j, v] into %e[b, i, v]
        mask(%b, %h, %i, %j, %n) { %c = arith.cmpi sle, %j, %i : index  attn.yield %c : i1 }
    ```

    A score set to, or increased by, a constant at or below -10000 where a bool holds is masked: the constant is taken
    for -inf. A row of which nothing is visible becomes 0, where the graph gave NaN or, under a finite constant, a mean.
    Remarks (`--remarks-filter=raise`) name each product that has a softmax behind it and was not raised, and why.
  }];
  let dependentDialects = ["::attnc::attn::AttnDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"];
}

#endif
