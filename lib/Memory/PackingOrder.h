// Private to the room.
#pragma once

#include "mlir/Support/LLVM.h"

#include <cstdint>

namespace attnc {

/// What an unknown size counts as when buffers are ordered.
inline constexpr int64_t kTypicalSizes[] = {4, 64, 512};

/// When a buffer is needed, and how much it may be.
struct Lifetime {
  int64_t first, last;                         ///< steps of the program, both included
  int64_t estimates[std::size(kTypicalSizes)]; ///< bytes with every unknown size such a one

  bool meets(const Lifetime &other) const { return other.first <= last && first <= other.last; }
};

/// An order of buffers in which each lies above those in front of it that live at the same time, and the arena is low at
/// some typical sizes. Any order is valid at all sizes.
llvm::SmallVector<unsigned> findPackingOrder(llvm::ArrayRef<Lifetime> buffers);

} // namespace attnc
