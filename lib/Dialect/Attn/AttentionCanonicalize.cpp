#include "AttentionOperands.h"
#include "mlir/IR/PatternMatch.h"
using namespace mlir;
using namespace attnc::attn;
void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &, MLIRContext *) {}
