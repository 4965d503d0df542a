// Score, mask and post regions of attention, with the captures they ask for.
#include "AttentionWriter.h"

namespace attnc::fuzz {

/// An index expression clamped to 0 .. count-1, so that a table can be read with it.
Value AttentionWriter::clamped(Value index, int64_t count) {
  Value zero = g.constant(0), last = g.constant(count - 1);
  Value low = g.op(g.index(), "arith.maxsi ", index, ", ", zero, " : index");
  return g.op(g.index(), "arith.minsi ", low, ", ", last, " : index");
}

Value AttentionWriter::binary(const char *op, const Value &a, const Value &b) { return g.op(a.type, op, " ", a, ", ", b, " : ", a.type); }
Value AttentionWriter::compare(const char *how, const Value &a, const Value &b) { return g.op(g.scalar("i1"), "arith.cmpi ", how, ", ", a, ", ", b, " : ", a.type); }
Value AttentionWriter::toReal(const Value &index) {
  Value bits = g.op(g.scalar("i64"), "arith.index_cast ", index, " : index to i64");
  return g.op(g.scalar(g.real), "arith.sitofp ", bits, " : i64 to ", g.real);
}

/// Adds a capture; its number. `indices`: "[g, r]", or "" (whole, or a scalar).
size_t AttentionWriter::capture(const Value &value, const std::string &indices) {
  captures.push_back({value, indices});
  return captures.size() - 1;
}
Value AttentionWriter::captured(size_t number) const {
  const Capture &capture = captures[number];
  bool whole = capture.indices.empty() && !capture.value.shape().empty();
  return {"%c" + std::to_string(number), whole ? capture.value.type : g.scalar(capture.value.element())};
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Chooses a mask: what it captures now, what its region holds when it is written.
AttentionWriter::Body AttentionWriter::chooseMask() {
  Value i{"%i", g.index()}, j{"%j", g.index()}, h{"%h", g.index()}, n{"%n", g.index()};
  int64_t window = g.random.pick({1, 2, 3, 5, 16, 40});
  auto distance = [=, this] { return binary("arith.subi", i, j); };
  auto causal = [=, this] { return compare("sle", j, i); };
  auto near = [=, this] { return compare("slt", distance(), g.constant(window)); };
  switch (g.random.between(0, 16)) {
  case 0:
  case 1:
    return g.feature("mask causal"), causal;
  case 2:
    return g.feature("mask strictly causal"), [=, this] { return compare("slt", j, i); };
  case 3:
  case 13:
    return g.feature("mask window"), [=, this] { return binary("arith.andi", causal(), near()); };
  case 4:
    return g.feature("mask dilated"), [=, this] {
      Value r = binary("arith.remsi", distance(), g.constant(window));
      return compare("eq", r, g.constant(0));
    };
  case 5:
  case 14: {
    // Documents: tokens see those of the same number, which a table says.
    size_t table = capture(g.argument(g.tensor({16}, "i32"), {Fill::Integers, 0, 3}), "");
    return g.feature("mask document"), [=, this] {
      Value at = captured(table);
      auto document = [&](Value index) { return g.op(g.scalar("i32"), "tensor.extract ", at, "[", clamped(index, 16), "] : ", at.type); };
      Value a = document(i), b = document(j);
      return compare("eq", a, b);
    };
  }
  case 6: {
    Value blocks = g.argument(g.tensor({5, 5}, "i1"), {Fill::Bools, 0, 0.6});
    size_t table = capture(blocks, "");
    return g.feature("mask block table"), [=, this] {
      Value four = g.constant(4);
      Value a = clamped(binary("arith.divsi", i, four), 5), b = clamped(binary("arith.divsi", j, four), 5);
      return g.op(g.scalar("i1"), "tensor.extract ", captured(table), "[", a, ", ", b, "] : ", blocks.type);
    };
  }
  case 7: {
    if (sources.size() > 1 || sources[0].isRagged || !Generator::isNamed(queryLength) || !Generator::isNamed(sources[0].length))
      return g.feature("mask causal"), causal;
    bool both = g.random.chance(0.5) && !isRagged;
    Size other = both ? queryLength : g.scope.batch;
    if (!both && sources[0].isPaged)
      return g.feature("mask causal"), causal;
    size_t kept = capture(g.argument(g.tensor({other, sources[0].length}, "i1"), {Fill::Bools, 0, 0.6}), both ? "[i, j]" : "[b, j]");
    return g.feature("mask by element"), [=, this] { return captured(kept); };
  }
  case 8:
    return g.feature("mask prefix"), [=, this] { return binary("arith.ori", causal(), compare("slt", j, g.constant(window))); };
  case 9:
  case 15:
  case 16:
    return g.feature("mask block"), [=, this] {
      Value size = g.constant(window);
      Value a = binary("arith.floordivsi", i, size), b = binary("arith.floordivsi", j, size);
      return compare("eq", a, b);
    };
  case 10:
    return g.feature("mask by head"), [=, this] {
      Value reach = binary("arith.muli", h, g.constant(window));
      return compare("sle", distance(), reach);
    };
  case 11: {
    size_t limit = capture(g.argument(g.index(), {Fill::Integers, 0, 40}), "");
    return g.feature("mask limit captured"), [=, this] { return compare("slt", j, captured(limit)); };
  }
  default:
    return g.feature("mask by source"), [=, this] { return binary("arith.ori", causal(), compare("eq", n, g.constant(1))); };
  }
}

//===----------------------------------------------------------------------===//
// Scores and weights
//===----------------------------------------------------------------------===//

AttentionWriter::Body AttentionWriter::chooseScore() {
  Value s{"%s", g.scalar(g.real)}, i{"%i", g.index()}, j{"%j", g.index()}, h{"%h", g.index()}, n{"%n", g.index()};
  auto distance = [=, this] { return binary("arith.subi", i, j); };
  switch (g.random.between(0, 8)) {
  case 0: {
    bool grouped = groups > 1 || heads > 1;
    Value slopes = g.weight(grouped ? Shape{groups, heads} : Shape{groups}, {Fill::Uniform, 0.01, 0.3});
    size_t slope = capture(slopes, grouped ? "[g, r]" : "[g]");
    return g.feature("score alibi, capture by head"), [=, this] { return binary("arith.subf", s, binary("arith.mulf", captured(slope), toReal(distance()))); };
  }
  case 1: {
    if (sources.size() > 1 || sources[0].isRagged || isRagged || !Generator::isNamed(queryLength) || !Generator::isNamed(sources[0].length))
      break;
    Value bias = g.argument(g.tensor({queryLength, sources[0].length}), {Fill::Normal});
    size_t at = capture(bias, "[i, j]");
    return g.feature("score bias, capture by element"), [=, this] { return binary("arith.addf", s, captured(at)); };
  }
  case 2:
    return g.feature("score softcap"), [=, this] {
      Value c = g.number(2.5);
      Value t = g.op(s.type, "math.tanh ", binary("arith.divf", s, c), " : ", s.type);
      return binary("arith.mulf", t, c);
    };
  case 3: {
    Value table = g.weight({9}, {Fill::Normal});
    size_t whole = capture(table, "");
    return g.feature("score table, capture whole"), [=, this] {
      Value at = clamped(binary("arith.addi", distance(), g.constant(4)), 9);
      Value bias = g.op(s.type, "tensor.extract ", captured(whole), "[", at, "] : ", table.type);
      return binary("arith.addf", s, bias);
    };
  }
  case 4: {
    size_t temperature = capture(g.argument(g.scalar(g.real), {Fill::Uniform, 0.2, 2}), "");
    return g.feature("score scaled, capture scalar"), [=, this] { return binary("arith.mulf", s, captured(temperature)); };
  }
  case 5:
  case 8:
    return g.feature("score dependent mask"), [=, this] {
      Value past = compare("slt", i, j);
      std::string bits = g.real == "f32" ? "0xFF800000" : "0xFFF0000000000000";
      Value none = g.op(s.type, "arith.constant ", normalizer == "softmax" ? bits : "0.0", " : ", s.type);
      return g.op(s.type, "arith.select ", past, ", ", none, ", ", s, " : ", s.type);
    };
  case 6: {
    if (isRagged)
      break;
    Value parts = g.argument(g.tensor({g.scope.batch}), {Fill::Normal});
    size_t each = capture(parts, "[b]");
    return g.feature("score shift by sequence and source"), [=, this] {
      Value sum = binary("arith.addf", s, captured(each));
      return binary("arith.addf", sum, binary("arith.mulf", toReal(n), g.number(0.5)));
    };
  }
  default:
    break;
  }
  return g.feature("score by head"), [=, this] { return binary("arith.addf", s, binary("arith.mulf", toReal(h), g.number(0.25))); };
}

AttentionWriter::Body AttentionWriter::choosePost() {
  Value p{"%p", g.scalar(g.real)}, i{"%i", g.index()}, j{"%j", g.index()};
  switch (g.random.between(0, 2)) {
  case 0:
    return [=, this] {
      Value ramp = binary("arith.mulf", toReal(binary("arith.subi", i, j)), g.number(0.05));
      Value left = binary("arith.maximumf", binary("arith.subf", g.number(1), ramp), g.number(0));
      return binary("arith.mulf", p, left);
    };
  case 1:
    return [=, this] { return binary("arith.addf", p, g.number(0.01)); };
  default: {
    size_t factor = capture(g.argument(g.tensor({}), {Fill::Uniform, 0.2, 1}), "");
    return [=, this] { return binary("arith.mulf", p, captured(factor)); };
  }
  }
}

} // namespace attnc::fuzz
