// Destinations, slices, parallel tiles, linalg ops from formulas.
#include "Build.h"

#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace attnc::lower;

//===----------------------------------------------------------------------===//
// Destinations
//===----------------------------------------------------------------------===//

/// The materialization that is the only reader of a result, if its destination is there in front of
/// the op.
static bufferization::MaterializeInDestinationOp findMaterialization(OpResult result) {
  if (!result.hasOneUse())
    return nullptr;
  auto materialize = dyn_cast<bufferization::MaterializeInDestinationOp>(*result.user_begin());
  if (!materialize || materialize.getSource() != result || materialize->getNumResults() != 1)
    return nullptr;
  Operation *producer = materialize.getDest().getDefiningOp();
  if (producer && !(producer->getBlock() == result.getOwner()->getBlock() &&
                    producer->isBeforeInBlock(result.getOwner())))
    return nullptr;
  return materialize;
}

SmallVector<Value> attnc::lower::getDestinations(RewriterBase &rewriter, Operation *op) {
  ReifiedRankedShapedTypeDims shapes;
  LogicalResult reified = reifyResultShapes(rewriter, op, shapes);
  assert(succeeded(reified) && "every op of attn reifies its shapes");
  (void)reified;
  SmallVector<Value> destinations;
  for (OpResult result : op->getResults()) {
    if (OpOperand *start = attn::getUpdatedOperand(result)) {
      destinations.push_back(getUpdatedDestination(rewriter, result, start->get()));
      continue;
    }
    if (auto materialize = findMaterialization(result)) {
      destinations.push_back(materialize.getDest());
      continue;
    }
    auto type = cast<RankedTensorType>(result.getType());
    SmallVector<Value> dynamic;
    for (int64_t dim : llvm::seq(type.getRank()))
      if (type.isDynamicDim(dim))
        dynamic.push_back(getValueOrCreateConstantIndexOp(rewriter, op->getLoc(),
                                                          shapes[result.getResultNumber()][dim]));
    destinations.push_back(tensor::EmptyOp::create(rewriter, op->getLoc(), type, dynamic));
  }
  return destinations;
}

Value attnc::lower::getUpdatedDestination(RewriterBase &rewriter, OpResult result, Value initial) {
  auto materialize = findMaterialization(result);
  if (!materialize || materialize.getDest() == initial)
    return initial;
  return linalg::CopyOp::create(rewriter, result.getLoc(), initial, materialize.getDest())
      .getResult(0);
}

void attnc::lower::replaceInDestinations(RewriterBase &rewriter, Operation *op,
                                         ValueRange results) {
  for (auto [result, value] : llvm::zip_equal(op->getResults(), results))
    if (auto materialize = findMaterialization(result))
      rewriter.replaceOp(materialize, value);
  rewriter.replaceOp(op, results);
}

Value attnc::lower::allocTile(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape, Type element) {
  return bufferization::AllocTensorOp::create(b, RankedTensorType::get(shape, element),
                                              ValueRange());
}

Value attnc::lower::allocTile(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape, Type element,
                              ArrayRef<OpFoldResult> sizes) {
  Value tile = allocTile(b, shape, element);
  Slice part(b, tile);
  for (auto [dim, size] : llvm::enumerate(sizes))
    part.range(dim, b.getIndexAttr(0), size);
  return part.extract(b, tile);
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

Slice::Slice(ImplicitLocOpBuilder &b, Value tensor)
    : zero(b.getIndexAttr(0)), one(b.getIndexAttr(1)),
      sizes(tensor::getMixedSizes(b, b.getLoc(), tensor)) {
  offsets.assign(sizes.size(), zero);
  strides.assign(sizes.size(), one);
  dropped.assign(sizes.size(), false);
}

Slice &Slice::at(int64_t dim, OpFoldResult index) {
  offsets[dim] = index;
  sizes[dim] = one;
  dropped[dim] = true;
  return *this;
}

Slice &Slice::range(int64_t dim, OpFoldResult offset, OpFoldResult size, int64_t stride) {
  offsets[dim] = offset;
  sizes[dim] = size;
  strides[dim] = mlir::Builder(cast<Attribute>(one).getContext()).getIndexAttr(stride);
  return *this;
}

Slice &Slice::atLeading(ValueRange indices) {
  for (auto [dim, index] : llvm::enumerate(indices))
    at(dim, index);
  return *this;
}

Value Slice::extract(ImplicitLocOpBuilder &b, Value tensor) const {
  SmallVector<int64_t> shape;
  for (auto [size, isDropped] : llvm::zip_equal(sizes, dropped))
    if (!isDropped)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  auto type = RankedTensorType::get(shape, getElementType(tensor));
  if (type == tensor.getType() && llvm::all_of(offsets, isZeroInteger) &&
      llvm::all_of(strides, isOneInteger) && type.hasStaticShape())
    return tensor;
  return tensor::ExtractSliceOp::create(b, type, tensor, offsets, sizes, strides);
}

Value Slice::insert(ImplicitLocOpBuilder &b, Value piece, Value into) const {
  if (piece.getType() == into.getType() && getTensorType(into).hasStaticShape() &&
      llvm::all_of(offsets, isZeroInteger))
    return piece;
  return tensor::InsertSliceOp::create(b, piece, into, offsets, sizes, strides);
}

void Slice::insertInParallel(ImplicitLocOpBuilder &b, Value piece, Value into) const {
  tensor::ParallelInsertSliceOp::create(b, piece, into, offsets, sizes, strides);
}

Num attnc::lower::readElement(ImplicitLocOpBuilder &b, Value tensor, ValueRange indices) {
  return {b, tensor::ExtractOp::create(b, tensor, indices).getResult()};
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<TileLoop> attnc::lower::getLeadingLoops(ImplicitLocOpBuilder &b, Value tensor,
                                                    int64_t count) {
  SmallVector<TileLoop> loops;
  for (int64_t dim : llvm::seq(count))
    loops.push_back({getSize(b, tensor, dim)});
  return loops;
}

SmallVector<Value> attnc::lower::forEachTile(ImplicitLocOpBuilder &b, ArrayRef<TileLoop> loops,
                                             ValueRange outputs, TileBody body) {
  if (loops.empty()) {
    SmallVector<Value> results;
    for (auto [write, output] : llvm::zip_equal(body({}, outputs), outputs))
      results.push_back(write.where.insert(b, write.piece, output));
    return results;
  }
  SmallVector<OpFoldResult> low(loops.size(), b.getIndexAttr(0)), high, steps;
  for (const TileLoop &loop : loops) {
    high.push_back(loop.extent);
    steps.push_back(b.getIndexAttr(loop.step));
  }
  auto forall = scf::ForallOp::create(b, low, high, steps, outputs, /*mapping=*/std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(forall.getTerminator());
  auto arguments = ValueRange(forall.getRegionIterArgs());
  TileWrites writes = body(forall.getInductionVars(), arguments);
  b.setInsertionPointToEnd(forall.getTerminator().getBody());
  for (auto [write, output] : llvm::zip_equal(writes, arguments))
    write.where.insertInParallel(b, write.piece, output);
  return forall.getResults();
}

OpFoldResult attnc::lower::getTileSize(ImplicitLocOpBuilder &b, OpFoldResult offset,
                                       OpFoldResult extent, int64_t step) {
  if (std::optional<int64_t> constant = getConstantIntValue(extent)) {
    if (*constant % step == 0)
      return b.getIndexAttr(step);
    if (*constant < step) // one tile
      return b.getIndexAttr(*constant);
  }
  AffineExpr at = b.getAffineDimExpr(0), end = b.getAffineSymbolExpr(0);
  auto map = AffineMap::get(1, 1, {b.getAffineConstantExpr(step), end - at}, b.getContext());
  return affine::makeComposedFoldedAffineMin(b, b.getLoc(), map, {offset, extent});
}

SmallVector<Value> attnc::lower::forEachIndex(ImplicitLocOpBuilder &b, Num low, Num high,
                                              int64_t step, ValueRange carried, LoopBody body) {
  auto loop = scf::ForOp::create(b, low, high, Num::index(b, step), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(Num(b, loop.getInductionVar()), loop.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(b, next);
  return loop.getResults();
}

SmallVector<Value>
attnc::lower::repeatWhile(ImplicitLocOpBuilder &b, ValueRange carried,
                          function_ref<Num(ValueRange carried)> test,
                          function_ref<SmallVector<Value>(ValueRange carried)> body) {
  OpBuilder::InsertionGuard guard(b);
  auto buildTest = [&](OpBuilder &inner, Location, ValueRange arguments) {
    b.setInsertionPointToEnd(inner.getInsertionBlock());
    scf::ConditionOp::create(b, test(arguments), arguments);
  };
  auto buildBody = [&](OpBuilder &inner, Location, ValueRange arguments) {
    b.setInsertionPointToEnd(inner.getInsertionBlock());
    scf::YieldOp::create(b, body(arguments));
  };
  return scf::WhileOp::create(b, carried.getTypes(), carried, buildTest, buildBody).getResults();
}

SmallVector<Value> attnc::lower::ifElse(ImplicitLocOpBuilder &b, Num condition, TypeRange types,
                                        BranchBody yes, BranchBody no) {
  auto branch =
      scf::IfOp::create(b, types, condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, yes());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, no());
  return branch.getResults();
}

//===----------------------------------------------------------------------===//
// Elementwise ops and reductions
//===----------------------------------------------------------------------===//

SmallVector<Value> attnc::lower::mapElements(ImplicitLocOpBuilder &b, ValueRange inputs,
                                             ValueRange outputs, ArrayRef<AffineMap> maps,
                                             ElementsBody body) {
  SmallVector<utils::IteratorType> iterators;
  for (unsigned dim : llvm::seq(maps.front().getNumDims())) {
    bool parallel = llvm::all_of(maps.drop_front(inputs.size()),
                                 [&](AffineMap map) { return map.isFunctionOfDim(dim); });
    iterators.push_back(parallel ? utils::IteratorType::parallel : utils::IteratorType::reduction);
  }
  auto build = [&](OpBuilder &inner, Location, ValueRange arguments) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
    SmallVector<Num> elements;
    for (Value argument : arguments)
      elements.push_back({b, argument});
    linalg::YieldOp::create(b, llvm::to_vector_of<Value>(body(elements)));
  };
  return linalg::GenericOp::create(b, outputs.getTypes(), inputs, outputs, maps, iterators, build)
      .getResults();
}

Value attnc::lower::mapElement(ImplicitLocOpBuilder &b, ValueRange inputs, Value output,
                               ArrayRef<AffineMap> maps, ElementBody body) {
  return mapElements(b, inputs, output, maps, [&](ArrayRef<Num> elements) -> SmallVector<Num> {
    return {body(elements)};
  })[0];
}

Num attnc::lower::getLoopIndex(ImplicitLocOpBuilder &b, int64_t dim) {
  return {b, linalg::IndexOp::create(b, dim).getResult()};
}

AffineMap attnc::lower::getDimsMap(ImplicitLocOpBuilder &b, int64_t loops, ArrayRef<int64_t> dims) {
  return AffineMap::getMultiDimMapWithTargets(loops, llvm::to_vector_of<unsigned>(dims),
                                              b.getContext());
}

Value attnc::lower::fill(ImplicitLocOpBuilder &b, double number, Value tensor) {
  Value constant = Num::constant(b, getElementType(tensor), number);
  return linalg::FillOp::create(b, constant, tensor).getResult(0);
}

Value attnc::lower::copy(ImplicitLocOpBuilder &b, Value from, Value to) {
  return linalg::CopyOp::create(b, from, to).getResult(0);
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

FloatType attnc::lower::getComputeType(Type element) {
  return element.isF64() ? Float64Type::get(element.getContext())
                         : FloatType(Float32Type::get(element.getContext()));
}

RankedTensorType attnc::lower::getTensorType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

Type attnc::lower::getElementType(Value tensor) { return getTensorType(tensor).getElementType(); }

OpFoldResult attnc::lower::getSize(ImplicitLocOpBuilder &b, Value tensor, int64_t dim) {
  return tensor::getMixedSize(b, b.getLoc(), tensor, dim);
}
