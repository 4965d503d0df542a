// Contractions, with what follows them element by element, become loops around blocks of sums in registers.
//
// For one kernel out[batch, m, n] = epilogue(Σ_k left[batch, m, k] · right[batch, k, n], …):
//   1. segments of columns: whole blocks, then narrower ones, the last under a mask;
//   2. a parallel loop over batches, chunks of rows that fit the cache, and blocks of columns, so that a block of the right operand is
//      read from memory once for all rows of a chunk;
//   3. in it blocks of rows: whole ones, then narrower ones, never single elements;
//   4. in a block: sums, epilogue, stores (ContractionBlock.cpp).
// Limits: floats; sums in f32, or f64 for f64. What matchContractionKernel refuses stays a linalg op.
#include "attnc/Lower/Cpu.h"

#include "ContractionLoops.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace attnc {
#define GEN_PASS_DEF_LOWERCONTRACTIONS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::cpu;

namespace {

class LoopEmitter {
public:
  LoopEmitter(const ContractionKernel &kernel, const CpuLevel &level)
      : b(kernel.root().getLoc(), kernel.root()), loops(b, kernel, level), at(loops.sizes.size()) {}

  /// Puts the loops in the root's place.
  void emit();

private:
  SmallVector<ColumnSegment> getColumnSegments();
  SmallVector<Value> emitSegment(const ColumnSegment &segment, ValueRange outputs);
  void placeTile(const ColumnSegment &segment, ValueRange ivs);
  SmallVector<Value> emitRows(const ColumnSegment &segment, ValueRange tiles);
  SmallVector<Value> emitBlocks(int64_t rows, OpFoldResult low, OpFoldResult high, const ColumnSegment &segment, ValueRange tiles);
  void eraseReplaced();
  OpFoldResult affine(AffineExpr expr, ArrayRef<OpFoldResult> operands) { return affine::makeComposedFoldedAffineApply(b, b.getLoc(), expr, operands); }
  OpFoldResult getRest(OpFoldResult from, OpFoldResult end, int64_t most);
  Value getValue(OpFoldResult number) { return getValueOrCreateConstantIndexOp(b, b.getLoc(), number); }
  AffineExpr d(unsigned number) { return b.getAffineDimExpr(number); }

  ImplicitLocOpBuilder b;
  ContractionLoops loops;
  // The tile of the outputs that is computed.
  SmallVector<Value> at; ///< the first index of each loop; no value for summed ones
  SmallVector<OpFoldResult> offsets, extents;
};

/// Whole blocks; then a narrower one where the number of columns is known, else single vectors, the last under a mask.
SmallVector<ColumnSegment> LoopEmitter::getColumnSegments() {
  int64_t lanes = loops.dots ? loops.block.vectors : loops.vector.getNumElements(), vectors = loops.dots ? 1 : loops.block.vectors;
  int64_t width = lanes * vectors;
  OpFoldResult size = loops.sizes[loops.column], zero = b.getIndexAttr(0);
  SmallVector<ColumnSegment> segments;
  if (std::optional<int64_t> columns = getConstantIntValue(size)) {
    int64_t whole = *columns / width * width, rest = *columns - whole;
    if (whole > 0)
      segments.push_back({zero, b.getIndexAttr(whole), vectors, lanes});
    if (rest > 0 && loops.dots)
      segments.push_back({b.getIndexAttr(whole), size, 1, rest});
    else if (rest > 0)
      segments.push_back({b.getIndexAttr(whole), size, int64_t(llvm::divideCeil(rest, lanes)), lanes, rest % lanes != 0});
    return segments;
  }
  OpFoldResult whole = affine(d(0).floorDiv(width) * width, {size}), singles = affine(d(0).floorDiv(lanes) * lanes, {size});
  segments.push_back({zero, whole, vectors, lanes});
  if (loops.dots)
    return segments.push_back({whole, size, 1, 1}), segments;
  if (vectors > 1)
    segments.push_back({whole, singles, 1, lanes});
  segments.push_back({singles, size, 1, lanes, /*masked=*/true});
  return segments;
}

void LoopEmitter::emit() {
  SmallVector<Value> outputs = loops.kernel.getOutputs();
  for (const ColumnSegment &segment : getColumnSegments())
    outputs = emitSegment(segment, outputs);
  loops.kernel.root()->replaceAllUsesWith(outputs);
  eraseReplaced();
}

void LoopEmitter::eraseReplaced() {
  loops.kernel.root()->erase();
  llvm::SetVector<Operation *> read; // products may share what they start from
  for (Contraction &product : loops.kernel.products) {
    for (Value operand : {product.start, product.right})
      if (Operation *def = operand.getDefiningOp())
        read.insert(def);
    if (loops.kernel.epilogue)
      product.op->erase();
  }
  for (Operation *def : read)
    if (isOpTriviallyDead(def))
      def->erase();
}

/// min(most, end - from).
OpFoldResult LoopEmitter::getRest(OpFoldResult from, OpFoldResult end, int64_t most) {
  auto map = AffineMap::get(2, 0, {d(1) - d(0), b.getAffineConstantExpr(most)}, b.getContext());
  return affine::makeComposedFoldedAffineMin(b, b.getLoc(), map, {from, end});
}

/// Where the tile of an iteration begins and how far it reaches: one batch, a chunk of rows, a block of columns.
void LoopEmitter::placeTile(const ColumnSegment &segment, ValueRange ivs) {
  offsets.assign(at.size(), b.getIndexAttr(0));
  extents.assign(at.size(), b.getIndexAttr(1));
  for (auto [loop, iv] : llvm::zip(loops.outer, ivs))
    offsets[loop] = at[loop] = iv;
  offsets[loops.column] = at[loops.column] = ivs.back();
  extents[loops.column] = segment.masked ? getRest(ivs.back(), segment.high, segment.width()) : b.getIndexAttr(segment.width());
  if (!loops.row)
    return;
  unsigned row = *loops.row;
  std::optional<int64_t> rows = loops.getSize(row);
  offsets[row] = at[row] = ivs.drop_back().back();
  bool whole = rows && *rows % loops.rowChunk == 0;
  extents[row] = whole ? OpFoldResult(b.getIndexAttr(loops.rowChunk)) : getRest(at[row], loops.sizes[row], loops.rowChunk);
}

/// forall (batches, chunks of rows, blocks of columns): a tile of each output.
SmallVector<Value> LoopEmitter::emitSegment(const ColumnSegment &segment, ValueRange outputs) {
  SmallVector<OpFoldResult> low(loops.outer.size(), b.getIndexAttr(0)), step(loops.outer.size(), b.getIndexAttr(1)), high;
  for (unsigned loop : loops.outer)
    high.push_back(loops.sizes[loop]);
  if (loops.row) {
    low.push_back(b.getIndexAttr(0));
    high.push_back(loops.sizes[*loops.row]);
    step.push_back(b.getIndexAttr(loops.rowChunk));
  }
  low.push_back(segment.low);
  high.push_back(segment.high);
  step.push_back(b.getIndexAttr(segment.width()));
  auto forall = scf::ForallOp::create(b, low, high, step, outputs, std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(forall.getTerminator());
  placeTile(segment, forall.getInductionVars());
  auto pick = [&](ArrayRef<OpFoldResult> from, size_t output) {
    return llvm::map_to_vector(loops.getOutputDims(output), [&](unsigned loop) { return from[loop]; });
  };
  auto shared = forall.getRegionIterArgs();
  SmallVector<Value> tiles;
  for (auto [number, output] : llvm::enumerate(shared)) {
    SmallVector<OpFoldResult> strides(loops.getOutputDims(number).size(), b.getIndexAttr(1));
    tiles.push_back(tensor::ExtractSliceOp::create(b, output, pick(offsets, number), pick(extents, number), strides));
  }
  SmallVector<Value> written = emitRows(segment, tiles);
  b.setInsertionPointToEnd(forall.getTerminator().getBody());
  for (auto [number, output] : llvm::enumerate(shared)) {
    SmallVector<OpFoldResult> strides(loops.getOutputDims(number).size(), b.getIndexAttr(1));
    tensor::ParallelInsertSliceOp::create(b, written[number], output, pick(offsets, number), pick(extents, number), strides);
  }
  return SmallVector<Value>(forall.getResults());
}

/// Whole blocks of rows, then what is left: one block where that is known, else blocks of half as many, and so on.
SmallVector<Value> LoopEmitter::emitRows(const ColumnSegment &segment, ValueRange tiles) {
  if (!loops.row)
    return BlockEmitter(b, loops, segment).emit(1, at, at, tiles);
  OpFoldResult begin = offsets[*loops.row], end = affine(d(0) + d(1), {begin, extents[*loops.row]});
  auto upTo = [&](OpFoldResult from, int64_t rows) { return affine(d(0) + (d(1) - d(0)).floorDiv(rows) * rows, {from, end}); };
  std::optional<int64_t> known = loops.getSize(*loops.row);
  int64_t rows = loops.block.rows, rest = known ? *known % rows : llvm::PowerOf2Ceil(rows) / 2;
  OpFoldResult low = begin, high = known && rest == 0 ? end : upTo(low, rows);
  SmallVector<Value> written = emitBlocks(rows, low, high, segment, tiles);
  if (known && rest == 0)
    return written;
  if (known)
    return emitBlocks(rest, high, end, segment, written);
  for (; rest > 0; rest /= 2) {
    low = high;
    high = rest == 1 ? end : upTo(low, rest);
    written = emitBlocks(rest, low, high, segment, written);
  }
  return written;
}

SmallVector<Value> LoopEmitter::emitBlocks(int64_t rows, OpFoldResult low, OpFoldResult high, const ColumnSegment &segment, ValueRange tiles) {
  auto loop = scf::ForOp::create(b, getValue(low), getValue(high), arith::ConstantIndexOp::create(b, rows), tiles);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> blockAt = at;
  blockAt[*loops.row] = loop.getInductionVar();
  scf::YieldOp::create(b, BlockEmitter(b, loops, segment).emit(rows, blockAt, at, loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

class LowerContractions : public attnc::impl::LowerContractionsBase<LowerContractions> {
public:
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("attnc.kernel") || function.isExternal())
      return;
    // Roots stand behind what they contain.
    for (Operation *op : llvm::to_vector(llvm::make_pointer_range(llvm::reverse(function.getBody().front())))) {
      WhyNot ignored;
      if (std::optional<ContractionKernel> kernel = matchContractionKernel(op, ignored)) {
        LoopEmitter(*kernel, getCpuLevel(function)).emit();
        break; // a kernel has one root
      }
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front()))) // views of what the sums started from
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
