// loop.adaptive over rows of several dimensions → over rows of one.
#include "RowSpace.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::compact;
using namespace attnc::loop;

SmallVector<ReassociationIndices> compact::mergeRows(int64_t rank, unsigned rowDims) {
  SmallVector<ReassociationIndices> groups = {llvm::to_vector(llvm::seq<int64_t>(rowDims))};
  for (int64_t dim : llvm::seq<int64_t>(rowDims, rank))
    groups.push_back({dim});
  return groups;
}

namespace {

Value collapse(OpBuilder &b, Location loc, Value tensor, unsigned rank) {
  return tensor::CollapseShapeOp::create(b, loc, tensor, mergeRows(cast<RankedTensorType>(tensor.getType()).getRank(), rank));
}

class Flattening {
public:
  explicit Flattening(AdaptiveOp op) : op(op), loc(op.getLoc()), b(op.getContext()), rank(op.getRowType().getRank()) {}

  RowLoop run() {
    b.setInsertionPoint(op);
    RowLoop result{op, tensor::getMixedSizes(b, loc, op.getActive())};
    if (rank == 1)
      return result;
    sizes = result.sizes;
    SmallVector<Value> inits;
    for (auto [i, init] : llvm::enumerate(op.getInits())) {
      shapes.push_back(hasRows(i) ? shapeOf(init) : SmallVector<OpFoldResult>());
      inits.push_back(hasRows(i) ? collapse(b, loc, init, rank) : init);
    }
    Value active = collapse(b, loc, op.getActive(), rank);
    result.op = create(active, inits);
    return result;
  }

private:
  bool hasRows(unsigned carried) { return op.getMark(carried) != Mark::Free; }

  /// Rows have the sizes of the mask: of equal sizes, one.
  SmallVector<OpFoldResult> shapeOf(Value init) {
    SmallVector<OpFoldResult> shape = tensor::getMixedSizes(b, loc, init);
    llvm::copy(sizes, shape.begin());
    return shape;
  }

  Value expand(Value flat, Type type, ArrayRef<OpFoldResult> shape) {
    auto tensor = cast<RankedTensorType>(type);
    return tensor::ExpandShapeOp::create(b, loc, tensor, flat, mergeRows(tensor.getRank(), rank), shape);
  }

  /// Lets a region's arguments from `first` on be flat; each is carried value (i mod count), or the mask where that is null.
  void flattenArguments(Region &region, unsigned first, bool withMask) {
    b.setInsertionPointToStart(&region.front());
    unsigned count = op.getNumCarried();
    auto flatten = [&](BlockArgument argument, Type flat, ArrayRef<OpFoldResult> shape) {
      Type old = argument.getType();
      argument.setType(flat);
      Value expanded = expand(argument, old, shape);
      argument.replaceAllUsesExcept(expanded, expanded.getDefiningOp());
    };
    if (withMask)
      flatten(region.getArgument(first - 1), flatMask, sizes);
    for (unsigned i = first; i < region.getNumArguments(); ++i)
      if (unsigned carried = (i - first) % count; hasRows(carried))
        flatten(region.getArgument(i), flatTypes[carried], shapes[carried]);
  }

  void flattenYield(Region &region, function_ref<bool(unsigned)> isFlat) {
    Operation *yield = region.front().getTerminator();
    b.setInsertionPoint(yield);
    for (OpOperand &operand : yield->getOpOperands())
      if (isFlat(operand.getOperandNumber()))
        operand.set(collapse(b, loc, operand.get(), rank));
  }

  AdaptiveOp create(Value active, ArrayRef<Value> inits) {
    unsigned count = op.getNumCarried();
    flatMask = active.getType();
    SmallVector<Type> types;
    for (Value init : inits)
      types.push_back(init.getType());
    flatTypes = types;
    for (Value result : op.getResults().drop_front(count))
      types.push_back(cast<RankedTensorType>(flatMask).clone(cast<RankedTensorType>(result.getType()).getElementType()));
    auto flat = AdaptiveOp::create(b, loc, types, active, op.getCap(), inits, Value(), Value(), Policy::Region, op.getMarks(), Compare::Ge,
                                   Remainder::Assign, IntegerAttr(), IntegerAttr(), FloatAttr(), op.getMargin());
    flat->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    flattenArguments(op.getBody(), 2, /*withMask=*/true);
    flattenArguments(op.getHalt(), 1, /*withMask=*/false);
    flattenYield(op.getBody(), [&](unsigned i) { return hasRows(i); });
    flattenYield(op.getHalt(), [](unsigned) { return true; });
    flat.getBody().takeBody(op.getBody());
    flat.getHalt().takeBody(op.getHalt());
    b.setInsertionPointAfter(flat);
    for (auto [i, result, old] : llvm::enumerate(flat.getResults(), op.getResults())) {
      bool isFlat = i >= count || hasRows(i);
      Value value = isFlat ? expand(result, old.getType(), i < count ? shapes[i] : sizes) : Value(result);
      old.replaceAllUsesWith(value);
    }
    op.erase();
    return flat;
  }

  AdaptiveOp op;
  Location loc;
  OpBuilder b;
  unsigned rank;
  SmallVector<OpFoldResult> sizes;
  SmallVector<SmallVector<OpFoldResult>> shapes; ///< of what is carried flat, as it was
  SmallVector<Type> flatTypes;
  Type flatMask;
};

} // namespace

RowLoop compact::flattenRows(AdaptiveOp op) { return Flattening(op).run(); }
