// Softmax in steps that no attention has taken becomes linalg.softmax.
//
// Before: an element is exp(s - m) / Σ exp(s - m) over one of its indices, m the same along it (Scores.h). After: one
// op, which is max, exp, sum and quotient in one kernel. The tensor of s must exist.
#include "Scores.h"

#include "attnc/Raise/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"

namespace attnc {
#define GEN_PASS_DEF_RAISESOFTMAX
#include "attnc/Raise/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::raise;

namespace {

class RaiseSoftmax : public attnc::impl::RaiseSoftmaxBase<RaiseSoftmax> {
public:
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> quotients;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op->getNumResults() == 1 && op.getNumParallelLoops() == op.getNumLoops() && op.hasPureTensorSemantics() && endsInQuotient(op))
        quotients.push_back(op);
    });
    for (linalg::LinalgOp op : quotients)
      if (!op->use_empty())
        raise(op);
  }

private:
  static bool endsInQuotient(linalg::LinalgOp op) {
    Operation *last = op.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
    return last && isa<arith::DivFOp, arith::MulFOp>(last);
  }

  void raise(linalg::LinalgOp op) {
    ExprContext context;
    Elements elements(context);
    Value result = op->getResult(0);
    SmallVector<ExprRef> indices = elements.anyIndices(elements.getExtents(result));
    std::optional<SoftmaxElement> softmax = matchSoftmax(elements, elements.element(result, indices), indices);
    if (!softmax || softmax->sink)
      return;
    Value scores = findTensor(elements, softmax->scores, indices);
    if (!scores || scores.getType() != result.getType()) {
      remark::missed(op.getLoc(), remark::RemarkOpts::name("softmax").category("raise"))
          << "looks like a softmax, but no tensor of its type has the scores";
      return;
    }
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value init = tensor::EmptyOp::create(b, tensor::getMixedSizes(b, b.getLoc(), scores), getElementTypeOrSelf(scores));
    auto raised = linalg::SoftmaxOp::create(b, result.getType(), scores, init, llvm::find(indices, softmax->key) - indices.begin());
    result.replaceAllUsesWith(raised->getResult(0));
    remark::passed(op.getLoc(), remark::RemarkOpts::name("softmax").category("raise")) << "raised to linalg.softmax";
  }

  /// The tensor that has the expression at these indices.
  static Value findTensor(Elements &elements, ExprRef e, ArrayRef<ExprRef> indices) {
    SmallVector<ExprRef> loads(elements.getOrigins(e));
    if (e->kind == Kind::Load)
      loads.push_back(e);
    for (ExprRef load : loads)
      if (load->operands == indices)
        return load->value;
    return {};
  }
};

} // namespace
