#include "attnc/Package/Inspect.h"
#include "attnc/Support/Text.h"
#include <algorithm>

namespace attnc {
namespace {

using Align = Table::Align;

std::string joined(const std::vector<std::string> &words, std::string_view separator) {
  std::string out;
  for (auto &word : words)
    out += (out.empty() ? "" : std::string(separator)) + word;
  return out;
}

/// "256·B·T + 64"; "by the code" when it is no polynomial.
std::string sizeFormula(const PlanBuffer &buffer) {
  if (!buffer.size)
    return "by the code";
  std::vector<std::string> terms;
  for (auto &term : *buffer.size)
    terms.push_back(concat(term.coef) + (term.dims.empty() ? "" : "·" + joined(term.dims, "·")));
  return terms.empty() ? "0" : joined(terms, " + ");
}

class Inspector {
public:
  Inspector(const PackageFile &package, const InspectOptions &options)
      : package(package), m(package.manifest()), options(options) {}

  std::string text() {
    head();
    if (!m.states.empty())
      states();
    for (auto &f : m.functions)
      if (f.kind != Function::Kind::Prepare)
        function(f);
    if (!m.sources.empty())
      preparations();
    if (options.listWeights)
      weights();
    return std::move(out);
  }

private:
  void heading(std::string_view text) {
    out += concat("\n", options.bold ? "\033[1m" : "", text, options.bold ? "\033[0m" : "", "\n");
  }
  void add(const Table &table) {
    if (!table.empty())
      out += table.text(2, options.width);
  }

  void head() {
    std::vector<std::string> levels;
    for (auto &c : m.code)
      levels.push_back(concat(c.target, " ", c.level));
    uint64_t bytes = 0;
    for (auto &w : m.weights)
      bytes += w.bytes;
    out += concat(options.bold ? "\033[1m" : "", m.name.empty() ? "package" : m.name, options.bold ? "\033[0m" : "",
                  "\n");
    Table table({{"file"}, {package.path()}});
    table.add({"size", humanBytes(package.fileBytes())});
    table.add({"format", concat(manifestFormat, ", made by ", m.producer)});
    table.add({"code", joined(levels, ", ")});
    auto prepared = std::ranges::count_if(m.weights, [](const WeightDecl &w) { return w.prepared.has_value(); });
    table.add({"weights", concat(m.weights.size(), " tensors, ", humanBytes(bytes), m.externalWeights ? ", not in the package" : "",
                                 prepared ? concat("; ", prepared, " prepared from ", m.sources.size(), " of the model's") : "")});
    table.add({"signature", signatureOf(m)});
    add(table);
  }

  void states() {
    heading("states");
    Table table({{"name"}, {"dtype"}, {"shape"}, {"begins as"}, {"ring"}});
    for (auto &s : m.states) {
      std::string ring;
      if (s.ring)
        ring = concat("along dimension ", s.ring->dim, ", rows = ", s.ring->count, " × ", s.ring->unit,
                      s.ring->pinned ? concat(", ", s.ring->pinned, " pinned") : "");
      std::string shape = shapeText(s.shape);
      for (auto &dim : s.shape)
        if (dim.kind == Dim::Kind::Capacity)
          shape += concat(" (", dim.name, ": capacity)");
      table.add({s.name, std::string(dtypeName(s.dtype)), shape,
                 s.init ? m.functions[size_t(*s.init)].name : "zeros", ring});
    }
    add(table);
  }

  void function(const Function &f) {
    heading(concat(f.kind == Function::Kind::Entry ? "entry " : "initial states ", f.name,
                   f.hasLoops ? " (with loops)" : "", f.dims.empty() ? "" : ", sizes ", joined(f.dims, ", ")));
    Table table({{""}, {"name"}, {"dtype"}, {"shape"}});
    for (auto &t : f.inputs)
      table.add({"input", t.name, std::string(dtypeName(t.dtype)), shapeText(t.shape)});
    for (auto &t : f.outputs)
      table.add({"output", t.name, std::string(dtypeName(t.dtype)), shapeText(t.shape)});
    for (auto &use : f.states) {
      auto &s = m.states[size_t(use.state)];
      table.add({use.writes ? "state" : "state, read", s.name, std::string(dtypeName(s.dtype)), shapeText(s.shape)});
    }
    add(table);
    kernels(f);
    plan(f);
  }

  void kernels(const Function &f) {
    if (f.kernels.empty())
      return;
    out += "\n";
    bool counted = std::ranges::any_of(f.kernels, [](const KernelInfo &k) { return !k.flops.empty() || !k.bytes.empty(); });
    std::vector<Table::Column> columns = {{"kernel"}, {"calls", Align::Right}};
    if (counted)
      columns.insert(columns.end(), {{"FLOP", Align::Right}, {"bytes", Align::Right}});
    columns.push_back({"operations"});
    Table table(columns);
    for (auto &k : f.kernels) {
      std::vector<std::string> cells = {k.name, concat(k.calls)};
      if (counted)
        cells.insert(cells.end(), {k.flops, k.bytes});
      cells.push_back(k.ops);
      table.add(std::move(cells));
    }
    add(table);
  }

  void plan(const Function &f) {
    if (f.plan.empty())
      return;
    auto at = evaluatePlan(f, options.sizes);
    out += "\n";
    std::vector<Table::Column> columns = {{"buffer", Align::Right}, {"first written by"}, {"steps", Align::Right}, {"size in bytes", Align::Right}};
    if (at)
      columns.insert(columns.end(), {{"offset", Align::Right}, {"size", Align::Right}});
    columns.push_back({"lies above"});
    Table table(columns);
    for (size_t i = 0; i < f.plan.size(); ++i) {
      const PlanBuffer &b = f.plan[i];
      std::vector<std::string> below, cells = {concat(i), b.name, concat(b.first, "-", b.last), sizeFormula(b)};
      for (int id : b.below)
        below.push_back(concat(id));
      if (at)
        cells.insert(cells.end(), {concat(at->offsets[i]), humanBytes(at->sizes[i])});
      cells.push_back(joined(below, " "));
      table.add(std::move(cells));
    }
    add(table);
    if (at && at->live)
      out += concat("  arena: ", humanBytes(at->bytes), "; the largest sum of live buffers: ", humanBytes(at->live), ", at step ", at->peak, " (the arena is ",
                    (at->bytes * 100 + at->live / 2) / at->live, " % of it)\n");
  }

  /// The functions that prepare weights, and of which shape.
  void preparations() {
    heading("prepared weights");
    Table table({{"function"}, {"makes", Align::Right}, {"dtype"}, {"shape"}, {"operations"}});
    for (size_t i = 0; i < m.functions.size(); ++i) {
      const Function &f = m.functions[i];
      if (f.kind != Function::Kind::Prepare)
        continue;
      auto made = std::ranges::count_if(m.weights, [&](const WeightDecl &w) { return w.prepared && w.prepared->function == int(i); });
      std::vector<std::string> operations;
      for (auto &k : f.kernels)
        operations.push_back(k.ops);
      table.add({f.name, concat(made), std::string(dtypeName(f.outputs[0].dtype)), shapeText(f.outputs[0].shape), joined(operations, ", ")});
    }
    add(table);
  }

  /// "prepare_pack(q.weight)".
  std::string madeBy(const Preparation &prepared) const {
    std::vector<std::string> names;
    for (int s : prepared.sources)
      names.push_back(m.sources[size_t(s)].name);
    return concat(m.functions[size_t(prepared.function)].name, "(", joined(names, ", "), ")");
  }

  void weights() {
    heading("weights");
    std::vector<Table::Column> columns = {{"name"}, {"dtype"}, {"shape"}, {"bytes", Align::Right}};
    if (!m.sources.empty())
      columns.push_back({"made by"});
    Table table(columns);
    for (auto &w : m.weights) {
      std::vector<std::string> cells = {w.name, std::string(dtypeName(w.dtype)), shapeText(w.shape), humanBytes(w.bytes)};
      if (w.prepared)
        cells.push_back(madeBy(*w.prepared));
      table.add(std::move(cells));
    }
    add(table);
  }

  const PackageFile &package;
  const Manifest &m;
  const InspectOptions &options;
  std::string out;
};

/// A sum of products, in range.
std::optional<uint64_t> evaluateSize(const PlanBuffer &buffer, const std::map<std::string, int64_t> &sizes) {
  if (!buffer.size)
    return std::nullopt;
  int64_t sum = 0;
  for (auto &term : *buffer.size) {
    int64_t product = term.coef;
    for (auto &dim : term.dims) {
      auto at = sizes.find(dim);
      if (at == sizes.end() || __builtin_mul_overflow(product, at->second, &product))
        return std::nullopt;
    }
    if (__builtin_add_overflow(sum, product, &sum))
      return std::nullopt;
  }
  return sum < 0 || sum > maxDim ? std::nullopt : std::optional(uint64_t(sum));
}

} // namespace

std::optional<PlanAt> evaluatePlan(const Function &function, const std::map<std::string, int64_t> &sizes) {
  auto &plan = function.plan;
  PlanAt out;
  for (auto &buffer : plan) {
    auto size = evaluateSize(buffer, sizes);
    if (!size)
      return std::nullopt;
    out.sizes.push_back(*size);
  }
  // "below" has no cycles (checkManifest), so rounds over the list settle; the compiler's order
  // (lower buffers first) settles in one.
  out.offsets.assign(plan.size(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < plan.size(); ++i)
      for (int b : plan[i].below)
        if (uint64_t end = out.offsets[size_t(b)] + out.sizes[size_t(b)]; end > out.offsets[i]) {
          if (end > uint64_t(maxDim))
            return std::nullopt;
          out.offsets[i] = end;
          changed = true;
        }
  }
  for (size_t i = 0; i < plan.size(); ++i) {
    out.bytes = std::max(out.bytes, out.offsets[i] + out.sizes[i]);
    uint64_t live = 0; // the sum grows only where a buffer begins
    for (size_t j = 0; j < plan.size(); ++j)
      live += plan[j].first <= plan[i].first && plan[i].first <= plan[j].last ? out.sizes[j] : 0;
    if (live > out.live) {
      out.live = live;
      out.peak = plan[i].first;
    }
  }
  return out;
}

std::string inspectText(const PackageFile &package, const InspectOptions &options) {
  return Inspector(package, options).text();
}

} // namespace attnc
