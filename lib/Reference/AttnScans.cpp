// attn: the scan family, as its recurrences.
#include "Internal.h"

#include "attnc/Dialect/Attn/Attn.h"
#include <cmath>

using namespace mlir;

namespace attnc::reference {

namespace {
/// Operands of linear_scan and delta_scan: queries, keys [B, T, H, K], values [B, T, H, V].
struct KeyValueScan {
  Value queries, keys, values;
  Tensor state, outputs;
  int64_t B, T, H, K, V;

  template <class Op> KeyValueScan(Op op, Frame &frame) {
    queries = frame[op.getQueries()];
    keys = frame[op.getKeys()];
    values = frame[op.getValues()];
    state = frame[op.getState()].tensor();
    ArrayRef<int64_t> k = keys.shape(), v = values.shape();
    B = k[0], T = k[1], H = k[2], K = k[3], V = v[3];
    outputs = filled(values.elementType(), v, {.f = 0});
  }
  LogicalResult check(Operation *op, Frame &frame) const {
    int64_t qk[] = {B, T, H, K}, v[] = {B, T, H, V}, s[] = {B, H, K, V};
    if (queries.shape() != ArrayRef(qk) || values.shape() != ArrayRef(v) ||
        ArrayRef(state.shape) != ArrayRef(s))
      return frame.error(op,
                         "expected queries and keys [B, T, H, K], values [B, T, H, V] and state "
                         "[B, H, K, V]");
    return success();
  }
  /// An operand per head, step and head, or step, head and key dimension.
  LogicalResult checkGate(Operation *op, const Value &gate, Frame &frame) const {
    int64_t all[] = {B, T, H, K}, head[] = {H};
    size_t rank = gate.shape().size();
    if (gate.shape() != (rank == 1 ? ArrayRef(head) : ArrayRef(all).take_front(rank)))
      return frame.error(op, "expected beta and decay over [B, T, H] as the keys, found " +
                                 shapeText(gate.shape()));
    return success();
  }
  /// Calls `step(b, t, h, S)` for all steps of one sequence and head after the other.
  void run(llvm::function_ref<void(int64_t, int64_t, int64_t, Scalar *)> step) {
    for (int64_t b = 0; b < B; ++b)
      for (int64_t h = 0; h < H; ++h)
        for (int64_t t = 0; t < T; ++t)
          step(b, t, h, state.elements.data() + (b * H + h) * K * V);
  }
  int64_t row(int64_t b, int64_t t, int64_t h) const { return (b * T + t) * H + h; }
  const Scalar *query(int64_t row) const { return queries.elements().data() + row * K; }
  const Scalar *key(int64_t row) const { return keys.elements().data() + row * K; }
  const Scalar *value(int64_t row) const { return values.elements().data() + row * V; }

  /// o_t = S_tᵀ q_t
  void read(int64_t row, const Scalar *S) {
    for (int64_t k = 0; k < K; ++k)
      for (int64_t v = 0; v < V; ++v)
        outputs.elements[row * V + v].f += S[k * V + v].f * query(row)[k].f;
  }
};
} // namespace

/// S_t = a_t ⊙ S_{t-1} + k_t v_tᵀ
static LogicalResult evaluateLinearScan(attn::LinearScanOp op, Frame &frame) {
  KeyValueScan scan(op, frame);
  if (failed(scan.check(op, frame)))
    return failure();
  std::optional<Value> decay;
  if (op.getDecay())
    decay = frame[op.getDecay()];
  if (decay && failed(scan.checkGate(op, *decay, frame)))
    return failure();
  auto decayAt = [&](int64_t row, int64_t k) {
    switch (decay ? decay->shape().size() : 0) {
    case 0:
      return 1.0;
    case 1:
      return decay->elements()[row % scan.H].f;
    case 3:
      return decay->elements()[row].f;
    default:
      return decay->elements()[row * scan.K + k].f;
    }
  };
  scan.run([&](int64_t b, int64_t t, int64_t h, Scalar *S) {
    int64_t row = scan.row(b, t, h);
    for (int64_t k = 0; k < scan.K; ++k)
      for (int64_t v = 0; v < scan.V; ++v)
        S[k * scan.V + v].f =
            decayAt(row, k) * S[k * scan.V + v].f + scan.key(row)[k].f * scan.value(row)[v].f;
    scan.read(row, S);
  });
  return frame.set(op->getResults(),
                   {Value(std::move(scan.outputs)), Value(std::move(scan.state))});
}

/// S' = a_t S_{t-1};  S_t = S' + β_t k_t (v_t - S'ᵀ k_t)ᵀ
static LogicalResult evaluateDeltaScan(attn::DeltaScanOp op, Frame &frame) {
  KeyValueScan scan(op, frame);
  if (failed(scan.check(op, frame)))
    return failure();
  Value beta = frame[op.getBeta()];
  std::optional<Value> decay;
  if (op.getDecay())
    decay = frame[op.getDecay()];
  if (failed(scan.checkGate(op, beta, frame)) ||
      (decay && failed(scan.checkGate(op, *decay, frame))))
    return failure();
  int64_t K = scan.K, V = scan.V;
  scan.run([&](int64_t b, int64_t t, int64_t h, Scalar *S) {
    int64_t row = scan.row(b, t, h);
    const Scalar *key = scan.key(row);
    for (int64_t at = 0; at < K * V; ++at)
      S[at].f *= decay ? decay->elements()[row].f : 1;
    for (int64_t v = 0; v < V; ++v) {
      double expected = 0;
      for (int64_t k = 0; k < K; ++k)
        expected += S[k * V + v].f * key[k].f;
      double change = beta.elements()[row].f * (scan.value(row)[v].f - expected);
      for (int64_t k = 0; k < K; ++k)
        S[k * V + v].f += key[k].f * change;
    }
    scan.read(row, S);
  });
  return frame.set(op->getResults(),
                   {Value(std::move(scan.outputs)), Value(std::move(scan.state))});
}

/// h_t[n] = exp(Δ_t[d] A[d,n]) h_{t-1}[n] + Δ_t[d] B_t[n] x_t[d];  y_t[d] = Σ_n C_t[n] h_t[n]
static LogicalResult evaluateSelectiveScan(attn::SelectiveScanOp op, Frame &frame) {
  Value input = frame[op.getInput()], delta = frame[op.getDelta()], a = frame[op.getA()],
        b = frame[op.getB()], c = frame[op.getC()];
  Tensor state = frame[op.getState()].tensor();
  int64_t B = input.shape()[0], T = input.shape()[1], D = input.shape()[2], N = a.shape()[1];
  int64_t btd[] = {B, T, D}, dn[] = {D, N}, btn[] = {B, T, N}, bdn[] = {B, D, N};
  if (delta.shape() != ArrayRef(btd) || a.shape() != ArrayRef(dn) || b.shape() != ArrayRef(btn) ||
      c.shape() != ArrayRef(btn) || ArrayRef(state.shape) != ArrayRef(bdn))
    return frame.error(op, "expected input and delta [B, T, D], a [D, N], b and c [B, T, N] and "
                           "state [B, D, N]");
  Tensor outputs = filled(input.elementType(), input.shape(), {.f = 0});
  int64_t steps[] = {B, T, D};
  (void)forEachPoint(steps, [&](ArrayRef<int64_t> point) {
    int64_t row = point[0] * T + point[1], d = point[2];
    double x = input.elements()[row * D + d].f, dt = delta.elements()[row * D + d].f;
    for (int64_t n = 0; n < N; ++n) {
      double &h = state.elements[(point[0] * D + d) * N + n].f;
      h = std::exp(dt * a.elements()[d * N + n].f) * h + dt * b.elements()[row * N + n].f * x;
      outputs.elements[row * D + d].f += c.elements()[row * N + n].f * h;
    }
    return success();
  });
  return frame.set(op->getResults(), {Value(std::move(outputs)), Value(std::move(state))});
}

void addAttnScans(Handlers &handlers) {
  handlers.add<attn::LinearScanOp>(evaluateLinearScan);
  handlers.add<attn::DeltaScanOp>(evaluateDeltaScan);
  handlers.add<attn::SelectiveScanOp>(evaluateSelectiveScan);
}

} // namespace attnc::reference
