// What pieces are made of: projections, sums, squashing, scores.
#include "Generator.h"

namespace attnc::fuzz {

/// x · W + bias, in one of the forms that front ends write.
Value Generator::linear(const Value &x, int64_t out) {
  int64_t in = width(x);
  double scale = 1 / std::sqrt(double(in));
  Type type = tokens(out);
  Value start;
  if (random.chance(0.5)) {
    Value bias = weight({out}, {Fill::Normal, 0, 0.3}), e = empty(type);
    start = op(type, "linalg.broadcast ins(", bias, " : ", bias.type, ") outs(", e, " : ", type, ") dimensions = [0, 1]");
  } else {
    start = filled(type, 0);
  }
  switch (random.between(0, 3)) {
  case 0: {
    feature("linalg contract");
    Value w = weight({out, in}, {Fill::Normal, 0, scale});
    return op(type, "linalg.contract indexing_maps = [affine_map<(b, t, n, k) -> (b, t, k)>, affine_map<(b, t, n, k) -> (n, k)>, ",
              "affine_map<(b, t, n, k) -> (b, t, n)>] ins(", x, ", ", w, " : ", x.type, ", ", w.type, ") outs(", start, " : ", type, ") -> ", type);
  }
  case 1: {
    feature("linalg matmul");
    Value w = weight({in, out}, {Fill::Normal, 0, scale});
    Value rows = op(index(), "arith.muli ", sizeValue(scope.batch), ", ", sizeValue(scope.length), " : index");
    Type flat = tensor({Size(rows.name), in}), flatOut = tensor({Size(rows.name), out});
    Value a = op(flat, "tensor.collapse_shape ", x, " [[0, 1], [2]] : ", x.type, " into ", flat);
    Value c = op(flatOut, "tensor.collapse_shape ", start, " [[0, 1], [2]] : ", type, " into ", flatOut);
    Value y = op(flatOut, "linalg.matmul ins(", a, ", ", w, " : ", flat, ", ", w.type, ") outs(", c, " : ", flatOut, ") -> ", flatOut);
    return op(type, "tensor.expand_shape ", y, " [[0, 1], [2]] output_shape [", sizeValue(scope.batch), ", ", sizeValue(scope.length), ", ",
              std::to_string(out), "] : ", flatOut, " into ", type);
  }
  case 2: {
    feature("linalg batch_matmul");
    Value w = weight({in, out}, {Fill::Normal, 0, scale});
    Type each = tensor({scope.batch, in, out});
    Value e = empty(each);
    Value all = op(each, "linalg.broadcast ins(", w, " : ", w.type, ") outs(", e, " : ", each, ") dimensions = [0]");
    return op(type, "linalg.batch_matmul ins(", x, ", ", all, " : ", x.type, ", ", each, ") outs(", start, " : ", type, ") -> ", type);
  }
  default: {
    feature("linalg generic");
    Value w = weight({in, out}, {Fill::Normal, 0, scale});
    return generic("pppr", {{x, "d0, d1, d3"}, {w, "d3, d2"}}, {start, "d0, d1, d2"}, [&](const std::vector<Value> &e) {
      Value product = op(e[0].type, "arith.mulf ", e[0], ", ", e[1], " : ", real);
      return op(e[0].type, "arith.addf ", e[2], ", ", product, " : ", real);
    });
  }
  }
}

Value Generator::squash(const Value &x) {
  if (random.chance(0.3))
    return op(x.type, "math.tanh ", x, " : ", x.type);
  return map({x}, real, [&](const std::vector<Value> &e) {
    Value size = op(e[0].type, "math.absf ", e[0], " : ", real);
    Value one = number(1);
    Value sum = op(e[0].type, "arith.addf ", size, ", ", one, " : ", real);
    return op(e[0].type, "arith.divf ", e[0], ", ", sum, " : ", real);
  });
}

Value Generator::add(const Value &a, const Value &b) {
  if (random.chance(0.4))
    return op(a.type, "arith.addf ", a, ", ", b, " : ", a.type);
  feature("linalg elementwise");
  Value e = empty(a.type);
  return op(a.type, "linalg.add ins(", a, ", ", b, " : ", a.type, ", ", b.type, ") outs(", e, " : ", a.type, ") -> ", a.type);
}

/// 0.5 + 0.5 z / (1 + |z|) of a weighted sum, in f32.
Value Generator::score(const Value &x, unsigned rank) {
  int64_t in = width(x);
  Value w = weight({in}, {Fill::Normal, 0, 1.5 / std::sqrt(double(in))});
  Shape rows(x.shape().begin(), x.shape().begin() + rank);
  Value sums = filled(tensor(rows), 0);
  std::string loops = std::string(rank, 'p') + std::string(3 - rank, 'r');
  std::string rowMap = rank == 2 ? "d0, d1" : rank == 1 ? "d0"
                                                        : "";
  Value z = generic(loops, {{x, "d0, d1, d2"}, {w, "d2"}}, {sums, rowMap}, [&](const std::vector<Value> &e) {
    Value product = op(e[0].type, "arith.mulf ", e[0], ", ", e[1], " : ", real);
    return op(e[0].type, "arith.addf ", e[2], ", ", product, " : ", real);
  });
  return map({z}, "f32", [&](const std::vector<Value> &e) {
    Value a = op(e[0].type, "math.absf ", e[0], " : ", real), one = number(1), half = number(0.5);
    Value d = op(e[0].type, "arith.addf ", a, ", ", one, " : ", real);
    Value q = op(e[0].type, "arith.divf ", e[0], ", ", d, " : ", real);
    Value h = op(e[0].type, "arith.mulf ", q, ", ", half, " : ", real);
    Value s = op(e[0].type, "arith.addf ", h, ", ", half, " : ", real);
    return real == "f64" ? op(scalar("f32"), "arith.truncf ", s, " : f64 to f32") : s;
  });
}

} // namespace attnc::fuzz
