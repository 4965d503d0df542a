// A benchmark as a page that stands alone: times beside each other, where a halting loop worked, and the kernels.
#include "Bench.h"
#include "attnc/Runtime/StepsPicture.h"
#include "attnc/Support/Svg.h"
#include "attnc/Support/Text.h"
#include <algorithm>

namespace attnc {
namespace {

constexpr std::string_view kStyle = R"(body{font:14px/1.5 "DejaVu Sans",Helvetica,Arial,sans-serif;color:#1f2933;margin:32px auto;max-width:1180px;padding:0 16px}
h1{font-size:24px;margin-bottom:4px}h2{font-size:17px;margin-top:36px}p{color:#52606d;margin:4px 0 16px}table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:600;border-bottom:2px solid #d5dbe1}td{border-bottom:1px solid #e8ecf0}th,td{padding:4px 14px 4px 0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.bar{width:34%}td.bar div{background:#2f6f9f;height:12px;border-radius:2px}
tr.second td.bar div{background:#b8c1ca}svg{max-width:100%;height:auto})";

std::string cell(std::string_view text, bool number = false) { return concat(number ? "<td class=\"n\">" : "<td>", escapedMarkup(text), "</td>"); }

std::string bar(double share) { return concat("<td class=\"bar\"><div style=\"width:", fixedDigits(std::clamp(share, 0.002, 1.0) * 100, 1), "%\"></div></td>"); }

std::string times(const BenchResult &result) {
  double longest = 0;
  for (auto &p : result.packages)
    longest = std::max(longest, p.seconds.median());
  std::string out = "<h2>Times</h2>\n<table><tr><th>package</th><th></th><th class=\"n\">median, ms</th><th class=\"n\">quartiles</th><th class=\"n\">least</th>"
                    "<th class=\"n\">samples</th></tr>\n";
  for (auto &p : result.packages)
    out += concat(&p == &result.packages[0] ? "<tr>" : "<tr class=\"second\">", cell(p.path), bar(p.seconds.median() / longest), cell(milliseconds(p.seconds.median()), true),
                  cell(milliseconds(p.seconds.quantile(0.25)) + " - " + milliseconds(p.seconds.quantile(0.75)), true), cell(milliseconds(p.seconds.quantile(0)), true),
                  cell(concat(p.seconds.values.size()), true), "</tr>\n");
  out += "</table>\n";
  if (!result.ratio.values.empty())
    out += concat("<p>first over second: ", fixedDigits(result.ratio.median(), 3), " (quartiles ", fixedDigits(result.ratio.quantile(0.25), 3), " - ",
                  fixedDigits(result.ratio.quantile(0.75), 3), "), sample by sample in turn</p>\n");
  return out;
}

std::string kernels(const PackageBench &package) {
  if (package.kernels.empty())
    return {};
  double whole = package.seconds.median(), longest = package.kernels[0].seconds.median();
  std::string out = concat("<h2>Kernels of ", escapedMarkup(package.path),
                           "</h2>\n<table><tr><th>kernel</th><th></th><th class=\"n\">calls</th><th class=\"n\">ms</th><th class=\"n\">share</th><th>operations</th></tr>\n");
  for (auto &k : package.kernels) {
    double seconds = k.seconds.median();
    out += concat("<tr>", cell(k.info.name), bar(longest > 0 ? seconds / longest : 0), cell(concat(k.calls), true), cell(milliseconds(seconds), true),
                  cell(percent(seconds / whole), true), cell(k.info.ops), "</tr>\n");
  }
  return out + "</table>\n";
}

/// The picture of steps, if the function says what each row took.
std::string steps(const BenchResult &result) {
  StepsPictureOptions options{concat("Steps of ", result.entry), result.packages[0].seconds.median(), {}};
  if (result.packages.size() == 2)
    options.otherSeconds = result.packages[1].seconds.median();
  auto picture = stepsPicture(result.inputs, result.outputs, options);
  return picture ? concat("<h2>Where the loop worked</h2>\n", *picture) : std::string();
}

} // namespace

std::string benchPage(const BenchResult &result) {
  std::string sizes;
  for (auto &[name, value] : result.sizes)
    sizes += concat(", ", name, " = ", value);
  std::string out = concat("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", escapedMarkup(result.entry), sizes, "</title>\n<style>", kStyle,
                           "</style></head><body>\n<h1>", escapedMarkup(result.entry), sizes, "</h1>\n");
  out += concat("<p>", escapedMarkup(result.cpu), ", threads: ", result.threads, "; one core: ", fixedDigits(result.fma.median() / 1e9, 1), " GFLOP/s (multiply-adds, f32, ",
                result.packages[0].level, "), reads ", fixedDigits(result.read.median() / 1e9, 1), " GB/s</p>\n");
  out += times(result) + steps(result);
  for (auto &p : result.packages)
    out += kernels(p);
  return out + "</body></html>\n";
}

} // namespace attnc
