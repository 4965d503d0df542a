// JSON to Manifest: types, ranges and keys. What the parts must say about each other is in
// ManifestCheck.cpp.
#include "attnc/Package/Manifest.h"
#include "attnc/Support/Json.h"
#include <nlohmann/json.hpp>

namespace attnc {
namespace {
using Json = nlohmann::json;

constexpr size_t maxText = 1 << 16, maxList = 1 << 20;

Error bad(std::string_view where, std::string_view why) {
  return makeError(ErrorKind::Format, "manifest: ", where, " ", why);
}

/// The fields of one object, taken one by one. The first problem is kept and reading goes on with
/// empty values, so that a parser is a list of fields; `status` tells at the end.
class Fields {
public:
  Fields(const Json &json, std::string where) : where(std::move(where)) {
    if (json.is_object())
      object = &json;
    else
      fail("", "is not an object");
  }

  std::string text(const char *key, bool orNull = false) {
    const Json *v = take(key);
    if (!v || (orNull && v->is_null()))
      return {};
    if (!v->is_string() || v->get_ref<const std::string &>().size() > maxText)
      return fail(key, "is not a text"), std::string();
    return v->get<std::string>();
  }
  int64_t number(const char *key, int64_t least, int64_t greatest) {
    const Json *v = take(key);
    return v ? numberOf(*v, key, least, greatest) : least;
  }
  bool flag(const char *key) {
    const Json *v = take(key);
    if (v && !v->is_boolean())
      fail(key, "is neither true nor false");
    return v && v->is_boolean() && v->get<bool>();
  }
  DType dtype() {
    std::string name = text("dtype");
    auto type = dtypeFromName(name);
    if (!type)
      fail("dtype", "is no element type");
    return type.value_or(DType::F32);
  }
  /// Calls `each` for every element of a list; with the index in the name of the place.
  template <class Each> void list(const char *key, Each each, bool *isNull = nullptr) {
    const Json *v = take(key);
    if (!v)
      return;
    if (isNull && (*isNull = v->is_null()))
      return;
    if (!v->is_array() || v->size() > maxList)
      return fail(key, "is not a list of a sensible length");
    for (size_t i = 0; i < v->size() && good; ++i)
      each((*v)[i], concat(where, where.empty() ? "" : ".", key, "[", i, "]"));
  }
  std::vector<int> indices(const char *key) {
    std::vector<int> out;
    list(key, [&](const Json &v, const std::string &) { out.push_back(int(numberOf(v, key, 0, INT32_MAX))); });
    return out;
  }
  std::vector<std::string> names(const char *key) {
    std::vector<std::string> out;
    list(key, [&](const Json &v, const std::string &) {
      if (v.is_string())
        out.push_back(v.get<std::string>());
      else
        fail(key, "holds something that is no name");
    });
    return out;
  }
  /// A nested object; null allowed if `isNull` is given.
  template <class Each> void nested(const char *key, Each each, bool *isNull = nullptr) {
    const Json *v = take(key);
    if (!v || (isNull && (*isNull = v->is_null())))
      return;
    each(*v, concat(where, where.empty() ? "" : ".", key));
  }
  const Json *take(const char *key) {
    ++taken;
    if (!good)
      return nullptr;
    auto at = object->find(key);
    if (at == object->end())
      return fail(key, "is missing"), nullptr;
    return &*at;
  }
  int64_t numberOf(const Json &v, std::string_view key, int64_t least, int64_t greatest) {
    bool fits = v.is_number_unsigned() ? v.get<uint64_t>() <= uint64_t(INT64_MAX) : v.is_number_integer();
    if (!fits || v.get<int64_t>() < least || v.get<int64_t>() > greatest)
      return fail(key, concat("is not an integer from ", least, " to ", greatest)), least;
    return v.get<int64_t>();
  }
  void fail(std::string_view key, std::string_view why) {
    if (good)
      problem = bad(concat(where, where.empty() || key.empty() ? "" : ".", key), why);
    good = false;
  }
  void add(Status status) {
    if (good && !status) {
      problem = status.takeError();
      good = false;
    }
  }
  bool ok() const { return good; }
  /// Success if every field held and the object has no other.
  Status status() {
    if (good && taken != object->size())
      fail("", "has an unknown key");
    return good ? Status() : Status(problem);
  }
  const std::string where;

private:
  const Json *object = nullptr;
  size_t taken = 0;
  bool good = true;
  Error problem;
};

void parseShape(Fields &f, std::vector<Dim> &shape) {
  f.list("shape", [&](const Json &v, const std::string &where) {
    if (v.is_string()) {
      shape.push_back(Dim::named(v.get<std::string>()));
    } else if (v.is_object()) {
      Fields capacity(v, where);
      shape.push_back(Dim::capacity(capacity.text("capacity")));
      f.add(capacity.status());
    } else {
      shape.push_back(Dim::fixed(f.numberOf(v, "shape", 0, maxDim)));
    }
  });
  if (shape.size() > maxRank)
    f.fail("shape", concat("has more than ", maxRank, " sizes"));
}

void parseTensors(Fields &f, const char *key, std::vector<TensorDecl> &out) {
  f.list(key, [&](const Json &v, const std::string &where) {
    Fields t(v, where);
    TensorDecl decl{t.text("name"), t.dtype(), {}};
    parseShape(t, decl.shape);
    f.add(t.status());
    out.push_back(std::move(decl));
  });
}

void parseCode(Fields &f, std::vector<CodeFile> &out) {
  f.list("code", [&](const Json &v, const std::string &where) {
    Fields c(v, where);
    out.push_back({c.text("target"), c.text("level"), c.text("file"), c.text("digest")});
    f.add(c.status());
  });
}

SourceDecl parseSource(Fields &t) {
  SourceDecl decl{t.text("name"), t.dtype(), {}};
  t.list("shape", [&](const Json &d, const std::string &) {
    decl.shape.push_back(t.numberOf(d, "shape", 0, maxDim));
  });
  return decl;
}

void parseWeights(Fields &f, Manifest &m) {
  f.nested("weights", [&](const Json &v, const std::string &where) {
    Fields w(v, where);
    std::string file = w.text("file", /*orNull=*/true);
    m.externalWeights = file.empty();
    if (!file.empty() && file != weightsFile)
      w.fail("file", "is neither \"weights.bin\" nor null");
    m.weightsDigest = w.text("digest", /*orNull=*/true);
    w.list("tensors", [&](const Json &tensor, const std::string &at) {
      Fields t(tensor, at);
      WeightDecl decl{parseSource(t), 0, 0, {}};
      decl.offset = uint64_t(t.number("offset", 0, maxDim));
      decl.bytes = uint64_t(t.number("bytes", 0, maxDim));
      bool raw = false;
      Preparation prepared;
      t.nested("prepared", [&](const Json &how, const std::string &place) {
        Fields p(how, place);
        prepared = {int(p.number("function", 0, INT32_MAX)), p.indices("sources")};
        t.add(p.status()); }, &raw);
      if (!raw)
        decl.prepared = std::move(prepared);
      w.add(t.status());
      m.weights.push_back(std::move(decl));
    });
    w.list("sources", [&](const Json &tensor, const std::string &at) {
      Fields t(tensor, at);
      m.sources.push_back(parseSource(t));
      w.add(t.status());
    });
    f.add(w.status());
  });
}

void parseStates(Fields &f, std::vector<StateDecl> &out) {
  f.list("states", [&](const Json &v, const std::string &where) {
    Fields s(v, where);
    StateDecl state;
    state.name = s.text("name");
    state.dtype = s.dtype();
    parseShape(s, state.shape);
    const Json *init = s.take("init");
    if (init && !init->is_null())
      state.init = int(s.numberOf(*init, "init", 0, INT32_MAX));
    state.initResult = int(s.number("init_result", 0, INT32_MAX));
    bool noRing = false;
    s.nested("ring", [&](const Json &ring, const std::string &at) {
      Fields r(ring, at);
      RingDecl decl;
      decl.dim = int(r.number("dim", 0, int64_t(maxRank)));
      decl.count = r.text("count");
      decl.unit = r.number("unit", 1, maxDim);
      decl.pinned = r.number("pinned", 0, maxDim);
      state.ring = std::move(decl);
      s.add(r.status()); }, &noRing);
    f.add(s.status());
    out.push_back(std::move(state));
  });
}

void parseKernels(Fields &f, std::vector<KernelInfo> &out) {
  f.list("kernels", [&](const Json &v, const std::string &where) {
    Fields k(v, where);
    KernelInfo kernel{k.text("name"), k.text("symbol"), k.number("calls", 0, INT64_MAX), k.text("ops"), {}, {}};
    kernel.flops = k.text("flops", /*orNull=*/true);
    kernel.bytes = k.text("bytes", /*orNull=*/true);
    f.add(k.status());
    out.push_back(std::move(kernel));
  });
}

void parsePlan(Fields &f, std::vector<PlanBuffer> &out) {
  f.list("plan", [&](const Json &v, const std::string &where) {
    Fields p(v, where);
    PlanBuffer buffer;
    buffer.name = p.text("name");
    std::vector<PlanTerm> terms;
    bool unknown = false;
    p.list("size", [&](const Json &term, const std::string &at) {
      Fields t(term, at);
      terms.push_back({t.number("coef", -maxDim, maxDim), t.names("dims")});
      p.add(t.status()); }, &unknown);
    if (!unknown)
      buffer.size = std::move(terms);
    buffer.first = int(p.number("first", 0, INT32_MAX));
    buffer.last = int(p.number("last", 0, INT32_MAX));
    buffer.below = p.indices("below");
    f.add(p.status());
    out.push_back(std::move(buffer));
  });
}

void parseFunctions(Fields &f, std::vector<Function> &out) {
  f.list("functions", [&](const Json &v, const std::string &where) {
    Fields g(v, where);
    Function function;
    function.name = g.text("name");
    std::string kind = g.text("kind");
    for (auto known : {Function::Kind::Entry, Function::Kind::Init, Function::Kind::Prepare})
      if (kind == kindName(known))
        function.kind = known;
    if (kind != kindName(function.kind))
      g.fail("kind", "is none of \"entry\", \"init\" and \"prepare\"");
    function.symbol = g.text("symbol");
    function.sizeSymbol = g.text("size_symbol");
    function.dims = g.names("dims");
    g.list("bounds", [&](const Json &bound, const std::string &at) {
      Fields b(bound, at);
      function.bounds.push_back({b.text("size"), b.number("least", 0, maxDim), b.number("most", 0, maxDim)});
      g.add(b.status());
    });
    parseTensors(g, "inputs", function.inputs);
    parseTensors(g, "outputs", function.outputs);
    g.list("states", [&](const Json &use, const std::string &at) {
      Fields u(use, at);
      function.states.push_back({int(u.number("state", 0, INT32_MAX)), u.flag("reads"), u.flag("writes")});
      g.add(u.status());
    });
    function.weights = g.indices("weights");
    function.hasLoops = g.flag("has_loops");
    parseKernels(g, function.kernels);
    parsePlan(g, function.plan);
    g.list("loops", [&](const Json &loop, const std::string &at) {
      Fields l(loop, at);
      function.loops.push_back({int(l.number("first", 0, INT32_MAX)), int(l.number("last", 0, INT32_MAX))});
      g.add(l.status());
    });
    f.add(g.status());
    out.push_back(std::move(function));
  });
}

} // namespace

Expected<Manifest> parseManifest(std::string_view text) {
  ATTNC_TRY(Json json, parseJson(text, "the manifest"));
  Fields f(json, "");
  int64_t format = f.number("format", 1, INT64_MAX);
  // Before anything else: a newer format may have other keys.
  if (f.ok() && format > manifestFormat)
    return makeError(ErrorKind::Unsupported, "the package has format ", format,
                     ", this version of attnc reads format ", manifestFormat,
                     ": use a newer attnc, or compile the model again");
  if (f.ok() && format < manifestFormat)
    return makeError(ErrorKind::Unsupported, "the package has format ", format,
                     ", this version of attnc reads format ", manifestFormat, ": compile the model again");
  Manifest m;
  m.producer = f.text("producer");
  m.name = f.text("name");
  parseCode(f, m.code);
  parseWeights(f, m);
  parseStates(f, m.states);
  parseFunctions(f, m.functions);
  ATTNC_CHECK(f.status());
  ATTNC_CHECK(checkManifest(m));
  return m;
}

} // namespace attnc
