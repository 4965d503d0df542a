// The memory plan as a picture. Above: the sum of live buffers over the program's steps, with the arena's size as a line. Below:
// the arena, each buffer a rectangle over the steps of its life at its place. Loops are bands through both; the peak is a line
// through both, and the buffers that make it are listed.
//
// Steps are drawn by rank: only those where a buffer begins or ends, or a loop does, so that nothing is a hair's breadth wide.
#include "attnc/Package/Inspect.h"
#include "attnc/Support/Svg.h"
#include "attnc/Support/Text.h"
#include <algorithm>

namespace attnc {
namespace {

constexpr double kWidth = 1180, kLeft = 84, kRight = 900, kTop = 104, kCurve = 110, kGap = 34, kArena = 360;
constexpr double kArenaTop = kTop + kCurve + kGap, kBottom = kArenaTop + kArena, kHeight = kBottom + 64;
constexpr std::string_view kInk = inkColour, kFaint = faintColour, kGrid = gridColour, kBand = "#f0ead6", kPeak = "#b3261e";

/// What a buffer is for, seen from the loops.
struct Role {
  std::string_view name, colour;
};
constexpr Role kRoles[] = {
    {"lives through a loop", "#2f6f9f"},
    {"made anew in each iteration", "#e0a030"},
    {"outside of loops", "#7fa88b"},
};

class Picture : Svg {
public:
  Picture(const Function &f, const PlanAt &at, const std::map<std::string, int64_t> &sizes) : Svg(kWidth, kHeight), f(f), at(at), sizes(sizes) {
    for (auto &b : f.plan)
      steps.insert(steps.end(), {b.first, b.last + 1});
    for (auto &loop : f.loops)
      steps.insert(steps.end(), {loop.first, loop.last + 1});
    std::ranges::sort(steps);
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  }

  std::string text() {
    heading();
    loops();
    axes();
    curve();
    buffers();
    peak();
    return take();
  }

private:
  double x(int step) const {
    auto rank = double(std::ranges::lower_bound(steps, step) - steps.begin());
    return kLeft + (kRight - kLeft) * rank / std::max(1.0, double(steps.size()) - 1);
  }
  double y(uint64_t bytes) const { return kBottom - kArena * double(bytes) / double(std::max<uint64_t>(at.bytes, 1)); }
  double yCurve(uint64_t bytes) const { return kTop + kCurve - kCurve * double(bytes) / double(std::max<uint64_t>(at.bytes, 1)); }

  void heading() {
    std::string values;
    for (auto &dim : f.dims)
      if (auto size = sizes.find(dim); size != sizes.end())
        values += concat(values.empty() ? "" : ", ", dim, " = ", size->second);
    label(kLeft, 30, concat("Memory plan of ", f.name, values.empty() ? "" : ", " + values), "font-size=\"18\" font-weight=\"bold\"");
    label(kLeft, 52, concat("arena ", humanBytes(at.bytes), "; the largest sum of live buffers ", humanBytes(at.live), ", at step ", at.peak, "; ", f.plan.size(), " buffers"),
          concat("fill=\"", kFaint, "\""));
    double left = kLeft;
    for (auto &role : kRoles) {
      rectangle(left, 64, 12, 12, concat("fill=\"", role.colour, "\""));
      label(left + 18, 75, role.name);
      left += 40 + 7 * double(role.name.size());
    }
    rectangle(left, 64, 12, 12, concat("fill=\"", kBand, "\" stroke=\"", kFaint, "\" stroke-dasharray=\"2 2\""));
    label(left + 18, 75, "a loop");
  }

  void loops() {
    for (size_t i = 0; i < f.loops.size(); ++i) {
      double left = x(f.loops[i].first), right = x(f.loops[i].last + 1);
      rectangle(left, kTop, right - left, kBottom - kTop, concat("fill=\"", kBand, "\" fill-opacity=\"0.7\" stroke=\"", kFaint, "\" stroke-width=\"0.7\" stroke-dasharray=\"3 3\""));
      if (right - left > 40)
        label(left + 4, kTop + 12 + 13 * depth(i), "loop", concat("font-size=\"10\" fill=\"", kFaint, "\""));
    }
  }
  double depth(size_t loop) const {
    return double(std::ranges::count_if(f.loops, [&](const PlanLoop &l) { return l.first < f.loops[loop].first && f.loops[loop].last < l.last; }));
  }

  /// Bytes upward at round values, steps to the right.
  void axes() {
    uint64_t unit = 1;
    while (at.bytes / unit > 6)
      unit *= 2;
    for (uint64_t bytes = 0; bytes <= at.bytes; bytes += unit) {
      line(kLeft, y(bytes), kRight, y(bytes), concat("stroke=\"", kGrid, "\""));
      label(kLeft - 8, y(bytes) + 4, humanBytes(bytes), concat("text-anchor=\"end\" font-size=\"11\" fill=\"", kFaint, "\""));
    }
    line(kLeft, kTop + kCurve, kRight, kTop + kCurve, concat("stroke=\"", kFaint, "\""));
    line(kLeft, kBottom, kRight, kBottom, concat("stroke=\"", kFaint, "\""));
    label(kLeft, kTop - 7, "sum of live buffers (dashed: the arena)", concat("font-size=\"11\" fill=\"", kFaint, "\""));
    label(kLeft, kArenaTop - 8, "where they lie in the arena, in bytes", concat("font-size=\"11\" fill=\"", kFaint, "\""));
    size_t every = std::max<size_t>(1, steps.size() / 12);
    for (size_t i = 0; i < steps.size(); i += every) {
      line(x(steps[i]), kBottom, x(steps[i]), kBottom + 5, concat("stroke=\"", kFaint, "\""));
      label(x(steps[i]), kBottom + 18, concat(steps[i]), concat("text-anchor=\"middle\" font-size=\"11\" fill=\"", kFaint, "\""));
    }
    label((kLeft + kRight) / 2, kBottom + 40, "step of the program (those where a buffer or a loop begins or ends)", "text-anchor=\"middle\"");
  }

  uint64_t liveAt(int step) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < f.plan.size(); ++i)
      sum += f.plan[i].first <= step && step <= f.plan[i].last ? at.sizes[i] : 0;
    return sum;
  }

  void curve() {
    std::string points = concat(number(kLeft), ",", number(kTop + kCurve));
    for (size_t i = 0; i + 1 < steps.size(); ++i)
      for (int side : {0, 1})
        points += concat(" ", number(x(steps[i + size_t(side)])), ",", number(yCurve(liveAt(steps[i]))));
    points += concat(" ", number(kRight), ",", number(kTop + kCurve));
    polygon(points, "fill=\"#9db4c8\" fill-opacity=\"0.8\" stroke=\"#4d6a83\"");
    line(kLeft, yCurve(at.bytes), kRight, yCurve(at.bytes), concat("stroke=\"", kInk, "\" stroke-dasharray=\"5 4\""));
  }

  const Role &roleOf(const PlanBuffer &b) const {
    auto lies = [&](const PlanLoop &l) { return l.first < b.first && b.last < l.last; };
    auto spans = [&](const PlanLoop &l) { return b.first <= l.first && l.last <= b.last; };
    if (std::ranges::any_of(f.loops, spans))
      return kRoles[0];
    return std::ranges::any_of(f.loops, lies) ? kRoles[1] : kRoles[2];
  }
  bool isAtPeak(const PlanBuffer &b) const { return b.first <= at.peak && at.peak <= b.last; }

  void buffers() {
    for (size_t i = 0; i < f.plan.size(); ++i) {
      const PlanBuffer &b = f.plan[i];
      double left = x(b.first), width = x(b.last + 1) - left, top = y(at.offsets[i] + at.sizes[i]), height = y(at.offsets[i]) - top;
      rectangle(left, top, width, height, concat("fill=\"", roleOf(b).colour, "\" fill-opacity=\"", isAtPeak(b) ? "0.95" : "0.6", "\" stroke=\"#ffffff\" stroke-width=\"0.8\""),
                concat(b.name, ", ", humanBytes(at.sizes[i]), " at ", at.offsets[i], ", steps ", b.first, "-", b.last));
      size_t room = width > 8 ? size_t((width - 8) / 6.2) : 0;
      if (height >= 13 && room >= 4)
        label(left + 4, top + height / 2 + 4, cutToWidth(b.name, room), concat("font-size=\"10\" fill=\"", &roleOf(b) == kRoles ? "#ffffff" : kInk, "\""));
    }
  }

  /// The line through both, and the largest buffers of the peak.
  void peak() {
    double left = (x(at.peak) + x(*std::ranges::upper_bound(steps, at.peak))) / 2;
    line(left, kTop - 2, left, kBottom, concat("stroke=\"", kPeak, "\" stroke-width=\"1.5\""));
    label(left + 5, kArenaTop - 8, concat("peak ", humanBytes(at.live)), concat("fill=\"", kPeak, "\" font-weight=\"bold\""));
    std::vector<size_t> there;
    for (size_t i = 0; i < f.plan.size(); ++i)
      if (isAtPeak(f.plan[i]))
        there.push_back(i);
    std::ranges::sort(there, std::greater(), [&](size_t i) { return at.sizes[i]; });
    double top = kTop + 12;
    label(kRight + 24, top, "at the peak, largest first", "font-weight=\"bold\"");
    for (size_t n = 0; n < there.size() && n < 26; ++n) {
      top += 20;
      rectangle(kRight + 24, top - 10, 10, 10, concat("fill=\"", roleOf(f.plan[there[n]]).colour, "\""));
      label(kRight + 40, top, cutToWidth(f.plan[there[n]].name, 23), "font-size=\"11\"");
      label(kWidth - 14, top, humanBytes(at.sizes[there[n]]), "font-size=\"11\" text-anchor=\"end\"");
    }
    if (there.size() > 26)
      label(kRight + 40, top + 20, concat("and ", there.size() - 26, " more"), concat("font-size=\"11\" fill=\"", kFaint, "\""));
  }

  const Function &f;
  const PlanAt &at;
  const std::map<std::string, int64_t> &sizes;
  std::vector<int> steps;
};

} // namespace

std::string planPicture(const Function &function, const PlanAt &at, const std::map<std::string, int64_t> &sizes) {
  return Picture(function, at, sizes).text();
}

} // namespace attnc
