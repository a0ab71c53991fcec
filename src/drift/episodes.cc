#include "drift/episodes.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "base/text.h"
#include "drift/declared.h"
#include "drift/naming.h"
#include "drift/relations.h"

namespace mien::drift {
namespace {

using model::Direction;
using model::FindingKind;
using model::Severity;

constexpr double bits_per_decade = 3.321928094887362;
constexpr double quiet_share = 0.65;  // of the alarm level: below, the episode is quiet
constexpr double quiet_seconds = 60;  // and 8 rows, before it closes
constexpr double quiet_rows = 8;
constexpr double told_every = 60;  // seconds between reports of an episode that only goes on

double seconds_since(const Scene& scene, WallTime t) { return to_seconds(scene.now - t); }

Severity severity_of(const Scene& scene, const Episode& episode) {
  double lasted = seconds_since(scene, episode.opened_at);
  switch (episode.source) {
    case EpisodeSource::limit: return Severity::high;
    case EpisodeSource::declared: return lasted >= 60 ? Severity::high : Severity::medium;
    case EpisodeSource::learned: break;
  }
  if (episode.kind == FindingKind::spike || lasted < 60 || episode.rows < 8) return Severity::low;
  return lasted >= 600 && episode.margin >= 3 ? Severity::high : Severity::medium;
}

double confidence_of(const Episode& episode) {
  if (episode.source == EpisodeSource::limit) return 0.99;
  if (episode.source == EpisodeSource::declared) return 1 - math::exp(-episode.peak / 2.5);
  // At the alarm level a healthy instance is expected to show one in the budget's period, each decade above a tenth of
  // it.
  return math::exp(-math::pow(10.0, -episode.margin));
}

std::string summary_of(const Scene& scene, const Episode& episode, const model::Deviation& first) {
  std::string name = model::to_text(scene.series[episode.blamed.front().series]);
  // What is told is the strongest moment, which may lie on the other side than the first.
  Direction direction = episode.source == EpisodeSource::learned ? first.direction : episode.direction;
  std::string_view verb = direction == Direction::up     ? " rose to "
                          : direction == Direction::down ? " fell to "
                                                         : " is ";
  if (episode.source == EpisodeSource::limit) {
    const model::Limit& limit = *scene.state.plan_of(episode.blamed.front().series).declared->limit;
    std::string allowed = limit.max && first.observed > *limit.max   ? cat("at most ", to_text(*limit.max, 4))
                          : limit.min && first.observed < *limit.min ? cat("at least ", to_text(*limit.min, 4))
                                                                     : "a smaller change";
    return cat("limit: ", name, verb, to_text(first.observed, 4), " (allowed is ", allowed, ")");
  }
  std::string text =
      cat(model::to_text(episode.kind), ": ", name, verb, to_text(first.observed, 4), " (expected ",
          to_text(first.expected, 4), ", usually ", to_text(first.low, 4), " to ", to_text(first.high, 4), ")");
  if (episode.first_mover != episode.blamed.front().series)
    text += cat("; first to move: ", model::to_text(scene.series[episode.first_mover]));
  return text;
}

model::Finding finding_of(const Scene& scene, const Episode& episode) {
  model::Finding finding;
  finding.kind = episode.kind;
  finding.severity = episode.severity;
  finding.confidence = confidence_of(episode);
  finding.score = episode.score;
  finding.opened_at = episode.opened_at;
  finding.updated_at = scene.now;
  for (const Blamed& blamed : episode.blamed) {
    Ranked ranked;
    rank(scene, blamed, ranked);
    show(ranked, scene.series[blamed.series], finding.metrics.emplace_back());
  }
  if (episode.source != EpisodeSource::learned) {
    model::Deviation& first = finding.metrics.front();
    const model::DeclaredMetric& declared = *scene.state.plan_of(episode.blamed.front().series).declared;
    if (episode.source == EpisodeSource::declared && declared.distribution) {
      DeclaredBand band = band_of(*declared.distribution);
      first.expected = band.expected;
      first.low = band.low;
      first.high = band.high;
    } else if (episode.source == EpisodeSource::declared) {
      first.high = *declared.peak;
    } else {
      // The band of a limit is what it allows; what is usual within it still is.
      if (declared.limit->max) first.high = *declared.limit->max;
      if (declared.limit->max) first.low = std::min(first.low, first.high);
      if (declared.limit->min) first.low = *declared.limit->min;
      if (declared.limit->min) first.high = std::max(first.low, first.high);
      first.expected = std::clamp(first.expected, first.low, first.high);
    }
    first.direction = episode.direction;
  }
  finding.first_mover = model::to_text(scene.series[episode.first_mover]);
  finding.summary = summary_of(scene, episode, finding.metrics.front());
  return finding;
}

void tell(Scene& scene, Episode& episode, EpisodeChange::What what, bool at_alarm) {
  episode.told_at = scene.now;
  episode.told = finding_of(scene, episode);
  scene.changes.push_back({.what = what, .episode = episode.number, .finding = episode.told, .at_alarm = at_alarm});
}

void blame(Episode& episode, const Blamed& news) {
  auto known = std::find_if(episode.blamed.begin(), episode.blamed.end(),
                            [&](const Blamed& b) { return b.series == news.series; });
  if (known == episode.blamed.end()) {
    if (episode.blamed.size() == max_blamed) {
      if (episode.blamed.back().surprise >= news.surprise) return;
      episode.blamed.pop_back();
    }
    episode.blamed.push_back(news);
  } else if (news.surprise > known->surprise) {
    *known = news;
  } else {
    return;
  }
  std::sort(episode.blamed.begin(), episode.blamed.end(), [](const Blamed& a, const Blamed& b) {
    return a.surprise != b.surprise ? a.surprise > b.surprise : a.series < b.series;
  });
}

// The newest value of a series, with that surprise.
Blamed newest(const Scene& scene, std::uint32_t series, double surprise) {
  return {.series = series, .surprise = surprise, .observed = scene.state.series[series].last, .at = scene.now};
}

Direction direction_of(double z) { return z > 0 ? Direction::up : z < 0 ? Direction::down : Direction::none; }

// Blames every series whose newest sample is a surprise of more than `least`.
void blame_surprising(const Scene& scene, Episode& episode, double least) {
  for (std::uint32_t i = 0; i < scene.state.series.size(); ++i) {
    const SeriesWatch& watch = scene.state.series[i];
    if (watch.last_at != scene.now || scene.state.plan_of(i).ignore) continue;
    if (static_cast<double>(watch.surprise) > least)
      blame(episode, newest(scene, i, static_cast<double>(watch.surprise)));
  }
}

// The relations between the series are stranger than any series by itself.
bool relations_lead(const Watch::State& state) {
  float single = 0;
  for (const SeriesWatch& watch : state.series) single = std::max(single, watch.surprise);
  return squared_surprise(state.relations) > static_cast<double>(single) * static_cast<double>(single);
}

// Takes the row into the learned episode: who is to blame, what kind it looks like.
void take_row(Scene& scene, Episode& episode, const Verdict& verdict) {
  ++episode.rows;
  episode.peak = std::max(episode.peak, verdict.surprise);
  episode.margin = std::max(episode.margin, verdict.surprise - verdict.level);
  episode.score = std::max(episode.score, verdict.score);
  if (relations_lead(scene.state)) {
    ++episode.likeness.relation_rows;
    double surprise = std::sqrt(squared_surprise(scene.state.relations));
    std::vector<std::uint32_t> series = strangest(scene.state.interplay, scene.state.relations, 3);
    if (series.empty()) series = strangest(scene.state.relations, 3);
    for (std::uint32_t i : series) blame(episode, newest(scene, i, surprise));
  } else {
    blame_surprising(scene, episode, std::max(1.5, 0.3 * verdict.surprise));
  }
  // What is small and lasts, or came too late, may point at nobody in particular: then at the first of all.
  if (episode.blamed.empty() && verdict.fires) blame_surprising(scene, episode, 0);
  if (episode.blamed.empty() && verdict.after_silence) blame_surprising(scene, episode, -1);
  if (!episode.blamed.empty()) take_likeness(scene, episode);
}

std::uint32_t first_mover_of(const Scene& scene, const Episode& episode) {
  std::uint32_t first = episode.blamed.front().series;
  double enough = 0.5 * episode.blamed.front().surprise;
  for (const Blamed& blamed : episode.blamed) {
    WallTime left = scene.state.series[blamed.series].left_at;
    if (blamed.surprise >= enough && left.ns != 0 && left < scene.state.series[first].left_at) first = blamed.series;
  }
  return first;
}

bool is_quiet(Scene& scene, Episode& episode, bool quiet) {
  if (!quiet) {
    episode.quiet_since = {};
    return false;
  }
  if (episode.quiet_since.ns == 0) episode.quiet_since = scene.now;
  double quiet_for = seconds_since(scene, episode.quiet_since);
  return quiet_for >= quiet_seconds && quiet_for >= quiet_rows * scene.state.interval;
}

void rename(Scene& scene, Episode& episode, bool at_alarm) {
  FindingKind kind = episode.rows <= naming_rows ? kind_of(episode) : episode.kind;
  bool kind_changed = kind != episode.kind;
  episode.kind = kind;
  Severity severity = std::max(severity_of(scene, episode), episode.severity);
  bool news = kind_changed || severity != episode.severity || seconds_since(scene, episode.told_at) >= told_every;
  episode.severity = severity;
  if (news) tell(scene, episode, EpisodeChange::What::updated, at_alarm);
}

Episode* open_episode(Scene& scene, EpisodeSource source) {
  Watch::State& state = scene.state;
  if (state.episodes.size() >= max_open_episodes) {
    ++state.refused_episodes;
    return nullptr;
  }
  Episode& episode = state.episodes.emplace_back();
  episode.number = state.next_episode++;
  episode.source = source;
  episode.opened_at = scene.now;
  return &episode;
}

bool blames_what_is_declared(const Scene& scene) {
  std::uint32_t worst = 0;
  for (std::uint32_t i = 1; i < scene.state.series.size(); ++i) {
    if (scene.state.series[i].surprise > scene.state.series[worst].surprise) worst = i;
  }
  return has_episode(scene.state, EpisodeSource::declared, worst) ||
         has_episode(scene.state, EpisodeSource::limit, worst);
}

void follow_one_declared(Scene& scene, std::uint32_t series, EpisodeSource source, double before, double evidence) {
  std::vector<Episode>& episodes = scene.state.episodes;
  auto known = std::find_if(episodes.begin(), episodes.end(),
                            [&](const Episode& e) { return e.source == source && e.blamed.front().series == series; });
  const SeriesWatch& watch = scene.state.series[series];
  if (known == episodes.end()) {
    if (evidence < declared_open) return;
    Episode* episode = open_episode(scene, source);
    if (episode == nullptr) return;
    const model::DeclaredMetric& declared = *scene.state.plan_of(series).declared;
    double middle = watch.last;
    if (source == EpisodeSource::declared && declared.distribution) middle = band_of(*declared.distribution).expected;
    else if (source == EpisodeSource::declared) middle = *declared.peak;
    else if (declared.limit->max && watch.last > *declared.limit->max) middle = *declared.limit->max;
    else if (declared.limit->min) middle = *declared.limit->min;
    episode->direction = direction_of(watch.last - middle);
    episode->first_mover = series;
    episode->rows = 1;
    episode->peak = evidence;
    blame(*episode, newest(scene, series, evidence));
    episode->kind = kind_of(*episode);
    episode->severity = severity_of(scene, *episode);
    episode->score = std::min(0.999, onset_score(alarm_level(scene.state.alarm, 1.0)) * evidence / declared_open);
    tell(scene, *episode, EpisodeChange::What::opened, evidence >= before);
    return;
  }
  ++known->rows;
  known->peak = std::max(known->peak, evidence);
  blame(*known, newest(scene, series, evidence));
  if (evidence <= declared_close) {
    close_episode(scene, static_cast<std::size_t>(known - episodes.begin()));
  } else {
    rename(scene, *known, evidence >= declared_open && evidence >= before);
  }
}

// The level of that hour once three days taught it, else of the series.
double expected_at(const model::Baseline& baseline, const model::Past& past, WallTime t) {
  constexpr std::uint8_t enough_visits = 3;
  std::int32_t hour = model::hour_of(t);
  if (baseline.hour == hour && baseline.hour_weight > 0) {  // at hand: the season itself need not be touched
    if (baseline.season_visits >= enough_visits) return baseline.season_level;
    if (baseline.season_visits > 0 || !baseline.season_known) return baseline.anchor.location;
  }
  int cell = past.season.known(model::season_cell_of(hour));
  bool seasonal = cell >= 0 && past.season.visits(static_cast<std::size_t>(cell)) >= enough_visits;
  return seasonal ? past.season.level_at(hour) : baseline.anchor.location;
}

}  // namespace

bool has_episode(const Watch::State& state, EpisodeSource source, std::uint32_t series) {
  return std::any_of(state.episodes.begin(), state.episodes.end(), [&](const Episode& e) {
    return e.source == source && (source == EpisodeSource::learned || e.blamed.front().series == series);
  });
}

void rank(const Scene& scene, const Blamed& blamed, Ranked& ranked) {
  std::uint32_t index = blamed.series;
  const SeriesPlan& plan = scene.state.plan_of(index);
  const model::Baseline* baseline = index < scene.behavior.series.size() ? &scene.behavior.series[index] : nullptr;
  ranked.series = index;
  ranked.observed = blamed.observed;
  ranked.surprise = blamed.surprise;
  ranked.weight = plan.weight;
  if (baseline != nullptr && baseline->ready()) {
    ranked.expected = expected_at(*baseline, scene.behavior.past[index], blamed.at);
    ranked.low = static_cast<double>(baseline->band_low);
    ranked.high = static_cast<double>(baseline->band_high);
  } else if (plan.declared != nullptr && plan.declared->distribution) {
    DeclaredBand band = band_of(*plan.declared->distribution);
    ranked.expected = band.expected;
    ranked.low = band.low;
    ranked.high = band.high;
  } else if (baseline != nullptr && baseline->anchor.n > 0) {
    double half = 4 * static_cast<double>(baseline->anchor.scale);
    ranked.expected = baseline->anchor.location;
    ranked.low = ranked.expected - half;
    ranked.high = ranked.expected + half;
  } else {
    ranked.expected = ranked.low = ranked.high = blamed.observed;
  }
  ranked.direction = direction_of(blamed.observed - ranked.expected);
}

void show(const Ranked& ranked, const model::Series& series, model::Deviation& shown) {
  if (shown.name != series.metric) shown.name = series.metric;
  if (shown.attributes != series.attributes) shown.attributes = series.attributes;
  shown.observed = ranked.observed;
  shown.expected = ranked.expected;
  shown.low = ranked.low;
  shown.high = ranked.high;
  shown.bits = Bits{ranked.surprise * bits_per_decade};
  shown.weight = ranked.weight;
  shown.direction = ranked.direction;
}

void show(const std::vector<Ranked>& ranked, const std::vector<model::Series>& series,
          std::vector<model::Deviation>& shown) {
  shown.resize(ranked.size());
  for (std::size_t i = 0; i < ranked.size(); ++i) show(ranked[i], series[ranked[i].series], shown[i]);
}

void follow_learned(Scene& scene, const Verdict& verdict) {
  std::vector<Episode>& episodes = scene.state.episodes;
  auto known = std::find_if(episodes.begin(), episodes.end(),
                            [](const Episode& e) { return e.source == EpisodeSource::learned; });
  if (known == episodes.end()) {
    if (!verdict.fires || scene.state.known_healthy || blames_what_is_declared(scene)) return;
    Episode* episode = open_episode(scene, EpisodeSource::learned);
    if (episode == nullptr) return;
    episode->likeness.after_silence = verdict.after_silence;
    take_row(scene, *episode, verdict);
    if (episode->blamed.empty()) {  // nothing to point at: many small surprises of series that sent nothing now
      episodes.pop_back();
      return;
    }
    count_episode(scene.state.alarm);
    episode->first_mover = first_mover_of(scene, *episode);
    episode->direction = direction_of(static_cast<double>(scene.state.series[episode->blamed.front().series].z));
    episode->kind = kind_of(*episode);
    episode->severity = severity_of(scene, *episode);
    tell(scene, *episode, EpisodeChange::What::opened, true);
    return;
  }
  take_row(scene, *known, verdict);
  if (is_quiet(scene, *known, verdict.surprise < quiet_share * verdict.level)) {
    close_episode(scene, static_cast<std::size_t>(known - episodes.begin()));
  } else {
    rename(scene, *known, verdict.surprise >= verdict.level);
  }
}

void follow_declared(Scene& scene, std::uint32_t series, const EvidenceBefore& before) {
  const Against& against = scene.state.against[series];
  const model::DeclaredMetric& declared = *scene.state.plan_of(series).declared;
  if (declared.distribution || declared.peak)
    follow_one_declared(scene, series, EpisodeSource::declared, before.declared, against.declared);
  if (declared.limit) follow_one_declared(scene, series, EpisodeSource::limit, before.limit, against.limit);
}

void close_episode(Scene& scene, std::size_t index) {
  Episode& episode = scene.state.episodes[index];
  if (episode.rows <= naming_rows) episode.kind = kind_of(episode);
  episode.told = finding_of(scene, episode);
  scene.changes.push_back(drop_episode(scene.state, index, scene.now));
}

EpisodeChange drop_episode(Watch::State& state, std::size_t index, WallTime now) {
  Episode& episode = state.episodes[index];
  model::Finding finding = std::move(episode.told);
  finding.state = model::FindingState::resolved;
  finding.resolved_at = now;
  finding.updated_at = now;
  EpisodeChange change{.what = EpisodeChange::What::closed, .episode = episode.number, .finding = std::move(finding)};
  state.episodes.erase(state.episodes.begin() + static_cast<std::ptrdiff_t>(index));
  return change;
}

}  // namespace mien::drift
