// linalg.softmax and its like have no loops of their own: they become the ops that have.
#include "attnc/Schedule/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attnc {
#define GEN_PASS_DEF_DECOMPOSEOPS
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

class DecomposeOps : public attnc::impl::DecomposeOpsBase<DecomposeOps> {
public:
  void runOnOperation() override {
    SmallVector<linalg::AggregatedOpInterface> found;
    getOperation()->walk([&](linalg::AggregatedOpInterface op) { found.push_back(op); });
    for (linalg::AggregatedOpInterface op : found) {
      OpBuilder b(op);
      FailureOr<SmallVector<Value>> parts = op.decomposeOperation(b);
      if (failed(parts))
        continue; // left to whoever knows it
      op->replaceAllUsesWith(*parts);
      op->erase();
    }
  }
};

} // namespace
