// arith: one function an op, on one element. Integers wrap at their width; floats are doubles
// whatever their type, rounded only where their bits are looked at (bitcast).
#include "Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cmath>

using namespace mlir;

namespace attnc::reference {

//===----------------------------------------------------------------------===//
// Integers of a width
//===----------------------------------------------------------------------===//

int64_t wrap(int64_t value, unsigned width) {
  if (width == 1)
    return value & 1;
  return width >= 64 ? value : llvm::SignExtend64(static_cast<uint64_t>(value), width);
}

int64_t asSigned(int64_t value, unsigned width) { return width == 1 ? -(value & 1) : value; }

uint64_t asUnsigned(int64_t value, unsigned width) {
  return static_cast<uint64_t>(value) & llvm::maskTrailingOnes<uint64_t>(std::min(width, 64u));
}

unsigned widthOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
}

//===----------------------------------------------------------------------===//
// Scalar functions
//===----------------------------------------------------------------------===//

using S = const Scalar *;
using T = const ScalarTypes &;
using P = const char *&;

/// A two's complement result of 64 bits, brought to the result's width.
static Scalar integer(uint64_t value, T types) {
  return {.i = wrap(static_cast<int64_t>(value), types.resultWidth)};
}
static Scalar boolean(bool value) { return {.i = value}; }
static Scalar number(double value) { return {.f = value}; }

static int64_t s(S x, unsigned n, T t) { return asSigned(x[n].i, t.width); }
static uint64_t u(S x, unsigned n, T t) { return asUnsigned(x[n].i, t.width); }

static bool isZeroDivisor(S x, P problem) {
  if (x[1].i == 0)
    problem = "division by zero";
  return x[1].i == 0;
}

/// Division of the smallest number by -1 leaves the type.
static bool isBadSignedDivision(S x, T t, P problem) {
  if (isZeroDivisor(x, problem))
    return true;
  if (t.width > 1 && x[1].i == -1 && x[0].i == wrap(int64_t(1) << (t.width - 1), t.width)) {
    problem = "overflow in a signed division";
    return true;
  }
  return false;
}

static double maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return a + b;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

static double maxNumber(double a, double b) {
  return std::isnan(a) ? b : std::isnan(b) ? a
                                           : maximum(a, b);
}

static bool compareIntegers(S x, T t) {
  switch (static_cast<arith::CmpIPredicate>(t.predicate)) {
  case arith::CmpIPredicate::eq:
    return x[0].i == x[1].i;
  case arith::CmpIPredicate::ne:
    return x[0].i != x[1].i;
  case arith::CmpIPredicate::slt:
    return s(x, 0, t) < s(x, 1, t);
  case arith::CmpIPredicate::sle:
    return s(x, 0, t) <= s(x, 1, t);
  case arith::CmpIPredicate::sgt:
    return s(x, 0, t) > s(x, 1, t);
  case arith::CmpIPredicate::sge:
    return s(x, 0, t) >= s(x, 1, t);
  case arith::CmpIPredicate::ult:
    return u(x, 0, t) < u(x, 1, t);
  case arith::CmpIPredicate::ule:
    return u(x, 0, t) <= u(x, 1, t);
  case arith::CmpIPredicate::ugt:
    return u(x, 0, t) > u(x, 1, t);
  case arith::CmpIPredicate::uge:
    return u(x, 0, t) >= u(x, 1, t);
  }
  llvm_unreachable("unknown predicate");
}

static bool compareFloats(S x, T t) {
  double a = x[0].f, b = x[1].f;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (static_cast<arith::CmpFPredicate>(t.predicate)) {
  case arith::CmpFPredicate::AlwaysFalse:
    return false;
  case arith::CmpFPredicate::OEQ:
    return a == b;
  case arith::CmpFPredicate::OGT:
    return a > b;
  case arith::CmpFPredicate::OGE:
    return a >= b;
  case arith::CmpFPredicate::OLT:
    return a < b;
  case arith::CmpFPredicate::OLE:
    return a <= b;
  case arith::CmpFPredicate::ONE:
    return !unordered && a != b;
  case arith::CmpFPredicate::ORD:
    return !unordered;
  case arith::CmpFPredicate::UEQ:
    return unordered || a == b;
  case arith::CmpFPredicate::UGT:
    return unordered || a > b;
  case arith::CmpFPredicate::UGE:
    return unordered || a >= b;
  case arith::CmpFPredicate::ULT:
    return unordered || a < b;
  case arith::CmpFPredicate::ULE:
    return unordered || a <= b;
  case arith::CmpFPredicate::UNE:
    return a != b;
  case arith::CmpFPredicate::UNO:
    return unordered;
  case arith::CmpFPredicate::AlwaysTrue:
    return true;
  }
  llvm_unreachable("unknown predicate");
}

/// Toward zero; what does not fit becomes the nearest end of the range, NaN becomes 0 (upstream:
/// poison).
static Scalar toInteger(double value, double low, double high, T t) {
  if (std::isnan(value))
    return {.i = 0};
  double whole = std::trunc(value);
  if (whole >= high)
    return integer(high >= 0x1p64 ? ~uint64_t(0) : static_cast<uint64_t>(high) - 1, t);
  if (whole <= low)
    return integer(static_cast<uint64_t>(static_cast<int64_t>(low)), t);
  return integer(whole < 0 ? static_cast<uint64_t>(static_cast<int64_t>(whole))
                           : static_cast<uint64_t>(whole),
                 t);
}

static uint64_t floatBits(double value, FloatType type) {
  llvm::APFloat number(value);
  bool lossy;
  number.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lossy);
  return number.bitcastToAPInt().getZExtValue();
}

static double floatOfBits(uint64_t bits, FloatType type) {
  llvm::APFloat number(type.getFloatSemantics(), llvm::APInt(type.getWidth(), bits));
  bool lossy;
  number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lossy);
  return number.convertToDouble();
}

static Scalar bitcast(S x, T t) {
  auto from = dyn_cast<FloatType>(t.operand), to = dyn_cast<FloatType>(t.result);
  uint64_t pattern = from ? floatBits(x[0].f, from) : asUnsigned(x[0].i, t.width);
  return to ? number(floatOfBits(pattern, to)) : integer(pattern, t);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static void addIntegers(ScalarTable &table) {
  table["arith.addi"] = {[](S x, T t, P) { return integer(u(x, 0, t) + u(x, 1, t), t); }};
  table["arith.subi"] = {[](S x, T t, P) { return integer(u(x, 0, t) - u(x, 1, t), t); }};
  table["arith.muli"] = {[](S x, T t, P) { return integer(u(x, 0, t) * u(x, 1, t), t); }};
  table["arith.andi"] = {[](S x, T t, P) { return integer(x[0].i & x[1].i, t); }};
  table["arith.ori"] = {[](S x, T t, P) { return integer(x[0].i | x[1].i, t); }};
  table["arith.xori"] = {[](S x, T t, P) { return integer(x[0].i ^ x[1].i, t); }};
  table["arith.maxsi"] = {[](S x, T t, P) { return integer(std::max(s(x, 0, t), s(x, 1, t)), t); }};
  table["arith.minsi"] = {[](S x, T t, P) { return integer(std::min(s(x, 0, t), s(x, 1, t)), t); }};
  table["arith.maxui"] = {[](S x, T t, P) { return integer(std::max(u(x, 0, t), u(x, 1, t)), t); }};
  table["arith.minui"] = {[](S x, T t, P) { return integer(std::min(u(x, 0, t), u(x, 1, t)), t); }};
  table["arith.cmpi"] = {[](S x, T t, P) { return boolean(compareIntegers(x, t)); }};
  // A shift by the width or more is poison upstream; here nothing is left (or the sign).
  table["arith.shli"] = {
      [](S x, T t, P) { return integer(u(x, 1, t) < t.width ? u(x, 0, t) << x[1].i : 0, t); }};
  table["arith.shrui"] = {
      [](S x, T t, P) { return integer(u(x, 1, t) < t.width ? u(x, 0, t) >> x[1].i : 0, t); }};
  table["arith.shrsi"] = {
      [](S x, T t, P) { return integer(s(x, 0, t) >> std::min<uint64_t>(u(x, 1, t), 63), t); }};
}

static void addDivisions(ScalarTable &table) {
  table["arith.divui"] = {[](S x, T t, P problem) {
    return integer(isZeroDivisor(x, problem) ? 0 : u(x, 0, t) / u(x, 1, t), t);
  }};
  table["arith.ceildivui"] = {[](S x, T t, P problem) {
    return integer(
        isZeroDivisor(x, problem) ? 0 : u(x, 0, t) / u(x, 1, t) + (u(x, 0, t) % u(x, 1, t) != 0),
        t);
  }};
  table["arith.remui"] = {[](S x, T t, P problem) {
    return integer(isZeroDivisor(x, problem) ? 0 : u(x, 0, t) % u(x, 1, t), t);
  }};
  table["arith.divsi"] = {[](S x, T t, P problem) {
    return integer(isBadSignedDivision(x, t, problem) ? 0 : s(x, 0, t) / s(x, 1, t), t);
  }};
  table["arith.ceildivsi"] = {[](S x, T t, P problem) {
    return integer(
        isBadSignedDivision(x, t, problem) ? 0 : llvm::divideCeilSigned(s(x, 0, t), s(x, 1, t)), t);
  }};
  table["arith.floordivsi"] = {[](S x, T t, P problem) {
    return integer(
        isBadSignedDivision(x, t, problem) ? 0 : llvm::divideFloorSigned(s(x, 0, t), s(x, 1, t)),
        t);
  }};
  table["arith.remsi"] = {[](S x, T t, P problem) {
    return integer(isZeroDivisor(x, problem) || s(x, 1, t) == -1 ? 0 : s(x, 0, t) % s(x, 1, t), t);
  }};
}

static void addWideIntegers(ScalarTable &table) {
  using Wide = unsigned __int128;
  table["arith.addui_extended"] = {
      [](S x, T t, P) { return integer(u(x, 0, t) + u(x, 1, t), t); },
      [](S x, T t, P) { return boolean((Wide(u(x, 0, t)) + u(x, 1, t)) >> t.width & 1); }};
  table["arith.mului_extended"] = {
      [](S x, T t, P) { return integer(u(x, 0, t) * u(x, 1, t), t); },
      [](S x, T t, P) { return integer(uint64_t(Wide(u(x, 0, t)) * u(x, 1, t) >> t.width), t); }};
  table["arith.mulsi_extended"] = {[](S x, T t, P) { return integer(u(x, 0, t) * u(x, 1, t), t); },
                                   [](S x, T t, P) {
                                     return integer(
                                         uint64_t(__int128(s(x, 0, t)) * s(x, 1, t) >> t.width), t);
                                   }};
}

static void addFloats(ScalarTable &table) {
  table["arith.addf"] = {[](S x, T, P) { return number(x[0].f + x[1].f); }};
  table["arith.subf"] = {[](S x, T, P) { return number(x[0].f - x[1].f); }};
  table["arith.mulf"] = {[](S x, T, P) { return number(x[0].f * x[1].f); }};
  table["arith.divf"] = {[](S x, T, P) { return number(x[0].f / x[1].f); }};
  table["arith.remf"] = {[](S x, T, P) { return number(std::fmod(x[0].f, x[1].f)); }};
  table["arith.negf"] = {[](S x, T, P) { return number(-x[0].f); }};
  table["arith.maximumf"] = {[](S x, T, P) { return number(maximum(x[0].f, x[1].f)); }};
  table["arith.minimumf"] = {[](S x, T, P) { return number(-maximum(-x[0].f, -x[1].f)); }};
  table["arith.maxnumf"] = {[](S x, T, P) { return number(maxNumber(x[0].f, x[1].f)); }};
  table["arith.minnumf"] = {[](S x, T, P) { return number(-maxNumber(-x[0].f, -x[1].f)); }};
  table["arith.cmpf"] = {[](S x, T t, P) { return boolean(compareFloats(x, t)); }};
}

static void addConversions(ScalarTable &table) {
  table["arith.select"] = {[](S x, T, P) { return x[0].i ? x[1] : x[2]; }};
  table["arith.extf"] = table["arith.truncf"] = {[](S x, T, P) { return x[0]; }};
  table["arith.extsi"] = table["arith.trunci"] =
      table["arith.index_cast"] = {[](S x, T t, P) { return integer(s(x, 0, t), t); }};
  table["arith.extui"] =
      table["arith.index_castui"] = {[](S x, T t, P) { return integer(u(x, 0, t), t); }};
  table["arith.sitofp"] = {[](S x, T t, P) { return number(static_cast<double>(s(x, 0, t))); }};
  table["arith.uitofp"] = {[](S x, T t, P) { return number(static_cast<double>(u(x, 0, t))); }};
  table["arith.fptosi"] = {[](S x, T t, P) {
    double end = std::ldexp(1.0, t.resultWidth - 1);
    return toInteger(x[0].f, -end, end, t);
  }};
  table["arith.fptoui"] = {
      [](S x, T t, P) { return toInteger(x[0].f, 0, std::ldexp(1.0, t.resultWidth), t); }};
  table["arith.bitcast"] = {[](S x, T t, P) { return bitcast(x, t); }};
}

void addArithScalars(ScalarTable &table) {
  addIntegers(table);
  addDivisions(table);
  addWideIntegers(table);
  addFloats(table);
  addConversions(table);
}

std::optional<ScalarOp> getScalarOp(Operation *op) {
  static const ScalarTable table = [] {
    ScalarTable table;
    addArithScalars(table);
    addMathScalars(table);
    return table;
  }();
  auto it = table.find(op->getName().getStringRef());
  if (it == table.end())
    return std::nullopt;
  ScalarOp scalar{it->second, {}};
  scalar.types.operand = getElementTypeOrSelf(op->getOperand(0).getType());
  scalar.types.result = getElementTypeOrSelf(op->getResult(0).getType());
  scalar.types.width = widthOf(scalar.types.operand);
  scalar.types.resultWidth = widthOf(scalar.types.result);
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    scalar.types.predicate = static_cast<int64_t>(compare.getPredicate());
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    scalar.types.predicate = static_cast<int64_t>(compare.getPredicate());
  return scalar;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static double doubleOf(llvm::APFloat value) {
  bool lossy;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lossy);
  return value.convertToDouble();
}

static int64_t integerOf(const llvm::APInt &value) {
  return value.getBitWidth() == 1 ? value.getZExtValue() : value.getSExtValue();
}

static std::optional<Value> getDense(DenseElementsAttr dense) {
  Type element = dense.getElementType();
  Tensor tensor{element, SmallVector<int64_t>(dense.getType().getShape()), {}};
  tensor.elements.reserve(dense.getNumElements());
  if (isa<FloatType>(element)) {
    for (const llvm::APFloat &value : dense.getValues<llvm::APFloat>())
      tensor.elements.push_back({.f = doubleOf(value)});
    return tensor;
  }
  if (!element.isIntOrIndex() || widthOf(element) > 64)
    return std::nullopt;
  for (const llvm::APInt &value : dense.getValues<llvm::APInt>())
    tensor.elements.push_back({.i = integerOf(value)});
  return tensor;
}

std::optional<Value> getConstant(Attribute attribute, Type type) {
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return Value::number(type, doubleOf(number.getValue()));
  if (auto integer = dyn_cast<IntegerAttr>(attribute); integer && widthOf(type) <= 64)
    return Value::integer(type, integerOf(integer.getValue()));
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
    return getDense(dense);
  bool splat;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      if (DenseElementsAttr::isValidRawBuffer(resource.getType(), blob->getData(), splat))
        return getDense(DenseElementsAttr::getFromRawBuffer(resource.getType(), blob->getData()));
  return std::nullopt;
}

static LogicalResult evaluateConstant(arith::ConstantOp op, Frame &frame) {
  std::optional<Value> value = getConstant(op.getValue(), op.getType());
  if (!value)
    return frame.error(op, "unsupported kind of constant", ErrorKind::Unsupported);
  frame.set(op.getResult(), *value);
  return success();
}

void addArith(Handlers &handlers) { handlers.add<arith::ConstantOp>(evaluateConstant); }

} // namespace attnc::reference
