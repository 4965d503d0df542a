// Pictures, as text.
#pragma once

#include <string>
#include <string_view>

namespace attnc {

inline constexpr std::string_view inkColour = "#1f2933", faintColour = "#6b7785", gridColour = "#e3e7ec";

/// One picture on white; lengths are pixels, from the upper left corner.
class Svg {
public:
  Svg(double width, double height);

  /// `style`: attributes of SVG. `title` is shown when one points at it.
  void rectangle(double left, double top, double width, double height, std::string_view style, std::string_view title = {});
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  /// `points`: "x,y x,y …".
  void polygon(std::string_view points, std::string_view style);
  void label(double left, double baseline, std::string_view text, std::string_view style = {});

  /// With one digit behind the point.
  static std::string number(double value);
  /// The picture; nothing is drawn afterwards.
  std::string take();

private:
  std::string out;
};

/// Text without what SVG and HTML read as marks.
std::string escapedMarkup(std::string_view text);

} // namespace attnc
