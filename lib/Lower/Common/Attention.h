// The pieces that attention is lowered with: parts of its iteration space, tiles of keys, scores.
// Private to the room.
#pragma once

#include "Build.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Lower/LowerAttn.h"

#include <array>

namespace attnc::lower {

using Dim = attn::AttentionOp::Dim;

//===----------------------------------------------------------------------===//
// Parts of the iteration space
//===----------------------------------------------------------------------===//

/// What a tile covers of a dimension: everything, one index, or a range.
struct Part {
  enum {
    Whole,
    Index,
    Range
  } kind = Whole;
  mlir::OpFoldResult offset, size;

  static Part index(mlir::OpFoldResult offset) { return {Index, offset, {}}; }
  static Part range(mlir::OpFoldResult offset, mlir::OpFoldResult size) {
    return {Range, offset, size};
  }
};
using Parts = std::array<Part, attn::AttentionOp::NumDims>;

/// A tensor with the dimension, or the constant, that indexes each of its dimensions.
struct Indexed {
  mlir::Value tensor;
  llvm::SmallVector<mlir::AffineExpr> indices;

  bool has(Dim dim) const;
  /// Where the parts lie in the tensor.
  Slice slice(mlir::ImplicitLocOpBuilder &b, const Parts &parts) const;
  /// The parts themselves, indexed by the dimensions that are left.
  Indexed cut(mlir::ImplicitLocOpBuilder &b, const Parts &parts) const;
  /// From loops over `dims` to the elements.
  mlir::AffineMap getMap(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<Dim> dims) const;
};
Indexed getIndexed(attn::AttentionOp op, mlir::OpOperand &operand);

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// The queries of a tile: `parts` says where they are in tensors, `first` which of its sequence the
/// first one is.
struct QueryTile {
  Parts parts;
  Num first;
};

/// Some keys of a source. Those of a page have another b, and other places, than positions and
/// captures have: `stored` says where keys and values are.
struct KeyTile {
  attn::AttentionOp::Source source;
  int64_t number;
  Parts stored, parts;
  Num first;
  mlir::OpFoldResult size;
};

using Carried = llvm::SmallVector<mlir::Value>;
using KeyBody = llvm::function_ref<Carried(const KeyTile &keys, mlir::ValueRange carried)>;

/// Runs `body` for the keys of all sources, at most `keyBlock` at once. No access leaves a tensor:
/// lengths, row offsets and pages outside of it count as its end, or as no keys.
Carried forEachKeyTile(mlir::ImplicitLocOpBuilder &b, attn::AttentionOp op,
                       const QueryTile &queries, int64_t keyBlock, Carried carried, KeyBody body);

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// query · key of a tile, [i, j] in the compute type.
mlir::Value computeProducts(mlir::ImplicitLocOpBuilder &b, attn::AttentionOp op,
                            const QueryTile &queries, const KeyTile &keys, mlir::Value tile);

/// Every product p of the tile becomes weigh(score(scale · p), …) where the key is visible, else
/// `hidden`. `weigh` also gets the elements of `rows`, tensors [i]; `post` tells whether the weight
/// then goes through the region of that name.
using Weigh = llvm::function_ref<Num(Num score, llvm::ArrayRef<Num> rows)>;
mlir::Value weighProducts(mlir::ImplicitLocOpBuilder &b, attn::AttentionOp op,
                          const QueryTile &queries, const KeyTile &keys, mlir::Value products,
                          mlir::ValueRange rows, double hidden, bool post, Weigh weigh);

/// out[i, v] += Σ_j weight · value, in a tensor of the compute type.
mlir::Value addValues(mlir::ImplicitLocOpBuilder &b, attn::AttentionOp op, const KeyTile &keys,
                      mlir::Value weights, mlir::Value out);

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Attention of a tile of queries. Writes and returns the parts of the outputs: out, then lse and entropy as far as there are.
/// `width` is the number of columns of out, at most `widest`.
llvm::SmallVector<mlir::Value> computeQueryTile(mlir::ImplicitLocOpBuilder &b, attn::AttentionOp op,
                                                const QueryTile &queries, const LowerAttnOptions &blocks,
                                                llvm::ArrayRef<Indexed> outputs, mlir::OpFoldResult width,
                                                int64_t widest);

} // namespace attnc::lower
