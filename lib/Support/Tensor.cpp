#include "attnc/Support/Tensor.h"
#include <cstdlib>
#include <cstring>

namespace attnc {
namespace {
struct DTypeRow {
  std::string_view name;
  size_t size;
};
constexpr DTypeRow dtypes[dtypeCount] = {{"f64", 8}, {"f32", 4}, {"f16", 2}, {"bf16", 2}, {"i64", 8}, {"i32", 4}, {"i16", 2}, {"i8", 1}, {"u8", 1}, {"i1", 1}};
} // namespace

std::string_view dtypeName(DType type) { return dtypes[size_t(type)].name; }
size_t dtypeSize(DType type) { return dtypes[size_t(type)].size; }

std::optional<DType> dtypeFromName(std::string_view name) {
  for (int i = 0; i < dtypeCount; ++i)
    if (dtypes[i].name == name)
      return DType(i);
  return std::nullopt;
}

std::optional<uint64_t> tensorBytes(DType type, std::span<const int64_t> shape) {
  // A size of 0 does not excuse an absurd one beside it: every partial product is checked.
  uint64_t product = dtypeSize(type);
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0 || dim > maxDim)
      return std::nullopt;
    if (dim == 0) {
      empty = true;
      continue;
    }
    if (__builtin_mul_overflow(product, uint64_t(dim), &product) || product > uint64_t(maxDim))
      return std::nullopt;
  }
  return empty ? 0 : product;
}

std::string shapeText(std::span<const int64_t> shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    out += concat(i ? ", " : "", shape[i]);
  return out + "]";
}

std::shared_ptr<std::byte> allocateAligned(uint64_t bytes) {
  if (bytes > uint64_t(maxDim))
    return nullptr;
  uint64_t rounded = (bytes + bufferAlignment) / bufferAlignment * bufferAlignment;
  auto *memory = static_cast<std::byte *>(std::aligned_alloc(bufferAlignment, rounded));
  return {memory, [](std::byte *p) { std::free(p); }};
}

Expected<Tensor> Tensor::allocate(DType type, Shape shape) {
  auto bytes = tensorBytes(type, shape);
  if (!bytes)
    return makeError(ErrorKind::Argument, "shape ", shapeText(shape), " is too large");
  auto memory = allocateAligned(*bytes);
  if (!memory)
    return makeError(ErrorKind::Memory, "not enough memory for a tensor of ", *bytes, " bytes");
  const void *data = memory.get();
  return borrow(type, std::move(shape), data, std::move(memory));
}

Tensor Tensor::borrow(DType type, Shape shape, const void *data, std::shared_ptr<const void> owner) {
  Tensor out;
  out.type = type;
  out.size = tensorBytes(type, shape).value_or(0);
  out.dims = std::move(shape);
  out.memory = static_cast<const std::byte *>(data);
  out.keep = std::move(owner);
  return out;
}

Tensor Tensor::reshaped(Shape shape) const { return borrow(type, std::move(shape), memory, keep); }

} // namespace attnc
