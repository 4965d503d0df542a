#include "attnc/Dialect/Loop/Loop.h"
using namespace mlir;
using namespace attnc::loop;
LogicalResult AdaptiveOp::verify() { return success(); }
LogicalResult AdaptiveOp::verifyRegions() { return success(); }
LogicalResult SegmentOp::verify() { return success(); }
LogicalResult SegmentOp::verifyRegions() { return success(); }
LogicalResult FixedPointOp::verify() { return success(); }
LogicalResult FixedPointOp::verifyRegions() { return success(); }
