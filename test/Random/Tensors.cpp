// Pieces of tensor and linalg: named ops, generics, views, slices.
#include "Generator.h"

namespace attnc::fuzz {

namespace {

using Elements = std::vector<Value>;

Value binary(Generator &g, const char *op, const Value &a, const Value &b) { return g.op(a.type, op, " ", a, ", ", b, " : ", a.type.text()); }
Value unary(Generator &g, const char *op, const Value &a) { return g.op(a.type, op, " ", a, " : ", a.type.text()); }

/// Smooth functions of one number, and of products of two.
Value writeFunctions(Generator &g, Value x) {
  g.feature("math");
  if (g.random.chance(0.3)) {
    // As ops on tensors.
    const char *name = g.random.pick(std::vector<const char *>{"math.sin", "math.cos", "math.tanh", "math.erf", "math.absf", "math.atan"});
    return unary(g, name, x);
  }
  return g.map({x}, g.real, [&](const Elements &e) {
    Value square = binary(g, "arith.mulf", e[0], e[0]);
    Value more = binary(g, "arith.addf", square, g.number(0.5));
    switch (g.random.between(0, 9)) {
    case 0:
      return unary(g, "math.exp", unary(g, "arith.negf", square));
    case 1:
      return unary(g, "math.log", more);
    case 2:
      return unary(g, "math.rsqrt", more);
    case 3:
      return unary(g, "math.log1p", square);
    case 4:
      return unary(g, "math.expm1", unary(g, "math.sin", e[0]));
    case 5:
      return unary(g, "math.exp2", unary(g, "math.cos", e[0]));
    case 6:
      return unary(g, "math.log2", more);
    case 7:
      return binary(g, "arith.mulf", e[0], unary(g, "math.erf", e[0]));
    case 8:
      return unary(g, "math.sqrt", more);
    default:
      return binary(g, "math.powf", more, g.number(-0.75));
    }
  });
}

/// linalg's named elementwise ops, linalg.map.
Value writeNamed(Generator &g, Value x) {
  g.feature("linalg elementwise");
  Value e = g.empty(x.type), y = g.linear(x, Generator::width(x));
  switch (g.random.between(0, 3)) {
  case 0: {
    const char *name = g.random.pick(std::vector<const char *>{"sub", "mul", "max", "min"});
    return g.op(x.type, "linalg.", name, " ins(", x, ", ", y, " : ", x.type, ", ", y.type, ") outs(", e, " : ", x.type, ") -> ", x.type);
  }
  case 1: {
    const char *name = g.random.pick(std::vector<const char *>{"abs", "negf", "tanh", "square"});
    return g.op(x.type, "linalg.", name, " ins(", x, " : ", x.type, ") outs(", e, " : ", x.type, ") -> ", x.type);
  }
  case 2: {
    Value r = g.fresh(x.type), a = g.fresh(g.scalar(g.real)), b = g.fresh(g.scalar(g.real)), c = g.fresh(g.scalar(g.real));
    g.line(r, " = linalg.map ins(", x, ", ", y, " : ", x.type, ", ", y.type, ") outs(", e, " : ", x.type, ")");
    g.open("  (", a, ": ", a.type, ", ", b, ": ", b.type, ", ", c, ": ", c.type, ")");
    g.line("linalg.yield ", binary(g, "arith.maximumf", a, b), " : ", g.real);
    g.close();
    return r;
  }
  default:
    return binary(g, g.random.pick(std::vector<const char *>{"arith.subf", "arith.maximumf", "arith.minimumf"}), x, y);
  }
}

Value writeSoftmax(Generator &g, Value x) {
  g.feature("linalg softmax");
  Value e = g.empty(x.type);
  return g.op(x.type, "linalg.softmax dimension(", g.random.chance(0.7) ? 2 : 1, ") ins(", x, " : ", x.type, ") outs(", e, " : ", x.type, ") -> ", x.type);
}

/// Over the tokens or the elements, and back to all of them.
Value writeReduce(Generator &g, Value x) {
  g.feature("linalg reduce");
  bool overTokens = g.random.chance(0.5), largest = g.random.chance(0.3);
  Type few = overTokens ? g.tensor({x.shape()[0], x.shape()[2]}) : g.tensor({x.shape()[0], x.shape()[1]});
  Value start = g.filled(few, largest ? -3 : 0);
  Value sum = g.op(few, "linalg.reduce ins(", x, " : ", x.type, ") outs(", start, " : ", few, ") dimensions = [", overTokens ? 1 : 2, "]");
  Value a = g.fresh(g.scalar(g.real)), b = g.fresh(g.scalar(g.real));
  g.open("  (", a, ": ", a.type, ", ", b, ": ", b.type, ")");
  g.line("linalg.yield ", binary(g, largest ? "arith.maximumf" : "arith.addf", a, b), " : ", g.real);
  g.close();
  g.output(sum);
  return g.generic("ppp", {{x, "d0, d1, d2"}, {sum, overTokens ? "d0, d2" : "d0, d1"}}, {g.empty(x.type), "d0, d1, d2"}, [&](const Elements &e) {
    return binary(g, "arith.addf", e[0], binary(g, "arith.mulf", e[1], g.number(0.1)));
  });
}

/// Indices of the loop in the numbers.
Value writeIndices(Generator &g, Value x) {
  g.feature("linalg generic");
  g.feature("linalg index");
  return g.map({x}, g.real, [&](const Elements &e) {
    Value t = g.op(g.index(), "linalg.index 1 : index"), c = g.op(g.index(), "linalg.index 2 : index");
    Value sum = binary(g, "arith.addi", binary(g, "arith.muli", t, g.constant(7)), c);
    Value rest = binary(g, "arith.remui", sum, g.constant(5));
    Value bits = g.op(g.scalar("i64"), "arith.index_cast ", rest, " : index to i64");
    Value number = g.op(e[0].type, "arith.sitofp ", bits, " : i64 to ", g.real);
    return binary(g, "arith.addf", e[0], binary(g, "arith.mulf", number, g.number(0.25)));
  });
}

/// Each token takes from the one before it: padding in front, a slice.
Value writeShift(Generator &g, Value x) {
  g.feature("tensor pad");
  g.feature("tensor slice");
  Size longer(g.op(g.index(), "arith.addi ", g.sizeValue(g.scope.length), ", ", g.constant(1), " : index").name);
  Value zero = g.number(0.5), padded = g.fresh(g.tensor({g.scope.batch, longer, x.shape()[2]}));
  g.open(padded, " = tensor.pad ", x, " low[0, 1, 0] high[0, 0, 0]");
  g.line("^bb0(%p0: index, %p1: index, %p2: index):");
  g.line("tensor.yield ", zero, " : ", g.real);
  g.close(" : ", x.type, " to ", padded.type);
  int64_t width = Generator::width(x);
  Value before = g.op(x.type, "tensor.extract_slice ", padded, "[0, 0, 0] [", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), ", ", width, "] [1, 1, 1] : ", padded.type,
                      " to ", x.type);
  return g.add(x, before);
}

/// Side by side with a projection, or the other half of the elements replaced.
Value writeConcat(Generator &g, Value x) {
  int64_t width = Generator::width(x), more = g.random.between(1, 3);
  Value y = g.linear(x, more);
  if (g.random.chance(0.5)) {
    g.feature("tensor concat");
    Type type = g.tokens(width + more);
    return g.op(type, "tensor.concat dim(2) ", x, ", ", y, " : (", x.type, ", ", y.type, ") -> ", type);
  }
  g.feature("tensor slice");
  Value wide = g.linear(x, more + 2);
  std::string place = text("[0, 0, ", g.random.between(0, 2), "] [", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), ", ", more, "] [1, 1, 1]");
  if (g.random.chance(0.5))
    return g.op(wide.type, "tensor.insert_slice ", y, " into ", wide, place, " : ", y.type, " into ", wide.type);
  return g.op(y.type, "tensor.extract_slice ", wide, place, " : ", wide.type, " to ", y.type);
}

/// Pairs of elements change places by reshaping and transposing.
Value writeShuffle(Generator &g, Value x) {
  g.feature("tensor reshape");
  g.feature("tensor transpose");
  Value even = g.linear(x, 2 * g.random.between(1, 3));
  int64_t half = Generator::width(even) / 2;
  Type split = g.tensor({g.scope.batch, g.scope.length, half, 2}), turned = g.tensor({g.scope.batch, g.scope.length, 2, half});
  Value wide = g.op(split, "tensor.expand_shape ", even, " [[0], [1], [2, 3]] output_shape [", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), ", ", text(half, ", 2"), "] : ",
                    even.type, " into ", split);
  Value e = g.empty(turned);
  Value other = g.op(turned, "linalg.transpose ins(", wide, " : ", split, ") outs(", e, " : ", turned, ") permutation = [0, 1, 3, 2]");
  return g.op(even.type, "tensor.collapse_shape ", other, " [[0], [1], [2, 3]] : ", turned, " into ", even.type);
}

/// A window over three tokens: sums, or a depthwise convolution.
Value writeWindow(Generator &g, Value x) {
  g.feature("linalg convolution");
  Size longer(g.op(g.index(), "arith.addi ", g.sizeValue(g.scope.length), ", ", g.constant(2), " : index").name);
  Value zero = g.number(0), padded = g.fresh(g.tensor({g.scope.batch, longer, x.shape()[2]}));
  g.open(padded, " = tensor.pad ", x, " low[0, 2, 0] high[0, 0, 0]");
  g.line("^bb0(%p0: index, %p1: index, %p2: index):");
  g.line("tensor.yield ", zero, " : ", g.real);
  g.close(" : ", x.type, " to ", padded.type);
  Value start = g.filled(x.type, 0);
  if (g.random.chance(0.4)) {
    Value window = g.empty(g.tensor({3}));
    return g.op(x.type, "linalg.pooling_nwc_sum ins(", padded, ", ", window, " : ", padded.type, ", ", window.type, ") outs(", start, " : ", x.type, ") -> ", x.type);
  }
  Value filter = g.weight({3, Generator::width(x)});
  return g.op(x.type, "linalg.depthwise_conv_1d_nwc_wc ins(", padded, ", ", filter, " : ", padded.type, ", ", filter.type, ") outs(", start, " : ", x.type, ") -> ", x.type);
}

/// A product of tokens with tokens: what attention is without a name.
Value writeGram(Generator &g, Value x) {
  g.feature("linalg batch_matmul");
  int64_t width = Generator::width(x);
  Value gram = g.filled(g.tensor({g.scope.batch, width, width}), 0);
  Value sums = g.generic("pppr", {{x, "d0, d3, d1"}, {x, "d0, d3, d2"}}, {gram, "d0, d1, d2"}, [&](const Elements &e) { return binary(g, "arith.addf", e[2], binary(g, "arith.mulf", e[0], e[1])); });
  Value small = g.squash(sums), start = g.filled(x.type, 0);
  return g.op(x.type, "linalg.batch_matmul ins(", x, ", ", small, " : ", x.type, ", ", small.type, ") outs(", start, " : ", x.type, ") -> ", x.type);
}

} // namespace

std::vector<Piece> tensorPieces() {
  return {{"linear", 4, [](Generator &g, Value x) { return g.linear(x, g.random.between(1, 6)); }}, {"functions", 5, writeFunctions}, {"named", 4, writeNamed}, {"softmax", 2, writeSoftmax}, {"reduce", 4, writeReduce}, {"indices", 3, writeIndices}, {"shift", 3, writeShift}, {"concat", 4, writeConcat}, {"shuffle", 3, writeShuffle}, {"window", 3, writeWindow}, {"gram", 2, writeGram}};
}

} // namespace attnc::fuzz
