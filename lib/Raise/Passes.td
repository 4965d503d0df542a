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

    A term in the denominator that no key has, or a column beside the scores that is dropped behind softmax, is the op's
    sink. Weights that are the sigmoid of scores are its sigmoid normaliser, unless keys or values are a matrix of weights:
    that is a layer. Keys and values that are joined along j for this attention alone (a memory, a prefix, a cache in front
    of new ones) are its sources; what else reads the join keeps it.

    A score set to, or increased by, a constant at or below -10000 where a bool holds is masked: the constant is taken
    for -inf. A row of which nothing is visible becomes 0, where the graph gave NaN or, under a finite constant, a mean.
    Remarks (`--remarks-filter=raise`) name each product that has a softmax behind it and was not raised, and why.
  }];
  let dependentDialects = ["::attnc::attn::AttnDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"];
}

def RaiseCaptures : Pass<"attnc-raise-captures", "::mlir::func::FuncOp"> {
  let summary = "masks and biases that attention captures as tensors are computed in its regions";
  let description = [{
    Where elementwise ops, views, broadcasts and ranges made the tensor. The regions say then which keys a query sees, and
    the tensor of all pairs is not made:

    ```mlir
    %m = linalg.generic … { i = linalg.index 2; j = linalg.index 3; cmpi sle, j, i }
    %o = attn.attention … captures %m[0, 0, i, j] … mask(%b, %h, %i, %j, %n, %c) { attn.yield %c : i1 }
    // becomes
    %o = attn.attention … mask(%b, %h, %i, %j, %n) { %c = arith.cmpi sle, %j, %i : index  attn.yield %c : i1 }
    ```
  }];
  let dependentDialects = ["::attnc::attn::AttnDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"];
}

def RaiseSoftmax : Pass<"attnc-raise-softmax", "::mlir::func::FuncOp"> {
  let summary = "softmax in steps becomes linalg.softmax";
  let description = [{
    exp(s - m) / Σ exp(s - m), with m the same along the index of the sum (its maximum, or anything else), is one op:

    ```mlir
    %p = linalg.softmax dimension(1) ins(%s : tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def RaiseNorms : Pass<"attnc-raise-norms", "::mlir::func::FuncOp"> {
  let summary = "layer and root-mean-square normalisation in steps become attn.layer_norm and attn.rms_norm";
  let description = [{
    Over the last dimension of static size n: x · rsqrt(Σ x² / n + eps) · w, and with x - Σ x / n in place of x, and a bias;
    factors in any order, the variance also as E[x²] - E[x]², divided by √(…) or multiplied by its reciprocal, in f32 or
    not. √n · x · rsqrt(Σ x² + eps) is the same with eps / n; without the √n (L2), weight is 1 / √n. A normalisation with eps outside of the root is another
    function: it stays, and a remark says so.

    ```mlir
    %y = attn.layer_norm %x weight(%g : tensor<256xf32>) bias(%b : tensor<256xf32>) eps(1.0e-5) : tensor<?x?x256xf32>
    ```
  }];
  let dependentDialects = ["::attnc::attn::AttnDialect", "::mlir::tensor::TensorDialect"];
}

def RaiseRotary : Pass<"attnc-raise-rotary", "::mlir::func::FuncOp"> {
  let summary = "rotary position embedding in steps becomes attn.rotary";
  let description = [{
    Both layouts, from slices and concatenations, reshapes and stacks, or complex products, with cosines and sines of
    integer positions (a range, with an offset, or a tensor) times frequencies. Frequencies that are base^(-2c/n) become
    `base`; others a tensor. The angles of attn.rotary are in f64, so results differ from a graph's that has them in f32.

    ```mlir
    %r = attn.rotary half_split %q along [1] base(1.0e4) : tensor<?x?x6x64xf32>
    ```
  }];
  let dependentDialects = ["::attnc::attn::AttnDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def RaiseLoops : Pass<"attnc-raise-loops", "::mlir::func::FuncOp"> {
  let summary = "scf.while over rows that stop one by one becomes loop.adaptive";
  let description = [{
    The condition is `any(running) && step < cap`, running a carried bool per row or one computed from carried values. A
    value is carried `frozen` if its elements in a row that does not run are those it had, be that by a select or by
    arithmetic with a weight of 0; `free` otherwise. Not raised are loops in which a stopped row may run again.

    ```mlir
    %r:2 = loop.adaptive predicate active(%running = %some : tensor<?xi1>) cap(%c8) step(%t)
        carry(frozen %h = %x : tensor<?x4xf32>, free %n = %zero : tensor<i64>) {
      …
      loop.yield %y, %next score(%exit : tensor<?xi1>) : tensor<?x4xf32>, tensor<i64>
    }
    ```
  }];
  let dependentDialects = ["::attnc::loop::LoopDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
    "::mlir::arith::ArithDialect"];
}

def RaiseActivations : Pass<"attnc-raise-activations", "::mlir::func::FuncOp"> {
  let summary = "GELU and SiLU in steps become one linalg.generic";
  let description = [{
    There is no op for them: a scalar body says all that a kernel needs. A chain of elementwise ops is recognised by the
    values that it has, and becomes one generic in the cheapest form; a remark says which it is.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif
