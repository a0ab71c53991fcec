#include "node/instance.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "learn/learn.h"
#include "learn/security.h"
#include "model/describe.h"
#include "node/history_window.h"
#include "node/security_view.h"

namespace mien::node {
namespace {

// 1: without trace and acted_on; 2: without security; 3: without windows and candidate; 4: without parked habits; 5:
// with those of before
constexpr std::uint64_t snapshot_version = 6;
constexpr std::uint64_t sequence_bits = 32;  // of a request's number within its sender's epoch
// An open finding's entry is refreshed this often while it only changes in degree.
constexpr Duration rewrite_after = 60s;
constexpr Duration idle_after = 30s;     // without telemetry, or three intervals of a slow sender
constexpr Duration silent_after = 3min;  // likewise

struct Habits5 {
  model::Habits habits;
  void restore(Decoder& decoder) { habits = model::restore_habits_5(decoder); }
};

std::map<PersonaName, model::Habits> parked_habits_5(Decoder& decoder) {
  std::map<PersonaName, Habits5> stored;
  decoder.get(stored);
  std::map<PersonaName, model::Habits> parked;
  for (auto& [persona, each] : stored) parked.emplace(persona, std::move(each.habits));
  return parked;
}

std::string cause_of(const Instance::Step& step) { return cat("log/", step.position); }

model::AuditEvent audit_of(const Instance::Step& step, std::string_view verb, const model::Finding& finding,
                           std::string detail) {
  return {.at = step.now,
          .actor = "mien",
          .verb = std::string(verb),
          .subject = cat("Finding/", finding.id.value),
          .cause = cause_of(step),
          .detail = std::move(detail)};
}

// Paths and user names stay out of the audit's chain, from which nothing can be taken back.
std::string told_of(const InstanceName& name, const model::Finding& finding) {
  return cat(name.value, ": ",
             finding.kind == model::FindingKind::security ? model::blanked(finding).summary : finding.summary);
}

void publish(std::string_view type, const Instance::Step& step, const model::Finding& finding, Effects& out) {
  out.notices.push_back({.type = std::string(type),
                         .subject = cat("Finding/", finding.id.value),
                         .at = step.now,
                         .finding = finding,
                         .drift = {}});
}

// Thousands of these are kept for subscribers that come back, so they carry the most surprised metrics only.
Notice drift_notice(const Instance::Step& step, const model::DriftScore& score) {
  constexpr std::size_t most_metrics = 3;
  auto end = score.metrics.begin() + static_cast<std::ptrdiff_t>(std::min(score.metrics.size(), most_metrics));
  return {.type = "drift",
          .subject = cat("Instance/", score.instance.value),
          .at = step.now,
          .finding = {},
          .drift = model::DriftScore{.instance = score.instance,
                                     .persona = score.persona,
                                     .revision = score.revision,
                                     .at = score.at,
                                     .score = score.score,
                                     .alarm_level = score.alarm_level,
                                     .state = score.state,
                                     .metrics = {score.metrics.begin(), end}}};
}

// For people, beside other conditions.
std::string told_of(const PersonaName& persona, const InstanceName& name, const Candidate& candidate) {
  std::string since = to_rfc3339(candidate.began);
  if (candidate.number == 0)
    return cat("NewRegime: it has behaved otherwise since before ", since,
               "; another baseline is learned beside the one in force");
  return cat("CandidateRevision: what it does since ", since, " is ordinary to revision ", candidate.number,
             "; if that is right, `mien rollback ", persona.value, "@", name.value, " --to ", candidate.number, "`");
}

void persist(const model::Finding& finding, Effects& out) {
  out.writes.push_back({.table = store::Table::finding, .key = finding.id.value, .bytes = mien::encode(finding)});
}

// What arrives when something happens, and whose absence says nothing: alerts of others, counts of log records.
bool comes_with_events(const model::Series& series) {
  return series.metric.value.starts_with("alert.") || series.metric.value.starts_with("log.");
}

// The usual distance between rows: quick to shorten, slow to lengthen, so that a gap is not taken for a new interval.
Duration next_interval(Duration usual, Duration seen) {
  if (seen <= Duration{0}) return usual;
  if (usual == Duration{0} || seen < usual) return seen;
  return usual + std::min(seen - usual, usual) / 16;
}

}  // namespace

Instance::Instance(InstanceName name, const model::InstanceFrame& first, WallTime now) {
  state_.name = std::move(name);
  state_.type = first.type;
  state_.parent = first.parent;
  state_.first_seen = now;
  state_.last_arrival = now;
}

// ---- one batch: the product on one screen ----

Counters Instance::on_frame(const Step& step, const model::Frame& frame, const model::InstanceFrame& part,
                            Effects& out) {
  Counters counted;
  window_closed_ = false;
  // Whoever sent them: numbers are the instance's, and the next ones count on from here.
  learn_series(part);
  if (!listens_to(frame)) {
    counted.samples_refused = part.batch.values.size();
    state_.refused += counted.samples_refused;
    return counted;
  }
  bool numbered = !frame.source.empty();
  std::uint64_t number = (frame.epoch << sequence_bits) | frame.sequence;
  bool newest = number > state_.window.highest();
  learn_identity(part);
  if (numbered && !state_.window.insert(number)) {
    counted.frames_duplicate = 1;
    return counted;
  }
  IntakeContext context{.now = step.now, .numbered = numbered, .newest = newest, .interval = state_.interval};
  Intake intake = take_in(context, state_.series, state_.memory, known_columns(part.batch, joins(frame), counted));
  counted.samples = intake.taken;
  counted.samples_late = intake.late_samples;
  counted.samples_duplicate += intake.duplicates;
  counted.samples_future = intake.future;
  counted.samples_refused += part.refused;
  state_.samples += intake.taken;
  state_.refused += part.refused + intake.future;
  state_.last_arrival = step.now;
  state_.idle = false;
  if (frame.authenticated && numbered) state_.source = frame.source;
  if (intake.clock_set_back) flush_history(out);

  judge(step, intake.late, true, out);
  judge(step, intake.live, false, out);
  if (!intake.kept.times.empty()) out.history.push_back(block_of(state_.name, state_.series, intake.kept));
  if (!intake.live.times.empty() || !intake.late.times.empty()) revise(step, out);
  if (window_closed_) look_back(step, out);
  if (intake.ended > 0) note_end(step, out);
  if (frame.authenticated && numbered && !part.facts.empty()) take_facts(step, part, out);
  return counted;
}

void Instance::judge(const Step& step, const model::Batch& batch, bool late, Effects& out) {
  if (batch.times.empty()) return;
  for (WallTime at : batch.times) {
    if (state_.last_seen.ns != 0) state_.interval = next_interval(state_.interval, at - state_.last_seen);
    state_.last_seen = at;
  }
  drift::Assessment assessment =
      drift::assess(state_.assignment.expectation, state_.behavior, watch_, state_.series, batch);
  if (!state_.acted_on && !state_.learning_held)
    learn::update(state_.behavior, state_.series, batch, assessment.evidence);
  remember(batch, out);

  assessment.score.metrics = std::move(state_.drift.metrics);
  state_.drift = std::move(assessment.score);
  drift::show(assessment.ranked, state_.series, state_.drift.metrics);
  state_.drift.instance = state_.name;
  state_.drift.persona = state_.assignment.persona;
  state_.drift.revision = state_.revision_numbers[state_.assignment.persona];
  state_.drift.state = learn::state_of(state_.behavior, state_.last_seen);
  if (!late) state_.trace.add(state_.last_seen, distance(state_.drift));
  out.notices.push_back(drift_notice(step, state_.drift));

  for (OpenFinding& open : state_.open)
    if (open.episode == 0) resolve_finding(step, open, step.now, out);
  std::erase_if(state_.open, [](const OpenFinding& open) { return open.finding.resolved_at.has_value(); });
  apply(step, std::move(assessment.changes), late, out);
  if (!late) close_quiet_facts(step, state_.last_seen, out);
  follow_change(step, batch, out);
}

// The batch without columns that were never declared here: their declaration went to an instance forgotten since. Of a
// sender that joins an agent, also without what the agent tells itself: of each metric one source teaches.
const model::Batch& Instance::known_columns(const model::Batch& batch, bool joined, Counters& counted) {
  auto told_by_agent = [this, joined](model::SeriesIndex index) {
    return joined && state_.series[index].metric.value.starts_with("system.");
  };
  auto known = [&](model::SeriesIndex index) { return index < state_.series.size() && !told_by_agent(index); };
  bool whole = batch.values.size() == batch.series.size() * batch.times.size();
  if (whole && std::all_of(batch.series.begin(), batch.series.end(), known)) return batch;
  filtered_ = {.times = batch.times, .series = {}, .values = {}};
  for (std::size_t c = 0; whole && c < batch.series.size(); ++c) {
    if (!known(batch.series[c])) {
      bool twice = batch.series[c] < state_.series.size();
      (twice ? counted.samples_duplicate : counted.samples_refused) += batch.times.size();
      continue;
    }
    filtered_.series.push_back(batch.series[c]);
    for (std::size_t r = 0; r < batch.times.size(); ++r) filtered_.values.push_back(batch.at(c, r));
  }
  if (filtered_.series.empty()) filtered_.times.clear();  // rows of nothing are no rows
  return filtered_;
}

// Exporters of an agent's host, which the manager asks itself or an operator vouches for, belong to the same instance.
bool Instance::joins(const model::Frame& frame) const {
  return !state_.source.empty() && frame.source.empty() && frame.authenticated;
}

// An instance that has an agent listens to no stranger: poisoned telemetry must not move its persona.
bool Instance::listens_to(const model::Frame& frame) {
  if (state_.source.empty() || frame.source == state_.source || joins(frame)) return true;
  constexpr std::size_t max_conditions = 8;
  std::string condition =
      cat("DuplicateIdentity: telemetry from ", frame.source.empty() ? "an unauthenticated sender" : frame.source,
          " is refused, because ", state_.source, " reports this instance");
  bool known = std::find(state_.conditions.begin(), state_.conditions.end(), condition) != state_.conditions.end();
  if (!known && state_.conditions.size() < max_conditions) state_.conditions.push_back(std::move(condition));
  return false;
}

void Instance::learn_series(const model::InstanceFrame& part) {
  std::size_t before = state_.series.size();
  for (const model::SeriesDeclaration& declaration : part.declared) {
    if (declaration.index != state_.series.size()) continue;  // declared again by a request that was sent twice
    state_.series.push_back(declaration.series);
    state_.memory.push_back({});
  }
  widen(state_.pending, before, state_.series.size());
}

void Instance::learn_identity(const model::InstanceFrame& part) {
  for (const auto& [key, value] : part.identities) state_.identities[key] = value;
  if (part.type != model::InstanceType::external) state_.type = part.type;
  if (!part.parent.empty()) state_.parent = part.parent;
}

// ---- findings ----

void Instance::apply(const Step& step, std::vector<drift::EpisodeChange> changes, bool late, Effects& out) {
  using What = drift::EpisodeChange::What;
  for (drift::EpisodeChange& change : changes) {
    auto open = std::find_if(state_.open.begin(), state_.open.end(),
                             [&](const OpenFinding& o) { return o.episode == change.episode; });
    if (open == state_.open.end()) {
      if (change.what == What::closed) continue;
      change.finding.late = late;
      open_finding(step, change.episode, std::move(change.finding), out);
      continue;
    }
    model::Finding& known = open->finding;
    bool matters = known.severity != change.finding.severity || known.kind != change.finding.kind;
    change.finding.id = known.id;
    change.finding.instance = known.instance;
    change.finding.pool = known.pool;
    change.finding.persona = known.persona;
    change.finding.revision = known.revision;
    change.finding.state = known.state;
    change.finding.comment = known.comment;
    change.finding.actions = known.actions;
    // What was for the record only becomes news when it is seen to go on now. Not by a report of an episode that is
    // merely not over yet: evidence outlives what caused it by some rows.
    bool confirmed = known.late && !late && change.what != What::closed && change.at_alarm;
    change.finding.late = known.late && !confirmed;
    known = std::move(change.finding);
    if (change.what == What::closed) {
      resolve_finding(step, *open, known.resolved_at.value_or(known.updated_at), out);
    } else if (matters || confirmed || step.now - open->written_at >= rewrite_after) {
      persist(known, out);
      open->written_at = step.now;
      if (confirmed) out.audit.push_back(audit_of(step, "finding.confirmed", known, told_of(state_.name, known)));
      if (matters || confirmed) publish("finding.updated", step, known, out);
    }
  }
  std::erase_if(state_.open, [](const OpenFinding& o) { return o.finding.resolved_at.has_value(); });
}

void Instance::open_finding(const Step& step, std::uint64_t episode, model::Finding finding, Effects& out) {
  finding.id = FindingId{cat("f-", step.position, "-", step.part, "-", episode)};
  finding.instance = state_.name;
  finding.pool = state_.assignment.pool;
  finding.persona = state_.assignment.persona;
  finding.revision = state_.revision_numbers[state_.assignment.persona];
  finding.state = model::FindingState::open;
  persist(finding, out);
  out.audit.push_back(audit_of(step, "finding.opened", finding, told_of(state_.name, finding)));
  publish("finding.opened", step, finding, out);
  state_.open.push_back({.episode = episode, .finding = std::move(finding), .written_at = step.now});
}

void Instance::resolve_finding(const Step& step, OpenFinding& open, WallTime at, Effects& out) {
  open.finding.state = model::FindingState::resolved;
  open.finding.resolved_at = at;
  open.finding.updated_at = std::max(open.finding.updated_at, at);
  persist(open.finding, out);
  out.audit.push_back(audit_of(step, "finding.resolved", open.finding,
                               cat(state_.name.value, ": after ", mien::to_text(at - open.finding.opened_at))));
  publish("finding.resolved", step, open.finding, out);
}

bool Instance::acknowledge(const Step& step, const FindingId& id, const std::string& comment, const std::string& actor,
                           Effects& out) {
  for (OpenFinding& open : state_.open) {
    if (open.finding.id != id) continue;
    open.finding.state = model::FindingState::acknowledged;
    open.finding.comment = comment;
    persist(open.finding, out);
    model::AuditEvent event = audit_of(step, "finding.acknowledged", open.finding, comment);
    event.actor = actor;
    out.audit.push_back(std::move(event));
    publish("finding.updated", step, open.finding, out);
    learn::teach(state_.behavior.security, drift::acknowledge(security_watch_, open.episode, step.now));
    return true;
  }
  return false;
}

bool Instance::name_action(const Step& step, const FindingId& finding, const ActionId& action, Effects& out) {
  for (OpenFinding& open : state_.open) {
    if (open.finding.id != finding) continue;
    open.finding.actions.push_back(action.value);
    persist(open.finding, out);
    publish("finding.updated", step, open.finding, out);
    return true;
  }
  return false;
}

void Instance::close_all(const Step& step, Effects& out) {
  withdraw(step, out);
  (void)drift::close_all(watch_, step.now);
  (void)drift::close_all(security_watch_, step.now);
  for (OpenFinding& open : state_.open) resolve_finding(step, open, step.now, out);
  state_.open.clear();
}

// ---- time passing ----

bool Instance::on_tick(const Step& step, WallTime silent_since, Effects& out) {
  Duration quiet = step.now - std::max(state_.last_arrival, silent_since);
  if (quiet <= quiet_limit(state_, idle_after)) return false;
  bool changed = !state_.idle;
  if (changed) {
    state_.idle = true;
    state_.drift.state = model::LearningState::stale;
    flush_history(out);
    // A service that ended has nothing left to be wrong; a host that went silent keeps what was wrong with it.
    if (ends_silently()) close_all(step, out);
  }
  std::size_t before = state_.open.size();
  note_silence(step, silent_since, out);
  return changed || state_.open.size() != before;
}

WallTime Instance::next_tick(WallTime silent_since) const {
  WallTime quiet_since = std::max(state_.last_arrival, silent_since);
  Duration instant{1};
  if (!state_.idle) return quiet_since + quiet_limit(state_, idle_after) + instant;
  return ends_silently() || silence_noted() ? never : quiet_since + quiet_limit(state_, silent_after) + instant;
}

bool Instance::ends_silently() const {
  return state_.type == model::InstanceType::service || state_.type == model::InstanceType::container;
}

bool Instance::silence_noted() const {
  return std::any_of(state_.open.begin(), state_.open.end(), [](const OpenFinding& open) { return open.episode == 0; });
}

void Instance::note_silence(const Step& step, WallTime silent_since, Effects& out) {
  if (ends_silently() || silence_noted()) return;
  Duration quiet = step.now - std::max(state_.last_arrival, silent_since);
  if (quiet <= quiet_limit(state_, silent_after)) return;
  open_silence(step, cat("no telemetry since ", to_rfc3339(state_.last_arrival)), out);
}

void Instance::open_silence(const Step& step, std::string summary, Effects& out) {
  model::Finding finding;
  finding.kind = model::FindingKind::silence;
  finding.severity = model::Severity::medium;
  finding.confidence = 0.99;
  finding.opened_at = finding.updated_at = step.now;
  finding.summary = std::move(summary);
  open_finding(step, 0, std::move(finding), out);
}

// Its sender says that no series has more samples: what it watches does not answer any more. No need to wait for that.
void Instance::note_end(const Step& step, Effects& out) {
  // Some never get a last word: those of a name that is not used any more, and what comes with events.
  Duration quiet = quiet_limit(state_, silent_after);
  auto lives = [&](std::size_t i) {
    const SeriesMemory& memory = state_.memory[i];
    return !std::isnan(memory.value) && state_.last_seen - memory.at <= quiet && !comes_with_events(state_.series[i]);
  };
  if (ends_silently() || silence_noted()) return;
  for (std::size_t i = 0; i < state_.memory.size(); ++i)
    if (lives(i)) return;
  open_silence(step, cat("every series ended: its sender has no answer from it since ", to_rfc3339(step.now)), out);
}

// ---- persona (revisions: instance_revisions.cc) ----

void Instance::assign(const Step& step, Assignment assignment, Effects& out) {
  if (assignment == state_.assignment) return;
  if (assignment.persona != state_.assignment.persona) {
    if (!state_.assignment.persona.empty()) {
      close_all(step, out);
      if (state_.parked.size() >= max_parked) state_.parked.erase(state_.parked.begin());
      state_.parked[state_.assignment.persona] = std::exchange(state_.behavior, {});
      std::erase_if(state_.parked_habits, [this](const auto& each) { return !state_.parked.contains(each.first); });
      state_.newest_revision.reset();
      learn::forget_shapes(state_.windows);
    }
    if (auto known = state_.parked.find(assignment.persona); known != state_.parked.end()) {
      state_.behavior = std::move(known->second);
      state_.parked.erase(known);
    }
    if (auto habits = state_.parked_habits.extract(assignment.persona)) watch_.begin_with(habits.mapped());
    out.audit.push_back({.at = step.now,
                         .actor = "mien",
                         .verb = "persona.activated",
                         .subject = cat("Instance/", state_.name.value),
                         .cause = cause_of(step),
                         .detail = cat(assignment.persona.value, ": ", assignment.reason)});
  }
  state_.assignment = std::move(assignment);
  if (candidate_) candidate_->expect(state_.assignment.expectation);
}

// ---- history ----

void Instance::remember(const model::Batch& batch, Effects& out) {
  // A slow sender fills longer windows: a block of one row would be mostly header.
  Duration window = std::max<Duration>(history_window, 32 * state_.interval);
  if (!state_.pending.times.empty() && batch.times.back() - state_.pending.times.front() >= window) flush_history(out);
  append_rows(state_.pending, state_.series.size(), batch);
}

void Instance::flush_history(Effects& out) {
  if (state_.pending.times.empty()) return;
  store::HistoryBlock block = to_block(state_.name, state_.series, state_.pending);
  if (!block.series.empty()) out.history.push_back(std::move(block));
  learn::count_rows(state_.windows, state_.behavior, state_.pending, is_healthy());
  window_closed_ = true;
  state_.pending = {};
}

// ---- outside views ----

std::shared_ptr<const InstanceView> Instance::view() const {
  auto view = std::make_shared<InstanceView>();
  view->name = state_.name;
  view->type = state_.type;
  view->parent = state_.parent;
  view->labels = state_.assignment.labels;
  view->identities = state_.identities;
  view->persona = state_.assignment.persona;
  view->persona_reason = state_.assignment.reason;
  view->generation = state_.assignment.expectation.generation;
  view->expectation = state_.assignment.expectation;
  view->first_seen = state_.first_seen;
  view->last_seen = state_.last_seen;
  view->samples = state_.samples;
  view->samples_refused = state_.refused;
  view->drift = state_.drift;
  view->drift.instance = state_.name;
  view->drift.persona = state_.assignment.persona;
  for (const OpenFinding& open : state_.open) view->findings.push_back(open.finding);
  if (!shown_series_ || shown_series_->size() != state_.series.size())
    shown_series_ = std::make_shared<const std::vector<model::Series>>(state_.series);
  view->series = shown_series_;
  view->security = security_view(state_.behavior.security, state_.last_seen);
  view->conditions = state_.conditions;
  if (slow_) view->slow = slow_;
  if (candidate_) {
    view->candidate = CandidateView{.number = candidate_->number, .began = candidate_->began};
    view->conditions.push_back(told_of(state_.assignment.persona, state_.name, *candidate_));
  }
  view->pending = state_.pending;
  return view;
}

std::string Instance::encode(store::LogPosition folded) const {
  Encoder encoder;
  encoder.put(snapshot_version);
  encoder.put(folded);
  encoder.put(state_);
  encoder.put(watch_.encode());
  encoder.put(state_.trace);
  encoder.put(state_.acted_on);
  encoder.put(state_.learning_held);
  encoder.put(state_.assignment.expectation.security);
  encoder.put(security_watch_);
  encoder.put(state_.windows);
  encoder.put(candidate_.has_value());
  if (candidate_) candidate_->store(encoder);
  encoder.put(state_.parked_habits);
  return encoder.take();
}

Result<Instance::Restored> Instance::decode(std::string_view bytes) {
  Decoder decoder{bytes};
  std::uint64_t version = 0;
  decoder.get(version);
  if (version == 0 || version > snapshot_version)
    return Error{.code = Code::unsupported,
                 .message = cat("instance snapshot has version ", version, ", this program reads ", snapshot_version),
                 .where = {},
                 .cause = {}};
  Restored restored{.instance = Instance{}, .folded = 0};
  std::string watch;
  decoder.get(restored.folded);
  decoder.get(restored.instance.state_);
  decoder.get(watch);
  if (version >= 2) {
    decoder.get(restored.instance.state_.trace);
    decoder.get(restored.instance.state_.acted_on);
    decoder.get(restored.instance.state_.learning_held);
  }
  if (version >= 3) {
    decoder.get(restored.instance.state_.assignment.expectation.security);
    decoder.get(restored.instance.security_watch_);
    if (!drift::is_whole(restored.instance.security_watch_)) decoder.refuse();
  }
  if (version >= 4) {
    bool has_candidate = false;
    decoder.get(restored.instance.state_.windows);
    decoder.get(has_candidate);
    if (has_candidate)
      restored.instance.candidate_ = TRY(Candidate::restore(decoder, restored.instance.state_.assignment.expectation));
  }
  if (version >= 5) {
    auto& parked = restored.instance.state_.parked_habits;
    if (version == 5) parked = parked_habits_5(decoder);
    else decoder.get(parked);
    if (!std::all_of(parked.begin(), parked.end(), [](const auto& each) { return model::is_whole(each.second); }))
      decoder.refuse();
  }
  if (Status status = decoder.finish("instance snapshot"); !status) return std::move(status).error();
  restored.instance.watch_ = TRY(drift::Watch::decode(watch));
  restored.instance.show_slow(drift::departures(restored.instance.state_.assignment.expectation,
                                                restored.instance.state_.behavior, restored.instance.state_.series));
  return restored;
}

}  // namespace mien::node
