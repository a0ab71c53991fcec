// From one surprise of the instance to a score, and to the decision that an episode begins. DETECTION sections 3 and 5.
//
// Surprise E is -log10 p per five minutes: faster instances are first shifted by log10(300 s / block), so that the
// same E means the same rarity in time at any sampling rate.
#pragma once

#include "drift/watch_state.h"

namespace mien::drift {

constexpr double level_floor = 2;
constexpr double level_ceiling = 12;

// A score has two parts: below `onset_from` it says how odd things are (0.7 (1 - exp(-E / 7))), whatever was reported;
// above, that something new begins, and how strongly (0.7 + 0.3 (1 - exp(-(E' - 3.6) / 2))). So one score serves both
// the question "is it odd now?" and "when did it begin?", and a long incident can not outrank the start of the next.
constexpr double onset_from = 0.7;
// The score of an onset of that strength: what an episode must reach at an alarm level. 0 below level_floor.
[[nodiscard]] double onset_score(double strength);
// The score of what stands, whether or not it is news: below onset_from.
[[nodiscard]] double standing_score(double strength);
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
  bool fires = false;          // an episode opens here, if none is open
  bool after_silence = false;  // because the row came far too late
};

// One row of the instance.
struct Moment {
  double surprise = 0;   // E, calibrated: what may open an episode
  double sustained = 0;  // of the last blocks together (sustained.h): it may open one too, and raises no score
  double standing = 0;   // how odd the row is, also by what only speaks for the score
  WallTime at;
  double elapsed = 0;  // seconds since the row before; 0: the first, or after a gap
  bool judged = true;  // enough is known to judge: the time counts for the alarm level
  double block = 0;    // seconds
};
// `standing` is of late: it fades within about 12 blocks, ten hours at most.
Verdict sound(Alarm& alarm, Standing& standing, const Moment& moment, double budget);
// The controller's step when an episode was opened.
void count_episode(Alarm& alarm);

}  // namespace mien::drift
