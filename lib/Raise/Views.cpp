// Views of tensors as index arithmetic, and what is known about sizes.
#include "Elements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace attnc::raise {

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

/// The index of the source at an index of the slice. A part that begins at a multiple of its size is a digit of the
/// whole; "slice" says that only a part of the dimension is reached, even from 0.
static ExprRef sliceIndex(ExprContext &context, ExprRef index, OpFoldResult offset, OpFoldResult size, OpFoldResult stride,
                          Extent sourceExtent, Extent sliceExtent, ExprRef offsetExpr, ExprRef strideExpr) {
  std::optional<int64_t> at = getConstantIntValue(offset);
  bool unit = getConstantIntValue(stride) == 1;
  if (at == 0 && unit && sourceExtent == sliceExtent)
    return index;
  if (sliceExtent == 1)
    return at ? context.integer(*at) : context.op("slice", {context.integer(0), offsetExpr});
  if (at && unit && !isDynamic(sourceExtent) && !isDynamic(sliceExtent) && sourceExtent % sliceExtent == 0 && *at % sliceExtent == 0)
    return context.join({context.integer(*at / sliceExtent), index}, {sourceExtent / sliceExtent, sliceExtent});
  std::optional<int64_t> step = getConstantIntValue(stride);
  if (at && step && *step > 1 && *at < *step && !isDynamic(sliceExtent) && sourceExtent == sliceExtent * *step)
    return context.join({index, context.integer(*at)}, {sliceExtent, *step});
  return context.op("slice", {unit ? index : context.op("arith.muli", {index, strideExpr}), offsetExpr});
}

ExprRef Elements::stepView(Operation *op, ExprRef load) {
  auto expression = [&](OpFoldResult number) {
    auto constant = getConstantIntValue(number);
    return constant ? context.integer(*constant) : scalar(cast<Value>(number));
  };
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return isa<RankedTensorType>(cast.getSource().getType()) ? context.load(cast.getSource(), load->operands) : load;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<Extent> extents = getExtents(expand.getResult());
    SmallVector<ExprRef> indices;
    for (ReassociationIndices &group : expand.getReassociationIndices()) {
      ArrayRef<ExprRef> digits = load->operands.slice(group.front(), group.size());
      indices.push_back(context.join(digits, ArrayRef(extents).slice(group.front(), group.size())));
    }
    return context.load(expand.getSrc(), indices);
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    SmallVector<Extent> extents = getExtents(collapse.getSrc());
    SmallVector<ExprRef> indices;
    for (auto [dim, group] : llvm::enumerate(collapse.getReassociationIndices())) {
      auto digits = context.split(load->operands[dim], getExtent(collapse.getResult(), dim),
                                  ArrayRef(extents).slice(group.front(), group.size()));
      if (!digits)
        return load;
      llvm::append_range(indices, *digits);
    }
    if (indices.empty()) // to rank 0
      indices.assign(extents.size(), context.integer(0));
    return context.load(collapse.getSrc(), indices);
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<ExprRef> indices;
    auto next = load->operands.begin();
    for (int64_t dim = 0; dim < slice.getSourceType().getRank(); ++dim) {
      ExprRef index = dropped[dim] ? context.integer(0) : *next++;
      OpFoldResult offset = slice.getMixedOffsets()[dim], size = slice.getMixedSizes()[dim], stride = slice.getMixedStrides()[dim];
      indices.push_back(sliceIndex(context, index, offset, size, stride, getExtent(slice.getSource(), dim), getExtent(size),
                                   expression(offset), expression(stride)));
    }
    return context.load(slice.getSource(), indices);
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return stepConcat(concat, load);
  return load;
}

/// Of two parts, the first at an index that counts through it ("slice" from 0), the second, a single one, at the index "last".
ExprRef Elements::stepColumn(tensor::ConcatOp concat, ExprRef load) {
  uint64_t dim = concat.getDim();
  ExprRef index = load->operands[dim];
  if (concat.getInputs().size() != 2 || getExtent(concat.getInputs()[1], dim) != 1)
    return nullptr;
  SmallVector<ExprRef> indices(load->operands);
  if (index->is("last")) {
    indices[dim] = context.integer(0);
    return context.load(concat.getInputs()[1], indices);
  }
  if (!index->is("slice") || !(*index)[1]->isInt(0) || (*index)[0]->kind != Kind::Digit || (*index)[0] != context.variable((*index)[0]->variable) ||
      context.getVariableExtent((*index)[0]->variable) != getExtent(concat.getInputs()[0], dim))
    return nullptr;
  indices[dim] = (*index)[0];
  return context.load(concat.getInputs()[0], indices);
}

/// select(i < n₀, part₀[i], select(i - n₀ < n₁, part₁[i - n₀], …)) along the dimension.
ExprRef Elements::stepConcat(tensor::ConcatOp concat, ExprRef load) {
  if (ExprRef column = stepColumn(concat, load))
    return column;
  uint64_t dim = concat.getDim();
  SmallVector<std::pair<ExprRef, ExprRef>> parts; // {where, element}
  ExprRef index = load->operands[dim];
  for (Value part : concat.getInputs()) {
    Extent extent = getExtent(part, dim);
    if (isDynamic(extent))
      return load;
    ExprRef where = context.op("arith.cmpi", {index, context.integer(extent)}, int64_t(arith::CmpIPredicate::slt));
    SmallVector<ExprRef> indices(load->operands);
    ExprRef low = context.shift(index, 0); // without leading zeros
    indices[dim] = low ? low : index;
    parts.push_back({where, context.load(part, indices)});
    index = context.op("arith.addi", {index, context.integer(-extent)});
  }
  ExprRef result = parts.pop_back_val().second;
  for (auto [where, element] : llvm::reverse(parts))
    result = context.op("arith.select", {where, element, result});
  return result;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Extent Elements::getSymbol(const void *key, int64_t number) {
  auto [it, isNew] = symbols.try_emplace({key, number}, -1 - Extent(symbols.size()));
  return it->second;
}

Extent Elements::getExtent(OpFoldResult size) {
  if (auto constant = getConstantIntValue(size))
    return *constant;
  Value value = cast<Value>(size);
  if (auto dim = value.getDefiningOp<tensor::DimOp>())
    if (auto index = dim.getConstantIndex(); index && isa<RankedTensorType>(dim.getSource().getType()))
      return getExtent(dim.getSource(), *index);
  return getSymbol(value.getAsOpaquePointer(), -1);
}

SmallVector<Extent> Elements::getExtents(Value tensor) {
  return llvm::map_to_vector(llvm::seq<int64_t>(0, cast<RankedTensorType>(tensor.getType()).getRank()),
                             [&](int64_t dim) { return getExtent(tensor, dim); });
}

Extent Elements::getExtent(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.isDynamicDim(dim) ? getDynamicExtent(tensor, dim) : type.getDimSize(dim);
}

/// Named sizes of an entry's arguments agree wherever they have one name (dialects/attnc).
static StringAttr getSizeName(BlockArgument argument, int64_t dim) {
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!function || !argument.getOwner()->isEntryBlock())
    return {};
  auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "attnc.dims");
  int64_t at = cast<RankedTensorType>(argument.getType()).getDynamicDimIndex(dim);
  return names && at < int64_t(names.size()) ? dyn_cast<StringAttr>(names[at]) : StringAttr();
}

Extent Elements::getDynamicExtent(Value tensor, int64_t dim) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    if (StringAttr name = getSizeName(argument, dim))
      return getSymbol(name.getAsOpaquePointer(), -2);
  Operation *op = tensor.getDefiningOp();
  if (auto dps = dyn_cast_or_null<DestinationStyleOpInterface>(op))
    return getExtent(dps.getTiedOpOperand(cast<OpResult>(tensor))->get(), dim);
  if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
    return getExtent(empty.getMixedSizes()[dim]);
  if (auto cast = dyn_cast_or_null<tensor::CastOp>(op); cast && isa<RankedTensorType>(cast.getSource().getType()))
    return getExtent(cast.getSource(), dim);
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op)) {
    int64_t sourceDim = expand.getCorrespondingSourceDim(dim);
    SmallVector<int64_t, 2> group = expand.getReassociationIndices()[sourceDim];
    auto others = llvm::make_filter_range(group, [&](int64_t d) {
      return d != dim && expand.getResultType().getDimSize(d) != 1;
    });
    return others.empty() ? getExtent(expand.getSrc(), sourceDim) : getExtent(expand.getMixedOutputShape()[dim]);
  }
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
    SmallVector<int64_t> wide;
    SmallVector<int64_t, 2> group = collapse.getReassociationIndices()[dim];
    for (int64_t d : group)
      if (collapse.getSrcType().getDimSize(d) != 1)
        wide.push_back(d);
    if (wide.size() == 1)
      return getExtent(collapse.getSrc(), wide[0]);
  }
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (int64_t d = 0, at = 0; d < int64_t(dropped.size()); ++d)
      if (!dropped[d] && at++ == dim)
        return getExtent(slice.getMixedSizes()[d]);
  }
  if (op && OpTrait::hasElementwiseMappableTraits(op))
    return getExtent(op->getOperands().back(), dim);
  return getSymbol(tensor.getAsOpaquePointer(), dim);
}

Extent Elements::getLoopExtent(linalg::LinalgOp op, unsigned loop) {
  for (OpOperand &operand : op->getOpOperands())
    for (auto [dim, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(expr); d && d.getPosition() == loop)
        return getExtent(operand.get(), dim);
  return getSymbol(op.getOperation(), loop);
}

} // namespace attnc::raise
