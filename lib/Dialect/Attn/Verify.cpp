// Checks that several verifiers of this folder share, and their words.
#include "Verify.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attnc::attn;

std::string attnc::attn::getSizeText(int64_t size) {
  return ShapedType::isDynamic(size) ? "?" : std::to_string(size);
}

bool attnc::attn::isPositionType(Type type) {
  return type.isIndex() || type.isSignlessInteger(32) || type.isSignlessInteger(64);
}

LogicalResult attnc::attn::verifyFloats(Operation *op, StringRef name, Type type) {
  if (isa<FloatType>(getElementTypeOrSelf(type)))
    return success();
  return op->emitOpError("expected float elements in ")
         << name << ", found " << getElementTypeOrSelf(type);
}

LogicalResult attnc::attn::verifyPositions(Operation *op, StringRef name, Type type) {
  if (isPositionType(getElementTypeOrSelf(type)))
    return success();
  return op->emitOpError("expected elements of i32, i64 or index in ")
         << name << ", found " << getElementTypeOrSelf(type);
}

LogicalResult attnc::attn::verifyRank(Operation *op, StringRef name, Type type, int64_t rank) {
  int64_t found = cast<RankedTensorType>(type).getRank();
  if (found == rank)
    return success();
  return op->emitOpError("expected rank ") << rank << " of " << name << ", found " << found;
}

LogicalResult attnc::attn::verifyAtLeastRank(Operation *op, StringRef name, Type type,
                                             int64_t rank) {
  int64_t found = cast<RankedTensorType>(type).getRank();
  if (found >= rank)
    return success();
  return op->emitOpError("expected rank ") << rank << " or more of " << name << ", found " << found;
}

LogicalResult attnc::attn::verifyFinite(Operation *op, StringRef name, const APFloat &value) {
  if (value.isFinite())
    return success();
  return op->emitOpError("expected a finite ") << name << ", found " << value.convertToDouble();
}

LogicalResult NamedExtents::verifyExtent(StringRef name, StringRef dim, int64_t size) {
  if (ShapedType::isDynamic(size))
    return success();
  auto [entry, added] = known.try_emplace(dim, name.str(), size);
  auto &[firstName, firstSize] = entry->second;
  if (added || firstSize == size)
    return success();
  return op->emitOpError("expected extent ")
         << dim << " of " << name << " to be that of " << firstName << " (" << firstSize
         << "), found " << size;
}

LogicalResult NamedExtents::verify(StringRef name, Type type, StringRef dims) {
  if (failed(verifyRank(op, name, type, dims.size())))
    return failure();
  for (auto [position, size] : llvm::enumerate(cast<RankedTensorType>(type).getShape()))
    if (failed(verifyExtent(name, dims.substr(position, 1), size)))
      return failure();
  return success();
}
