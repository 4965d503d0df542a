// Weights that contractions multiply by are read from panels of neighbouring columns.
//
//     y = Σ_k x[m, k] · w[k, n]    ->    p = linalg.pack(w) : [n / 16][k][16];  y = Σ_k x[m, k] · linalg.unpack(p)[k, n]
//
// The pack depends on weights alone, so it becomes a prepared weight; the unpack moves into the contraction's kernel, where it is the
// addresses of the panels. Not packed: what a call computes (packing it would cost a pass over it in each), a matrix of so few columns
// that padding them to whole panels would more than double it, what is a panel as it lies, and functions that make initial states, which run once.
#include "attnc/Schedule/Contraction.h"
#include "attnc/Schedule/Schedule.h"

#include "WeightValues.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attnc {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;

namespace {

/// The order of the panels' dimensions: what is not summed, the columns, then k as the left operand has it.
SmallVector<int64_t> getPanelOrder(const Contraction &c) {
  SmallVector<int64_t> order;
  auto add = [&](auto &&wanted) {
    for (auto [dim, loop] : llvm::enumerate(c.rightDims))
      if (wanted(loop))
        order.push_back(dim);
  };
  add([&](unsigned loop) { return !c.isSummed(loop) && loop != c.outDims.back(); });
  add([&](unsigned loop) { return loop == c.outDims.back(); });
  for (unsigned k : c.leftDims)
    if (c.isSummed(k))
      add([&](unsigned loop) { return loop == k; });
  return order;
}

class PackWeights : public attnc::impl::PackWeightsBase<PackWeights> {
public:
  void runOnOperation() override {
    llvm::StringSet<> initialisers = namesOfInitialisers(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !initialisers.contains(function.getName()))
        function.walk([&](linalg::LinalgOp op) { pack(op); });
  }

private:
  WeightValues values;

  void pack(linalg::LinalgOp op) {
    WhyNot ignored;
    std::optional<Contraction> c = matchContraction(op, ignored);
    if (!c || c->panels || !values.isWeight(c->right))
      return;
    auto type = cast<RankedTensorType>(c->right.getType());
    int64_t dim = llvm::find(c->rightDims, c->outDims.back()) - c->rightDims.begin(), columns = type.getDimSize(dim);
    bool isPanel = columns == kPanelColumns && c->rightDims.back() == c->outDims.back();
    if (isPanel || llvm::alignTo(columns, kPanelColumns) > 2 * columns)
      return;
    ImplicitLocOpBuilder b(op.getLoc(), op);
    SmallVector<int64_t> order = getPanelOrder(*c), shape;
    for (int64_t from : order)
      shape.push_back(from == dim ? llvm::divideCeil(columns, kPanelColumns) : type.getDimSize(from));
    shape.push_back(kPanelColumns);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
    SmallVector<OpFoldResult> tiles{b.getIndexAttr(kPanelColumns)};
    Value panels = tensor::EmptyOp::create(b, shape, type.getElementType()), plain = tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
    Value packed = linalg::PackOp::create(b, c->right, panels, dim, tiles, std::optional<Value>(zero), order)->getResult(0);
    Value unpacked = linalg::UnPackOp::create(b, packed, plain, dim, tiles, order)->getResult(0);
    for (OpOperand *input : op.getDpsInputOperands())
      if (input->get() == c->right && llvm::equal(c->rightDims, getDims(op.getMatchingIndexingMap(input))))
        input->set(unpacked);
  }

  static LoopDims getDims(AffineMap map) {
    return llvm::map_to_vector(map.getResults(), [](AffineExpr expr) { return cast<AffineDimExpr>(expr).getPosition(); });
  }
};

} // namespace
