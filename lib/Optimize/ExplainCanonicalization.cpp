// Canonicalizes the ops of attn and loop, and says at each op why a pattern did not apply to it: the greedy
// driver tells its listener what patterns give to notifyMatchFailure.
#include "attnc/Optimize/Passes.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

namespace attnc {
#define GEN_PASS_DEF_EXPLAINCANONICALIZATION
#include "attnc/Optimize/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// Collects reasons; they are told when the driver is done, since ops come and go under it.
struct ReasonListener : RewriterBase::Listener {
  void notifyMatchFailure(Location loc, function_ref<void(Diagnostic &)> reason) override {
    Diagnostic text(loc, DiagnosticSeverity::Remark);
    reason(text);
    std::string key;
    llvm::raw_string_ostream(key) << loc << text.str();
    if (seen.insert(key).second)
      reasons.push_back({loc, text.str()});
  }

  llvm::StringSet<> seen;
  SmallVector<std::pair<Location, std::string>> reasons;
};

class ExplainCanonicalization : public attnc::impl::ExplainCanonicalizationBase<ExplainCanonicalization> {
public:
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      if (isa<attnc::attn::AttnDialect, attnc::loop::LoopDialect>(op.getDialect()))
        op.getCanonicalizationPatterns(set, context);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    ReasonListener listener;
    if (failed(applyPatternsGreedily(getOperation(), patterns, GreedyRewriteConfig().setListener(&listener))))
      return signalPassFailure();
    for (const auto &[loc, reason] : listener.reasons)
      emitRemark(loc) << reason;
  }

private:
  FrozenRewritePatternSet patterns;
};

} // namespace
