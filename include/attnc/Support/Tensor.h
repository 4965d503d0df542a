// Tensors in memory: an element type, a shape, and row-major bytes that are owned, or borrowed
// together with something that keeps them alive (a mapped file).
#pragma once

#include "attnc/Support/Expected.h"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace attnc {

/// Element types. I1 takes one byte an element, 0 or 1.
enum class DType : uint8_t {
  F64,
  F32,
  F16,
  BF16,
  I64,
  I32,
  I16,
  I8,
  U8,
  I1
};
inline constexpr int dtypeCount = 10;

/// "f32", as the manifest writes it.
std::string_view dtypeName(DType type);
std::optional<DType> dtypeFromName(std::string_view name);
size_t dtypeSize(DType type);
inline bool isFloat(DType type) { return type <= DType::BF16; }

using Shape = std::vector<int64_t>;

/// Limits of every shape read from a file or given by a caller.
inline constexpr int64_t maxDim = int64_t(1) << 48;
inline constexpr size_t maxRank = 16;

/// Bytes of a row-major tensor; nothing when a size is negative or the product leaves 48 bits.
std::optional<uint64_t> tensorBytes(DType type, std::span<const int64_t> shape);
/// "[2, 3]".
std::string shapeText(std::span<const int64_t> shape);

/// Buffers given to compiled code start at a multiple of this.
inline constexpr size_t bufferAlignment = 64;
/// 64-byte aligned memory, not initialised; null when there is not enough. Never null for 0 bytes.
std::shared_ptr<std::byte> allocateAligned(uint64_t bytes);

class Tensor {
public:
  Tensor() = default;

  /// Owned, not initialised.
  static Expected<Tensor> allocate(DType type, Shape shape);
  /// Someone else's bytes; `owner` keeps them alive. `data` need not be aligned.
  static Tensor borrow(DType type, Shape shape, const void *data, std::shared_ptr<const void> owner);

  DType dtype() const { return type; }
  const Shape &shape() const { return dims; }
  uint64_t bytes() const { return size; }
  uint64_t elements() const { return size / dtypeSize(type); }
  const std::byte *data() const { return memory; }
  /// For owned tensors only: borrowed bytes may be read-only.
  std::byte *mutableData() { return const_cast<std::byte *>(memory); }
  std::span<const std::byte> span() const { return {memory, size}; }
  const std::shared_ptr<const void> &owner() const { return keep; }

  /// Same bytes, another shape with as many elements.
  Tensor reshaped(Shape shape) const;

private:
  DType type = DType::F32;
  Shape dims;
  uint64_t size = 0;
  const std::byte *memory = nullptr;
  std::shared_ptr<const void> keep;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// Single elements. Narrowing rounds to nearest, ties to even, once.
float f16ToFloat(uint16_t bits);
float bf16ToFloat(uint16_t bits);
uint16_t doubleToF16(double value);
uint16_t doubleToBf16(double value);

/// Converts `count` elements; neither side needs alignment. Float to float always; integer (and
/// boolean) to integer if every value fits; integer to float; float to integer is refused.
Status convertElements(DType from, const void *source, DType to, void *target, uint64_t count);

/// The tensor in another element type; itself, without a copy, when the type is the same.
Expected<Tensor> convertTensor(const Tensor &tensor, DType to);

/// Element `index` as text, for tables and messages.
std::string elementText(const Tensor &tensor, uint64_t index);

} // namespace attnc
