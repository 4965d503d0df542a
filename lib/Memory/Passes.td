//===- Passes.td - passes of the plan phase ----------------------*- tablegen -*-===//

#ifndef ATTNC_MEMORY_PASSES_TD
#define ATTNC_MEMORY_PASSES_TD

include "mlir/Pass/PassBase.td"

def EntryArguments : Pass<"attnc-entry-arguments", "::mlir::ModuleOp"> {
  let summary = "make sizes, outputs, states and weights arguments of their entry";
  let description = [{
    Behind it an entry's arguments are its named sizes (index), inputs, outputs, states and weights, each with
    `attnc.role` and `attnc.name`; its results are the outputs and states after the call, computed into those arguments.

    ```mlir
    func.func @main(%x: tensor<?x8xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?x8xf32> {attnc.name = "y", attnc.dims = ["N"]})
    // becomes
    func.func @main(%n: index {attnc.name = "N", attnc.role = "size"}, %x: tensor<?x8xf32> {attnc.role = "input", …},
                    %y: tensor<?x8xf32> {attnc.role = "output", …}) -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::tensor::TensorDialect"];
}

def CarryInPlace : Pass<"attnc-carry-in-place", "::mlir::ModuleOp"> {
  let summary = "make every loop of an entry update its carried tensors in place";
  let description = [{
    A tensor that a loop yields is, behind this pass, computed into the tensor that the loop carried at that place, so
    that bufferization gives each carried value one buffer for the whole loop and never allocates per iteration.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::tensor::TensorDialect"];
}

def CheckSizes : Pass<"attnc-check-sizes", "::mlir::ModuleOp"> {
  let summary = "what goes to an output, a state or a carried value has its size";
}

def ComputeInPlace : Pass<"attnc-compute-in-place", "::mlir::ModuleOp"> {
  let summary = "compute outputs, states and carried values where they go";
  let description = [{
    ```mlir
    %e = tensor.empty() : tensor<8xf32>
    %a = attnc.launch @f(%x : tensor<8xf32>) into(%e : tensor<8xf32>) overwrites [true] -> tensor<8xf32>
    %y = bufferization.materialize_in_destination %a in %out : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    // becomes
    %y = attnc.launch @f(%x : tensor<8xf32>) into(%out : tensor<8xf32>) overwrites [true] -> tensor<8xf32>
    ```
    also through several updates, loops and branches.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::tensor::TensorDialect"];
}

def ResolveSizes : Pass<"attnc-resolve-sizes", "::mlir::ModuleOp"> {
  let summary = "express sizes of tensors by the named sizes of their entry";
  let description = [{
    tensor.dim looks through what keeps a shape: a destination and its result, a carried value and what the loop started
    from, so that the sizes of buffers are functions of the entry's arguments.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def BufferizeEntries : Pass<"attnc-bufferize-entries", "::mlir::ModuleOp"> {
  let summary = "entries from tensors to buffers; kernels stay on tensors";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect", "::mlir::func::FuncDialect"];
}

def PlanArena : Pass<"attnc-plan-arena", "::mlir::ModuleOp"> {
  let summary = "give every buffer of an entry its place in one arena";
  let description = [{
    Live ranges are taken over the linearised ops; what lives through an iteration of a loop lives through the whole loop.
    Buffers that live at the same time are put above one another, once; offsets are computed at the start of the
    entry from the real sizes: offset(a) = max over the buffers b below a of offset(b) + size(b). The entry gets the arena as its last
    argument, and a function `NAME_arena_size` from its sizes to the bytes needed.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

#endif
