// loop.fixed_point: damped Picard iteration and Anderson's mixing, per sample.
#include "Internal.h"

#include "attnc/Dialect/Loop/Loop.h"
#include <cmath>

using namespace mlir;

namespace attnc::reference {

namespace {

using Row = std::vector<double>;

/// One sample of the iteration.
struct Sample {
  bool running = true;
  Row z, best;
  double residual = INFINITY; // of `best`
  int64_t steps = 0;
  std::vector<std::pair<Row, Row>> history; // pairs z, f(z), as a ring
};

class FixedPoint {
public:
  FixedPoint(loop::FixedPointOp op, Frame &frame);
  LogicalResult evaluate();

private:
  Row rowOf(const Value &value, int64_t sample) const;
  Value iterates() const;
  void take(Sample &sample, const Row &f, int64_t k);
  Row picard(const Sample &sample, const Row &f) const;
  Row anderson(Sample &sample, const Row &f, int64_t k);
  LogicalResult finish();

  loop::FixedPointOp op;
  Frame &frame;
  Value init;
  std::vector<Sample> samples;
  double tolerance, beta, delta;
};

} // namespace

FixedPoint::FixedPoint(loop::FixedPointOp op, Frame &frame)
    : op(op), frame(frame), init(frame[op.getInit()]), samples(init.shape()[0]),
      tolerance(frame[op.getTolerance()].number()), beta(op.getBeta().convertToDouble()),
      delta(op.getDelta().convertToDouble()) {
  for (auto [number, sample] : llvm::enumerate(samples))
    sample.z = sample.best = rowOf(init, number);
}

Row FixedPoint::rowOf(const Value &value, int64_t sample) const {
  size_t width = value.elements().size() / samples.size();
  Row row;
  for (Scalar element : value.elements().slice(sample * width, width))
    row.push_back(element.f);
  return row;
}

/// The current z of all samples.
Value FixedPoint::iterates() const {
  Tensor tensor{init.elementType(), SmallVector<int64_t>(init.shape()), {}};
  for (const Sample &sample : samples)
    for (double element : sample.z)
      tensor.elements.push_back({.f = element});
  return tensor;
}

static double norm(const Row &row) {
  double sum = 0;
  for (double x : row)
    sum += x * x;
  return std::sqrt(sum);
}

/// a + factor · b
static Row plus(const Row &a, double factor, const Row &b) {
  Row sum = a;
  for (auto [x, y] : llvm::zip_equal(sum, b))
    x += factor * y;
  return sum;
}

static double dot(const Row &a, const Row &b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    sum += x * y;
  return sum;
}

/// β f + (1 - β) z
Row FixedPoint::picard(const Sample &sample, const Row &f) const {
  Row next(f.size(), 0);
  return plus(plus(next, beta, f), 1 - beta, sample.z);
}

/// The solution of A x = b by elimination with pivots; A has b as its last column.
static Row solve(std::vector<Row> A) {
  size_t n = A.size();
  for (size_t column = 0; column < n; ++column) {
    size_t pivot = column;
    for (size_t row = column; row < n; ++row)
      if (std::fabs(A[row][column]) > std::fabs(A[pivot][column]))
        pivot = row;
    std::swap(A[pivot], A[column]);
    for (size_t row = 0; row < n; ++row)
      if (row != column)
        A[row] = plus(A[row], -A[row][column] / A[column][column], A[column]);
  }
  Row x(n);
  for (size_t row = 0; row < n; ++row)
    x[row] = A[row][n] / A[row][row];
  return x;
}

/// Anderson: with G_i = f_i - z_i over the history, [[0, 1ᵀ], [1, G Gᵀ + reg I]] [ν; α] = [1; 0]
/// and the next z = β Σ α f + (1 - β) Σ α z.
Row FixedPoint::anderson(Sample &sample, const Row &f, int64_t k) {
  size_t m = op.getHistory(), slot = (k - 1) % m;
  sample.history.resize(std::max(sample.history.size(), slot + 1));
  sample.history[slot] = {sample.z, f};
  size_t n = sample.history.size();
  std::vector<Row> system(n + 1, Row(n + 2, 0));
  system[0][n + 1] = 1;
  for (size_t i = 0; i < n; ++i) {
    system[0][i + 1] = system[i + 1][0] = 1;
    Row gi = plus(sample.history[i].second, -1, sample.history[i].first);
    for (size_t j = 0; j < n; ++j)
      system[i + 1][j + 1] = dot(gi, plus(sample.history[j].second, -1, sample.history[j].first));
    system[i + 1][i + 1] += op.getRegularization().convertToDouble();
  }
  Row alpha = solve(std::move(system)), next(f.size(), 0);
  for (size_t i = 0; i < n; ++i)
    next = plus(plus(next, beta * alpha[i + 1], sample.history[i].second),
                (1 - beta) * alpha[i + 1], sample.history[i].first);
  return next;
}

/// Evaluation k of a sample gave f: keep the best, stop or go on.
void FixedPoint::take(Sample &sample, const Row &f, int64_t k) {
  double residual = norm(plus(f, -1, sample.z)) / (norm(f) + delta);
  frame.decided(op, std::fabs(residual - tolerance));
  if (sample.steps > 0)
    frame.decided(op, std::fabs(residual - sample.residual));
  // Compared in f32; of equal ones the first stays; NaN counts as the lowest, so that it shows.
  bool worse = static_cast<float>(residual) >= static_cast<float>(sample.residual);
  if (sample.steps == 0 || !worse) {
    sample.best = sample.z;
    sample.residual = residual;
  }
  ++sample.steps;
  if (static_cast<float>(residual) < static_cast<float>(tolerance)) {
    sample.running = false;
    return;
  }
  sample.z = op.getSolver() == loop::Solver::Picard ? picard(sample, f) : anderson(sample, f, k);
}

LogicalResult FixedPoint::evaluate() {
  int64_t cap = frame.integer(op.getCap());
  for (int64_t k = 1; k <= cap; ++k) {
    if (llvm::none_of(samples, [](const Sample &sample) { return sample.running; }))
      break;
    if (failed(frame.countStep(op)))
      return failure();
    auto yielded = frame.run(op.getBody(), {iterates()});
    if (failed(yielded))
      return failure();
    if (yielded->front().shape() != init.shape())
      return frame.error(op, "expected f(z) of the shape of z, " + shapeText(init.shape()) +
                                 ", found " + shapeText(yielded->front().shape()));
    for (auto [number, sample] : llvm::enumerate(samples))
      if (sample.running)
        take(sample, rowOf(yielded->front(), number), k);
  }
  return finish();
}

LogicalResult FixedPoint::finish() {
  Builder builder(op.getContext());
  int64_t count = samples.size();
  Tensor steps = filled(builder.getI32Type(), {count}, {.i = 0});
  Tensor residuals = filled(builder.getF32Type(), {count}, {.f = 0});
  for (auto [number, sample] : llvm::enumerate(samples)) {
    steps.elements[number].i = sample.steps;
    residuals.elements[number].f = sample.residual;
    sample.z = std::move(sample.best);
  }
  return frame.set(op->getResults(),
                   {iterates(), Value(std::move(steps)), Value(std::move(residuals))});
}

static LogicalResult evaluateFixedPoint(loop::FixedPointOp op, Frame &frame) {
  return FixedPoint(op, frame).evaluate();
}

void addFixedPoint(Handlers &handlers) { handlers.add<loop::FixedPointOp>(evaluateFixedPoint); }

} // namespace attnc::reference
