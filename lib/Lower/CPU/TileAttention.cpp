// Attention on tiles, at the level's register block.
//
// For each batch, group of heads and block of queries, and the keys that the mask lets some of them see, a tile at a time:
//   1. The tile's keys and values are packed; the block's queries were at its start.
//   2. For a few rows at a time: S = Q·Kᵀ, weights and what is kept of the rows, O += P·V. S stays in L1.
// At the end O is divided by the sums. All heads of a group are rows of a block, so that they share the packing.
// A tile that the mask analysis finds empty is not visited. In the others each few rows that see all of it run without the
// mask's code, and those that see a part visit the keys that they see, in whole panels.
//
// Limits (chooseTiles says which one): sums in f32, static widths that fit the stack, regions that can be made vectors. What
// is not taken here stays for attnc-lower-attn, row by row.
#include "attnc/Lower/Cpu.h"

#include "AttentionTiled.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace attnc {
#define GEN_PASS_DEF_TILEATTENTION
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::cpu;

namespace {

class Tiling {
public:
  Tiling(ImplicitLocOpBuilder &b, AttentionOp op, const TileSizes &sizes) : a(b, op, sizes), b(b), e(b), op(op), s(sizes) {}

  /// The results.
  SmallVector<Value> run();

private:
  Value getExtent(Dim dim) { return getValueOrCreateConstantIndexOp(b, b.getLoc(), op.getExtent(b, b.getLoc(), dim)); }
  std::pair<Value, Value> getSequence(const Operand &rows, Value all, Value batch);
  Value getLongest();
  void allocScratch();
  void computeBlock(Value batch, Value group, Value number);
  void visitSource(const QueryBlock &queries, const SourceOperands &source);
  void visitPages(const QueryBlock &queries, const SourceOperands &source, Value count);
  void visitRun(const QueryBlock &queries, KeyTile run);
  void computeTile(const QueryBlock &queries, const KeyTile &keys);
  void computeRows(const QueryBlock &queries, const KeyTile &keys, Value low, Value high);
  std::pair<Value, Value> findKeys(const QueryBlock &queries, const KeyTile &keys, Value low, Value high);
  std::pair<Value, Value> clipToSeen(const QueryBlock &queries, const KeyTile &keys, const Box &box);

  Attention a;
  ImplicitLocOpBuilder &b;
  Emit e;
  AttentionOp op;
  const TileSizes &s;
};

/// Sequence `batch` of packed rows: its first one and how many there are, inside of what there is.
std::pair<Value, Value> Tiling::getSequence(const Operand &rows, Value all, Value batch) {
  auto read = [&](Value at) { return e.toIndex(memref::LoadOp::create(b, rows.buffer, at)); };
  Value first = e.clamp(read(batch), e.index(0), all);
  Value end = e.clamp(read(e.add(batch, e.index(1))), first, all);
  return {first, e.sub(end, first)};
}

Value Tiling::getLongest() {
  Value all = getExtent(AttentionOp::I);
  auto body = [&](Value batch, ValueRange longest) -> SmallVector<Value> {
    return {e.max(longest[0], getSequence(a.queryRows, all, batch).second)};
  };
  return e.loop(e.index(0), getExtent(AttentionOp::B), 1, e.index(0), body)[0];
}

void Tiling::allocScratch() {
  Scratch &scratch = a.scratch;
  int64_t columns = s.columns(), depth = llvm::alignTo(s.depth, s.lanes);
  scratch.queries = a.alloc({s.queries, depth});
  scratch.keys = a.alloc({s.keys / columns, s.depth, columns});
  scratch.values = a.alloc({s.keys, s.paddedWidth()});
  scratch.scores = a.alloc({s.rows, s.keys});
  scratch.out = a.alloc({s.queries, s.paddedWidth()});
  scratch.max = a.isSoftmax() ? a.alloc({s.queries}) : Value();
  scratch.sum = a.hasSum() ? a.alloc({s.queries, s.lanes}) : Value();
  scratch.moment = a.entropy.buffer ? a.alloc({s.queries, s.lanes}) : Value();
}

SmallVector<Value> Tiling::run() {
  Value length = op.getQueryRows() ? getLongest() : getExtent(AttentionOp::I);
  Value blocks = e.ceilDiv(e.mul(length, a.heads), s.queries);
  SmallVector<OpFoldResult> low(3, b.getIndexAttr(0)), step(3, b.getIndexAttr(1));
  SmallVector<OpFoldResult> high{getExtent(AttentionOp::B), getExtent(AttentionOp::G), blocks};
  auto forall = scf::ForallOp::create(b, low, high, step, ValueRange(), /*mapping=*/std::nullopt);
  SmallVector<Value> results;
  for (auto [output, type] : llvm::zip(a.getOutputs(), op->getResultTypes()))
    results.push_back(bufferization::ToTensorOp::create(b, type, output, /*restrict=*/true, /*writable=*/true));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(forall.getTerminator());
  SmallVector<Value> at(forall.getInductionVars());
  allocScratch();
  computeBlock(at[0], at[1], at[2]);
  return results;
}

void Tiling::computeBlock(Value batch, Value group, Value number) {
  QueryBlock queries{batch, group, e.mul(number, s.queries), {}, e.index(0)};
  Value length = getExtent(AttentionOp::I);
  if (op.getQueryRows())
    std::tie(queries.start, length) = getSequence(a.queryRows, length, batch);
  queries.count = e.clamp(e.sub(e.mul(length, a.heads), queries.first), e.index(0), e.index(s.queries));
  e.when(e.less(e.index(0), queries.count), [&] {
    packQueries(a, queries);
    startRows(a, queries);
    for (const SourceOperands &source : a.sources)
      visitSource(queries, source);
    finishRows(a, queries);
  });
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

void Tiling::visitSource(const QueryBlock &queries, const SourceOperands &source) {
  KeyTile run{&source, queries.batch, e.index(0), e.index(0), source.count};
  if (source.rows.buffer) {
    std::tie(run.stored, run.count) = getSequence(source.rows, source.count, queries.batch);
    return visitRun(queries, run);
  }
  if (source.valid.buffer) {
    Point point;
    point[AttentionOp::B] = queries.batch;
    Value valid = isa<MemRefType>(source.valid.buffer.getType()) ? source.valid.load(b, point) : source.valid.buffer;
    run.count = e.clamp(e.toIndex(valid), e.index(0), source.count);
  }
  if (source.pages.buffer)
    return visitPages(queries, source, run.count);
  visitRun(queries, run);
}

/// Page after page; a page that the pool does not have has no keys.
void Tiling::visitPages(const QueryBlock &queries, const SourceOperands &source, Value count) {
  auto getKeySize = [&](Dim dim) {
    auto *at = llvm::find(source.key.indices, b.getAffineDimExpr(dim));
    return b.createOrFold<memref::DimOp>(source.key.buffer, at - source.key.indices.begin());
  };
  Value size = getKeySize(AttentionOp::J), pool = getKeySize(AttentionOp::B), zero = e.index(0), one = e.index(1);
  Value pages = e.div(e.add(count, e.sub(size, one)), e.max(size, one));
  e.loop(zero, pages, 1, [&](Value page) {
    Point point;
    point[AttentionOp::B] = queries.batch;
    SmallVector<Value> at = source.pages.at(b, point);
    at.push_back(page);
    Value number = e.toIndex(memref::LoadOp::create(b, source.pages.buffer, at)), before = e.mul(page, size);
    Value there = e.both(e.atMost(zero, number), e.less(number, pool));
    Value keys = e.select(there, e.min(size, e.sub(count, before)), zero);
    visitRun(queries, {&source, number, zero, before, keys});
  });
}

/// The keys of a run that the mask's bounds leave, a tile at a time.
void Tiling::visitRun(const QueryBlock &queries, KeyTile run) {
  const SourceOperands &source = *run.source;
  Value zero = e.index(0), low = zero, high = run.count;
  if (source.mask)
    std::tie(low, high) = clipToSeen(queries, run, {zero, queries.count, zero, run.count});
  // Tiles of one size, rather than whole ones and a short rest: each costs its rows something.
  Value count = e.sub(high, low), tiles = e.max(e.ceilDiv(count, s.keys), e.index(1));
  Value share = e.div(e.add(count, e.sub(tiles, e.index(1))), tiles);
  Value size = e.max(e.mul(e.ceilDiv(share, s.columns()), s.columns()), e.index(s.columns()));
  e.loop(zero, e.div(e.add(count, e.sub(size, e.index(1))), size), 1, [&](Value tile) {
    Value first = e.add(low, e.mul(tile, size));
    KeyTile keys = run;
    keys.stored = e.add(run.stored, first);
    keys.first = e.add(run.first, first);
    keys.count = e.min(e.sub(high, first), size);
    if (!source.mask)
      return computeTile(queries, keys);
    MaskClass seen = classify(a, queries, keys, {zero, queries.count, zero, keys.count});
    e.when(seen.any, [&] { computeTile(queries, keys); });
  });
}

/// Keys first … last - 1 of a box, without those in front of and behind what the analysis bounds.
std::pair<Value, Value> Tiling::clipToSeen(const QueryBlock &queries, const KeyTile &keys, const Box &box) {
  if (keys.source->positions.buffer)
    return {box.first, box.last};
  MaskClass seen = classify(a, queries, keys, box);
  Value base = keys.source->offset ? e.add(keys.first, keys.source->offset) : keys.first;
  Value first = box.first, last = box.last;
  if (seen.low)
    first = e.clamp(e.sub(seen.low, base), first, last);
  if (seen.high)
    last = e.clamp(e.add(e.sub(seen.high, base), e.index(1)), first, last);
  return {first, last};
}

void Tiling::computeTile(const QueryBlock &queries, const KeyTile &keys) {
  packKeys(a, queries, keys);
  packValues(a, queries, keys);
  e.loop(e.index(0), queries.count, s.rows, [&](Value low) {
    computeRows(queries, keys, low, e.min(e.add(low, e.index(s.rows)), queries.count));
  });
}

/// The keys of a tile that a few rows see, from a whole panel on.
std::pair<Value, Value> Tiling::findKeys(const QueryBlock &queries, const KeyTile &keys, Value low, Value high) {
  Value zero = e.index(0);
  auto [first, last] = clipToSeen(queries, keys, {low, high, zero, keys.count});
  first = e.mul(e.div(first, s.columns()), s.columns());
  if (!readsTables(a, *keys.source))
    return {first, last};
  // Tables say it for each panel.
  Value end = last;
  auto body = [&](Value panel, ValueRange found) -> SmallVector<Value> {
    Value behind = e.min(e.add(panel, e.index(s.columns())), end);
    Value any = classify(a, queries, keys, {low, high, panel, behind}).any;
    return {e.select(any, e.min(found[0], panel), found[0]), e.select(any, behind, found[1])};
  };
  SmallVector<Value> found = e.loop(first, last, s.columns(), ValueRange{last, zero}, body);
  return {found[0], found[1]};
}

void Tiling::computeRows(const QueryBlock &queries, const KeyTile &keys, Value low, Value high) {
  Value zero = e.index(0), first = zero, last = keys.count, all = e.truth(true);
  if (keys.source->mask) {
    all = classify(a, queries, keys, {low, high, zero, keys.count}).all;
    auto ends = scf::IfOp::create(b, TypeRange{b.getIndexType(), b.getIndexType()}, all, true, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ends.thenBlock());
    scf::YieldOp::create(b, ValueRange{first, last});
    b.setInsertionPointToStart(ends.elseBlock());
    auto [seenFirst, seenLast] = findKeys(queries, keys, low, high);
    scf::YieldOp::create(b, ValueRange{seenFirst, seenLast});
    first = ends.getResult(0);
    last = ends.getResult(1);
  }
  e.when(e.less(first, last), [&] {
    multiplyKeys(a, low, high, first, last);
    auto weigh = [&](bool masked) { weighRows(a, queries, keys, low, high, first, last, masked); };
    Value wholeVectors = e.compare(Emit::I::eq, e.rem(last, e.index(s.lanes)), zero);
    e.when(e.both(all, wholeVectors), [&] { weigh(false); }, [&] { weigh(true); });
    addValues(a, low, high, first, last);
  });
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

class TileAttention : public attnc::impl::TileAttentionBase<TileAttention> {
public:
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops)
      tile(op);
  }

private:
  static void tile(AttentionOp op) {
    std::string why;
    std::optional<TileSizes> sizes = chooseTiles(op, getCpuLevel(op), why);
    if (!sizes) {
      remark::missed(op.getLoc(), remark::RemarkOpts::name("attention").category("lower"))
          << ("runs row by row: it has " + why);
      return;
    }
    ImplicitLocOpBuilder b(op.getLoc(), op);
    op->replaceAllUsesWith(Tiling(b, op, *sizes).run());
    op.erase();
  }
};

} // namespace
