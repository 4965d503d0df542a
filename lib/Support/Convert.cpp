// Element conversions. Four pairs that weights and cases need in bulk have their own loop; the rest
// goes through double or int64, one element at a time.
#include "attnc/Support/Tensor.h"
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

namespace attnc {
namespace {

template <class T> T load(const std::byte *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <class T> void store(std::byte *at, T value) { std::memcpy(at, &value, sizeof value); }

/// Rounds to a format of 16 bits with `exponentBits` and `mantissaBits`, to nearest even in one step.
template <int exponentBits, int mantissaBits> uint16_t narrow(double value) {
  constexpr int bias = (1 << (exponentBits - 1)) - 1;
  constexpr uint16_t infinity = ((1 << exponentBits) - 1) << mantissaBits;
  uint64_t bits = std::bit_cast<uint64_t>(value);
  uint16_t sign = uint16_t(bits >> 63) << 15;
  if (std::isnan(value))
    return sign | infinity | (1 << (mantissaBits - 1));
  if (std::isinf(value))
    return sign | infinity;
  if (value == 0)
    return sign;
  int exponent = 0;
  double fraction = std::frexp(std::fabs(value), &exponent); // |value| = fraction * 2^exponent, [.5, 1)
  // The last place of the result: 2^(exponent - 1 - mantissaBits), or that of the subnormals.
  int lastPlace = std::max(exponent - 1, 1 - bias) - mantissaBits;
  double units = std::ldexp(fraction, exponent - lastPlace);
  uint64_t rounded = uint64_t(std::nearbyint(units)); // the default mode is to nearest even
  if (lastPlace == 1 - bias - mantissaBits)           // subnormal, or the first binade: bits as they are
    return sign | uint16_t(rounded);
  uint64_t encoded = (uint64_t(exponent - 1 + bias) << mantissaBits) + (rounded - (1u << mantissaBits));
  return sign | uint16_t(std::min<uint64_t>(encoded, infinity)); // a carry goes into the exponent
}

double loadFloat(DType type, const std::byte *at) {
  switch (type) {
  case DType::F64: return load<double>(at);
  case DType::F32: return load<float>(at);
  case DType::F16: return f16ToFloat(load<uint16_t>(at));
  default: return bf16ToFloat(load<uint16_t>(at));
  }
}

int64_t loadInteger(DType type, const std::byte *at) {
  switch (type) {
  case DType::I64: return load<int64_t>(at);
  case DType::I32: return load<int32_t>(at);
  case DType::I16: return load<int16_t>(at);
  case DType::I8: return load<int8_t>(at);
  case DType::U8: return load<uint8_t>(at);
  default: return load<uint8_t>(at) != 0;
  }
}

void storeFloat(DType type, std::byte *at, double value) {
  switch (type) {
  case DType::F64: return store(at, value);
  case DType::F32: return store(at, float(value));
  case DType::F16: return store(at, doubleToF16(value));
  default: return store(at, doubleToBf16(value));
  }
}

struct Range {
  int64_t least, greatest;
};
template <class T> constexpr Range rangeOf() {
  return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
}
Range integerRange(DType type) {
  switch (type) {
  case DType::I64: return rangeOf<int64_t>();
  case DType::I32: return rangeOf<int32_t>();
  case DType::I16: return rangeOf<int16_t>();
  case DType::I8: return rangeOf<int8_t>();
  case DType::U8: return rangeOf<uint8_t>();
  default: return {0, 1};
  }
}

void storeInteger(DType type, std::byte *at, int64_t value) {
  // The value is in range, so its low bytes are the element.
  std::memcpy(at, &value, dtypeSize(type));
}

template <class From, class To, class Convert>
void convertLoop(const std::byte *source, std::byte *target, uint64_t count, Convert convert) {
  for (uint64_t i = 0; i < count; ++i)
    store<To>(target + i * sizeof(To), convert(load<From>(source + i * sizeof(From))));
}

bool convertFast(DType from, const std::byte *source, DType to, std::byte *target, uint64_t count) {
  if (from == DType::BF16 && to == DType::F32)
    convertLoop<uint16_t, uint32_t>(source, target, count, [](uint16_t x) { return uint32_t(x) << 16; });
  else if (from == DType::F16 && to == DType::F32)
    convertLoop<uint16_t, float>(source, target, count, f16ToFloat);
  else if (from == DType::F64 && to == DType::F32)
    convertLoop<double, float>(source, target, count, [](double x) { return float(x); });
  else if (from == DType::F32 && to == DType::F64)
    convertLoop<float, double>(source, target, count, [](float x) { return double(x); });
  else
    return false;
  return true;
}

} // namespace

float f16ToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = bits >> 10 & 31, mantissa = bits & 1023;
  if (exponent == 0) { // zero and subnormals: mantissa * 2^-24
    float magnitude = float(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

float bf16ToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }
uint16_t doubleToF16(double value) { return narrow<5, 10>(value); }
uint16_t doubleToBf16(double value) { return narrow<8, 7>(value); }

Status convertElements(DType from, const void *source, DType to, void *target, uint64_t count) {
  auto *in = static_cast<const std::byte *>(source);
  auto *out = static_cast<std::byte *>(target);
  size_t inSize = dtypeSize(from), outSize = dtypeSize(to);
  if (from == to && from != DType::I1) {
    if (count)
      std::memcpy(out, in, count * inSize);
    return {};
  }
  if (convertFast(from, in, to, out, count))
    return {};
  if (isFloat(from) && !isFloat(to))
    return makeError(ErrorKind::Argument, dtypeName(from), " does not convert to ", dtypeName(to));
  Range range = isFloat(to) ? Range{} : integerRange(to);
  for (uint64_t i = 0; i < count; ++i, in += inSize, out += outSize) {
    if (isFloat(from)) {
      storeFloat(to, out, loadFloat(from, in));
      continue;
    }
    int64_t value = loadInteger(from, in);
    if (to == DType::F32) // not by way of double, which would round twice
      store(out, float(value));
    else if (isFloat(to))
      storeFloat(to, out, double(value));
    else if (value < range.least || value > range.greatest)
      return makeError(ErrorKind::Argument, "value ", value, " does not fit ", dtypeName(to));
    else
      storeInteger(to, out, value);
  }
  return {};
}

Expected<Tensor> convertTensor(const Tensor &tensor, DType to) {
  if (tensor.dtype() == to)
    return tensor;
  ATTNC_TRY(Tensor out, Tensor::allocate(to, tensor.shape()));
  ATTNC_CHECK(convertElements(tensor.dtype(), tensor.data(), to, out.mutableData(), tensor.elements()));
  return out;
}

std::string elementText(const Tensor &tensor, uint64_t index) {
  const std::byte *at = tensor.data() + index * dtypeSize(tensor.dtype());
  if (!isFloat(tensor.dtype()))
    return std::to_string(loadInteger(tensor.dtype(), at));
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", loadFloat(tensor.dtype(), at));
  return text;
}

} // namespace attnc
