// One block of a contraction: sums of products over k (MicroKernel.h), or of vectors along k that are added up at the end where both
// operands have k last; then the epilogue on the sums in registers, and the stores.
#include "ContractionLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace attnc::cpu {

/// Steps of k in an iteration: counting and prefetches cost a quarter each.
static constexpr int64_t kSteps = 4;
static constexpr int64_t kLineBytes = 64;

SmallVector<Value> BlockEmitter::emit(int64_t rows, ArrayRef<Value> blockAt, ArrayRef<Value> tilesAt, ValueRange outputs) {
  at.assign(blockAt.begin(), blockAt.end());
  tileAt.assign(tilesAt.begin(), tilesAt.end());
  tiles.assign(outputs.begin(), outputs.end());
  read.clear();
  mask = {};
  if (segment.masked) {
    Value high = getValueOrCreateConstantIndexOp(b, b.getLoc(), segment.high);
    Value left = arith::SubIOp::create(b, high, addOffset(b, at[loops.column], segment.width() - segment.lanes));
    mask = vector::CreateMaskOp::create(b, VectorType::get(segment.lanes, b.getI1Type()), left);
  }
  size_t products = loops.kernel.products.size();
  BlockShape shape{rows, segment.vectors * int64_t(products), loops.vector};
  Sums sums = loops.dots ? sumDots(rows) : sumColumns(shape);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t v = 0; v < segment.vectors; ++v) {
      SmallVector<Value> results;
      for (auto [number, product] : llvm::enumerate(loops.kernel.products))
        results.push_back(addStart(product, sums[row * shape.vectors + number * segment.vectors + v], row, v));
      if (loops.kernel.epilogue)
        results = applyEpilogue(results, row, v);
      for (auto [number, result] : llvm::enumerate(results)) {
        Value element = toElements(b, result, getElementTypeOrSelf(tiles[number]));
        SmallVector<Value> indices = getIndices(loops.getOutputDims(number), row, v * segment.lanes, /*inTile=*/true);
        tiles[number] = storeVector(b, element, tiles[number], indices, maskOf(v));
      }
    }
  }
  return tiles;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Loops over k around the innermost.
Sums BlockEmitter::forSummed(ArrayRef<unsigned> around, Sums sums, function_ref<Sums(Sums)> inner) {
  if (around.empty())
    return inner(sums);
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), loops.sizes[around.front()]);
  auto loop = scf::ForOp::create(b, zero, size, one, sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  at[around.front()] = loop.getInductionVar();
  scf::YieldOp::create(b, forSummed(around.drop_front(), Sums(loop.getRegionIterArgs()), inner));
  return Sums(loop.getResults());
}

/// Where columns n + `column` … are in the right operand's panels, at the current k.
SmallVector<Value> BlockEmitter::getPanelIndices(const Contraction &product, int64_t column) {
  linalg::UnPackOp unpack = product.panels;
  ArrayRef<int64_t> permutation = unpack.getOuterDimsPerm();
  Value columns = addOffset(b, at[loops.column], column), tile = arith::ConstantIndexOp::create(b, unpack.getStaticInnerTiles()[0]);
  SmallVector<Value> indices;
  for (int64_t dim : llvm::seq<int64_t>(product.rightDims.size())) {
    unsigned loop = product.rightDims[permutation.empty() ? dim : permutation[dim]];
    indices.push_back(loop == loops.column ? b.createOrFold<arith::DivUIOp>(columns, tile) : at[loop]);
  }
  indices.push_back(b.createOrFold<arith::RemUIOp>(columns, tile));
  return indices;
}

/// Columns n + v·lanes … of the right operand at the current k; from its panels where it has them.
Value BlockEmitter::readRight(const Contraction &product, int64_t v) {
  Value vector;
  if (linalg::UnPackOp unpack = product.panels) { // panels are whole: no mask
    vector = loadVector(b, segment.lanes, unpack.getSource(), getPanelIndices(product, v * segment.lanes));
    prefetchRow(product, v);
  } else {
    vector = loadVector(b, segment.lanes, product.right, getIndices(product.rightDims, 0, v * segment.lanes), maskOf(v));
  }
  return toElements(b, vector, loops.vector.getElementType());
}

Value BlockEmitter::getPanelBuffer(const Contraction &product) {
  linalg::UnPackOp unpack = product.panels;
  auto type = cast<RankedTensorType>(unpack.getSource().getType());
  return bufferization::ToBufferOp::create(b, MemRefType::get(type.getShape(), type.getElementType()), unpack.getSource(), /*read_only=*/true);
}

static int64_t bytesOf(Value tensor) { return llvm::divideCeil(getElementTypeOrSelf(tensor).getIntOrFloatBitWidth(), 8); }

static void prefetch(ImplicitLocOpBuilder &b, Value buffer, ValueRange indices, int64_t locality) {
  memref::PrefetchOp::create(b, buffer, indices, /*isWrite=*/false, locality, /*isDataCache=*/true);
}

/// A panel is longer than the first cache: its rows come from the second a few steps ahead. (A prefetch beyond the end does nothing.)
void BlockEmitter::prefetchRow(const Contraction &product, int64_t v) {
  constexpr int64_t kAhead = 32, kFirstCache = 3;
  if (v * segment.lanes * bytesOf(product.right) % kLineBytes != 0)
    return; // the same line as the vector before
  Value &k = at[loops.summed.back()], now = k;
  k = addOffset(b, now, kAhead);
  prefetch(b, getPanelBuffer(product), getPanelIndices(product, v * segment.lanes), kFirstCache);
  k = now;
}

/// The next block of columns may be in no cache: each block of rows asks for its share of that block's panels, a part in each
/// iteration. Panels follow each other in memory, so the share is a range of rows counted from the first panel's first.
void BlockEmitter::prefetchNextBlock(const Contraction &product) {
  constexpr int64_t kSecondCache = 2;
  int64_t blocks = loops.rowChunk / loops.block.rows;
  if (!product.panels || !loops.row || blocks < 2)
    return;
  int64_t tile = cast<linalg::UnPackOp>(product.panels).getStaticInnerTiles()[0], panels = llvm::divideCeil(segment.width(), tile);
  int64_t rowsOfLine = std::max<int64_t>(1, kLineBytes / (tile * bytesOf(product.right)));
  int64_t lines = llvm::divideCeil(panels * kSteps, blocks * rowsOfLine); // in an iteration
  Value buffer = getPanelBuffer(product);
  Value &k = at[loops.summed.back()], now = k;
  Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), loops.sizes[loops.summed.back()]);
  auto index = [&](int64_t number) -> Value { return arith::ConstantIndexOp::create(b, number); };
  Value rows = arith::SubIOp::create(b, at[*loops.row], tileAt[*loops.row]);
  Value block = arith::DivUIOp::create(b, rows, index(loops.block.rows));
  Value share = arith::MulIOp::create(b, block, arith::DivUIOp::create(b, arith::MulIOp::create(b, size, index(panels)), index(blocks)));
  Value iteration = arith::DivUIOp::create(b, now, index(kSteps));
  Value first = arith::AddIOp::create(b, share, arith::MulIOp::create(b, iteration, index(lines * rowsOfLine)));
  for (int64_t line = 0; line < lines; ++line) {
    k = addOffset(b, first, line * rowsOfLine);
    prefetch(b, buffer, getPanelIndices(product, segment.width()), kSecondCache);
  }
  k = now;
}

Sums BlockEmitter::sumColumns(const BlockShape &shape) {
  unsigned inner = loops.summed.back();
  Value zero = arith::ConstantIndexOp::create(b, 0), size = getValueOrCreateConstantIndexOp(b, b.getLoc(), loops.sizes[inner]);
  auto left = [&](int64_t row, Value k) {
    at[inner] = k;
    Value element = loadScalar(b, loops.first().left, getIndices(loops.first().leftDims, row, 0));
    return toElements(b, element, loops.vector.getElementType());
  };
  auto right = [&](int64_t v, Value k) {
    at[inner] = k;
    return readRight(loops.kernel.products[v / segment.vectors], v % segment.vectors);
  };
  auto begin = [&](Value k) {
    at[inner] = k;
    for (const Contraction &product : loops.kernel.products)
      prefetchNextBlock(product);
  };
  return forSummed(ArrayRef(loops.summed).drop_back(), zeroSums(b, shape),
                   [&](Sums sums) { return addProducts(b, shape, zero, size, sums, left, right, kSteps, begin); });
}

/// sums[row][column] += left[row, k .. k + lanes] · right[k .. k + lanes, column] for k in low .. high, vector by vector.
Sums BlockEmitter::addDots(const BlockShape &shape, Value low, Value high, Sums sums, bool masked) {
  unsigned inner = loops.summed.back();
  int64_t lanes = shape.vector.getNumElements(), columns = segment.lanes;
  auto loop = scf::ForOp::create(b, low, high, arith::ConstantIndexOp::create(b, lanes), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value k = at[inner] = loop.getInductionVar(), rest;
  if (masked)
    rest = vector::CreateMaskOp::create(b, VectorType::get(lanes, b.getI1Type()), arith::SubIOp::create(b, high, k).getResult());
  auto load = [&](Value source, ArrayRef<unsigned> dims, int64_t row, int64_t column) {
    return toElements(b, loadVector(b, lanes, source, getIndices(dims, row, column), rest), shape.vector.getElementType());
  };
  SmallVector<Value> right, next;
  for (const Contraction &product : loops.kernel.products)
    for (int64_t column = 0; column < columns; ++column)
      right.push_back(load(product.right, product.rightDims, 0, column));
  for (int64_t row = 0; row < shape.rows; ++row) {
    Value left = load(loops.first().left, loops.first().leftDims, row, 0);
    for (Value vector : right)
      next.push_back(vector::FMAOp::create(b, left, vector, loop.getRegionIterArg(next.size())));
  }
  scf::YieldOp::create(b, next);
  return Sums(loop.getResults());
}

/// Vectors along k, added up at the end: a row's sums are then a vector of columns, one for each product.
Sums BlockEmitter::sumDots(int64_t rows) {
  int64_t lanes = loops.vector.getNumElements(), columns = segment.lanes;
  BlockShape shape{rows, columns * int64_t(loops.kernel.products.size()), loops.vector};
  Value zero = arith::ConstantIndexOp::create(b, 0), size = getValueOrCreateConstantIndexOp(b, b.getLoc(), loops.sizes[loops.summed.back()]);
  Value whole = b.createOrFold<arith::SubIOp>(size, b.createOrFold<arith::RemUIOp>(size, arith::ConstantIndexOp::create(b, lanes)));
  Sums sums = forSummed(ArrayRef(loops.summed).drop_back(), zeroSums(b, shape), [&](Sums carried) {
    carried = addDots(shape, zero, whole, carried, /*masked=*/false);
    return addDots(shape, whole, size, carried, /*masked=*/true);
  });
  Sums packed;
  for (ArrayRef<Value> rest = sums; !rest.empty(); rest = rest.drop_front(columns)) {
    SmallVector<Value> elements;
    for (Value sum : rest.take_front(columns))
      elements.push_back(vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum, arith::FastMathFlags::reassoc));
    packed.push_back(vector::FromElementsOp::create(b, VectorType::get(columns, loops.vector.getElementType()), elements));
  }
  return packed;
}

/// What the product starts from is added at the end: nothing for zeros.
Value BlockEmitter::addStart(const Contraction &product, Value sum, int64_t row, int64_t v) {
  Value start;
  if (auto fill = product.start.getDefiningOp<linalg::FillOp>()) {
    Value number = fill.getInputs()[0];
    if (matchPattern(number, m_AnyZeroFloat()))
      return sum;
    start = broadcast(number);
  } else if (auto spread = product.start.getDefiningOp<linalg::BroadcastOp>()) {
    LoopDims dims;
    for (auto [dim, loop] : llvm::enumerate(product.outDims))
      if (!llvm::is_contained(spread.getDimensions(), int64_t(dim)))
        dims.push_back(loop);
    start = readOperand(spread.getInput(), dims, row, v);
  } else {
    bool isTile = !loops.kernel.epilogue;
    start = readOperand(isTile ? tiles[0] : product.start, product.outDims, row, v, isTile);
  }
  return arith::AddFOp::create(b, sum, toElements(b, start, getElementTypeOrSelf(sum.getType())));
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

Value BlockEmitter::broadcast(Value scalar) {
  return vector::BroadcastOp::create(b, VectorType::get(segment.lanes, scalar.getType()), scalar);
}

Value BlockEmitter::getIndex(unsigned loop, int64_t row, int64_t column, bool inTile) {
  Value index = at[loop];
  if (inTile)
    index = tileAt[loop] == index ? arith::ConstantIndexOp::create(b, 0).getResult() : b.createOrFold<arith::SubIOp>(index, tileAt[loop]);
  return addOffset(b, index, loop == loops.row ? row : loop == loops.column ? column
                                                                            : 0);
}

SmallVector<Value> BlockEmitter::getIndices(ArrayRef<unsigned> dims, int64_t row, int64_t column, bool inTile) {
  return llvm::map_to_vector(dims, [&](unsigned loop) { return getIndex(loop, row, column, inTile); });
}

/// A vector of columns, or of one element where the operand has no columns. Read once for all rows that share it.
Value BlockEmitter::readOperand(Value source, ArrayRef<unsigned> dims, int64_t row, int64_t v, bool isTile) {
  bool hasRow = loops.row && llvm::is_contained(dims, *loops.row), hasColumn = llvm::is_contained(dims, loops.column);
  Value &known = read[{source, hasRow ? row : -1, hasColumn ? v : -1}];
  if (known && !isTile)
    return known;
  SmallVector<Value> indices = getIndices(dims, row, v * segment.lanes, isTile);
  return known = hasColumn ? loadVector(b, segment.lanes, source, indices, maskOf(v)) : broadcast(loadScalar(b, source, indices));
}

/// The index of a loop: the same for all lanes, or counting columns.
Value BlockEmitter::mapIndex(unsigned loop, int64_t row, int64_t v) {
  Value first = broadcast(getIndex(loop, row, v * segment.lanes, /*inTile=*/false));
  if (loop != loops.column)
    return first;
  return arith::AddIOp::create(b, first, vector::StepOp::create(b, cast<VectorType>(first.getType())));
}

/// The same op on vectors.
void BlockEmitter::mapInner(Operation &inner, IRMapping &map, int64_t row, int64_t v) {
  linalg::GenericOp epilogue = loops.kernel.epilogue;
  if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
    AffineMap output = epilogue.getIndexingMapsArray().back();
    auto dim = *output.getResultPosition(b.getAffineDimExpr(index.getDim()));
    map.map(inner.getResult(0), mapIndex(loops.getOutputDims(epilogue.getNumDpsInits() - 1)[dim], row, v));
    return;
  }
  if (inner.hasTrait<OpTrait::ConstantLike>()) {
    map.map(inner.getResult(0), broadcast(b.clone(inner)->getResult(0)));
    return;
  }
  for (Value operand : inner.getOperands())
    if (!map.contains(operand)) // from outside of the body
      map.map(operand, broadcast(operand));
  Operation *clone = b.clone(inner, map);
  for (OpResult result : clone->getResults())
    result.setType(VectorType::get(segment.lanes, result.getType()));
}

SmallVector<Value> BlockEmitter::applyEpilogue(ArrayRef<Value> sums, int64_t row, int64_t v) {
  linalg::GenericOp epilogue = loops.kernel.epilogue;
  IRMapping map;
  for (OpOperand &operand : epilogue->getOpOperands()) {
    BlockArgument argument = epilogue.getMatchingBlockArgument(&operand);
    auto product = llvm::find_if(loops.kernel.products, [&](const Contraction &c) { return c.op->getResult(0) == operand.get(); });
    if (argument.use_empty())
      continue;
    unsigned number = operand.getOperandNumber(), inputs = epilogue.getNumDpsInputs();
    if (product != loops.kernel.products.end())
      map.map(argument, toElements(b, sums[product - loops.kernel.products.begin()], argument.getType()));
    else if (number < inputs)
      map.map(argument, readOperand(operand.get(), loops.kernel.epilogueDims[number], row, v));
    else
      map.map(argument, readOperand(tiles[number - inputs], loops.kernel.epilogueDims[number], row, v, /*isTile=*/true));
  }
  for (Operation &inner : epilogue.getBody()->without_terminator())
    mapInner(inner, map, row, v);
  return llvm::map_to_vector(epilogue.getBody()->getTerminator()->getOperands(), [&](Value result) {
    return map.contains(result) ? map.lookup(result) : broadcast(result);
  });
}

} // namespace attnc::cpu
