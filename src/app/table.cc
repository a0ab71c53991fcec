#include "app/table.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace mien::app {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_column = 8;  // what a shrinking column keeps

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::none: return "";
    case Colour::red: return "\x1b[31m";
    case Colour::yellow: return "\x1b[33m";
    case Colour::green: return "\x1b[32m";
    case Colour::blue: return "\x1b[34m";
    case Colour::grey: return "\x1b[90m";
    case Colour::bold: return "\x1b[1m";
  }
  return "";
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

std::string padded(std::string text, std::size_t width, bool right) {
  std::size_t have = width_of(text);
  if (have >= width) return text;
  std::string space(width - have, ' ');
  return right ? space + text : text + space;
}

void strip_end(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

// Columns get what they need; when that is too much, the shrinking ones give, the widest first.
std::vector<std::size_t> fit(const std::vector<Column>& columns, std::vector<std::size_t> widths, std::size_t width) {
  auto total = [&] {
    std::size_t sum = gap * (widths.empty() ? 0 : widths.size() - 1);
    for (std::size_t each : widths) sum += each;
    return sum;
  };
  while (width > 0 && total() > width) {
    std::size_t widest = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      bool gives = columns[i].shrinks && widths[i] > narrowest_column;
      if (gives && (widest == columns.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == columns.size()) break;  // the terminal wraps what can not be cut
    std::size_t over = total() - width;
    widths[widest] = std::max(narrowest_column, widths[widest] - std::min(widths[widest], over));
  }
  return widths;
}

}  // namespace

std::string paint(std::string_view text, Colour colour, const Style& style) {
  if (!style.colour || colour == Colour::none || text.empty()) return std::string(text);
  return cat(escape_of(colour), text, "\x1b[0m");
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string shorten(std::string_view text, std::size_t width, const Style& style) {
  if (width_of(text) <= width) return std::string(text);
  std::string_view dots = style.unicode ? "…" : ".";
  std::size_t keep = width == 0 ? 0 : width - 1;
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (!is_continuation(text[end]) && ++seen > keep) break;
  }
  return width == 0 ? std::string{} : cat(text.substr(0, end), dots);
}

std::string printable(std::string_view text) {
  std::string out;
  bool whole = is_utf8(text);
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool control = byte < 0x20 || byte == 0x7f || (!whole && byte >= 0x80);
    out.push_back(control ? '?' : c);
  }
  // C1 controls (U+0080 to U+009F) are two bytes, the first of which is 0xc2.
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    if (static_cast<unsigned char>(out[i]) == 0xc2 && static_cast<unsigned char>(out[i + 1]) < 0xa0)
      out.replace(i, 2, "?");
  }
  return out;
}

void Table::add(std::vector<Cell> row) {
  row.resize(columns_.size());
  for (Cell& cell : row) cell.text = printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::render(const Style& style) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(width_of(column.title));
  for (const std::vector<Cell>& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  widths = fit(columns_, std::move(widths), style.width);
  std::string out;
  auto line = [&](auto&& cell_of) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Cell cell = cell_of(i);
      bool last = i + 1 == columns_.size();
      std::string shown = shorten(cell.text, widths[i], style);
      std::string whole = last && !columns_[i].right ? shown : padded(shown, widths[i], columns_[i].right);
      text += paint(whole, cell.colour, style);
      if (!last) text.append(gap, ' ');
    }
    strip_end(text);
    out += text + "\n";
  };
  line([&](std::size_t i) { return Cell{columns_[i].title, Colour::grey}; });
  for (const std::vector<Cell>& row : rows_) line([&](std::size_t i) { return row[i]; });
  return out;
}

std::string bar(double share, std::size_t width, const Style& style) {
  if (std::isnan(share)) return std::string(width, '.');
  share = std::clamp(share, 0.0, 1.0);
  if (!style.unicode) {
    auto full = static_cast<std::size_t>(std::lround(share * static_cast<double>(width)));
    return std::string(full, '#') + std::string(width - full, '-');
  }
  constexpr std::array<std::string_view, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  auto units = static_cast<std::size_t>(std::lround(share * static_cast<double>(width) * 8));
  std::string out;
  for (std::size_t i = 0; i < units / 8; ++i) out += "█";
  std::size_t used = units / 8;
  if (units % 8 != 0) {
    out += eighths.at(units % 8);
    ++used;
  }
  for (; used < width; ++used) out += "░";
  return out;
}

std::string sparkline(const std::vector<double>& values, const Style& style) {
  constexpr std::array<std::string_view, 8> blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 8> plain{"_", "_", ".", ".", "-", "-", "^", "^"};
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string out;
  for (double value : values) {
    if (!std::isfinite(value)) {
      out += ' ';
      continue;
    }
    double share = high > low ? (value - low) / (high - low) : 0.0;
    auto level = static_cast<std::size_t>(std::lround(share * 7));
    out += style.unicode ? blocks.at(level) : plain.at(level);
  }
  return out;
}

namespace {

// The picture as a grid of marks; row 0 is the highest.
class Canvas {
 public:
  Canvas(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), marks_(rows * columns, ' ') {}
  char& at(std::size_t row, std::size_t column) { return marks_[row * columns_ + column]; }
  [[nodiscard]] std::string row(std::size_t row, const Style& style) const {
    std::string out;
    for (std::size_t column = 0; column < columns_; ++column) {
      char mark = marks_[row * columns_ + column];
      if (mark == 'b') out += paint(style.unicode ? "░" : ":", Colour::grey, style);
      else if (mark == 'i') out += paint(style.unicode ? "•" : "*", Colour::green, style);
      else if (mark == 'o') out += paint(style.unicode ? "●" : "#", Colour::red, style);
      else out += ' ';
    }
    return out;
  }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }

 private:
  std::size_t rows_;
  std::size_t columns_;
  std::string marks_;
};

struct Range {
  double low = 0;
  double high = 1;
  // The row of a value, 0 on top.
  [[nodiscard]] std::size_t row(double value, std::size_t rows) const {
    double share = std::clamp((value - low) / (high - low), 0.0, 1.0);
    return rows - 1 - static_cast<std::size_t>(std::lround(share * static_cast<double>(rows - 1)));
  }
};

Range range_of(const Plot& plot) {
  Range range{.low = std::numeric_limits<double>::infinity(), .high = -std::numeric_limits<double>::infinity()};
  auto take = [&](double value) {
    if (!std::isfinite(value)) return;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  };
  for (const PlotPoint& point : plot.points) take(point.value);
  if (plot.band) {
    take(plot.band->first);
    take(plot.band->second);
  }
  if (!(range.low < range.high)) range = {.low = range.low - 1, .high = range.low + 1};
  return range;
}

std::size_t column_of(const Plot& plot, WallTime at) {
  double whole = to_seconds(plot.points.back().at - plot.points.front().at);
  double share = whole > 0 ? to_seconds(at - plot.points.front().at) / whole : 0.0;
  return static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(plot.columns - 1)));
}

void draw(const Plot& plot, const Range& range, Canvas& canvas) {
  if (plot.band) {
    std::size_t top = range.row(plot.band->second, canvas.rows());
    std::size_t bottom = range.row(plot.band->first, canvas.rows());
    for (std::size_t row = top; row <= bottom; ++row) {
      for (std::size_t column = 0; column < canvas.columns(); ++column) canvas.at(row, column) = 'b';
    }
  }
  for (const PlotPoint& point : plot.points) {
    if (!std::isfinite(point.value)) continue;
    bool outside = plot.band && (point.value < plot.band->first || point.value > plot.band->second);
    canvas.at(range.row(point.value, canvas.rows()), column_of(plot, point.at)) = outside ? 'o' : 'i';
  }
}

std::string clock_of(WallTime at) { return to_rfc3339(at).substr(11, 8); }

}  // namespace

std::string render(const Plot& given, const Style& style) {
  Plot plot = given;
  if (plot.band && !(plot.band->first <= plot.band->second)) {  // a limit has one side
    double edge = std::isnan(plot.band->second) ? plot.band->first : plot.band->second;
    plot.band = std::isnan(edge) ? std::optional<std::pair<double, double>>{} : std::pair{edge, edge};
  }
  bool any = std::any_of(plot.points.begin(), plot.points.end(),
                         [](const PlotPoint& point) { return std::isfinite(point.value); });
  if (!any || plot.rows < 2 || plot.columns < 20) return {};
  Range range = range_of(plot);
  Canvas canvas(plot.rows, plot.columns);
  draw(plot, range, canvas);
  std::string out = cat(paint(printable(plot.title), Colour::bold, style), "\n");
  std::string high = short_number(range.high);
  std::string low = short_number(range.low);
  std::size_t margin = std::max(width_of(high), width_of(low));
  for (std::size_t row = 0; row < plot.rows; ++row) {
    std::string label = row == 0 ? high : row + 1 == plot.rows ? low : std::string{};
    std::string line = cat("  ", padded(label, margin, true), style.unicode ? " │" : " |", canvas.row(row, style));
    strip_end(line);
    out += line + "\n";
  }
  std::string axis(plot.columns, ' ');
  std::string from = clock_of(plot.points.front().at);
  std::string to = clock_of(plot.points.back().at);
  axis.replace(0, from.size(), from);
  axis.replace(plot.columns - to.size(), to.size(), to);
  if (plot.mark && *plot.mark >= plot.points.front().at && *plot.mark <= plot.points.back().at)
    axis[column_of(plot, *plot.mark)] = '^';
  return cat(out, std::string(margin + 4, ' '), axis, "\n");
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return to_text(value);
  constexpr std::array<std::string_view, 6> suffixes{"", "k", "M", "G", "T", "P"};
  std::size_t step = 0;
  while (std::fabs(value) >= 999.5 && step + 1 < suffixes.size()) {
    value /= 1000;
    ++step;
  }
  if (std::fabs(value) < 1e-9) value = 0;
  return cat(to_text(value, 3), suffixes.at(step));
}

std::string short_age(Duration age) {
  std::int64_t seconds = std::max<std::int64_t>(0, age / std::chrono::seconds{1});
  if (seconds < 120) return cat(seconds, "s");
  if (seconds < 7200) return cat(seconds / 60, "m");
  if (seconds < 172800) return cat(seconds / 3600, "h");
  return cat(seconds / 86400, "d");
}

}  // namespace mien::app
