// The two products of attention on packed operands, in blocks of registers.
#include "AttentionTiled.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attnc::cpu;

/// Heights of a block: the level's, and lower ones for the rows that are left.
static SmallVector<int64_t> getHeights(const TileSizes &sizes) {
  SmallVector<int64_t> heights{sizes.block.rows};
  for (int64_t height : {4, 1})
    if (height < heights.back())
      heights.push_back(height);
  return heights;
}

/// scores[row][key] = Σ_d query[row][d] · key[d]; panels that hold keys first … last - 1.
void attnc::cpu::multiplyKeys(Attention &a, Value low, Value high, Value first, Value last) {
  ImplicitLocOpBuilder &b = a.b;
  const TileSizes &s = a.sizes;
  Value zero = a.e.index(0), depth = a.e.index(s.depth);
  a.e.loop(a.e.div(first, s.columns()), a.e.ceilDiv(last, s.columns()), 1, [&](Value panel) {
    forEachRowBlock(a.e, low, high, getHeights(s), [&](Value row, int64_t height) {
      BlockShape shape{height, s.block.vectors, a.vector};
      auto left = [&](int64_t r, Value d) { return memref::LoadOp::create(b, a.scratch.queries, ValueRange{a.e.add(row, a.e.index(r)), d}); };
      auto right = [&](int64_t v, Value d) { return loadVector(b, s.lanes, a.scratch.keys, {panel, d, a.e.index(v * s.lanes)}); };
      Sums sums = addProducts(b, shape, zero, depth, zeroSums(b, shape), left, right);
      Value at = a.e.sub(row, low), column = a.e.mul(panel, s.columns());
      for (int64_t r : llvm::seq(height))
        for (int64_t v : llvm::seq(s.block.vectors))
          storeVector(b, sums[r * s.block.vectors + v], a.scratch.scores,
                      {a.e.add(at, a.e.index(r)), a.e.add(column, a.e.index(v * s.lanes))});
    });
  });
}

/// out[row][v] += Σ_j weight[row][j] · value[j][v] for keys first … last - 1.
void attnc::cpu::addValues(Attention &a, Value low, Value high, Value first, Value last) {
  ImplicitLocOpBuilder &b = a.b;
  const TileSizes &s = a.sizes;
  auto addColumns = [&](Value column, int64_t vectors) {
    forEachRowBlock(a.e, low, high, getHeights(s), [&](Value row, int64_t height) {
      BlockShape shape{height, vectors, a.vector};
      Value at = a.e.sub(row, low);
      auto getPlace = [&](int64_t r, int64_t v) -> SmallVector<Value> {
        return {a.e.add(row, a.e.index(r)), a.e.add(column, a.e.index(v * s.lanes))};
      };
      auto left = [&](int64_t r, Value j) { return memref::LoadOp::create(b, a.scratch.scores, ValueRange{a.e.add(at, a.e.index(r)), j}); };
      auto right = [&](int64_t v, Value j) { return loadVector(b, s.lanes, a.scratch.values, {j, a.e.add(column, a.e.index(v * s.lanes))}); };
      Sums sums;
      for (int64_t r : llvm::seq(height))
        for (int64_t v : llvm::seq(vectors))
          sums.push_back(loadVector(b, s.lanes, a.scratch.out, getPlace(r, v)));
      sums = addProducts(b, shape, first, last, sums, left, right);
      for (int64_t r : llvm::seq(height))
        for (int64_t v : llvm::seq(vectors))
          storeVector(b, sums[r * vectors + v], a.scratch.out, getPlace(r, v));
    });
  };
  int64_t columns = s.columns(), whole = s.paddedWidth() / columns * columns, left = (s.paddedWidth() - whole) / s.lanes;
  a.e.loop(a.e.index(0), a.e.index(whole), columns, [&](Value column) { addColumns(column, s.block.vectors); });
  if (left)
    addColumns(a.e.index(whole), left);
}
