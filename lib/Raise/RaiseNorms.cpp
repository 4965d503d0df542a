// Normalisation in graphs of sums and elementwise ops becomes attn.layer_norm and attn.rms_norm.
//
// Before: sums over the last dimension and elementwise ops on the input and them. After: the last value that is a
// normalisation of the input, weight and bias included, is one op. The search goes from a sum of x or x² forward: a
// value is a normalisation if its element is, whatever ops lie between (Norms.h).
#include "Norms.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Raise/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

namespace attnc {
#define GEN_PASS_DEF_RAISENORMS
#include "attnc/Raise/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::raise;

namespace {

/// The tensors that are summed, or whose squares are: the operand, and what it is a conversion of.
SmallVector<Value> getInputs(linalg::LinalgOp sum) {
  ExprContext context;
  Elements elements(context);
  SmallVector<ExprRef> indices = elements.anyIndices(elements.getExtents(sum->getResult(0)));
  std::optional<Reduction> reduction = elements.open(context.load(sum->getResult(0), indices));
  if (!reduction || reduction->combiner != "arith.addf" || reduction->variables.size() != 1)
    return {};
  llvm::SetVector<Value> inputs;
  auto add = [&](ExprRef e) {
    if (e->is("arith.mulf") && (*e)[0] == (*e)[1])
      e = (*e)[0];
    for (; e->kind == Kind::Load && e->operands.back() == reduction->variables[0]; e = elements.step(e)) {
      if (!inputs.insert(e->value))
        break;
    }
    return e;
  };
  ExprRef rest = add(reduction->body);
  if (rest->kind == Kind::Op)
    add(rest);
  return inputs.takeVector();
}

/// Values that depend on the sum, as far as a normalisation reaches.
llvm::SetVector<Operation *> getReaders(Operation *sum) {
  constexpr size_t kMost = 40;
  llvm::SetVector<Operation *> readers;
  readers.insert(sum);
  for (size_t at = 0; at < readers.size() && readers.size() < kMost; ++at)
    for (Operation *user : readers[at]->getUsers()) {
      auto structured = dyn_cast<linalg::LinalgOp>(user);
      bool isElementwise = structured && structured.getNumReductionLoops() <= 1 && !linalg::isaContractionOpInterface(structured);
      if (user->getBlock() == sum->getBlock() && user->getNumResults() == 1 &&
          (isElementwise || isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(user) || OpTrait::hasElementwiseMappableTraits(user)))
        readers.insert(user);
    }
  return readers;
}

class RaiseNorms : public attnc::impl::RaiseNormsBase<RaiseNorms> {
public:
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> sums;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op->getNumResults() == 1 && op.getNumReductionLoops() == 1 && op.hasPureTensorSemantics())
        sums.push_back(op);
    });
    for (linalg::LinalgOp sum : sums)
      raiseFrom(sum);
  }

private:
  void raiseFrom(linalg::LinalgOp sum) {
    Miss miss;
    Operation *missed = nullptr;
    SmallVector<Value> inputs = getInputs(sum);
    if (inputs.empty())
      return;
    // The last reader that is a normalisation has all of it.
    llvm::SetVector<Operation *> readers = getReaders(sum);
    SmallVector<Operation *> ordered(readers.begin(), readers.end());
    llvm::sort(ordered, [](Operation *a, Operation *b) { return b->isBeforeInBlock(a); });
    for (Operation *reader : ordered)
      for (Value input : inputs) {
        if (reader->use_empty() || reader->getResult(0).getType() != input.getType())
          continue;
        if (raise(reader, input, miss))
          return;
        if (!miss.reason.empty() && !missed)
          missed = reader;
      }
    if (missed)
      remark::missed(missed->getLoc(), remark::RemarkOpts::name("norm").category("raise")) << ("looks like a normalisation, but " + miss.reason);
  }

  bool raise(Operation *reader, Value input, Miss &miss) {
    ExprContext context;
    Elements elements(context);
    elements.keep(input);
    SmallVector<ExprRef> indices = elements.anyIndices(elements.getExtents(input));
    if (indices.empty() || indices.back()->kind != Kind::Digit)
      return false;
    std::optional<NormMatch> norm = matchNorm(elements, elements.element(reader->getResult(0), indices), context.load(input, indices), miss);
    if (!norm)
      return false;
    OpBuilder builder(reader);
    ImplicitLocOpBuilder b(reader->getLoc(), builder);
    Value weight, bias;
    if ((norm->weight && !(weight = getParameter(b, elements, norm->weight, indices.back()))) ||
        (norm->bias && !(bias = getParameter(b, elements, norm->bias, indices.back())))) {
      miss.reason = "its weight or bias is in no tensor of the last dimension";
      return false;
    }
    if (norm->factor != 1)
      weight = getConstant(b, cast<RankedTensorType>(input.getType()).getShape().back(), norm->factor);
    if (!norm->centered && bias) // root-mean-square has no bias: it stays an addition
      return false;
    Value result = norm->centered ? attn::LayerNormOp::create(b, input.getType(), input, weight, bias, b.getF64FloatAttr(norm->eps)).getResult()
                                  : attn::RmsNormOp::create(b, input.getType(), input, weight, b.getF64FloatAttr(norm->eps)).getResult();
    reader->getResult(0).replaceAllUsesWith(result);
    remark::passed(reader->getLoc(), remark::RemarkOpts::name("norm").category("raise"))
        << (norm->centered ? "raised to attn.layer_norm" : "raised to attn.rms_norm");
    return true;
  }

  static Value getConstant(ImplicitLocOpBuilder &b, int64_t size, double number) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(RankedTensorType::get(size, b.getF32Type()), float(number)));
  }

  /// A tensor [d] that has the expression's values: read where it is, without its dimensions of 1.
  Value getParameter(ImplicitLocOpBuilder &b, Elements &elements, ExprRef e, ExprRef last) {
    ExprRef load = e->kind == Kind::Load ? e : elements.getOrigin(e);
    if (!load || llvm::count(load->operands, last) != 1)
      return {};
    Value tensor = load->value;
    auto type = cast<RankedTensorType>(tensor.getType());
    for (auto [dim, index] : llvm::enumerate(load->operands))
      if (index != last && type.getDimSize(dim) != 1)
        return {};
    if (type.getRank() == 1)
      return tensor;
    SmallVector<ReassociationIndices> all(1);
    llvm::append_range(all[0], llvm::seq<int64_t>(0, type.getRank()));
    return tensor::CollapseShapeOp::create(b, tensor, all);
  }
};

} // namespace
