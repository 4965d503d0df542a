// Normalisation, rotary embedding and rings: shapes and constraints.
#include "Verify.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attnc::attn;

/// One result, shaped as an operand.
static LogicalResult reifyLike(OpBuilder &b, Location loc, Value like,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, loc, like));
  return success();
}

LogicalResult LayerNormOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getInput(), shapes);
}

LogicalResult RmsNormOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getInput(), shapes);
}

LogicalResult RotaryOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getInput(), shapes);
}

LogicalResult RingAppendOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getRing(), shapes);
}

//===----------------------------------------------------------------------===//
// Normalisation
//===----------------------------------------------------------------------===//

/// norm_c1: the input is of floats and has a last dimension. norm_c2: weight and bias have one
/// float for each of its elements. norm_c3: eps is finite and not negative.
static LogicalResult verifyNorm(Operation *op, Type input, Value weight, Value bias,
                                const APFloat &eps) {
  if (failed(verifyFloats(op, "input", input)) || failed(verifyAtLeastRank(op, "input", input, 1)))
    return failure();
  NamedExtents extents(op);
  (void)extents.verifyExtent("input", "d", cast<RankedTensorType>(input).getShape().back());
  for (auto [name, operand] : {std::pair<StringRef, Value>{"weight", weight}, {"bias", bias}})
    if (operand && (failed(verifyFloats(op, name, operand.getType())) ||
                    failed(extents.verify(name, operand.getType(), "d"))))
      return failure();
  if (failed(verifyFinite(op, "eps", eps)))
    return failure();
  if (eps.isNegative())
    return op->emitOpError("expected eps of 0 or more, found ") << eps.convertToDouble();
  return success();
}

LogicalResult LayerNormOp::verify() {
  return verifyNorm(*this, getInput().getType(), getWeight(), getBias(), getEps());
}

LogicalResult RmsNormOp::verify() {
  return verifyNorm(*this, getInput().getType(), getWeight(), Value(), getEps());
}

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

/// rotary_c2: `along` lists dimensions in front of the last, each once.
static LogicalResult verifyAlong(RotaryOp op) {
  int64_t rank = op.getInput().getType().getRank();
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t dim : op.getAlong()) {
    if (dim < 0 || dim >= rank - 1)
      return op.emitOpError("expected dimensions between 0 and ")
             << rank - 2 << " in along, found " << dim;
    if (!seen.insert(dim).second)
      return op.emitOpError("expected each dimension once in along, found ") << dim << " twice";
  }
  return success();
}

/// rotary_c3: the position is counted along one dimension, or given for all that are listed.
static LogicalResult verifyRotaryPositions(RotaryOp op) {
  if (!op.getPositions()) {
    if (op.getAlong().size() != 1)
      return op.emitOpError("expected one dimension in along to count positions, found ")
             << op.getAlong().size();
    return success();
  }
  if (op.getOffset())
    return op.emitOpError("expected offset or positions, found both");
  auto positions = op.getPositions().getType();
  if (failed(verifyPositions(op, "positions", positions)) ||
      failed(verifyRank(op, "positions", positions, op.getAlong().size())))
    return failure();
  for (auto [dim, size] : llvm::zip_equal(op.getAlong(), positions.getShape())) {
    NamedExtents extents(op);
    std::string name = std::to_string(dim);
    (void)extents.verifyExtent("input", name, op.getInput().getType().getDimSize(dim));
    if (failed(extents.verifyExtent("positions", name, size)))
      return failure();
  }
  return success();
}

/// rotary_c4: the pairs lie in the last dimension.
static LogicalResult verifyWidth(RotaryOp op) {
  int64_t last = op.getInput().getType().getShape().back();
  int64_t width = op.getWidth() ? static_cast<int64_t>(*op.getWidth()) : last;
  if (ShapedType::isDynamic(width))
    return success();
  if (width < 0 || width % 2 != 0)
    return op.emitOpError("expected an even width of 0 or more, found ") << width;
  if (!ShapedType::isDynamic(last) && width > last)
    return op.emitOpError("expected width within the last dimension (")
           << last << "), found " << width;
  return success();
}

/// rotary_c5: the angles come from a positive base or from one frequency a pair.
static LogicalResult verifyFrequencies(RotaryOp op) {
  if (op.getBase().has_value() == (op.getFrequencies() != nullptr))
    return op.emitOpError("expected either base or frequencies, found ")
           << (op.getBase() ? "both" : "neither");
  if (op.getBase()) {
    if (failed(verifyFinite(op, "base", *op.getBase())))
      return failure();
    if (op.getBase()->isNegative() || op.getBase()->isZero())
      return op.emitOpError("expected a positive base, found ") << op.getBase()->convertToDouble();
    return success();
  }
  auto frequencies = op.getFrequencies().getType();
  if (failed(verifyFloats(op, "frequencies", frequencies)) ||
      failed(verifyRank(op, "frequencies", frequencies, 1)))
    return failure();
  int64_t width = op.getWidth() ? static_cast<int64_t>(*op.getWidth())
                                : op.getInput().getType().getShape().back();
  int64_t found = frequencies.getDimSize(0);
  if (!ShapedType::isDynamic(width) && !ShapedType::isDynamic(found) && found != width / 2)
    return op.emitOpError("expected one frequency for each of ")
           << width / 2 << " pairs, found " << found;
  return success();
}

LogicalResult RotaryOp::verify() {
  // rotary_c1: floats, with a dimension for the position and one for the pairs.
  if (failed(verifyFloats(*this, "input", getInput().getType())) ||
      failed(verifyAtLeastRank(*this, "input", getInput().getType(), 2)))
    return failure();
  if (failed(verifyAlong(*this)) || failed(verifyRotaryPositions(*this)) ||
      failed(verifyWidth(*this)) || failed(verifyFrequencies(*this)))
    return failure();
  // rotary_c6: the factor is a number.
  return getFactor() ? verifyFinite(*this, "factor", *getFactor()) : success();
}

/// A width of 0 turns no pair.
OpFoldResult RotaryOp::fold(FoldAdaptor) { return getWidth() == 0 ? getInput() : OpFoldResult(); }

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

/// ring_append_c3: `when` has an i1 for each entry of leading dimensions in front of `along`.
static LogicalResult verifyWhen(RingAppendOp op) {
  auto when = op.getWhen().getType(), ring = op.getRing().getType();
  int64_t along = op.getAlong();
  if (!when.getElementType().isInteger(1))
    return op.emitOpError("expected elements of i1 in when, found ") << when.getElementType();
  if (when.getRank() > along)
    return op.emitOpError("expected at most ")
           << along << " dimensions of when, which are in front of along, found " << when.getRank();
  for (auto [dim, size] : llvm::enumerate(when.getShape())) {
    NamedExtents extents(op);
    std::string name = std::to_string(dim);
    (void)extents.verifyExtent("ring", name, ring.getDimSize(dim));
    if (failed(extents.verifyExtent("when", name, size)))
      return failure();
  }
  return success();
}

/// ring_append_c1: rows and ring differ in the extent of `along` only.
static LogicalResult verifyRowsOfRing(RingAppendOp op) {
  auto rows = op.getRows().getType(), ring = op.getRing().getType();
  if (rows.getElementType() != ring.getElementType())
    return op.emitOpError("expected elements of ring (")
           << ring.getElementType() << ") in rows, found " << rows.getElementType();
  if (failed(verifyRank(op, "rows", rows, ring.getRank())))
    return failure();
  int64_t along = op.getAlong();
  if (along < 0 || along >= ring.getRank())
    return op.emitOpError("expected along between 0 and ")
           << ring.getRank() - 1 << ", found " << along;
  for (int64_t dim : llvm::seq(ring.getRank())) {
    NamedExtents extents(op);
    std::string name = std::to_string(dim);
    (void)extents.verifyExtent("ring", name, ring.getDimSize(dim));
    if (dim != along && failed(extents.verifyExtent("rows", name, rows.getDimSize(dim))))
      return failure();
  }
  return success();
}

LogicalResult RingAppendOp::verify() {
  if (failed(verifyRowsOfRing(*this)))
    return failure();
  // ring_append_c2: at least one slot rolls.
  int64_t pinned = getPinned(), capacity = getRing().getType().getDimSize(getAlong());
  if (pinned < 0 || (!ShapedType::isDynamic(capacity) && pinned >= capacity))
    return emitOpError("expected pinned of 0 or more and below the capacity (")
           << getSizeText(capacity) << "), found " << pinned;
  return getWhen() ? verifyWhen(*this) : success();
}
