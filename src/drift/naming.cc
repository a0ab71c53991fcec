#include "drift/naming.h"

#include <algorithm>
#include <cmath>

#include "drift/judge.h"

namespace mien::drift {
namespace {

using model::ExpertGroup;
using model::FindingKind;

constexpr double outside_z = 3;
constexpr std::uint64_t first_rows = 4;
constexpr double clear_jump = 3;         // decades, in an episode's first rows: later jumps are its own unrest
constexpr double jump_counts_for = 48;   // blocks: a jump so long before an episode may have begun it
constexpr double strange_alone = 3.5;    // decades
constexpr double sudden = 0.3;           // of the distance, at most, lay behind it before the first row
constexpr double clearly_away = 2;       // usual deviations
constexpr double far = 16;               // beyond, distance says no more
constexpr double still_far = 0.4;        // of the farthest
constexpr double twice = 2;              // the usual jump
constexpr double restless_share = 0.35;  // of the rows
constexpr double usual_distance = 2;     // usual deviations, on average: the values stay where they are
constexpr double wide_distance = 2.5;
constexpr double came_back_share = 0.2;   // of the late rows are still far: it came back
constexpr double on_the_way = 0.7;        // mean z: a flattened season stays near the middle, a ramp leaves it
constexpr double seasonal_share = 0.8;    // of the deviation is left beside the hour's level, at most
constexpr std::uint64_t enough_rows = 6;  // to tell what is lasting

// Where the newest value of a series lies.
struct Place {
  double distance = 0;  // from what was expected at this hour, signed, in usual deviations
  double jump = 0;      // in usual jumps
  double growth = 1;    // of the value over what was expected: where chance multiplies, jumps grow with the value
  bool has_season = false;
};

Place place_of(const Scene& scene, std::uint32_t series) {
  const SeriesWatch& watch = scene.state.series[series];
  Place place{.distance = static_cast<double>(watch.z)};
  if (series >= scene.behavior.series.size()) return place;
  const model::Baseline& baseline = scene.behavior.series[series];
  const model::Season& season = scene.behavior.past[series].season;
  double expected = baseline.anchor.location;
  std::int32_t hour = model::hour_of(scene.now);
  int cell = season.known(model::season_cell_of(hour));
  if (cell >= 0 && baseline.season_scale > 0) {
    expected = season.level_at(hour);
    double scale = std::max(static_cast<double>(baseline.season_scale), baseline.anchor.floor());
    place.distance = (watch.last - expected) / scale;
    place.has_season = scale < seasonal_share * baseline.anchor.safe_scale();
  }
  double scale = baseline.anchor.safe_scale();
  double usual = std::max({static_cast<double>(baseline.jump_scale), 0.01 * scale, baseline.anchor.floor()});
  place.jump = 5 * std::fabs(watch.last - watch.smooth) / usual;  // `smooth` has come 0.8 of the way
  place.growth = std::clamp(std::fabs(watch.last) / std::max(std::fabs(expected), 1e-12), 1.0, 4.0);
  return place;
}

// Where the series never is when all is well, at whatever hour.
bool is_outside(const Scene& scene, std::uint32_t series) {
  const SeriesWatch& watch = scene.state.series[series];
  if (std::fabs(static_cast<double>(watch.z)) > outside_z) return true;
  if (series >= scene.behavior.series.size() || !scene.behavior.series[series].ready()) return false;
  const model::Baseline& baseline = scene.behavior.series[series];
  return watch.last < static_cast<double>(baseline.band_low) || watch.last > static_cast<double>(baseline.band_high);
}

// A clear jump not long ago, to the side where the value now is.
bool jumped_lately(const Scene& scene, const SeriesWatch& watch, double distance) {
  if (watch.jumped == 0) return false;
  auto now = static_cast<std::uint32_t>(scene.now.ns / 1'000'000'000);
  double ago = static_cast<std::int32_t>((now << 1) - (watch.jumped & ~1U)) / 2;
  bool upwards = (watch.jumped & 1U) != 0;
  return ago < jump_counts_for * block_seconds(scene.state.interval) && upwards == (distance > 0);
}

// At once: nothing of the distance was there in the rows before.
bool is_sudden(const SeriesWatch& watch, double distance) {
  auto mean = static_cast<double>(watch.season_level != 0 ? watch.season_level : watch.level);
  double before = (mean - stats::clip(distance, far) / 8) / (1 - 1.0 / 8);  // the mean without this row
  double size = std::fabs(distance);
  return size > clearly_away && std::fabs(before) < sudden * std::min(size, far);
}

bool jumps_now(const Scene& scene, std::uint32_t series, double jump) {
  if (series >= scene.behavior.past.size()) return false;
  const auto& tail = scene.behavior.past[series].tails[static_cast<std::size_t>(model::Expert::jump)];
  return tail.speaks() && tail.surprise(static_cast<float>(std::min(jump, 1e6))) > clear_jump;
}

void take_first_rows(const Scene& scene, Episode& episode, const SeriesWatch& watch, const Place& place) {
  Likeness& like = episode.likeness;
  std::uint32_t series = episode.blamed.front().series;
  like.began_with_jump = like.began_with_jump || jumps_now(scene, series, place.jump) ||
                         jumped_lately(scene, watch, place.distance) ||
                         (episode.rows == 1 && is_sudden(watch, place.distance));
  like.strange_alone = like.strange_alone || static_cast<double>(watch.surprise) > strange_alone;
}

}  // namespace

void take_likeness(const Scene& scene, Episode& episode) {
  Likeness& like = episode.likeness;
  std::uint32_t series = episode.blamed.front().series;
  const SeriesWatch& watch = scene.state.series[series];
  if (is_outside(scene, series)) ++like.rows_outside;
  float strongest = static_cast<float>(*std::max_element(watch.group.begin(), watch.group.end())) / group_steps;
  if (watch.form > strongest) ++like.shape_rows;
  if (episode.rows > naming_rows) return;
  for (std::size_t g = 0; g < like.groups.size(); ++g)
    like.groups[g] += static_cast<double>(watch.surprise_of(static_cast<ExpertGroup>(g)));
  Place place = place_of(scene, series);
  like.has_season = place.has_season;
  if (episode.rows <= first_rows) take_first_rows(scene, episode, watch, place);
  double size = std::min(std::fabs(place.distance), 100.0);
  like.sum_distance += size;
  like.sum_z += static_cast<double>(watch.z);
  like.farthest = std::max(like.farthest, size);
  if (episode.rows > first_rows) ++like.late;
  if (episode.rows > first_rows && size >= still_far * like.farthest) ++like.late_far;
  if (watch.run > 1) ++like.still;
  if (episode.rows > 2 && place.jump > twice * place.growth) ++like.restless;
  if (size > 1) ++(place.distance > 0 ? like.above : like.below);
}

FindingKind kind_of(const Episode& episode) {
  if (episode.source == EpisodeSource::limit) return FindingKind::limit;
  if (episode.source == EpisodeSource::declared) return FindingKind::level;
  const Likeness& like = episode.likeness;
  if (like.after_silence) return FindingKind::silence;
  auto of = [&](ExpertGroup group) { return like.groups[static_cast<std::size_t>(group)]; };
  double season = of(ExpertGroup::season_point) + of(ExpertGroup::season_level);
  double spread = of(ExpertGroup::spread), frozen = of(ExpertGroup::frozen), level = of(ExpertGroup::level);
  double strongest = std::max({of(ExpertGroup::spike), level, season, spread, frozen});
  bool away = 3 * like.rows_outside >= episode.rows;
  auto rows = static_cast<double>(std::min(episode.rows, naming_rows));
  // It stands still; or it still moves, but less than it ever did for so long.
  if (frozen >= strongest && frozen > 0) return 2 * like.still >= rows ? FindingKind::frozen : FindingKind::spread;
  // Each series may be where it usually is while they no longer move together.
  if (!away && !like.strange_alone && 2 * like.relation_rows > episode.rows) return FindingKind::relation;
  double distance = like.sum_distance / rows;
  if (episode.rows >= enough_rows) {
    if (like.restless >= restless_share * (rows - 2))
      return distance < usual_distance ? FindingKind::shape : FindingKind::spread;
    if (like.began_with_jump && like.late > 0 && like.late_far < came_back_share * like.late) return FindingKind::spike;
  } else if (like.began_with_jump) {
    if (spread >= strongest) return FindingKind::spread;
    if (episode.rows < 3 || like.late_far == 0) return FindingKind::spike;
  }
  if (!away && 2 * like.shape_rows > episode.rows) return FindingKind::shape;
  bool on_both_sides = 4 * std::min(like.above, like.below) >= like.above + like.below;
  if (episode.rows > first_rows && on_both_sides && distance >= wide_distance) return FindingKind::spread;
  if (spread >= strongest) return FindingKind::spread;
  if (away || !like.has_season || level >= 0.8 * season)
    return like.began_with_jump ? FindingKind::level : FindingKind::ramp;
  if (!like.began_with_jump && std::fabs(like.sum_z / rows) >= on_the_way) return FindingKind::ramp;
  return FindingKind::seasonal;
}

}  // namespace mien::drift
