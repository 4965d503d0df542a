// Each sequence is a panel: a column for each row of the loop (a token), filled up to the steps that it took and pale above, where
// others still ran. Beside them: how many rows ran at each step, and the times.
#include "attnc/Runtime/StepsPicture.h"
#include "attnc/Support/Svg.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <cstdio>

namespace attnc {
namespace {

constexpr double kWidth = 1180, kLeft = 56, kRight = 880, kSide = 920, kEnd = 1150, kTop = 112;
constexpr std::string_view kSaved = "#eceff2", kWork = "#2f6f9f";
constexpr int64_t kMostPanels = 12;

struct Rows {
  int64_t sequences = 1, length = 0, most = 0, taken = 0;
  std::vector<int64_t> steps, names; // names: empty if nothing names the rows
  int64_t at(int64_t b, int64_t t) const { return steps[size_t(b * length + t)]; }
  int64_t running(int64_t step) const {
    return std::ranges::count_if(steps, [&](int64_t n) { return n >= step; });
  }
};

Expected<std::vector<int64_t>> integersOf(const Tensor &tensor) {
  std::vector<int64_t> out(tensor.elements());
  ATTNC_CHECK(convertElements(tensor.dtype(), tensor.data(), DType::I64, out.data(), out.size()));
  return out;
}

Expected<Rows> rowsOf(std::span<const NamedTensor> inputs, std::span<const NamedTensor> outputs) {
  auto found = std::ranges::find(outputs, "steps", &NamedTensor::name);
  if (found == outputs.end())
    return makeError(ErrorKind::Argument, "a picture of steps needs an output 'steps', the steps that each row took");
  const Shape &shape = found->tensor.shape();
  if (isFloat(found->tensor.dtype()) || shape.empty() || shape.size() > 2)
    return makeError(ErrorKind::Argument, "a picture of steps needs 'steps' as integers [rows] or [sequences, rows], found ", dtypeName(found->tensor.dtype()), " of rank ",
                     shape.size());
  Rows rows;
  ATTNC_TRY(rows.steps, integersOf(found->tensor));
  rows.length = shape.back();
  rows.sequences = shape.size() == 2 ? shape[0] : 1;
  for (int64_t n : rows.steps) {
    rows.most = std::max(rows.most, n);
    rows.taken += n;
  }
  for (auto &input : inputs)
    if (rows.names.empty() && !isFloat(input.tensor.dtype()) && input.tensor.shape() == shape) {
      ATTNC_TRY(rows.names, integersOf(input.tensor));
    }
  return rows;
}

/// From pale to dark with the number of steps.
std::string colourOf(int64_t step, int64_t most) {
  double share = most > 1 ? double(step - 1) / double(most - 1) : 1;
  auto mix = [&](int pale, int dark) { return int(pale + (dark - pale) * share + 0.5); };
  char text[16];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", unsigned(mix(0xa9, 0x12)), unsigned(mix(0xcd, 0x3f)), unsigned(mix(0xe8, 0x66)));
  return text;
}

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 0.01 ? "%.2f ms" : "%.1f ms", seconds * 1e3);
  return text;
}

class StepsDrawing : Svg {
public:
  StepsDrawing(const Rows &rows, const StepsPictureOptions &options)
      : Svg(kWidth, heightOf(rows)), rows(rows), options(options), panels(std::min(rows.sequences, kMostPanels)), bytes(areBytes(rows)) {}

  std::string text() {
    heading();
    for (int64_t b = 0; b < panels; ++b)
      panel(b);
    if (panels < rows.sequences)
      label(kLeft, kTop + double(panels) * panelHeight(rows) + 6, concat("and ", rows.sequences - panels, " more sequences"), faint());
    side();
    return take();
  }

private:
  static double stepHeight(const Rows &rows) { return std::clamp(150.0 / double(std::max<int64_t>(rows.most, 1)), 5.0, 18.0); }
  static double panelHeight(const Rows &rows) { return stepHeight(rows) * double(std::max<int64_t>(rows.most, 1)) + 44; }
  static double heightOf(const Rows &rows) {
    double left = double(std::min(rows.sequences, kMostPanels)) * panelHeight(rows) + 24, right = double(rows.most) * 20 + 180;
    return kTop + std::max(left, right);
  }
  /// Names are shown as text where all are bytes of text.
  static bool areBytes(const Rows &rows) {
    return std::ranges::all_of(rows.names, [](int64_t c) { return c >= 32 ? c < 127 : c == '\n' || c == '\t' || c == '\r' || c == 0; }) &&
           std::ranges::count_if(rows.names, [](int64_t c) { return c >= 'a' && c <= 'z'; }) * 2 > int64_t(rows.names.size());
  }
  static std::string faint(std::string_view more = {}) { return concat("font-size=\"11\" fill=\"", faintColour, "\" ", more); }

  void heading() {
    int64_t all = rows.most * int64_t(rows.steps.size());
    label(kLeft, 30, options.title, "font-size=\"18\" font-weight=\"bold\"");
    label(kLeft, 54, concat(rows.taken, " row steps taken of ", all, " (", rows.steps.size(), " rows, ", rows.most, " steps): ", all ? (rows.taken * 100 + all / 2) / all : 0, " %"));
    double left = kLeft;
    rectangle(left, 70, 12, 12, concat("fill=\"", colourOf(rows.most, rows.most), "\""));
    label(left + 18, 80, "work: darker where a row took more steps");
    left += 290;
    rectangle(left, 70, 12, 12, concat("fill=\"", kSaved, "\""));
    label(left + 18, 80, "saved: the row has stopped, others run on");
  }

  std::string nameOf(int64_t name) const {
    if (!bytes)
      return concat(name);
    return name == ' ' ? "␣" : name >= 32 ? std::string(1, char(name))
                                          : "·";
  }

  void panel(int64_t b) {
    double step = stepHeight(rows), top = kTop + double(b) * panelHeight(rows), bottom = top + step * double(rows.most);
    double width = std::min(34.0, (kRight - kLeft) / double(std::max<int64_t>(rows.length, 1))), right = kLeft + width * double(rows.length);
    double gap = width > 4 ? 1 : 0;
    for (int64_t t = 0; t < rows.length; ++t) {
      double left = kLeft + width * double(t);
      int64_t n = rows.at(b, t);
      std::string name = rows.names.empty() ? std::string() : nameOf(rows.names[size_t(b * rows.length + t)]);
      if (n < rows.most)
        rectangle(left, top, width - gap, step * double(rows.most - n), concat("fill=\"", kSaved, "\""));
      if (n)
        rectangle(left, bottom - step * double(n), width - gap, step * double(n), concat("fill=\"", colourOf(n, rows.most), "\""),
                  concat("row ", t, name.empty() ? "" : ", ", name, ": ", n, n == 1 ? " step" : " steps"));
      if (!name.empty() && width >= 7 * double(name.size() > 3 ? 1 : name.size()))
        label(left + width / 2 - gap / 2, bottom + 14, name, "text-anchor=\"middle\" font-size=\"11\" font-family=\"DejaVu Sans Mono, monospace\"");
    }
    for (int64_t s = 1; s < rows.most; ++s)
      line(kLeft, bottom - step * double(s), right, bottom - step * double(s), "stroke=\"#ffffff\" stroke-width=\"1\"");
    for (int64_t s = 1; s <= rows.most; s += rows.most > 8 ? 2 : 1)
      label(kLeft - 8, bottom - step * (double(s) - 0.5) + 4, concat(s), faint("text-anchor=\"end\""));
    if (rows.sequences > 1)
      label(kLeft, top - 6, concat("sequence ", b), faint());
    else
      label(kLeft - 8, top - 8, "step", faint("text-anchor=\"end\""));
    if (width < 7)
      ticks(bottom, width);
  }

  /// Where rows are too narrow for names, their numbers.
  void ticks(double bottom, double width) {
    int64_t every = 1;
    while (double(every) * width < 60)
      every *= every % 3 == 2 ? 5 : 2;
    for (int64_t t = 0; t < rows.length; t += every)
      label(kLeft + width * (double(t) + 0.5), bottom + 14, concat(t), faint("text-anchor=\"middle\""));
  }

  /// How many rows ran at each step, and the times.
  void side() {
    double y = kTop;
    label(kSide, y - 8, "rows that run at each step", "font-weight=\"bold\"");
    for (int64_t s = 1; s <= rows.most; ++s, y += 20) {
      int64_t n = rows.running(s);
      double width = 130 * double(n) / double(rows.steps.size());
      rectangle(kSide + 22, y + 2, 130, 14, concat("fill=\"", kSaved, "\""));
      rectangle(kSide + 22, y + 2, width, 14, concat("fill=\"", kWork, "\""));
      label(kSide + 14, y + 13, concat(s), faint("text-anchor=\"end\""));
      label(kSide + 160, y + 13, concat(n), "font-size=\"11\"");
    }
    if (!options.seconds)
      return;
    y += 30;
    label(kSide, y, "time of a run", "font-weight=\"bold\"");
    double most = std::max(*options.seconds, options.otherSeconds.value_or(0));
    auto bar = [&](std::string_view name, double seconds, std::string_view colour) {
      label(kSide, y += 20, name, "font-size=\"11\"");
      rectangle(kSide, y + 5, (kEnd - kSide - 70) * seconds / most, 14, concat("fill=\"", colour, "\""));
      label(kSide + (kEnd - kSide - 70) * seconds / most + 6, y + 16, milliseconds(seconds), "font-size=\"11\"");
      y += 20;
    };
    bar(options.otherSeconds ? "first package" : "this package", *options.seconds, kWork);
    if (options.otherSeconds)
      bar("second package", *options.otherSeconds, "#b8c1ca");
  }

  const Rows &rows;
  const StepsPictureOptions &options;
  int64_t panels;
  bool bytes;
};

} // namespace

Expected<std::string> stepsPicture(std::span<const NamedTensor> inputs, std::span<const NamedTensor> outputs, const StepsPictureOptions &options) {
  ATTNC_TRY(Rows rows, rowsOf(inputs, outputs));
  return StepsDrawing(rows, options).text();
}

} // namespace attnc
