#include "drift/drift.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "base/codec.h"
#include "base/math.h"
#include "drift/alarm.h"
#include "drift/declared.h"
#include "drift/episodes.h"
#include "drift/interplay.h"
#include "drift/judge.h"
#include "drift/lanes.h"
#include "drift/relations.h"
#include "drift/strongest.h"
#include "drift/sustained.h"
#include "drift/watch_state.h"

namespace mien::drift {
namespace {

using model::Behavior;
using model::RowEvidence;

constexpr double gate_all_for = 3600;  // seconds that a declared departure keeps the whole instance from learning
constexpr double most_combined = 20;
constexpr double combined_empirical =
    0.5;  // weight of the empirical tail: the combination of many is smoother than one statistic
constexpr double own_weight = 0.33;          // of the eight strongest series beside the relations between all
constexpr double shortest_silence = 10;      // intervals
constexpr double longer_than_ever = 3;       // times the longest step so far
constexpr std::uint64_t rhythm_known = 100;  // rows
constexpr double gone_after = 600;           // seconds, and ten intervals, without a sample: a declared episode ends
constexpr std::size_t combined_most = 8;     // series of a row whose surprises are combined
const model::Baseline unknown{};
const model::Past no_past{};

// The weight of the longest declared prefix of a metric's name ("system.disk" covers "system.disk.io").
double weight_of(const model::Expectation& expectation, const std::string& metric) {
  for (std::string_view name = metric; !name.empty();) {
    auto found = expectation.weights.find(std::string(name));
    if (found != expectation.weights.end()) return found->second;
    std::size_t dot = name.rfind('.');
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  }
  return 1;
}

void make_plan(Watch::State& state, const model::Expectation& expectation, const std::vector<model::Series>& series,
               std::vector<EpisodeChange>& changes, WallTime now) {
  if (state.planned == series.size() && state.expectation == expectation) return;
  state.planned = series.size();
  state.expectation = expectation;
  state.plan.assign(series.size(), {});
  state.declared.clear();
  bool plain = true;
  for (std::size_t i = 0; i < series.size(); ++i) {
    SeriesPlan& plan = state.plan[i];
    plan.weight = weight_of(expectation, series[i].metric.value);
    plain = plain && plan.weight == 1;
    auto declared = state.expectation.metrics.find(series[i].metric.value);
    if (declared == state.expectation.metrics.end() || !is_meant(series, series[i])) continue;
    plain = false;
    plan.ignore = declared->second.ignore;
    if (plan.ignore) continue;
    plan.declared = &declared->second;
    if (i < state.series.size()) state.declared.push_back(static_cast<std::uint32_t>(i));
  }
  if (plain) std::vector<SeriesPlan>().swap(state.plan);
  if (!state.declared.empty() || !state.against.empty()) state.against.resize(state.series.size());
  for (std::size_t i = state.episodes.size(); i-- > 0;) {
    const Episode& episode = state.episodes[i];
    if (episode.source == EpisodeSource::learned) continue;
    std::uint32_t blamed = episode.blamed.front().series;
    const model::DeclaredMetric* declared = state.plan_of(blamed).declared;
    bool stands =
        declared != nullptr && (episode.source == EpisodeSource::limit ? declared->limit.has_value()
                                                                       : declared->distribution || declared->peak);
    if (stands) continue;
    if (blamed < state.against.size())
      (episode.source == EpisodeSource::limit ? state.against[blamed].limit : state.against[blamed].declared) = 0;
    changes.push_back(drop_episode(state, i, now));
  }
}

class Assessor {
 public:
  Assessor(const Behavior& behavior, Watch::State& state, const std::vector<model::Series>& series,
           const model::Batch& batch, Assessment& out)
      : behavior_(behavior), state_(state), series_(series), batch_(batch), out_(out) {
    ahead_ = {.baselines = behavior.series, .watches = state.series, .sums = state.relations.sums};
    for (std::size_t s = 0; s < fetched_ahead; ++s) ahead_.fetch(s);
    std::size_t known = 0;
    for (std::size_t s = 0; s < behavior.series.size() && known < 2; ++s)
      known += behavior.series[s].anchor.n > 0 ? 1 : 0;
    is_alone_ = known < 2;
    out_.evidence.columns = batch.series.size();
    out_.evidence.rows.resize(batch.times.size());
    out_.evidence.samples.resize(batch.times.size() * batch.series.size());
    out_.rows.resize(batch.times.size());
  }

  void row(std::size_t index) {
    WallTime now = batch_.times[index];
    row_ = {};
    double elapsed = advance(now);
    Scene scene{.behavior = behavior_, .series = series_, .state = state_, .now = now, .changes = out_.changes};
    bool gated = gates_all(now);
    for (std::size_t from = 0; from < batch_.series.size(); from += together) samples(scene, index, from, gated);
    ahead_ = {};  // the next row finds all at hand
    join_earlier(now);
    close_gone(scene);
    RowEvidence& evidence = out_.evidence.rows[index];
    Moment moment{.at = now, .elapsed = elapsed, .judged = judges(), .block = block_seconds(state_.interval)};
    combine(moment, gated, evidence);
    Verdict verdict = sound(state_.alarm, state_.standing, moment, budget());
    verdict.after_silence = row_.after_silence;
    verdict.fires = verdict.fires || row_.after_silence;
    if (judges()) follow_learned(scene, verdict);
    evidence.teaches = !gated;
    finish(verdict, out_.rows[index]);
  }

  void summarise(WallTime now) {
    out_.score.at = now;
    out_.score.state = model::learning_state(behavior_, readiness(), now);
    out_.score.score = out_.rows.empty() ? 0 : out_.rows.back().score;
    out_.score.alarm_level = onset_score(alarm_level(state_.alarm, budget()));
    Scene scene{.behavior = behavior_, .series = series_, .state = state_, .now = now, .changes = out_.changes};
    out_.ranked.resize(row_.shown.count());
    for (std::size_t i = 0; i < out_.ranked.size(); ++i) {
      std::uint32_t s = row_.shown.series(i);
      Blamed one{.series = s, .surprise = surprise_of(s), .observed = state_.series[s].last, .at = now};
      rank(scene, one, out_.ranked[i]);
    }
  }

 private:
  [[nodiscard]] double budget() const { return state_.expectation.false_alarms_per_week; }
  // A single series is its own whole; more are judged against the healthy history of their combination.
  [[nodiscard]] bool judges() const {
    const model::Readiness& counts = readiness();
    return counts.ready > 0 && 2 * counts.ready >= counts.known && (is_alone_ || behavior_.combined.speaks());
  }
  // Asked when the series have been judged and are at hand.
  [[nodiscard]] const model::Readiness& readiness() const {
    if (!readiness_) readiness_ = model::readiness_of(behavior_);
    return *readiness_;
  }

  [[nodiscard]] bool is_fresh(std::uint32_t s, WallTime now) const {
    const SeriesWatch& watch = state_.series[s];
    if (std::isnan(watch.last)) return false;
    return watch.last_at == now ||
           to_seconds(now - watch.last_at) <= 2 * std::max(static_cast<double>(watch.interval), 1.0);
  }

  [[nodiscard]] double surprise_of(std::uint32_t s) const {
    const SeriesWatch& watch = state_.series[s];
    auto surprise = static_cast<double>(watch.surprise);
    if (state_.plan_of(s).ignore) return 0;
    const model::DeclaredMetric* declared = state_.plan_of(s).declared;
    if (declared == nullptr) return surprise;
    const Against& against = state_.against[s];
    if (declared->distribution && against.declared > 0)
      surprise = std::max(surprise, declared_surprise(*declared->distribution, watch.last));
    if (declared->limit) surprise = std::max(surprise, against.limit);
    return surprise;
  }

  double advance(WallTime now) {
    double elapsed = state_.last_at.ns == 0 ? 0 : to_seconds(now - state_.last_at);
    state_.last_at = now;
    if (elapsed <= 0) return 0;
    follow_rhythm(elapsed);
    if (state_.interval > 0) elapsed = std::min(elapsed, 5 * state_.interval);
    follow_interval(state_.interval, elapsed);
    return elapsed;
  }

  // A row that comes far later than any before it ends a silence.
  void follow_rhythm(double elapsed) {
    Rhythm& rhythm = state_.rhythm;
    if (state_.interval <= 0) return;
    double step = elapsed / state_.interval;
    bool far_too_long = step >= std::max(shortest_silence, longer_than_ever * rhythm.longest);
    ++rhythm.rows;
    row_.after_silence = rhythm.listens && far_too_long && rhythm.rows >= rhythm_known && !state_.known_healthy;
    rhythm.longest = std::max(rhythm.longest, step);
  }

  [[nodiscard]] bool gates_all(WallTime now) const {
    if (state_.known_healthy) return false;
    return std::any_of(state_.episodes.begin(), state_.episodes.end(), [&](const Episode& e) {
      return e.source == EpisodeSource::learned ||
             (e.source == EpisodeSource::declared && to_seconds(now - e.opened_at) < gate_all_for);
    });
  }

  [[nodiscard]] const model::Baseline& baseline_of(std::uint32_t s) const {
    return s < behavior_.series.size() ? behavior_.series[s] : unknown;
  }
  [[nodiscard]] const model::Past& past_of(std::uint32_t s) const {
    return s < behavior_.past.size() ? behavior_.past[s] : no_past;
  }

  // Samples of one row from a column on: first all of them are measured, then all weighed.
  void samples(Scene& scene, std::size_t index, std::size_t from, bool gated) {
    std::size_t end = std::min(from + together, batch_.series.size());
    std::size_t taken = 0;
    const Sample sample{
        .value = 0, .at = scene.now, .hour = model::hour_of(scene.now), .gated = gated, .alone = is_alone_};
    const double* value = batch_.values.data() + from * batch_.times.size() + index;
    model::SampleEvidence* evidence = out_.evidence.samples.data() + index * batch_.series.size();
    for (std::size_t c = from; c < end; ++c, value += batch_.times.size()) {
      std::uint32_t s = batch_.series[c];
      if (std::isnan(*value) || s >= state_.series.size()) continue;
      Taken& one = taken_[taken];
      one.baseline = &baseline_of(s);
      one.past = &past_of(s);
      one.pattern = &state_.patterns[s];
      one.watch = &state_.series[s];
      one.out = &evidence[c];
      one.series = s;
      one.expected = false;
      one.sample.value = *value;  // field by field: a copy of the whole would wait for its parts
      one.sample.at = sample.at;
      one.sample.hour = sample.hour;
      one.sample.gated = sample.gated;
      one.sample.alone = sample.alone;
      if (state_.plan_of(s).declared != nullptr) judge_declaration(one, before_[taken]);
      ++taken;
    }
    std::span<Taken> all = std::span(taken_).first(taken);
    judge_all(all, ahead_);
    row_.present += taken;
    if (state_.plain() && !sample.alone) {
      for (const Taken& one : all) join_block(state_.relations, one.series, one.sample.value);
      for (const Taken& one : all) row_.shown.add(one.watch->surprise, one.series);
    } else {
      for (std::size_t i = 0; i < taken; ++i) join(scene, taken_[i], before_[i]);
    }
  }

  void judge_declaration(Taken& one, EvidenceBefore& before) {
    Against& against = state_.against[one.series];
    before = {.declared = against.declared, .limit = against.limit};
    one.expected =
        judge_declared(*state_.plan_of(one.series).declared, against, {.at = one.sample.at, .value = one.sample.value},
                       static_cast<double>(one.watch->interval));
    // Already doubtful: the first outlier does not teach.
    one.sample.gated = one.sample.gated || against.declared >= 2 || against.limit >= 2;
  }

  // What the instance as a whole takes of a sample that was weighed.
  void join(Scene& scene, const Taken& one, const EvidenceBefore& before) {
    std::uint32_t s = one.series;
    const SeriesPlan& plan = state_.plan_of(s);
    double standing = one.sample.alone ? stand(*one.past, *one.watch, one.measured) : 0;
    if (!plan.ignore && !one.expected) {
      row_.standing = std::max(row_.standing, plan.weight * standing);
      if (state_.series.size() > 1) join_block(state_.relations, s, one.sample.value);
    }
    if (plan.declared != nullptr) {
      if (one.expected) {
        one.watch->surprise = 0;
        one.watch->group = {};
        one.watch->left_at = {};
      }
      follow_declared(scene, s, before);
    }
    join_row(s);
  }

  // What the row as a whole needs of a series whose newest sample is fresh.
  void join_row(std::uint32_t s) {
    const SeriesPlan& plan = state_.plan_of(s);
    if (plan.ignore) return;
    double own = static_cast<double>(state_.series[s].surprise);
    row_.weighed.add(static_cast<float>(is_alone_ ? own : plan.weight * own), s);
    row_.shown.add(static_cast<float>(surprise_of(s)), s);
  }

  // Where no weights and no declarations are, both rankings are one.
  [[nodiscard]] const Strongest& weighed() const { return state_.plain() ? row_.shown : row_.weighed; }

  // Series that brought nothing in this row, but did not long ago.
  void join_earlier(WallTime now) {
    if (row_.present == state_.series.size()) return;
    for (std::uint32_t s = 0; s < state_.series.size(); ++s) {
      if (state_.series[s].last_at != now && is_fresh(s, now)) join_row(s);
    }
  }

  // Combined surprise per five minutes.
  void combine(Moment& moment, bool gated, RowEvidence& evidence) {
    double shift = rate_shift(moment.block);
    double own = row_.standing;
    double length = weighed().length(combined_most);
    double surprise = std::min(length, most_combined);
    double strength = surprise;
    if (!is_alone_) {
      bool block_ends = follow_block(moment.at, gated);
      double single = own_weight * length;
      auto bent = static_cast<double>(state_.interplay.surprise);
      own = std::min(std::sqrt(single * single + squared_surprise(state_.relations) + bent * bent), most_combined);
      strength = own;
      double u = math::exp(0.8373036701796530 * own);  // 10^(C/2.75): exponential tails of C are Pareto tails of u
      surprise = behavior_.combined.surprise(u, combined_empirical);
      learn_combined(u, gated || surprise > 4, block_ends, evidence);
    }
    double blocks = moment.elapsed / moment.block;
    double sustained =
        follow(state_.sustained, {.value = strength, .blocks = blocks, .gated = gated, .judged = judges()});
    moment.standing = std::max(0.0, own - shift);
    if (!judges()) return;
    moment.surprise = std::max(0.0, surprise - shift);
    moment.sustained = std::max(0.0, sustained - shift);
  }

  // Ends the block when its time is over: the relations are judged on its means.
  bool follow_block(WallTime now, bool gated) {
    if (!state_.block_open) {
      state_.block_open = true;
      state_.block_started = now;
      state_.block_u = 0;
      state_.block_rare = false;
    }
    if (to_seconds(now - state_.block_started) < block_seconds(state_.interval) - 1.5 * state_.interval) return false;
    state_.block_open = false;
    Lesson lesson = state_.known_healthy ? Lesson::trusted : gated ? Lesson::none : Lesson::careful;
    take_block(state_.interplay, state_.relations);
    judge_block(state_.relations, lesson);
    judge_block(state_.interplay, state_.relations, lesson);
    return true;
  }

  // The largest combination of a block teaches.
  void learn_combined(double u, bool rare, bool block_ends, RowEvidence& evidence) {
    state_.block_u = std::max(state_.block_u, static_cast<float>(u));
    state_.block_rare = state_.block_rare || rare;
    if (!block_ends || readiness().ready == 0) return;
    evidence.combined = true;
    evidence.u = state_.block_u;
    evidence.combined_rare = state_.block_rare;
  }

  void close_gone(Scene& scene) {
    for (std::size_t i = state_.episodes.size(); i-- > 0;) {
      if (state_.episodes[i].source == EpisodeSource::learned) continue;
      const SeriesWatch& watch = state_.series[state_.episodes[i].blamed.front().series];
      if (to_seconds(scene.now - watch.last_at) > std::max(gone_after, 10 * static_cast<double>(watch.interval)))
        close_episode(scene, i);
    }
  }

  void finish(const Verdict& verdict, RowVerdict& row) {
    row.score = verdict.score;
    row.series = row_.shown.surprise(0) > 0 ? row_.shown.series(0) : 0;
    for (std::uint32_t s : state_.declared) {
      double evidence = std::max(state_.against[s].declared, state_.against[s].limit);
      row.score = std::max(row.score, std::min(0.999, onset_score(verdict.level) * evidence / declared_open));
    }
    for (const Episode& episode : state_.episodes) {
      row.alert = true;
      row.kind = episode.kind;
      row.series = episode.blamed.front().series;
      if (episode.source == EpisodeSource::learned) break;
    }
  }

  const Behavior& behavior_;
  Watch::State& state_;
  const std::vector<model::Series>& series_;
  const model::Batch& batch_;
  Assessment& out_;
  Ahead ahead_;
  bool is_alone_ = true;  // nothing else is known of the instance: the series' score is its own
  mutable std::optional<model::Readiness> readiness_;
  struct Row {
    bool after_silence = false;
    std::size_t present = 0;
    double standing = 0;  // the largest of a single series
    Strongest shown;      // by what is told of a series
    Strongest weighed;    // by what it counts for, where that differs
  };
  Row row_;
  std::array<Taken, together> taken_;
  std::array<EvidenceBefore, together> before_;  // where something is declared
};

}  // namespace

Watch::Watch() : state_(std::make_unique<State>()) {}
Watch::~Watch() = default;
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;

void Watch::State::resize(std::size_t count) {
  std::size_t known = patterns.size();
  series.resize(count);
  patterns.resize(count);
  if (!against.empty()) against.resize(count);
  // Coins differ, so that neighbours do not round alike.
  for (std::size_t i = known; i < count; ++i)
    patterns[i].coin = (static_cast<std::uint32_t>(i) * 2246822519U + 3) ^ 0x9e3779b9U;
}

void Watch::trust(bool known_healthy) { state_->known_healthy = known_healthy; }

void Watch::listen(bool for_silence) { state_->rhythm.listens = for_silence; }

void Watch::learn_interplay(std::uint64_t seed, bool judges) {
  using Mode = Interplay::Mode;
  state_->interplay = {};
  state_->interplay.mode = judges ? Mode::learns : Mode::gathers;
  state_->interplay.seed = seed;
}

void Watch::use_interplay(InterplayModel model) {
  state_->interplay = {};
  state_->interplay.mode = Interplay::Mode::given;
  state_->interplay.model = std::move(model);
}

bool Watch::has_interplay() const { return state_->interplay.mode != Interplay::Mode::off; }

InterplayTraining Watch::train_interplay(std::uint32_t epochs) const {
  const Interplay& interplay = state_->interplay;
  return {interplay.newest.size(), interplay.kept, interplay.seed, epochs};
}

Assessment assess(const model::Expectation& expectation, const Behavior& behavior, Watch& watch,
                  const std::vector<model::Series>& series, const model::Batch& batch) {
  Assessment out;
  Watch::State& state = watch.state();
  if (batch.times.empty()) {
    out.score.alarm_level = onset_score(alarm_level(state.alarm, expectation.false_alarms_per_week));
    out.score.state = model::learning_state(behavior, state.last_at);
    return out;
  }
  // Series are only ever added; beyond the limit they are stored but not judged. A watch of other series is cut to fit.
  state.resize(std::min(series.size(), Behavior::max_series));
  std::erase_if(state.episodes, [&](const Episode& episode) {
    return episode.first_mover >= state.series.size() ||
           std::any_of(episode.blamed.begin(), episode.blamed.end(),
                       [&](const Blamed& b) { return b.series >= state.series.size(); });
  });
  make_plan(state, expectation, series, out.changes, batch.times.front());
  if (state.series.size() > 1) grow(state.relations, state.series.size());
  Assessor assessor(behavior, state, series, batch, out);
  for (std::size_t row = 0; row < batch.times.size(); ++row) assessor.row(row);
  assessor.summarise(batch.times.back());
  return out;
}

std::vector<EpisodeChange> close_all(Watch& watch, WallTime at) {
  std::vector<EpisodeChange> changes;
  while (!watch.state().episodes.empty()) changes.push_back(drop_episode(watch.state(), 0, at));
  // What spoke against one persona's declarations is no evidence against those of the next.
  for (Against& against : watch.state().against) against.declared = against.limit = 0;
  forget(watch.state().relations);
  if (watch.state().interplay.mode == Interplay::Mode::learns)
    watch.learn_interplay(watch.state().interplay.seed, true);
  return changes;
}

}  // namespace mien::drift
