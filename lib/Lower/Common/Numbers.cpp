// Arithmetic on SSA values: arith and math ops by the type of the operands.
#include "Numbers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attnc::lower;

Num::Num(ImplicitLocOpBuilder &b, OpFoldResult value)
    : Num(b, getValueOrCreateConstantIndexOp(b, b.getLoc(), value)) {}

Num Num::index(ImplicitLocOpBuilder &b, int64_t value) {
  return {b, arith::ConstantIndexOp::create(b, value).getResult()};
}

Num Num::constant(ImplicitLocOpBuilder &b, Type type, double value) {
  TypedAttr attr;
  if (auto floatType = dyn_cast<FloatType>(type))
    attr = b.getFloatAttr(floatType, value);
  else
    attr = b.getIntegerAttr(type, static_cast<int64_t>(value));
  return {b, arith::ConstantOp::create(b, attr).getResult()};
}

Num Num::toFloat(Type type) const {
  unsigned from = getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (getType() == type)
    return *this;
  if (from < to)
    return {*b, arith::ExtFOp::create(*b, type, value).getResult()};
  if (from > to)
    return {*b, arith::TruncFOp::create(*b, type, value).getResult()};
  // f16 and bf16 meet in f32.
  return toFloat(b->getF32Type()).toFloat(type);
}

Num Num::toInteger(Type type) const {
  if (getType() == type)
    return *this;
  if (type.isIndex() || getType().isIndex())
    return {*b, arith::IndexCastOp::create(*b, type, value).getResult()};
  if (getType().getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return {*b, arith::ExtSIOp::create(*b, type, value).getResult()};
  return {*b, arith::TruncIOp::create(*b, type, value).getResult()};
}

Num Num::toIndex() const { return toInteger(b->getIndexType()); }

Num Num::integerToFloat(Type type) const {
  Num integer = getType().isIndex() ? toInteger(b->getI64Type()) : *this;
  return {*b, arith::SIToFPOp::create(*b, type, integer).getResult()};
}

template <typename FloatOp, typename IntOp> static Num build(Num x, Num y) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  if (isa<FloatType>(x.getType()))
    return {b, b.createOrFold<FloatOp>(x, y)};
  return {b, b.createOrFold<IntOp>(x, y)};
}

static Num compare(Num x, Num y, arith::CmpFPredicate floats, arith::CmpIPredicate integers) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  if (isa<FloatType>(x.getType()))
    return {b, b.createOrFold<arith::CmpFOp>(floats, x, y)};
  return {b, b.createOrFold<arith::CmpIOp>(integers, x, y)};
}

namespace attnc::lower {

Num operator+(Num x, Num y) { return build<arith::AddFOp, arith::AddIOp>(x, y); }
Num operator-(Num x, Num y) { return build<arith::SubFOp, arith::SubIOp>(x, y); }
Num operator*(Num x, Num y) { return build<arith::MulFOp, arith::MulIOp>(x, y); }
Num operator/(Num x, Num y) { return build<arith::DivFOp, arith::DivSIOp>(x, y); }
Num operator%(Num x, Num y) { return build<arith::RemFOp, arith::RemSIOp>(x, y); }
Num operator&(Num x, Num y) {
  return {x.getBuilder(), x.getBuilder().createOrFold<arith::AndIOp>(x, y)};
}
Num operator|(Num x, Num y) {
  return {x.getBuilder(), x.getBuilder().createOrFold<arith::OrIOp>(x, y)};
}
Num unsignedRemainder(Num x, Num n) {
  return {x.getBuilder(), x.getBuilder().createOrFold<arith::RemUIOp>(x, n)};
}

using F = arith::CmpFPredicate;
using I = arith::CmpIPredicate;
Num operator<(Num x, Num y) { return compare(x, y, F::OLT, I::slt); }
Num operator<=(Num x, Num y) { return compare(x, y, F::OLE, I::sle); }
Num operator>(Num x, Num y) { return compare(x, y, F::OGT, I::sgt); }
Num operator>=(Num x, Num y) { return compare(x, y, F::OGE, I::sge); }
Num operator==(Num x, Num y) { return compare(x, y, F::OEQ, I::eq); }
Num operator!=(Num x, Num y) { return compare(x, y, F::UNE, I::ne); }

Num isWithin(Num x, Num n) {
  return {x.getBuilder(), x.getBuilder().createOrFold<arith::CmpIOp>(I::ult, x, n)};
}

Num select(Num condition, Num yes, Num no) {
  ImplicitLocOpBuilder &b = condition.getBuilder();
  return {b, b.createOrFold<arith::SelectOp>(condition, yes, no)};
}

Num max(Num x, Num y) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  if (isa<FloatType>(x.getType()))
    return select(x > y, x, y);
  return {b, b.createOrFold<arith::MaxSIOp>(x, y)};
}

Num min(Num x, Num y) {
  ImplicitLocOpBuilder &b = x.getBuilder();
  if (isa<FloatType>(x.getType()))
    return select(x < y, x, y);
  return {b, b.createOrFold<arith::MinSIOp>(x, y)};
}

Num exp(Num x) { return {x.getBuilder(), math::ExpOp::create(x.getBuilder(), x).getResult()}; }
Num log(Num x) { return {x.getBuilder(), math::LogOp::create(x.getBuilder(), x).getResult()}; }
Num sqrt(Num x) { return {x.getBuilder(), math::SqrtOp::create(x.getBuilder(), x).getResult()}; }
Num sin(Num x) { return {x.getBuilder(), math::SinOp::create(x.getBuilder(), x).getResult()}; }
Num cos(Num x) { return {x.getBuilder(), math::CosOp::create(x.getBuilder(), x).getResult()}; }

} // namespace attnc::lower
