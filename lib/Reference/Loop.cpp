// loop.adaptive and loop.segment, directly as defined: no policy is expanded.
#include "Internal.h"

#include "attnc/Dialect/Loop/Loop.h"
#include <cmath>

using namespace mlir;

namespace attnc::reference {

//===----------------------------------------------------------------------===//
// loop.adaptive
//===----------------------------------------------------------------------===//

namespace {

/// What a policy says of a row in one step.
struct Decision {
  bool exits = false;
  double weight = 0;          // of mean and blend
  double distance = INFINITY; // to the threshold, where something is decided
};

class Adaptive {
public:
  Adaptive(loop::AdaptiveOp op, Frame &frame);
  LogicalResult evaluate();

private:
  bool anyActive() const {
    return llvm::any_of(active.elements, [](Scalar row) { return row.i; });
  }
  LogicalResult step(int64_t t, bool last);
  LogicalResult decide(int64_t t, bool last, ArrayRef<Value> yielded);
  LogicalResult decideByRegion(int64_t t, ArrayRef<Value> before);
  Decision decideRow(int64_t row, int64_t t, bool last, Scalar score);
  Decision accumulate(int64_t row, bool last, double p);
  Decision discount(int64_t row, bool last, double lambda);
  Decision draw(int64_t row, int64_t t, bool last, double probability);
  Decision compare(double score, bool last);
  double change(int64_t row, const Value &before, const Value &after);
  FailureOr<Value> merge(unsigned number, const Value &before, const Value &after);

  loop::AdaptiveOp op;
  Frame &frame;
  Tensor active, steps, margins;
  SmallVector<Value> carried;
  double threshold = 0;
  bool assign;
  std::vector<Decision> decisions; // of the current step, one a row
  std::vector<double> sums;        // act: h; geometric: stay
};

} // namespace

Adaptive::Adaptive(loop::AdaptiveOp op, Frame &frame)
    : op(op), frame(frame), active(frame[op.getActive()].tensor()),
      assign(op.getRemainder() == loop::Remainder::Assign) {
  Builder builder(op.getContext());
  steps = filled(builder.getI32Type(), active.shape, {.i = 0});
  margins = filled(builder.getF32Type(), active.shape, {.f = INFINITY});
  for (mlir::Value init : op.getInits())
    carried.push_back(frame[init]);
  if (op.getThreshold())
    threshold = frame[op.getThreshold()].number();
  decisions.resize(active.elements.size());
  sums.assign(active.elements.size(), op.getPolicy() == loop::Policy::Geometric ? 1 : 0);
}

/// Halting compares in f32, and is false on NaN.
static bool holds(loop::Compare compare, double a, double b) {
  float left = static_cast<float>(a), right = static_cast<float>(b);
  switch (compare) {
  case loop::Compare::Ge:
    return left >= right;
  case loop::Compare::Gt:
    return left > right;
  case loop::Compare::Le:
    return left <= right;
  case loop::Compare::Lt:
    return left < right;
  }
  llvm_unreachable("unknown comparison");
}

/// At the cap nothing is decided.
Decision Adaptive::compare(double score, bool last) {
  return {holds(op.getCompare(), score, threshold), 0,
          last ? INFINITY : std::fabs(score - threshold)};
}

/// act: h sums the scores; the row's last step takes what is left to 1. NaN stops the row and
/// shows.
Decision Adaptive::accumulate(int64_t row, bool last, double p) {
  double &h = sums[row], sum = h + p;
  Decision decision = compare(sum, last && assign);
  decision.exits |= std::isnan(sum);
  decision.weight = decision.exits || (last && assign) ? 1 - h : p;
  if (std::isnan(sum))
    decision.weight = sum;
  h = sum;
  return decision;
}

/// geometric: stay is the probability of not having stopped.
Decision Adaptive::discount(int64_t row, bool last, double lambda) {
  double &stay = sums[row], left = stay * (1 - lambda);
  Decision decision = compare(1 - left, last);
  decision.weight = assign && (decision.exits || last) ? stay : stay * lambda;
  if (std::isnan(left))
    decision.weight = left;
  stay = left;
  return decision;
}

/// bernoulli: u = (x0 >> 8) · 2^-24 of the row's counter.
Decision Adaptive::draw(int64_t row, int64_t t, bool last, double probability) {
  uint64_t seed = frame.integer(op.getSeed());
  auto block = philox({0, static_cast<uint32_t>(t), static_cast<uint32_t>(row),
                       static_cast<uint32_t>(op.getStream().value_or(0))},
                      seed);
  double u = (block[0] >> 8) * 0x1p-24;
  return {holds(loop::Compare::Lt, u, probability), 0,
          last ? INFINITY : std::fabs(u - probability)};
}

/// ‖after - before‖ / (‖after‖ + δ) over the elements of a row.
double Adaptive::change(int64_t row, const Value &before, const Value &after) {
  size_t width = after.elements().size() / active.elements.size();
  double difference = 0, size = 0;
  for (size_t at = row * width; at < (row + 1) * width; ++at) {
    double x = after.elements()[at].f, old = before.elements()[at].f;
    difference += (x - old) * (x - old);
    size += x * x;
  }
  double delta = op.getDelta() ? op.getDelta()->convertToDouble() : 0;
  return std::sqrt(difference) / (std::sqrt(size) + delta);
}

Decision Adaptive::decideRow(int64_t row, int64_t t, bool last, Scalar score) {
  switch (op.getPolicy()) {
  case loop::Policy::Act:
    return accumulate(row, last, score.f);
  case loop::Policy::Geometric:
    return discount(row, last, score.f);
  case loop::Policy::Bernoulli:
    return draw(row, t, last, score.f);
  case loop::Policy::Threshold:
    return compare(score.f, last);
  case loop::Policy::Predicate:
    return {score.i != 0, 0, INFINITY};
  default:
    return {};
  }
}

/// The decisions of all policies but `region`, which sees the values as they are carried on.
LogicalResult Adaptive::decide(int64_t t, bool last, ArrayRef<Value> yielded) {
  bool scored = yielded.size() > carried.size();
  if (scored && yielded.back().shape() != ArrayRef(active.shape))
    return frame.error(op, "expected a score for each row of " + shapeText(active.shape) +
                               ", found " + shapeText(yielded.back().shape()));
  for (auto [row, decision] : llvm::enumerate(decisions)) {
    if (!active.elements[row].i)
      continue;
    if (op.getPolicy() == loop::Policy::Converge) {
      double distance = change(row, carried[*op.getOn()], yielded[*op.getOn()]);
      decision = {holds(loop::Compare::Lt, distance, threshold), 0,
                  last ? INFINITY : std::fabs(distance - threshold)};
    } else {
      decision = decideRow(row, t, last, scored ? yielded.back().elements()[row] : Scalar{.i = 0});
    }
  }
  return success();
}

LogicalResult Adaptive::decideByRegion(int64_t t, ArrayRef<Value> before) {
  SmallVector<Value> arguments{Value::integer(IndexType::get(op.getContext()), t)};
  llvm::append_range(arguments, before);
  llvm::append_range(arguments, carried);
  auto halted = frame.run(op.getHalt(), arguments);
  if (failed(halted))
    return failure();
  for (auto [row, decision] : llvm::enumerate(decisions)) {
    decision.exits = (*halted)[0].elements()[row].i;
    decision.distance = op.getMargin() ? (*halted)[1].elements()[row].f : INFINITY;
  }
  return success();
}

/// The value that is carried on, by its mark.
FailureOr<Value> Adaptive::merge(unsigned number, const Value &before, const Value &after) {
  loop::Mark mark = op.getMark(number);
  if (mark == loop::Mark::Free)
    return after;
  if (before.shape() != after.shape() ||
      before.shape().take_front(active.shape.size()) != ArrayRef(active.shape))
    return frame.error(op, "expected carried value " + Twine(number) + " to keep its shape " +
                               shapeText(before.shape()) + ", with the rows " +
                               shapeText(active.shape) + " in front, found " +
                               shapeText(after.shape()));
  Tensor merged = before.tensor();
  size_t width = merged.elements.size() / active.elements.size();
  for (auto [row, decision] : llvm::enumerate(decisions)) {
    if (!active.elements[row].i)
      continue;
    double w = decision.weight;
    for (size_t at = row * width; at < (row + 1) * width; ++at) {
      Scalar x = after.elements()[at], &v = merged.elements[at];
      if (mark == loop::Mark::Frozen)
        v = x;
      else
        v.f = mark == loop::Mark::Mean ? v.f + w * x.f : w * x.f + (1 - w) * v.f;
    }
  }
  return Value(std::move(merged));
}

LogicalResult Adaptive::step(int64_t t, bool last) {
  SmallVector<Value> arguments{Value::integer(IndexType::get(op.getContext()), t), Value(active)};
  llvm::append_range(arguments, carried);
  auto yielded = frame.run(op.getBody(), arguments);
  if (failed(yielded) || failed(decide(t, last, *yielded)))
    return failure();
  SmallVector<Value> before = carried;
  for (unsigned number = 0; number < carried.size(); ++number) {
    auto merged = merge(number, before[number], (*yielded)[number]);
    if (failed(merged))
      return failure();
    carried[number] = *merged;
  }
  if (op.getPolicy() == loop::Policy::Region && failed(decideByRegion(t, before)))
    return failure();
  for (auto [row, decision] : llvm::enumerate(decisions)) {
    if (!active.elements[row].i)
      continue;
    frame.decided(op, decision.distance);
    ++steps.elements[row].i;
    margins.elements[row].f = std::fmin(margins.elements[row].f, decision.distance);
    active.elements[row].i = !decision.exits && !last;
  }
  return success();
}

LogicalResult Adaptive::evaluate() {
  int64_t cap = frame.integer(op.getCap());
  for (int64_t t = 1; t <= cap && anyActive(); ++t)
    if (failed(frame.countStep(op)) || failed(step(t, t == cap)))
      return failure();
  SmallVector<Value> results = std::move(carried);
  results.push_back(std::move(steps));
  if (op.getMargin())
    results.push_back(std::move(margins));
  return frame.set(op->getResults(), results);
}

static LogicalResult evaluateAdaptive(loop::AdaptiveOp op, Frame &frame) {
  return Adaptive(op, frame).evaluate();
}

//===----------------------------------------------------------------------===//
// loop.segment
//===----------------------------------------------------------------------===//

/// Rows from .. from+count-1 of a tensor along a dimension.
static Value blockOf(const Value &whole, int64_t dim, int64_t from, int64_t count) {
  Slice slice{SmallVector<int64_t>(whole.shape().size(), 0), SmallVector<int64_t>(whole.shape()),
              SmallVector<int64_t>(whole.shape().size(), 1)};
  slice.offsets[dim] = from;
  slice.sizes[dim] = count;
  Tensor block{whole.elementType(), slice.sizes, {}};
  slice.forEachOffset(whole.shape(),
                      [&](int64_t at) { block.elements.push_back(whole.elements()[at]); });
  return block;
}

/// The body on one block: its outputs, then the new state.
static FailureOr<SmallVector<Value>> runBlock(loop::SegmentOp op, int64_t number, int64_t from,
                                              int64_t count, ArrayRef<Value> state, Frame &frame) {
  SmallVector<Value> arguments{Value::integer(IndexType::get(op.getContext()), number)};
  for (auto [input, dim] : llvm::zip_equal(op.getInputs(), op.getInputDims()))
    arguments.push_back(blockOf(frame[input], dim, from, count));
  llvm::append_range(arguments, state);
  auto yielded = frame.run(op.getBody(), arguments);
  if (failed(yielded))
    return failure();
  for (auto [output, dim] : llvm::zip(*yielded, op.getOutputDims()))
    if (output.shape()[dim] != count)
      return frame.error(op, "expected a block of " + Twine(count) +
                                 " rows to yield as many, found " + Twine(output.shape()[dim]));
  return yielded;
}

static LogicalResult evaluateSegment(loop::SegmentOp op, Frame &frame) {
  int64_t length = frame[op.getInputs()[0]].shape()[op.getInputDims()[0]], size = op.getSize();
  for (auto [input, dim] : llvm::zip_equal(op.getInputs(), op.getInputDims()))
    if (frame[input].shape()[dim] != length)
      return frame.error(op, "expected inputs of one length, found " + Twine(length) + " and " +
                                 Twine(frame[input].shape()[dim]));
  SmallVector<Value> state;
  for (mlir::Value init : op.getInits())
    state.push_back(frame[init]);
  unsigned numOutputs = op.getNumOutputs();
  SmallVector<SmallVector<Value>> outputs(numOutputs);
  // With no rows, one block of none says what shape empty outputs have.
  for (int64_t from = 0; from < length || (from == 0 && numOutputs); from += size) {
    int64_t count = std::min(size, length - from);
    if (failed(frame.countStep(op)))
      return failure();
    auto yielded = runBlock(op, from / size, from, count, state, frame);
    if (failed(yielded))
      return failure();
    for (unsigned number = 0; number < numOutputs; ++number)
      outputs[number].push_back((*yielded)[number]);
    bool updates = count == size || (op.getPartial() == loop::Partial::Update && count > 0);
    if (updates)
      state.assign(yielded->begin() + numOutputs, yielded->end());
  }
  SmallVector<Value> results;
  for (auto [parts, dim] : llvm::zip_equal(outputs, op.getOutputDims())) {
    auto whole = concatenate(op, parts, dim, frame);
    if (failed(whole))
      return failure();
    results.push_back(std::move(*whole));
  }
  llvm::append_range(results, state);
  return frame.set(op->getResults(), results);
}

void addLoop(Handlers &handlers) {
  handlers.add<loop::AdaptiveOp>(evaluateAdaptive);
  handlers.add<loop::SegmentOp>(evaluateSegment);
}

} // namespace attnc::reference
