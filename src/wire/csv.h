// CSV of telemetry: a header, a first column `timestamp`, every other column one numeric metric, empty = missing.
//
// Times are RFC 3339, `YYYY-MM-DD HH:MM:SS` read as UTC, or seconds or milliseconds since 1970 (from 10^11 on:
// milliseconds). Names may be quoted; lines end in LF or CRLF. Errors name file:line:column and say what to write.
// Pure, one pass, no allocation per cell beyond the value. Limits: 1,024 columns, 4,096 bytes a cell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mien::wire {

struct CsvRow {
  std::string_view stamp;  // the timestamp as written; points into the text
  WallTime time;
  std::vector<double> values;  // one per metric column; NaN = missing
};

// Reads row by row. The text must outlive the reader and its rows.
class CsvReader {
 public:
  static constexpr std::size_t max_columns = 1024;
  static constexpr std::size_t max_cell = 4096;

  // Reads the header. `name` stands in errors.
  [[nodiscard]] static Result<CsvReader> open(std::string_view text, std::string name);

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }  // without the timestamp
  // The next row into `row` (its memory is reused): true, or false at the end. Blank lines are skipped.
  [[nodiscard]] Result<bool> next(CsvRow& row);
  [[nodiscard]] std::size_t line() const { return line_; }

 private:
  [[nodiscard]] Result<std::string_view> cell(std::string_view& rest, std::string_view whole) const;
  [[nodiscard]] bool take_line(std::string_view& line);
  [[nodiscard]] Error wrong(std::size_t column, std::string message) const;

  std::string_view rest_;
  std::string name_;
  std::size_t line_ = 0;
  std::vector<std::string> columns_;
};

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<std::string> stamps;
  std::vector<WallTime> times;
  std::vector<double> values;  // row-major
};

[[nodiscard]] Result<CsvTable> parse_csv(std::string_view text, std::string name);

}  // namespace mien::wire
