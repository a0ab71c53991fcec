#include "wire/csv.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.h"

namespace mien::wire {
namespace {

constexpr double milliseconds_from = 1e11;  // as seconds that would be the year 5138
constexpr double latest_seconds = 9.0e9;    // year 2255: within 64-bit nanoseconds

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::optional<WallTime> parse_stamp(std::string_view text) {
  if (std::optional<WallTime> time = parse_time(text)) return time;
  std::optional<double> number = parse_double(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  // Whole milliseconds exactly; fractions of a second to the microsecond a double holds.
  bool milliseconds = std::fabs(*number) >= milliseconds_from;
  double seconds = milliseconds ? *number / 1000 : *number;
  if (std::fabs(seconds) > latest_seconds) return std::nullopt;
  double scaled = std::floor(seconds * 1e6 + 0.5);
  return WallTime{static_cast<std::int64_t>(scaled) * 1000};
}

bool says_missing(std::string_view text) { return text.empty() || text == "nan" || text == "NaN"; }

}  // namespace

Error CsvReader::wrong(std::size_t column, std::string message) const {
  return Error{
      .code = Code::invalid, .message = std::move(message), .where = cat(name_, ":", line_, ":", column), .cause = {}};
}

// The bytes up to the next line end, without it. False at the end of the source.
Result<bool> CsvReader::cut_line(std::string_view& line) {
  while (true) {
    std::size_t end = piece_.find('\n');
    std::string_view part = piece_.substr(0, end);
    if (partial_.size() + part.size() > max_line) {
      ++line_;
      return wrong(1, cat("a line of more than ", max_line, " bytes; is this CSV?"));
    }
    if (end != std::string_view::npos) {
      piece_.remove_prefix(end + 1);
      if (partial_.empty()) {
        line = part;
        return true;
      }
      partial_ += part;
    } else {
      partial_ += part;
      piece_ = {};
      if (!ended_) piece_ = TRY(source_());
      if (!piece_.empty()) continue;
      ended_ = true;
      if (partial_.empty()) return false;
    }
    whole_.swap(partial_);
    partial_.clear();
    line = whole_;
    return true;
  }
}

// The next line that is not blank.
Result<bool> CsvReader::take_line(std::string_view& line) {
  while (TRY(cut_line(line))) {
    ++line_;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!trim(line).empty()) return true;
  }
  return false;
}

// Takes one cell and the comma after it off `rest`. A quoted cell may hold commas, not line ends or quotes.
Result<std::string_view> CsvReader::cell(std::string_view& rest, std::string_view whole) const {
  std::size_t column = static_cast<std::size_t>(rest.data() - whole.data()) + 1;
  std::string_view found;
  if (!rest.empty() && rest.front() == '"') {
    std::size_t close = rest.find('"', 1);
    if (close == std::string_view::npos) return wrong(column, "a quote is opened and never closed in this line");
    found = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ',')
      return wrong(column, "after a quoted cell comes a comma or the end of the line");
  } else {
    std::size_t comma = rest.find(',');
    found = trim(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma, rest.size()));
  }
  if (found.size() > max_cell)
    return wrong(column, cat("a cell of ", found.size(), " bytes; at most ", max_cell, " are read"));
  return found;
}

Result<CsvReader> CsvReader::open(std::string_view text, std::string name) {
  return open(
      [text, given = false]() mutable -> Result<std::string_view> {
        return std::exchange(given, true) ? std::string_view() : text;
      },
      std::move(name));
}

Result<CsvReader> CsvReader::open(ByteSource source, std::string name) {
  CsvReader reader;
  reader.source_ = std::move(source);
  reader.name_ = std::move(name);
  std::string_view line;
  bool any = TRY(reader.take_line(line));
  if (any && line.substr(0, byte_order_mark.size()) == byte_order_mark) line.remove_prefix(byte_order_mark.size());
  if (!any) return reader.wrong(1, "the file is empty: the first line names the columns, `timestamp` first");
  std::string_view rest = line;
  for (bool first = true;; first = false) {
    std::size_t column = static_cast<std::size_t>(rest.data() - line.data()) + 1;
    std::string_view title = TRY(reader.cell(rest, line));
    if (first && title != "timestamp") {
      return reader.wrong(column, cat("the first column is `", title, "`; it must be `timestamp`"));
    }
    if (!first) {
      if (title.empty()) return reader.wrong(column, "a column without a name");
      if (std::find(reader.columns_.begin(), reader.columns_.end(), title) != reader.columns_.end()) {
        return reader.wrong(column, cat("the column `", title, "` stands there twice"));
      }
      reader.columns_.emplace_back(title);
    }
    if (reader.columns_.size() > max_columns) return reader.wrong(column, cat("more than ", max_columns, " columns"));
    if (rest.empty()) break;
    rest.remove_prefix(1);
  }
  if (reader.columns_.empty()) return reader.wrong(1, "no column besides `timestamp`: there is nothing to judge");
  return reader;
}

Result<bool> CsvReader::next(CsvRow& row) {
  std::string_view line;
  if (!TRY(take_line(line))) return false;
  std::string_view rest = line;
  row.stamp = TRY(cell(rest, line));
  std::optional<WallTime> time = parse_stamp(row.stamp);
  if (!time)
    return wrong(1, cat("`", row.stamp.substr(0, 40),
                        "` is no time; write RFC 3339, YYYY-MM-DD HH:MM:SS, or seconds or milliseconds since 1970"));
  row.time = *time;
  row.values.clear();
  while (!rest.empty()) {
    rest.remove_prefix(1);
    std::size_t column = static_cast<std::size_t>(rest.data() - line.data()) + 1;
    std::string_view text = TRY(cell(rest, line));
    if (row.values.size() == columns_.size()) {
      return wrong(column, cat("more cells than the header has columns (", columns_.size() + 1, ")"));
    }
    if (says_missing(text)) {
      row.values.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    std::optional<double> value = parse_double(text);
    if (!value || !std::isfinite(*value)) {
      return wrong(column, cat("`", text.substr(0, 40), "` in column `", columns_[row.values.size()],
                               "` is no finite number; leave a missing value empty"));
    }
    row.values.push_back(*value);
  }
  if (row.values.size() != columns_.size()) {
    return wrong(line.size() + 1,
                 cat("the line has ", row.values.size() + 1, " cells, the header ", columns_.size() + 1));
  }
  return true;
}

Result<CsvTable> parse_csv(std::string_view text, std::string name) {
  CsvReader reader = TRY(CsvReader::open(text, std::move(name)));
  CsvTable table;
  table.columns = reader.columns();
  CsvRow row;
  while (TRY(reader.next(row))) {
    table.stamps.emplace_back(row.stamp);
    table.times.push_back(row.time);
    table.values.insert(table.values.end(), row.values.begin(), row.values.end());
  }
  return table;
}

}  // namespace mien::wire
