#include <algorithm>
#include <utility>

#include "base/text.h"
#include "node/detail/lease_state.h"

namespace mien::node {
namespace {

constexpr Duration rewrite_after = 30s;  // an ending that the journal could not take
constexpr Duration first_back_off = 1s;
constexpr Duration longest_back_off = 30s;
constexpr std::size_t most_fields = 64;

// Those that a write of ours may have changed.
std::vector<std::size_t> written_fields(const Lease& lease) {
  std::vector<std::size_t> fields;
  for (std::size_t i = 0; i < lease.attempted; ++i)
    if (lease.entry.changes[i].before != lease.entry.changes[i].after) fields.push_back(i);
  return fields;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += cat(out.empty() ? "" : "; ", part);
  return out;
}

}  // namespace

// ---- answers ----

void LeaseKeeper::State::on(const HandAnswered& answered) {
  auto at = calls.find(answered.call);
  if (at == calls.end()) return;  // given up before: it is not known what it did, and what stands there was read since
  Lease& lease = leases.at(at->second);
  calls.erase(at);
  lease.call = 0;
  advance(lease, answered);
}

void LeaseKeeper::State::advance(Lease& lease, const HandAnswered& answered) {
  auto why = [&] { return answered.status.error().to_string(); };
  switch (lease.phase) {
    case Phase::planning: planned(lease, answered); return;
    case Phase::checking:
      if (!answered.status) {
        take_back(lease, ActionState::failed, EndReason::none, cat("the target can not be looked at: ", why()));
      } else if (answered.value != lease.entry.identity) {
        take_back(lease, ActionState::failed, EndReason::none,
                  cat(lease.entry.order.target.value, " was started anew between the plan and the write"));
      } else {
        lease.attempted = lease.field + 1;
        call(lease, Phase::writing, write_deadline,
             WriteCall{.target = lease.entry.order.target, .key = lease.change().key, .value = lease.change().after});
      }
      return;
    case Phase::writing:
      if (!answered.status) {
        lease.doubtful[lease.field] = true;
        take_back(lease, ActionState::failed, EndReason::none,
                  cat(lease.change().key, " could not be written: ", why()));
        return;
      }
      ++lease.field;
      write_next(lease);
      return;
    case Phase::verifying: verified(lease, answered); return;
    case Phase::reading: found(lease, answered); return;
    case Phase::putting_back:
      if (!answered.status) lease.doubtful[lease.field] = true;
      call(lease, Phase::confirming, read_deadline,
           ReadCall{.target = lease.entry.order.target, .key = lease.change().key});
      return;
    case Phase::confirming: confirmed(lease, answered); return;
    case Phase::surveying:
      if (answered.status) lease.change().found = answered.value;
      ++lease.field;
      survey_next(lease);
      return;
    default: return;  // no call is in flight in any other phase
  }
}

void LeaseKeeper::State::on(const JournalWritten& written) {
  auto at = records.find(written.number);
  if (at == records.end()) return;
  ActionId id = at->second;
  records.erase(at);
  Lease& lease = leases.at(id);
  if (lease.record != written.number) return;
  lease.record = 0;
  recorded(lease, written.ok, written.why);
}

void LeaseKeeper::State::recorded(Lease& lease, bool ok, const std::string& why) {
  if (!ok) say(cat("the journal can not be written: ", why));
  switch (lease.phase) {
    case Phase::recording_begun:
      if (!ok) {
        lease.entry.changes.clear();
        end(lease, ActionState::failed, EndReason::none,
            cat("the journal can not be written, so nothing was changed: ", why, "; make room on the agent's disk"));
        return;
      }
      lease.field = 0;
      write_next(lease);
      return;
    case Phase::recording_applied:
      if (!ok) {
        take_back(lease, ActionState::failed, EndReason::none,
                  cat("the journal can not be written: ", why, "; make room on the agent's disk"));
        return;
      }
      lease.taken = false;
      lease.sent_in = 0;
      say(cat(lease.id().value, ": ", lease.entry.report->note));
      rest(lease, Phase::standing);
      if (lease.end_asked) take_back(lease, ActionState::reverted, *lease.end_asked, {});
      return;
    case Phase::recording_reverting:  // written or not: what is ours is put back all the same
      lease.phase = Phase::due;
      start(lease);
      return;
    case Phase::recording_ended:
      lease.unsaved = !ok;
      lease.retry_at = now.mono + rewrite_after;
      lease.taken = false;
      lease.sent_in = 0;
      rest(lease, Phase::over);
      return;
    case Phase::over:  // `forgotten` that is not on disk is only told once more after the next start
      if (ok) lease.unsaved = false;
      lease.retry_at = now.mono + rewrite_after;
      return;
    default: return;
  }
}

// ---- putting in force ----

void LeaseKeeper::State::planned(Lease& lease, const HandAnswered& answered) {
  const model::Order& order = lease.entry.order;
  if (lease.end_asked) {
    end(lease, ActionState::reverted, *lease.end_asked, "taken back before anything was written");
    return;
  }
  if (!answered.status) {
    end(lease, ActionState::failed, EndReason::none, answered.status.error().to_string());
    return;
  }
  for (const PlannedField& field : answered.plan.fields)
    lease.entry.changes.push_back({.key = field.key, .before = field.before, .after = field.after, .found = {}});
  std::optional<std::string> no;
  if (now.wall > order.valid_until || held) no = objection(order);
  else if (lease.entry.changes.size() > most_fields) no = cat("more than ", most_fields, " fields in one step");
  else no = held_field(lease);
  if (no || lease.entry.changes.empty()) {
    lease.entry.changes.clear();
    end(lease, no ? ActionState::failed : ActionState::done, EndReason::none,
        no ? std::move(*no) : std::string("there was nothing to change"));
    return;
  }
  lease.ours.assign(lease.entry.changes.size(), {});
  lease.doubtful.assign(lease.entry.changes.size(), false);
  lease.attempted = 0;
  lease.entry.identity = answered.plan.identity;
  lease.entry.guarded = answered.plan.outlives_nothing;
  // An older end of the same field that is not on disk yet would be begun again after a kill.
  for (auto& [id, other] : leases)
    if (other.unsaved && other.record == 0) record(other, Phase::over, Stage::ended);
  record(lease, Phase::recording_begun, Stage::begun);
}

void LeaseKeeper::State::write_next(Lease& lease) {
  if (lease.end_asked) {
    take_back(lease, ActionState::reverted, *lease.end_asked, {});
    return;
  }
  while (lease.field < lease.entry.changes.size() && lease.change().before == lease.change().after) ++lease.field;
  if (lease.field < lease.entry.changes.size()) {
    call(lease, Phase::checking, read_deadline, IdentityCall{.target = lease.entry.order.target});
    return;
  }
  lease.field = 0;
  verify_next(lease);
}

void LeaseKeeper::State::verify_next(Lease& lease) {
  const model::Order& order = lease.entry.order;
  if (lease.field < lease.entry.changes.size()) {
    call(lease, Phase::verifying, read_deadline, ReadCall{.target = order.target, .key = lease.change().key});
    return;
  }
  if (order.lease <= Duration{0}) {
    end(lease, ActionState::done, EndReason::none, "it stays: it was asked for without a lease");
    return;
  }
  lease.entry.expires_at = now.mono + order.lease;
  lease.entry.report =
      report_of(lease, ActionState::applied, EndReason::none,
                cat(model::to_text(order.verb), " is in force on ", order.target.value, " for ", to_text(order.lease)));
  lease.entry.report->expires_at = now.wall + order.lease;
  record(lease, Phase::recording_applied, Stage::applied);
}

void LeaseKeeper::State::verified(Lease& lease, const HandAnswered& answered) {
  const model::Change& change = lease.change();
  if (!answered.status) {
    take_back(lease, ActionState::failed, EndReason::none,
              cat(change.key, " could not be read back: ", answered.status.error().to_string()));
  } else if (answered.value != change.after) {
    // Read the moment after it was written: what stands there came from our write.
    if (answered.value != change.before) lease.ours[lease.field] = answered.value;
    take_back(lease, ActionState::failed, EndReason::none,
              cat(change.key, " was written as `", change.after, "` and reads `", answered.value, "`"));
  } else {
    ++lease.field;
    verify_next(lease);
  }
}

// ---- taking back ----

void LeaseKeeper::State::take_back(Lease& lease, ActionState outcome, EndReason reason, std::string why) {
  lease.entry.report = report_of(lease, outcome, reason, std::move(why));
  lease.back_off = Duration{0};
  lease.retry_at = now.mono;
  if (lease.attempted == 0) {
    std::string note = std::move(lease.entry.report->note);
    lease.entry.changes.clear();
    end(lease, outcome, reason, note.empty() ? "nothing had been written" : std::move(note));
    return;
  }
  rest(lease, Phase::due);
}

// In reverse; the first pass over all that was written, the following ones over what did not work.
void LeaseKeeper::State::take_back_pass(Lease& lease) {
  lease.left = lease.again.empty() ? written_fields(lease) : std::exchange(lease.again, {});
  std::sort(lease.left.begin(), lease.left.end());
  take_back_next(lease);
}

void LeaseKeeper::State::take_back_next(Lease& lease) {
  if (!lease.left.empty()) {
    lease.field = lease.left.back();
    lease.left.pop_back();
    lease.suspect.reset();
    call(lease, Phase::reading, read_deadline, ReadCall{.target = lease.entry.order.target, .key = lease.change().key});
    return;
  }
  if (!lease.again.empty()) {
    if (lease.back_off == first_back_off) say_stuck(lease);
    lease.retry_at = now.mono + lease.back_off;
    lease.back_off = std::min<Duration>(std::max<Duration>(2 * lease.back_off, first_back_off), longest_back_off);
    rest(lease, Phase::due);
    return;
  }
  model::ActionReport planned = *lease.entry.report;
  std::vector<std::string> notes;
  if (!planned.note.empty()) notes.push_back(planned.note);
  notes.insert(notes.end(), lease.conflicts.begin(), lease.conflicts.end());
  notes.insert(notes.end(), lease.gone.begin(), lease.gone.end());
  if (lease.conflicts.empty() && lease.gone.empty()) notes.emplace_back("what was there before is back");
  end(lease, lease.conflicts.empty() ? planned.state : ActionState::conflicted, planned.reason, joined(notes));
}

void LeaseKeeper::State::look_again(Lease& lease, std::string why) {
  lease.in_the_way = std::move(why);
  lease.again.push_back(lease.field);
}

// It goes on trying by itself; people may want to know what stands there meanwhile.
void LeaseKeeper::State::say_stuck(Lease& lease) {
  const model::Change& change = lease.entry.changes[lease.again.back()];
  std::string what = cat(change.key, " of ", lease.entry.order.target.value, " can not be put back to `", change.before,
                         "` yet: ", lease.in_the_way);
  say(cat(lease.id().value, ": ", what, "; trying again until it can"));
  lease.stuck = report_of(lease, ActionState::reverting, lease.entry.report->reason,
                          cat(what, "; the agent tries again every ", to_text(longest_back_off),
                              ". Remove what is in the way, or put the value back by hand: `mien doctor --changes` on ",
                              "that machine shows it"));
  lease.taken = false;
  lease.sent_in = 0;
}

void LeaseKeeper::State::found(Lease& lease, const HandAnswered& answered) {
  model::Change& change = lease.change();
  if (!answered.status) {
    if (answered.status.error().code == Code::not_found)
      lease.gone.push_back(cat(change.key, " is gone with what it belonged to"));
    else look_again(lease, answered.status.error().to_string());
    take_back_next(lease);
    return;
  }
  const std::string& value = answered.value;
  if (value == change.before) {
    if (change.found.empty()) change.found = value;
    take_back_next(lease);
    return;
  }
  std::string& ours = lease.ours[lease.field];
  if (lease.doubtful[lease.field] && value != change.after) ours = value;
  lease.doubtful[lease.field] = false;
  if (value == change.after || (!ours.empty() && value == ours)) {
    change.found = value;
    call(lease, Phase::putting_back, write_deadline,
         WriteCall{.target = lease.entry.order.target, .key = change.key, .value = change.before});
    return;
  }
  not_ours(lease, value);
}

// One read may lie, and would leave our value without an owner: it takes two that say the same.
void LeaseKeeper::State::not_ours(Lease& lease, const std::string& value) {
  model::Change& change = lease.change();
  bool first = !lease.suspect;
  bool sure = !first && *lease.suspect == value;
  lease.suspect = value;
  if (first) {
    call(lease, Phase::reading, read_deadline, ReadCall{.target = lease.entry.order.target, .key = change.key});
    return;
  }
  if (sure) {
    change.found = value;
    lease.conflicts.push_back(cat(change.key, " is `", value, "` now, which is not ours (`", change.after,
                                  "`), so it is left alone; it was `", change.before, "` before"));
  } else {
    look_again(lease, cat("it reads `", value, "`, and something else each time"));
  }
  take_back_next(lease);
}

// Decides nothing but that it is back: anything else is looked at again, by the same rules.
void LeaseKeeper::State::confirmed(Lease& lease, const HandAnswered& answered) {
  bool back = answered.status && answered.value == lease.change().before;
  if (back) lease.doubtful[lease.field] = false;
  else
    look_again(lease, answered.status ? cat("it was written and reads `", answered.value, "`")
                                      : answered.status.error().to_string());
  take_back_next(lease);
}

// ---- after a reboot ----

void LeaseKeeper::State::survey_next(Lease& lease) {
  if (lease.field < lease.entry.changes.size()) {
    call(lease, Phase::surveying, read_deadline,
         ReadCall{.target = lease.entry.order.target, .key = lease.change().key});
    return;
  }
  std::vector<std::string> notes{"the machine was started anew, and what was in force ended with it"};
  bool stands = false;
  for (const model::Change& change : lease.entry.changes) {
    if (change.found != change.after || change.after == change.before) continue;
    stands = true;
    notes.push_back(cat(change.key, " still reads `", change.after, "`: somebody keeps it, so it is left alone"));
  }
  end(lease, stands ? ActionState::conflicted : ActionState::reverted, EndReason::agent_ended, joined(notes));
}

}  // namespace mien::node
