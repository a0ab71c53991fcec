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
#include "model/telemetry.h"
#include "stats/robust.h"
#include "stats/sketch.h"
#include "stats/tail.h"

namespace mien::model {

// A statistic u >= 0 of one series, large when something is odd; each has its own past (a Tail) per series.
enum class Expert : std::uint8_t {
  low_outlier,        // max(0, -z) against the anchor
  jump,               // |x - EW(0.8)| over its scale
  forecast,           // residual of a normalised-LMS predictor over its scale
  off_season,         // |r|: residual against the hour of the day
  off_season_spread,  // |r| over the hour's own spread
  level,              // 4 |mean z of about 8 samples|
  ramp,               // 8 |mean z of about 64 blocks|
  off_season_level,   // 4 |mean r of about 8 samples|
  wide,               // 2 v, v the mean |jump| of about 32 samples
  narrow,             // 2 / v
  frozen,             // length of the run of identical values, in expected runs
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

constexpr std::size_t season_cells = 48;  // 24 UTC hours of working days, then 24 of weekends
[[nodiscard]] constexpr std::size_t season_cell_of(WallTime t) {
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  std::int64_t hour = t.ns >= 0 ? t.ns / hour_ns : -((-t.ns + hour_ns - 1) / hour_ns);
  std::int64_t day = hour >= 0 ? hour / 24 : -((-hour + 23) / 24);
  std::int64_t weekday = ((day + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Monday
  return static_cast<std::size_t>(hour - day * 24 + (weekday >= 5 ? 24 : 0));
}

struct SeasonCell {
  float level = 0;
  float spread = 0;          // mean |r| in this hour
  std::uint8_t visits = 0;   // days that taught it, up to 255
  friend bool operator==(const SeasonCell&, const SeasonCell&) = default;
  static constexpr auto fields =
      std::tuple{field("level", &SeasonCell::level), field("spread", &SeasonCell::spread), field("visits", &SeasonCell::visits)};
};

// What is known of one series.
struct Baseline {
  stats::RobustLocation anchor;  // slow level and scale
  double jump_scale = 0;
  double season_scale = 0;
  double forecast_scale = 0;
  double change_rate = 0;        // how often the value differs from the one before
  std::array<SeasonCell, season_cells> season{};
  std::int64_t hour = 0;         // hours since 1970 that is being summed, when hour_weight > 0
  double hour_sum = 0;
  double hour_weight = 0;
  std::array<stats::Tail, expert_count> tails{};
  stats::QuantileSketch values;
  double band_low = 0;           // holds 99 % of healthy samples, refreshed every 32 blocks
  double band_high = 0;
  std::uint64_t blocks = 0;      // that taught
  double interval = 0;           // seconds between samples
  double recent = 0;             // mean z of about the last hours, not gated: far from 0 = the anchor disagrees
  WallTime last;                 // newest sample seen

  [[nodiscard]] bool ready() const { return blocks >= stats::Tail::silent_below; }
  // The season's level at a cell: its own, else that of the same hour of the other kind of day, else null.
  [[nodiscard]] const SeasonCell* season_at(std::size_t cell) const {
    if (season[cell].visits > 0) return &season[cell];
    const SeasonCell& other = season[(cell + 24) % season_cells];
    return other.visits > 0 ? &other : nullptr;
  }

  friend bool operator==(const Baseline&, const Baseline&) = default;
  static constexpr auto fields =
      std::tuple{field("anchor", &Baseline::anchor), field("jump_scale", &Baseline::jump_scale), field("season_scale", &Baseline::season_scale),
                 field("forecast_scale", &Baseline::forecast_scale), field("change_rate", &Baseline::change_rate),
                 field("season", &Baseline::season), field("hour", &Baseline::hour), field("hour_sum", &Baseline::hour_sum),
                 field("hour_weight", &Baseline::hour_weight), field("tails", &Baseline::tails), field("values", &Baseline::values),
                 field("band_low", &Baseline::band_low), field("band_high", &Baseline::band_high), field("blocks", &Baseline::blocks),
                 field("interval", &Baseline::interval), field("recent", &Baseline::recent), field("last", &Baseline::last)};
};

// The live behaviour. Callers copy, encode and compare it; its inside is for learn and drift.
struct Behavior {
  static constexpr std::size_t max_series = 1024;

  std::vector<Baseline> series;  // by SeriesIndex
  stats::Tail combined;          // healthy history of the whole instance's combined surprise
  std::uint64_t samples = 0;     // metric-samples that taught
  double health = 1;             // share of recent blocks that could teach
  double interval = 0;           // seconds between rows
  std::uint64_t revision = 0;    // number of the newest revision made from or restored into this
  WallTime first;                // first and newest row seen
  WallTime last;

  friend bool operator==(const Behavior&, const Behavior&) = default;
  static constexpr auto fields =
      std::tuple{field("series", &Behavior::series), field("combined", &Behavior::combined),
                 field("samples", &Behavior::samples), field("health", &Behavior::health),
                 field("interval", &Behavior::interval), field("revision", &Behavior::revision), field("first", &Behavior::first),
                 field("last", &Behavior::last)};
};

constexpr double apart_from_anchor = 2;  // scales between what is seen of late and the anchor

// learning  until half of the series know 100 blocks, and the whole 100 of those;
// stale     when nothing came for ten minutes or ten intervals;
// suspect   when most of the last blocks could not teach (open findings, missing data), or most series have been two scales
//           away from their anchor for hours: the baseline is of another life;
// ready     else. What is not learning opens learned findings.
[[nodiscard]] LearningState learning_state(const Behavior& behavior, WallTime now);

// What drift tells learn about one sample, so that nothing is computed twice; not stored.
struct SampleEvidence {
  enum Flag : std::uint8_t {
    present = 1,    // there is a value
    teaches = 2,    // it may move location, scale and season
    block_end = 4,  // `u` holds the block's largest statistics: they go to the tails
    has_jump = 8,   // there was a value before it
    changed = 16,   // it differs from the value before it
  };
  std::uint8_t flags = 0;
  std::uint8_t season_cell = 0;
  std::uint16_t rare = 0;  // bit per expert: its tail learns this block with weight 1/4
  float interval = 0;      // seconds
  double jump = 0;         // x - EW(0.8)
  double forecast = 0;     // |residual| of the predictor
  std::array<float, expert_count> u{};
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
