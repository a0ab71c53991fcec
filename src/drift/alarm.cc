#include "drift/alarm.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace mien::drift {
namespace {

constexpr double day = 86400.0;
constexpr double week = 7 * day;
constexpr double least_seen = 864;        // seconds: the first day asks for at most two decades more
constexpr double scale = 1.8;             // of g(E) = 1 - exp(-E / 1.8)
constexpr double continued = 0.8;         // share of g(E) while the same strength goes on
constexpr double clearly_stronger = 0.4;  // above what is held: a new onset
constexpr double held_blocks = 170;
constexpr double bump_from = 2;
constexpr double bump_ends = 4;  // quiet blocks
constexpr double step = 0.25;    // of Alarm::past
constexpr double forget = 8 * week;
constexpr double unseen_week = 1.2;
constexpr double episode_step = 0.3;

std::size_t strength_of(double surprise) {
  double index = (surprise - bump_from) / step;
  return static_cast<std::size_t>(std::clamp(index, 0.0, static_cast<double>(Alarm::strengths - 1)));
}

// How often something at least this strong has happened before, old life fading.
double times_before(const Alarm& alarm, double surprise) {
  double count = 0;
  for (std::size_t i = strength_of(surprise); i < Alarm::strengths; ++i) count += static_cast<double>(alarm.past[i]);
  return count;
}

void remember_bump(Alarm& alarm, WallTime t) {
  double aged = alarm.forgot_at.ns == 0 ? 0 : to_seconds(t - alarm.forgot_at);
  auto keep = static_cast<float>(math::exp(-aged / forget));
  for (float& count : alarm.past) count *= keep;
  alarm.forgot_at = t;
  alarm.past[strength_of(alarm.bump_peak)] += 1;
}

}  // namespace

double score_of(double surprise) { return surprise > 0 ? 1 - math::exp(-surprise / scale) : 0; }

double rate_shift(double block) { return block < 300 && block > 0 ? math::log10(300 / block) : 0; }

double alarm_level(const Alarm& alarm, double budget) {
  double level = 3.0 - 0.7 * math::log2(std::clamp(budget, 0.01, 1000.0)) + alarm.offset;
  if (alarm.seen < week) level += unseen_week;
  if (alarm.seen < day) level += math::log10(day / std::max(alarm.seen, least_seen));
  return std::clamp(level, level_floor, level_ceiling);
}

Verdict sound(Alarm& alarm, double surprise, WallTime t, double elapsed, double block, double budget) {
  Verdict verdict;
  verdict.surprise = surprise;
  verdict.level = alarm_level(alarm, budget);
  verdict.fresh = surprise;
  if (surprise > bump_from) verdict.fresh -= 2 * math::log10(1 + times_before(alarm, surprise));
  bool goes_on = alarm.held > std::min(verdict.level, 3.0 - 0.7 * math::log2(std::clamp(budget, 0.01, 1000.0))) &&
                 surprise <= alarm.held + clearly_stronger;
  double strength = continued * score_of(surprise);
  verdict.score = goes_on ? strength : std::max(score_of(verdict.fresh), strength);
  verdict.fires = !goes_on && verdict.fresh >= verdict.level;

  double fade = std::clamp(1 - elapsed / (held_blocks * block), 0.0, 1.0);
  alarm.held = std::max(surprise, alarm.held * fade);
  if (surprise > bump_from) {
    alarm.bump_peak = alarm.bump ? std::max(alarm.bump_peak, surprise) : surprise;
    alarm.bump = true;
    alarm.quiet = 0;
  } else if (alarm.bump) {
    alarm.quiet += elapsed / block;
    if (alarm.quiet >= bump_ends) {
      remember_bump(alarm, t);
      alarm.bump = false;
    }
  }
  alarm.seen += elapsed;
  alarm.offset -= episode_step * budget * elapsed / week;
  double base = 3.0 - 0.7 * math::log2(std::clamp(budget, 0.01, 1000.0));
  alarm.offset = std::clamp(alarm.offset, level_floor - base, level_ceiling - base);
  return verdict;
}

void count_episode(Alarm& alarm) { alarm.offset += episode_step; }

}  // namespace mien::drift
