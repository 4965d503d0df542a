#include "AttentionWriter.h"

#include "llvm/Support/FormatVariadic.h"

namespace attnc::fuzz {

void AttentionWriter::chooseSizes() {
  groups = g.random.pick({1, 1, 2, 3});
  heads = g.random.pick({1, 1, 2, 3});
  width = g.random.pick({1, 2, 3, 4, 8});
  values = g.random.chance(0.5) ? width : g.random.pick({1, 2, 3, 5, 8});
  if (groups > 1 && heads > 1)
    g.feature("grouped heads");
  normalizer = g.random.pick(std::vector<std::string>{"softmax", "softmax", "sigmoid", "sigmoid_sum", "identity"});
  g.feature("normaliser " + normalizer);
}

//===----------------------------------------------------------------------===//
// Queries and sources
//===----------------------------------------------------------------------===//

/// Tokens of width `split`'s product, split; now and then in another order. `indices` names them as "g", "r", "d";
/// `written` becomes the whole index list.
Value AttentionWriter::arrange(const Value &tokens, Shape split, const std::string &indices, std::string &written) {
  std::string along = indices.find('j') != std::string::npos ? "j" : "i";
  std::string rest = indices.substr(1); // ", g, r, d"
  Shape shape = {g.scope.batch, g.scope.length};
  std::string groups = "2", sizes;
  for (size_t n = 0; n < split.size(); ++n) {
    groups += n ? ", " + std::to_string(n + 2) : "";
    sizes += ", " + std::to_string(split[n].fixed);
    shape.push_back(split[n]);
  }
  Type type = g.tensor(shape);
  Value wide = g.op(type, "tensor.expand_shape ", tokens, " [[0], [1], [", groups, "]] output_shape [", g.sizeValue(g.scope.batch), ", ",
                    g.sizeValue(g.scope.length), sizes, "] : ", tokens.type, " into ", type);
  if (isRagged) {
    Value rows = g.op(g.index(), "arith.muli ", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), " : index");
    Shape flat = {Size(rows.name)};
    std::string merged = "[0, 1]";
    for (size_t n = 0; n < split.size(); ++n) {
      flat.push_back(split[n]);
      merged += ", [" + std::to_string(n + 2) + "]";
    }
    written = "[" + along + rest + "]";
    return g.op(g.tensor(flat), "tensor.collapse_shape ", wide, " [", merged, "] : ", type, " into ", g.tensor(flat));
  }
  written = "[b, " + along + rest + "]";
  if (split.size() < 2 || !g.random.chance(0.25))
    return wide;
  // [b, g, t, …]
  g.feature("tensor transpose");
  Shape turned = {shape[0], shape[2], shape[1]};
  std::string order = "0, 2, 1";
  for (size_t n = 3; n < shape.size(); ++n) {
    turned.push_back(shape[n]);
    order += ", " + std::to_string(n);
  }
  Value out = g.empty(g.tensor(turned));
  std::string second = rest.substr(2, rest.find(',', 2) - 2);
  written = "[b, " + second + ", " + along + rest.substr(2 + second.size()) + "]";
  return g.op(out.type, "linalg.transpose ins(", wide, " : ", type, ") outs(", out, " : ", out.type, ") permutation = [", order, "]");
}

/// " valid …": the number of keys, of each sequence or of all.
std::string AttentionWriter::validClause(const std::vector<std::string> &limit, bool ofSequence) {
  g.feature("mask valid");
  std::string element = g.random.pick(std::vector<std::string>{"i32", "i64"});
  if (ofSequence) {
    Value n = g.argument(g.tensor({g.scope.batch}, element), {Fill::Integers, 0, 0, limit});
    return text(" valid ", n, "[b] : ", n.type);
  }
  return text(" valid ", g.argument(g.index(), {Fill::Integers, 0, 0, limit}));
}

std::string AttentionWriter::positionsClause(const Size &length, bool perSequence) {
  g.feature("positions");
  std::string element = g.random.pick(std::vector<std::string>{"i32", "i64"});
  Value p = g.argument(g.tensor(perSequence ? Shape{g.scope.batch, length} : Shape{length}, element), {Fill::Integers, 0, 60});
  return text(" positions ", p, perSequence ? "[b, j]" : "[j]", " : ", p.type);
}

/// Keys and values of the tokens themselves.
AttentionWriter::Source AttentionWriter::selfSource() {
  Source source{"", g.scope.length, isRagged};
  bool packed = width == values && !isRagged && g.random.chance(0.4);
  std::string k, v;
  if (packed) {
    g.feature("packed keys and values");
    Value both = g.linear(x, 2 * groups * width);
    Shape shape = {g.scope.batch, g.scope.length, 2, groups, width};
    Value kv = g.op(g.tensor(shape), "tensor.expand_shape ", both, " [[0], [1], [2, 3, 4]] output_shape [", g.sizeValue(shape[0]), ", ", g.sizeValue(shape[1]),
                    ", 2, ", std::to_string(groups), ", ", std::to_string(width), "] : ", both.type, " into ", g.tensor(shape));
    source.text = text(kv, "[b, j, 0, g, d], ", kv, "[b, j, 1, g, v] : ", kv.type, ", ", kv.type);
  } else {
    Value key = arrange(g.linear(x, groups * width), {groups, width}, "j, g, d", k);
    Value value = arrange(g.linear(x, groups * values), {groups, values}, "j, g, v", v);
    source.text = text(key, k, ", ", value, v, " : ", key.type, ", ", value.type);
  }
  if (isRagged)
    return source.text += " rows " + rowsOf, source;
  if (g.random.chance(0.15))
    source.text += text(" offset ", g.argument(g.index(), {Fill::Integers, 0, 40}));
  if (Generator::isNamed(source.length) && g.random.chance(0.35))
    source.text += validClause({"T"}, g.random.chance(0.7));
  return source;
}

/// Keys and values that the caller gives, in one of several layouts.
AttentionWriter::Source AttentionWriter::memorySource(size_t number) {
  std::string name = "S" + std::to_string(number);
  Size length = g.random.chance(0.2) ? Size(g.random.pick({1, 5, 70})) : g.named(name, {0, 1, 2, 7, 33, 64, 100});
  std::string element = g.real;
  if (g.real == "f32" && g.random.chance(0.25)) {
    element = g.random.pick(std::vector<std::string>{"bf16", "f16"});
    g.feature("type bf16, f16");
  }
  struct Layout {
    std::string indices; // of the key; the value has v for d
    Shape shape;
  };
  std::vector<Layout> layouts = {{"b, j, g, ", {g.scope.batch, length, groups}}, {"b, g, j, ", {g.scope.batch, groups, length}}, {"j, g, ", {length, groups}}, {"b, j, ", {g.scope.batch, length}}};
  Layout layout = isRagged ? layouts[2] : g.random.pick(layouts);
  auto operand = [&](const char *last, int64_t size) {
    Shape shape = layout.shape;
    shape.push_back(size);
    Value value = g.argument(g.tensor(shape, element), {Fill::Normal});
    return std::pair(text(value, "[", layout.indices, last, "]"), value.type.text());
  };
  auto [k, kType] = operand("d", width);
  auto [v, vType] = operand("v", values);
  Source source{k + ", " + v + " : " + kType + ", " + vType, length};
  double where = g.random.uniform();
  if (where < 0.2)
    source.text += text(" offset ", g.argument(g.index(), {Fill::Integers, 0, 40}));
  else if (where < 0.45)
    source.text += positionsClause(length, !isRagged && g.random.chance(0.5));
  if (g.random.chance(0.35)) {
    bool fixed = length.isStatic();
    if (fixed)
      source.text += text(" valid ", g.argument(g.index(), {Fill::Integers, 0, double(length.fixed)}));
    else
      source.text += validClause({name}, !isRagged && g.random.chance(0.6));
  }
  return source;
}

/// Pages of a pool, chosen by a table.
AttentionWriter::Source AttentionWriter::pagedSource(size_t number) {
  g.feature("paged");
  int64_t rows = g.random.pick({1, 2, 5, 16, 70});
  std::string pages = "N" + std::to_string(number), pool = "P" + std::to_string(number);
  Size count = g.named(pages, {0, 1, 2, 3}), total = g.named(pool, {1, 2, 5});
  bool headsFirst = g.random.chance(0.5);
  auto operand = [&](const char *last, int64_t size) {
    Value value = g.argument(g.tensor(headsFirst ? Shape{total, groups, rows, size} : Shape{total, rows, groups, size}), {Fill::Normal});
    return std::pair(text(value, headsFirst ? "[b, g, j, " : "[b, j, g, ", last, "]"), value.type.text());
  };
  auto [k, kType] = operand("d", width);
  auto [v, vType] = operand("v", values);
  Value table = g.argument(g.tensor({g.scope.batch, count}, "i32"), {Fill::Integers, 0, -1, {pool}});
  // The limit is a product: as many sizes as there are rows in all pages.
  Value valid = g.argument(g.tensor({g.scope.batch}, "i32"), {Fill::Integers, 0, 0, {pages, "*" + std::to_string(rows)}});
  return {text(k, ", ", v, " : ", kType, ", ", vType, " valid ", valid, "[b] : ", valid.type, " pages ", table, "[b] : ", table.type), Size("%v"), false, true};
}

/// Sequences of a packed memory, as many as queries have.
AttentionWriter::Source AttentionWriter::raggedSource() {
  g.feature("ragged");
  Size length = g.named("S9", {0, 1, 7, 33, 70}), bounds = g.named("Bp", {}, "B");
  Value k = g.argument(g.tensor({length, groups, width}), {Fill::Normal}), v = g.argument(g.tensor({length, groups, values}), {Fill::Normal});
  Value rows = g.argument(g.tensor({bounds}, "i32"), {Fill::Offsets, 0, 0, {"S9"}});
  return {text(k, "[j, g, d], ", v, "[j, g, v] : ", k.type, ", ", v.type, " rows ", rows, " : ", rows.type), length, true};
}

/// A cache that is kept as a state: appended to, then read through the positions of its slots.
AttentionWriter::Source AttentionWriter::ringSource() {
  g.feature("ring append");
  int64_t capacity = g.random.pick({2, 3, 5, 16, 70}), pinned = g.random.chance(0.4) ? g.random.between(1, capacity - 1) : 0;
  Value seen = g.argument(g.tensor({}, "i32"), {Fill::Integers, 0, double(2 * capacity)});
  Value number = g.op(g.scalar("i32"), "tensor.extract ", seen, "[] : ", seen.type);
  Value count = g.op(g.index(), "arith.index_cast ", number, " : i32 to index");
  std::string operands, types;
  bool kept = g.random.chance(0.7), some = g.random.chance(0.25);
  Value when = some ? g.argument(g.tensor({g.scope.batch}, "i1"), {Fill::Bools, 0, 0.7}) : Value();
  for (int64_t size : {width, values}) {
    std::string written;
    Value rows = g.linear(x, groups * size);
    Shape shape = {g.scope.batch, g.scope.length, groups, size};
    Value split = g.op(g.tensor(shape), "tensor.expand_shape ", rows, " [[0], [1], [2, 3]] output_shape [", g.sizeValue(shape[0]), ", ", g.sizeValue(shape[1]), ", ",
                       std::to_string(groups), ", ", std::to_string(size), "] : ", rows.type, " into ", g.tensor(shape));
    Value ring = g.argument(g.tensor({g.scope.batch, capacity, groups, size}), {Fill::Normal});
    Value next = g.op(ring.type, "attn.ring_append ", split, " into ", ring, " along 1 count(", count, ")", pinned ? text(" pinned(", pinned, ")") : "",
                      some ? text(" when(", when, " : ", when.type, ")") : "", " : ", split.type, ", ", ring.type);
    if (kept)
      g.output(next, g.newState(ring));
    else
      g.output(next);
    operands += text(operands.empty() ? "" : ", ", next, operands.empty() ? "[b, j, g, d]" : "[b, j, g, v]");
    types += text(types.empty() ? "" : ", ", next.type);
  }
  Value total = binary("arith.addi", count, g.sizeValue(g.scope.length)), cap = g.constant(capacity), turn = g.constant(capacity - pinned);
  Value valid = binary("arith.minsi", total, cap);
  // Slot s holds position s, or the latest that the ring has come round to.
  Value places = g.empty(g.tensor({capacity}, "i64"));
  Value positions = g.generic("p", {}, {places, "d0"}, [&](const std::vector<Value> &e) {
    Value s = g.op(g.index(), "linalg.index 0 : index"), one = g.constant(1), zero = g.constant(0);
    Value behind = binary("arith.maxsi", binary("arith.subi", binary("arith.subi", total, one), s), zero);
    Value late = binary("arith.addi", s, binary("arith.muli", binary("arith.divsi", behind, turn), turn));
    Value fixed = compare("slt", s, g.constant(pinned));
    Value at = g.op(g.index(), "arith.select ", fixed, ", ", s, ", ", late, " : index");
    return g.op(g.scalar("i64"), "arith.index_cast ", at, " : index to i64");
  });
  Value total32 = g.op(g.scalar("i32"), "arith.index_cast ", total, " : index to i32");
  Value next = g.op(seen.type, "tensor.from_elements ", total32, " : ", seen.type);
  g.output(next, g.newState(seen));
  ringOffset = count.name;
  return {text(operands, " : ", types, " positions ", positions, "[j] : ", positions.type, " valid ", valid), Size(capacity)};
}

AttentionWriter::Source AttentionWriter::chooseSource(size_t number) {
  if (isRagged)
    return number == 0 || g.random.chance(0.5) ? selfSource() : memorySource(number);
  bool whole = Generator::isNamed(g.scope.length);
  switch (g.random.between(0, 9)) {
  case 0:
  case 1:
    return pagedSource(number);
  case 2:
    if (g.scope.batch.value == "%B")
      return raggedSource();
    return memorySource(number);
  case 3:
  case 4:
    if (g.scope.depth == 0 && whole && ringOffset.empty())
      return ringSource();
    return selfSource();
  case 5:
  case 6:
    return memorySource(number);
  default:
    return selfSource();
  }
}

/// Row offsets for packed queries, and the query clause.
std::string AttentionWriter::chooseQuery() {
  isRagged = g.scope.batch.value == "%B" && g.scope.length.value == "%T" && g.random.chance(0.12);
  if (isRagged) {
    g.feature("ragged");
    Value rows = g.argument(g.tensor({g.named("Q", {1, 2, 3, 5})}, g.random.chance(0.5) ? "i32" : "i64"), {Fill::Offsets, 0, 0, {"B", "T"}});
    rowsOf = text(rows, " : ", rows.type);
  }
  std::string written;
  Value q;
  if (heads == 1 && g.random.chance(0.5))
    q = arrange(g.linear(x, groups * width), {groups, width}, "i, g, d", written);
  else
    q = arrange(g.linear(x, groups * heads * width), {groups, heads, width}, "i, g, r, d", written);
  return text("query ", q, written, " : ", q.type);
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

void AttentionWriter::writeRegion(const std::string &keyword, const Body &body, bool isFloat, const std::string &more) {
  if (!body)
    return;
  std::string arguments = "%b, %h, %i, %j, %n";
  bool typed = more == "typed";
  for (size_t n = 0; n < captures.size(); ++n) {
    Value inside = captured(n);
    arguments += ", " + inside.name + (typed ? " : " + inside.type.text() : "");
  }
  std::string first = keyword == "score" ? "%s, " : keyword == "post" ? "%p, "
                                                                      : "";
  g.open(keyword, "(", first, arguments, ")");
  Value result = body();
  g.line("attn.yield ", result, " : ", result.type);
  g.close();
}

/// The output's place: [b, i, g, r, v] of its own tensor, in another order, or a slice of a larger one.
Value AttentionWriter::writeWithDestinations(const std::string &head, const std::string &tail) {
  Shape rows = isRagged ? Shape{Size(g.op(g.index(), "arith.muli ", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), " : index").name)}
                        : Shape{g.scope.batch, g.scope.length};
  std::string at = isRagged ? "i" : "b, i";
  Shape shape = rows;
  std::string indices = at;
  bool slot = !isRagged && g.random.chance(0.15), turned = !isRagged && !slot && g.random.chance(0.2);
  if (slot) {
    g.feature("slice of a destination");
    shape.push_back(2);
    indices += ", 1";
  }
  if (turned) {
    shape = {rows[0], groups, heads, rows[1], values};
    indices = "b, g, r, i, v";
  } else {
    for (int64_t size : {groups, heads, values})
      shape.push_back(size);
    indices += ", g, r, v";
  }
  Value into = isRagged || slot ? g.filled(g.tensor(shape), 0.5) : g.destination(g.tensor(shape));
  std::string extras, names;
  std::vector<Value> results = {g.fresh(into.type)};
  if (normalizer == "softmax" && g.random.chance(0.35)) {
    Shape small = rows;
    small.push_back(groups);
    small.push_back(heads);
    bool both = g.random.chance(0.5);
    for (const char *keyword : {" lse ", " entropy "}) {
      if (!both && keyword[1] == 'e')
        continue;
      g.feature(std::string("result") + keyword);
      Value init = g.filled(g.tensor(small), 0);
      extras += text(keyword, init, "[", at, ", g, r] : ", init.type);
      results.push_back(g.fresh(init.type));
    }
  }
  for (const Value &result : results)
    names += text(names.empty() ? "" : ", ", result);
  g.line(names, " = ", head);
  for (const Source &source : sources) {
    g.line("  source ", source.text);
    writeRegion("  mask", source.mask, false, "typed");
  }
  g.line("  ", tail, "into ", into, "[", indices, "] : ", into.type, extras);
  writeRegion("score", score, true);
  writeRegion("mask", mask, false);
  writeRegion("post", post, true);
  for (size_t n = 1; n < results.size(); ++n)
    g.output(results[n]);
  if (!turned)
    return results[0];
  Shape straight = {shape[0], shape[3], shape[1], shape[2], shape[4]};
  Value out = g.empty(g.tensor(straight));
  return g.op(out.type, "linalg.transpose ins(", results[0], " : ", into.type, ") outs(", out, " : ", out.type, ") permutation = [0, 3, 1, 2, 4]");
}

/// The heads of a token side by side.
Value AttentionWriter::toTokens(const Value &out) {
  Value wide = out;
  if (isRagged) {
    Type type = g.tensor({g.scope.batch, g.scope.length, groups, heads, values});
    wide = g.op(type, "tensor.expand_shape ", out, " [[0, 1], [2], [3], [4]] output_shape [", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), ", ",
                text(groups, ", ", heads, ", ", values), "] : ", out.type, " into ", type);
  }
  int64_t all = 1;
  std::string merged;
  for (size_t n = 2; n < wide.shape().size(); ++n) {
    all *= wide.shape()[n].fixed;
    merged += (n > 2 ? ", " : "") + std::to_string(n);
  }
  return g.op(g.tokens(all), "tensor.collapse_shape ", wide, " [[0], [1], [", merged, "]] : ", wide.type, " into ", g.tokens(all));
}

Value AttentionWriter::write() {
  chooseSizes();
  std::string query = chooseQuery();
  size_t count = g.random.pick({1, 1, 1, 2, 2, 3});
  for (size_t number = 0; number < count; ++number)
    sources.push_back(chooseSource(number));
  g.feature("sources " + std::to_string(count));
  if (!ringOffset.empty())
    query += " offset " + ringOffset;
  else if (g.random.chance(0.15))
    query += text(" offset ", g.argument(g.index(), {Fill::Integers, 0, 60}));
  else if (!isRagged && g.scope.batch.value == "%B" && Generator::isNamed(queryLength) && g.random.chance(0.15)) {
    g.feature("positions");
    Value p = g.argument(g.tensor({g.scope.batch, queryLength}, "i64"), {Fill::Integers, 0, 60});
    query += text(" positions ", p, "[b, i] : ", p.type);
  }
  if (isRagged)
    query += " rows " + rowsOf;
  if (g.random.chance(0.7))
    mask = chooseMask();
  else
    g.feature("mask none");
  if (g.random.chance(0.5))
    score = chooseScore();
  if (g.random.chance(0.25)) {
    g.feature("post");
    post = choosePost();
  }
  if (sources.size() > 1 && g.random.chance(0.4)) {
    g.feature("mask of a source");
    sources.back().mask = chooseMask();
  }
  std::string tail;
  for (const Capture &capture : captures)
    tail += text(tail.empty() ? "captures " : ", ", capture.value, capture.indices, " : ", capture.value.type);
  tail += tail.empty() ? "" : " ";
  if (normalizer == "softmax" && g.random.chance(0.3)) {
    g.feature("sink");
    bool grouped = g.random.chance(0.6);
    Value sink = g.argument(grouped ? g.tensor({groups, heads}) : g.tensor({}), {Fill::Normal});
    tail += text("sink ", sink, grouped ? "[g, r] : " : "[] : ", sink.type, " ");
  }
  std::string scale = g.random.chance(0.8) ? llvm::formatv("{0:e}", 1 / std::sqrt(double(width))).str() : "-0.5";
  return toTokens(writeWithDestinations("attn.attention " + normalizer + " scale(" + scale + ")\n      " + query, tail));
}

std::vector<Piece> attentionPieces() {
  return {{"attention", 34, [](Generator &g, Value x) { return AttentionWriter(g, x).write(); }}};
}

} // namespace attnc::fuzz
