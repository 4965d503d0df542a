// Element conversions against the compiler's own and against the definition of rounding.
#include "Check.h"
#include "attnc/Support/Tensor.h"
#include <bit>
#include <cmath>
#include <random>

using namespace attnc;

namespace {

/// Every result of narrowing is the nearest 16-bit value; on a tie the even one.
template <class Narrow, class Widen> bool isNearest(double value, Narrow narrow, Widen widen) {
  uint16_t bits = narrow(value);
  double result = widen(bits);
  if (std::isinf(result))
    return true; // checked at the border by itself
  for (int step : {-1, 1}) {
    uint16_t beside = uint16_t(bits + step);
    if (((beside ^ bits) & 0x8000) || std::isinf(widen(beside)) || std::isnan(widen(beside)))
      continue;
    double here = std::fabs(result - value), there = std::fabs(double(widen(beside)) - value);
    if (there < here || (there == here && (bits & 1)))
      return false;
  }
  return true;
}

double randomDouble(std::mt19937_64 &random, int lowest, int highest) {
  double mantissa = 1 + double(random() >> 12) * 0x1p-52;
  int exponent = lowest + int(random() % uint64_t(highest - lowest));
  return std::ldexp(random() & 1 ? mantissa : -mantissa, exponent);
}

} // namespace

TEST(f16_widens_like_the_compiler) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float ours = f16ToFloat(uint16_t(bits)), theirs = float(std::bit_cast<_Float16>(uint16_t(bits)));
    REQUIRE(std::isnan(ours) ? std::isnan(theirs) : ours == theirs && std::signbit(ours) == std::signbit(theirs));
  }
}

TEST(every_16_bit_value_survives_widening_and_narrowing) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float f16 = f16ToFloat(uint16_t(bits)), bf16 = bf16ToFloat(uint16_t(bits));
    REQUIRE(std::isnan(f16) ? std::isnan(f16ToFloat(doubleToF16(f16))) : doubleToF16(f16) == bits);
    REQUIRE(std::isnan(bf16) ? std::isnan(bf16ToFloat(doubleToBf16(bf16))) : doubleToBf16(bf16) == bits);
  }
}

TEST(narrowing_is_to_nearest_even) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    REQUIRE(isNearest(randomDouble(random, -30, 16), doubleToF16, f16ToFloat));
    REQUIRE(isNearest(randomDouble(random, -140, 127), doubleToBf16, bf16ToFloat));
  }
  // Halfway between two neighbours, and a hair beside it: rounding twice (by way of f32) would miss.
  for (uint32_t bits = 0; bits < 0x7c00 - 1; ++bits) {
    double middle = (double(f16ToFloat(uint16_t(bits))) + f16ToFloat(uint16_t(bits + 1))) / 2;
    REQUIRE(doubleToF16(middle) == bits + (bits & 1));
    REQUIRE(doubleToF16(std::nextafter(middle, 1e9)) == bits + 1);
    REQUIRE(doubleToF16(std::nextafter(middle, 0)) == bits);
  }
}

TEST(narrowing_overflows_to_infinity) {
  EXPECT(doubleToF16(65519.99) == 0x7bff && doubleToF16(65520) == 0x7c00 && doubleToF16(-1e300) == 0xfc00);
  EXPECT(doubleToBf16(1e39) == 0x7f80 && doubleToBf16(-INFINITY) == 0xff80);
  EXPECT(std::isnan(f16ToFloat(doubleToF16(NAN))) && std::isnan(bf16ToFloat(doubleToBf16(NAN))));
  EXPECT(doubleToF16(0x1p-26) == 0 && doubleToF16(-0.0) == 0x8000 && doubleToF16(0x1.8p-25) == 1);
}

TEST(integers_convert_if_they_fit) {
  int64_t big = 40000, small = -7;
  int16_t i16 = 0;
  uint8_t u8 = 0;
  float f32 = 0;
  auto refused = convertElements(DType::I64, &big, DType::I16, &i16, 1);
  EXPECT(!refused);
  EXPECT_TEXT(refused.error().message, "value 40000 does not fit i16");
  EXPECT(convertElements(DType::I64, &small, DType::I16, &i16, 1) && i16 == -7);
  EXPECT(!convertElements(DType::I64, &small, DType::U8, &u8, 1));
  EXPECT(convertElements(DType::I64, &big, DType::F32, &f32, 1) && f32 == 40000.f);
  // 2^24 + 1 and a hair: exactly one rounding.
  int64_t odd = (int64_t(1) << 54) + (int64_t(1) << 30) + 1;
  EXPECT(convertElements(DType::I64, &odd, DType::F32, &f32, 1) && f32 == float(odd));
}

TEST(floats_do_not_become_integers) {
  float value = 1;
  int32_t out = 0;
  auto refused = convertElements(DType::F32, &value, DType::I32, &out, 1);
  EXPECT(!refused);
  EXPECT_TEXT(refused.error().message, "f32 does not convert to i32");
}

TEST(booleans_become_zero_and_one) {
  uint8_t odd[3] = {0, 7, 255}, out[3];
  EXPECT(convertElements(DType::I1, odd, DType::I1, out, 3) && !out[0] && out[1] == 1 && out[2] == 1);
}

TEST(sizes_are_checked) {
  EXPECT(tensorBytes(DType::F32, Shape{2, 3}) == 24u);
  EXPECT(tensorBytes(DType::F32, Shape{}) == 4u);
  EXPECT(tensorBytes(DType::F32, Shape{0, 5}) == 0u);
  EXPECT(!tensorBytes(DType::F32, Shape{-1}));
  EXPECT(!tensorBytes(DType::F32, Shape{int64_t(1) << 40, int64_t(1) << 40}));
  EXPECT(!tensorBytes(DType::F32, Shape{0, int64_t(1) << 40, int64_t(1) << 40}));
}

int main() { return check::runAll(); }
