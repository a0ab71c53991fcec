// Text for people: tables, score bars, sparklines and small plots, as wide as the terminal.
//
// Pure. Widths are counted in characters as a terminal shows them (one column each; combining marks and wide East Asian
// characters are not used by us and may misalign). Colours only where the style says so; without Unicode everything is
// ASCII. What comes from a server is stripped of control characters, so that a name can not draw on the terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace mien::app {

enum class Colour : std::uint8_t { none, red, yellow, green, blue, grey, bold };

// How the output can look.
struct Style {
  bool colour = false;
  bool unicode = true;
  std::size_t width = 0;  // columns; 0: as wide as it gets (a pipe)
};

struct Cell {
  std::string text;
  Colour colour = Colour::none;
  Cell() = default;
  Cell(std::string plain, Colour tint = Colour::none)
      : text(std::move(plain)), colour(tint) {}  // NOLINT: a text is a cell
  Cell(const char* plain) : text(plain) {}       // NOLINT
};

struct Column {
  std::string title;
  bool right = false;    // numbers
  bool shrinks = false;  // is cut first when the terminal is narrow
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row);
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  // Header and rows, two spaces between columns, no spaces at the ends of lines.
  [[nodiscard]] std::string render(const Style& style) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

[[nodiscard]] std::string paint(std::string_view text, Colour colour, const Style& style);
// Characters, not bytes.
[[nodiscard]] std::size_t width_of(std::string_view text);
// At most `width` characters, the last one an ellipsis when something is left out.
[[nodiscard]] std::string shorten(std::string_view text, std::size_t width, const Style& style);
// Control characters and broken UTF-8 become '?'.
[[nodiscard]] std::string printable(std::string_view text);

// A bar of `width` characters for a share in 0..1; NaN is a bar of dots.
[[nodiscard]] std::string bar(double share, std::size_t width, const Style& style);
// One character a value, scaled between the smallest and the largest; NaN is a space.
[[nodiscard]] std::string sparkline(const std::vector<double>& values, const Style& style);

struct PlotPoint {
  WallTime at;
  double value = 0;
};
struct Plot {
  std::string title;
  std::vector<PlotPoint> points;                  // ascending times
  std::optional<std::pair<double, double>> band;  // expected: drawn behind the points
  std::optional<WallTime> mark;                   // a moment to point at (an episode opened)
  std::size_t rows = 8;
  std::size_t columns = 60;
};
// Several lines, each ending with a newline; empty when there is no point.
[[nodiscard]] std::string render(const Plot& plot, const Style& style);

// "0.42", "1.3k", "12.5M", "3.1G": three digits and a suffix, for values whose unit stands elsewhere.
[[nodiscard]] std::string short_number(double value);
// "3s", "12m", "5h", "8d": how long ago.
[[nodiscard]] std::string short_age(Duration age);

}  // namespace mien::app
