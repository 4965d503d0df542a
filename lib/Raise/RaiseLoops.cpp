// scf.while over rows that stop one by one becomes loop.adaptive predicate.
//
// Before: while (any(running) && step < cap), the body computes all rows and keeps the old values of those that do not
// run. After: what is kept is carried frozen, the rest free, and a row's exit is the end of its running. What asks for
// "running" in the body reads the op's argument, and selects by it at the end are the op's own.
#include "Loops.h"

#include "attnc/Dialect/Loop/Loop.h"
#include "attnc/Raise/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"

namespace attnc {
#define GEN_PASS_DEF_RAISELOOPS
#include "attnc/Raise/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::raise;

namespace {

/// ¬x, element by element.
Value negate(ImplicitLocOpBuilder &b, Value x) {
  Value init = tensor::EmptyOp::create(b, tensor::getMixedSizes(b, b.getLoc(), x), b.getI1Type());
  AffineMap identity = b.getMultiDimIdentityMap(cast<RankedTensorType>(x.getType()).getRank());
  SmallVector<utils::IteratorType> parallel(identity.getNumDims(), utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(b, b.getLoc(), init.getType(), x, init, ArrayRef{identity, identity}, parallel,
                                           [](OpBuilder &inner, Location loc, ValueRange elements) {
                                             Value yes = arith::ConstantOp::create(inner, loc, inner.getBoolAttr(true));
                                             Value not_ = arith::XOrIOp::create(inner, loc, elements[0], yes);
                                             linalg::YieldOp::create(inner, loc, not_);
                                           });
  return generic.getResult(0);
}

class LoopBuilder {
public:
  LoopBuilder(Elements &elements, scf::WhileOp loop, const LoopMatch &match)
      : elements(elements), loop(loop), match(match), b(loop.getLoc(), loop) {}

  void run() {
    Value active = cloneRows(loop.getInits(), false);
    Value cap = makeIndex(match.cap);
    Location loc = loop.getLoc();
    SmallVector<Type> types(loop.getResultTypes());
    types.push_back(cast<RankedTensorType>(active.getType()).clone(b.getI32Type()));
    auto marks = llvm::map_to_vector(match.frozen, [](bool frozen) { return int32_t(frozen ? loop::Mark::Frozen : loop::Mark::Free); });
    auto raised = loop::AdaptiveOp::create(b, types, active, cap, loop.getInits(), Value(), Value(), loop::Policy::Predicate, marks,
                                           loop::Compare::Ge, loop::Remainder::Assign, IntegerAttr(), IntegerAttr(), FloatAttr());
    // What the body yields is worked out while it is still that of scf.while.
    SmallVector<Value> running = findRows(match.running), stopped = findRows(elements.context.negate(match.running));
    SmallVector<Value> yields(loop.getYieldedValues());
    for (auto [number, yield] : llvm::enumerate(yields))
      if (match.frozen[number])
        yield = stripSelect(yield);
    b.setInsertionPoint(loop.getYieldOp());
    Value exit = cloneRows(loop.getYieldedValues(), true);
    loop::YieldOp::create(b, yields, exit);
    loop.getYieldOp().erase();
    Block *body = loop.getAfterBody();
    Value row = body->insertArgument(0u, active.getType(), loc);
    b.setInsertionPointToStart(body);
    llvm::for_each(running, [&](Value value) { value.replaceAllUsesWith(row); });
    if (llvm::any_of(stopped, [](Value value) { return !value.use_empty(); })) {
      Value halted = negate(b, row);
      llvm::for_each(stopped, [&](Value value) { value.replaceAllUsesWith(halted); });
    }
    body->insertArgument(0u, b.getIndexType(), loc); // the step
    raised.getBody().takeBody(loop.getAfter());
    loop->replaceAllUsesWith(raised.getFinals());
    loop.erase();
  }

private:
  /// Which rows run (or, `inverted`, have stopped), of these values in place of the condition's arguments.
  Value cloneRows(ValueRange values, bool inverted) {
    IRMapping mapping;
    mapping.map(loop.getBeforeArguments(), values);
    Value rows = clone(match.rows, mapping);
    return match.inverted != inverted ? negate(b, rows) : rows;
  }

  Value clone(Value value, IRMapping &mapping) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != loop.getBeforeBody())
      return value;
    for (Value operand : op->getOperands())
      clone(operand, mapping);
    return b.clone(*op, mapping)->getResult(cast<OpResult>(value).getResultNumber());
  }

  Value makeIndex(ExprRef e) {
    if (e->kind == Kind::Int)
      return arith::ConstantIndexOp::create(b, e->integer);
    if (e->kind == Kind::Op)
      return arith::AddIOp::create(b, makeIndex((*e)[0]), makeIndex((*e)[1]));
    Value value = e->kind == Kind::Load ? tensor::ExtractOp::create(b, e->value, ValueRange()).getResult() : e->value;
    return value.getType().isIndex() ? value : arith::IndexCastOp::create(b, b.getIndexType(), value).getResult();
  }

  /// Tensors of the body that have this element in each row.
  SmallVector<Value> findRows(ExprRef e) {
    SmallVector<Value> found;
    auto look = [&](Value value) {
      if (value.getType() == match.rows.getType() && elements.element(value, match.indices) == e)
        found.push_back(value);
    };
    llvm::for_each(loop.getAfterArguments(), look);
    for (Operation &op : *loop.getAfterBody())
      llvm::for_each(op.getResults(), look);
    return found;
  }

  /// x, of a value that is select(running, x, …).
  Value stripSelect(Value value) {
    SmallVector<ExprRef> indices(match.indices);
    ExprContext &context = elements.context;
    for (int64_t dim = indices.size(); dim < cast<RankedTensorType>(value.getType()).getRank(); ++dim)
      indices.push_back(context.variable(context.addVariable(elements.getExtent(value, dim))));
    ExprRef select = elements.step(context.load(value, indices));
    if (!select->is("arith.select"))
      return value;
    ExprRef condition = elements.expand((*select)[0]);
    ExprRef chosen = condition == match.running ? (*select)[1] : condition == context.negate(match.running) ? (*select)[2]
                                                                                                            : nullptr;
    bool isTensor = chosen && chosen->kind == Kind::Load && chosen->operands == ArrayRef(indices) && chosen->value.getType() == value.getType();
    return isTensor ? chosen->value : value;
  }

  Elements &elements;
  scf::WhileOp loop;
  const LoopMatch &match;
  ImplicitLocOpBuilder b;
};

class RaiseLoops : public attnc::impl::RaiseLoopsBase<RaiseLoops> {
public:
  void runOnOperation() override {
    SmallVector<scf::WhileOp> loops;
    getOperation()->walk([&](scf::WhileOp loop) { loops.push_back(loop); });
    for (scf::WhileOp loop : loops) {
      ExprContext context;
      Elements elements(context);
      Miss miss;
      Location loc = loop.getLoc();
      if (std::optional<LoopMatch> match = matchLoop(elements, loop, miss)) {
        LoopBuilder(elements, loop, *match).run();
        remark::passed(loc, remark::RemarkOpts::name("loop").category("raise")) << "raised to loop.adaptive";
      } else if (!miss.reason.empty()) {
        remark::missed(loc, remark::RemarkOpts::name("loop").category("raise")) << ("looks like a loop whose rows halt, but " + miss.reason);
      }
    }
  }
};

} // namespace
