// The list of passes of the lower phase for CPUs.
#include "attnc/Lower/Cpu.h"
#include "attnc/Lower/LowerAttn.h"
#include "attnc/Math/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

/// Kernels from tensors to buffers: destinations are written in place, temporaries are on the stack.
static void bufferizeKernels(OpPassManager &passes) {
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  passes.addPass(bufferization::createEmptyTensorEliminationPass());
  passes.addPass(bufferization::createOneShotBufferizePass(options));
  passes.addPass(createCanonicalizerPass()); // results are seen to be destinations
  passes.addNestedPass<func::FuncOp>(attnc::createKernelResults());
  passes.addPass(createCSEPass());
  passes.addPass(createCanonicalizerPass());
  passes.addNestedPass<func::FuncOp>(attnc::createKernelScratch());
}

static void convertToLLVM(OpPassManager &passes) {
  // No CPU of these levels computes in bf16.
  arith::ArithEmulateUnsupportedFloatsOptions emulate;
  emulate.sourceTypeStrs = {"bf16"};
  passes.addPass(arith::createArithEmulateUnsupportedFloats(emulate));
  passes.addPass(attnc::createExpandMath());
  passes.addPass(createConvertVectorToSCFPass());
  passes.addPass(attnc::createExpandViews());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(attnc::createEntryAbi());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  passes.addPass(arith::createArithExpandOpsPass(expand));
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createFinalizeMemRefToLLVMConversionPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertIndexToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createUBToLLVMConversionPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addNestedPass<LLVM::LLVMFuncOp>(attnc::createKernelAttributes());
}

void attnc::buildLowerCpuPhase(OpPassManager &passes) {
  // 1. Kernels to loops over buffers.
  passes.addNestedPass<func::FuncOp>(createMergeLoops());
  passes.addNestedPass<func::FuncOp>(createLowerContractions());
  passes.addNestedPass<func::FuncOp>(createTileAttention());
  passes.addNestedPass<func::FuncOp>(createLowerAttn());
  passes.addNestedPass<func::FuncOp>(createAssociateReductions());
  bufferizeKernels(passes);
  passes.addPass(createCallKernels());
  passes.addPass(createStridedCopies());
  passes.addPass(createConvertLinalgToParallelLoopsPass());
  passes.addPass(createCanonicalizerPass());
  // 2. Independent loops to chunks for threads, the others to loops.
  passes.addPass(createShareLoops());
  passes.addPass(createForallToForLoopPass());
  passes.addPass(createParallelForToNestedForsPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addNestedPass<func::FuncOp>(createExtremeReductions());
  // 3. Entries can be stopped.
  passes.addPass(createInsertPolls());
  // 4. Everything to the LLVM dialect.
  convertToLLVM(passes);
}
