#include "node/acting.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "model/text_quantity.h"

namespace mien::node {
namespace {

constexpr std::size_t most_peers = 32;

Error error_of(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Answer done(std::string name, std::string note) {
  return {.request = 0, .status = {}, .name = std::move(name), .generation = 0, .note = std::move(note)};
}

bool is_lost(const InstanceState& state, WallTime now) {
  return state.idle || now - state.last_arrival > quiet_limit(state, 30s);
}

// The newest value of a metric: of a utilisation the mean over its series, of anything else their sum.
std::optional<double> newest(const InstanceState& state, std::string_view metric) {
  std::size_t width = state.series.size();
  std::size_t rows = state.pending.times.size();
  if (rows == 0 || state.pending.values.size() < rows * width) return std::nullopt;
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (state.series[i].metric.value != metric) continue;
    double value = state.pending.values[(rows - 1) * width + i];
    if (!(value - value == 0)) continue;
    sum += value;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return metric.ends_with(".utilization") ? sum / static_cast<double>(count) : sum;
}

class InstanceVariables final : public policy::Variables {
 public:
  InstanceVariables(const InstanceState& state, const model::Finding& finding, const Fleet& fleet, WallTime now)
      : state_(state), finding_(finding), fleet_(fleet), now_(now) {}

  std::optional<double> value_of(std::string_view name) const override {
    if (name == "load.cpu") return newest(state_, "system.cpu.utilization");
    if (name == "load.memory") return newest(state_, "system.memory.utilization");
    if (name == "drift.score") return state_.drift.score;
    if (name == "finding.severity") return static_cast<double>(finding_.severity);
    if (name == "finding.confidence") return finding_.confidence;
    return std::nullopt;
  }
  std::optional<double> metric(std::string_view name) const override { return newest(state_, name); }
  std::optional<double> signal(std::string_view name) const override {
    const model::Resource* written = fleet_.signal(name);
    if (!written) return std::nullopt;
    const model::Value* value = written->spec.find("value");
    const model::Value* ttl = written->spec.find("ttl");
    Duration lasts = 10min;
    if (ttl)
      if (auto parsed = model::parse_leaf(*ttl, {model::Dimension::duration}); parsed) lasts = to_duration(*parsed);
    if (!value || now_ - written->metadata.updated_at > lasts) return std::nullopt;
    auto parsed = model::parse_leaf(*value, {model::Dimension::number, model::Dimension::ratio});
    return parsed ? std::optional(parsed->value) : std::nullopt;
  }
  std::optional<Duration> utc_offset(std::string_view zone, WallTime) const override {
    return zone == "UTC" ? std::optional(Duration{0}) : std::nullopt;
  }
  std::optional<double> forecast(std::string_view, Duration, std::string_view) const override { return std::nullopt; }

 private:
  const InstanceState& state_;
  const model::Finding& finding_;
  const Fleet& fleet_;
  WallTime now_;
};

class FleetObserver final : public remedy::Observer {
 public:
  FleetObserver(const Fleet& fleet, const remedy::Remedy& remedy, WallTime now)
      : fleet_(fleet), remedy_(remedy), now_(now) {}

  std::optional<remedy::Trace> trace(const InstanceName& name, WallTime from, WallTime to) const override {
    const InstanceState* state = fleet_.state_of(name);
    return state ? state->trace.over(from, to) : std::nullopt;
  }
  std::vector<InstanceName> peers(const model::Action& action) const override {
    const InstanceState* treated = fleet_.state_of(action.instance);
    auto wearers = fleet_.index().wearers.find(action.persona);
    std::vector<InstanceName> found;
    if (!treated || wearers == fleet_.index().wearers.end()) return found;
    for (const InstanceName& name : wearers->second) {
      const InstanceState* state = fleet_.state_of(name);
      bool alike = state && name != action.instance && name != action.target && state->type == treated->type;
      if (!alike || is_lost(*state, now_) || is_treated(name)) continue;
      found.push_back(name);
      if (found.size() == most_peers) break;
    }
    return found;
  }
  bool telemetry_lost(const InstanceName& name) const override {
    const InstanceState* state = fleet_.state_of(name);
    return !state || is_lost(*state, now_);
  }

 private:
  bool is_treated(const InstanceName& name) const {
    return std::any_of(remedy_.unfinished().begin(), remedy_.unfinished().end(),
                       [&](const auto& entry) { return entry.second.instance == name || entry.second.target == name; });
  }
  const Fleet& fleet_;
  const remedy::Remedy& remedy_;
  WallTime now_;
};

// What runs on a host and shows most of the metric that the finding blames.
Result<InstanceName> offender_on(const model::Finding& finding, const Fleet& fleet) {
  auto children = fleet.index().children.find(finding.instance);
  if (children == fleet.index().children.end())
    return error_of(Code::not_found, cat("nothing is known to run on ", finding.instance.value,
                                         ": who is to blame can not be told; write target: instance"));
  for (const model::Deviation& blamed : finding.metrics) {
    const InstanceName* worst = nullptr;
    double most = 0;
    for (const InstanceName& name : children->second) {
      const InstanceState* state = fleet.state_of(name);
      std::optional<double> value = state && !state->idle ? newest(*state, blamed.name.value) : std::nullopt;
      if (!value || (worst && *value <= most)) continue;
      worst = &name;
      most = *value;
    }
    if (worst && most > 0) return *worst;
  }
  return error_of(Code::not_found,
                  cat("nothing that runs on ", finding.instance.value, " shows ",
                      finding.metrics.empty() ? std::string("what was found") : finding.metrics.front().name.value,
                      ": who is to blame can not be told; write target: instance"));
}

Result<remedy::Target> resolve(const model::PolicyStep& step, const model::Finding& finding, const Fleet& fleet,
                               WallTime now) {
  const InstanceState* found = fleet.state_of(finding.instance);
  if (!found) return error_of(Code::not_found, cat(finding.instance.value, " is not known any more"));
  auto wanted = step.with.find("target");
  bool offender = step.verb == model::Verb::limit && (wanted == step.with.end() || wanted->second == "offender");
  InstanceName name = finding.instance;
  if (offender && found->type == model::InstanceType::host) name = TRY(offender_on(finding, fleet));
  const InstanceState* state = fleet.state_of(name);
  if (!state) return error_of(Code::not_found, cat(name.value, " is not known any more"));
  remedy::Target target{.name = name,
                        .host = state->parent.empty() ? name : state->parent,
                        .persona = state->assignment.persona,
                        .pool = state->assignment.pool,
                        .pool_members = 0,
                        .authenticated = !state->source.empty(),
                        .telemetry_lost = is_lost(*state, now)};
  if (auto members = fleet.index().members.find(target.pool); members != fleet.index().members.end())
    target.pool_members = static_cast<std::uint32_t>(members->second.size());
  return target;
}

}  // namespace

// ---- policies ----

void Acting::set_policies(const std::map<std::string, model::Resource>& resources) {
  std::vector<model::Policy> written;
  problems_.clear();
  names_.clear();
  for (const auto& [key, resource] : resources) {
    if (resource.kind != model::ResourceKind::policy) continue;
    PolicyName name{resource.metadata.name};
    Result<model::Policy> policy = model::parse_policy(name, resource.metadata.generation, resource.spec);
    if (policy) written.push_back(std::move(*policy));
    else problems_[name] = policy.error().to_string();
  }
  policy::Compiled compiled = policy::compile(std::move(written));
  for (const policy::Problem& problem : compiled.problems) problems_[problem.policy] = problem.message;
  rules_ = std::move(compiled.rules);
  std::vector<const model::Policy*> whole;
  for (const auto& [key, resource] : resources) {
    if (resource.kind != model::ResourceKind::policy) continue;
    const model::Policy* policy = rules_.find(PolicyName{resource.metadata.name});
    if (!policy) continue;
    whole.push_back(policy);
    names_.push_back(policy->name);
  }
  remedy_.on_policies(whole);
  board_changed_ = true;
}

// ---- deciding ----

void Acting::consider(const remedy::Moment& at, const model::Finding& finding, const Fleet& fleet, Effects& out,
                      Marks& marks) {
  const InstanceState* state = fleet.state_of(finding.instance);
  if (!state || rules_.size() == 0 || finding.resolved_at) return;
  // What was decided about it is under way: there is nothing to decide until that has ended.
  if (!remedy_.about(finding.id).empty()) return;
  InstanceVariables variables{*state, finding, fleet, at.now};
  policy::Evaluation found = rules_.evaluate(
      {.now = at.now, .finding = &finding, .labels = &state->assignment.labels, .variables = &variables});
  model::Decision decision;
  auto decided = std::count_if(out.writes.begin(), out.writes.end(),
                               [](const store::Write& write) { return write.table == store::Table::decision; });
  decision.id = DecisionId{cat("d-", at.position, "-", decided + 1)};
  decision.at = at.now;
  decision.cause = cat("log/", at.position);
  decision.finding = finding.id;
  decision.instance = finding.instance;
  decision.persona = finding.persona;
  decision.pool = finding.pool;
  decision.kind = finding.kind;
  decision.severity = finding.severity;
  decision.confidence = finding.confidence;
  decision.score = finding.score;
  for (const model::Deviation& metric : finding.metrics) decision.metrics.push_back(metric.name.value);
  decision.rules = std::move(found.rules);
  decision.rules_not_shown = found.rules_not_shown;
  remedy::Wish wish{.finding = &finding,
                    .matched = std::move(found.matched),
                    .protector = found.protector,
                    .distance = distance(state->drift),
                    .resolve = [&](const model::PolicyStep& step) { return resolve(step, finding, fleet, at.now); }};
  remedy::Effects effects;
  bool news = remedy_.decide(at, wish, decision, effects);
  if (!decision.action.empty())
    marks.named.push_back({.instance = finding.instance, .finding = finding.id, .action = decision.action});
  if (news) {
    out.writes.push_back({.table = store::Table::decision, .key = decision.id.value, .bytes = mien::encode(decision)});
    std::string subject = cat("Decision/", decision.id.value);
    out.audit.push_back({.at = at.now,
                         .actor = "mien",
                         .verb = "decision.made",
                         .subject = subject,
                         .cause = cat("Finding/", finding.id.value),
                         .detail = cat(model::to_text(decision.outcome), ": ", decision.summary)});
    out.notices.push_back(
        {.type = "decision.made", .subject = subject, .at = at.now, .finding = {}, .drift = {}, .decision = decision});
  }
  take(at, std::move(effects), out, marks);
}

// What the remedy room did, as writes, audit rows and notices.
void Acting::take(const remedy::Moment& at, remedy::Effects effects, Effects& out, Marks& marks) {
  std::move(effects.audit.begin(), effects.audit.end(), std::back_inserter(out.audit));
  for (model::Action& action : effects.changed) {
    std::string bytes = mien::encode(action);
    bool finished = model::is_finished(action.state);
    out.writes.push_back({.table = store::Table::action, .key = action.id.value, .bytes = bytes});
    std::optional<std::string> unfinished;
    if (!finished) unfinished = std::move(bytes);
    out.writes.push_back({.table = store::Table::directive, .key = action.id.value, .bytes = std::move(unfinished)});
    out.notices.push_back({.type = cat("action.", model::to_text(action.state)),
                           .subject = cat("Action/", action.id.value),
                           .at = at.now,
                           .finding = {},
                           .drift = {},
                           .action = action});
    if (finished) finished_.push_back(std::move(action));
    board_changed_ = true;
  }
  auto append = [](auto& to, auto& from) { std::move(from.begin(), from.end(), std::back_inserter(to)); };
  append(marks.hold_learning, effects.hold_learning);
  append(marks.resume_learning, effects.resume_learning);
  append(marks.reconsider, effects.reconsider);
}

void Acting::on_tick(const remedy::Moment& at, const Fleet& fleet, Effects& out, Marks& marks) {
  remedy::Effects effects;
  std::size_t holds = remedy_.holds().size();
  remedy_.on_tick(at, FleetObserver{fleet, remedy_, at.now}, effects);
  board_changed_ |= holds != remedy_.holds().size();
  take(at, std::move(effects), out, marks);
}

void Acting::on_reported(const remedy::Moment& at, const AgentReported& reported, Effects& out, Marks& marks) {
  remedy::Effects effects;
  if (reported.abilities) {
    remedy_.on_abilities(at, *reported.abilities, effects);
    board_changed_ = true;
  }
  for (const model::ActionReport& report : reported.reports) remedy_.on_report(at, reported.agent, report, effects);
  take(at, std::move(effects), out, marks);
}

// ---- what people say ----

Status Acting::check(const remedy::Moment& at, const ApproveAction& approve) const {
  return remedy_.check_approve(at, approve.action);
}
Status Acting::check(const remedy::Moment&, const RejectAction& reject) const {
  return remedy_.check_reject(reject.action);
}
Status Acting::check(const remedy::Moment&, const RevertAction& revert) const {
  return remedy_.check_revert(revert.action);
}
Status Acting::check(const remedy::Moment&, const PutHold& hold) const {
  if (hold.lasting < Duration{0}) return error_of(Code::invalid, "a hold can not last a negative time");
  if (!hold.scope.instance.empty() && !hold.scope.pool.empty())
    return error_of(Code::invalid, "hold one instance or one pool, not both");
  return {};
}
Status Acting::check(const remedy::Moment&, const EndHold& end) const { return remedy_.check_resume(end.scope); }
Status Acting::check(const remedy::Moment&, const ReleaseActions&) const { return {}; }

Answer Acting::obey(const remedy::Moment& at, const std::string& actor, const ApproveAction& approve,
                    remedy::Effects& out) {
  remedy_.approve(at, approve.action, {.actor = actor, .comment = approve.comment}, out);
  return done(approve.action.value, "approved");
}

Answer Acting::obey(const remedy::Moment& at, const std::string& actor, const RejectAction& reject,
                    remedy::Effects& out) {
  remedy_.reject(at, reject.action, {.actor = actor, .comment = reject.comment}, out);
  return done(reject.action.value, "rejected");
}

Answer Acting::obey(const remedy::Moment& at, const std::string& actor, const RevertAction& revert,
                    remedy::Effects& out) {
  remedy_.revert(at, revert.action, actor, out);
  bool proposal = !remedy_.unfinished().contains(revert.action);  // it was never applied
  return done(revert.action.value, proposal ? "rejected: it was only proposed" : "being taken back");
}

Answer Acting::obey(const remedy::Moment& at, const std::string& actor, const PutHold& hold, remedy::Effects& out) {
  WallTime until = hold.lasting == Duration{0} ? WallTime{} : at.now + hold.lasting;
  remedy_.hold(at, hold.scope, until, actor, out);
  std::string how_long = until.ns == 0 ? "until it is resumed" : cat("until ", to_rfc3339(until));
  return done(to_text(hold.scope), cat("held ", how_long));
}

Answer Acting::obey(const remedy::Moment& at, const std::string& actor, const EndHold& end, remedy::Effects& out) {
  remedy_.resume(at, end.scope, actor, out);
  return done(to_text(end.scope), "resumed");
}

Answer Acting::obey(const remedy::Moment& at, const std::string& actor, const ReleaseActions& release,
                    remedy::Effects& out) {
  remedy::Released released = remedy_.release(at, release.instance, actor, out);
  auto counted = [](std::size_t count, std::string_view one, std::string_view many) {
    return cat(count, " ", count == 1 ? one : many);
  };
  std::string taken_back = counted(released.taken_back, "action is being taken back", "actions are being taken back");
  std::string withdrawn = counted(released.withdrawn, "proposal, which never began, is rejected",
                                  "proposals, which never began, are rejected");
  std::string note = released.taken_back > 0 || released.withdrawn == 0 ? std::move(taken_back) : std::string{};
  if (released.withdrawn > 0) note += cat(note.empty() ? "" : "; ", withdrawn);
  return done(release.instance.value, std::move(note));
}

// ---- publishing ----

std::optional<store::Write> Acting::take_snapshot() {
  if (!remedy_.take_changed()) return std::nullopt;
  board_changed_ = true;
  return store::Write{.table = store::Table::core, .key = "remedy", .bytes = remedy_.encode()};
}

std::shared_ptr<const ActionBoard> Acting::board(std::shared_ptr<const ActionBoard> before, Duration steady) {
  if (!board_changed_ && before) return before;
  board_changed_ = false;
  auto next = std::make_shared<ActionBoard>();
  std::vector<const model::Action*> finished;
  for (const auto& [id, action] : before ? before->actions : std::map<ActionId, model::Action>{})
    if (model::is_finished(action.state)) next->actions.emplace(id, action);
  for (model::Action& action : finished_) next->actions.insert_or_assign(action.id, std::move(action));
  finished_.clear();
  for (const auto& [id, action] : next->actions) finished.push_back(&action);
  std::sort(finished.begin(), finished.end(), [](const auto* a, const auto* b) {
    return std::pair(a->ended_at.value_or(WallTime{}), a->id) < std::pair(b->ended_at.value_or(WallTime{}), b->id);
  });
  std::size_t over = finished.size() > ActionBoard::most_finished ? finished.size() - ActionBoard::most_finished : 0;
  std::vector<ActionId> dropped;
  for (std::size_t i = 0; i < over; ++i) dropped.push_back(finished[i]->id);
  for (const ActionId& id : dropped) next->actions.erase(id);
  for (const auto& [id, action] : remedy_.unfinished()) {
    next->actions.insert_or_assign(id, action);
    if (model::is_stuck(action)) {
      std::string trouble = cat("LeaseStuck: ", id.value, " (", action.summary, "): ", action.note);
      for (const InstanceName& name : std::set{action.target, action.host}) next->troubles[name].push_back(trouble);
    }
    if (!next->orders.contains(action.host)) next->orders[action.host] = remedy_.orders_for(action.host);
  }
  next->holds = remedy_.holds();
  next->agents = remedy_.agents();
  next->ranks = remedy_.ranks();
  next->problems = problems_;
  for (const PolicyName& name : names_) next->budgets[name] = remedy_.budget(name, steady);
  return next;
}

}  // namespace mien::node
