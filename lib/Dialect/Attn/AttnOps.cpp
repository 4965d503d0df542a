#include "attnc/Dialect/Attn/Attn.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"
using namespace mlir;
using namespace attnc::attn;
#define GET_OP_CLASSES
#include "attnc/Dialect/Attn/Attn_op.cpp.inc"
