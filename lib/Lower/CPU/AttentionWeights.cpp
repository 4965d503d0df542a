// From products to weights, a few rows at a time, and what is kept of each row over its keys.
//
// Softmax, for the keys of one tile, in two passes over the rows' scores (in L1):
//   1. s = score(scale · q·k), -inf where the mask hides the key, and the largest one.
//   2. p = exp(s - m) for the new largest m; what the row has so far (sum, moment, out) is scaled by exp(m_before - m).
// Sums stay vectors, one partial sum a lane, until the row is done. The other normalisers need one pass.
#include "AttentionTiled.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::cpu;

namespace {

/// A few rows at once: their loops hide each other's latencies and share what depends on the key alone.
class RowGroup {
public:
  RowGroup(Attention &a, const QueryBlock &queries, const KeyTile &keys, Value row, Value scoreRow, int64_t count, bool masked)
      : a(a), b(a.b), e(a.e), keys(keys), row(row), scoreRow(scoreRow), masked(masked), vector(a.vector) {
    for (int64_t r : llvm::seq(count)) {
      rows.push_back(a.getRow(queries, e.add(row, e.index(r))));
      SmallVector<Lanes> known;
      for (auto [operand, capture] : llvm::zip_equal(a.op.getCapturesMutable(), a.captures)) {
        bool isWhole = !isa<MemRefType>(capture.buffer.getType()) || a.op.isWholeCapture(operand);
        if (capture.has(AttentionOp::J))
          known.push_back({}); // read in the loop
        else
          known.push_back(Lanes::same(isWhole ? capture.buffer : capture.load(b, rows.back().point)));
      }
      captures.push_back(known);
    }
  }

  /// Keys first … last - 1. Behind the last, up to whole vectors, there may be anything.
  void weigh(Value first, Value last) {
    if (a.isSoftmax())
      return weighSoftmax(first, last);
    SmallVector<Value> sums = overKeys(first, last, zeros(a.hasSum()), [&](Value j, Value live, ValueRange carried) {
      SmallVector<Value> next;
      for (int64_t r : llvm::seq(count())) {
        Value weight = normalize(getScore(r, j, live));
        if (!a.op.getPost().empty())
          weight = inlineRegion(a.op.getPost(), r, j, live, weight);
        weight = hide(r, j, live, weight, 0);
        store(weight, r, j);
        if (a.hasSum())
          next.push_back(e.addf(carried[r], weight));
      }
      return next;
    });
    if (a.hasSum())
      for (int64_t r : llvm::seq(count()))
        storeRow(e.addf(loadRow(a.scratch.sum, r), sums[r]), a.scratch.sum, r);
  }

private:
  int64_t count() const { return rows.size(); }
  SmallVector<Value> zeros(bool wanted) { return SmallVector<Value>(wanted ? count() : 0, e.number(vector, 0)); }

  using KeyBody = function_ref<SmallVector<Value>(Value j, Value live, ValueRange carried)>;
  /// The keys a vector at a time; `live` tells which are in front of `last`.
  SmallVector<Value> overKeys(Value first, Value last, ValueRange carried, KeyBody body) {
    return e.loop(first, last, a.sizes.lanes, carried, [&](Value j, ValueRange inner) {
      Value live;
      if (masked)
        live = vector::CreateMaskOp::create(b, VectorType::get(a.sizes.lanes, b.getI1Type()), e.sub(last, j));
      return body(j, live, inner);
    });
  }

  // Scratch.
  Value load(int64_t r, Value j) { return loadVector(b, a.sizes.lanes, a.scratch.scores, {e.add(scoreRow, e.index(r)), j}); }
  void store(Value values, int64_t r, Value j) { storeVector(b, values, a.scratch.scores, {e.add(scoreRow, e.index(r)), j}); }
  Value loadRow(Value of, int64_t r) { return loadVector(b, a.sizes.lanes, of, {e.add(row, e.index(r)), e.index(0)}); }
  void storeRow(Value values, Value of, int64_t r) { storeVector(b, values, of, {e.add(row, e.index(r)), e.index(0)}); }

  Lanes getKeyPosition(int64_t r, Value j, Value live) {
    const SourceOperands &source = *keys.source;
    if (!source.positions.buffer) {
      Value number = e.add(keys.first, j);
      return Lanes::counting(source.offset ? e.add(number, source.offset) : number);
    }
    Point point = getKeyPoint(r, j);
    if (!source.positions.has(AttentionOp::J))
      return Lanes::same(e.toIndex(source.positions.load(b, point)));
    Value positions = source.positions.loadLanes(b, point, AttentionOp::J, a.sizes.lanes, live);
    return Lanes::of(e.toInteger(positions, VectorType::get(a.sizes.lanes, b.getIndexType())));
  }

  Point getKeyPoint(int64_t r, Value j) {
    Point point = rows[r].point;
    point[AttentionOp::J] = e.add(keys.source->pages.buffer ? keys.first : keys.stored, j);
    return point;
  }

  Lanes evaluate(Region &region, int64_t r, Value j, Value live, Value score) {
    SmallVector<Lanes> arguments;
    if (score)
      arguments.push_back(Lanes::of(score));
    Value batch = rows[r].point[AttentionOp::B];
    arguments.append({Lanes::same(batch), Lanes::same(rows[r].head), Lanes::same(rows[r].position), getKeyPosition(r, j, live),
                      Lanes::same(e.index(keys.source->number))});
    for (auto [capture, known] : llvm::zip_equal(a.captures, captures[r])) {
      bool byKey = capture.has(AttentionOp::J) && !region.getArgument(arguments.size()).use_empty();
      arguments.push_back(byKey ? Lanes::of(capture.loadLanes(b, getKeyPoint(r, j), AttentionOp::J, a.sizes.lanes, live)) : known);
    }
    return cloneRegion(b, region, arguments, a.sizes.lanes, live);
  }
  Value inlineRegion(Region &region, int64_t r, Value j, Value live, Value score) {
    return toVector(b, evaluate(region, r, j, live, score), a.sizes.lanes);
  }

  Value getScore(int64_t r, Value j, Value live) {
    Value score = load(r, j);
    if (a.scalesLate())
      return score;
    score = e.mulf(score, e.number(vector, a.op.getScale().convertToDouble()));
    return a.op.getScore().empty() ? score : inlineRegion(a.op.getScore(), r, j, live, score);
  }

  /// `hidden` for keys that are not seen.
  Value hide(int64_t r, Value j, Value live, Value values, double hidden) {
    if (!masked)
      return values;
    Value seen = live;
    if (Region *mask = keys.source->mask)
      seen = e.both(inlineRegion(*mask, r, j, live, nullptr), live);
    return e.select(seen, values, e.number(vector, hidden));
  }

  Value normalize(Value score) {
    if (a.normalizer == attn::Normalizer::Identity)
      return score;
    Value one = e.number(vector, 1);
    return e.divf(one, e.addf(e.expOfWeight(e.subf(e.number(vector, 0), score)), one));
  }

  void weighSoftmax(Value first, Value last);
  Value findLargest(Value first, Value last);
  void rescale(Value before, Value after, Value factor);

  Attention &a;
  ImplicitLocOpBuilder &b;
  Emit &e;
  const KeyTile &keys;
  Value row, scoreRow;
  bool masked;
  VectorType vector;
  SmallVector<Attention::Row> rows;
  SmallVector<SmallVector<Lanes>> captures;
};

/// Pass 1; the largest score of each row, as a vector of rows.
Value RowGroup::findLargest(Value first, Value last) {
  SmallVector<Value> lowest(count(), e.number(vector, -Emit::kInfinity));
  SmallVector<Value> largest = overKeys(first, last, lowest, [&](Value j, Value live, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t r : llvm::seq(count())) {
      Value score = hide(r, j, live, getScore(r, j, live), -Emit::kInfinity);
      if (masked || !a.scalesLate())
        store(score, r, j);
      next.push_back(e.larger(score, carried[r]));
    }
    return next;
  });
  SmallVector<Value> reduced;
  for (Value of : largest)
    reduced.push_back(vector::ReductionOp::create(b, vector::CombiningKind::MAXNUMF, of, arith::FastMathFlags::nnan));
  auto type = VectorType::get(count(), a.f32);
  Value result = vector::FromElementsOp::create(b, type, reduced);
  return a.scalesLate() ? e.mulf(result, e.number(type, a.op.getScale().convertToDouble())) : result;
}

/// What the rows have so far, relative to a new largest score.
void RowGroup::rescale(Value before, Value after, Value factor) {
  const TileSizes &s = a.sizes;
  for (int64_t r : llvm::seq(count())) {
    Value by = e.broadcast(vector, vector::ExtractOp::create(b, factor, r));
    Value sum = loadRow(a.scratch.sum, r);
    storeRow(e.mulf(sum, by), a.scratch.sum, r);
    if (a.scratch.moment) {
      Value shift = e.subf(vector::ExtractOp::create(b, before, r), vector::ExtractOp::create(b, after, r));
      Value zero = e.number(vector, 0), shifted = e.mulf(sum, e.broadcast(vector, shift));
      shifted = e.select(e.compare(Emit::F::OEQ, sum, zero), zero, shifted);
      storeRow(e.mulf(by, e.addf(loadRow(a.scratch.moment, r), shifted)), a.scratch.moment, r);
    }
    Value at = e.add(row, e.index(r));
    e.loop(e.index(0), e.index(s.paddedWidth()), s.lanes, [&](Value v) {
      storeVector(b, e.mulf(loadVector(b, s.lanes, a.scratch.out, {at, v}), by), a.scratch.out, {at, v});
    });
  }
}

void RowGroup::weighSoftmax(Value first, Value last) {
  auto type = VectorType::get(count(), a.f32);
  Value before = loadVector(b, count(), a.scratch.max, row), largest = e.larger(findLargest(first, last), before);
  Value base = e.orZero(largest), factor = e.expOfWeight(e.subf(before, base));
  storeVector(b, largest, a.scratch.max, row);
  Value changed = vector::ReductionOp::create(b, vector::CombiningKind::OR, e.compare(Emit::F::UNE, factor, e.number(type, 1)));
  e.when(changed, [&] { rescale(before, base, factor); });

  SmallVector<Value> bases, carried = zeros(true);
  for (int64_t r : llvm::seq(count()))
    bases.push_back(e.broadcast(vector, vector::ExtractOp::create(b, base, r)));
  carried.append(zeros(a.scratch.moment != nullptr));
  Value scale = e.number(vector, a.op.getScale().convertToDouble()), zero = e.number(vector, 0);
  SmallVector<Value> sums = overKeys(first, last, carried, [&](Value j, Value, ValueRange inner) {
    SmallVector<Value> next(inner);
    for (int64_t r : llvm::seq(count())) {
      Value score = load(r, j);
      Value x = a.scalesLate() ? e.fma(score, scale, arith::NegFOp::create(b, bases[r])) : e.subf(score, bases[r]);
      Value weight = e.expOfWeight(x);
      store(weight, r, j);
      next[r] = e.addf(inner[r], weight);
      if (!a.scratch.moment)
        continue;
      Value hidden = e.compare(Emit::F::OEQ, x, e.number(vector, -Emit::kInfinity));
      next[count() + r] = e.addf(inner[count() + r], e.select(hidden, zero, e.mulf(weight, x)));
    }
    return next;
  });
  for (int64_t r : llvm::seq(count())) {
    storeRow(e.addf(loadRow(a.scratch.sum, r), sums[r]), a.scratch.sum, r);
    if (a.scratch.moment)
      storeRow(e.addf(loadRow(a.scratch.moment, r), sums[count() + r]), a.scratch.moment, r);
  }
}

} // namespace

void attnc::cpu::weighRows(Attention &a, const QueryBlock &queries, const KeyTile &keys, Value low, Value high, Value first, Value last, bool masked) {
  forEachRowBlock(a.e, low, high, {4, 1}, [&](Value row, int64_t count) {
    RowGroup(a, queries, keys, row, a.e.sub(row, low), count, masked).weigh(first, last);
  });
}

//===----------------------------------------------------------------------===//
// The first and the last of a row
//===----------------------------------------------------------------------===//

void attnc::cpu::startRows(Attention &a, const QueryBlock &queries) {
  Emit &e = a.e;
  Value zero = e.number(a.vector, 0);
  e.loop(e.index(0), queries.count, 1, [&](Value row) {
    if (a.scratch.max)
      memref::StoreOp::create(a.b, e.number(a.f32, -Emit::kInfinity), a.scratch.max, row);
    for (Value sums : {a.scratch.sum, a.scratch.moment})
      if (sums)
        storeVector(a.b, zero, sums, {row, e.index(0)});
    e.loop(e.index(0), e.index(a.sizes.paddedWidth()), a.sizes.lanes, [&](Value v) { storeVector(a.b, zero, a.scratch.out, {row, v}); });
  });
}

namespace {

/// The numbers of a finished row.
class FinishedRow {
public:
  FinishedRow(Attention &a, const Attention::Row &row, Value number) : a(a), b(a.b), e(a.e), row(row), number(number) {}

  void write() {
    Value factor = e.number(a.f32, 1);
    if (a.hasSum()) {
      sum = reduce(a.scratch.sum);
      total = sum;
      if (a.isSoftmax())
        max = e.orZero(memref::LoadOp::create(b, a.scratch.max, number));
      if (a.sink.buffer)
        factor = includeSink();
      Value zero = e.number(a.f32, 0);
      factor = e.select(e.compare(Emit::F::OEQ, total, zero), zero, e.divf(factor, total));
    }
    writeOut(factor);
    if (a.lse.buffer)
      writeScalar(e.addf(max, e.log(total)), a.lse);
    if (a.entropy.buffer)
      writeEntropy();
  }

private:
  Value reduce(Value of) {
    return vector::ReductionOp::create(b, vector::CombiningKind::ADD, loadVector(b, a.sizes.lanes, of, {number, e.index(0)}),
                                       arith::FastMathFlags::reassoc);
  }

  /// The sink is a score without a value. Returns what becomes of the row's weights.
  Value includeSink() {
    Value zero = e.number(a.f32, 0), before = memref::LoadOp::create(b, a.scratch.max, number);
    Value score = toElements(b, a.sink.load(b, row.point), a.f32), after = e.orZero(e.larger(score, before));
    Value factor = e.exp(e.subf(before, after));
    shift = e.select(e.compare(Emit::F::OEQ, sum, zero), zero, e.mulf(sum, e.subf(before, after)));
    scaled = factor;
    sum = e.mulf(sum, factor);
    total = e.addf(sum, e.exp(e.subf(score, after)));
    max = after;
    return factor;
  }

  /// -Σ p log p, with p = exp(s - max) / total.
  void writeEntropy() {
    Value moment = reduce(a.scratch.moment), zero = e.number(a.f32, 0);
    if (shift)
      moment = e.mulf(scaled, e.addf(moment, shift));
    Value entropy = e.divf(e.subf(e.mulf(sum, e.log(total)), moment), total);
    writeScalar(e.select(e.compare(Emit::F::OEQ, total, zero), zero, entropy), a.entropy);
  }

  void writeScalar(Value value, const Operand &to) {
    memref::StoreOp::create(b, toElements(b, value, to.getElementType()), to.buffer, to.at(b, row.point));
  }

  void writeOut(Value factor) {
    const TileSizes &s = a.sizes;
    Value by = e.broadcast(a.vector, factor);
    Point point = row.point;
    auto write = [&](Value v, int64_t count) {
      point[AttentionOp::V] = v;
      Value values = e.mulf(loadVector(b, s.lanes, a.scratch.out, {number, v}), by);
      a.out.storeLanes(b, toElements(b, values, a.out.getElementType()), point, AttentionOp::V, count);
    };
    int64_t whole = s.width / s.lanes * s.lanes;
    e.loop(e.index(0), e.index(whole), s.lanes, [&](Value v) { write(v, s.lanes); });
    if (whole < s.width)
      write(e.index(whole), s.width - whole);
  }

  Attention &a;
  ImplicitLocOpBuilder &b;
  Emit &e;
  const Attention::Row &row;
  Value number, sum, total, max, shift, scaled;
};

} // namespace

void attnc::cpu::finishRows(Attention &a, const QueryBlock &queries) {
  a.e.loop(a.e.index(0), queries.count, 1, [&](Value number) {
    Attention::Row row = a.getRow(queries, number);
    FinishedRow(a, row, number).write();
  });
}
