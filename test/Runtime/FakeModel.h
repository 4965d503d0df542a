// The manifest of fake_model.c.
#pragma once

#include "attnc/Package/Manifest.h"

namespace attnc {

inline Function fakeFunction(std::string name, std::vector<std::string> dims) {
  Function f;
  f.name = name;
  f.symbol = "fake_" + name;
  f.sizeSymbol = "fake_" + name + "_size";
  f.dims = std::move(dims);
  return f;
}

inline Manifest fakeManifest(bool external = false) {
  auto named = [](const char *name) { return Dim::named(name); };
  auto fixed = [](int64_t value) { return Dim::fixed(value); };
  Manifest m;
  m.producer = "attnc test";
  m.name = "fake";
  m.externalWeights = external;
  m.sources = {{"half", DType::F32, {2}}};
  m.weights = {{{"w", DType::F32, {4}}, 0, 16, {}}, {{"b", DType::F32, {2}}, external ? 0u : 64u, 8, Preparation{6, {0}}}};

  StateDecl count, ring, memory, total;
  count.name = "count", count.dtype = DType::I32;
  ring.name = "ring", ring.shape = {named("B"), Dim::capacity("C"), fixed(3)};
  ring.ring = RingDecl{1, "count", 2, 1};
  memory.name = "memory", memory.shape = {named("B"), fixed(2)};
  memory.init = 5;
  total.name = "total", total.dtype = DType::F64;
  m.states = {count, ring, memory, total};

  Function main = fakeFunction("main", {"B"});
  main.inputs = {{"x", DType::F32, {named("B"), fixed(4)}}};
  main.outputs = {{"y", DType::F32, {named("B"), fixed(4)}}, {"where", DType::I64, {fixed(3)}}, {"level", DType::I32, {}}};
  main.weights = {0};
  main.kernels = {{"scale", "fake_main", 1, "mul, add", "8·B", "36·B"}};

  Function append = fakeFunction("append", {"B", "C"});
  append.inputs = {{"rows", DType::F32, {named("B"), fixed(2), fixed(3)}}};
  append.outputs = {{"appended", DType::I32, {}}};
  append.states = {{0, true, true}, {1, true, true}};

  Function remember = fakeFunction("remember", {"B"});
  remember.inputs = {{"x", DType::F32, {named("B"), fixed(2)}}};
  remember.outputs = {{"sum", DType::F32, {named("B"), fixed(2)}}};
  remember.states = {{2, true, true}, {3, true, true}};

  Function loop = fakeFunction("loop", {});
  loop.inputs = {{"n", DType::I64, {}}};
  loop.outputs = {{"steps", DType::I64, {}}};
  loop.states = {{3, true, true}};
  loop.hasLoops = true;

  Function pairs = fakeFunction("pairs", {"N", "M"});
  pairs.inputs = {{"x", DType::F32, {named("N")}}, {"y", DType::F32, {named("N")}}};
  pairs.outputs = {{"z", DType::F32, {named("M")}}};
  pairs.plan = {{"scratch", {{{8, {"N"}}}}, 0, 1, {}}, {"unused", {{{4, {"M"}}, {64, {}}}}, 1, 1, {0}}};

  Function begin = fakeFunction("begin", {"B"});
  begin.kind = Function::Kind::Init;
  begin.outputs = {{"memory", DType::F32, {named("B"), fixed(2)}}};
  begin.weights = {1};

  Function twice = fakeFunction("twice", {});
  twice.kind = Function::Kind::Prepare;
  twice.inputs = {{"half", DType::F32, {fixed(2)}}};
  twice.outputs = {{"b", DType::F32, {fixed(2)}}};
  m.functions = {main, append, remember, loop, pairs, begin, twice};
  return m;
}

inline constexpr float fakeW[4] = {1, 2, 3, 4}, fakeB[2] = {10, 20};

} // namespace attnc
