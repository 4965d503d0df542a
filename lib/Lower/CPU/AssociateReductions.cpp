// Sums of contractions may be taken in any order: without this a vector of partial sums is not
// allowed. NaN, infinities and signed zeros keep their meaning. Elementwise ops are left alone, so that
// halting decisions are computed as written.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace attnc {
#define GEN_PASS_DEF_ASSOCIATEREDUCTIONS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

class AssociateReductions : public attnc::impl::AssociateReductionsBase<AssociateReductions> {
public:
  void runOnOperation() override {
    auto flags = arith::FastMathFlagsAttr::get(&getContext(), arith::FastMathFlags::reassoc | arith::FastMathFlags::contract);
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.getNumReductionLoops() == 0)
        return;
      op->walk([&](Operation *inner) {
        if (isa<arith::AddFOp, arith::MulFOp>(inner))
          inner->setAttr("fastmath", flags);
      });
    });
  }
};

} // namespace
