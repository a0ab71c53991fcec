// The engine over rows, as `mien score` runs it (score_run.h). Deterministic: same rows, same bytes, also when they are
// cut anywhere and the state carried over (docs/formats/score-state.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "drift/drift.h"
#include "model/behavior.h"
#include "model/expectation.h"

namespace mien::app {

// An autoencoder that `mien train` made, and of which columns (docs/formats/score-model.md).
struct ScoreModel {
  std::vector<std::string> columns;
  std::uint64_t seed = 0;
  drift::InterplayModel interplay;
  static constexpr auto fields = std::tuple{field("columns", &ScoreModel::columns), field("seed", &ScoreModel::seed),
                                            field("interplay", &ScoreModel::interplay)};

  [[nodiscard]] std::string encode_file() const;
  // Errors: invalid (no such file), unsupported (another version), corrupt.
  [[nodiscard]] static Result<ScoreModel> decode_file(std::string_view bytes);
};

// The engine over the rows of one instance, one row at a time: row i is judged from rows <= i only.
class Scorer {
 public:
  Scorer(std::vector<std::string> columns, std::uint64_t train_rows, double false_alarms_per_week);

  struct Line {
    double score = 0;
    double alarm_level = 0;
    bool alert = false;
    model::FindingKind kind = model::FindingKind::none;
    std::uint32_t column = 0;
    std::vector<drift::EpisodeChange> changes;
  };
  // Rows must ascend in time; a row that does not is not judged and scores 0.
  [[nodiscard]] Line add(WallTime time, const std::vector<double>& values);

  // From the next row on an autoencoder judges too (drift/interplay.h): one that trains itself, or one that was trained
  // on these columns. What a restored state has of one stays.
  void learn_interplay(std::uint64_t seed);
  [[nodiscard]] Status use(const ScoreModel& model);
  // Only keeps ordinary rows, which an autoencoder can be trained on when the last one was added.
  void gather_interplay(std::uint64_t seed);
  [[nodiscard]] drift::InterplayTraining train_interplay(std::uint32_t epochs) const {
    return watch_.train_interplay(epochs);
  }

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const model::Behavior& behavior() const { return behavior_; }
  [[nodiscard]] std::string encode() const;
  // Takes up where `encode` left off. Refuses other columns and other versions.
  [[nodiscard]] Status restore(std::string_view bytes);

 private:
  std::vector<std::string> columns_;
  std::vector<model::Series> series_;
  std::uint64_t train_rows_;
  std::uint64_t rows_ = 0;
  WallTime last_;
  model::Expectation expectation_;
  model::Behavior behavior_;
  drift::Watch watch_;
  model::Batch batch_;
};

// With that many digits after the point, at most 63 characters in all.
[[nodiscard]] std::string fixed(double value, int decimals);
// One line of the output: "timestamp,score,alert,kind,metric\n".
[[nodiscard]] std::string score_line(std::string_view stamp, const Scorer::Line& line, std::string_view metric);
// "1/week", "0.5/day", "2/month": a rate as false alarms a week.
[[nodiscard]] std::optional<double> parse_false_alarms(std::string_view text);

}  // namespace mien::app
