// 64-byte aligned memory that grows and is kept.
#pragma once

#include "attnc/Support/Tensor.h"

namespace attnc {

class Buffer {
public:
  /// At least `bytes` bytes, old contents lost when it has to grow; null if there is not enough memory.
  std::byte *reserve(uint64_t bytes) {
    if (!memory || bytes > room) {
      memory.reset(); // before the new one, not beside it
      memory = allocateAligned(bytes);
      room = memory ? bytes : 0;
    }
    return memory.get();
  }
  std::byte *data() const { return memory.get(); }

private:
  std::shared_ptr<std::byte> memory;
  uint64_t room = 0;
};

} // namespace attnc
