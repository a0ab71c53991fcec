// How far what was learned has left what people declared (`drift.depart`): the bits by which its values are more
// surprising, on average, than values that follow the declaration.
//
// Of a normal declaration that is ((s^2 + d^2) / stddev^2 - 1) / 2 nats, d the distance of the means and s the learned
// deviation: one bit at 1.2 declared deviations away. What lies within and varies less than declared has not left it:
// 0. At most 16. A share of the values that can not be (outside a uniform range, above the peak) counts 16 bits each.
//
// Pure. Cost: a few operations for each declared series.
#pragma once

#include <cstdint>
#include <vector>

#include "model/behavior.h"
#include "model/expectation.h"
#include "model/finding.h"
#include "model/telemetry.h"

namespace mien::drift {

// Of a learned level and scale (mean absolute deviation).
[[nodiscard]] double departure_bits(const model::DeclaredMetric& declared, double location, double scale);

struct Departure {
  std::uint32_t series = 0;
  double bits = 0;
  double learned = 0;    // level
  double deviation = 0;  // standard deviation, as the scale of a normal has it
  double expected = 0;   // declared: the middle and the band that holds 99 %
  double low = 0;
  double high = 0;
  bool is_wide = false;  // it varies more than declared, rather than elsewhere
};
// Every series of which enough was learned and something is declared that could be left, most first; also those that
// have not left it (bits 0).
[[nodiscard]] std::vector<Departure> departures(const model::Expectation& expectation, const model::Behavior& behavior,
                                                const std::vector<model::Series>& series);
// The finding about those beyond `expectation.depart`, without what the node adds. `left` is not empty.
[[nodiscard]] model::Finding departure_finding(const model::Expectation& expectation,
                                               const std::vector<model::Series>& series,
                                               const std::vector<Departure>& left);

}  // namespace mien::drift
