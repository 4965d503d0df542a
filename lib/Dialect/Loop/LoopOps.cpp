// Names that the block arguments of loop ops get in dumps.
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attnc::loop;

void AdaptiveOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  if (region.getNumArguments() == 0)
    return;
  setName(region.getArgument(0), "t");
  if (&region == &getBody() && region.getNumArguments() > 1)
    setName(region.getArgument(1), "running");
}

void SegmentOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  if (region.getNumArguments() != 0)
    setName(region.getArgument(0), "n");
}

void FixedPointOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  if (region.getNumArguments() != 0)
    setName(region.getArgument(0), "z");
}

#define GET_OP_CLASSES
#include "attnc/Dialect/Loop/Loop_op.cpp.inc"
