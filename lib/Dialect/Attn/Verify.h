// Checks that several verifiers of this folder share, and their words.
#pragma once

#include "attnc/Dialect/Attn/Attn.h"

#include "llvm/ADT/StringMap.h"

namespace attnc::attn {

/// "?" or the number.
std::string getSizeText(int64_t size);

/// i32, i64 or index: what counts, points or names a position.
bool isPositionType(mlir::Type type);

llvm::LogicalResult verifyFloats(mlir::Operation *op, llvm::StringRef name, mlir::Type type);
llvm::LogicalResult verifyPositions(mlir::Operation *op, llvm::StringRef name, mlir::Type type);
llvm::LogicalResult verifyRank(mlir::Operation *op, llvm::StringRef name, mlir::Type type,
                               int64_t rank);
llvm::LogicalResult verifyAtLeastRank(mlir::Operation *op, llvm::StringRef name, mlir::Type type,
                                      int64_t rank);
llvm::LogicalResult verifyFinite(mlir::Operation *op, llvm::StringRef name,
                                 const llvm::APFloat &value);

/// Compares the shapes of operands written with named extents, one letter a dimension: {"keys",
/// "BTHK"}.
class NamedExtents {
public:
  explicit NamedExtents(mlir::Operation *op) : op(op) {}
  /// Rank and extents of `type` are those of `dims`, as far as both are known.
  llvm::LogicalResult verify(llvm::StringRef name, mlir::Type type, llvm::StringRef dims);
  /// The extent of one dimension is that of earlier ones of the same name.
  llvm::LogicalResult verifyExtent(llvm::StringRef name, llvm::StringRef dim, int64_t size);

private:
  mlir::Operation *op;
  llvm::StringMap<std::pair<std::string, int64_t>> known;
};

} // namespace attnc::attn
