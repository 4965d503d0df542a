// linalg.softmax and its like have no loops of their own: they become the ops that have. tensor.pad, concat and generate have
// no destination: they become fills, slices and loops into one.
#include "attnc/Schedule/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attnc {
#define GEN_PASS_DEF_DECOMPOSEOPS
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// linalg.softmax and its like, as the ops they stand for.
void decompose(linalg::AggregatedOpInterface op, IRRewriter &rewriter) {
  FailureOr<SmallVector<Value>> parts = op.decomposeOperation(rewriter);
  if (succeeded(parts)) // else left to whoever knows it
    rewriter.replaceOp(op, *parts);
}

class DecomposeOps : public attnc::impl::DecomposeOpsBase<DecomposeOps> {
public:
  void runOnOperation() override {
    SmallVector<Operation *> found;
    getOperation()->walk([&](Operation *op) {
      if (isa<linalg::AggregatedOpInterface, tensor::PadOp, tensor::GenerateOp, tensor::ConcatOp>(op))
        found.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : found) {
      rewriter.setInsertionPoint(op);
      if (auto pad = dyn_cast<tensor::PadOp>(op))
        (void)linalg::rewriteInDestinationPassingStyle(rewriter, pad);
      else if (auto generate = dyn_cast<tensor::GenerateOp>(op))
        (void)linalg::rewriteInDestinationPassingStyle(rewriter, generate);
      else if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
        FailureOr<SmallVector<Value>> whole = concat.decomposeOperation(rewriter);
        if (succeeded(whole))
          rewriter.replaceOp(concat, *whole);
      } else {
        decompose(cast<linalg::AggregatedOpInterface>(op), rewriter);
      }
    }
  }
};

} // namespace
