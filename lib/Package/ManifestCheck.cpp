// The rules of Manifest.h, beyond types and keys. Everything that lib/Runtime later uses as an index,
// a length or a name was checked here.
#include "attnc/Package/Manifest.h"
#include "attnc/Support/Digest.h"
#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>

namespace attnc {
namespace {

constexpr size_t maxName = 256, maxText = 1 << 16;

template <class... Parts> Error bad(const Parts &...parts) {
  return makeError(ErrorKind::Format, "manifest: ", parts...);
}

/// Names of tensors, sizes, functions: printable ASCII without space, quotes and what the command
/// line uses.
Status checkName(std::string_view what, std::string_view name) {
  bool sane = !name.empty() && name.size() <= maxName && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7f && !std::strchr("\"'`\\=@,", c);
  });
  return sane ? Status() : bad("the name of ", what, " is empty, too long or has odd characters");
}

/// C identifiers.
Status checkSymbol(std::string_view name) {
  bool sane = !name.empty() && name.size() <= maxName && !(name[0] >= '0' && name[0] <= '9') &&
              std::all_of(name.begin(), name.end(), [](char c) {
                return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '$';
              });
  return sane ? Status() : bad("a symbol is not an identifier");
}

/// Text that is shown to people: no control characters, which a terminal would obey.
Status checkText(std::string_view what, std::string_view text) {
  bool sane = text.size() <= maxText && std::none_of(text.begin(), text.end(), [](char c) {
                return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
              });
  // C1 controls are two bytes in UTF-8: C2 80 to C2 9F.
  for (size_t i = 0; sane && i + 1 < text.size(); ++i)
    sane = !(text[i] == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0);
  return sane ? Status() : bad(what, " is too long or has control characters");
}

Status checkShape(std::string_view what, const std::vector<Dim> &shape, bool inState) {
  if (shape.size() > maxRank)
    return bad(what, " has more than ", maxRank, " sizes");
  for (auto &dim : shape) {
    if (dim.isStatic() && (dim.value < 0 || dim.value > maxDim))
      return bad(what, " has size ", dim.value);
    if (dim.kind == Dim::Kind::Capacity && !inState)
      return bad(what, " has a capacity, which only states may have");
    if (!dim.isStatic())
      ATTNC_CHECK(checkName("a size", dim.name));
  }
  return {};
}

template <class List> Status checkUnique(std::string_view what, const List &list) {
  std::set<std::string_view> names;
  for (auto &item : list)
    if (!names.insert(item.name).second)
      return bad(what, " '", item.name, "' occurs twice");
  return {};
}

Status checkCode(const Manifest &m) {
  if (m.code.empty())
    return bad("there is no code");
  std::set<std::string_view> levels;
  for (auto &c : m.code) {
    if (c.target != "cpu" || (c.level != "avx2" && c.level != "avx512"))
      return bad("code for target '", c.target, "', level '", c.level, "' is not known");
    if (c.file != concat("code/", c.level, ".so"))
      return bad("the file of level ", c.level, " is not code/", c.level, ".so");
    if (!isDigest(c.digest))
      return bad("the digest of ", c.file, " is not a digest");
    if (!levels.insert(c.level).second)
      return bad("level ", c.level, " occurs twice");
  }
  return {};
}

bool fits(const TensorDecl &decl, const SourceDecl &tensor) {
  bool same = decl.dtype == tensor.dtype && decl.shape.size() == tensor.shape.size();
  for (size_t i = 0; same && i < tensor.shape.size(); ++i)
    same = decl.shape[i] == Dim::fixed(tensor.shape[i]);
  return same;
}

/// A prepared weight is what its function makes of the sources.
Status checkPrepared(const Manifest &m, const WeightDecl &w) {
  auto [function, sources] = *w.prepared;
  bool there = function >= 0 && size_t(function) < m.functions.size() &&
               m.functions[size_t(function)].kind == Function::Kind::Prepare;
  if (!there)
    return bad("weight '", w.name, "' is prepared by function ", function, ", which is no function that prepares");
  const Function &f = m.functions[size_t(function)];
  if (sources.size() != f.inputs.size())
    return bad("weight '", w.name, "' is prepared from ", sources.size(), " sources, '", f.name, "' takes ", f.inputs.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] < 0 || size_t(sources[i]) >= m.sources.size())
      return bad("weight '", w.name, "' is prepared from source ", sources[i], ", which is not there");
    if (const SourceDecl &source = m.sources[size_t(sources[i])]; !fits(f.inputs[i], source))
      return bad("source '", source.name, "' of weight '", w.name, "' is ", dtypeName(source.dtype), " ", shapeText(source.shape),
                 ", '", f.name, "' takes ", dtypeName(f.inputs[i].dtype), " ", shapeText(f.inputs[i].shape));
  }
  if (!fits(f.outputs[0], w))
    return bad("weight '", w.name, "' is ", dtypeName(w.dtype), " ", shapeText(w.shape), ", '", f.name, "' makes ",
               dtypeName(f.outputs[0].dtype), " ", shapeText(f.outputs[0].shape));
  return {};
}

Status checkSources(const Manifest &m) {
  for (auto &s : m.sources) {
    ATTNC_CHECK(checkName("a source", s.name));
    if (s.shape.size() > maxRank || !tensorBytes(s.dtype, s.shape))
      return bad("source '", s.name, "' has an impossible shape");
  }
  for (auto &w : m.weights)
    if (w.prepared)
      ATTNC_CHECK(checkPrepared(m, w));
  return checkUnique("source", m.sources);
}

Status checkWeights(const Manifest &m) {
  if (m.externalWeights ? !m.weightsDigest.empty() : !isDigest(m.weightsDigest))
    return bad("the digest of the weights is not what it should be");
  uint64_t end = 0;
  for (auto &w : m.weights) {
    ATTNC_CHECK(checkName("a weight", w.name));
    auto bytes = w.shape.size() <= maxRank ? tensorBytes(w.dtype, w.shape) : std::nullopt;
    if (!bytes || *bytes != w.bytes)
      return bad("weight '", w.name, "' has ", w.bytes, " bytes, which is not the size of ",
                 dtypeName(w.dtype), " ", shapeText(w.shape));
    bool placed = m.externalWeights ? w.offset == 0 : w.offset % weightAlignment == 0 && w.offset >= end;
    if (!placed || w.offset > uint64_t(maxDim))
      return bad("weight '", w.name, "' lies at offset ", w.offset);
    end = w.offset + w.bytes;
  }
  return checkUnique("weight", m.weights);
}

Status checkRing(const Manifest &m, const StateDecl &s) {
  const RingDecl &ring = *s.ring;
  int count = m.findState(ring.count);
  if (ring.dim < 0 || size_t(ring.dim) >= s.shape.size())
    return bad("the ring of state '", s.name, "' runs along dimension ", ring.dim, " of ", s.shape.size());
  if (count < 0 || !m.states[size_t(count)].shape.empty() || isFloat(m.states[size_t(count)].dtype) ||
      m.states[size_t(count)].dtype == DType::I1)
    return bad("the ring of state '", s.name, "' counts by '", ring.count, "', which is no integer scalar state");
  const Dim &dim = s.shape[size_t(ring.dim)];
  if (dim.kind == Dim::Kind::Named)
    return bad("the ring of state '", s.name, "' has a length that is neither static nor a capacity");
  bool room = !dim.isStatic() || dim.value > ring.pinned;
  if (ring.unit < 1 || ring.unit > maxDim || ring.pinned < 0 || ring.pinned > maxDim || !room)
    return bad("the ring of state '", s.name, "' has a unit or a pinned length out of range");
  return {};
}

/// Result `initResult` of `init` is the state.
Status checkInit(const Manifest &m, const StateDecl &s) {
  if (*s.init < 0 || size_t(*s.init) >= m.functions.size())
    return bad("state '", s.name, "' is initialised by function ", *s.init, ", which is not there");
  const Function &f = m.functions[size_t(*s.init)];
  if (f.kind != Function::Kind::Init || s.initResult < 0 || size_t(s.initResult) >= f.outputs.size())
    return bad("state '", s.name, "' is initialised by result ", s.initResult, " of '", f.name,
               "', which is not there");
  const TensorDecl &result = f.outputs[size_t(s.initResult)];
  bool same = result.dtype == s.dtype && result.shape.size() == s.shape.size();
  for (size_t i = 0; same && i < s.shape.size(); ++i)
    same = s.shape[i].isStatic() ? result.shape[i] == s.shape[i]
                                 : !result.shape[i].isStatic() && result.shape[i].name == s.shape[i].name;
  if (!same)
    return bad("state '", s.name, "' is ", dtypeName(s.dtype), " ", shapeText(s.shape),
               ", its initial value is ", dtypeName(result.dtype), " ", shapeText(result.shape));
  return {};
}

Status checkStates(const Manifest &m) {
  std::set<std::pair<int, int>> results;
  for (auto &s : m.states) {
    ATTNC_CHECK(checkName("a state", s.name));
    ATTNC_CHECK(checkShape(concat("state '", s.name, "'"), s.shape, /*inState=*/true));
    for (auto &dim : s.shape)
      if (dim.kind == Dim::Kind::Named && m.isCapacity(dim.name))
        return bad("size '", dim.name, "' is both a capacity and a named size of a state");
    if (s.ring)
      ATTNC_CHECK(checkRing(m, s));
    if (!s.init)
      continue;
    ATTNC_CHECK(checkInit(m, s));
    if (!results.insert({*s.init, s.initResult}).second)
      return bad("one result initialises two states");
  }
  return checkUnique("state", m.states);
}

Status checkTensors(const Function &f, std::string_view what, const std::vector<TensorDecl> &list) {
  for (auto &t : list) {
    ATTNC_CHECK(checkName(what, t.name));
    ATTNC_CHECK(checkShape(concat(what, " '", t.name, "'"), t.shape, /*inState=*/false));
    for (auto &dim : t.shape)
      if (!dim.isStatic() && dimIndex(f, dim.name) < 0)
        return bad("size '", dim.name, "' of ", what, " '", t.name, "' is not among the sizes of '", f.name, "'");
  }
  return checkUnique(what, list);
}

Status checkPlan(const Function &f) {
  for (size_t i = 0; i < f.plan.size(); ++i) {
    const PlanBuffer &b = f.plan[i];
    ATTNC_CHECK(checkText("a name in the memory plan", b.name));
    if (b.first < 0 || b.last < b.first)
      return bad("buffer '", b.name, "' of the memory plan lives from ", b.first, " to ", b.last);
    for (auto &term : b.size.value_or(std::vector<PlanTerm>()))
      for (auto &dim : term.dims)
        if (term.dims.size() > maxRank || dimIndex(f, dim) < 0)
          return bad("buffer '", b.name, "' of the memory plan has an unknown size");
    for (int below : b.below)
      if (below < 0 || size_t(below) >= f.plan.size())
        return bad("buffer '", b.name, "' of the memory plan lies above buffer ", below, ", which is not there");
  }
  // No cycles: take away buffers that lie above nothing until none is left (Kahn).
  std::vector<size_t> open(f.plan.size()), ready;
  std::vector<std::vector<size_t>> above(f.plan.size());
  for (size_t i = 0; i < f.plan.size(); ++i) {
    open[i] = f.plan[i].below.size();
    for (int below : f.plan[i].below)
      above[size_t(below)].push_back(i);
    if (!open[i])
      ready.push_back(i);
  }
  for (size_t next = 0; next < ready.size(); ++next)
    for (size_t user : above[ready[next]])
      if (--open[user] == 0)
        ready.push_back(user);
  if (ready.size() != f.plan.size())
    return bad("the memory plan of '", f.name, "' goes in a circle");
  return {};
}

Status checkStateUses(const Manifest &m, const Function &f) {
  std::set<int> seen;
  for (auto &use : f.states) {
    if (use.state < 0 || size_t(use.state) >= m.states.size() || !seen.insert(use.state).second)
      return bad("'", f.name, "' uses state ", use.state, ", which is not there, or twice");
    for (auto &dim : m.states[size_t(use.state)].shape)
      if (!dim.isStatic() && dimIndex(f, dim.name) < 0)
        return bad("size '", dim.name, "' of state '", m.states[size_t(use.state)].name,
                   "' is not among the sizes of '", f.name, "'");
  }
  return {};
}

Status checkFunction(const Manifest &m, const Function &f) {
  ATTNC_CHECK(checkName("a function", f.name));
  ATTNC_CHECK(checkSymbol(f.symbol));
  ATTNC_CHECK(checkSymbol(f.sizeSymbol));
  std::set<std::string_view> dims(f.dims.begin(), f.dims.end());
  if (dims.size() != f.dims.size())
    return bad("'", f.name, "' has a size twice");
  for (auto &dim : f.dims)
    ATTNC_CHECK(checkName("a size", dim));
  std::set<std::string_view> bounded;
  for (auto &b : f.bounds)
    if (dimIndex(f, b.size) < 0 || !bounded.insert(b.size).second || b.least > b.most)
      return bad("'", f.name, "' bounds size '", b.size, "' by ", b.least, " to ", b.most, ": expected one of its sizes, once, and a range");
  ATTNC_CHECK(checkTensors(f, "input", f.inputs));
  ATTNC_CHECK(checkTensors(f, "output", f.outputs));
  ATTNC_CHECK(checkStateUses(m, f));
  if (f.kind == Function::Kind::Init && !(f.inputs.empty() && f.states.empty()))
    return bad("'", f.name, "' makes initial states and may have neither inputs nor states");
  if (f.kind == Function::Kind::Prepare && !(f.dims.empty() && f.states.empty() && f.weights.empty() && f.outputs.size() == 1))
    return bad("'", f.name, "' prepares a weight: expected one output, static sizes, no states and no weights");
  for (int w : f.weights)
    if (w < 0 || size_t(w) >= m.weights.size())
      return bad("'", f.name, "' uses weight ", w, ", which is not there");
  for (auto &k : f.kernels)
    for (auto *text : {&k.name, &k.symbol, &k.ops, &k.flops, &k.bytes})
      ATTNC_CHECK(checkText("a kernel's text", *text));
  return checkPlan(f);
}

} // namespace

Status checkManifest(const Manifest &m) {
  ATTNC_CHECK(checkText("the producer", m.producer));
  ATTNC_CHECK(checkText("the name", m.name));
  ATTNC_CHECK(checkCode(m));
  ATTNC_CHECK(checkWeights(m));
  ATTNC_CHECK(checkUnique("function", m.functions));
  for (auto &f : m.functions)
    ATTNC_CHECK(checkFunction(m, f));
  ATTNC_CHECK(checkSources(m));
  return checkStates(m);
}

} // namespace attnc
