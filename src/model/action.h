// A change of a machine as a lease: what was there before, what was put there, until when, and whether it helped.
//
//   proposed -> ordered -> applied -> reverting -> reverted        the way it should go
//       |           |          |           +-> conflicted          somebody else changed a field: left alone
//       |           |          +-> reverting ...                   lease over, by hand, no effect, released
//       |           +-> failed                                     nothing is changed (what was half done is put back)
//       +-> rejected, lapsed                                       a person said no, or nothing in time
//
// A verb that changes nothing (alert) or can not be taken back goes from ordered to `done`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/policy.h"

namespace mien::model {

enum class ActionState : std::uint8_t {
  proposed,
  ordered,
  applied,
  reverting,
  reverted,
  conflicted,
  failed,
  rejected,
  lapsed,
  done,
};
[[nodiscard]] std::string_view to_text(ActionState state);
// Nothing of it is left on a machine, and nothing will be done about it any more.
[[nodiscard]] bool is_finished(ActionState state);

// Begins the note of an action that is being taken back and can not be yet; then why, and what to do.
constexpr std::string_view stuck_note = "stuck: ";

// Why an action is or was taken back.
enum class EndReason : std::uint8_t {
  none,
  lease_over,
  by_hand,      // mien revert
  released,     // mien release
  no_effect,    // proof of effect found no improvement
  worse,        // proof of effect found that it made things worse
  agent_ended,  // the machine ended it by itself: lease, guard, reboot
};
[[nodiscard]] std::string_view to_text(EndReason reason);

// One field of a machine that was written. Values are the kernel's own text ("50000 100000", "max").
struct Change {
  std::string key;     // "cpu.max", "memory.high", "sysctl:net.core.somaxconn", "cgroup.freeze"
  std::string before;  // journaled before `after` was written
  std::string after;
  std::string found;  // when it was taken back: what stood there; empty until then
  friend bool operator==(const Change&, const Change&) = default;
  static constexpr auto fields = std::tuple{field("key", &Change::key), field("before", &Change::before),
                                            field("after", &Change::after), field("found", &Change::found)};
};

enum class EffectVerdict : std::uint8_t { pending, helped, no_effect, worse, unknown };
[[nodiscard]] std::string_view to_text(EffectVerdict verdict);

// Drift before and after, with what untreated peers did meanwhile: the difference in differences and its 95 % interval
// (Card and Krueger 1994; Wald interval over means of ten seconds). In doublings of the expected bands, summed over the
// most surprised metrics: 0 is within all of them; a negative difference is better.
struct Effect {
  EffectVerdict verdict = EffectVerdict::pending;
  double before = 0;
  double after = 0;
  double peers_before = 0;
  double peers_after = 0;
  std::uint32_t peers = 0;
  double difference = 0;
  double low = 0;
  double high = 0;
  WallTime judged_at;
  friend bool operator==(const Effect&, const Effect&) = default;
  static constexpr auto fields = std::tuple{field("verdict", &Effect::verdict),
                                            field("before", &Effect::before),
                                            field("after", &Effect::after),
                                            field("peers_before", &Effect::peers_before),
                                            field("peers_after", &Effect::peers_after),
                                            field("peers", &Effect::peers),
                                            field("difference", &Effect::difference),
                                            field("low", &Effect::low),
                                            field("high", &Effect::high),
                                            field("judged_at", &Effect::judged_at)};
};

struct Action {
  ActionId id;
  DecisionId decision;
  FindingId finding;
  PolicyName policy;
  std::uint64_t policy_generation = 0;
  std::uint32_t step = 0;  // of the ladder, from 0
  InstanceName instance;   // that the finding is about
  InstanceName target;     // that is changed
  InstanceName host;       // whose agent does it
  PersonaName persona;
  PoolName pool;
  Verb verb = Verb::alert;
  Arguments with;
  std::string summary;  // one sentence for people: "limit cpu of nginx.service@web-01 to 50% for 30m"
  ActionState state = ActionState::proposed;
  EndReason end_reason = EndReason::none;
  std::string note;         // the newest thing to say about it: why it failed, what was in conflict
  std::string approved_by;  // a person, where one was asked
  Duration lease{};         // 0: cannot be taken back
  Duration settle{};
  Duration dwell{};
  WallTime created_at;
  std::optional<WallTime> approve_by;  // of proposed
  std::optional<WallTime> ordered_at;
  std::optional<WallTime> applied_at;
  std::optional<WallTime> expires_at;  // the lease's end
  std::optional<WallTime> ended_at;
  std::uint64_t version = 0;  // grows with every change that its agent must hear of
  std::vector<Change> changes;
  Effect effect;

  friend bool operator==(const Action&, const Action&) = default;
  static constexpr auto fields = std::tuple{field("id", &Action::id),
                                            field("decision", &Action::decision),
                                            field("finding", &Action::finding),
                                            field("policy", &Action::policy),
                                            field("policy_generation", &Action::policy_generation),
                                            field("step", &Action::step),
                                            field("instance", &Action::instance),
                                            field("target", &Action::target),
                                            field("host", &Action::host),
                                            field("persona", &Action::persona),
                                            field("pool", &Action::pool),
                                            field("verb", &Action::verb),
                                            field("with", &Action::with),
                                            field("summary", &Action::summary),
                                            field("state", &Action::state),
                                            field("end_reason", &Action::end_reason),
                                            field("note", &Action::note),
                                            field("approved_by", &Action::approved_by),
                                            field("lease", &Action::lease),
                                            field("settle", &Action::settle),
                                            field("dwell", &Action::dwell),
                                            field("created_at", &Action::created_at),
                                            field("approve_by", &Action::approve_by),
                                            field("ordered_at", &Action::ordered_at),
                                            field("applied_at", &Action::applied_at),
                                            field("expires_at", &Action::expires_at),
                                            field("ended_at", &Action::ended_at),
                                            field("version", &Action::version),
                                            field("changes", &Action::changes),
                                            field("effect", &Action::effect)};
};

[[nodiscard]] inline bool is_stuck(const Action& action) {
  return action.state == ActionState::reverting && action.note.starts_with(stuck_note);
}

// ---- between manager and agent ----

// What an agent shall have in force. It is the state as it should be, never a step towards it: hearing it twice, or
// hearing only the last of several, comes to the same.
struct Order {
  ActionId action;
  std::uint64_t version = 0;
  InstanceName target;
  Verb verb = Verb::limit;
  Arguments with;
  Duration lease{};                    // from the moment it is applied, by the agent's own clock
  WallTime valid_until;                // an order that is first heard later than this is not begun any more
  bool revert = false;                 // take it back now
  EndReason reason = EndReason::none;  // of revert
  friend bool operator==(const Order&, const Order&) = default;
  static constexpr auto fields = std::tuple{field("action", &Order::action),
                                            field("version", &Order::version),
                                            field("target", &Order::target),
                                            field("verb", &Order::verb),
                                            field("with", &Order::with),
                                            field("lease", &Order::lease),
                                            field("valid_until", &Order::valid_until),
                                            field("revert", &Order::revert),
                                            field("reason", &Order::reason)};
};

// What became of it on the machine. Sent until the manager has it; hearing it twice changes nothing.
struct ActionReport {
  ActionId action;
  ActionState state = ActionState::applied;  // applied, reverted, conflicted, failed, done; reverting: it is stuck
  EndReason reason = EndReason::none;
  std::string note;
  WallTime at;  // by the agent's clock
  std::optional<WallTime> expires_at;
  std::vector<Change> changes;
  friend bool operator==(const ActionReport&, const ActionReport&) = default;
  static constexpr auto fields =
      std::tuple{field("action", &ActionReport::action),  field("state", &ActionReport::state),
                 field("reason", &ActionReport::reason),  field("note", &ActionReport::note),
                 field("at", &ActionReport::at),          field("expires_at", &ActionReport::expires_at),
                 field("changes", &ActionReport::changes)};
};

// What an agent says may and can be done to its machine.
struct Abilities {
  std::string agent;
  std::string boot_id;
  std::vector<std::string> can;          // verbs that its drivers can do there: "limit", "prioritize"
  std::vector<std::string> allow;        // verbs that the machine's own agent.yaml allows; empty: nothing
  std::vector<std::string> never_touch;  // patterns of unit names
  bool held = false;                     // its hold file is there
  friend bool operator==(const Abilities&, const Abilities&) = default;
  static constexpr auto fields = std::tuple{field("agent", &Abilities::agent),
                                            field("boot_id", &Abilities::boot_id),
                                            field("can", &Abilities::can),
                                            field("allow", &Abilities::allow),
                                            field("never_touch", &Abilities::never_touch),
                                            field("held", &Abilities::held)};
};

}  // namespace mien::model
