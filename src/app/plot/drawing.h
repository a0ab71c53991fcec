// A picture before it is a file: shapes and labels in drawing order, in points of a page whose origin is the upper left
// corner. What is on it is decided here and tested; a module paints it as SVG or PNG (module.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mien::app {

using Rgba = std::uint32_t;  // 0xrrggbbaa

struct Point {
  double x = 0;
  double y = 0;
};

// A line through its points, or the area they enclose.
struct Shape {
  std::vector<Point> points;
  Rgba colour = 0xff;
  double stroke = 0;  // width of the line; 0 is a filled area
  double dash = 0;    // length of dashes; 0 is a solid line
};

enum class Anchor : std::uint8_t { left, middle, right };

struct Label {
  Point at;  // of the baseline
  std::string text;
  double size = 13;
  Anchor anchor = Anchor::left;
  bool bold = false;
  Rgba colour = 0x333333ff;
};

struct Drawing {
  double width = 0;
  double height = 0;
  std::vector<std::variant<Shape, Label>> parts;
};

// How wide a label is at most, in an ordinary sans-serif: what is laid out by it does not overlap.
[[nodiscard]] double width_of_label(std::string_view text, double size, bool bold);
// At most that wide, the last character an ellipsis when something is left out.
[[nodiscard]] std::string shorten_label(std::string_view text, double width, double size, bool bold);

}  // namespace mien::app
