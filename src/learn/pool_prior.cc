#include "learn/pool_prior.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "learn/learn.h"
#include "learn/security.h"

namespace mien::learn {
namespace {

using model::Baseline;
using model::Behavior;
using model::Past;
using stats::SmallTail;
using stats::Tail;

constexpr std::uint32_t own_samples = 30;  // that level and scale are worth
constexpr std::uint32_t own_blocks = SmallTail::silent_below / 2;
constexpr std::uint64_t own_values = 200;  // that a tail is worth

// One series of one member.
struct Part {
  const Baseline* baseline = nullptr;
  const Past* past = nullptr;
};
using Parts = std::vector<Part>;

double mean_of(const Parts& parts, auto value) {
  double sum = 0;
  for (const Part& part : parts) sum += static_cast<double>(value(part));
  return sum / static_cast<double>(parts.size());
}

// Their counts added, and reduced to what the whole is worth.
Tail worth(const Tail& all) {
  std::uint64_t total = 0;
  for (std::uint32_t count : all.counts()) total += count;
  std::array<std::uint32_t, Tail::bins> counts = all.counts();
  constexpr std::uint64_t most = own_values * Tail::whole;
  if (total > most)
    for (std::uint32_t& count : counts) count = static_cast<std::uint32_t>((count * most + total - 1) / total);
  return Tail::from_counts(counts);
}

void begin_season(const Parts& parts, Baseline& baseline, Past& past) {
  double scale = std::max(static_cast<double>(baseline.season_scale), baseline.anchor.safe_scale());
  for (std::size_t cell = 0; cell < model::season_cells; ++cell) {
    double away = 0, spread = 0, known = 0;
    for (const Part& part : parts) {
      if (part.past->season.visits(cell) == 0) continue;
      away += part.past->season.level(cell) - part.baseline->anchor.location;
      spread += static_cast<double>(part.past->season.spread(cell));
      ++known;
    }
    if (known == 0) continue;
    past.season.set(cell, baseline.anchor.location + away / known, 1, scale);
    past.season.set_spread(cell, static_cast<float>(spread / known), baseline.coin);
  }
}

// Of the members that have seen those hours; its levels are laid before.
void begin_week(const Parts& parts, model::Season& season) {
  for (std::size_t cell = 0; cell < model::week_cells; ++cell) {
    double away = 0, seen = 0;
    for (const Part& part : parts) {
      double of_member = part.past->season.away(cell);
      if (std::isnan(of_member)) continue;
      away += of_member;
      ++seen;
    }
    if (seen > 0) season.set_away(cell, away / seen);
  }
}

void begin_series(const Parts& parts, Baseline& baseline, Past& past) {
  double location = mean_of(parts, [](const Part& part) { return part.baseline->anchor.location; });
  double apart = mean_of(parts, [&](const Part& part) { return std::fabs(part.baseline->anchor.location - location); });
  auto scale = mean_of(parts, [](const Part& part) { return part.baseline->anchor.scale; });
  baseline.anchor = {.location = location, .scale = static_cast<float>(scale + apart), .n = own_samples};
  auto mean = [&](float Baseline::*field) {
    return static_cast<float>(mean_of(parts, [&](const Part& part) { return part.baseline->*field; }));
  };
  baseline.jump_scale = mean(&Baseline::jump_scale);
  baseline.season_scale = mean(&Baseline::season_scale);
  baseline.forecast_scale = mean(&Baseline::forecast_scale);
  baseline.change_rate = mean(&Baseline::change_rate);
  baseline.interval = parts.front().baseline->interval;
  baseline.blocks = own_blocks;
  for (std::size_t i = 0; i < model::expert_count; ++i) {
    Tail all;
    for (const Part& part : parts) all.merge(part.past->tails[i].widen());
    past.tails[i] = SmallTail::narrow(worth(all));
  }
  baseline.band_low = parts.front().baseline->band_low;
  baseline.band_high = parts.front().baseline->band_high;
  for (const Part& part : parts) {
    baseline.band_low = std::min(baseline.band_low, part.baseline->band_low);
    baseline.band_high = std::max(baseline.band_high, part.baseline->band_high);
  }
  begin_season(parts, baseline, past);
  begin_week(parts, past.season);
  model::summarise(baseline, past);
}

}  // namespace

void PoolPrior::add(model::PersonaRevision revision) {
  auto [known, is_new] = members_.try_emplace(revision.instance);
  auto order = [](const model::PersonaRevision& r) { return std::tie(r.samples, r.number, r.behavior); };
  if (is_new || order(known->second) < order(revision)) known->second = std::move(revision);
  keep_best();
}

void PoolPrior::merge(const PoolPrior& other) {
  for (const auto& [name, revision] : other.members_) add(revision);
}

void PoolPrior::keep_best() {
  if (members_.size() <= most_members) return;
  auto least = std::min_element(members_.begin(), members_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.samples, b.first) < std::tie(b.second.samples, a.first);
  });
  members_.erase(least);
}

Behavior PoolPrior::begin(const std::vector<model::Series>& series) const {
  std::vector<Behavior> behaviors;
  for (const auto& [name, revision] : members_) behaviors.push_back(behavior_of(revision));
  Behavior begun;
  begun.resize(std::min(series.size(), Behavior::max_series));
  for (std::size_t i = 0; i < begun.series.size(); ++i) {
    Parts parts;
    std::size_t member = 0;
    for (const auto& [name, revision] : members_) {
      const Behavior& behavior = behaviors[member++];
      auto at = static_cast<std::size_t>(std::find(revision.series.begin(), revision.series.end(), series[i]) -
                                         revision.series.begin());
      if (at < behavior.series.size() && behavior.series[at].ready())
        parts.push_back({.baseline = &behavior.series[at], .past = &behavior.past[at]});
    }
    if (!parts.empty()) begin_series(parts, begun.series[i], begun.past[i]);
  }
  Tail combined;
  for (const Behavior& behavior : behaviors) {
    combined.merge(behavior.combined);
    begun.security = learn::merge(begun.security, behavior.security);
  }
  if (combined.speaks()) begun.combined = worth(combined);
  return begun;
}

model::PersonaRevision PoolPrior::revision(WallTime now) const {
  std::vector<model::Series> series;
  std::uint64_t samples = 0;
  for (const auto& [name, member] : members_) {
    samples += member.samples;
    for (const model::Series& one : member.series) {
      if (series.size() == Behavior::max_series) break;
      if (std::find(series.begin(), series.end(), one) == series.end()) series.push_back(one);
    }
  }
  Behavior begun = begin(series);
  begun.samples = samples;
  return make_revision(begun, series, now);
}

Behavior begin_with(const model::PersonaRevision& prior, const std::vector<model::Series>& series) {
  Behavior known = behavior_of(prior);
  Behavior begun;
  begun.resize(std::min(series.size(), Behavior::max_series));
  for (std::size_t i = 0; i < begun.series.size(); ++i) {
    auto at =
        static_cast<std::size_t>(std::find(prior.series.begin(), prior.series.end(), series[i]) - prior.series.begin());
    if (at >= known.series.size() || known.series[at].anchor.n == 0) continue;
    std::uint32_t coin = begun.series[i].coin;
    begun.series[i] = known.series[at];
    begun.series[i].coin = coin;
    begun.past[i] = known.past[at];
  }
  begun.combined = known.combined;
  begun.security = std::move(known.security);
  return begun;
}

}  // namespace mien::learn
