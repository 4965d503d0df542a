// Private to the room.
#pragma once

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"
#include <map>
#include <optional>

namespace attnc {

/// A sum of products of values: {the factors of a product, by their number as arguments: how often}.
using SizeTerms = std::map<llvm::SmallVector<unsigned, 2>, int64_t>;

SizeTerms productOf(const SizeTerms &a, const SizeTerms &b);

/// A size of an entry as such a sum over the entry's arguments; nothing if it is none (a minimum, a quotient).
std::optional<SizeTerms> sizeTerms(mlir::Value size);

} // namespace attnc
