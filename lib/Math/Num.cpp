// Arithmetic on SSA values: arith and math ops by the type of the operands.
#include "Num.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace attnc::elementary {

Type Num::getTypeOf(Type element) const {
  if (auto shaped = dyn_cast<ShapedType>(getType()))
    return shaped.clone(element);
  return element;
}

static Num constant(Num like, TypedAttr number) {
  ImplicitLocOpBuilder &b = like.getBuilder();
  if (auto shaped = dyn_cast<ShapedType>(like.getType()))
    number = DenseElementsAttr::get(shaped, Attribute(number));
  return {b, arith::ConstantOp::create(b, number).getResult()};
}

Num Num::literal(double number) const {
  if (isa<FloatType>(getElementType()))
    return constant(*this, b->getFloatAttr(getElementType(), number));
  return integer(static_cast<int64_t>(number));
}

Num Num::integer(int64_t number) const {
  return constant(*this, b->getIntegerAttr(getElementType(), number));
}

/// An f64 as an f32 whose last bit says whether anything is behind it, so that rounding that to 16
/// bits is as if it were done at once. (LLVM calls a library for f64 to 16 bits.)
static Num roundToOdd(Num x) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  Num nearest(b, arith::TruncFOp::create(b, x.getTypeOf(b.getF32Type()), x).getResult());
  Num back = nearest.toFloat(b.getF64Type());
  Num bits = nearest.bits(), zero = bits.integer(0), one = bits.integer(1);
  Num towardsZero = bits - select(abs(back) > abs(x), one, zero);
  return (towardsZero | select(back != x, one, zero)).asFloat();
}

Num Num::toFloat(Type element) const {
  unsigned from = getWidth(), to = element.getIntOrFloatBitWidth();
  if (getElementType() == element)
    return *this;
  if (from < to)
    return {*b, arith::ExtFOp::create(*b, getTypeOf(element), value).getResult()};
  if (from == 64 && to == 16)
    return roundToOdd(*this).toFloat(element);
  return {*b, arith::TruncFOp::create(*b, getTypeOf(element), value).getResult()};
}

Num Num::bits() const {
  Type type = getTypeOf(b->getIntegerType(getWidth()));
  return {*b, arith::BitcastOp::create(*b, type, value).getResult()};
}

Num Num::asFloat() const {
  Type type = getTypeOf(getWidth() == 64 ? Type(b->getF64Type()) : b->getF32Type());
  return {*b, arith::BitcastOp::create(*b, type, value).getResult()};
}

Num Num::truncate(unsigned width) const {
  if (getWidth() == width)
    return *this;
  Type type = getTypeOf(b->getIntegerType(width));
  return {*b, arith::TruncIOp::create(*b, type, value).getResult()};
}

Num Num::toFloatFrom(Type element) const {
  Value integer = value;
  if (getElementType().isIndex())
    integer = arith::IndexCastOp::create(*b, getTypeOf(b->getI64Type()), value);
  return {*b, arith::SIToFPOp::create(*b, getTypeOf(element), integer).getResult()};
}

template <typename FloatOp, typename IntOp> static Num build(Num x, Num y) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  if (isa<FloatType>(x.getElementType()))
    return {b, FloatOp::create(b, x, y).getResult()};
  return {b, IntOp::create(b, x, y).getResult()};
}

template <typename Op, typename... Operands> static Num build(Num x, Operands... rest) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  return {b, Op::create(b, Value(x), Value(rest)...).getResult()};
}

static Num compare(Num x, Num y, arith::CmpFPredicate floats, arith::CmpIPredicate integers) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  if (isa<FloatType>(x.getElementType()))
    return {b, arith::CmpFOp::create(b, floats, x, y).getResult()};
  return {b, arith::CmpIOp::create(b, integers, x, y).getResult()};
}

Num operator+(Num x, Num y) { return build<arith::AddFOp, arith::AddIOp>(x, y); }
Num operator-(Num x, Num y) { return build<arith::SubFOp, arith::SubIOp>(x, y); }
Num operator*(Num x, Num y) { return build<arith::MulFOp, arith::MulIOp>(x, y); }
Num operator/(Num x, Num y) { return build<arith::DivFOp, arith::DivSIOp>(x, y); }
Num operator-(Num x) { return build<arith::NegFOp>(x); }
Num operator&(Num x, Num y) { return build<arith::AndIOp>(x, y); }
Num operator|(Num x, Num y) { return build<arith::OrIOp>(x, y); }
Num operator^(Num x, Num y) { return build<arith::XOrIOp>(x, y); }
Num operator<<(Num x, int64_t count) { return build<arith::ShLIOp>(x, x.integer(count)); }
Num operator>>(Num x, int64_t count) { return build<arith::ShRSIOp>(x, x.integer(count)); }

using F = arith::CmpFPredicate;
using I = arith::CmpIPredicate;
Num operator<(Num x, Num y) { return compare(x, y, F::OLT, I::slt); }
Num operator<=(Num x, Num y) { return compare(x, y, F::OLE, I::sle); }
Num operator>(Num x, Num y) { return compare(x, y, F::OGT, I::sgt); }
Num operator==(Num x, Num y) { return compare(x, y, F::OEQ, I::eq); }
Num operator!=(Num x, Num y) { return compare(x, y, F::UNE, I::ne); }

Num select(Num condition, Num yes, Num no) { return build<arith::SelectOp>(condition, yes, no); }
Num fma(Num x, Num y, Num z) { return build<math::FmaOp>(x, y, z); }
Num abs(Num x) { return build<math::AbsFOp>(x); }
Num copySign(Num magnitude, Num sign) { return build<math::CopySignOp>(magnitude, sign); }
Num sqrt(Num x) { return build<math::SqrtOp>(x); }
Num floor(Num x) { return build<math::FloorOp>(x); }
Num truncate(Num x) { return build<math::TruncOp>(x); }
Num max(Num x, Num y) { return build<arith::MaximumFOp>(x, y); }
Num min(Num x, Num y) { return build<arith::MinimumFOp>(x, y); }

Num clamp(Num x, double low, double high) {
  Num below = select(x < low, x.literal(low), x);
  return select(below > high, x.literal(high), below);
}

} // namespace attnc::elementary
