// What attention captures is computed in its regions, where the tensor was made by elementwise ops.
//
// Before: a mask that a graph made as a tensor, from ranges, lengths or a padding mask, is captured element by element. After:
// the regions compute it from indices and from what the tensor was made of. So its bounds are seen, keys that nobody sees cost
// nothing, and the tensor of all pairs is not made. What is expensive is still read from the tensor that has it (Regions.h).
//
// Left alone are attentions whose positions are not their indices, and those with several sources.
#include "Regions.h"

#include "attnc/Raise/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attnc {
#define GEN_PASS_DEF_RAISECAPTURES
#include "attnc/Raise/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::raise;
using attn::AttentionOp;

namespace {

class Rewriter {
public:
  explicit Rewriter(AttentionOp op) : op(op), elements(context), dims(elements, none), outside(op.getLoc(), op), regions(elements, dims, outside) {}

  void run() {
    none.sources.resize(1);
    addIndices();
    Miss ignored;
    for (Region *region : {&op.getScore(), &op.getMask(), &op.getPost()}) {
      if (region->empty())
        continue;
      ExprRef expr = evaluate(*region);
      if (!expr || !regions.capture(expr, ignored))
        return;
      contents.push_back({region, expr});
    }
    if (changes())
      replace();
  }

private:
  /// A variable for each dimension that an operand has.
  void addIndices() {
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<RankedTensorType>(operand.get().getType()))
        continue;
      for (auto [at, expr] : llvm::enumerate(op.getMap(operand).getResults())) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        if (!dim || indices[dim.getPosition()])
          continue;
        unsigned variable = context.addVariable(elements.getExtent(operand.get(), at));
        indices[dim.getPosition()] = context.variable(variable);
        dims.set(Dim(dim.getPosition()), variable);
      }
    }
    for (ExprRef &index : indices)
      if (!index)
        index = context.integer(0);
  }

  /// h = g · R + r
  ExprRef getHead() {
    ExprRef g = indices[Dim::G], r = indices[Dim::R];
    if (r->kind == Kind::Int || g->kind == Kind::Int)
      return r->kind == Kind::Int ? g : r;
    Extent groups = context.getVariableExtent(g->variable), heads = context.getVariableExtent(r->variable);
    return isDynamic(heads) ? nullptr : context.join({g, r}, {groups, heads});
  }

  ExprRef evaluate(Region &region) {
    ExprRef head = getHead();
    if (!head || region.walk([](arith::TruncFOp) { return WalkResult::interrupt(); }).wasInterrupted())
      return nullptr;
    DenseMap<Value, ExprRef> known;
    Block &block = region.front();
    unsigned at = 0;
    if (&region != &op.getMask())
      known[block.getArgument(at++)] = context.argument(0);
    for (ExprRef index : {indices[Dim::B], head, indices[Dim::I], indices[Dim::J], context.integer(0)})
      known[block.getArgument(at++)] = index;
    for (OpOperand &capture : op.getCapturesMutable())
      known[block.getArgument(at++)] = getCapture(capture);
    SmallVector<ExprRef> yielded = elements.evaluate(block, known, {});
    return yielded.empty() ? nullptr : elements.expand(yielded[0]);
  }

  ExprRef getCapture(OpOperand &capture) {
    if (!isa<RankedTensorType>(capture.get().getType()))
      return elements.scalar(capture.get());
    auto at = llvm::map_to_vector(op.getMap(capture).getResults(), [&](AffineExpr expr) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        return indices[dim.getPosition()];
      return context.integer(cast<AffineConstantExpr>(expr).getValue());
    });
    return context.load(capture.get(), at);
  }

  /// Something else is captured than before.
  bool changes() {
    ArrayRef<Capture> now = regions.getCaptures();
    if (now.size() != op.getCaptures().size())
      return true;
    return llvm::any_of(llvm::zip_equal(now, op.getCapturesMutable()), [&](auto pair) {
      auto &[capture, before] = pair;
      return capture.value != before.get() || capture.map != op.getMap(before);
    });
  }

  void replace() {
    SmallVector<Value> captures;
    SmallVector<Attribute> maps(op.getIndexingMaps().getValue()), now;
    unsigned first = op.getODSOperandIndexAndLength(AttentionOp::odsIndex_captures).first;
    for (const Capture &capture : regions.getCaptures()) {
      captures.push_back(capture.value);
      now.push_back(AffineMapAttr::get(capture.map));
    }
    maps.erase(maps.begin() + first, maps.begin() + first + op.getCaptures().size());
    maps.insert(maps.begin() + first, now.begin(), now.end());
    op.getCapturesMutable().assign(captures);
    op.setIndexingMapsAttr(ArrayAttr::get(op.getContext(), maps));
    for (auto [region, expr] : contents) {
      region->dropAllReferences();
      region->getBlocks().clear();
      regions.build(op, *region, expr, region == &op.getMask());
    }
  }

  AttentionOp op;
  ExprContext context;
  Elements elements;
  AttentionMatch none; // the op says its dimensions itself, and has one source
  Dims dims;
  ImplicitLocOpBuilder outside;
  Regions regions;
  ExprRef indices[Dim::NumDims] = {};
  SmallVector<std::pair<Region *, ExprRef>> contents;
};

/// i and j are indices, and all regions are those of the op.
bool hasPlainPositions(AttentionOp op) {
  SmallVector<AttentionOp::Source> sources = op.getSources();
  if (op.getQueryPositions() || op.getQueryOffset() || op.getQueryRows() || sources.size() != 1)
    return false;
  const AttentionOp::Source &source = sources[0];
  return !source.positions && !source.offset && !source.pages && !source.rows && !source.mask;
}

class RaiseCaptures : public attnc::impl::RaiseCapturesBase<RaiseCaptures> {
public:
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops) {
      bool capturesElements = llvm::any_of(op.getCapturesMutable(), [&](OpOperand &capture) {
        return isa<RankedTensorType>(capture.get().getType()) && capture.get().getDefiningOp();
      });
      bool readsWhole = llvm::any_of(op.getCapturesMutable(), [&](OpOperand &capture) { return op.isWholeCapture(capture); });
      if (capturesElements && !readsWhole && hasPlainPositions(op))
        Rewriter(op).run();
    }
  }
};

} // namespace
