// Verifiers of the loop ops. Constraints are named as in dialects/loop/README.md.
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attnc::loop;

//===----------------------------------------------------------------------===//
// Common to the three
//===----------------------------------------------------------------------===//

/// Two extents agree unless both are known and differ.
static bool agree(int64_t a, int64_t b) { return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b; }

static bool isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

/// `what` of an op: the types that it has and those that it should have.
static LogicalResult verifyTypes(Operation *op, StringRef what, TypeRange types, TypeRange expected) {
  if (types.size() != expected.size())
    return op->emitOpError("expected ") << what << " to be " << expected.size() << " in number, got " << types.size();
  for (auto [i, type, wanted] : llvm::enumerate(types, expected))
    if (type != wanted)
      return op->emitOpError("expected ") << what << " " << i << " to be " << wanted << ", got " << type;
  return success();
}

/// The region's loop.yield, null with an error if it ends otherwise.
static YieldOp findYield(Operation *op, Region &region) {
  Block &block = region.front();
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield)
    op->emitOpError("expected its regions to end with loop.yield");
  return yield;
}

// *_cap: a loop runs once at least.
static LogicalResult verifyCap(Operation *op, Value cap) {
  if (std::optional<int64_t> constant = getConstantIntValue(cap); constant && *constant < 1)
    return op->emitOpError("expected cap to be at least 1, got ") << *constant;
  return success();
}

//===----------------------------------------------------------------------===//
// loop.adaptive
//===----------------------------------------------------------------------===//

static bool hasScore(Policy policy) { return policy != Policy::Region && policy != Policy::Converge; }

static bool isWeighted(Policy policy) { return policy == Policy::Act || policy == Policy::Geometric; }

static bool isCompared(Policy policy) { return isWeighted(policy) || policy == Policy::Threshold; }

/// An option that the policy needs and has not, or has and cannot use.
static LogicalResult verifyOption(AdaptiveOp op, StringRef option, bool given, bool needed, bool allowed) {
  if (needed && !given)
    return op.emitOpError("expected ") << option << " with policy " << stringifyPolicy(op.getPolicy()) << ", got none";
  if (given && !allowed)
    return op.emitOpError("expected no ") << option << " with policy " << stringifyPolicy(op.getPolicy());
  return success();
}

// adaptive_c1: the options are those of the policy.
static LogicalResult verifyOptions(AdaptiveOp op) {
  Policy policy = op.getPolicy();
  bool threshold = isCompared(policy) || policy == Policy::Converge;
  bool bernoulli = policy == Policy::Bernoulli, converge = policy == Policy::Converge;
  if (failed(verifyOption(op, "threshold", bool(op.getThreshold()), threshold, threshold)) ||
      failed(verifyOption(op, "compare", op.getCompare() != Compare::Ge, false, isCompared(policy))) ||
      failed(verifyOption(op, "remainder", op.getRemainder() != Remainder::Assign, false, isWeighted(policy))) ||
      failed(verifyOption(op, "seed", bool(op.getSeed()), bernoulli, bernoulli)) ||
      failed(verifyOption(op, "stream", op.getStream().has_value(), false, bernoulli)) ||
      failed(verifyOption(op, "on", op.getOn().has_value(), converge, converge)) ||
      failed(verifyOption(op, "delta", op.getDelta().has_value(), false, converge)))
    return failure();
  return verifyOption(op, "margin", op.getMargin(), false, policy != Policy::Predicate);
}

// adaptive_c2: converge looks at a carried tensor of floats; its delta is finite and not negative.
static LogicalResult verifyOn(AdaptiveOp op) {
  std::optional<uint64_t> on = op.getOn();
  if (!on)
    return success();
  if (*on >= op.getNumCarried())
    return op.emitOpError("expected on to be less than the number of carried values (")
           << op.getNumCarried() << "), got " << *on;
  Type type = op.getInits()[*on].getType();
  if (!isFloatTensor(type))
    return op.emitOpError("expected on(") << *on << ") to be a tensor of floats, got " << type;
  if (std::optional<APFloat> delta = op.getDelta(); delta && (!delta->isFinite() || delta->isNegative()))
    return op.emitOpError("expected delta to be finite and not negative, got ") << delta->convertToDouble();
  return success();
}

// adaptive_c3: one mark a carried value.
// adaptive_c4: a value that is not free has the rows as its leading dimensions.
// adaptive_c5: mean and blend need the weights of act or geometric, and floats.
static LogicalResult verifyMarks(AdaptiveOp op) {
  if (op.getMarks().size() != op.getNumCarried())
    return op.emitOpError("expected one mark a carried value (") << op.getNumCarried() << "), got " << op.getMarks().size();
  RankedTensorType rows = op.getRowType();
  for (auto [i, init] : llvm::enumerate(op.getInits())) {
    std::optional<Mark> mark = symbolizeMark(uint32_t(op.getMarks()[i]));
    if (!mark)
      return op.emitOpError("expected marks from 0 to 3, got ") << op.getMarks()[i];
    if (*mark == Mark::Free)
      continue;
    auto type = dyn_cast<RankedTensorType>(init.getType());
    if (!type || type.getRank() < rows.getRank() ||
        !llvm::all_of(llvm::zip(rows.getShape(), type.getShape()), [](auto p) { return agree(std::get<0>(p), std::get<1>(p)); }))
      return op.emitOpError("expected carried value ")
             << i << ", " << stringifyMark(*mark) << ", to be a tensor whose leading dimensions are the rows of " << rows
             << ", got " << init.getType();
    if (*mark == Mark::Frozen)
      continue;
    if (!isWeighted(op.getPolicy()))
      return op.emitOpError("expected ") << stringifyMark(*mark) << " with policy act or geometric, got policy "
                                         << stringifyPolicy(op.getPolicy());
    if (!isFloatTensor(type))
      return op.emitOpError("expected carried value ") << i << ", " << stringifyMark(*mark) << ", to be of floats, got " << type;
  }
  return success();
}

LogicalResult AdaptiveOp::verify() {
  if (failed(verifyOptions(*this)) || failed(verifyOn(*this)) || failed(verifyMarks(*this)))
    return failure();
  // adaptive_c6: the cap is at least 1.
  if (failed(verifyCap(*this, getCap())))
    return failure();
  // adaptive_c7: results are the carried values, the steps, and the margin if asked for.
  Builder b(getContext());
  SmallVector<Type> types(getInits().getTypes());
  types.push_back(getRowType().clone(b.getI32Type()));
  if (getMargin())
    types.push_back(getRowType().clone(b.getF32Type()));
  if (failed(verifyTypes(*this, "results", getResultTypes(), types)))
    return failure();
  // adaptive_c8: a halt region stands with policy region, and with no other.
  if (getHalt().empty() == (getPolicy() == Policy::Region))
    return emitOpError("expected ") << (getHalt().empty() ? "a" : "no") << " halt region with policy "
                                    << stringifyPolicy(getPolicy());
  return success();
}

// adaptive_c9: the body takes the step, the running rows and the carried values, and yields new ones.
// adaptive_c10: it yields a score of each row where the policy has one: f32, or i1 for predicate.
static LogicalResult verifyBody(AdaptiveOp op) {
  Builder b(op.getContext());
  SmallVector<Type> types = {b.getIndexType(), op.getRowType()};
  llvm::append_range(types, op.getInits().getTypes());
  if (failed(verifyTypes(op, "body arguments", op.getBody().getArgumentTypes(), types)))
    return failure();
  YieldOp yield = findYield(op, op.getBody());
  if (!yield || failed(verifyTypes(op, "yielded values", yield.getValues().getTypes(), op.getInits().getTypes())))
    return failure();
  Policy policy = op.getPolicy();
  if (bool(yield.getScore()) != hasScore(policy))
    return yield.emitOpError("expected ") << (hasScore(policy) ? "a" : "no") << " score with policy " << stringifyPolicy(policy);
  Type element = policy == Policy::Predicate ? Type(b.getI1Type()) : Type(b.getF32Type());
  if (Type score = op.getRowType().clone(element); yield.getScore() && yield.getScore().getType() != score)
    return yield.emitOpError("expected the score to be ") << score << ", got " << yield.getScore().getType();
  return success();
}

// adaptive_c11: the halt region takes the step, the carried values before and after it, and yields whether each row
// exits, and how closely where the margin is asked for.
static LogicalResult verifyHalt(AdaptiveOp op) {
  if (op.getHalt().empty())
    return success();
  Builder b(op.getContext());
  SmallVector<Type> types = {b.getIndexType()};
  llvm::append_range(types, op.getInits().getTypes());
  llvm::append_range(types, op.getInits().getTypes());
  if (failed(verifyTypes(op, "halt arguments", op.getHalt().getArgumentTypes(), types)))
    return failure();
  YieldOp yield = findYield(op, op.getHalt());
  if (!yield)
    return failure();
  if (yield.getScore())
    return yield.emitOpError("expected no score from a halt region");
  types = {op.getRowType()};
  if (op.getMargin())
    types.push_back(op.getRowType().clone(b.getF32Type()));
  return verifyTypes(op, "values of the halt region", yield.getValues().getTypes(), types);
}

LogicalResult AdaptiveOp::verifyRegions() {
  return failure(failed(verifyBody(*this)) || failed(verifyHalt(*this)));
}

//===----------------------------------------------------------------------===//
// loop.segment
//===----------------------------------------------------------------------===//

/// The type of a block of a sequence: its length is known at run time only.
static Type blockType(Type type, int64_t dim) {
  SmallVector<int64_t> shape(cast<RankedTensorType>(type).getShape());
  shape[dim] = ShapedType::kDynamic;
  return cast<RankedTensorType>(type).clone(shape);
}

/// Sequences and the dimensions they lie along; `length` is the static one found so far.
static LogicalResult verifySequences(SegmentOp op, StringRef what, TypeRange types, ArrayRef<int64_t> dims, int64_t &length) {
  for (auto [i, type, dim] : llvm::enumerate(types, dims)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || dim < 0 || dim >= tensor.getRank())
      return op.emitOpError("expected ") << what << " " << i << " to be a tensor with a dimension " << dim << ", got " << type;
    if (!agree(tensor.getDimSize(dim), length))
      return op.emitOpError("expected ") << what << " " << i << " to have the length " << length << " along dimension "
                                         << dim << ", got " << tensor.getDimSize(dim);
    if (!tensor.isDynamicDim(dim))
      length = tensor.getDimSize(dim);
  }
  return success();
}

LogicalResult SegmentOp::verify() {
  // segment_c1: one input at least, and a dimension for each.
  if (getInputs().empty() || getInputDims().size() != getInputs().size())
    return emitOpError("expected one input at least and a dimension for each, got ")
           << getInputs().size() << " inputs and " << getInputDims().size() << " dimensions";
  // segment_c2: results are the outputs, then the states.
  if (getNumResults() != getNumOutputs() + getNumCarried())
    return emitOpError("expected ") << getNumOutputs() << " outputs and " << getNumCarried() << " states, got "
                                    << getNumResults() << " results";
  if (failed(verifyTypes(*this, "states", getFinals().getTypes(), getInits().getTypes())))
    return failure();
  // segment_c3: inputs and outputs are sequences of one length.
  int64_t length = ShapedType::kDynamic;
  return failure(failed(verifySequences(*this, "input", getInputs().getTypes(), getInputDims(), length)) ||
                 failed(verifySequences(*this, "output", getOutputs().getTypes(), getOutputDims(), length)));
}

LogicalResult SegmentOp::verifyRegions() {
  // segment_c4: the body takes the block's number, the blocks and the states.
  SmallVector<Type> types = {IndexType::get(getContext())};
  for (auto [input, dim] : llvm::zip_equal(getInputs(), getInputDims()))
    types.push_back(blockType(input.getType(), dim));
  llvm::append_range(types, getInits().getTypes());
  if (failed(verifyTypes(*this, "body arguments", getBody().getArgumentTypes(), types)))
    return failure();
  // segment_c5: it yields the block of each output, then the new states.
  types.clear();
  for (auto [output, dim] : llvm::zip_equal(getOutputs(), getOutputDims()))
    types.push_back(blockType(output.getType(), dim));
  llvm::append_range(types, getInits().getTypes());
  YieldOp yield = findYield(*this, getBody());
  if (!yield)
    return failure();
  if (yield.getScore())
    return yield.emitOpError("expected no score in loop.segment");
  return verifyTypes(*this, "yielded values", yield.getValues().getTypes(), types);
}

//===----------------------------------------------------------------------===//
// loop.fixed_point
//===----------------------------------------------------------------------===//

LogicalResult FixedPointOp::verify() {
  // fixed_point_c1: samples of floats.
  auto type = cast<RankedTensorType>(getInit().getType());
  if (type.getRank() == 0 || !isFloatTensor(type))
    return emitOpError("expected a tensor of floats whose first dimension is the sample, got ") << type;
  // fixed_point_c2: the cap is at least 1.
  if (failed(verifyCap(*this, getCap())))
    return failure();
  // fixed_point_c3: the numbers are finite; beta is positive, regularization and delta are not negative.
  for (auto [name, value] : {std::pair("beta", getBeta()), {"regularization", getRegularization()}, {"delta", getDelta()}})
    if (!value.isFinite() || value.isNegative())
      return emitOpError("expected ") << name << " to be finite and not negative, got " << value.convertToDouble();
  if (getBeta().isZero())
    return emitOpError("expected beta to be positive, got 0");
  // fixed_point_c4: results are the best z, its evaluations and its residual.
  Builder b(getContext());
  ArrayRef<int64_t> rows = type.getShape().take_front();
  SmallVector<Type> types = {type, RankedTensorType::get(rows, b.getI32Type()), RankedTensorType::get(rows, b.getF32Type())};
  return verifyTypes(*this, "results", getResultTypes(), types);
}

// fixed_point_c5: the body takes z and yields f(z).
LogicalResult FixedPointOp::verifyRegions() {
  if (failed(verifyTypes(*this, "body arguments", getBody().getArgumentTypes(), getInit().getType())))
    return failure();
  YieldOp yield = findYield(*this, getBody());
  if (!yield)
    return failure();
  if (yield.getScore())
    return yield.emitOpError("expected no score in loop.fixed_point");
  return verifyTypes(*this, "yielded values", yield.getValues().getTypes(), getInit().getType());
}
