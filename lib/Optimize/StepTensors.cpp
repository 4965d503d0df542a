// tensor = base + step vector, for what a loop's body computes.
//
//     x = h + place + tick_t           base h + place        step tick_t
//     contract(x, w) + bias            base contract(h + place, w) + bias,   step contract(tick_t, w)
//
// Elementwise sums are written as base + step, so that what is the same at every step can leave the loop.
#include "StepParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::steps;
using llvm::SmallBitVector;

bool TensorParts::isInvariant(Value value) {
  if (!loop.getBody().isAncestor(value.getParentRegion()))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  auto [it, isNew] = invariant.try_emplace(value, false);
  if (!isNew)
    return it->second;
  bool isSame = isMemoryEffectFree(op) && (op->getNumRegions() == 0 || isa<linalg::LinalgOp>(op)) && llvm::all_of(op->getOperands(), [&](Value v) { return isInvariant(v); });
  if (isSame)
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        isSame &= op->isAncestor(operand.getParentRegion()->getParentOp()) || isInvariant(operand);
    });
  return invariant[value] = isSame;
}

std::optional<Parts> TensorParts::split(Value value, const SmallBitVector &rowDims) {
  if (isInvariant(value))
    return Parts{value, {}};
  if (rowDims.none())
    return Parts{{}, value};
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto carried = loop.getCarried();
    auto it = llvm::find(carried, argument);
    if (it != carried.end() && loop.getMark(it - carried.begin()) == loop::Mark::Frozen)
      return Parts{value, {}};
    blocker = loop;
    return std::nullopt;
  }
  if (auto it = known.find(value); it != known.end())
    return it->second;
  std::optional<Parts> parts = splitOp(value.getDefiningOp(), rowDims);
  if (!parts && !blocker)
    blocker = value.getDefiningOp();
  known[value] = parts;
  return parts;
}

std::optional<Parts> TensorParts::splitOp(Operation *op, const SmallBitVector &rowDims) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return splitReshape(op, rowDims);
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured || structured->getNumResults() != 1 || !structured.hasPureTensorSemantics())
    return std::nullopt;
  if (linalg::isaContractionOpInterface(structured))
    return splitContraction(structured, rowDims);
  return structured.getNumParallelLoops() == structured.getNumLoops() ? splitElementwise(structured, rowDims) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// The loops that a map's results at `dims` are; none where a result is not a loop.
static std::optional<SmallVector<unsigned>> loopsOf(AffineMap map, const SmallBitVector &dims) {
  SmallVector<unsigned> loops;
  for (unsigned dim : dims.set_bits()) {
    auto expr = dyn_cast<AffineDimExpr>(map.getResult(dim));
    if (!expr)
      return std::nullopt;
    loops.push_back(expr.getPosition());
  }
  return loops;
}

SmallBitVector steps::dimsOf(AffineMap map, ArrayRef<unsigned> loops) {
  SmallBitVector dims(map.getNumResults());
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    for (unsigned loop : loops)
      if (expr.isFunctionOfDim(loop))
        dims.set(dim);
  return dims;
}

std::optional<Parts> TensorParts::splitElementwise(linalg::LinalgOp op, const SmallBitVector &rowDims) {
  OpOperand *init = op.getDpsInitOperand(0);
  AffineMap output = op.getMatchingIndexingMap(init);
  if (op.payloadUsesValueFromOperand(init) || !output.isIdentity())
    return std::nullopt;
  SmallVector<unsigned> rowLoops = *loopsOf(output, rowDims);
  SmallVector<Kind> kinds;
  SmallVector<Value> bases, steps;
  for (OpOperand *input : op.getDpsInputOperands()) {
    SmallBitVector dims = dimsOf(op.getMatchingIndexingMap(input), rowLoops);
    bool isScalar = !isa<RankedTensorType>(input->get().getType());
    std::optional<Parts> parts = isScalar ? Parts{input->get(), {}} : split(input->get(), dims);
    if (!parts)
      return std::nullopt;
    bool changes = isScalar && !isInvariant(input->get());
    kinds.push_back(changes ? Kind::Step : !parts->base ? Kind::Step
                                       : parts->step    ? Kind::Both
                                       : dims.any()     ? Kind::Row
                                                        : Kind::Shared);
    bases.push_back(kinds.back() == Kind::Step ? Value() : parts->base);
    steps.push_back(kinds.back() == Kind::Row ? Value() : parts->step ? parts->step
                                                                      : input->get());
  }
  kinds.push_back(Kind::Mixed); // the destination's element
  ScalarParts scalars(op, rowLoops, kinds, loop);
  Kind kind = scalars.kind();
  if (kind == Kind::Mixed)
    return std::nullopt;
  if (kind == Kind::Row || kind == Kind::Shared)
    return Parts{op->getResult(0), {}};
  Parts parts{makeElementwise(op, scalars, rowLoops, bases, false), makeElementwise(op, scalars, rowLoops, steps, true)};
  if (parts.base && parts.step)
    replaceBySum(op, parts, rowLoops);
  return parts;
}

/// The op over the rows' part of what it reads; or over the step's, without the loops of rows. An input that the part does not read is null.
Value TensorParts::makeElementwise(linalg::LinalgOp op, ScalarParts &scalars, ArrayRef<unsigned> rowLoops, ArrayRef<Value> inputs, bool stepPart) {
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  Location loc = op->getLoc();
  SmallVector<unsigned> place(op.getNumLoops(), 0);
  SmallVector<AffineExpr> exprs(op.getNumLoops(), b.getAffineConstantExpr(0));
  unsigned loops = 0;
  for (unsigned loop : llvm::seq(op.getNumLoops()))
    if (!stepPart || !llvm::is_contained(rowLoops, loop)) {
      place[loop] = loops;
      exprs[loop] = b.getAffineDimExpr(loops++);
    }
  auto fit = [&](AffineMap map) {
    if (stepPart)
      map = map.dropResults(dimsOf(map, rowLoops));
    return map.replaceDimsAndSymbols(exprs, {}, loops, 0);
  };
  OpOperand *init = op.getDpsInitOperand(0);
  SmallVector<AffineMap> maps;
  SmallVector<Value> read;
  SmallVector<unsigned> argumentOf(inputs.size(), ~0u);
  for (auto [i, operand] : llvm::enumerate(op.getDpsInputOperands()))
    if (inputs[i]) {
      argumentOf[i] = read.size();
      read.push_back(inputs[i]);
      maps.push_back(fit(op.getMatchingIndexingMap(operand)));
    }
  maps.push_back(fit(op.getMatchingIndexingMap(init)));
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, size] : llvm::enumerate(tensor::getMixedSizes(b, loc, init->get())))
    if (!stepPart || !llvm::is_contained(rowLoops, dim))
      sizes.push_back(size);
  auto element = cast<RankedTensorType>(init->get().getType()).getElementType();
  Value destination = stepPart ? tensor::EmptyOp::create(b, loc, sizes, element).getResult() : init->get();
  SmallVector<utils::IteratorType> kinds(loops, utils::IteratorType::parallel);
  Value number;
  auto generic = linalg::GenericOp::create(b, loc, destination.getType(), read, destination, maps, kinds, [&](OpBuilder &at, Location inner, ValueRange given) {
    SmallVector<Value> arguments;
    for (unsigned i : argumentOf)
      arguments.push_back(i == ~0u ? Value() : given[i]);
    number = scalars.emit(at, stepPart, arguments, place);
    Value none = number ? number : arith::ConstantOp::create(at, inner, at.getZeroAttr(element)).getResult();
    linalg::YieldOp::create(at, inner, none);
  });
  if (number)
    return generic.getResult(0);
  generic.erase();
  return {};
}

/// What reads the op reads base + step.
void TensorParts::replaceBySum(linalg::LinalgOp op, Parts parts, ArrayRef<unsigned> rowLoops) {
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(parts.base.getDefiningOp()); // which is behind the step's
  Value init = op.getDpsInitOperand(0)->get(), old = op->getResult(0);
  AffineMap all = b.getMultiDimIdentityMap(op.getNumLoops());
  AffineMap maps[] = {all, all.dropResults(dimsOf(all, rowLoops)), all};
  SmallVector<utils::IteratorType> kinds(op.getNumLoops(), utils::IteratorType::parallel);
  auto sum = linalg::GenericOp::create(b, op->getLoc(), old.getType(), ValueRange{parts.base, parts.step}, init, maps, kinds, [](OpBuilder &at, Location loc, ValueRange v) {
    linalg::YieldOp::create(at, loc, arith::AddFOp::create(at, loc, v[0], v[1]).getResult());
  });
  old.replaceAllUsesWith(sum.getResult(0));
  known[sum.getResult(0)] = parts;
}

//===----------------------------------------------------------------------===//
// Products and views
//===----------------------------------------------------------------------===//

/// The result of the op that reads an operand, with another value in its place.
static Value cloneOn(OpOperand &operand, Value value) {
  OpBuilder b(operand.getOwner()->getContext());
  b.setInsertionPointAfter(operand.getOwner());
  Operation *copy = b.clone(*operand.getOwner());
  copy->setOperand(operand.getOperandNumber(), value);
  return copy->getResult(0);
}

std::optional<Parts> TensorParts::splitContraction(linalg::LinalgOp op, const SmallBitVector &rowDims) {
  OpOperand *init = op.getDpsInitOperand(0);
  std::optional<SmallVector<unsigned>> rowLoops = loopsOf(op.getMatchingIndexingMap(init), rowDims);
  if (!rowLoops || !isInvariant(init->get()) || !isa<FloatType>(cast<RankedTensorType>(init->get().getType()).getElementType()))
    return std::nullopt;
  auto dimsOfInput = [&](unsigned i) { return dimsOf(op.getMatchingIndexingMap(op.getDpsInputOperand(i)), *rowLoops); };
  unsigned left = dimsOfInput(0).any() ? 0 : 1;
  if (dimsOfInput(1 - left).any() || dimsOfInput(left).count() != rowLoops->size() || !isInvariant(op.getDpsInputOperand(1 - left)->get()))
    return std::nullopt;
  std::optional<Parts> parts = split(op.getDpsInputOperand(left)->get(), dimsOfInput(left));
  if (!parts)
    return std::nullopt;
  if (!parts->step)
    return Parts{op->getResult(0), {}};
  Value base = parts->base ? cloneOn(*op.getDpsInputOperand(left), parts->base) : init->get();
  return Parts{base, makeStepProduct(op, left, parts->step, *rowLoops)};
}

/// step · w: the product of one row.
Value TensorParts::makeStepProduct(linalg::LinalgOp op, unsigned left, Value step, ArrayRef<unsigned> rowLoops) {
  ImplicitLocOpBuilder b(op->getLoc(), op->getContext());
  b.setInsertionPointAfter(op);
  MLIRContext *context = b.getContext();
  // One loop for the row, in front; then the others.
  SmallVector<AffineExpr> exprs(op.getNumLoops(), b.getAffineDimExpr(0));
  unsigned loops = 1;
  for (unsigned loop : llvm::seq(op.getNumLoops()))
    if (!llvm::is_contained(rowLoops, loop))
      exprs[loop] = b.getAffineDimExpr(loops++);
  auto fit = [&](OpOperand *operand, bool hasRow) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    map = map.dropResults(dimsOf(map, rowLoops)).replaceDimsAndSymbols(exprs, {}, loops, 0);
    SmallVector<AffineExpr> results(map.getResults());
    if (hasRow)
      results.insert(results.begin(), b.getAffineDimExpr(0));
    return AffineMap::get(loops, 0, results, context);
  };
  auto inFront = [](int64_t rank) { // [d0, …] ↔ [1, d0, …]
    SmallVector<ReassociationIndices> groups;
    for (int64_t dim : llvm::seq(rank))
      groups.push_back(dim == 0 ? ReassociationIndices{0, 1} : ReassociationIndices{dim + 1});
    return groups;
  };
  auto withRow = [](RankedTensorType type) {
    SmallVector<int64_t> shape = {1};
    llvm::append_range(shape, type.getShape());
    return RankedTensorType::get(shape, type.getElementType());
  };
  auto stepType = cast<RankedTensorType>(step.getType());
  SmallVector<OpFoldResult> shape = {b.getIndexAttr(1)};
  llvm::append_range(shape, tensor::getMixedSizes(b, b.getLoc(), step));
  Value row = tensor::ExpandShapeOp::create(b, withRow(stepType), step, inFront(stepType.getRank()), shape);
  OpOperand *init = op.getDpsInitOperand(0), *right = op.getDpsInputOperand(1 - left);
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1)};
  SmallBitVector rowDims = dimsOf(op.getMatchingIndexingMap(init), rowLoops);
  for (auto [dim, size] : llvm::enumerate(tensor::getMixedSizes(b, b.getLoc(), init->get())))
    if (!rowDims.test(dim))
      sizes.push_back(size);
  Type element = cast<RankedTensorType>(init->get().getType()).getElementType();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  Value empty = tensor::EmptyOp::create(b, sizes, element);
  Value start = linalg::FillOp::create(b, zero, empty).getResult(0);
  AffineMap maps[] = {fit(op.getDpsInputOperand(left), true), fit(right, false), fit(init, true)};
  auto product = linalg::ContractOp::create(b, TypeRange(start.getType()), ValueRange{row, right->get()}, ValueRange(start), b.getAffineMapArrayAttr(maps));
  return tensor::CollapseShapeOp::create(b, product.getResult(0), inFront(int64_t(sizes.size()) - 1));
}

/// Rows stay dimensions of their own.
std::optional<Parts> TensorParts::splitReshape(Operation *op, const SmallBitVector &rowDims) {
  auto expand = dyn_cast<tensor::ExpandShapeOp>(op);
  SmallVector<ReassociationIndices> groups = expand ? expand.getReassociationIndices() : cast<tensor::CollapseShapeOp>(op).getReassociationIndices();
  auto sourceType = cast<RankedTensorType>(op->getOperand(0).getType());
  SmallBitVector sourceRows(sourceType.getRank());
  SmallVector<ReassociationIndices> behind;
  int64_t next = 0;
  for (auto [number, group] : llvm::enumerate(groups)) {
    bool isRow = expand ? llvm::any_of(group, [&](int64_t dim) { return rowDims.test(dim); }) : rowDims.test(number);
    if (isRow && group.size() != 1)
      return std::nullopt;
    if (isRow) {
      sourceRows.set(expand ? number : group[0]);
      continue;
    }
    behind.emplace_back();
    for (size_t i = 0; i < group.size(); ++i)
      behind.back().push_back(next++);
  }
  std::optional<Parts> parts = split(op->getOperand(0), sourceRows);
  if (!parts || behind.empty())
    return std::nullopt;
  if (!parts->step)
    return Parts{op->getResult(0), {}};
  Parts result;
  if (parts->base)
    result.base = cloneOn(op->getOpOperand(0), parts->base);
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  if (!expand) {
    result.step = tensor::CollapseShapeOp::create(b, op->getLoc(), parts->step, behind);
    return result;
  }
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, size] : llvm::enumerate(expand.getMixedOutputShape()))
    if (!rowDims.test(dim)) {
      sizes.push_back(size);
      shape.push_back(expand.getResultType().getDimSize(dim));
    }
  result.step = tensor::ExpandShapeOp::create(b, op->getLoc(), RankedTensorType::get(shape, sourceType.getElementType()), parts->step, behind, sizes);
  return result;
}
