// The files of a data folder and what is known of them, and the scores that a program gave to their rows.
//
// DIR/nab has windows.json (windows by timestamp, both ends inside) and CSV files in folders; other folders have
// NAME.csv.gz and, where somebody labelled it, NAME.labels.json (train_rows, anomalies as [first row, one past last]).
// Errors: not_found, io, invalid; they name the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "bench/quality/formulas.h"

namespace mien::quality {

struct Source {
  std::string folder;  // "smd"
  std::string name;    // path below the folder without .csv.gz
  std::string input;   // path to give to the program
  std::optional<std::size_t> train_rows;
  Ranges anomalies;                                    // by row, of the whole file
  std::vector<std::pair<WallTime, WallTime>> windows;  // by time, of nab
};

// Sorted by name. An absent folder is empty.
[[nodiscard]] Result<std::vector<Source>> list_folder(const std::string& data, const std::string& folder);

// One file per column for the first `columns` columns of each file of a folder, written into `into`: there every column
// is an instance of its own.
[[nodiscard]] Result<std::vector<Source>> split_columns(const std::vector<Source>& wide, std::size_t columns,
                                                        const std::string& into);

// What `mien score` wrote: timestamp,score,alert,kind,metric.
struct Scores {
  std::vector<WallTime> times;
  std::vector<double> scores;
  std::vector<std::uint8_t> alert;
  std::vector<std::string> kinds;

  [[nodiscard]] std::size_t rows() const { return scores.size(); }
  // Without the first rows.
  [[nodiscard]] Scores from_row(std::size_t first) const;
};
[[nodiscard]] Result<Scores> read_scores(const std::string& path);

[[nodiscard]] Result<std::string> read_file(const std::string& path);              // ".gz" is unpacked
[[nodiscard]] Status write_file(const std::string& path, std::string_view bytes);  // makes its folders

// Windows by time as rows; a window without a row is dropped.
[[nodiscard]] Ranges rows_of(const std::vector<std::pair<WallTime, WallTime>>& windows,
                             const std::vector<WallTime>& times);
// Seconds between rows, the median.
[[nodiscard]] double interval(const std::vector<WallTime>& times);

}  // namespace mien::quality
