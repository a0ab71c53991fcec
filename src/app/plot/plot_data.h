// What a picture of a run shows, gathered row by row in memory that does not grow with the rows: time is cut into at
// most 4,096 equal slots, and when they are full, each two neighbours become one. A slot keeps the smallest and the
// largest value, so that no spike is lost.
//
// Cost: a row about 20 ns a column; 48 bytes a slot and column (1,024 slots where there are more than 64 columns).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/score.h"
#include "base/time.h"
#include "model/finding.h"

namespace mien::app {

// Where healthy samples of a series are at a time: of its hour of the day once a season is known.
struct Band {
  double low = 0;
  double middle = 0;
  double high = 0;
};
[[nodiscard]] std::optional<Band> band_of(const model::Behavior& behavior, std::size_t series, WallTime at);

struct PlotRow {
  WallTime time;
  const std::vector<double>& values;
  const Scorer::Line& line;
};

class PlotData {
 public:
  static constexpr std::size_t most_slots = 4096;
  static constexpr std::size_t most_episodes =
      256;  // that are told apart; of more, those with the lowest score are not

  // One column's part of a slot.
  struct Cell {
    double low = 0;
    double high = 0;
    double band_low = 0;
    double band_middle = 0;
    double band_high = 0;
    bool known = false;   // there is a value
    bool banded = false;  // there is a band
    bool begins = false;  // no line leads to it from before: values are missing between
    bool blamed = false;  // a finding names this column
  };
  // All columns' part.
  struct Slot {
    std::uint64_t rows = 0;
    double score = 0;        // the highest
    double alarm_level = 0;  // the last
    bool alert = false;
  };
  struct Episode {
    WallTime opened_at;
    WallTime closed_at;
    bool open = false;  // still, at the end
    model::FindingKind kind = model::FindingKind::none;
    double score = 0;
  };
  // Of a column, over all findings.
  struct Blame {
    std::uint64_t findings = 0;
    double bits = 0;
  };

  explicit PlotData(std::vector<std::string> columns);
  // Rows that do not ascend in time are left out, as they are judged.
  void add(const PlotRow& row, const model::Behavior& behavior);
  // No row comes any more: findings that are still open count as they stand.
  void finish();

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] WallTime first() const { return first_; }
  [[nodiscard]] WallTime last() const { return last_; }
  [[nodiscard]] double interval() const { return interval_; }   // usual seconds between rows
  [[nodiscard]] WallTime time_of_row(std::uint64_t row) const;  // roughly: the middle of its slot
  [[nodiscard]] std::size_t slots() const { return used_; }
  [[nodiscard]] WallTime slot_time(std::size_t slot) const;  // its middle
  [[nodiscard]] const Slot& slot(std::size_t index) const { return slots_[index]; }
  [[nodiscard]] const Cell& cell(std::size_t column, std::size_t slot) const { return cells_[column][slot]; }
  [[nodiscard]] const Blame& blame(std::size_t column) const { return blame_[column]; }
  [[nodiscard]] std::uint64_t findings() const { return findings_; }
  [[nodiscard]] const std::vector<Episode>& episodes() const { return episodes_; }  // in the order of their ends
  // The most blamed first, then in their order.
  [[nodiscard]] std::vector<std::size_t> ranking() const;

 private:
  [[nodiscard]] std::size_t slot_at(WallTime time) const;
  void make_room_for(WallTime time);
  void halve();
  void follow(const drift::EpisodeChange& change);
  void settle(const model::Finding& finding, bool open);

  std::vector<std::string> columns_;
  std::size_t limit_;  // slots
  std::vector<Slot> slots_;
  std::vector<std::vector<Cell>> cells_;  // by column
  std::vector<bool> missing_;             // by column: nothing since its last value
  std::vector<Blame> blame_;
  std::size_t used_ = 0;
  std::int64_t width_ns_ = 1;
  std::uint64_t rows_ = 0;
  double interval_ = 0;
  WallTime first_;
  WallTime last_;
  std::map<std::uint64_t, model::Finding> open_;
  std::vector<Episode> episodes_;
  std::uint64_t findings_ = 0;
};

}  // namespace mien::app
