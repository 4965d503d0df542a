//===- Passes.td - the analysis of masks --------------------------*- tablegen -*-===//

#ifndef ATTNC_MASKS_PASSES_TD
#define ATTNC_MASKS_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineMasks : Pass<"attnc-outline-masks", "::mlir::ModuleOp"> {
  let summary = "makes a function of what the analysis finds about each mask region";
  let description = [{
    For a person, and for tests: lowerings inline the same ops. Beside the function with an attention that has masks stands
    one function a region, `NAME_mask0` and so on, of batch, head, the first and last query and key position of a block,
    the number of the source and the captures (two arguments, least and greatest, for an integer indexed by i or j). It returns
    whether every pair of the block is visible, whether some pair is, and the first and last key position that some query of the block sees.

    ```mlir
    mask(%b, %h, %i, %j, %n) {
      %causal = arith.cmpi sle, %j, %i : index
      attn.yield %causal : i1
    }
    ```
    becomes, of queries i0 … i1 and keys j0 … j1,
    ```mlir
    %all = arith.cmpi sle, %j1, %i0 : index
    %any = arith.cmpi sle, %j0, %i1 : index
    return %all, %any, %unbounded, %i1 : i1, i1, index, index
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif
