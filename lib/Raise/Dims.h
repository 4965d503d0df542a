// The index variables of a match as dimensions of attn.attention, and operands written with them. Private to the room.
#pragma once

#include "AttentionMatch.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attnc::raise {

using Dim = attn::AttentionOp::Dim;

/// A tensor that an operand map indexes, every dimension by one dimension of the op or a constant.
struct MappedTensor {
  mlir::Value tensor;
  mlir::AffineMap map;
};

/// Index variables cut into digits, such that every index is made of whole digits, and a dimension for each digit.
class Dims {
public:
  Dims(Elements &elements, const AttentionMatch &match) : elements(elements), context(elements.context), match(match) {}

  /// Cuts the variables where the operands do, and chooses dimensions.
  bool assign(Miss &miss);
  /// This variable, whole, is that dimension; for those that are known without a match.
  void set(Dim dim, unsigned variable) {
    cuts[variable] = {1};
    digits[dim] = context.variable(variable);
  }

  /// The digits that an index counts through, the most significant first, with their extents; constants stay. None
  /// where it is not made of whole digits.
  std::optional<llvm::SmallVector<Part>> refine(ExprRef index, Extent total) const;
  std::optional<Dim> find(ExprRef digit) const;
  bool has(Dim dim) const { return digits[dim] != nullptr; }
  bool hasOneSource() const { return match.sources.size() == 1; }
  ExprRef getDigit(Dim dim) const { return digits[dim]; }

  /// The tensor with a dimension for each digit. None where an index is not made of whole digits, or one is used twice.
  std::optional<MappedTensor> map(mlir::ImplicitLocOpBuilder &b, const IndexedTensor &tensor) const;

private:
  void cut(llvm::ArrayRef<ExprRef> indices);
  bool isIn(const IndexedTensor &tensor, ExprRef digit) const;
  bool choose(llvm::ArrayRef<ExprRef> candidates, llvm::ArrayRef<Dim> dims, llvm::StringRef what, Miss &miss);
  llvm::SmallVector<ExprRef> getDigits(unsigned variable) const;
  llvm::SmallVector<ExprRef> orderQueries(llvm::SmallVector<ExprRef> queries, llvm::ArrayRef<ExprRef> shared) const;

  Elements &elements;
  ExprContext &context;
  const AttentionMatch &match;
  llvm::DenseMap<unsigned, llvm::SmallVector<int64_t>> cuts; // strides, from 1 up
  ExprRef digits[Dim::NumDims] = {};
};

} // namespace attnc::raise
