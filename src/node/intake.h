// What of an arriving batch is judged, what is only kept, and what is dropped: by the time of each sample.
//
//   newer than five minutes ahead of `now`     refused (a wrong clock may not close episodes early)
//   already judged for that series             duplicate (unnumbered sender) or backlog (numbered: kept, not judged)
//   older than ten minutes on arrival          kept, not judged
//   older than two minutes (or two intervals)  judged, and findings from it are marked late
//   else                                       judged
//
// Counters become rates per second here, one place for every sender. A counter that fell started anew: its first
// difference is missing, not negative.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "base/time.h"
#include "model/telemetry.h"

namespace mien::node {

constexpr Duration max_future = 5min;
constexpr Duration late_after = 2min;
constexpr Duration keep_only_after = 10min;

// The last sample of a series, and the last one of its backlog lane.
struct SeriesMemory {
  WallTime at;
  double value = 0;  // missing: the series ended there
  WallTime backlog_at;
  double backlog_value = 0;
  friend bool operator==(const SeriesMemory&, const SeriesMemory&) = default;
  static constexpr auto fields =
      std::tuple{field("at", &SeriesMemory::at), field("value", &SeriesMemory::value),
                 field("backlog_at", &SeriesMemory::backlog_at), field("backlog_value", &SeriesMemory::backlog_value)};
};

struct IntakeContext {
  WallTime now;
  bool numbered = false;  // the sender numbers its requests, so nothing arrives twice
  bool newest = false;    // numbered, and this is the highest number so far: an old time means the clock was set back
  Duration interval{};    // the instance's usual interval between rows; 0 = not known yet
};

struct Intake {
  model::Batch late;        // judged, findings marked late
  model::Batch live;        // judged
  model::Batch kept;        // for history only
  std::uint64_t taken = 0;  // samples in the three above, before counters lost their first
  std::uint64_t late_samples = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t future = 0;
  std::uint64_t ended = 0;  // series that ended
  bool clock_set_back = false;
};

// `memory` has one entry per declared series and is moved forward.
[[nodiscard]] Intake take_in(const IntakeContext& context, const std::vector<model::Series>& series,
                             std::vector<SeriesMemory>& memory, const model::Batch& batch);

}  // namespace mien::node
