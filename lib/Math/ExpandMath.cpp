// Mathematical functions become arithmetic: code of a package calls no library.
//
// Before: ops of math on scalars and vectors, in any region. After: those left are instructions of
// every supported CPU (fma, sqrt, floor, …) on f32, f64 and integers. So are arith.remf and
// arith.truncf from f64 to 16 bits, the ops of arith that LLVM calls a library for. One table says
// how each op is computed; functions that no inner loop of a model uses are computed in f64 for f32
// as well, so that they need one polynomial only.
#include "attnc/Math/Passes.h"

#include "Functions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace attnc {
#define GEN_PASS_DEF_EXPANDMATH
#include "attnc/Math/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc::elementary;

namespace {

/// The type a function is computed in.
enum class In {
  F32,   // halves are widened
  F64,   // so are f32
  Wider, // the same, and f64 has none
  Own    // the operands' own: integers, and what looks at the format
};

struct Function {
  StringLiteral op;
  Num (*build)(ArrayRef<Num> operands);
  In in = In::F32;
};

template <Num (*f)(Num)> Num call(ArrayRef<Num> x) { return f(x[0]); }
template <Num (*f)(Num, Num)> Num call(ArrayRef<Num> x) { return f(x[0], x[1]); }
template <Num (*f)(Num, Num, Num)> Num call(ArrayRef<Num> x) { return f(x[0], x[1], x[2]); }

/// Every op that is no instruction. (math.sincos is two ops first.)
constexpr Function kFunctions[] = {
    {"arith.remf", call<remf>, In::Wider},
    {"math.acos", call<acos>, In::F64},
    {"math.acosh", call<acosh>, In::F64},
    {"math.asin", call<asin>, In::F64},
    {"math.asinh", call<asinh>, In::F64},
    {"math.atan", call<atan>, In::F64},
    {"math.atan2", call<atan2>, In::F64},
    {"math.atanh", call<atanh>, In::F64},
    {"math.cbrt", call<cbrt>, In::F64},
    {"math.clampf", call<clampf>},
    {"math.cos", call<cos>},
    {"math.cosh", call<cosh>, In::F64},
    {"math.erf", call<erf>},
    {"math.erfc", call<erfc>, In::F64},
    {"math.exp", call<exp>},
    {"math.exp2", call<exp2>},
    {"math.expm1", call<expm1>},
    {"math.fpowi", call<fpowi>, In::F64},
    {"math.ipowi", call<ipowi>, In::Own},
    {"math.isfinite", call<isFinite>, In::Own},
    {"math.isinf", call<isInfinite>, In::Own},
    {"math.isnan", call<isNaN>, In::Own},
    {"math.isnormal", call<isNormal>, In::Own},
    {"math.log", call<log>},
    {"math.log10", call<log10>},
    {"math.log1p", call<log1p>},
    {"math.log2", call<log2>},
    {"math.powf", call<powf>, In::F64},
    {"math.round", call<round>},
    {"math.rsqrt", call<rsqrt>},
    {"math.sin", call<sin>},
    {"math.sinh", call<sinh>, In::F64},
    {"math.tan", call<tan>, In::F64},
    {"math.tanh", call<tanh>},
};

/// Of exp, where the ends of its range do not matter.
constexpr Function kExpNormal = {"math.exp", call<expNormal>};

const Function *findFunction(Operation *op) {
  if (auto exp = dyn_cast<math::ExpOp>(op); exp && arith::bitEnumContainsAll(exp.getFastmath(), arith::FastMathFlags::afn))
    return &kExpNormal;
  StringRef name = op->getName().getStringRef();
  auto *it = llvm::find_if(kFunctions, [&](const Function &f) { return f.op == name; });
  return it == std::end(kFunctions) ? nullptr : it;
}

/// The type to compute an op in: its own, f32 or f64.
Type getComputeType(Type element, In in) {
  Builder b(element.getContext());
  if (in == In::Own || element.isF64())
    return element;
  return in == In::F64 || in == In::Wider ? b.getF64Type() : b.getF32Type();
}

/// The op itself on wider operands.
Num cloneWider(Operation *op, ArrayRef<Num> operands) {
  ImplicitLocOpBuilder &b = operands[0].getBuilder();
  Operation *wider = b.clone(*op);
  wider->setOperands(SmallVector<Value>(operands.begin(), operands.end()));
  wider->getResult(0).setType(operands[0].getType());
  return {b, wider->getResult(0)};
}

/// Replaces an op by its function, or itself if it has none, on operands of type `compute`.
void replace(Operation *op, const Function *function, Type compute) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  SmallVector<Num> operands;
  for (Value operand : op->getOperands()) {
    Num number(b, operand);
    operands.push_back(isa<FloatType>(number.getElementType()) ? number.toFloat(compute) : number);
  }
  Num result = function ? function->build(operands) : cloneWider(op, operands);
  if (isa<FloatType>(result.getElementType()))
    result = result.toFloat(getElementTypeOrSelf(op->getResult(0)));
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

LogicalResult expand(Operation *op) {
  Type type = op->getOperand(0).getType(), element = getElementTypeOrSelf(type);
  const Function *function = findFunction(op);
  Type compute = getComputeType(element, function                  ? function->in
                                         : isa<FloatType>(element) ? In::F32
                                                                   : In::Own);
  if (!function && compute == element)
    return success();
  if (auto vector = dyn_cast<VectorType>(type);
      isa<ShapedType>(type) && (!vector || vector.isScalable()))
    return op->emitOpError() << "is expanded on scalars and vectors of fixed length, got " << type
                             << "; lower it to loops first";
  if (isa<FloatType>(element) && !element.isF64() && !element.isF32() && !element.isF16() &&
      !element.isBF16())
    return op->emitOpError() << "is expanded on f64, f32, f16 and bf16, got " << element;
  if (function && function->in == In::Wider && element == compute)
    return op->emitOpError() << "is expanded on f32, f16 and bf16, got " << element
                             << "; write it with math.floor and arithmetic";
  replace(op, function, compute);
  return success();
}

void splitSinCos(math::SincosOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  op.getSin().replaceAllUsesWith(math::SinOp::create(b, op.getOperand()).getResult());
  op.getCos().replaceAllUsesWith(math::CosOp::create(b, op.getOperand()).getResult());
  op.erase();
}

void narrow(arith::TruncFOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Type to = getElementTypeOrSelf(op.getType());
  if (!getElementTypeOrSelf(op.getIn()).isF64() || to.getIntOrFloatBitWidth() != 16)
    return;
  op.getOut().replaceAllUsesWith(Num(b, op.getIn()).toFloat(to));
  op.erase();
}

class ExpandMath : public attnc::impl::ExpandMathBase<ExpandMath> {
public:
  void runOnOperation() override {
    getOperation()->walk(splitSinCos);
    getOperation()->walk(narrow);
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_nonnull<math::MathDialect>(op->getDialect()) || findFunction(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(expand(op)))
        return signalPassFailure();
  }
};

} // namespace
