// Chains of elementwise ops that compute GELU (with erf, or its tanh form) or SiLU of a tensor become one linalg.generic.
//
// There is no op for them: a scalar body says all that a kernel needs, and schedule fuses it with its neighbours. What is
// gained is one form, the cheapest (x³ by products, not by a power), whatever the model wrote. A chain is recognised by
// what it computes: its element is a function of one element of one tensor, and has the activation's values.
#include "Elements.h"
#include "Producers.h"
#include "Rotary.h"

#include "attnc/Raise/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"
#include <cmath>

namespace attnc {
#define GEN_PASS_DEF_RAISEACTIVATIONS
#include "attnc/Raise/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::raise;

namespace {

constexpr double kCubic = 0.044715;
const double kTanhScale = std::sqrt(2 / M_PI);

/// Builds scalar code.
struct Scalar {
  ImplicitLocOpBuilder &b;
  Type type;
  Value number(double n) { return arith::ConstantOp::create(b, b.getFloatAttr(type, n)); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  /// x/2 · (1 + y)
  Value halfOf(Value x, Value y) { return mul(mul(x, number(0.5)), add(y, number(1))); }
};

struct Activation {
  StringRef name;
  double (*evaluate)(double x);
  Value (*build)(Scalar s, Value x);
};

const Activation kActivations[] = {
    {"gelu", [](double x) { return x / 2 * (1 + std::erf(x / M_SQRT2)); },
     [](Scalar s, Value x) { return s.halfOf(x, math::ErfOp::create(s.b, s.mul(x, s.number(M_SQRT1_2)))); }},
    {"gelu by tanh", [](double x) { return x / 2 * (1 + std::tanh(kTanhScale * (x + kCubic * x * x * x))); },
     [](Scalar s, Value x) {
       // √(2/π) · x · (1 + 0.044715 · x²)
       Value inside = s.mul(s.mul(x, s.number(kTanhScale)), s.add(s.mul(s.mul(x, x), s.number(kCubic)), s.number(1)));
       return s.halfOf(x, math::TanhOp::create(s.b, inside));
     }},
    {"silu", [](double x) { return x / (1 + std::exp(-x)); },
     [](Scalar s, Value x) {
       Value e = math::ExpOp::create(s.b, arith::NegFOp::create(s.b, x));
       return arith::DivFOp::create(s.b, x, s.add(e, s.number(1))).getResult();
     }},
};

class RaiseActivations : public attnc::impl::RaiseActivationsBase<RaiseActivations> {
public:
  void runOnOperation() override {
    SmallVector<Operation *> ends;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (isElementwise(op) && op->getNumResults() == 1 && isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())))
        ends.push_back(op);
    });
    for (Operation *op : llvm::reverse(ends)) // the last op has all of it
      if (!op->use_empty())
        raiseAt(op);
  }

private:
  void raiseAt(Operation *op) {
    constexpr size_t kMost = 16;
    for (Value input : getInputsOfType(op->getResult(0), kMost))
      if (const Activation *activation = match(op->getResult(0), input)) {
        bool isOneOp = llvm::is_contained(op->getOperands(), input);
        if (!isOneOp || !isPlainMap(op))
          replace(op, input, *activation);
        remark::passed(op->getLoc(), remark::RemarkOpts::name("activation").category("raise")) << ("is " + activation->name.str());
        return;
      }
  }

  /// One op of one input that has the result's indices is left as it is.
  static bool isPlainMap(Operation *op) {
    auto structured = cast<linalg::LinalgOp>(op);
    bool powers = structured.getBlock()->walk([](math::PowFOp) { return WalkResult::interrupt(); }).wasInterrupted();
    return structured.getNumDpsInputs() == 1 && !powers;
  }

  static const Activation *match(Value result, Value input) {
    ExprContext context;
    Elements elements(context);
    elements.keep(input);
    SmallVector<ExprRef> indices = elements.anyIndices(elements.getExtents(result));
    ExprRef x = context.load(input, indices), y = elements.element(result, indices);
    auto has = [&](const Activation &activation) {
      return llvm::all_of(ArrayRef{-7.0, -3.1, -1.3, -0.4, 0.3, 0.8, 1.7, 4.2}, [&](double at) {
        std::optional<double> value = evaluateAt(y, x, at);
        return value && std::abs(*value - activation.evaluate(at)) < 1e-6 * std::max(1.0, std::abs(at));
      });
    };
    const Activation *found = llvm::find_if(kActivations, has);
    return found == std::end(kActivations) ? nullptr : found;
  }

  static void replace(Operation *op, Value input, const Activation &activation) {
    ImplicitLocOpBuilder b(op->getLoc(), op);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    Value init = cast<DestinationStyleOpInterface>(op).getDpsInits()[0];
    AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> parallel(type.getRank(), utils::IteratorType::parallel);
    auto generic = linalg::GenericOp::create(b, op->getLoc(), type, input, init, ArrayRef{identity, identity}, parallel,
                                             [&](OpBuilder &inner, Location loc, ValueRange elements) {
                                               ImplicitLocOpBuilder body(loc, inner);
                                               Value y = activation.build({body, type.getElementType()}, elements[0]);
                                               linalg::YieldOp::create(body, y);
                                             });
    op->getResult(0).replaceAllUsesWith(generic.getResult(0));
  }
};

} // namespace
