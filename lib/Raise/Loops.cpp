// Whether a value is kept by rows that have stopped is asked of its element: with "this row runs" replaced by false, is
// it what was carried? So it does not matter whether the model selects, or adds what a weight of 0 took away.
#include "Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace attnc::raise {

namespace {
class LoopMatcher {
public:
  LoopMatcher(Elements &elements, scf::WhileOp loop, Miss &miss) : elements(elements), context(elements.context), loop(loop), miss(miss) {}

  std::optional<LoopMatch> match() {
    SmallVector<ExprRef> conditions = getConditions(elements.scalarElement(loop.getConditionOp().getCondition()));
    if (!llvm::any_of(conditions, [&](ExprRef e) { return matchAny(e); }))
      return std::nullopt;
    if (!llvm::equal(loop.getConditionOp().getArgs(), loop.getBeforeArguments()))
      return fail("its condition hands on other values than it got");
    if (conditions.size() != 2 || !llvm::any_of(conditions, [&](ExprRef e) { return matchCap(e); }))
      return fail("its condition is not `any row runs, and step < cap`, with a step that counts from a constant by 1");
    result.running = atBody(elements.element(result.rows, result.indices));
    if (result.inverted)
      result.running = context.negate(result.running);
    if (!staysStopped())
      return fail("a row that has stopped may run again");
    bool keepsSome = false;
    for (unsigned number = 0; number < loop.getInits().size(); ++number) {
      result.frozen.push_back(isFrozen(number));
      ExprRef element = context.load(loop.getAfterArguments()[number], result.indices);
      bool isMask = result.running == element || result.running == context.negate(element);
      keepsSome |= result.frozen.back() && !isMask;
    }
    if (!keepsSome)
      return fail("rows that have stopped keep none of the carried values");
    return result;
  }

private:
  std::nullopt_t fail(StringRef reason) {
    miss.reason = reason.str();
    return std::nullopt;
  }

  static SmallVector<ExprRef> getConditions(ExprRef e) {
    if (!e->is("arith.andi"))
      return {e};
    SmallVector<ExprRef> conditions = getConditions((*e)[0]);
    llvm::append_range(conditions, getConditions((*e)[1]));
    return conditions;
  }

  /// any(running), or ¬all(stopped).
  bool matchAny(ExprRef e) {
    bool inverted = e->is("arith.xori") && (*e)[1]->isInt(1);
    std::optional<Reduction> any = elements.open(inverted ? (*e)[0] : e);
    if (!any || any->combiner != (inverted ? "arith.andi" : "arith.ori") || !any->init->isInt(inverted) || any->body->kind != Kind::Load ||
        any->body->operands != ArrayRef(any->variables) || any->op.getNumParallelLoops() != 0)
      return false;
    result.rows = any->body->value;
    result.inverted = inverted;
    result.indices = any->variables;
    return true;
  }

  /// The carried value that the expression is.
  std::optional<unsigned> getCarried(ExprRef e) {
    if ((e->kind != Kind::Outer && e->kind != Kind::Load) || !e->operands.empty())
      return std::nullopt;
    auto argument = dyn_cast_or_null<BlockArgument>(e->value);
    return argument && argument.getOwner() == loop.getBeforeBody() ? std::optional(argument.getArgNumber()) : std::nullopt;
  }

  /// step < cap or step ≤ cap, with step = n, n + 1, …
  bool matchCap(ExprRef e) {
    using P = arith::CmpIPredicate;
    if (!e->is("arith.cmpi"))
      return false;
    auto [step, cap, predicate] = std::tuple((*e)[0], (*e)[1], P(e->integer));
    if (predicate == P::sgt || predicate == P::sge) {
      std::swap(step, cap);
      predicate = predicate == P::sgt ? P::slt : P::sle;
    }
    std::optional<unsigned> number = getCarried(step);
    bool isFromOutside = cap->kind == Kind::Int || (cap->value && loop.isDefinedOutsideOfLoop(cap->value) && cap->operands.empty());
    if (!number || !isFromOutside || (predicate != P::slt && predicate != P::sle))
      return false;
    ExprRef first = elements.scalarElement(loop.getInits()[*number]);
    ExprRef now = elements.scalarElement(loop.getAfterArguments()[*number]), next = elements.scalarElement(loop.getYieldedValues()[*number]);
    if (first->kind != Kind::Int || next != context.op("arith.addi", {now, context.integer(1)}))
      return false;
    result.cap = context.op("arith.addi", {cap, context.integer((predicate == P::sle) - first->integer)});
    return result.cap->kind != Kind::Int || result.cap->integer > 0;
  }

  /// An expression on what the condition gets, on what `replacement` says for each carried value.
  ExprRef substitute(ExprRef e, llvm::function_ref<ExprRef(unsigned number, ExprRef load)> replacement) {
    if (auto argument = dyn_cast_or_null<BlockArgument>(e->value); argument && argument.getOwner() == loop.getBeforeBody())
      return replacement(argument.getArgNumber(), e);
    if (e->kind != Kind::Op)
      return e;
    auto operands = llvm::map_to_vector(e->operands, [&](ExprRef operand) { return substitute(operand, replacement); });
    return context.op(e->name, operands, e->integer);
  }
  ExprRef atBody(ExprRef e) {
    return substitute(e, [&](unsigned number, ExprRef load) { return context.load(loop.getAfterArguments()[number], load->operands); });
  }

  /// The expression in a row that does not run.
  ExprRef inStopped(ExprRef e) {
    ExprRef stopped = context.replace(e, context.negate(result.running), context.truth(true));
    return context.replace(stopped, result.running, context.truth(false));
  }

  bool staysStopped() {
    ExprRef next = substitute(elements.element(result.rows, result.indices), [&](unsigned number, ExprRef load) {
      return elements.element(loop.getYieldedValues()[number], load->operands);
    });
    ExprRef stopped = inStopped(result.inverted ? context.negate(next) : next);
    return stopped->isInt(0) || stopped == result.running; // what made it stop is as it was
  }

  bool isFrozen(unsigned number) {
    Value carried = loop.getAfterArguments()[number];
    auto type = dyn_cast<RankedTensorType>(carried.getType());
    auto rows = cast<RankedTensorType>(result.rows.getType());
    if (!type || !llvm::equal(type.getShape().take_front(rows.getRank()), rows.getShape()))
      return false;
    SmallVector<ExprRef> indices(result.indices);
    for (int64_t dim = rows.getRank(); dim < type.getRank(); ++dim)
      indices.push_back(context.variable(context.addVariable(elements.getExtent(carried, dim))));
    ExprRef next = elements.element(loop.getYieldedValues()[number], indices);
    return inStopped(next) == inStopped(context.load(carried, indices));
  }

  Elements &elements;
  ExprContext &context;
  scf::WhileOp loop;
  Miss &miss;
  LoopMatch result;
};
} // namespace

std::optional<LoopMatch> matchLoop(Elements &elements, scf::WhileOp loop, Miss &miss) { return LoopMatcher(elements, loop, miss).match(); }

} // namespace attnc::raise
