#include "bench/quality/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace mien::quality {

std::string Table::to_string() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    out += '|';
    for (std::size_t c = 0; c < rows_[r].size(); ++c) {
      std::string pad(widths[c] - rows_[r][c].size(), ' ');
      out += c == 0 ? cat(' ', rows_[r][c], pad, " |") : cat(' ', pad, rows_[r][c], " |");
    }
    out += '\n';
    if (r > 0) continue;
    out += '|';
    for (std::size_t c = 0; c < widths.size(); ++c)
      out += c == 0 ? cat(std::string(widths[c] + 2, '-'), "|") : cat(std::string(widths[c] + 1, '-'), ":|");
    out += '\n';
  }
  return out;
}

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  int size = std::snprintf(text, sizeof text, "%.*f", digits, value);
  return {text, static_cast<std::size_t>(size)};
}

std::string share(std::size_t part, std::size_t whole) {
  if (whole == 0) return "-";
  return cat(part, " of ", whole, " (", fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), 0),
             " %)");
}

}  // namespace mien::quality
