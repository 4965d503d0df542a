// Mathematical functions become arithmetic: code of a package calls no library.
//
// Before: ops of math on scalars and vectors, in any region. After: those left are instructions of
// every supported CPU (fma, sqrt, floor, …) on f32 and f64. One table says how each op is computed;
// functions that no inner loop of a model uses are computed in f64 for f32 as well, so that they
// need one polynomial only.
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

using Nums = SmallVector<Num, 2>;
enum class F32 { Native, InF64 };

struct Function {
  StringLiteral op;
  Nums (*build)(ArrayRef<Num> operands); // null: an instruction
  F32 f32 = F32::Native;
};

template <Num (*f)(Num)> Nums unary(ArrayRef<Num> x) { return {f(x[0])}; }
template <Num (*f)(Num, Num)> Nums binary(ArrayRef<Num> x) { return {f(x[0], x[1])}; }

constexpr Function kFunctions[] = {
    {"math.absf", nullptr},       {"math.ceil", nullptr},
    {"math.copysign", nullptr},   {"math.floor", nullptr},
    {"math.fma", nullptr},        {"math.roundeven", nullptr},
    {"math.sqrt", nullptr},       {"math.trunc", nullptr},
    {"math.exp", unary<exp>},     {"math.exp2", unary<exp2>},
    {"math.expm1", unary<expm1>}, {"math.tanh", unary<tanh>},
    {"math.log", unary<log>},     {"math.log2", unary<log2>},
    {"math.log10", unary<log10>}, {"math.log1p", unary<log1p>},
    {"math.erf", unary<erf>},     {"math.erfc", unary<erfc>, F32::InF64},
    {"math.sin", unary<sin>},     {"math.cos", unary<cos>},
};

const Function *findFunction(Operation *op) {
  auto *it = llvm::find_if(kFunctions,
                           [&](const Function &f) { return f.op == op->getName().getStringRef(); });
  return it == std::end(kFunctions) ? nullptr : it;
}

/// Replaces an op by its function on operands of type `compute`, rounded to the op's types.
void expand(Operation *op, const Function &function, Type compute) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Nums operands;
  for (Value operand : op->getOperands()) {
    Num number(b, operand);
    operands.push_back(isa<FloatType>(number.getElementType()) ? number.toFloat(compute) : number);
  }
  Nums results;
  if (function.build) {
    results = function.build(operands);
  } else {
    Operation *wider = b.clone(*op);
    for (auto [result, operand] : llvm::zip_first(wider->getResults(), operands))
      result.setType(operand.getType());
    wider->setOperands(SmallVector<Value>(operands.begin(), operands.end()));
    results.emplace_back(b, wider->getResult(0));
  }
  for (auto [old, result] : llvm::zip_equal(op->getResults(), results))
    old.replaceAllUsesWith(result.toFloat(getElementTypeOrSelf(old)));
  op->erase();
}

class ExpandMath : public attnc::impl::ExpandMathBase<ExpandMath> {
public:
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()) &&
          isa<FloatType>(getElementTypeOrSelf(op->getResult(0))))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(expandOne(op)))
        return signalPassFailure();
  }

private:
  static LogicalResult expandOne(Operation *op) {
    Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
    const Function *function = findFunction(op);
    if (!function)
      return op->emitOpError(
          "is not expanded; write it with exp, log, sin, cos, erf and arithmetic");
    if (auto vector = dyn_cast<VectorType>(type);
        isa<ShapedType>(type) && (!vector || vector.isScalable()))
      return op->emitOpError() << "is expanded on scalars and vectors of fixed length, got " << type
                               << "; lower it to loops first";
    if (element.isF64() || (element.isF32() && function->f32 == F32::Native)) {
      if (function->build)
        expand(op, *function, element);
      return success();
    }
    Builder b(op->getContext());
    if (!element.isF32() && !element.isF16() && !element.isBF16())
      return op->emitOpError() << "is expanded on f64, f32, f16 and bf16, got " << element;
    expand(op, *function, function->f32 == F32::InF64 ? b.getF64Type() : b.getF32Type());
    return success();
  }
};

} // namespace
