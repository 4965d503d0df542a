// The operands of attn.attention, read and checked.
#pragma once

#include "Internal.h"

#include "attnc/Dialect/Attn/Attn.h"

namespace attnc::reference {

/// An index for each of b, g, r, i, j, d, v.
using Point = std::array<int64_t, attn::AttentionOp::NumDims>;

/// A tensor operand and its indexing map.
struct Indexed {
  Value content;
  Access access;

  explicit operator bool() const { return content.isTensor(); }
  Scalar at(const Point &point) const { return content.elements()[access.offset(point)]; }
  /// An integer operand, or what stands for it where it is absent.
  int64_t integerOr(const Point &point, int64_t otherwise) const {
    return *this ? at(point).i : otherwise;
  }
};

/// Keys and values with what comes with them.
struct KeySource {
  unsigned number;
  Indexed key, value, positions, pages;
  int64_t offset = 0;
  Value valid, rows;
  mlir::AffineMap validMap;
  std::optional<PointRegion> mask;
  std::optional<int64_t> extent; // of j
  int64_t pageSize = 0;

  bool isPaged() const { return bool(pages); }
};

struct AttentionOperands {
  AttentionOperands(attn::AttentionOp op, Frame &frame) : op(op), frame(frame) {}
  LogicalResult read();
  int64_t extent(attn::AttentionOp::Dim dim) const { return extents[dim].value_or(1); }

  attn::AttentionOp op;
  Frame &frame;
  std::array<std::optional<int64_t>, attn::AttentionOp::NumDims> extents;
  Indexed query, queryPositions, sink, output, lse, entropy;
  SmallVector<Indexed> captures;
  Value queryRows;
  int64_t queryOffset = 0;
  double scale;
  std::vector<KeySource> sources;
  std::optional<PointRegion> score, mask, post;

private:
  Indexed indexed(mlir::OpOperand *operand);
  void bindCaptures(mlir::Region &region);
  LogicalResult readOperands();
  LogicalResult readSource(attn::AttentionOp::Source operands);
  LogicalResult learnExtents(mlir::OpOperand &operand, KeySource *source = nullptr);
  LogicalResult learn(std::optional<int64_t> &extent, int64_t size, StringRef name);
  LogicalResult checkRows(const Value &rows, int64_t extent);
};

} // namespace attnc::reference
