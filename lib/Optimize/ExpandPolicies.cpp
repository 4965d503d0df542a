// Gives every halting loop the one form that is analysed and lowered: loop.adaptive region.
//
// Before: loop.adaptive of any policy, with mean and blend, and loop.fixed_point. After: loop.adaptive region alone, all
// values frozen or free. The policy's score is carried (f32 per row, frozen), since the halt region sees what is carried;
// weights are computed where the score is, in the body. Scores and comparisons are f32 in the order that models.md writes
// (A0-A3, A9). At the cap nothing is decided and so no margin is reported, but for act with remainder = drop.
#include "ExpandPolicies.h"
#include "Rows.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace attnc {
#define GEN_PASS_DEF_EXPANDPOLICIES
#include "attnc/Optimize/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::loop;

namespace {

arith::CmpFPredicate predicateOf(Compare compare) {
  switch (compare) {
  case Compare::Ge: return arith::CmpFPredicate::OGE;
  case Compare::Gt: return arith::CmpFPredicate::OGT;
  case Compare::Le: return arith::CmpFPredicate::OLE;
  case Compare::Lt: return arith::CmpFPredicate::OLT;
  }
  llvm_unreachable("a comparison");
}

class PolicyExpansion {
public:
  explicit PolicyExpansion(AdaptiveOp op)
      : op(op), loc(op.getLoc()), b(op), policy(op.getPolicy()), f32(b.getF32Type()) {}

  void run();

private:
  bool hasScore() const { return policy != Policy::Converge; }
  bool assigns() { return op.getRemainder() == Remainder::Assign; }
  /// Whether the decision at the cap changes a result.
  bool decidesAtCap() { return policy == Policy::Act && !assigns(); }
  Value atCap(OpBuilder &b, Value step) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, step, op.getCap());
  }

  Value initialScore();
  void rewriteBody(Value score);
  std::pair<Value, Value> accumulate(Value p, Value score, Value step);
  Value updateMarked(Mark mark, Value weight, Value old, Value fresh);
  void buildHalt(AdaptiveOp loop);
  Value draws(OpBuilder &b, Value step);
  Value decide(OpBuilder &b, Value score, Value draw);
  Value distance(OpBuilder &b, Value score, Value draw, Value atCap);

  AdaptiveOp op;
  Location loc;
  OpBuilder b;
  Policy policy;
  FloatType f32;
};

//===----------------------------------------------------------------------===//
// The body: scores and weights
//===----------------------------------------------------------------------===//

/// act: h = 0; geometric: stay = 1; others: nothing yet.
Value PolicyExpansion::initialScore() {
  Type element = policy == Policy::Predicate ? Type(b.getI1Type()) : f32;
  return rows::fill(b, loc, op.getActive(), element, policy == Policy::Geometric);
}

/// The score to carry, and the weight of this step (null where no value is marked mean or blend).
std::pair<Value, Value> PolicyExpansion::accumulate(Value p, Value score, Value step) {
  if (policy != Policy::Act && policy != Policy::Geometric)
    return {p, Value()};
  bool weighs = llvm::any_of(op.getMarks(), [](int32_t mark) { return Mark(mark) == Mark::Mean || Mark(mark) == Mark::Blend; });
  Value last = weighs && assigns() ? atCap(b, step) : Value();
  SmallVector<Value> destinations(1 + weighs);
  for (Value &destination : destinations)
    destination = rows::empty(b, loc, op.getActive(), f32);
  auto results = rows::map(b, loc, {p, score}, destinations, [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    Value one = rows::number(b, loc, f32, 1), next, plain, rest;
    if (policy == Policy::Act) { // h' = h + p; w = exits ? 1 - h : p
      next = arith::AddFOp::create(b, loc, v[1], v[0]);
      plain = v[0];
      rest = arith::SubFOp::create(b, loc, one, v[1]);
    } else { // stay' = stay · (1 - λ); w = exits and assign ? stay : stay · λ
      next = arith::MulFOp::create(b, loc, v[1], arith::SubFOp::create(b, loc, one, v[0]));
      plain = arith::MulFOp::create(b, loc, v[1], v[0]);
      rest = v[1];
    }
    if (!weighs)
      return {next};
    if (policy == Policy::Geometric && !assigns())
      return {next, plain};
    Value compared = policy == Policy::Act ? next : Value(arith::SubFOp::create(b, loc, one, next));
    Value takesRest = arith::CmpFOp::create(b, loc, predicateOf(op.getCompare()), compared, op.getThreshold());
    if (assigns()) { // at the cap too, unless a NaN has to show
      Value known = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, next, next);
      takesRest = arith::OrIOp::create(b, loc, takesRest, arith::AndIOp::create(b, loc, last, known));
    }
    return {next, arith::SelectOp::create(b, loc, takesRest, rest, plain)};
  });
  return {results[0], weighs ? results[1] : Value()};
}

/// mean: v + w · new; blend: w · new + (1 - w) · v. Computed in f32 (f64 for f64).
Value PolicyExpansion::updateMarked(Mark mark, Value weight, Value old, Value fresh) {
  Type element = cast<RankedTensorType>(old.getType()).getElementType();
  FloatType compute = rows::computeType(element);
  Value destination = rows::empty(b, loc, old, element);
  return rows::map(b, loc, {weight, old, fresh}, destination, [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    Value w = rows::convert(b, loc, v[0], compute), keep = rows::convert(b, loc, v[1], compute);
    Value part = arith::MulFOp::create(b, loc, w, rows::convert(b, loc, v[2], compute));
    if (mark == Mark::Blend)
      keep = arith::MulFOp::create(b, loc, arith::SubFOp::create(b, loc, rows::number(b, loc, compute, 1), w), keep);
    Value sum = mark == Mark::Mean ? arith::AddFOp::create(b, loc, keep, part) : arith::AddFOp::create(b, loc, part, keep);
    return {rows::convert(b, loc, sum, element)};
  })[0];
}

/// Yields the new score beside the carried values, and these updated by their marks.
void PolicyExpansion::rewriteBody(Value score) {
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  b.setInsertionPoint(yield);
  SmallVector<Value> values(yield.getValues());
  if (hasScore()) {
    auto [next, weight] = accumulate(yield.getScore(), score, op.getStep());
    for (auto [i, value] : llvm::enumerate(values))
      if (op.getMark(i) == Mark::Mean || op.getMark(i) == Mark::Blend)
        value = updateMarked(op.getMark(i), weight, op.getBody().getArgument(2 + i), value);
    values.push_back(next);
  }
  YieldOp::create(b, loc, values, Value());
  yield.erase();
}

//===----------------------------------------------------------------------===//
// The halt region
//===----------------------------------------------------------------------===//

/// Random words, a row each: u = (x0 >> 8) · 2^-24.
Value PolicyExpansion::draws(OpBuilder &b, Value step) {
  SmallVector<Value> sizes;
  for (auto [i, size] : llvm::enumerate(op.getRowType().getShape()))
    if (ShapedType::isDynamic(size))
      sizes.push_back(tensor::DimOp::create(b, loc, op.getActive(), i));
  Type words = op.getRowType().clone(b.getI32Type());
  return attn::RandomBitsOp::create(b, loc, words, op.getSeed(), /*draw=*/Value(), step, /*rows=*/Value(), sizes,
                                    op.getStream().value_or(0))
      .getResult(0);
}

Value uniform(OpBuilder &b, Location loc, Value word, Type f32) {
  Value high = arith::ShRUIOp::create(b, loc, word, rows::number(b, loc, word.getType(), 8));
  return arith::MulFOp::create(b, loc, arith::UIToFPOp::create(b, loc, f32, high), rows::number(b, loc, f32, 0x1p-24));
}

/// Whether a row exits, by its score (or draw and score).
Value PolicyExpansion::decide(OpBuilder &b, Value score, Value draw) {
  switch (policy) {
  case Policy::Predicate:
    return score;
  case Policy::Bernoulli:
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, draw, score);
  case Policy::Converge:
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, score, op.getThreshold());
  default:
    break;
  }
  Value exits = arith::CmpFOp::create(b, loc, predicateOf(op.getCompare()), score, op.getThreshold());
  if (policy != Policy::Act)
    return exits;
  // A NaN score stops the row and shows in its output.
  return arith::OrIOp::create(b, loc, exits, arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, score, score));
}

/// |score - threshold|, or of score and draw; +inf where nothing is decided.
Value PolicyExpansion::distance(OpBuilder &b, Value score, Value draw, Value atCap) {
  Value gap = arith::SubFOp::create(b, loc, score, draw ? draw : op.getThreshold());
  gap = math::AbsFOp::create(b, loc, gap);
  return atCap ? arith::SelectOp::create(b, loc, atCap, rows::number(b, loc, f32, INFINITY), gap) : gap;
}

/// halt(%t, before…, after…): the decision on the carried score (geometric: 1 - stay; converge: the change).
void PolicyExpansion::buildHalt(AdaptiveOp loop) {
  Block *block = b.createBlock(&loop.getHalt());
  Value step = block->addArgument(b.getIndexType(), loc);
  for (int side = 0; side < 2; ++side)
    for (Type type : loop.getInits().getTypes())
      block->addArgument(type, loc);
  unsigned count = loop.getNumCarried();
  auto change = [&](Value before, Value after) {
    return rows::relativeChange(b, loc, op.getActive(), before, after, op.getDelta() ? op.getDelta()->convertToDouble() : 0);
  };
  auto after = block->getArguments().drop_front(1 + count);
  SmallVector<Value> inputs = {hasScore() ? Value(after.back()) : change(block->getArgument(1 + *op.getOn()), after[*op.getOn()])};
  if (policy == Policy::Bernoulli)
    inputs.push_back(draws(b, step));
  Value last = op.getMargin() && !decidesAtCap() ? atCap(b, step) : Value();
  SmallVector<Value> destinations = {rows::empty(b, loc, op.getActive(), b.getI1Type())};
  if (op.getMargin())
    destinations.push_back(rows::empty(b, loc, op.getActive(), f32));
  auto results = rows::map(b, loc, inputs, destinations, [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    Value score = v[0], draw = policy == Policy::Bernoulli ? uniform(b, loc, v[1], f32) : Value();
    if (policy == Policy::Geometric)
      score = arith::SubFOp::create(b, loc, rows::number(b, loc, f32, 1), score);
    SmallVector<Value> out = {decide(b, score, draw)};
    if (op.getMargin())
      out.push_back(distance(b, score, draw, last));
    return out;
  });
  YieldOp::create(b, loc, results, Value());
}

void PolicyExpansion::run() {
  SmallVector<Value> inits(op.getInits());
  SmallVector<int32_t> marks;
  for (unsigned i = 0; i < op.getNumCarried(); ++i)
    marks.push_back(int32_t(op.getMark(i) == Mark::Free ? Mark::Free : Mark::Frozen));
  Value score;
  if (hasScore()) {
    inits.push_back(initialScore());
    marks.push_back(int32_t(Mark::Frozen));
    score = op.getBody().addArgument(inits.back().getType(), loc);
  }
  rewriteBody(score);

  b.setInsertionPoint(op);
  SmallVector<Type> types(ValueRange(inits).getTypes());
  llvm::append_range(types, op.getResults().drop_front(op.getNumCarried()).getTypes());
  auto loop = AdaptiveOp::create(b, loc, types, op.getActive(), op.getCap(), inits, Value(), Value(), Policy::Region, marks,
                                 Compare::Ge, Remainder::Assign, IntegerAttr(), IntegerAttr(), FloatAttr(), op.getMargin());
  loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  loop.getBody().takeBody(op.getBody());
  buildHalt(loop);
  SmallVector<Value> results(loop.getResults());
  if (hasScore())
    results.erase(results.begin() + op.getNumCarried());
  op->replaceAllUsesWith(results);
  op.erase();
}

class ExpandPolicies : public attnc::impl::ExpandPoliciesBase<ExpandPolicies> {
public:
  void runOnOperation() override {
    SmallVector<Operation *> loops;
    getOperation()->walk([&](Operation *op) {
      if (isa<AdaptiveOp, FixedPointOp>(op))
        loops.push_back(op);
    });
    for (Operation *loop : loops)
      if (auto fixedPoint = dyn_cast<FixedPointOp>(loop))
        expandFixedPoint(fixedPoint);
      else if (auto adaptive = cast<AdaptiveOp>(loop); adaptive.getPolicy() != Policy::Region)
        expandPolicy(adaptive);
  }
};

} // namespace

void attnc::expandPolicy(AdaptiveOp op) { PolicyExpansion(op).run(); }
