// Every op is of a dialect that schedule, plan and lower know.
#include "attnc/Optimize/Passes.h"

#include "llvm/ADT/StringExtras.h"

namespace attnc {
#define GEN_PASS_DEF_CHECKOPS
#include "attnc/Optimize/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

constexpr StringLiteral kKnown[] = {"func", "linalg", "tensor", "arith", "math", "scf", "affine", "index", "ml_program", "attn", "loop"};
/// What canonical forms leave.
constexpr StringLiteral kAlso[] = {"builtin", "attnc", "ub"};

class CheckOps : public attnc::impl::CheckOpsBase<CheckOps> {
public:
  void runOnOperation() override {
    WalkResult walked = getOperation()->walk([](Operation *op) {
      StringRef dialect = op->getName().getDialectNamespace();
      if (llvm::is_contained(kKnown, dialect) || llvm::is_contained(kAlso, dialect))
        return WalkResult::advance();
      op->emitError("expected an op of ") << llvm::join(ArrayRef(kKnown), ", ") << ", found " << op->getName()
                                          << ": lower it before, or with --insert=import:PIPELINE";
      return WalkResult::interrupt();
    });
    if (walked.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
