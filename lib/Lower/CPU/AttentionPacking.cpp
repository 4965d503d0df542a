// Copies of operands into scratch, as f32 in the order in which the products read them.
//
// Queries: [rows][depth]. Keys: [panel][depth][columns], transposed a square of registers at a time. Values: [key][width].
#include "AttentionTiled.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attnc::cpu;

/// Rows of values that are asked for in advance.
static constexpr int64_t kValuesAhead = 16;

/// The elements 0 … extent - 1 along a dimension, a vector at a time: `body` gets the first one, whose position is `at`.
static void forEachVector(Attention &a, int64_t extent, function_ref<void(Value at, Value live)> body) {
  int64_t lanes = a.sizes.lanes, whole = extent / lanes * lanes;
  a.e.loop(a.e.index(0), a.e.index(whole), lanes, [&](Value at) { body(at, nullptr); });
  if (whole == extent)
    return;
  Value live = vector::CreateMaskOp::create(a.b, VectorType::get(lanes, a.b.getI1Type()), ValueRange(a.e.index(extent - whole)));
  body(a.e.index(whole), live);
}

/// Scratch has room for whole vectors.
static void copyRow(Attention &a, const Operand &from, Point point, Dim dim, int64_t extent, Value to, Value row) {
  forEachVector(a, extent, [&](Value at, Value live) {
    point[dim] = at;
    Value elements = from.loadLanes(a.b, point, dim, a.sizes.lanes, live);
    storeVector(a.b, toElements(a.b, elements, a.f32), to, {row, at});
  });
}

/// Asks for a row in advance: neighbours in a sequence are far apart in memory, where no prefetcher of the CPU looks.
static void prefetchRow(Attention &a, const Operand &operand, Point point, Dim dim, int64_t extent) {
  if (!operand.isContiguous(dim))
    return;
  int64_t line = 64 * 8 / operand.getElementType().getIntOrFloatBitWidth();
  for (int64_t at = 0; at < extent; at += line) {
    point[dim] = a.e.index(at);
    memref::PrefetchOp::create(a.b, operand.buffer, operand.at(a.b, point), /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }
}

void attnc::cpu::packQueries(Attention &a, const QueryBlock &queries) {
  a.e.loop(a.e.index(0), queries.count, 1, [&](Value row) {
    copyRow(a, a.query, a.getRow(queries, row).point, AttentionOp::D, a.sizes.depth, a.scratch.queries, row);
  });
}

static Point getKeyPoint(const QueryBlock &queries, const KeyTile &keys, Value key) {
  Point point;
  point[AttentionOp::B] = keys.storedBatch;
  point[AttentionOp::G] = queries.group;
  point[AttentionOp::J] = key;
  return point;
}

void attnc::cpu::packValues(Attention &a, const QueryBlock &queries, const KeyTile &keys) {
  a.e.loop(a.e.index(0), keys.count, 1, [&](Value j) {
    Point point = getKeyPoint(queries, keys, a.e.add(keys.stored, j));
    Value ahead = a.e.min(a.e.add(j, a.e.index(kValuesAhead)), a.e.sub(keys.count, a.e.index(1)));
    prefetchRow(a, keys.source->value, getKeyPoint(queries, keys, a.e.add(keys.stored, ahead)), AttentionOp::V, a.sizes.width);
    copyRow(a, keys.source->value, point, AttentionOp::V, a.sizes.width, a.scratch.values, j);
  });
}

/// n vectors of n lanes to their transpose: interleaving the first half of the vectors with the second log2(n) times.
static SmallVector<Value> transpose(ImplicitLocOpBuilder &b, SmallVector<Value> rows) {
  int64_t n = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t lane : llvm::seq(n / 2)) {
    low.append({lane, n + lane});
    high.append({n / 2 + lane, n + n / 2 + lane});
  }
  for (int64_t step = 1; step < n; step *= 2) {
    SmallVector<Value> next;
    for (int64_t row : llvm::seq(n / 2)) {
      next.push_back(vector::ShuffleOp::create(b, rows[row], rows[row + n / 2], low));
      next.push_back(vector::ShuffleOp::create(b, rows[row], rows[row + n / 2], high));
    }
    rows = next;
  }
  return rows;
}

/// Columns `first` … of a panel, `lanes` keys; behind the last key the last again, so that scratch holds numbers everywhere.
static void packColumns(Attention &a, const QueryBlock &queries, const KeyTile &keys, Value first, Value last) {
  const Operand &key = keys.source->key;
  int64_t lanes = a.sizes.lanes;
  Value panel = a.e.div(first, a.sizes.columns()), column = a.e.rem(first, a.e.index(a.sizes.columns()));
  auto getPoint = [&](int64_t lane) {
    Value j = lane == 0 ? first : a.e.min(a.e.add(first, a.e.index(lane)), last);
    return getKeyPoint(queries, keys, a.e.add(keys.stored, a.e.min(j, last)));
  };
  SmallVector<Point> points;
  for (int64_t lane : llvm::seq(lanes))
    points.push_back(getPoint(lane));
  for (int64_t lane : llvm::seq(lanes))
    prefetchRow(a, key, getPoint(lanes + lane), AttentionOp::D, a.sizes.depth);
  auto packSquare = [&](Value d, Value live, int64_t count) {
    SmallVector<Value> rows;
    for (Point &point : points) {
      point[AttentionOp::D] = d;
      rows.push_back(toElements(a.b, key.loadLanes(a.b, point, AttentionOp::D, lanes, live), a.f32));
    }
    SmallVector<Value> columns = transpose(a.b, rows);
    for (int64_t lane : llvm::seq(count))
      storeVector(a.b, columns[lane], a.scratch.keys, {panel, a.e.add(d, a.e.index(lane)), column});
  };
  forEachVector(a, a.sizes.depth, [&](Value d, Value live) { packSquare(d, live, live ? a.sizes.depth % lanes : lanes); });
}

/// Keys that lie behind each other for each element of the width need no transposition.
static void copyColumns(Attention &a, const QueryBlock &queries, const KeyTile &keys, Value first, Value last) {
  Value panel = a.e.div(first, a.sizes.columns()), column = a.e.rem(first, a.e.index(a.sizes.columns()));
  Value left = a.e.add(a.e.sub(last, first), a.e.index(1));
  Value live = vector::CreateMaskOp::create(a.b, VectorType::get(a.sizes.lanes, a.b.getI1Type()), left);
  Point point = getKeyPoint(queries, keys, a.e.add(keys.stored, first));
  a.e.loop(a.e.index(0), a.e.index(a.sizes.depth), 1, [&](Value d) {
    point[AttentionOp::D] = d;
    Value elements = keys.source->key.loadLanes(a.b, point, AttentionOp::J, a.sizes.lanes, live);
    storeVector(a.b, toElements(a.b, elements, a.f32), a.scratch.keys, {panel, d, column});
  });
}

void attnc::cpu::packKeys(Attention &a, const QueryBlock &queries, const KeyTile &keys) {
  Value last = a.e.sub(keys.count, a.e.index(1));
  bool isTransposed = keys.source->key.isContiguous(AttentionOp::J);
  a.e.loop(a.e.index(0), keys.count, a.sizes.lanes, [&](Value first) {
    if (isTransposed)
      copyColumns(a, queries, keys, first, last);
    else
      packColumns(a, queries, keys, first, last);
  });
}
