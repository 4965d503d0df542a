// Registration of the loop dialect.
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attnc::loop;

#include "attnc/Dialect/Loop/Loop_dialect.cpp.inc"
#include "attnc/Dialect/Loop/Loop_enum.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "attnc/Dialect/Loop/Loop_attr.cpp.inc"

namespace {
/// What hoisting needs to know. Carried values are not shown as iteration arguments: a row that has stopped keeps its
/// value, which upstream's loops do not.
template <typename Op>
struct Hoisting : LoopLikeOpInterface::ExternalModel<Hoisting<Op>, Op> {
  SmallVector<Region *> getLoopRegions(Operation *op) const {
    SmallVector<Region *> regions;
    for (Region &region : op->getRegions())
      if (!region.empty())
        regions.push_back(&region);
    return regions;
  }
};
} // namespace

namespace {
/// Functions whose ops are of this dialect may be inlined anywhere, into its regions too.
struct Inliner : public DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Operation *, bool) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void LoopDialect::initialize() {
  addInterfaces<Inliner>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attnc/Dialect/Loop/Loop_attr.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "attnc/Dialect/Loop/Loop_op.cpp.inc"
      >();
  AdaptiveOp::attachInterface<Hoisting<AdaptiveOp>>(*getContext());
  SegmentOp::attachInterface<Hoisting<SegmentOp>>(*getContext());
  FixedPointOp::attachInterface<Hoisting<FixedPointOp>>(*getContext());
}
