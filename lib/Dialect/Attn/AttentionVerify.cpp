#include "AttentionOperands.h"
using namespace mlir;
using namespace attnc::attn;
LogicalResult AttentionOp::verify() { return success(); }
