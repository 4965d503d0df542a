// Tricks on the representation of floats.
#include "Bits.h"

namespace attnc::elementary {

Format getFormat(Num x) {
  return x.getWidth() == 64 ? Format{52, 1023, 0x1p-1022} : Format{23, 127, 0x1p-126};
}

Parts getParts(Num x, double high, double low) {
  if (x.isF64())
    return {x.literal(high), x.literal(low)};
  double nearest = static_cast<float>(high);
  return {x.literal(nearest), x.literal(high - nearest)};
}

Parts sum(Num x, Num y) {
  Num high = x + y, part = high - x;
  return {high, (x - (high - part)) + (y - part)};
}

Parts product(Num x, Num y) {
  Num high = x * y;
  return {high, fma(x, y, -high)};
}

Parts operator+(Parts x, Parts y) {
  Parts high = sum(x.high, y.high);
  return sum(high.high, high.low + (x.low + y.low));
}

Parts operator*(Parts x, Parts y) {
  Parts high = product(x.high, y.high);
  return sum(high.high, high.low + fma(x.high, y.low, x.low * y.high));
}

Rounded roundProduct(Num x, Num factor) {
  // Where the last bit of a mantissa counts ones, adding rounds, and the low bits are the integer.
  Num magic = x.literal(x.choose(0x1.8p23, 0x1.8p52));
  Num sum = fma(x, factor, magic);
  return {sum - magic, sum.bits() - magic.bits()};
}

Num exponential2(Num k) {
  Format format = getFormat(k);
  return ((k + k.integer(format.bias)) << format.mantissaBits).asFloat();
}

Num scale(Num x, Num k) {
  Num half = k >> 1;
  return x * exponential2(half) * exponential2(k - half);
}

} // namespace attnc::elementary
