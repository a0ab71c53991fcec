// What is learned slowly of an instance, for readers: the series whose shape or level changed most, how far what was
// learned has left what is declared, and the candidate for another baseline.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/telemetry.h"

namespace mien::node {

// Numbers that are not known yet are missing (null in JSON).
struct SlowMetric {
  MetricName name;
  model::Attributes attributes;
  double hour_bits =
      model::missing;  // of the newest whole hour's values from healthy hours: 0 alike, 1 nothing in common
  double day_bits = model::missing;
  double usual_bits = model::missing;  // of its own past hours: their mean
  double most_bits = model::missing;   // and the most of about two weeks
  double anchor_scales = 0;            // the last hours against the slow level, in scales
  double anchor_bits = 0;
  double per_day = model::missing;        // speed of the level, in the metric's unit a day
  double per_day_ratio = model::missing;  // of the level
  double moved_scales = 0;                // within the known days
  std::uint32_t days = 0;                 // known ones
  bool unlike = false;                    // the newest hour is unlike any of its own past
  bool moving = false;                    // the level goes one way, by more than it varies
  static constexpr auto fields = std::tuple{field("name", &SlowMetric::name),
                                            field("attributes", &SlowMetric::attributes),
                                            field("hour_bits", &SlowMetric::hour_bits),
                                            field("day_bits", &SlowMetric::day_bits),
                                            field("usual_bits", &SlowMetric::usual_bits),
                                            field("most_bits", &SlowMetric::most_bits),
                                            field("anchor_scales", &SlowMetric::anchor_scales),
                                            field("anchor_bits", &SlowMetric::anchor_bits),
                                            field("per_day", &SlowMetric::per_day),
                                            field("per_day_ratio", &SlowMetric::per_day_ratio),
                                            field("moved_scales", &SlowMetric::moved_scales),
                                            field("days", &SlowMetric::days),
                                            field("unlike", &SlowMetric::unlike),
                                            field("moving", &SlowMetric::moving)};
};

struct SlowView {
  std::vector<SlowMetric> metrics;  // those that changed most first, at most 16
  double departure_bits = 0;        // the most that what was learned has left what is declared
  std::string departure_of;         // of this series; empty: nothing is declared that could be left
};

struct CandidateView {
  std::uint64_t number = 0;  // of the candidate revision; 0: it is still learning
  WallTime began;
  static constexpr auto fields =
      std::tuple{field("number", &CandidateView::number), field("began", &CandidateView::began)};
};

}  // namespace mien::node
