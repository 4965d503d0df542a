//===- Passes.td - passes of the optimize phase ------------------*- tablegen -*-===//

#ifndef ATTNC_OPTIMIZE_PASSES_TD
#define ATTNC_OPTIMIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandPolicies : Pass<"attnc-expand-policies"> {
  let summary = "give every halting loop the one form: loop.adaptive region";
  let description = [{
    Each policy becomes a carried score and a halt region, `mean` and `blend` become frozen values that the body updates by
    its weight, and loop.fixed_point becomes a loop whose rows are the samples.

    ```mlir
    %s, %steps = loop.adaptive threshold threshold(%limit) active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
        carry(frozen %h = %h0 : tensor<?x8xf32>) {
      …
      loop.yield %y score(%p : tensor<?xf32>) : tensor<?x8xf32>
    }
    // becomes
    %s, %p1, %steps = loop.adaptive region active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
        carry(frozen %h = %h0 : tensor<?x8xf32>, frozen %q = %zeros : tensor<?xf32>) {
      …
      loop.yield %y, %p : tensor<?x8xf32>, tensor<?xf32>
    } halt(%t, %before, %score_before, %after, %score_after) {
      %exit = linalg.generic … %score_after ≥ %limit
      loop.yield %exit : tensor<?xi1>
    }
    ```
  }];
  let dependentDialects = ["::attnc::loop::LoopDialect", "::attnc::attn::AttnDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def CompactLoops : Pass<"attnc-compact-loops", "::mlir::ModuleOp"> {
  let summary = "halting loops compute their running rows alone";
  let description = [{
    Wants the form that attnc-expand-policies leaves. A body whose products or attention work row by row lists its running rows at
    each step (attn.nonzero), gathers what it reads of them, and puts back what it carries. An op is skipped for rows that have stopped
    exactly where every use of what it gives ends in a select by the running rows; keys and values that attention reads of stopped rows
    are computed for all. A remark (category `loops`) says what follows the rows. A module marked `attnc.no_compact` is left alone.
  }];
  let dependentDialects = ["::attnc::attn::AttnDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def SplitStepSignals : Pass<"attnc-split-step-signals", "::mlir::ModuleOp"> {
  let summary = "keys and values that change by a step's signal alone are computed without it";
  let description = [{
    Wants the form that attnc-expand-policies leaves. Where attention's keys and values are "row value + step vector", K = (H + S_t)·W with H
    frozen and S_t the sum of a table of positions and of a vector of the step, they are computed from H and the table; what the vector adds to the
    values is added to the output. A packed projection is split into those of queries, keys and values. A remark (category `loops`) says where that is done,
    and where it is not, what stood in the way.
  }];
  let dependentDialects = ["::attnc::attn::AttnDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def CheckOps : Pass<"attnc-check-ops"> {
  let summary = "every op is one that the later phases know";
  let description = [{
    The first pass of the phase: an op of another dialect would else fail in a later one, in its words.
  }];
}

def LowerLoops : Pass<"attnc-lower-loops"> {
  let summary = "loop.adaptive and loop.segment become scf.while and scf.for";
  let description = [{
    Wants the form that attnc-expand-policies leaves. What a loop carries is updated by ops whose destination is the carried
    tensor, so that bufferization updates it in place; whether any row runs is carried as a scalar.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"];
}

def ExplainCanonicalization : Pass<"attnc-explain-canonicalization"> {
  let summary = "canonicalize, and remark at each op of attn and loop why a pattern did not apply";
  let description = [{
    For who writes a model and wonders what is left of it, or writes a pattern. The remark is what the pattern gave to
    `notifyMatchFailure`, once for each op and reason.
  }];
}

#endif
