#include "node/lease_keeper.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "node/detail/lease_state.h"

namespace mien::node {
namespace {

constexpr Duration resend_after = 5s;
constexpr std::size_t most_reports = 1'024;
constexpr std::size_t remembered_per_lease = 8;  // of ended ones, so that what is heard late is not done again

bool is_unfinished(const Lease& lease) {
  return lease.phase != Phase::over && lease.phase != Phase::recording_ended && lease.phase != Phase::stale &&
         lease.phase != Phase::surveying;
}

// "nginx.service@web-01" -> "nginx.service"; a host is its own.
std::string_view unit_of(const InstanceName& target) {
  return std::string_view(target.value).substr(0, target.value.rfind('@'));
}

// A kernel setting is the whole machine's, whatever the target is called.
bool is_same_field(const Lease& a, const std::string& key_a, const InstanceName& target_b, const std::string& key_b) {
  return key_a == key_b && (a.entry.order.target == target_b || key_a.starts_with("sysctl:"));
}

}  // namespace

// ---- at start ----

void LeaseKeeper::State::take_up(JournalEntry entry) {
  Lease lease;
  lease.attempted = entry.changes.size();
  lease.ours.resize(entry.changes.size());
  lease.doubtful.resize(entry.changes.size());
  bool same_boot = entry.boot_id == options.boot_id;
  switch (entry.stage) {
    case Stage::begun:
      lease.phase = Phase::due;
      entry.report = model::ActionReport{.action = entry.order.action,
                                         .state = ActionState::failed,
                                         .reason = EndReason::agent_ended,
                                         .note = "the agent ended before every field was written and read back",
                                         .at = {},
                                         .expires_at = {},
                                         .changes = {}};
      break;
    case Stage::applied: lease.phase = Phase::standing; break;
    case Stage::reverting: lease.phase = Phase::due; break;
    case Stage::forgotten:
      lease.taken = true;
      lease.phase = Phase::over;
      break;
    case Stage::ended: lease.phase = Phase::over; break;
  }
  if (!same_boot && lease.phase != Phase::over) lease.phase = Phase::stale;
  ActionId id = entry.order.action;
  lease.entry = std::move(entry);
  leases.insert_or_assign(std::move(id), std::move(lease));
}

// ---- orders ----

void LeaseKeeper::State::on(const OrdersReceived& received) {
  std::vector<const model::Order*> in_order;
  for (const model::Order& order : received.orders) in_order.push_back(&order);
  std::stable_sort(in_order.begin(), in_order.end(),
                   [](const auto* a, const auto* b) { return a->action < b->action; });
  for (const model::Order* order : in_order) hear(*order);
}

void LeaseKeeper::State::hear(const model::Order& order) {
  auto known = leases.find(order.action);
  if (known != leases.end()) {
    hear_again(known->second, order);
    return;
  }
  if (leases.size() >= options.most_leases * remembered_per_lease) {
    say(cat("no room for the order ", order.action.value, ": it is not taken"));
    return;
  }
  std::optional<std::string> no = objection(order);  // asked before it counts itself
  Lease& lease = leases[order.action];
  lease.entry.order = order;
  lease.entry.boot_id = options.boot_id;
  lease.entry.at = now.wall;
  if (order.revert) {
    end(lease, ActionState::reverted, order.reason, "nothing of it is in force on this machine");
  } else if (no) {
    end(lease, ActionState::failed, EndReason::none, std::move(*no));
  }
}

void LeaseKeeper::State::hear_again(Lease& lease, const model::Order& order) {
  model::Order& mine = lease.entry.order;
  if (order.version < mine.version) return;  // overtaken on the way
  bool retold = order.version == mine.version;
  mine.version = order.version;
  if (lease.phase == Phase::over || (retold && lease.phase == Phase::standing && !order.revert)) {
    lease.taken = false;  // a manager that still asks does not know
    lease.sent_in = 0;
  }
  if (!order.revert || lease.phase == Phase::over) return;
  mine.revert = true;
  mine.reason = order.reason;
  if (lease.phase == Phase::waiting) {
    end(lease, ActionState::reverted, order.reason, "taken back before anything was written");
  } else if (lease.phase == Phase::standing) {
    take_back(lease, ActionState::reverted, order.reason, {});
  } else if (lease.phase < Phase::standing) {
    lease.end_asked = order.reason;
  }
}

// Why this may not begin here; the manager's opinion does not count.
std::optional<std::string> LeaseKeeper::State::objection(const model::Order& order) const {
  std::string_view verb = model::to_text(order.verb);
  if (now.wall > order.valid_until)
    return cat("the order came too late: it was good until ", to_rfc3339(order.valid_until),
               "; look at the clocks of both machines and at the way between them");
  if (!options.allow.contains(order.verb))
    return cat("`", verb, "` is not allowed on this machine: add it to `allow` in /etc/mien/agent.yaml there, and",
               " start the agent again");
  if (is_never_touched(options.never_touch, unit_of(order.target)))
    return cat("`", unit_of(order.target), "` is on the never-touch list of this machine: choose another target");
  if (held) return "the hold file /run/mien/hold is there: remove it to let anything begin on this machine";
  if (unfinished() >= options.most_leases)
    return cat(options.most_leases, " leases are in force on this machine already: end one with `mien revert`");
  return std::nullopt;
}

std::optional<std::string> LeaseKeeper::State::held_field(const Lease& lease) const {
  for (const auto& [id, other] : leases) {
    if (&other == &lease || !is_unfinished(other) || other.phase == Phase::waiting) continue;
    for (const model::Change& theirs : other.entry.changes)
      for (const model::Change& mine : lease.entry.changes)
        if (is_same_field(other, theirs.key, lease.entry.order.target, mine.key))
          return cat("the field ", mine.key, " is held by ", id.value, ": end that one first");
  }
  return std::nullopt;
}

std::size_t LeaseKeeper::State::unfinished() const {
  return static_cast<std::size_t>(
      std::count_if(leases.begin(), leases.end(), [](const auto& each) { return is_unfinished(each.second); }));
}

// ---- time ----

void LeaseKeeper::State::on(const LeaseTick& tick) {
  held = tick.hold_file;
  for (auto& [id, lease] : leases) {
    if (lease.phase == Phase::standing && now.mono >= lease.entry.expires_at)
      take_back(lease, ActionState::reverted, EndReason::lease_over, {});
    if (lease.phase == Phase::over && lease.unsaved && lease.record == 0 && now.mono >= lease.retry_at)
      record(lease, Phase::over, Stage::ended);
  }
  forget_old();
}

// What the manager knows and can not ask for again.
void LeaseKeeper::State::forget_old() {
  std::erase_if(leases, [this](const auto& each) {
    const Lease& lease = each.second;
    return lease.phase == Phase::over && lease.taken && lease.record == 0 && !lease.unsaved &&
           now.wall > lease.entry.order.valid_until;
  });
}

void LeaseKeeper::State::give_up_late_calls() {
  std::vector<std::pair<std::uint64_t, ActionId>> late;
  for (const auto& [number, id] : calls)
    if (now.mono >= leases.at(id).give_up) late.emplace_back(number, id);
  for (const auto& [number, id] : late) {
    HandAnswered unknown;
    unknown.call = number;
    unknown.status =
        Error{.code = Code::unknown, .message = "the hand did not answer in time", .where = {}, .cause = {}};
    on(unknown);
  }
}

void LeaseKeeper::State::on(const ReleaseAsked& asked) {
  for (auto& [id, lease] : leases) {
    if (lease.phase == Phase::waiting)
      end(lease, ActionState::reverted, asked.reason, "released before anything was written");
    else if (lease.phase == Phase::standing) take_back(lease, ActionState::reverted, asked.reason, {});
    else if (lease.phase < Phase::standing) lease.end_asked = asked.reason;
  }
}

// ---- whose turn it is ----

// One lease works on a target at a time, from its plan until it stands or waits: those that are to be taken back first,
// then by id.
void LeaseKeeper::State::pump() {
  for (bool taking_back : {true, false}) {
    for (auto& [id, lease] : leases) {
      bool wants =
          taking_back ? lease.phase == Phase::due || lease.phase == Phase::stale : lease.phase == Phase::waiting;
      if (!wants || now.mono < lease.retry_at || turns.contains(lease.entry.order.target)) continue;
      turns[lease.entry.order.target] = id;
      start(lease);
    }
  }
}

void LeaseKeeper::State::start(Lease& lease) {
  const model::Order& order = lease.entry.order;
  if (lease.phase == Phase::stale) {
    lease.field = 0;
    survey_next(lease);
  } else if (lease.phase == Phase::due) {
    if (lease.entry.stage != Stage::reverting) {
      record(lease, Phase::recording_reverting, Stage::reverting);
      return;
    }
    take_back_pass(lease);
  } else if (now.wall > order.valid_until || held) {
    end(lease, ActionState::failed, EndReason::none, *objection(order));
  } else {
    call(lease, Phase::planning, plan_deadline,
         PlanCall{.target = order.target, .verb = order.verb, .with = order.with});
  }
}

void LeaseKeeper::State::rest(Lease& lease, Phase phase) {
  lease.phase = phase;
  auto turn = turns.find(lease.entry.order.target);
  if (turn != turns.end() && turn->second == lease.id()) turns.erase(turn);
}

void LeaseKeeper::State::call(Lease& lease, Phase phase, Duration deadline, decltype(CallHand::what) what) {
  lease.phase = phase;
  lease.call = ++last_call;
  lease.give_up = now.mono + deadline;
  calls[lease.call] = lease.id();
  out.push_back(CallHand{.call = lease.call, .what = std::move(what), .deadline = deadline});
}

void LeaseKeeper::State::record(Lease& lease, Phase phase, Stage stage) {
  lease.phase = phase;
  lease.entry.stage = stage;
  lease.entry.at = now.wall;
  lease.record = ++last_record;
  records[lease.record] = lease.id();
  out.push_back(WriteJournal{.number = lease.record, .entry = lease.entry});
}

// ---- the end, and telling of it ----

model::ActionReport LeaseKeeper::State::report_of(const Lease& lease, ActionState state, EndReason reason,
                                                  std::string note) const {
  return {.action = lease.id(),
          .state = state,
          .reason = reason,
          .note = std::move(note),
          .at = now.wall,
          .expires_at = std::nullopt,
          .changes = lease.entry.changes};
}

void LeaseKeeper::State::end(Lease& lease, ActionState state, EndReason reason, std::string note) {
  lease.entry.report = report_of(lease, state, reason, std::move(note));
  say(cat(lease.id().value, ": ", model::to_text(state), ": ", lease.entry.report->note));
  record(lease, Phase::recording_ended, Stage::ended);
}

void LeaseKeeper::State::on(const ReportsTaken& reports) {
  for (const ActionId& id : reports.actions) {
    auto at = leases.find(id);
    if (at == leases.end()) continue;
    Lease& lease = at->second;
    bool newest = lease.sent_in != 0 && reports.number >= lease.sent_in;
    if (!newest || lease.taken) continue;
    if (lease.news()) lease.taken = true;
    if (lease.phase == Phase::over && lease.record == 0) record(lease, Phase::over, Stage::forgotten);
  }
}

void LeaseKeeper::State::tell() {
  auto untold = [](const Lease& lease) { return lease.news() && !lease.taken; };
  bool due = std::any_of(leases.begin(), leases.end(), [&](const auto& each) {
    return untold(each.second) && (each.second.sent_in == 0 || now.mono >= resend_at);
  });
  if (!due) return;
  SendReports batch;
  batch.number = ++last_batch;
  resend_at = now.mono + resend_after;
  for (auto& [id, lease] : leases) {
    if (!untold(lease) || batch.reports.size() == most_reports) continue;
    if (lease.sent_in == 0) lease.sent_in = batch.number;
    batch.reports.push_back(*lease.news());
  }
  out.push_back(std::move(batch));
}

// ---- the door ----

LeaseKeeper::LeaseKeeper(LeaseOptions options) : state_(std::make_unique<State>(std::move(options))) {}
LeaseKeeper::~LeaseKeeper() = default;
LeaseKeeper::LeaseKeeper(LeaseKeeper&&) noexcept = default;
LeaseKeeper& LeaseKeeper::operator=(LeaseKeeper&&) noexcept = default;

std::vector<LeaseEffect> LeaseKeeper::step(const AgentNow& now, LeaseEvent event) {
  state_->now = now;
  state_->give_up_late_calls();
  std::visit([this](const auto& each) { state_->on(each); }, event);
  state_->pump();
  state_->tell();
  return std::exchange(state_->out, {});
}

std::vector<JournalEntry> LeaseKeeper::in_force() const {
  std::vector<JournalEntry> found;
  for (const auto& [id, lease] : state_->leases) {
    bool written = lease.entry.stage < Stage::ended && !lease.entry.changes.empty() && lease.attempted > 0;
    if (written && lease.phase != Phase::stale && lease.phase != Phase::surveying) found.push_back(lease.entry);
  }
  return found;
}

}  // namespace mien::node
