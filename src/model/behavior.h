// What was learned of one instance under one persona: the live behaviour, and its immutable, numbered revisions.
//
// Behavior is the live, exact state that `learn` moves and `drift` judges by; it goes into the instance's snapshot.
// A PersonaRevision holds it packed to a few hundred bytes a series (docs/formats/behavior.md). All scales are
// durations: a block is max(10 s, the series' interval), and everything slower than a few samples is counted in blocks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/finding.h"
#include "model/season.h"
#include "model/security_profile.h"
#include "model/telemetry.h"
#include "stats/robust.h"
#include "stats/rungs.h"
#include "stats/sketch.h"
#include "stats/tail.h"

namespace mien {
class Decoder;
class Encoder;
}  // namespace mien

namespace mien::model {

// A statistic u >= 0 of one series, large when something is odd; each has its own past (a Tail) per series.
enum class Expert : std::uint8_t {
  low_outlier,        // max(0, -z) against the anchor, times sqrt(level / x) of what falls towards 0
  jump,               // |x - EW(0.8)| over its scale
  forecast,           // residual of a normalised-LMS predictor over its scale
  off_season,         // |r|: residual against the hour of the day
  off_season_spread,  // |r| over the hour's own spread
  level,              // 4 |mean z of about 8 samples|
  ramp,               // 8 |mean z of about 64 blocks|
  off_season_level,   // 4 |mean r of about 8 samples|
  wide,               // 2 v, v the mean |jump| of about 32 samples
  narrow,             // 2 / v
  frozen,             // length of the run of identical values, in expected runs; or of calm, in hundreds of samples
};
constexpr std::size_t expert_count = 11;

// Experts that see the same thing share a group; the group names the kind.
enum class ExpertGroup : std::uint8_t { spike, season_point, level, season_level, spread, frozen };
constexpr std::size_t group_count = 6;
[[nodiscard]] constexpr ExpertGroup group_of(Expert expert) {
  constexpr std::array<ExpertGroup, expert_count> groups{
      ExpertGroup::spike, ExpertGroup::spike,        ExpertGroup::spike,  ExpertGroup::season_point, ExpertGroup::season_point, ExpertGroup::level,
      ExpertGroup::level, ExpertGroup::season_level, ExpertGroup::spread, ExpertGroup::spread,       ExpertGroup::frozen};
  return groups[static_cast<std::size_t>(expert)];
}

// Experts on the season need a day of their own past before they speak.
[[nodiscard]] constexpr bool is_seasonal(Expert expert) {
  return expert == Expert::off_season || expert == Expert::off_season_spread || expert == Expert::off_season_level;
}

// One value of each expert. `rungs`: 0 the expert was silent, else 1 + the bin of its tail that its statistic is in.
// Slots beyond the experts stay silent.
using Rungs = stats::Rungs16;
static_assert(expert_count <= stats::rung_slots);

// What is known of one series and needed for each of its samples: two cache lines. The rest is its Past.
// INVARIANT baseline_is_small: nothing here points elsewhere, and what only blocks or hours touch lives in Past.
struct Baseline {
  stats::RobustLocation anchor;   // slow level and scale
  double hour_sum = 0;            // of the hour that is being summed
  double season_level = 0;        // of that hour, where season_known
  float season_spread = 0;        // running mean |r| of that hour, in scales; 0: none yet
  float season_scale = 0;
  float jump_scale = 0;
  float forecast_scale = 0;
  float change_rate = 0;          // how often the value differs from the one before
  float interval = 0;             // seconds between samples
  float recent = 0;               // mean z of about the last hours, not gated: far from 0 = the anchor disagrees
  float band_low = 0;             // holds 99 % of healthy samples, refreshed every 32 blocks; not among `fields`
  float band_high = 0;
  std::uint32_t hour_weight = 0;  // samples in hour_sum
  std::int32_t hour = 0;          // hours since 1970 that are being summed, while hour_weight > 0
  std::uint32_t blocks = 0;       // that taught
  std::uint32_t coin = 0;         // of the stochastic counters of its past
  Rungs marks = all_silent;       // from this rung on an expert's tail is asked; below, it is ordinary
  std::uint8_t season_visits = 0;  // of that hour's own cell
  bool season_known = false;       // the cell that season_level comes from may be the other kind of day's
  std::uint8_t unsummarised = 0;   // blocks since the marks were computed

  static constexpr Rungs all_silent = [] {
    Rungs rungs{};
    rungs.fill(255);
    return rungs;
  }();

  [[nodiscard]] bool ready() const { return blocks >= stats::Tail::silent_below; }

  friend bool operator==(const Baseline&, const Baseline&) = default;
  static constexpr auto fields =
      std::tuple{field("anchor", &Baseline::anchor), field("hour_sum", &Baseline::hour_sum), field("season_level", &Baseline::season_level),
                 field("season_spread", &Baseline::season_spread), field("season_scale", &Baseline::season_scale),
                 field("jump_scale", &Baseline::jump_scale), field("forecast_scale", &Baseline::forecast_scale),
                 field("change_rate", &Baseline::change_rate), field("interval", &Baseline::interval), field("recent", &Baseline::recent),
                 field("hour_weight", &Baseline::hour_weight), field("hour", &Baseline::hour), field("blocks", &Baseline::blocks),
                 field("coin", &Baseline::coin), field("marks", &Baseline::marks), field("season_visits", &Baseline::season_visits),
                 field("season_known", &Baseline::season_known), field("unsummarised", &Baseline::unsummarised)};
};
static_assert(sizeof(Baseline) <= 128);

// What is known of one series and seldom touched: at the end of a block or an hour, and when a statistic passes its mark.
struct Past {
  std::array<stats::SmallTail, expert_count> tails{};
  Season season;
  stats::SmallSketch values;
  friend bool operator==(const Past&, const Past&) = default;
  static constexpr auto fields =
      std::tuple{field("tails", &Past::tails), field("season", &Past::season), field("values", &Past::values)};
};

// The live behaviour. Callers copy, encode and compare it; its inside is for learn and drift.
struct Behavior {
  static constexpr std::size_t max_series = 1024;

  std::vector<Baseline> series;  // by SeriesIndex
  std::vector<Past> past;        // the same
  stats::Tail combined;          // healthy history of the whole instance's combined surprise
  std::uint64_t samples = 0;     // metric-samples that taught
  double health = 1;             // share of recent blocks that could teach
  double interval = 0;           // seconds between rows
  std::uint64_t revision = 0;    // number of the newest revision made from or restored into this
  WallTime first;                // first and newest row seen
  WallTime last;
  SecurityProfile security;  // not among `fields`: it is stored behind them

  void resize(std::size_t count);

  // Stored with its version in front; reads versions 1 and 2 too (docs/formats/behavior.md).
  void store(Encoder& encoder) const;
  void restore(Decoder& decoder);

  friend bool operator==(const Behavior&, const Behavior&) = default;
  static constexpr auto fields =
      std::tuple{field("series", &Behavior::series), field("past", &Behavior::past), field("combined", &Behavior::combined),
                 field("samples", &Behavior::samples), field("health", &Behavior::health),
                 field("interval", &Behavior::interval), field("revision", &Behavior::revision), field("first", &Behavior::first),
                 field("last", &Behavior::last)};
};

// Computes the marks of a series' experts from its tails, as learn does every few blocks.
void summarise(Baseline& baseline, Past& past);

constexpr double apart_from_anchor = 2;  // scales between what is seen of late and the anchor

// How many series are known, have learned enough, and have been away from their anchor for hours of late.
struct Readiness {
  std::size_t known = 0;
  std::size_t ready = 0;
  std::size_t apart = 0;  // of these
};
[[nodiscard]] Readiness readiness_of(const Behavior& behavior);

// learning  until half of the series know 100 blocks, and the whole 100 of those;
// stale     when nothing came for ten minutes or ten intervals;
// suspect   when most of the last blocks could not teach (open findings, missing data), or most series have been two scales
//           away from their anchor for hours: the baseline is of another life;
// ready     else. What is not learning opens learned findings.
[[nodiscard]] LearningState learning_state(const Behavior& behavior, WallTime now);
[[nodiscard]] LearningState learning_state(const Behavior& behavior, const Readiness& of_it, WallTime now);

// What drift tells learn about one sample, so that nothing is computed twice; not stored.
struct SampleEvidence {
  enum Flag : std::uint8_t {
    present = 1,    // there is a value
    teaches = 2,    // it may move location, scale and season
    block_end = 4,  // `rungs` holds the block's largest statistics: they go to the tails
    has_jump = 8,   // there was a value before it
    changed = 16,   // it differs from the value before it
  };
  std::uint8_t flags = 0;
  std::uint16_t rare = 0;  // bit per expert: its tail learns this block with weight 1/4
  float interval = 0;      // seconds
  float jump = 0;          // x - EW(0.8)
  float forecast = 0;      // |residual| of the predictor
  Rungs rungs{};
};

// The same about a row of the whole instance.
struct RowEvidence {
  bool teaches = false;     // no episode is open
  bool block_end = false;
  bool combined = false;    // `u` is the block's largest combined statistic: it goes to Behavior::combined
  bool combined_rare = false;
  float interval = 0;
  float u = 0;
};

// What drift tells learn about a batch; not stored. Row-major: samples[row * columns + column].
struct Evidence {
  std::size_t columns = 0;
  std::vector<RowEvidence> rows;
  std::vector<SampleEvidence> samples;
};

// "web-frontend@web-01/12". Immutable. At most 64 KiB for the 200 metrics that matter most.
struct PersonaRevision {
  PersonaName persona;
  InstanceName instance;
  std::uint64_t number = 0;
  std::uint64_t generation = 0;  // of the persona, when this was learned
  WallTime created_at;
  std::uint64_t samples = 0;     // evidence: samples that taught it
  std::vector<Series> series;
  std::string behavior;          // packed by learn (docs/formats/behavior.md), checksummed

  friend bool operator==(const PersonaRevision&, const PersonaRevision&) = default;
  static constexpr auto fields =
      std::tuple{field("persona", &PersonaRevision::persona), field("instance", &PersonaRevision::instance),
                 field("number", &PersonaRevision::number), field("generation", &PersonaRevision::generation),
                 field("created_at", &PersonaRevision::created_at), field("samples", &PersonaRevision::samples),
                 field("series", &PersonaRevision::series), field("behavior", &PersonaRevision::behavior)};
};

}  // namespace mien::model
