// What a Watch holds: the fast state of every series and the alarm, episodes included. Private to drift.
// Stored as docs/formats/watch.md describes; the compiled plan at the end is derived and not stored.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "drift/drift.h"
#include "drift/interplay.h"
#include "drift/pattern.h"
#include "model/behavior.h"
#include "stats/correlations.h"

namespace mien::drift {

constexpr std::size_t max_open_episodes = 8;
constexpr std::size_t max_blamed = 8;
constexpr std::size_t max_change_points = 32;  // remembered for one `change over` limit
constexpr std::size_t forecast_order = 4;

struct TimedValue {
  WallTime at;
  double value = 0;
  static constexpr auto fields = std::tuple{field("at", &TimedValue::at), field("value", &TimedValue::value)};
};

// The surprise of each group in eighths of a decade, at most 31.
using Groups = std::array<std::uint8_t, model::group_count>;
constexpr float group_steps = 8;

// One series between two samples: two cache lines, read and written for each.
// INVARIANT watch_is_small: nothing here points elsewhere; what is rare lives in Against and Pattern.
struct SeriesWatch {
  double last = model::missing;
  WallTime last_at;
  double smooth = 0;  // EW(0.8)
  WallTime left_at;   // since when its surprise is out of the ordinary; 0 = it is not
  // Sixteen bytes a line, as lanes.cc takes them.
  float interval = 0;   // seconds; follows the median of the steps
  std::uint32_t n = 0;  // samples since the start or the last gap
  float level = 0;      // EW(1/8) of clipped z
  float ramp = 0;       // EW(1/64 blocks) of clipped z

  float season_level = 0;  // EW(1/8) of clipped r
  float volatility = 1;    // EW(1/32) of the clipped jump
  std::uint16_t run = 1;   // samples: identical values up to now, at most 65,535
  std::uint16_t calm = 0;  // samples: without a jump of the usual size up to now, at most 65,535
  float block_age = -1;    // seconds since the running block's first sample; below 0: none runs

  std::array<float, forecast_order> weights{};
  std::array<std::int16_t, forecast_order> past{};  // in 1/8192, newest first
  float z = 0;
  float surprise = 0;            // newest, all groups together
  model::Rungs rungs{};          // the running block's largest
  float form = 0;                // surprise of the newest block's pattern
  std::uint32_t jumped = 0;      // when it last jumped clearly: seconds since 1970, doubled, odd if upwards; 0: never
  Groups group{};                // newest surprise by group
  std::uint16_t block_rare = 0;  // bit per expert

  [[nodiscard]] float surprise_of(model::ExpertGroup which) const {
    return static_cast<float>(group[static_cast<std::size_t>(which)]) / group_steps;
  }

  static constexpr auto fields = std::tuple{field("last", &SeriesWatch::last),
                                            field("last_at", &SeriesWatch::last_at),
                                            field("smooth", &SeriesWatch::smooth),
                                            field("left_at", &SeriesWatch::left_at),
                                            field("interval", &SeriesWatch::interval),
                                            field("n", &SeriesWatch::n),
                                            field("level", &SeriesWatch::level),
                                            field("ramp", &SeriesWatch::ramp),
                                            field("season_level", &SeriesWatch::season_level),
                                            field("volatility", &SeriesWatch::volatility),
                                            field("run", &SeriesWatch::run),
                                            field("calm", &SeriesWatch::calm),
                                            field("block_age", &SeriesWatch::block_age),
                                            field("surprise", &SeriesWatch::surprise),
                                            field("z", &SeriesWatch::z),
                                            field("form", &SeriesWatch::form),
                                            field("weights", &SeriesWatch::weights),
                                            field("past", &SeriesWatch::past),
                                            field("block_rare", &SeriesWatch::block_rare),
                                            field("rungs", &SeriesWatch::rungs),
                                            field("group", &SeriesWatch::group),
                                            field("jumped", &SeriesWatch::jumped)};
};
static_assert(sizeof(SeriesWatch) <= 128);

// What speaks against what is declared of a series. Kept only where something is declared.
struct Against {
  double declared = 0;             // evidence against the declared distribution or peak
  double limit = 0;                // evidence against the limit
  std::vector<TimedValue> change;  // oldest first
  static constexpr auto fields = std::tuple{field("declared", &Against::declared), field("limit", &Against::limit),
                                            field("change", &Against::change)};
};

// What the rows of an episode looked like at the series most to blame (naming.h). Distances are in usual deviations
// from what was expected at that hour.
struct Likeness {
  bool after_silence = false;  // it began with a row that came far too late
  bool began_with_jump = false;
  bool strange_alone = false;       // a series by itself was, in the first rows
  bool has_season = false;          // the hour of the day says something about the value
  std::uint64_t rows_outside = 0;   // far from everything usual, at whatever hour
  std::uint64_t relation_rows = 0;  // the relations were stranger than any series
  std::uint64_t shape_rows = 0;     // its form was stranger than anything else about it
  // Of the first 32 rows.
  double sum_distance = 0;
  double sum_z = 0;
  double farthest = 0;
  std::uint32_t late = 0;      // rows after the fourth,
  std::uint32_t late_far = 0;  // of these still 0.4 of the farthest away
  std::uint32_t still = 0;     // rows with the same value as the one before
  std::uint32_t restless = 0;  // rows after the second with a jump twice the usual one
  std::uint32_t above = 0;     // rows more than one deviation above, below
  std::uint32_t below = 0;
  std::array<double, model::group_count> groups{};  // surprise summed by group
  static constexpr auto fields = std::tuple{field("after_silence", &Likeness::after_silence),
                                            field("began_with_jump", &Likeness::began_with_jump),
                                            field("strange_alone", &Likeness::strange_alone),
                                            field("has_season", &Likeness::has_season),
                                            field("rows_outside", &Likeness::rows_outside),
                                            field("relation_rows", &Likeness::relation_rows),
                                            field("shape_rows", &Likeness::shape_rows),
                                            field("sum_distance", &Likeness::sum_distance),
                                            field("sum_z", &Likeness::sum_z),
                                            field("farthest", &Likeness::farthest),
                                            field("late", &Likeness::late),
                                            field("late_far", &Likeness::late_far),
                                            field("still", &Likeness::still),
                                            field("restless", &Likeness::restless),
                                            field("above", &Likeness::above),
                                            field("below", &Likeness::below),
                                            field("groups", &Likeness::groups)};
};

struct Blamed {
  std::uint32_t series = 0;
  double surprise = 0;  // the largest of the episode, -log10 p
  double observed = 0;  // when it was largest:
  WallTime at;          // then
  static constexpr auto fields = std::tuple{field("series", &Blamed::series), field("surprise", &Blamed::surprise),
                                            field("observed", &Blamed::observed), field("at", &Blamed::at)};
};

enum class EpisodeSource : std::uint8_t { learned, declared, limit };

struct Episode {
  std::uint64_t number = 0;
  EpisodeSource source = EpisodeSource::learned;
  model::FindingKind kind = model::FindingKind::none;
  model::Severity severity = model::Severity::low;
  model::Direction direction = model::Direction::none;
  std::uint32_t first_mover = 0;
  WallTime opened_at;
  WallTime quiet_since;  // 0 = not quiet
  WallTime told_at;      // of the last change that was reported
  double peak = 0;       // surprise
  double margin = 0;     // the most that surprise stood above the alarm level
  double score = 0;
  std::uint64_t rows = 0;
  Likeness likeness;           // what its rows looked like, for its name
  std::vector<Blamed> blamed;  // most first
  model::Finding told;         // as last reported
  static constexpr auto fields =
      std::tuple{field("number", &Episode::number),       field("source", &Episode::source),
                 field("kind", &Episode::kind),           field("severity", &Episode::severity),
                 field("direction", &Episode::direction), field("first_mover", &Episode::first_mover),
                 field("opened_at", &Episode::opened_at), field("quiet_since", &Episode::quiet_since),
                 field("told_at", &Episode::told_at),     field("peak", &Episode::peak),
                 field("margin", &Episode::margin),       field("score", &Episode::score),
                 field("rows", &Episode::rows),           field("likeness", &Episode::likeness),
                 field("blamed", &Episode::blamed),       field("told", &Episode::told)};
};

// The alarm of one instance (alarm.h).
struct Alarm {
  static constexpr std::size_t strengths = 40;  // of 0.25 each, from 2 on
  double held = 0;                              // H: the strongest surprise of late, decaying
  double told = 0;                              // the strongest of what was reported and goes on, decaying
  double offset = 0;                            // of the controller
  double seen = 0;                              // seconds judged since ready
  bool bump = false;                            // surprise is above 2, or was a few blocks ago
  double bump_peak = 0;
  double quiet = 0;                     // blocks since it last was
  WallTime forgot_at;                   // when `past` was last decayed
  std::array<float, strengths> past{};  // decayed count of past bumps by peak
  static constexpr auto fields = std::tuple{
      field("held", &Alarm::held),   field("told", &Alarm::told),           field("offset", &Alarm::offset),
      field("seen", &Alarm::seen),   field("bump", &Alarm::bump),           field("bump_peak", &Alarm::bump_peak),
      field("quiet", &Alarm::quiet), field("forgot_at", &Alarm::forgot_at), field("past", &Alarm::past)};
};

// How odd the rows of late were, for the score alone (alarm.h).
struct Standing {
  double lasting = 0;  // the strongest, fading within about 12 blocks
  double rose = 0;     // how far it rose at once, no more than what still stands
  double mean = 0;     // of about 12 blocks
  static constexpr auto fields =
      std::tuple{field("lasting", &Standing::lasting), field("rose", &Standing::rose), field("mean", &Standing::mean)};
};

// How odd the last 48 blocks were together (sustained.h).
struct Sustained {
  double mean = 0;    // of the rows' strength
  stats::Tail past;   // of the largest of each 48 blocks
  float largest = 0;  // of the running ones
  float blocks = 0;   // since they began
  bool rare = false;
  static constexpr auto fields = std::tuple{field("mean", &Sustained::mean), field("past", &Sustained::past),
                                            field("largest", &Sustained::largest), field("blocks", &Sustained::blocks),
                                            field("rare", &Sustained::rare)};
};

// How regularly rows come.
struct Rhythm {
  double longest = 1;      // step between two rows so far, in intervals
  std::uint64_t rows = 0;  // steps seen
  bool listens = false;    // a step that is far too long opens an episode
  static constexpr auto fields =
      std::tuple{field("longest", &Rhythm::longest), field("rows", &Rhythm::rows), field("listens", &Rhythm::listens)};
};

// How the series of an instance move together (relations.h). Judged once a block, on the block's means.
struct SeriesPath {
  static constexpr std::uint32_t unseen = ~0U;
  static constexpr std::uint32_t joins_after = 100;
  static constexpr std::uint32_t settled = 1000;
  float center = 0;  // learned mean and variance: relations are of standardised values
  float variance = 0;
  float quick = 0;         // EW(0.3) of the standardised value
  float steady = 0;        // EW(0.05)
  float restlessness = 0;  // EW(0.1) of |value - quick before it|
  float now = 0;           // the newest standardised value
  float change = 0;        // it less quick before it
  // Of a series that came when the others were known already: its own blocks that taught. Where it lies is learned by
  // itself until it takes part. `unseen` before its first block; `settled` once it is as well known as the others.
  std::uint32_t age = unseen;

  [[nodiscard]] bool takes_part() const { return age >= joins_after && age != unseen; }
  static constexpr auto fields = std::tuple{field("center", &SeriesPath::center),
                                            field("variance", &SeriesPath::variance),
                                            field("quick", &SeriesPath::quick),
                                            field("steady", &SeriesPath::steady),
                                            field("restlessness", &SeriesPath::restlessness),
                                            field("now", &SeriesPath::now),
                                            field("change", &SeriesPath::change),
                                            field("age", &SeriesPath::age)};
};

// The running block of a series, apart from its path: it is touched by each sample.
struct BlockSum {
  float sum = 0;
  std::uint32_t count = 0;
  static constexpr auto fields = std::tuple{field("sum", &BlockSum::sum), field("count", &BlockSum::count)};
};

// What relations see of a path. What moves with what is learned of the values themselves.
enum RelationViewOf : std::uint8_t { of_quick, of_steady, of_restlessness, of_now, of_change };
constexpr std::size_t relation_views = 5;
constexpr std::size_t teaching_view = of_now;

struct Relations {
  static constexpr std::size_t max_series = 512;  // the first ones declared
  static constexpr std::size_t max_groups = max_series / stats::RelationView::max_size;
  std::vector<SeriesPath> paths;
  std::vector<BlockSum> sums;                       // per path
  std::vector<stats::RelationView> views;           // group by group, relation_views each
  std::vector<stats::Correlations> correlations;    // of each group: 32 neighbouring series
  std::array<stats::Tail, relation_views> tails{};  // of each view's distance
  std::array<float, relation_views> surprise{};     // at the newest block
  std::uint64_t blocks = 0;
  static constexpr auto fields =
      std::tuple{field("paths", &Relations::paths),  field("sums", &Relations::sums),
                 field("views", &Relations::views),  field("correlations", &Relations::correlations),
                 field("tails", &Relations::tails),  field("surprise", &Relations::surprise),
                 field("blocks", &Relations::blocks)};
};

// What is declared of one series, looked up once.
struct SeriesPlan {
  const model::DeclaredMetric* declared = nullptr;  // into Watch::State::expectation
  double weight = 1;
  bool ignore = false;
};

struct Watch::State {
  static constexpr std::uint32_t version = 8;  // reads those before too (watch_stored.cc)
  static constexpr std::uint32_t version_with_interplay = 9;
  std::vector<SeriesWatch> series;
  std::vector<Against> against;  // per series where anything is declared, else empty
  Alarm alarm;
  std::vector<Episode> episodes;  // open ones, at most max_open_episodes
  std::uint64_t next_episode = 1;
  std::uint64_t refused_episodes = 0;  // not opened because too many were open
  WallTime last_at;
  double interval = 0;  // seconds between rows
  WallTime block_started;
  bool block_open = false;
  float block_u = 0;
  bool block_rare = false;
  bool known_healthy = false;
  Standing standing;              // of late
  std::vector<Pattern> patterns;  // per series
  Sustained sustained;
  Rhythm rhythm;
  Relations relations;
  Interplay interplay;  // stored after the other fields, and only where it is on (watch_stored.cc)

  // Derived from the arguments of the last assess; not stored.
  std::size_t planned = 0;  // series that were planned for
  model::Expectation expectation;
  std::vector<SeriesPlan> plan;         // empty while it would say the same of every series: nothing
  std::vector<std::uint32_t> declared;  // series of which anything is

  [[nodiscard]] bool plain() const { return plan.empty(); }
  [[nodiscard]] const SeriesPlan& plan_of(std::size_t which) const {
    static constexpr SeriesPlan nothing;
    return which < plan.size() ? plan[which] : nothing;
  }
  void resize(std::size_t count);

  static constexpr auto fields = std::tuple{field("series", &State::series),
                                            field("against", &State::against),
                                            field("alarm", &State::alarm),
                                            field("episodes", &State::episodes),
                                            field("next_episode", &State::next_episode),
                                            field("refused_episodes", &State::refused_episodes),
                                            field("last_at", &State::last_at),
                                            field("interval", &State::interval),
                                            field("block_started", &State::block_started),
                                            field("block_open", &State::block_open),
                                            field("block_u", &State::block_u),
                                            field("block_rare", &State::block_rare),
                                            field("known_healthy", &State::known_healthy),
                                            field("standing", &State::standing),
                                            field("patterns", &State::patterns),
                                            field("sustained", &State::sustained),
                                            field("rhythm", &State::rhythm),
                                            field("relations", &State::relations)};
};

}  // namespace mien::drift
