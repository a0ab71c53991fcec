// From one surprise of the instance to a score, and to the decision that an episode begins. DETECTION sections 3 and 5.
//
// Surprise E is -log10 p per five minutes: faster instances are first shifted by log10(300 s / block), so that the
// same E means the same rarity in time at any sampling rate.
#pragma once

#include "drift/watch_state.h"

namespace mien::drift {

constexpr double level_floor = 2;
constexpr double level_ceiling = 12;

// 1 - exp(-E / 1.8): surprise on the scale of scores.
[[nodiscard]] double score_of(double surprise);
// What is taken off a combined surprise judged once per `block` seconds.
[[nodiscard]] double rate_shift(double block);
// The surprise above which an episode opens now, for a budget of false alarms a week. Higher by 1.2 until a week was
// seen, and on the first day by a decade for each decade of the day that is missing.
[[nodiscard]] double alarm_level(const Alarm& alarm, double budget);

struct Verdict {
  double score = 0;
  double surprise = 0;  // E
  double fresh = 0;     // E', less what has happened before
  double level = 0;
  bool fires = false;  // an episode opens here, if none is open
};

// One row: `elapsed` seconds after the one before it (0: the first, or after a gap), at blocks of `block` seconds.
Verdict sound(Alarm& alarm, double surprise, WallTime t, double elapsed, double block, double budget);
// The controller's step when an episode was opened.
void count_episode(Alarm& alarm);

}  // namespace mien::drift
