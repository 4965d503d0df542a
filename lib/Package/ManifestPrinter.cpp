#include "attnc/Package/Manifest.h"
#include "attnc/Support/Json.h"

namespace attnc {
namespace {

void printText(JsonWriter &w, std::string_view key, const std::string &text) {
  w.key(key);
  text.empty() ? w.null() : w.value(text);
}

void printShape(JsonWriter &w, const std::vector<Dim> &shape) {
  w.key("shape").beginList(true);
  for (auto &dim : shape) {
    if (dim.isStatic())
      w.value(dim.value);
    else if (dim.kind == Dim::Kind::Named)
      w.value(dim.name);
    else
      w.beginObject().field("capacity", dim.name).endObject();
  }
  w.endList();
}

void printTensors(JsonWriter &w, std::string_view key, const std::vector<TensorDecl> &tensors) {
  w.key(key).beginList();
  for (auto &t : tensors) {
    w.beginObject(true).field("name", t.name).field("dtype", dtypeName(t.dtype));
    printShape(w, t.shape);
    w.endObject();
  }
  w.endList();
}

template <class List> void printList(JsonWriter &w, std::string_view key, const List &list) {
  w.key(key).beginList(true);
  for (auto &value : list)
    w.value(value);
  w.endList();
}

void printState(JsonWriter &w, const StateDecl &s) {
  w.beginObject(true).field("name", s.name).field("dtype", dtypeName(s.dtype));
  printShape(w, s.shape);
  w.key("init");
  s.init ? w.value(*s.init) : w.null();
  w.field("init_result", s.initResult).key("ring");
  if (s.ring)
    w.beginObject().field("dim", s.ring->dim).field("count", s.ring->count).field("unit", s.ring->unit).field("pinned", s.ring->pinned).endObject();
  else
    w.null();
  w.endObject();
}

void printPlan(JsonWriter &w, const std::vector<PlanBuffer> &plan) {
  w.key("plan").beginList();
  for (auto &b : plan) {
    w.beginObject(true).field("name", b.name).key("size");
    if (b.size) {
      w.beginList();
      for (auto &term : *b.size) {
        w.beginObject().field("coef", term.coef);
        printList(w, "dims", term.dims);
        w.endObject();
      }
      w.endList();
    } else {
      w.null();
    }
    w.field("first", b.first).field("last", b.last);
    printList(w, "below", b.below);
    w.endObject();
  }
  w.endList();
}

void printFunction(JsonWriter &w, const Function &f) {
  w.beginObject().field("name", f.name);
  w.field("kind", kindName(f.kind));
  w.field("symbol", f.symbol).field("size_symbol", f.sizeSymbol);
  printList(w, "dims", f.dims);
  w.key("bounds").beginList();
  for (auto &b : f.bounds)
    w.beginObject(true).field("size", b.size).field("least", b.least).field("most", b.most).endObject();
  w.endList();
  printTensors(w, "inputs", f.inputs);
  printTensors(w, "outputs", f.outputs);
  w.key("states").beginList();
  for (auto &use : f.states)
    w.beginObject(true).field("state", use.state).field("reads", use.reads).field("writes", use.writes).endObject();
  w.endList();
  printList(w, "weights", f.weights);
  w.field("has_loops", f.hasLoops);
  w.key("kernels").beginList();
  for (auto &k : f.kernels) {
    w.beginObject(true).field("name", k.name).field("symbol", k.symbol).field("calls", k.calls);
    w.field("ops", k.ops);
    printText(w, "flops", k.flops);
    printText(w, "bytes", k.bytes);
    w.endObject();
  }
  w.endList();
  printPlan(w, f.plan);
  w.key("loops").beginList(true);
  for (auto &loop : f.loops)
    w.beginObject().field("first", loop.first).field("last", loop.last).endObject();
  w.endList();
  w.endObject();
}

} // namespace

std::string printManifest(const Manifest &m) {
  JsonWriter w;
  w.beginObject().field("format", manifestFormat).field("producer", m.producer).field("name", m.name);
  w.key("code").beginList();
  for (auto &c : m.code)
    w.beginObject(true).field("target", c.target).field("level", c.level).field("file", c.file).field("digest", c.digest).endObject();
  w.endList();
  w.key("weights").beginObject().key("file");
  m.externalWeights ? w.null() : w.value(weightsFile);
  printText(w, "digest", m.weightsDigest);
  w.key("tensors").beginList();
  for (auto &t : m.weights) {
    w.beginObject(true).field("name", t.name).field("dtype", dtypeName(t.dtype));
    printList(w, "shape", t.shape);
    w.field("offset", t.offset).field("bytes", t.bytes).key("prepared");
    if (t.prepared) {
      w.beginObject().field("function", t.prepared->function);
      printList(w, "sources", t.prepared->sources);
      w.endObject();
    } else {
      w.null();
    }
    w.endObject();
  }
  w.endList().key("sources").beginList();
  for (auto &t : m.sources) {
    w.beginObject(true).field("name", t.name).field("dtype", dtypeName(t.dtype));
    printList(w, "shape", t.shape);
    w.endObject();
  }
  w.endList().endObject();
  w.key("states").beginList();
  for (auto &s : m.states)
    printState(w, s);
  w.endList().key("functions").beginList();
  for (auto &f : m.functions)
    printFunction(w, f);
  return w.endList().endObject().take() + "\n";
}

} // namespace attnc
