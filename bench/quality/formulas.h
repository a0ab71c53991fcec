// How a score is judged: the published formulas, on plain vectors. Pure; nothing here reads a file.
//
// A series is its rows in time order; a Range is [first, end) in rows; ranges are ascending and do not overlap.
// Point adjustment (a whole anomaly counts as found by one row) is used nowhere: a random score looks excellent under
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mien::quality {

struct Range {
  std::size_t first = 0;
  std::size_t end = 0;  // one past the last

  [[nodiscard]] std::size_t size() const { return end - first; }
  [[nodiscard]] bool touches(const Range& other) const { return first < other.end && other.first < end; }
  friend bool operator==(const Range&, const Range&) = default;
};
using Ranges = std::vector<Range>;

// What of `ranges` lies in the rows from `first` on, counted from there.
[[nodiscard]] Ranges from_row(const Ranges& ranges, std::size_t first);

// ---- NAB, standard profile (Lavin & Ahmad 2015) ----

// Credit at a position in a window: -1 is its left edge, 0 just past its right edge, from 3 on: far behind it.
[[nodiscard]] double scaled_sigmoid(double position);

// One series, ready to be judged at any threshold: what each row would bring if it were a detection.
struct NabSeries {
  struct Row {
    double score = 0;
    double credit = 0;
    std::ptrdiff_t window = -1;  // -1: outside
  };
  std::vector<Row> rows;    // without the probation: the first min(15 % of the rows, 750)
  std::size_t windows = 0;  // that have a row after the probation
};
[[nodiscard]] NabSeries nab_series(std::span<const double> scores, const Ranges& windows);

struct NabResult {
  double threshold = 0;  // a row is a detection from this score on
  double score = 0;      // 100 (raw - null) / (perfect - null), null = -windows, perfect = windows
  std::size_t windows = 0;
  std::size_t found = 0;
  std::size_t outside = 0;  // detections outside windows
};
[[nodiscard]] NabResult nab_at(std::span<const NabSeries* const> corpus, double threshold);
// At the threshold that is best for the corpus; of equals, the highest.
[[nodiscard]] NabResult nab_best(std::span<const NabSeries* const> corpus);

// ---- precision and recall ----

// Average precision: the sum of (recall gained) x precision over all distinct thresholds, exact with ties.
// 0 where there are no anomalies.
[[nodiscard]] double average_precision(std::span<const double> scores, const Ranges& anomalies);

struct VusOptions {
  std::size_t window = 100;  // the widest
  std::size_t stride = 1;    // of the windows 0, stride, ... that are averaged
  std::size_t thresholds = 250;
};
// Volume under the range-PR surface (Paparrizos et al. 2022, RangeAUC_volume of their package). Cost: the rows near
// anomalies once per window, and one sort.
[[nodiscard]] double vus_pr(std::span<const double> scores, const Ranges& anomalies, const VusOptions& options = {});

// What a false episode is when a threshold is drawn through a score.
enum class Tails : std::uint8_t {
  count,  // rows outside events make runs of their own: the end of an episode that an event began is false
  free,   // a run that touches an event is not false
};
struct EventRecall {
  double threshold = 0;
  std::size_t events = 0;
  std::size_t found = 0;            // with a row from the threshold on
  std::size_t false_episodes = 0;   // at the threshold
  std::vector<std::size_t> delays;  // rows from an event's first to its first detected one, of those found
};
// The threshold is lowered, one distinct score at a time, for as long as the false episodes are at most `affordable`.
// Runs that are less than `merged` rows apart are one. Nor may more than a tenth of the rows outside events be above
// it: a score that is always high would be one long run.
[[nodiscard]] EventRecall event_recall(std::span<const double> scores, const Ranges& events, double affordable,
                                       Tails tails, std::size_t merged = 10);

// ---- alerts ----

// Runs of rows that are set.
[[nodiscard]] Ranges episodes(std::span<const std::uint8_t> alert);

// Between events, where nothing is wrong and nothing was just now: from `aftermath` rows after an event to the next
// one, if that is at least `least` rows.
[[nodiscard]] Ranges healthy_stretches(std::size_t rows, const Ranges& events, std::size_t aftermath,
                                       std::size_t least);

[[nodiscard]] double median(std::vector<double> values);  // 0 of none
[[nodiscard]] double mean(std::span<const double> values);

}  // namespace mien::quality
