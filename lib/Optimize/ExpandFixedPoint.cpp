// loop.fixed_point → loop.adaptive region whose rows are the samples (models.md A7).
//
// Carried: z, the best z, its residual and the last residual, frozen; for Anderson also, free, the last m pairs as
// x = β f(z) + (1 - β) z and g = f(z) - z, [B, m, …] with ring index (t - 1) mod m, and their inner products g·g, of which a
// step replaces one row and column.
//
// Anderson's α minimise ‖Σ α g‖² + reg ‖α‖² under Σ α = 1. The bordered system that papers write is indefinite and wants
// pivoting; eliminating its first row leaves α = M⁻¹1 / (1ᵀM⁻¹1) with M = GGᵀ + reg·I, which is positive definite. M is scaled
// to a unit diagonal, so that residuals of very different size do no harm, and factored as L D Lᵀ without pivoting, with
// pivots of at least 1e-6: in f32 this gives what a solve in f64 gives, up to the rounding of f itself, also for reg = 0.
#include "ExpandPolicies.h"
#include "Rows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::loop;

namespace {

/// Scalar arithmetic of the unrolled solve.
struct Scalars {
  OpBuilder &b;
  Location loc;
  Type type;

  Value constant(double value) { return rows::number(b, loc, type, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  /// NaN stays NaN, so that it shows.
  Value atLeast(Value x, double least) { return arith::MaximumFOp::create(b, loc, x, constant(least)); }
};

/// x = M⁻¹ r in place of r, for a symmetric positive definite M of unit diagonal, given (and overwritten) by its lower half.
void solve(Scalars s, SmallVector<SmallVector<Value>> &M, SmallVector<Value> &r) {
  constexpr double kLeastPivot = 1e-6;
  unsigned m = r.size();
  SmallVector<Value> D(m);
  for (unsigned j = 0; j < m; ++j) {
    // D_j = M_jj - Σ_k L_jk² D_k;  L_ij = (M_ij - Σ_k L_ik L_jk D_k) / D_j
    SmallVector<Value> scaled(j);
    for (unsigned k = 0; k < j; ++k)
      scaled[k] = s.mul(M[j][k], D[k]);
    for (unsigned i = j; i < m; ++i) {
      for (unsigned k = 0; k < j; ++k)
        M[i][j] = s.sub(M[i][j], s.mul(M[i][k], scaled[k]));
      if (i == j)
        D[j] = s.atLeast(M[j][j], kLeastPivot);
      else
        M[i][j] = s.div(M[i][j], D[j]);
    }
  }
  for (unsigned i = 0; i < m; ++i)
    for (unsigned k = 0; k < i; ++k)
      r[i] = s.sub(r[i], s.mul(M[i][k], r[k]));
  for (unsigned i = 0; i < m; ++i)
    r[i] = s.div(r[i], D[i]);
  for (unsigned i = m; i-- > 0;)
    for (unsigned k = i + 1; k < m; ++k)
      r[i] = s.sub(r[i], s.mul(M[k][i], r[k]));
}

class FixedPointExpansion {
public:
  explicit FixedPointExpansion(FixedPointOp op)
      : op(op), loc(op.getLoc()), b(op), type(cast<RankedTensorType>(op.getInit().getType())),
        compute(rows::computeType(type.getElementType())), f32(b.getF32Type()), m(op.getHistory()) {}

  void run();

private:
  enum Carried {
    Z,
    Best,
    BestResidual,
    Residual,
    X,
    G,
    Products,
    Count
  };

  bool isAnderson() { return op.getSolver() == Solver::Anderson; }
  void buildInits();
  void rewriteBody();
  void buildHalt(AdaptiveOp loop);
  Value mix(Value f, Value z, Type element);
  Value anderson(Value step, Value z, Value f, SmallVectorImpl<Value> &next);
  Value insertAt(Value slot, Value value, Value history);
  Value innerProducts(Value g, Value history);
  Value replaceProducts(Value products, Value row, Value slot);
  Value solveWeights(Value products, Value step);
  Value combine(Value weights, Value history);
  Value generic(ValueRange ins, Value out, ArrayRef<AffineMap> maps, ArrayRef<utils::IteratorType> kinds, rows::Element element);
  AffineMap dims(unsigned rank, ArrayRef<unsigned> list);
  AffineMap behind(unsigned skipped);

  FixedPointOp op;
  Location loc;
  OpBuilder b;
  RankedTensorType type;
  FloatType compute, f32;
  int64_t m;
  Value active;
  SmallVector<Value> inits;
  SmallVector<int32_t> marks;
};

//===----------------------------------------------------------------------===//
// One step of Anderson
//===----------------------------------------------------------------------===//

AffineMap FixedPointExpansion::dims(unsigned rank, ArrayRef<unsigned> list) {
  return AffineMap::getMultiDimMapWithTargets(rank, list, b.getContext());
}

/// Over (sample, pair, rest…): the dimensions of a sample's value, without the pair.
AffineMap FixedPointExpansion::behind(unsigned skipped) {
  SmallVector<unsigned> list = {0};
  llvm::append_range(list, llvm::seq<unsigned>(skipped + 1, type.getRank() + 1));
  return dims(type.getRank() + 1, list);
}

Value FixedPointExpansion::generic(ValueRange ins, Value out, ArrayRef<AffineMap> maps, ArrayRef<utils::IteratorType> kinds,
                                   rows::Element element) {
  return linalg::GenericOp::create(b, loc, out.getType(), ins, out, maps, kinds, [&](OpBuilder &b, Location loc, ValueRange v) {
           linalg::YieldOp::create(b, loc, element(b, loc, v));
         })
      .getResult(0);
}

/// history[:, slot] = value
Value FixedPointExpansion::insertAt(Value slot, Value value, Value history) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value), offsets(type.getRank() + 1, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank() + 1, b.getIndexAttr(1));
  sizes.insert(sizes.begin() + 1, b.getIndexAttr(1));
  offsets[1] = slot;
  return tensor::InsertSliceOp::create(b, loc, value, history, offsets, sizes, strides);
}

/// row[b, j] = Σ g[b, …] · G[b, j, …]
Value FixedPointExpansion::innerProducts(Value g, Value history) {
  unsigned rank = type.getRank() + 1;
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::reduction);
  kinds[0] = kinds[1] = utils::IteratorType::parallel;
  Value empty = tensor::EmptyOp::create(b, loc, {tensor::getMixedSize(b, loc, g, 0), b.getIndexAttr(m)}, compute);
  Value zero = linalg::FillOp::create(b, loc, rows::number(b, loc, compute, 0), empty).getResult(0);
  return generic({g, history}, zero, {behind(1), b.getMultiDimIdentityMap(rank), dims(rank, {0, 1})}, kinds,
                 [](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
                   return {arith::AddFOp::create(b, loc, v[2], arith::MulFOp::create(b, loc, v[0], v[1]))};
                 });
}

/// Row and column `slot` of each sample's products are the new row.
Value FixedPointExpansion::replaceProducts(Value products, Value row, Value slot) {
  SmallVector<utils::IteratorType> kinds(3, utils::IteratorType::parallel);
  return generic({row, row}, products, {dims(3, {0, 1}), dims(3, {0, 2}), dims(3, {0, 1, 2})}, kinds,
                 [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
                   auto isSlot = [&](int64_t dim) -> Value {
                     Value i = linalg::IndexOp::create(b, loc, dim);
                     return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, i, slot);
                   };
                   Value inColumn = arith::SelectOp::create(b, loc, isSlot(2), v[0], v[2]);
                   return {arith::SelectOp::create(b, loc, isSlot(1), v[1], inColumn)};
                 });
}

/// α[b, i]: the whole system of a sample is solved at each i, which costs less than keeping the solution anywhere.
Value FixedPointExpansion::solveWeights(Value products, Value step) {
  Value empty = tensor::EmptyOp::create(b, loc, {tensor::getMixedSize(b, loc, products, 0), b.getIndexAttr(m)}, compute);
  SmallVector<utils::IteratorType> kinds(2, utils::IteratorType::parallel);
  return generic({}, empty, {dims(2, {0, 1})}, kinds, [&](OpBuilder &b, Location loc, ValueRange) -> SmallVector<Value> {
    Scalars s{b, loc, compute};
    Value sample = linalg::IndexOp::create(b, loc, 0), wanted = linalg::IndexOp::create(b, loc, 1);
    SmallVector<Value> index;
    for (int64_t i = 0; i < m; ++i)
      index.push_back(arith::ConstantIndexOp::create(b, loc, i));
    // M = GGᵀ + reg·I, scaled: M_ij d_i d_j with d_i = 1 / √M_ii
    SmallVector<SmallVector<Value>> M(m);
    SmallVector<Value> d(m), r(m);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j <= i; ++j)
        M[i].push_back(tensor::ExtractOp::create(b, loc, products, ValueRange{sample, index[i], index[j]}));
    for (int64_t i = 0; i < m; ++i) {
      M[i][i] = s.add(M[i][i], s.constant(op.getRegularization().convertToDouble()));
      d[i] = s.div(s.constant(1), math::SqrtOp::create(b, loc, s.atLeast(M[i][i], 1e-30)));
      // A pair that is not filled yet has no part: its products are 0, and so is its right-hand side.
      Value filled = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index[i], step);
      r[i] = arith::SelectOp::create(b, loc, filled, d[i], s.constant(0));
    }
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j <= i; ++j)
        M[i][j] = s.mul(M[i][j], s.mul(d[i], d[j]));
    solve(s, M, r);
    Value sum, result;
    for (int64_t i = 0; i < m; ++i) {
      r[i] = s.mul(r[i], d[i]);
      sum = i ? s.add(sum, r[i]) : r[i];
      Value here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, wanted, index[i]);
      result = i ? Value(arith::SelectOp::create(b, loc, here, r[i], result)) : r[i];
    }
    return {s.div(result, sum)};
  });
}

/// z[b, …] = Σ_j α[b, j] · X[b, j, …]
Value FixedPointExpansion::combine(Value weights, Value history) {
  unsigned rank = type.getRank() + 1;
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  kinds[1] = utils::IteratorType::reduction;
  Value zero = rows::fill(b, loc, op.getInit(), compute, 0);
  Value sum = generic({weights, history}, zero, {dims(rank, {0, 1}), b.getMultiDimIdentityMap(rank), behind(1)}, kinds,
                      [](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
                        return {arith::AddFOp::create(b, loc, v[2], arith::MulFOp::create(b, loc, v[0], v[1]))};
                      });
  if (compute == type.getElementType())
    return sum;
  return rows::map(b, loc, sum, rows::empty(b, loc, op.getInit(), type.getElementType()),
                   [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
                     return {rows::convert(b, loc, v[0], type.getElementType())};
                   })[0];
}

/// β f + (1 - β) z
Value FixedPointExpansion::mix(Value f, Value z, Type element) {
  double beta = op.getBeta().convertToDouble();
  if (beta == 1 && element == type.getElementType())
    return f;
  return rows::map(b, loc, {f, z}, rows::empty(b, loc, op.getInit(), element), [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    Scalars s{b, loc, compute};
    Value sum = rows::convert(b, loc, v[0], compute);
    if (beta != 1)
      sum = s.add(s.mul(s.constant(beta), sum), s.mul(s.constant(1 - beta), rows::convert(b, loc, v[1], compute)));
    return {rows::convert(b, loc, sum, element)};
  })[0];
}

/// The next z; `next` gets the history with this pair in it.
Value FixedPointExpansion::anderson(Value step, Value z, Value f, SmallVectorImpl<Value> &next) {
  auto carried = op.getBody().getArguments().drop_front(2);
  Value before = arith::SubIOp::create(b, loc, step, arith::ConstantIndexOp::create(b, loc, 1));
  Value slot = arith::RemUIOp::create(b, loc, before, arith::ConstantIndexOp::create(b, loc, m));
  Value g = rows::map(b, loc, {f, z}, rows::empty(b, loc, op.getInit(), compute), [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    return {arith::SubFOp::create(b, loc, rows::convert(b, loc, v[0], compute), rows::convert(b, loc, v[1], compute))};
  })[0];
  Value history = insertAt(slot, mix(f, z, compute), carried[X]), differences = insertAt(slot, g, carried[G]);
  Value products = replaceProducts(carried[Products], innerProducts(g, differences), slot);
  next.append({history, differences, products});
  return combine(solveWeights(products, step), history);
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

void FixedPointExpansion::buildInits() {
  OpFoldResult samples = tensor::getMixedSize(b, loc, op.getInit(), 0);
  Value mask = tensor::EmptyOp::create(b, loc, samples, b.getI1Type());
  active = rows::fill(b, loc, mask, b.getI1Type(), 1);
  inits = {op.getInit(), op.getInit(), rows::fill(b, loc, active, f32, INFINITY), rows::fill(b, loc, active, f32, 0)};
  marks.assign(4, int32_t(Mark::Frozen));
  if (!isAnderson())
    return;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, op.getInit());
  sizes.insert(sizes.begin() + 1, b.getIndexAttr(m));
  Value zero = rows::number(b, loc, compute, 0);
  auto zeros = [&](ArrayRef<OpFoldResult> sizes) {
    Value empty = tensor::EmptyOp::create(b, loc, sizes, compute);
    return linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  };
  Value pairs = zeros(sizes), differences = zeros(sizes), products = zeros({samples, b.getIndexAttr(m), b.getIndexAttr(m)});
  inits.append({pairs, differences, products});
  marks.append(3, int32_t(Mark::Free));
}

/// The residual, the best z so far, the next z.
void FixedPointExpansion::rewriteBody() {
  Region &body = op.getBody();
  Value z = body.getArgument(0);
  Value step = body.insertArgument(0u, b.getIndexType(), loc);
  body.insertArgument(1u, active.getType(), loc);
  for (Value init : ArrayRef(inits).drop_front())
    body.addArgument(init.getType(), loc);
  auto carried = body.getArguments().drop_front(2);
  auto yield = cast<YieldOp>(body.front().getTerminator());
  Value f = yield.getValues()[0];
  b.setInsertionPoint(yield);

  Value residual = rows::relativeChange(b, loc, active, z, f, op.getDelta().convertToDouble());
  // Lower, or NaN, which shows.
  auto compared = rows::map(b, loc, {residual, carried[BestResidual]}, {rows::empty(b, loc, active, b.getI1Type()), rows::empty(b, loc, active, f32)},
                            [](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
                              Value lower = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ULT, v[0], v[1]);
                              return {lower, arith::SelectOp::create(b, loc, lower, v[0], v[1])};
                            });
  Value best = rows::map(b, loc, {compared[0], z}, carried[Best], [](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    return {arith::SelectOp::create(b, loc, v[0], v[1], v[2])};
  })[0];
  SmallVector<Value> next = {Value(), best, compared[1], residual};
  next[Z] = isAnderson() ? anderson(step, z, f, next) : mix(f, z, type.getElementType());
  YieldOp::create(b, loc, next, Value());
  yield.erase();
}

/// exit = residual < tolerance
void FixedPointExpansion::buildHalt(AdaptiveOp loop) {
  Block *block = b.createBlock(&loop.getHalt());
  block->addArgument(b.getIndexType(), loc);
  for (int side = 0; side < 2; ++side)
    for (Value init : inits)
      block->addArgument(init.getType(), loc);
  Value residual = block->getArgument(1 + inits.size() + Residual);
  Value exits = rows::map(b, loc, residual, rows::empty(b, loc, active, b.getI1Type()), [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    return {arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, v[0], op.getTolerance())};
  })[0];
  YieldOp::create(b, loc, exits, Value());
}

void FixedPointExpansion::run() {
  buildInits();
  rewriteBody();
  b.setInsertionPoint(op);
  SmallVector<Type> types(ValueRange(inits).getTypes());
  types.push_back(op.getSteps().getType());
  auto loop = AdaptiveOp::create(b, loc, types, active, op.getCap(), inits, Value(), Value(), Policy::Region, marks, Compare::Ge,
                                 Remainder::Assign, IntegerAttr(), IntegerAttr(), FloatAttr(), /*margin=*/false);
  loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  loop.getBody().takeBody(op.getBody());
  buildHalt(loop);
  op->replaceAllUsesWith(ValueRange{loop.getResult(Best), loop.getSteps(), loop.getResult(BestResidual)});
  op.erase();
}

} // namespace

void attnc::expandFixedPoint(FixedPointOp op) { FixedPointExpansion(op).run(); }
