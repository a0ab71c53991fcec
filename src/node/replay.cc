#include "node/replay.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace mien::node {
namespace {

constexpr Duration tick_every = 1s;
constexpr Duration sparse_tick_every = 10s;  // over long stretches without a record and without a lease
constexpr Duration long_stretch = 2min;
const std::vector<std::string> host_verbs{"limit", "prioritize", "configure", "lockdown", "alert"};

bool is_policy(const model::Resource& resource) { return resource.kind == model::ResourceKind::policy; }

// A mode that was asked for stands instead of what the policy says; everything else is as written.
model::Resource in_mode(model::Resource policy, const std::optional<model::Mode>& mode) {
  policy.metadata.generation = 0;  // whatever is there
  if (model::Value::Map* spec = policy.spec.map(); spec && mode)
    (*spec)["mode"] = model::Value{std::string(model::to_text(*mode))};
  return policy;
}

model::Abilities abilities_of(const std::string& agent) {
  return {
      .agent = agent, .boot_id = "rehearsed", .can = host_verbs, .allow = host_verbs, .never_touch = {}, .held = false};
}

const InstanceName* instance_of(const ReplayLine& line) {
  if (line.finding) return &line.finding->instance;
  if (line.decision) return &line.decision->instance;
  return line.action ? &line.action->instance : nullptr;
}

}  // namespace

Replay::Replay(ReplayOptions options)
    : options_(std::move(options)), manager_(ManagerOptions{.builtin = options_.builtin, .limits = {}}) {}

Status Replay::restore_resource(const store::Entry& entry) {
  model::Resource resource = TRY(model::decode_resource(entry.bytes));
  if (!options_.rehearse || !is_policy(resource)) return manager_.restore(store::Table::resource, entry);
  recorded_policies_[resource.metadata.name] = std::move(resource);
  return {};
}

void Replay::restore_series(const InstanceName& name, std::vector<model::Series> series) {
  known_series_[name] = std::move(series);
}

void Replay::restore_revision(model::PersonaRevision revision) {
  PersonaName persona = revision.persona;
  learned_[revision.instance][persona] = std::move(revision);
}

ReplayCounts Replay::counts() const {
  ReplayCounts counts = counts_;
  counts.instances = seen_.size();
  return counts;
}

// ---- records ----

Result<Replay::Lines> Replay::step(WallTime at, store::LogPosition position, Record record) {
  Lines lines;
  at = std::max(at, last_at_);
  bool first = counts_.records++ == 0;
  auto* epoch = std::get_if<EpochStarted>(&record);
  if (epoch && epoch->log_differs) ++counts_.gaps;
  // While no manager ran, no time passed for it; leases end all the same, and it hears of that afterwards.
  if (first || epoch) next_tick_ = at + tick_every;
  else let_time_pass(at, lines);
  last_at_ = at;
  if (!begun_ && at >= options_.from) TRY(begin(at, lines));

  if (auto* arrived = std::get_if<FrameArrived>(&record)) {
    declare_known(*arrived);
    count_time(*arrived);
    if (options_.rehearse) meet_hosts(at, *arrived, lines);
  }
  if (auto* reported = std::get_if<AgentReported>(&record); reported && options_.rehearse) {
    take_abilities(at, *reported, lines);
    return lines;
  }
  auto* given = std::get_if<CommandGiven>(&record);
  if (given && options_.rehearse && replaced(given->command)) return lines;
  std::vector<InstanceName> arrived;
  if (auto* frame = learned_.empty() ? nullptr : std::get_if<FrameArrived>(&record))
    for (const model::InstanceFrame& part : frame->frame.instances) arrived.push_back(part.instance);
  fold(at, position, record, lines);
  give_back_learned(at, arrived, lines);
  if (epoch) let_time_pass(at, lines);
  return lines;
}

Replay::Lines Replay::pass(WallTime to) {
  Lines lines;
  if (counts_.records == 0) return lines;
  let_time_pass(to, lines);
  last_at_ = std::max(last_at_, to);
  return lines;
}

// From here on policies act, and lines are told.
Status Replay::begin(WallTime at, Lines& lines) {
  begun_ = true;
  if (!options_.rehearse) return {};
  if (options_.policies) {
    for (const model::Resource& policy : *options_.policies) TRY(put_policy(at, policy, lines));
    return {};
  }
  // One that was refused when it was written is refused again.
  for (const auto& [name, policy] : std::exchange(recorded_policies_, {})) (void)put_policy(at, policy, lines).ok();
  return {};
}

Status Replay::put_policy(WallTime at, model::Resource policy, Lines& lines) {
  std::string name = policy.metadata.name;
  CommandBody body =
      PutResource{.resource = model::encode_resource(in_mode(std::move(policy), options_.mode)), .from_files = false};
  if (Answer answer = manager_.rehearse(at, body); !answer.status)
    return answer.status.error().within(cat("Policy/", name));
  make_up(at, CommandGiven{.command = {.request = 0, .actor = "replay", .body = std::move(body)}}, lines);
  return {};
}

// Whether a recorded command has no place in a rehearsal: policies are put by begin() or not at all, and what people
// said was about actions that this replay does not have.
bool Replay::replaced(Command& command) {
  if (std::holds_alternative<ApproveAction>(command.body) || std::holds_alternative<RejectAction>(command.body) ||
      std::holds_alternative<RevertAction>(command.body))
    return true;
  if (const auto* erase = std::get_if<DeleteResource>(&command.body)) {
    if (erase->kind != model::ResourceKind::policy) return false;
    recorded_policies_.erase(erase->name);
    return !begun_ || options_.policies.has_value();
  }
  auto* put = std::get_if<PutResource>(&command.body);
  if (!put) return false;
  Result<model::Resource> policy = model::decode_resource(put->resource);
  if (!policy || !is_policy(*policy)) return false;
  if (begun_ && !options_.policies) {
    put->resource = model::encode_resource(in_mode(std::move(*policy), options_.mode));
    return false;
  }
  if (!options_.policies) recorded_policies_[policy->metadata.name] = std::move(*policy);
  return true;
}

void Replay::fold(WallTime at, store::LogPosition position, const Record& record, Lines& lines) {
  Effects effects = manager_.step(at, position, record);
  std::vector<model::Action> changed;
  for (Notice& notice : effects.notices) {
    if (notice.action) changed.push_back(*notice.action);
    tell(std::move(notice), lines);
  }
  for (const model::Action& action : changed) answer(at, action, lines);
}

void Replay::make_up(WallTime at, const Record& record, Lines& lines) { fold(at, next_made_up_++, record, lines); }

// ---- lines ----

void Replay::tell(Notice notice, Lines& lines) {
  bool told = (notice.finding && notice.type.starts_with("finding.")) || notice.decision || notice.action;
  if (!told || !begun_) return;
  ReplayLine line;
  line.type = std::move(notice.type);
  line.at = notice.at;
  line.finding = std::move(notice.finding);
  line.decision = std::move(notice.decision);
  line.action = std::move(notice.action);
  if (!is_asked(line)) return;
  const InstanceName& instance = *instance_of(line);
  bool on_target = line.action && rehearsed_on_.contains(line.action->target);
  line.after_rehearsed_action = on_target || rehearsed_on_.contains(instance);
  line.after_recorded_action = acted_for_real(instance);
  count(line);
  lines.push_back(std::move(line));
}

bool Replay::is_asked(const ReplayLine& line) const {
  const InstanceName& asked = options_.instance;
  if (asked.empty() || *instance_of(line) == asked) return true;
  return (line.decision && line.decision->target == asked) || (line.action && line.action->target == asked);
}

void Replay::count(const ReplayLine& line) {
  if (line.type == "finding.opened") ++counts_.found;
  if (line.decision) ++counts_.decided;
  bool ordered = line.action &&
                 (line.action->state == model::ActionState::ordered || line.action->state == model::ActionState::done);
  if (ordered && ordered_.insert(line.action->id).second) ++counts_.acted;
}

bool Replay::acted_for_real(const InstanceName& name) const {
  if (acted_agents_.empty()) return false;
  if (acted_agents_.contains(name.value)) return true;
  const Instance* known = manager_.find(name);
  return known && acted_agents_.contains(known->state().parent.value);
}

void Replay::count_time(const FrameArrived& arrived) {
  for (const model::InstanceFrame& part : arrived.frame.instances) {
    auto [seen, is_new] = seen_.emplace(part.instance, last_at_);
    if (!is_new) counts_.instance_time += last_at_ - seen->second;
    seen->second = last_at_;
  }
}

// ---- what a log that begins late has lost ----

void Replay::declare_known(FrameArrived& arrived) {
  if (known_series_.empty()) return;
  for (model::InstanceFrame& part : arrived.frame.instances) {
    auto known = known_series_.extract(part.instance);
    bool anew = !part.declared.empty() && part.declared.front().index == 0;
    if (known.empty() || anew) continue;
    std::vector<model::SeriesDeclaration> declared;
    for (model::Series& series : known.mapped())
      declared.push_back({.index = static_cast<model::SeriesIndex>(declared.size()), .series = std::move(series)});
    part.declared = std::move(declared);  // those of this frame are among them
  }
}

void Replay::give_back_learned(WallTime at, const std::vector<InstanceName>& arrived, Lines& lines) {
  for (const InstanceName& name : arrived) {
    auto learned = learned_.extract(name);
    if (learned.empty()) continue;
    for (const auto& [persona, revision] : learned.mapped()) {
      CommandBody body =
          RollbackInstance{.persona = persona, .instance = name, .to = revision.number, .revision = encode(revision)};
      make_up(at, CommandGiven{.command = {.request = 0, .actor = "replay", .body = std::move(body)}}, lines);
    }
  }
}

// ---- machines as a rehearsal has them ----

void Replay::meet_hosts(WallTime at, const FrameArrived& arrived, Lines& lines) {
  for (const model::InstanceFrame& part : arrived.frame.instances) {
    const std::string& host = part.parent.empty() ? part.instance.value : part.parent.value;
    if (!hosts_.insert(host).second) continue;
    make_up(at, AgentReported{.agent = host, .abilities = abilities_of(host), .reports = {}}, lines);
  }
}

// What the machine's own operator forbids stays forbidden; what its drivers can and may is taken to be everything.
void Replay::take_abilities(WallTime at, const AgentReported& reported, Lines& lines) {
  for (const model::ActionReport& report : reported.reports)
    if (report.state == model::ActionState::applied) acted_agents_.insert(reported.agent);
  if (!reported.abilities) return;
  model::Abilities abilities = abilities_of(reported.agent);
  abilities.never_touch = reported.abilities->never_touch;
  abilities.held = reported.abilities->held;
  hosts_.insert(reported.agent);
  make_up(at, AgentReported{.agent = reported.agent, .abilities = std::move(abilities), .reports = {}}, lines);
}

// What the machine would have said: done as ordered, at once.
void Replay::answer(WallTime at, const model::Action& action, Lines& lines) {
  if (model::is_finished(action.state)) leases_.erase(action.id);
  if (!options_.rehearse) return;
  model::ActionReport report;
  report.action = action.id;
  report.at = at;
  report.note = "rehearsed: taken to have succeeded; nothing was changed";
  if (action.state == model::ActionState::ordered && !action.applied_at) {
    bool stays = action.lease <= Duration{0} || !model::is_reversible(action.verb);
    report.state = stays ? model::ActionState::done : model::ActionState::applied;
    if (!stays) {
      report.expires_at = at + action.lease;
      leases_[action.id] = {.ends = at + action.lease, .agent = action.host.value};
    }
    make_up(at, AgentReported{.agent = action.host.value, .abilities = {}, .reports = {report}}, lines);
    rehearsed_on_.insert(action.instance);
    rehearsed_on_.insert(action.target);
  } else if (action.state == model::ActionState::reverting) {
    report.state = model::ActionState::reverted;
    report.reason = action.end_reason;
    report.note = "rehearsed: taken back";
    make_up(at, AgentReported{.agent = action.host.value, .abilities = {}, .reports = {report}}, lines);
  }
}

void Replay::end_lease(WallTime at, const ActionId& id, Lines& lines) {
  auto lease = leases_.extract(id);
  model::ActionReport report;
  report.action = id;
  report.state = model::ActionState::reverted;
  report.reason = model::EndReason::lease_over;
  report.note = "rehearsed: the lease is over";
  report.at = at;
  make_up(at, AgentReported{.agent = lease.mapped().agent, .abilities = {}, .reports = {report}}, lines);
}

// ---- time ----

void Replay::let_time_pass(WallTime to, Lines& lines) {
  if (!options_.rehearse) return;
  for (;;) {
    auto lease = std::min_element(leases_.begin(), leases_.end(),
                                  [](const auto& a, const auto& b) { return a.second.ends < b.second.ends; });
    if (lease != leases_.end() && lease->second.ends <= std::min(to, next_tick_)) {
      WallTime ends = std::max(lease->second.ends, last_at_);
      last_at_ = ends;
      end_lease(ends, ActionId{lease->first}, lines);
      continue;
    }
    if (next_tick_ >= to) return;
    last_at_ = std::max(last_at_, next_tick_);
    if (manager_.time_matters(last_at_)) make_up(last_at_, TickPassed{}, lines);
    bool sparse = leases_.empty() && to - next_tick_ > long_stretch;
    next_tick_ = next_tick_ + (sparse ? sparse_tick_every : tick_every);
  }
}

}  // namespace mien::node
