// The pieces of attention on tiles: sizes, operands as buffers, blocks of queries and tiles of keys. Private to the room.
#pragma once

#include "Emit.h"
#include "MicroKernel.h"
#include "VectorRegion.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Masks/Masks.h"
#include "attnc/Target/Cpu.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <array>

namespace attnc::cpu {

using attn::AttentionOp;
using Dim = AttentionOp::Dim;
using mlir::Value;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

struct TileSizes {
  int64_t lanes;       ///< f32 in a register
  RegisterBlock block; ///< of sums
  int64_t queries;     ///< rows for which keys and values are packed once
  int64_t rows;        ///< rows whose scores are in memory at once
  int64_t keys;        ///< keys of a tile: a multiple of columns()
  int64_t depth, width;

  int64_t columns() const { return block.vectors * lanes; }
  int64_t paddedWidth() const { return llvm::alignTo(width, lanes); }
};

/// Sizes for an attention whose tiles fit a kernel's stack; otherwise why there are none.
std::optional<TileSizes> chooseTiles(AttentionOp op, const CpuLevel &level, std::string &why);

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// An index along each dimension, as far as an operand needs it.
using Point = std::array<Value, AttentionOp::NumDims>;

/// An operand in memory, with the dimension, or the constant, that indexes each of its dimensions.
struct Operand {
  Value buffer;
  llvm::SmallVector<mlir::AffineExpr> indices;

  mlir::Type getElementType() const { return mlir::cast<mlir::ShapedType>(buffer.getType()).getElementType(); }
  bool has(Dim dim) const;
  /// Elements that follow each other along a dimension do so in memory.
  bool isContiguous(Dim dim) const;
  llvm::SmallVector<Value> at(mlir::ImplicitLocOpBuilder &b, const Point &point) const;
  Value load(mlir::ImplicitLocOpBuilder &b, const Point &point) const;
  /// Neighbours along a dimension, from `point` on; the same element in all lanes if it is not indexed by that.
  Value loadLanes(mlir::ImplicitLocOpBuilder &b, const Point &point, Dim dim, int64_t lanes, Value live) const;
  void storeLanes(mlir::ImplicitLocOpBuilder &b, Value vector, const Point &point, Dim dim, int64_t count) const;
};
/// The buffer that a tensor will be.
Operand getOperand(mlir::ImplicitLocOpBuilder &b, AttentionOp op, mlir::OpOperand &operand, bool written = false);

/// A source with its operands; absent ones have no buffer.
struct SourceOperands {
  int64_t number;
  Operand key, value, positions, valid, pages, rows;
  Value offset;     ///< index, or null
  Value count;      ///< keys of a sequence, where all have as many; else null
  mlir::Region *mask; ///< null: all are visible
};

//===----------------------------------------------------------------------===//
// Parts of the work
//===----------------------------------------------------------------------===//

/// Rows first … first + count - 1 of a sequence of one batch and group: row = query · heads of the group + head in it.
struct QueryBlock {
  Value batch, group;
  Value first, count;
  Value start; ///< where the sequence's first query is stored
};

/// Keys of one tile, neighbours in memory.
struct KeyTile {
  const SourceOperands *source;
  Value storedBatch, stored; ///< where the first one is
  Value first;               ///< and which of its sequence it is
  Value count;
};

/// The memory of one block of queries.
struct Scratch {
  Value queries, keys, values, scores, out, max, sum, moment;
};

/// One attention under construction.
struct Attention {
  mlir::ImplicitLocOpBuilder &b;
  Emit e;
  AttentionOp op;
  TileSizes sizes;
  mlir::Type f32;
  mlir::VectorType vector;
  attn::Normalizer normalizer;
  Operand query, queryPositions, queryRows, out, lse, entropy, sink;
  llvm::SmallVector<Operand> captures;
  llvm::SmallVector<SourceOperands, 1> sources;
  Value queryOffset, heads; ///< heads of a group
  Scratch scratch;

  Attention(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const TileSizes &sizes);

  bool isSoftmax() const { return normalizer == attn::Normalizer::Softmax; }
  bool hasSum() const { return isSoftmax() || normalizer == attn::Normalizer::SigmoidSum; }
  bool hasOneHead() const { return mlir::getConstantIntValue(heads) == 1; }
  /// Products stay as they are until they are weighed: max(scale · s) = scale · max(s).
  bool scalesLate() { return isSoftmax() && op.getScore().empty() && op.getScale().convertToDouble() > 0; }
  Value alloc(llvm::ArrayRef<int64_t> shape);
  /// The buffers of the results.
  llvm::SmallVector<Value> getOutputs() const;

  /// Where row `row` of a block is in the operands, and its position.
  struct Row {
    Point point;
    Value position, head;
  };
  Row getRow(const QueryBlock &queries, Value row);
  Value getQueryPosition(const Point &point, Value query);
};

/// Blocks of the sizes that there is code for, largest first: for rows low … high.
void forEachRowBlock(Emit &e, Value low, Value high, llvm::ArrayRef<int64_t> sizes, llvm::function_ref<void(Value row, int64_t count)> body);

// Copies into and out of scratch (AttentionPacking.cpp).
void packQueries(Attention &a, const QueryBlock &queries);
void packKeys(Attention &a, const QueryBlock &queries, const KeyTile &keys);
void packValues(Attention &a, const QueryBlock &queries, const KeyTile &keys);

// The two products (AttentionProducts.cpp): rows low … high - 1 of the block against keys first … last - 1 of the tile.
void multiplyKeys(Attention &a, Value low, Value high, Value first, Value last);
void addValues(Attention &a, Value low, Value high, Value first, Value last);

// From products to weights (AttentionWeights.cpp). `masked`: the region decides, and `last` may be inside of a vector.
void startRows(Attention &a, const QueryBlock &queries);
void weighRows(Attention &a, const QueryBlock &queries, const KeyTile &keys, Value low, Value high, Value first, Value last, bool masked);
void finishRows(Attention &a, const QueryBlock &queries);

// What a source's mask is over rows low … high - 1 and keys first … last - 1 of a tile (AttentionMasks.cpp); null values without a mask.
struct Box {
  Value low, high, first, last;
};
MaskClass classify(Attention &a, const QueryBlock &queries, const KeyTile &keys, const Box &box);
/// The mask asks tables, which say nothing about the bounds of keys.
bool readsTables(Attention &a, const SourceOperands &source);

} // namespace attnc::cpu
