// Results as tables for people and as JSON for programs.
#include "Bench.h"
#include "attnc/Support/Json.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace attnc {
std::string fixedDigits(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string milliseconds(double seconds) {
  double ms = seconds * 1e3;
  int digits = ms <= 0 ? 0 : std::clamp(2 - int(std::floor(std::log10(ms))), 0, 6);
  return fixedDigits(ms, digits);
}

std::string percent(double share) { return fixedDigits(share * 100, 1) + " %"; }

namespace {

using Align = Table::Align;

Series kernelTotal(const PackageBench &package) {
  Series total;
  for (auto &k : package.kernels) {
    total.values.resize(k.seconds.values.size());
    for (size_t i = 0; i < total.values.size(); ++i)
      total.values[i] += k.seconds.values[i];
  }
  return total;
}

/// What a kernel does a second, by its prediction.
std::optional<double> rate(const KernelBench &k, const std::optional<double> &each) {
  double seconds = k.seconds.median();
  return each && seconds > 0 ? std::optional(*each * double(k.calls) / seconds) : std::nullopt;
}

std::string giga(const std::optional<double> &value) { return value ? fixedDigits(*value / 1e9, 1) : ""; }

void addKernels(std::string &out, const PackageBench &package, const BenchResult &result, size_t width) {
  bool predicted = std::ranges::any_of(package.kernels, [](auto &k) { return k.flops || k.bytes; });
  double whole = package.seconds.median();
  std::vector<Table::Column> columns = {{"kernel"}, {"calls", Align::Right}, {"ms", Align::Right}, {"share", Align::Right}, {"ms a call", Align::Right}};
  if (predicted)
    columns.insert(columns.end(), {{"GFLOP/s", Align::Right}, {"of peak", Align::Right}, {"GB/s", Align::Right}});
  columns.push_back({"operations"});
  Table table(columns);
  for (auto &k : package.kernels) {
    double seconds = k.seconds.median();
    std::vector<std::string> cells = {k.info.name, concat(k.calls), milliseconds(seconds), percent(seconds / whole),
                                      k.calls ? milliseconds(seconds / double(k.calls)) : ""};
    if (predicted) {
      auto flops = rate(k, k.flops);
      cells.insert(cells.end(), {giga(flops), flops ? percent(*flops / result.fma.median()) : "", giga(rate(k, k.bytes))});
    }
    cells.push_back(k.info.ops);
    table.add(std::move(cells));
  }
  if (!table.empty())
    out += "\n" + table.text(2, width);
}

void jsonSeries(JsonWriter &w, std::string_view key, const Series &series, double unit) {
  w.key(key).beginObject(true).field("median", series.median() * unit).field("q1", series.quantile(0.25) * unit);
  w.field("q3", series.quantile(0.75) * unit).field("least", series.quantile(0) * unit).field("most", series.quantile(1) * unit);
  w.endObject();
}

void jsonOptional(JsonWriter &w, std::string_view key, const std::optional<double> &value) {
  w.key(key);
  value ? w.value(*value) : w.null();
}

void jsonPackage(JsonWriter &w, const PackageBench &package, const BenchResult &result) {
  w.beginObject().field("package", package.path).field("level", package.level);
  w.field("samples", uint64_t(package.seconds.values.size())).field("weight_bytes", package.weightBytes);
  jsonSeries(w, "ms", package.seconds, 1e3);
  w.key("kernels").beginList();
  for (auto &k : package.kernels) {
    w.beginObject(true).field("name", k.info.name).field("ops", k.info.ops).field("calls", k.calls).field("ms", k.seconds.median() * 1e3);
    jsonOptional(w, "flops", k.flops);
    jsonOptional(w, "bytes", k.bytes);
    auto flops = rate(k, k.flops), bytes = rate(k, k.bytes);
    jsonOptional(w, "of_peak", flops ? std::optional(*flops / result.fma.median()) : std::nullopt);
    jsonOptional(w, "gb_per_s", bytes ? std::optional(*bytes / 1e9) : std::nullopt);
    w.endObject();
  }
  w.endList().endObject();
}

} // namespace

double Series::quantile(double q) const {
  if (values.empty())
    return std::nan("");
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  double at = q * double(sorted.size() - 1);
  size_t low = size_t(at), high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(sorted[low], sorted[high], at - double(low));
}

std::optional<double> evaluateFormula(std::string_view formula, const std::vector<std::pair<std::string, int64_t>> &sizes) {
  auto factor = [&](std::string_view text) -> std::optional<double> {
    double number = 0;
    if (auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number); problem == std::errc() && end == text.data() + text.size())
      return number;
    auto size = std::ranges::find(sizes, text, &std::pair<std::string, int64_t>::first);
    return size == sizes.end() ? std::nullopt : std::optional(double(size->second));
  };
  auto split = [](std::string_view &rest, std::string_view separator) {
    size_t at = std::min(rest.find(separator), rest.size());
    std::string_view head = rest.substr(0, at);
    rest.remove_prefix(std::min(at + separator.size(), rest.size()));
    return head;
  };
  if (formula.empty())
    return std::nullopt;
  double sum = 0;
  while (!formula.empty()) {
    double product = 1;
    for (std::string_view term = split(formula, " + "); !term.empty();) {
      auto value = factor(split(term, "·"));
      if (!value)
        return std::nullopt;
      product *= *value;
    }
    sum += product;
  }
  return sum;
}

std::string benchTable(const BenchResult &result, size_t width) {
  std::string sizes;
  for (auto &[name, value] : result.sizes)
    sizes += concat(sizes.empty() ? "" : ", ", name, " = ", value);
  std::string out = concat("entry ", result.entry, sizes.empty() ? "" : ", ", sizes, ", threads: ", result.threads, "\n", result.cpu, ", one core: ",
                           giga(result.fma.median()), " GFLOP/s (multiply-adds, f32, ", result.packages[0].level, "), reads ",
                           giga(result.read.median()), " GB/s\n\n");
  Table table({{"package"}, {"level"}, {"samples", Align::Right}, {"ms, median", Align::Right}, {"quartiles", Align::Right}, {"least", Align::Right}});
  for (auto &p : result.packages)
    table.add({p.path, p.level, concat(p.seconds.values.size()), milliseconds(p.seconds.median()),
               milliseconds(p.seconds.quantile(0.25)) + " - " + milliseconds(p.seconds.quantile(0.75)), milliseconds(p.seconds.quantile(0))});
  out += table.text(2, width);
  if (!result.ratio.values.empty())
    out += concat("  first over second: ", fixedDigits(result.ratio.median(), 3), " (quartiles ", fixedDigits(result.ratio.quantile(0.25), 3), " - ",
                  fixedDigits(result.ratio.quantile(0.75), 3), ")\n");
  for (auto &p : result.packages) {
    addKernels(out, p, result, width);
    Series total = kernelTotal(p);
    if (!total.values.empty())
      out += concat("  all kernels: ", milliseconds(total.median()), " ms\n");
  }
  return out;
}

std::string benchJson(const BenchResult &result) {
  JsonWriter w;
  w.beginObject().field("entry", result.entry).key("sizes").beginObject(true);
  for (auto &[name, value] : result.sizes)
    w.field(name, value);
  w.endObject().key("machine").beginObject().field("cpu", result.cpu);
  jsonSeries(w, "fma_gflops", result.fma, 1e-9);
  jsonSeries(w, "read_gb_per_s", result.read, 1e-9);
  w.endObject().field("threads", result.threads).key("packages").beginList();
  for (auto &p : result.packages)
    jsonPackage(w, p, result);
  w.endList();
  if (!result.ratio.values.empty())
    jsonSeries(w, "ratio", result.ratio, 1);
  return w.endObject().take() + "\n";
}

} // namespace attnc
