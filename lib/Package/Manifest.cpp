#include "attnc/Package/Manifest.h"
#include "attnc/Support/Digest.h"
#include <algorithm>

namespace attnc {

std::string shapeText(const std::vector<Dim> &shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    out += concat(i ? ", " : "", shape[i].isStatic() ? concat(shape[i].value) : shape[i].name);
  return out + "]";
}

std::string_view kindName(Function::Kind kind) {
  constexpr std::string_view names[] = {"entry", "init", "prepare"};
  return names[size_t(kind)];
}

const Function *Manifest::findFunction(std::string_view name) const {
  for (auto &f : functions)
    if (f.name == name)
      return &f;
  return nullptr;
}

int Manifest::findState(std::string_view name) const {
  for (size_t i = 0; i < states.size(); ++i)
    if (states[i].name == name)
      return int(i);
  return -1;
}

bool Manifest::isCapacity(std::string_view dim) const {
  return std::any_of(states.begin(), states.end(), [&](const StateDecl &state) {
    return std::any_of(state.shape.begin(), state.shape.end(), [&](const Dim &d) {
      return d.kind == Dim::Kind::Capacity && d.name == dim;
    });
  });
}

std::vector<std::string> Manifest::entryNames() const {
  std::vector<std::string> out;
  for (auto &f : functions)
    if (f.kind == Function::Kind::Entry)
      out.push_back(f.name);
  return out;
}

int dimIndex(const Function &function, std::string_view name) {
  auto at = std::find(function.dims.begin(), function.dims.end(), name);
  return at == function.dims.end() ? -1 : int(at - function.dims.begin());
}

namespace {
std::string tensorLine(const TensorDecl &t) {
  return concat(t.name, " ", dtypeName(t.dtype), " ", shapeText(t.shape), "\n");
}
std::string tensorLine(const SourceDecl &t) {
  return concat(t.name, " ", dtypeName(t.dtype), " ", shapeText(t.shape), "\n");
}
} // namespace

std::string signatureOf(const Manifest &m) {
  // One line for each thing; names hold no spaces, so the text is unambiguous.
  std::string text = "attnc signature 1\n";
  for (auto &s : m.sources)
    text += "source " + tensorLine(s);
  for (auto &w : m.weights) {
    text += "weight " + tensorLine(w);
    if (!w.prepared)
      continue;
    text += concat(" prepared ", w.prepared->function);
    for (int s : w.prepared->sources)
      text += concat(" ", s);
    text += "\n";
  }
  for (auto &s : m.states) {
    text += "state " + tensorLine(s);
    for (auto &dim : s.shape)
      if (dim.kind == Dim::Kind::Capacity)
        text += concat(" capacity ", dim.name, "\n");
    if (s.init)
      text += concat(" init ", *s.init, " ", s.initResult, "\n");
    if (s.ring)
      text += concat(" ring ", s.ring->dim, " ", s.ring->count, " ", s.ring->unit, " ", s.ring->pinned, "\n");
  }
  for (auto &f : m.functions) {
    text += concat("function ", f.name, " ", int(f.kind), " ", f.symbol, " ", f.sizeSymbol, "\n");
    for (auto &dim : f.dims)
      text += concat(" dim ", dim, "\n");
    for (auto &t : f.inputs)
      text += " input " + tensorLine(t);
    for (auto &t : f.outputs)
      text += " output " + tensorLine(t);
    for (auto &use : f.states)
      text += concat(" state ", use.state, " ", int(use.reads), " ", int(use.writes), "\n");
    for (int w : f.weights)
      text += concat(" weight ", w, "\n");
  }
  return digestOf(text);
}

} // namespace attnc
