// CSV of telemetry: a header, a first column `timestamp`, every other column one numeric metric, empty = missing.
//
// Times are RFC 3339, `YYYY-MM-DD HH:MM:SS` read as UTC, or seconds or milliseconds since 1970 (from 10^11 on:
// milliseconds). Names may be quoted; lines end in LF or CRLF. Errors name file:line:column and say what to write.
// Pure, one pass, no allocation per cell beyond the value, no more memory than a line. Limits: 1,024 columns, 4,096
// bytes a cell, 1 MiB a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "wire/byte_source.h"

namespace mien::wire {

struct CsvRow {
  std::string_view stamp;  // the timestamp as written; valid until the next row is asked for
  WallTime time;
  std::vector<double> values;  // one per metric column; NaN = missing
};

// Reads row by row; asks for more bytes only when the next line is not whole yet, so that rows come out as they go in.
class CsvReader {
 public:
  static constexpr std::size_t max_columns = 1024;
  static constexpr std::size_t max_cell = 4096;
  static constexpr std::size_t max_line = 1U << 20U;

  // Reads the header. `name` stands in errors. Errors: invalid, and the source's.
  [[nodiscard]] static Result<CsvReader> open(ByteSource source, std::string name);
  // Of a text that outlives the reader.
  [[nodiscard]] static Result<CsvReader> open(std::string_view text, std::string name);

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }  // without the timestamp
  // The next row into `row` (its memory is reused): true, or false at the end. Blank lines are skipped.
  [[nodiscard]] Result<bool> next(CsvRow& row);
  [[nodiscard]] std::size_t line() const { return line_; }

 private:
  [[nodiscard]] Result<std::string_view> cell(std::string_view& rest, std::string_view whole) const;
  [[nodiscard]] Result<bool> take_line(std::string_view& line);
  [[nodiscard]] Result<bool> cut_line(std::string_view& line);
  [[nodiscard]] Error wrong(std::size_t column, std::string message) const;

  ByteSource source_;
  std::string_view piece_;  // of the source's last one: what was not read yet
  std::string partial_;     // the line that began in earlier pieces
  std::string whole_;       // the line that was put together of several
  bool ended_ = false;
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
