#include "drift/alarm.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace mien::drift {
namespace {

constexpr double day = 86400.0;
constexpr double week = 7 * day;
constexpr double least_seen = 864;  // seconds: the first day asks for at most two decades more
constexpr double standing_scale = 7;
constexpr double onset_scale = 2;
constexpr double onset_begins = 3.6;      // weaker ones do not outrank what stands, unless they open an episode
constexpr double novelty = 3.5;           // decades taken off per decade of times it happened before
constexpr double fades_in = 12;           // blocks
constexpr double fades_within = 36'000;   // seconds
constexpr double sudden_share = 0.3;      // of what rose at once, beside what stands
constexpr double fresh_share = 0.12;      // of what is above the mean of late
constexpr double clearly_stronger = 0.4;  // above what is held: a new onset
constexpr double sustained_margin = 0.9;  // above the alarm level: the two ways to an episode share one budget
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

// The level for a budget, before anything was learned of this instance.
double base_level(double budget) { return 3.0 - 0.7 * math::log2(std::clamp(budget, 0.01, 1000.0)); }

// Remembers each stretch of surprise above 2 by its peak, once it is over.
void follow_bump(Alarm& alarm, const Moment& moment) {
  if (moment.surprise > bump_from) {
    alarm.bump_peak = alarm.bump ? std::max(alarm.bump_peak, moment.surprise) : moment.surprise;
    alarm.bump = true;
    alarm.quiet = 0;
  } else if (alarm.bump) {
    alarm.quiet += moment.elapsed / moment.block;
    if (alarm.quiet < bump_ends) return;
    remember_bump(alarm, moment.at);
    alarm.bump = false;
  }
}

// How strongly what stands speaks: at most `strength` while nothing stronger lasts. What rose at once, over what still
// stood, counts for more than what crept in or only comes back, as long as it stands; and so does, a little, what is
// above the mean of late. So the start of something short is not outranked by the tenth flicker of something long.
double follow_standing(Standing& standing, double strength, double keeps) {
  double before = standing.lasting * keeps;
  standing.lasting = std::max(strength, before);
  standing.rose = std::max(strength - before, std::min(standing.rose, strength));
  double fresh = std::max(0.0, strength - standing.mean);
  standing.mean += (1 - keeps) * (strength - standing.mean);
  return (standing.lasting + sudden_share * standing.rose + fresh_share * fresh) / (1 + sudden_share + fresh_share);
}

}  // namespace

double onset_score(double strength) {
  if (strength < level_floor) return 0;
  return onset_from + (1 - onset_from) * (1 - math::exp(-std::max(0.0, strength - onset_begins) / onset_scale));
}

double standing_score(double strength) { return onset_from * (1 - math::exp(-strength / standing_scale)); }

double rate_shift(double block) { return block < 300 && block > 0 ? math::log10(300 / block) : 0; }

namespace {

double level_above(double base, const Alarm& alarm) {
  double level = base + alarm.offset;
  if (alarm.seen < week) level += unseen_week;
  if (alarm.seen < day) level += math::log10(day / std::max(alarm.seen, least_seen));
  return std::clamp(level, level_floor, level_ceiling);
}

}  // namespace

double alarm_level(const Alarm& alarm, double budget) { return level_above(base_level(budget), alarm); }

Verdict sound(Alarm& alarm, Standing& standing, const Moment& moment, double budget) {
  double surprise = moment.surprise;
  double judged = moment.judged ? moment.elapsed : 0;
  double blocks = moment.elapsed / moment.block;
  Verdict verdict;
  verdict.surprise = surprise;
  double base = base_level(budget);
  verdict.level = level_above(base, alarm);
  verdict.fresh = surprise;
  if (surprise > bump_from) verdict.fresh -= novelty * math::log10(1 + times_before(alarm, surprise));
  // What was reported and goes on is no news. A slow statistic may stand above the level for long before it is strong
  // enough to be reported: only what was told counts here.
  auto is_news = [&](double strength) {
    return alarm.told <= verdict.level || strength > alarm.told + clearly_stronger;
  };
  bool at_once = verdict.fresh >= verdict.level && is_news(surprise);
  bool by_now = moment.sustained >= verdict.level + sustained_margin && is_news(moment.sustained);
  verdict.fires = at_once || by_now;

  double fading = std::max(blocks / fades_in, moment.elapsed / fades_within);
  verdict.score = standing_score(follow_standing(standing, moment.standing, std::clamp(1 - fading, 0.0, 1.0)));
  // For the score what would have been at the budget's own level.
  bool goes_on = alarm.held > std::min(verdict.level, base) && surprise <= alarm.held + clearly_stronger;
  bool onset = verdict.fresh >= onset_begins && !goes_on;
  if (at_once || onset) verdict.score = std::max(verdict.score, onset_score(verdict.fresh));

  double keeps = std::clamp(1 - judged / (held_blocks * moment.block), 0.0, 1.0);
  alarm.held = std::max(surprise, alarm.held * keeps);
  alarm.told *= keeps;
  if (verdict.fires || alarm.told > verdict.level)
    alarm.told = std::max({alarm.told, surprise, by_now ? moment.sustained : 0.0});
  follow_bump(alarm, moment);
  alarm.seen += judged;
  alarm.offset -= episode_step * budget * judged / week;
  alarm.offset = std::clamp(alarm.offset, level_floor - base, level_ceiling - base);
  return verdict;
}

void count_episode(Alarm& alarm) { alarm.offset += episode_step; }

}  // namespace mien::drift
