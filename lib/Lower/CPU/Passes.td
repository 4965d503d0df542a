//===- Passes.td - the CPU's part of the lower phase --------------*- tablegen -*-===//

#ifndef ATTNC_LOWER_CPU_PASSES_TD
#define ATTNC_LOWER_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def InsertPolls : Pass<"attnc-insert-polls", "::mlir::ModuleOp"> {
  let summary = "put attnc.poll at the head of every loop of an entry";
  let dependentDialects = ["::attnc::AttncDialect"];
}

def AssociateReductions : Pass<"attnc-associate-reductions", "::mlir::func::FuncOp"> {
  let summary = "let sums of contractions be taken in any order and with fused multiply-adds";
}

def TileAttention : Pass<"attnc-tile-attention", "::mlir::func::FuncOp"> {
  let summary = "attention in blocks of registers, on packed tiles of keys";
  let description = [{
    Sizes are those of the CPU level that the module is lowered for. Becomes one scf.forall over batches, groups of heads and blocks of
    queries, on buffers. Operands may have any layout, regions become vector code. Attention in f64, of dynamic width, with
    regions that are no vector code, or with a post region behind a sum stays as it is for attnc-lower-attn; a remark says why.

    ```mlir
    %y = attn.attention softmax scale(0.125) query %q[b, i, g, d] : …
    ```
    becomes
    ```mlir
    %buffer = bufferization.to_buffer %init : tensor<?x?x12x64xf32> to memref<?x?x12x64xf32, strided<[?, ?, ?, 1], offset: ?>>
    scf.forall (%b, %g, %block) in (%batch, 12, %blocks) {
      ... // the rows of the block
    }
    %y = bufferization.to_tensor %buffer restrict writable : …
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

def MergeLoops : Pass<"attnc-merge-loops", "::mlir::func::FuncOp"> {
  let summary = "loops that count together in all operands of a contraction's kernel become one";
  let description = [{
    ```mlir
    %y = linalg.generic … ins(%x, %w : tensor<?x?x8xf32>, tensor<8x16xf32>) outs(%f : tensor<?x?x16xf32>)    // b, t, n, k
    // becomes
    %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x?x8xf32> into tensor<?x8xf32>
    %z = linalg.generic … ins(%rows, %w : tensor<?x8xf32>, tensor<8x16xf32>) outs(%g : tensor<?x16xf32>)     // bt, n, k
    %y = tensor.expand_shape %z [[0, 1], [2]] output_shape [%b, %t, 16] : tensor<?x16xf32> into tensor<?x?x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def LowerContractions : Pass<"attnc-lower-contractions", "::mlir::func::FuncOp"> {
  let summary = "contractions of kernels, with what follows them element by element, become loops around blocks of sums in registers";
  let description = [{
    The block is that of the module's CPU level. What is no contraction of floats, or has no operand whose elements are read as vectors,
    is left alone.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

def ExtremeReductions : Pass<"attnc-extreme-reductions", "::mlir::func::FuncOp"> {
  let summary = "the greatest or least of a row of floats is found among integers in the same order, which LLVM does in vectors";
  let description = [{
    ```mlir
    scf.for %j = %c0 to %n step %c1 {
      %v = memref.load %x[%i, %j] : memref<?x?xf32>
      %m = memref.load %y[%i] : memref<?xf32>
      %next = arith.maxnumf %v, %m : f32
      memref.store %next, %y[%i] : memref<?xf32>
    }
    ```
    carries the key of the greatest element (`arith.maxsi`) instead, and stores it behind the loop.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def KernelScratch : Pass<"attnc-kernel-scratch", "::mlir::func::FuncOp"> {
  let summary = "temporaries of a kernel live on its stack";
  let description = [{
    Each memref.alloc of a kernel has a static size and becomes memref.alloca; one whose size depends on the
    input is an error: such memory belongs to the arena.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def KernelResults : Pass<"attnc-kernel-results", "::mlir::func::FuncOp"> {
  let summary = "kernels on buffers return nothing: their results are in their destinations";
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def StridedCopies : Pass<"attnc-strided-copies", "::mlir::ModuleOp"> {
  let summary = "copies between buffers that are not contiguous become linalg.copy";
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def ExpandViews : Pass<"attnc-expand-views", "::mlir::ModuleOp"> {
  let summary = "memref.expand_shape becomes a cast with explicit sizes and strides";
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def CallKernels : Pass<"attnc-call-kernels", "::mlir::ModuleOp"> {
  let summary = "attnc.launch on buffers becomes a call";
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect"];
}

def ShareLoops : Pass<"attnc-share-loops", "::mlir::ModuleOp"> {
  let summary = "the outermost independent loops of kernels become chunks that threads share";
  let description = [{
    An scf.forall or scf.parallel that lies in no other loop of its kernel becomes a function that runs a part of it, and
    a call that leaves the parts to attnc_control.parallel (lib/Lower/CPU/README.md).
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect"];
}

def KernelAttributes : Pass<"attnc-kernel-attributes", "::mlir::LLVM::LLVMFuncOp"> {
  let summary = "tell LLVM that a kernel's arguments do not overlap, to keep it a function, and to optimise nothing else";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def EntryAbi : Pass<"attnc-entry-abi", "::mlir::ModuleOp"> {
  let summary = "give entries the C interface of a package (include/attnc-c/KernelAbi.h)";
  let description = [{
    For an entry NAME: attnc_NAME(buffers, dims, arena, control) -> i32 calls it on memrefs made from the pointers, and
    attnc_NAME_size(dims) -> i64 is the arena's bytes. attnc.poll becomes a branch to the entry's end.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::cf::ControlFlowDialect", "::mlir::arith::ArithDialect"];
}

#endif
