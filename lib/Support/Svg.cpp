#include "attnc/Support/Svg.h"
#include "attnc/Support/Expected.h"
#include <cstdio>

namespace attnc {

std::string escapedMarkup(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string Svg::number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

Svg::Svg(double width, double height) {
  out = concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", number(width), " ", number(height), "\" width=\"", number(width), "\" height=\"",
               number(height), "\" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"", inkColour, "\">\n");
  rectangle(0, 0, width, height, "fill=\"#ffffff\"");
}

void Svg::rectangle(double left, double top, double width, double height, std::string_view style, std::string_view title) {
  out += concat("<rect x=\"", number(left), "\" y=\"", number(top), "\" width=\"", number(width), "\" height=\"", number(height), "\" ", style);
  out += title.empty() ? std::string("/>\n") : concat("><title>", escapedMarkup(title), "</title></rect>\n");
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view style) {
  out += concat("<line x1=\"", number(x1), "\" y1=\"", number(y1), "\" x2=\"", number(x2), "\" y2=\"", number(y2), "\" ", style, "/>\n");
}

void Svg::polygon(std::string_view points, std::string_view style) { out += concat("<polygon points=\"", points, "\" ", style, "/>\n"); }

void Svg::label(double left, double baseline, std::string_view text, std::string_view style) {
  out += concat("<text x=\"", number(left), "\" y=\"", number(baseline), "\" ", style, ">", escapedMarkup(text), "</text>\n");
}

std::string Svg::take() { return std::move(out) + "</svg>\n"; }

} // namespace attnc
