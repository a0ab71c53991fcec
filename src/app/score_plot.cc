// The picture of `mien score --plot`: plain SVG, made of one path per line, the same bytes for the same rows.
#include <algorithm>
#include <cmath>

#include "app/score.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr double width = 1600;
constexpr double top_height = 300;  // the metric
constexpr double low_start = 340;   // the score
constexpr double low_height = 160;
constexpr double full_height = 520;

std::string number(double value) { return fixed(value, 1); }

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '&') out += "&amp;";
    else if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

// A path over the rows, by the largest value in each pixel column; missing values break it.
template <class Height>
std::string path(std::size_t rows, Height height, std::string_view colour) {
  auto columns = static_cast<std::size_t>(width);
  std::string d;
  bool pen_down = false;
  for (std::size_t p = 0; p < std::min(columns, rows); ++p) {
    std::size_t first = p * rows / std::min(columns, rows);
    std::size_t last = std::max(first + 1, (p + 1) * rows / std::min(columns, rows));
    double highest = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t i = first; i < last; ++i) {
      double y = height(i);
      if (!std::isnan(y) && !(y >= highest)) highest = y;  // smaller y is higher up
    }
    if (std::isnan(highest)) {
      pen_down = false;
      continue;
    }
    double x = width * static_cast<double>(p) / static_cast<double>(std::min(columns, rows));
    d += cat(pen_down ? "L" : "M", number(x), ' ', number(highest));
    pen_down = true;
  }
  return cat("<path fill=\"none\" stroke=\"", colour, "\" d=\"", d, "\"/>\n");
}

}  // namespace

std::string plot_svg(const std::vector<PlotRow>& rows, std::string_view title) {
  double low = 0;
  double high = 1;
  bool any = false;
  for (const PlotRow& row : rows) {
    if (std::isnan(row.value)) continue;
    low = any ? std::min(low, row.value) : row.value;
    high = any ? std::max(high, row.value) : row.value;
    any = true;
  }
  double range = high > low ? high - low : 1;
  std::string svg =
      cat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", number(width), ' ', number(full_height),
          "\" font-family=\"sans-serif\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].alert) continue;
    std::size_t first = i;
    while (i + 1 < rows.size() && rows[i + 1].alert) ++i;
    double x = width * static_cast<double>(first) / static_cast<double>(rows.size());
    double w = std::max(1.0, width * static_cast<double>(i + 1 - first) / static_cast<double>(rows.size()));
    svg += cat("<rect x=\"", number(x), "\" y=\"0\" width=\"", number(w), "\" height=\"", number(full_height),
               "\" fill=\"#fbd5d5\"/>\n");
  }
  svg += path(
      rows.size(), [&](std::size_t i) { return 30 + top_height * (1 - (rows[i].value - low) / range); }, "#1f4e79");
  svg += path(
      rows.size(), [&](std::size_t i) { return low_start + low_height * (1 - rows[i].score); }, "#b02020");
  svg += path(
      rows.size(), [&](std::size_t i) { return low_start + low_height * (1 - rows[i].alarm_level); }, "#888888");
  svg += cat("<text x=\"8\" y=\"20\">", escape(title), ": ", to_text(low, 4), " to ", to_text(high, 4),
             "</text>\n<text x=\"8\" y=\"", number(low_start + 14), "\">score, alarm level</text>\n</svg>\n");
  return svg;
}

}  // namespace mien::app
