#include "Plants.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::fuzz {

namespace {

/// Changes the ops of a kind that `change` accepts; whether there was one.
template <class Op> bool changeEach(Operation *root, llvm::function_ref<bool(Op)> change) {
  bool changed = false;
  llvm::SmallVector<Op> found;
  root->walk([&](Op op) { found.push_back(op); });
  for (Op op : found)
    changed |= change(op);
  return changed;
}

/// A number computed from each element of a tensor of integers.
Value mapIntegers(OpBuilder &b, Value tensor, llvm::function_ref<Value(OpBuilder &, Location, Value)> body) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Location loc = tensor.getLoc();
  Value empty = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, tensor), type.getElementType());
  AffineMap map = b.getMultiDimIdentityMap(type.getRank());
  llvm::SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, type, tensor, empty, llvm::ArrayRef{map, map}, loops, [&](OpBuilder &b, Location loc, ValueRange e) {
           linalg::YieldOp::create(b, loc, body(b, loc, e[0]));
         })
      .getResult(0);
}

/// j <= i is j < i in masks.
bool maskEdge(Operation *root) {
  return changeEach<arith::CmpIOp>(root, [](arith::CmpIOp compare) {
    if (!compare->getParentOfType<attn::AttentionOp>() || compare.getPredicate() != arith::CmpIPredicate::sle)
      return false;
    compare.setPredicate(arith::CmpIPredicate::slt);
    return true;
  });
}

/// exp(max before - max) is 1: what was summed so far keeps its old scale.
bool missingRescale(Operation *root) {
  return changeEach<linalg::GenericOp>(root, [](linalg::GenericOp op) {
    auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
    auto exp = yield.getOperand(0).getDefiningOp<math::ExpOp>();
    auto difference = exp ? exp.getOperand().getDefiningOp<arith::SubFOp>() : arith::SubFOp();
    if (!difference || op.getNumLoops() != 1 || op.getNumDpsInputs() != 2 || difference.getLhs() != op.getBody()->getArgument(0))
      return false;
    OpBuilder b(yield);
    yield->setOperand(0, arith::ConstantOp::create(b, yield.getLoc(), b.getFloatAttr(exp.getType(), 1)));
    return true;
  });
}

/// The last block of keys, if it is not full, is left out.
bool droppedTail(Operation *root) {
  return changeEach<scf::ForOp>(root, [](scf::ForOp loop) {
    std::optional<int64_t> step = getConstantIntValue(loop.getStep());
    if (!step || *step < 2 || !loop->getParentOfType<scf::ForallOp>())
      return false;
    OpBuilder b(loop);
    Value size = loop.getStep(), blocks = arith::DivSIOp::create(b, loop.getLoc(), loop.getUpperBound(), size);
    loop.setUpperBound(arith::MulIOp::create(b, loop.getLoc(), blocks, size));
    return true;
  });
}

/// Keys that are kept for rows that stop are those of the first step for ever.
bool staleKeys(Operation *root) {
  return changeEach<arith::SelectOp>(root, [](arith::SelectOp select) {
    auto op = select->getParentOfType<linalg::GenericOp>();
    if (!op || !op->getParentOfType<loop::AdaptiveOp>() || !isa<BlockArgument>(select.getCondition()))
      return false;
    select.replaceAllUsesWith(select.getFalseValue());
    return true;
  });
}

/// Rows go into the ring one slot further.
bool ringIndex(Operation *root) {
  return changeEach<attn::RingAppendOp>(root, [](attn::RingAppendOp op) {
    OpBuilder b(op);
    Value one = arith::ConstantIndexOp::create(b, op.getLoc(), 1);
    op.getCountMutable().assign(arith::AddIOp::create(b, op.getLoc(), op.getCount(), one));
    return true;
  });
}

/// Rows that have stopped are computed on.
bool haltedRows(Operation *root) {
  return changeEach<loop::AdaptiveOp>(root, [](loop::AdaptiveOp op) {
    llvm::SmallVector<int32_t> marks(op.getMarks());
    for (int32_t &mark : marks)
      if (loop::Mark(mark) == loop::Mark::Frozen)
        mark = int32_t(loop::Mark::Free);
    bool changed = marks != op.getMarks();
    op.setMarks(marks);
    return changed;
  });
}

/// What is left at the cap goes nowhere.
bool droppedRemainder(Operation *root) {
  return changeEach<loop::AdaptiveOp>(root, [](loop::AdaptiveOp op) {
    bool assigns = (op.getPolicy() == loop::Policy::Act || op.getPolicy() == loop::Policy::Geometric) && op.getRemainder() == loop::Remainder::Assign;
    if (assigns)
      op.setRemainder(loop::Remainder::Drop);
    return assigns;
  });
}

/// Of equal elements the later one comes first.
bool tieOrder(Operation *root) {
  auto function = dyn_cast<func::FuncOp>(root);
  if (!function || !function.getName().contains("top_k"))
    return false;
  bool changed = changeEach<arith::CmpFOp>(root, [](arith::CmpFOp compare) {
    bool greater = compare.getPredicate() == arith::CmpFPredicate::OGT;
    if (greater)
      compare.setPredicate(arith::CmpFPredicate::OGE);
    return greater;
  });
  return changed;
}

/// Every query head reads the keys of group 0.
bool headMap(Operation *root) {
  return changeEach<attn::AttentionOp>(root, [](attn::AttentionOp op) {
    llvm::SmallVector<Attribute> maps(op.getIndexingMaps().begin(), op.getIndexingMaps().end());
    bool changed = false;
    for (attn::AttentionOp::Source &source : op.getSources()) {
      auto type = cast<RankedTensorType>(source.key->get().getType());
      AffineMap map = op.getMap(*source.key);
      Builder b(op.getContext());
      for (auto [at, result] : llvm::enumerate(map.getResults()))
        if (result == b.getAffineDimExpr(attn::AttentionOp::G) && type.getDimSize(at) > 1) {
          llvm::SmallVector<AffineExpr> results(map.getResults());
          results[at] = b.getAffineConstantExpr(0);
          maps[source.key->getOperandNumber()] = AffineMapAttr::get(AffineMap::get(map.getNumDims(), 0, results, op.getContext()));
          changed = true;
        }
    }
    op.setIndexingMapsAttr(ArrayAttr::get(op.getContext(), maps));
    return changed;
  });
}

/// A last page that is not full is left out.
bool lastPage(Operation *root) {
  return changeEach<attn::AttentionOp>(root, [](attn::AttentionOp op) {
    bool changed = false;
    for (attn::AttentionOp::Source &source : op.getSources()) {
      AffineMap map = op.getMap(*source.key);
      if (!source.pages || !isa<RankedTensorType>(source.valid->get().getType()))
        continue;
      unsigned j = *map.getResultPosition(getAffineDimExpr(attn::AttentionOp::J, op.getContext()));
      int64_t rows = cast<RankedTensorType>(source.key->get().getType()).getDimSize(j);
      OpBuilder b(op);
      source.valid->set(mapIntegers(b, source.valid->get(), [&](OpBuilder &b, Location loc, Value n) -> Value {
        Value size = arith::ConstantOp::create(b, loc, b.getIntegerAttr(n.getType(), rows));
        return arith::SubIOp::create(b, loc, n, arith::RemSIOp::create(b, loc, n, size));
      }));
      changed |= rows > 1;
    }
    return changed;
  });
}

/// The state of a scan does not fade.
bool missingDecay(Operation *root) {
  return changeEach<attn::LinearScanOp>(root, [](attn::LinearScanOp op) {
    bool decays = bool(op.getDecay());
    op.getDecayMutable().clear();
    return decays;
  });
}

/// Positions begin at 1.
bool rotaryOffset(Operation *root) {
  return changeEach<attn::RotaryOp>(root, [](attn::RotaryOp op) {
    if (op.getPositions())
      return false;
    OpBuilder b(op);
    Value at = arith::ConstantIndexOp::create(b, op.getLoc(), 1);
    if (op.getOffset())
      at = arith::AddIOp::create(b, op.getLoc(), op.getOffset(), at);
    op.getOffsetMutable().assign(at);
    return true;
  });
}

/// A last block that is short changes the state where it should not, and the other way round.
bool partialBlock(Operation *root) {
  return changeEach<loop::SegmentOp>(root, [](loop::SegmentOp op) {
    op.setPartial(op.getPartial() == loop::Partial::Keep ? loop::Partial::Update : loop::Partial::Keep);
    return true;
  });
}

/// Draws are those of the next step.
bool drawStep(Operation *root) {
  return changeEach<attn::RandomBitsOp>(root, [](attn::RandomBitsOp op) {
    OpBuilder b(op);
    Value one = arith::ConstantIndexOp::create(b, op.getLoc(), 1);
    op.getStepMutable().assign(op.getStep() ? arith::AddIOp::create(b, op.getLoc(), op.getStep(), one).getResult() : one);
    return true;
  });
}

} // namespace

const std::vector<Plant> &plants() {
  static const std::vector<Plant> all = {{"mask-edge", "mask causal", false, maskEdge},
                                         {"missing-rescale", "normaliser softmax", true, missingRescale},
                                         {"dropped-tail", "piece attention", true, droppedTail},
                                         {"stale-keys", "kept keys", false, staleKeys},
                                         {"ring-index", "ring append", false, ringIndex},
                                         {"halted-rows", "mark frozen", false, haltedRows},
                                         {"dropped-remainder", "remainder assign", false, droppedRemainder},
                                         {"tie-order", "top_k of ties", true, tieOrder},
                                         {"head-map", "grouped heads", false, headMap},
                                         {"last-page", "paged", false, lastPage},
                                         {"missing-decay", "linear_scan", false, missingDecay},
                                         {"rotary-offset", "rotary", false, rotaryOffset},
                                         {"partial-block", "piece segment", false, partialBlock},
                                         {"draw-step", "random_bits", false, drawStep}};
  return all;
}

} // namespace attnc::fuzz
