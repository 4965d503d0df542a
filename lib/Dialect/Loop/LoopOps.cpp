#include "attnc/Dialect/Loop/Loop.h"
#include "mlir/IR/Builders.h"
using namespace mlir;
using namespace attnc::loop;
#define GET_OP_CLASSES
#include "attnc/Dialect/Loop/Loop_op.cpp.inc"
