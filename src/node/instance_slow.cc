// What an instance learns slowly: the shape and speed of its series, whether what was learned has left what is
// declared, and another baseline where it behaves otherwise for long.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "learn/learn.h"
#include "node/instance.h"

namespace mien::node {
namespace {

// Of the one finding about departures; far from the numbers that drift gives.
constexpr std::uint64_t departure_episode = std::uint64_t{1} << 62;
constexpr double back_share = 0.8;  // of drift.depart: below, what was learned is back
constexpr std::size_t most_shown = 16;
constexpr Duration told_again_after = std::chrono::hours{1};

bool speaks_of_another_life(const OpenFinding& open) {
  using Kind = model::FindingKind;
  if (open.episode == 0 || open.episode == departure_episode) return false;
  Kind kind = open.finding.kind;
  return kind != Kind::limit && kind != Kind::security && kind != Kind::configuration && kind != Kind::silence;
}

model::AuditEvent audit_of(const Instance::Step& step, std::string_view verb, const model::PersonaRevision& revision,
                           std::string detail) {
  return {.at = step.now,
          .actor = "mien",
          .verb = std::string(verb),
          .subject = cat("Revision/", revision.persona.value, "@", revision.instance.value, "/", revision.number),
          .cause = cat("log/", step.position),
          .detail = std::move(detail)};
}

}  // namespace

// ---- another baseline ----

// Since when something speaks against the baseline in force; nothing: it fits.
std::optional<WallTime> Instance::changed_since() const {
  std::optional<WallTime> since;
  for (const OpenFinding& open : state_.open)
    if (speaks_of_another_life(open)) since = std::min(since.value_or(open.finding.opened_at), open.finding.opened_at);
  if (!since && state_.drift.state == model::LearningState::suspect) since = state_.last_seen;
  return since;
}

void Instance::follow_change(const Step& step, const model::Batch& batch, Effects& out) {
  if (state_.acted_on || state_.learning_held || trusting_) return;
  std::optional<WallTime> since = changed_since();
  bool suspect = state_.drift.state == model::LearningState::suspect;
  if (!candidate_) {
    bool lasts = since && (suspect || state_.last_seen - *since >= Candidate::begins_after(state_.interval));
    if (!lasts) return;
    candidate_.emplace(state_.last_seen, state_.assignment.expectation);
  }
  candidate_->judge(state_.series, batch);
  if (since) candidate_->unneeded_since = {};
  else if (candidate_->unneeded_since.ns == 0) candidate_->unneeded_since = state_.last_seen;
  else if (state_.last_seen - candidate_->unneeded_since >= Candidate::given_up_after(state_.interval))
    return withdraw(step, out);
  if (candidate_->is_lost(state_.interval)) return withdraw(step, out);  // while the change lasts another one begins
  if (candidate_->number == 0 && candidate_->fits(state_.interval)) propose(step, out);
}

// The way back is the newest revision, from before the change; an instance that has none keeps what it knows.
void Instance::propose(const Step& step, Effects& out) {
  if (!state_.newest_revision)
    keep(step, number(learn::make_revision(state_.behavior, state_.series, state_.last_seen, watch_.habits())), out);
  candidate_->behavior.security = state_.behavior.security;
  model::PersonaRevision revision =
      number(learn::make_revision(candidate_->behavior, state_.series, state_.last_seen, candidate_->watch.habits()));
  candidate_->behavior.security = {};
  candidate_->number = revision.number;
  out.writes.push_back({.table = store::Table::revision,
                        .key = candidate_key(revision.persona, state_.name, revision.number),
                        .bytes = mien::encode(revision)});
  out.audit.push_back(
      audit_of(step, "revision.proposed", revision,
               cat("a candidate, learned from ", revision.samples, " samples since ", to_rfc3339(candidate_->began))));
}

void Instance::withdraw(const Step& step, Effects& out) {
  if (candidate_ && candidate_->number != 0) {
    model::PersonaRevision revision;
    revision.persona = state_.assignment.persona;
    revision.instance = state_.name;
    revision.number = candidate_->number;
    out.writes.push_back({.table = store::Table::revision,
                          .key = candidate_key(revision.persona, state_.name, revision.number),
                          .bytes = {}});
    out.audit.push_back(audit_of(step, "revision.withdrawn", revision, "the candidate does not fit any more"));
  }
  candidate_.reset();
}

void Instance::promote(const Step& step, const model::PersonaRevision& revision, Effects& out) {
  Candidate promoted = std::move(*candidate_);
  candidate_.reset();
  close_all(step, out);
  (void)drift::close_all(promoted.watch, step.now);
  promoted.behavior.security = std::move(state_.behavior.security);
  state_.behavior = std::move(promoted.behavior);
  watch_ = std::move(promoted.watch);
  watch_.trust(trusting_);
  learn::forget_shapes(state_.windows);
  out.writes.push_back({.table = store::Table::revision,
                        .key = candidate_key(revision.persona, state_.name, revision.number),
                        .bytes = {}});
  out.writes.push_back({.table = store::Table::revision,
                        .key = revision_key(revision.persona, state_.name, revision.number),
                        .bytes = mien::encode(revision)});
  state_.newest_revision = revision;
}

// ---- shape, speed, departure ----

// What it does now may teach what is healthy. A baseline that left what is declared does not say otherwise.
bool Instance::is_healthy() const {
  bool wrong = std::any_of(state_.open.begin(), state_.open.end(),
                           [](const OpenFinding& open) { return open.episode != departure_episode; });
  return !wrong && !state_.acted_on && !state_.learning_held;
}

void Instance::look_back(const Step& step, Effects& out) {
  std::vector<drift::Departure> all = drift::departures(state_.assignment.expectation, state_.behavior, state_.series);
  judge_departure(step, all, out);
  show_slow(all);
}

void Instance::judge_departure(const Step& step, const std::vector<drift::Departure>& all, Effects& out) {
  auto open = std::find_if(state_.open.begin(), state_.open.end(),
                           [](const OpenFinding& each) { return each.episode == departure_episode; });
  double depart = state_.assignment.expectation.depart.value;
  // What another finding speaks of already is not told twice.
  auto is_told = [this](const drift::Departure& departure) {
    std::string series = to_text(state_.series[departure.series]);
    return std::any_of(state_.open.begin(), state_.open.end(), [&](const OpenFinding& each) {
      return each.episode != departure_episode && each.finding.first_mover == series;
    });
  };
  std::vector<drift::Departure> left;
  for (const drift::Departure& departure : all) {
    if (departure.bits > (open == state_.open.end() ? depart : back_share * depart) &&
        (open != state_.open.end() || !is_told(departure)))
      left.push_back(departure);
  }
  if (left.empty()) {
    if (open == state_.open.end()) return;
    resolve_finding(step, *open, state_.last_seen, out);
    state_.open.erase(open);
    return;
  }
  if (learn::state_of(state_.behavior, state_.last_seen) == model::LearningState::learning) return;
  model::Finding finding = drift::departure_finding(state_.assignment.expectation, state_.series, left);
  finding.opened_at = finding.updated_at = state_.last_seen;
  if (open == state_.open.end()) return open_finding(step, departure_episode, std::move(finding), out);
  if (step.now - open->written_at < told_again_after) return;
  drift::EpisodeChange change{
      .what = drift::EpisodeChange::What::updated, .episode = departure_episode, .finding = std::move(finding)};
  change.finding.opened_at = open->finding.opened_at;
  apply(step, {std::move(change)}, false, out);
}

void Instance::show_slow(const std::vector<drift::Departure>& all) {
  auto view = std::make_shared<SlowView>();
  for (const learn::SlowSeries& slow : learn::slowest(state_.windows, state_.behavior, most_shown)) {
    if (slow.series >= state_.series.size()) continue;
    view->metrics.push_back({.name = state_.series[slow.series].metric,
                             .attributes = state_.series[slow.series].attributes,
                             .hour_bits = slow.hour_bits,
                             .day_bits = slow.day_bits,
                             .usual_bits = slow.usual_bits,
                             .most_bits = slow.most_bits,
                             .anchor_scales = slow.anchor_scales,
                             .anchor_bits = slow.anchor_bits,
                             .per_day = slow.per_day,
                             .per_day_ratio = slow.per_day_ratio,
                             .moved_scales = slow.moved_scales,
                             .days = slow.days,
                             .unlike = slow.is_unlike(),
                             .moving = slow.is_moving()});
  }
  if (!all.empty()) {
    view->departure_bits = all.front().bits;
    view->departure_of = to_text(state_.series[all.front().series]);
  }
  slow_ = std::move(view);
}

}  // namespace mien::node
