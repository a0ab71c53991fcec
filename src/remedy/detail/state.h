// What a Remedy remembers, as values. Everything but the unfinished actions is one stored piece (`fields`, and
// docs/formats/remedy.md); those are entries of their own, because they change one at a time.
//
// Times are `steady` unless they are WallTime. Maps are bounded by Limits; what was touched longest ago goes first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "remedy/remedy.h"

namespace mien::remedy {

// What became of a step of a policy that was tried for a finding. Such a step is not tried for it again.
enum class Tried : std::uint8_t { done, failed, no_effect, worse };

// One policy's ladder for one finding.
struct Ladder {
  std::uint64_t generation = 0;  // of the policy: its steps are others when it was written anew
  std::map<std::uint32_t, Tried> tried;
  Duration next_at{};   // the step that was done may take until then to show
  std::string stopped;  // what a person said against it; nothing more is done then
  bool escalated = false;
  static constexpr auto fields = std::tuple{field("generation", &Ladder::generation), field("tried", &Ladder::tried),
                                            field("next_at", &Ladder::next_at), field("stopped", &Ladder::stopped),
                                            field("escalated", &Ladder::escalated)};
};

// The newest decision about a finding: an equal one is not written again.
struct LastDecision {
  model::Outcome outcome = model::Outcome::no_rule;
  PolicyName policy;
  std::uint32_t step = 0;
  std::string guard;  // that refused
  friend bool operator==(const LastDecision&, const LastDecision&) = default;
  static constexpr auto fields =
      std::tuple{field("outcome", &LastDecision::outcome), field("policy", &LastDecision::policy),
                 field("step", &LastDecision::step), field("guard", &LastDecision::guard)};
};

struct FindingMemory {
  std::map<PolicyName, Ladder> ladders;
  std::optional<LastDecision> last;
  std::optional<Duration> due;  // when it shall be decided about again
  Duration touched{};
  static constexpr auto fields =
      std::tuple{field("ladders", &FindingMemory::ladders), field("last", &FindingMemory::last),
                 field("due", &FindingMemory::due), field("touched", &FindingMemory::touched)};
};

struct TargetMemory {
  std::optional<Duration> ended;  // of the newest action
  std::vector<Duration> ordered;  // of the last day, ascending
  Duration touched{};
  static constexpr auto fields =
      std::tuple{field("ended", &TargetMemory::ended), field("ordered", &TargetMemory::ordered),
                 field("touched", &TargetMemory::touched)};
};

struct RankMemory {
  Rank rank;
  Duration touched{};
  static constexpr auto fields = std::tuple{field("rank", &RankMemory::rank), field("touched", &RankMemory::touched)};
};

struct PeerBefore {
  InstanceName name;
  Trace before;
  static constexpr auto fields = std::tuple{field("name", &PeerBefore::name), field("before", &PeerBefore::before)};
};

// What is known of an unfinished action beside what people see of it.
struct Running {
  Duration since{};          // proposed, then ordered
  Duration approve_until{};  // of proposed
  Duration applied{};        // of applied
  Duration cooldown{};       // as the policy said when it was decided
  std::uint32_t unavailable_most = 0;
  WallTime opened_at;     // of the finding
  double distance = 0;    // of the instance when it was decided
  bool asked = false;     // the machine never said what became of it: it is asked to take it back
  bool compared = false;  // `before` and `peers` are fixed
  std::optional<Trace> before;
  std::vector<PeerBefore> peers;
  static constexpr auto fields = std::tuple{field("since", &Running::since),
                                            field("approve_until", &Running::approve_until),
                                            field("applied", &Running::applied),
                                            field("cooldown", &Running::cooldown),
                                            field("unavailable_most", &Running::unavailable_most),
                                            field("opened_at", &Running::opened_at),
                                            field("distance", &Running::distance),
                                            field("asked", &Running::asked),
                                            field("compared", &Running::compared),
                                            field("before", &Running::before),
                                            field("peers", &Running::peers)};
};

struct State {
  Limits limits;
  std::map<ActionId, model::Action> unfinished;  // changed by add and take, which keep the ways to them
  std::map<InstanceName, std::set<ActionId>> by_host;
  std::map<InstanceName, std::set<ActionId>> by_target;
  std::map<FindingId, std::set<ActionId>> by_finding;
  std::map<ActionId, Running> running;  // of the unfinished
  std::map<HoldScope, Hold> holds;
  std::map<std::string, model::Abilities> agents;
  std::map<FindingId, FindingMemory> findings;
  std::map<InstanceName, TargetMemory> targets;
  std::map<RankKey, Rank> ranks;
  std::map<RankKey, Duration> ranks_touched;
  std::map<PolicyName, std::vector<std::string>> steps;  // what each step of a ladder does: ranks belong to that
  std::map<InstanceName, Duration> quiet;                // these do not teach; from then on they may again
  std::vector<ActionId> finished;   // the newest, oldest first: their reports may still be repeated
  std::vector<PolicyName> orphans;  // policies that are gone; their budgets end when nothing of them counts
  Coordinator coordinator;
  Wallet wallet;
  std::uint64_t id_position = 0;  // of the newest action's id
  std::uint64_t id_number = 0;
  bool changed = false;

  // ---- looks ----
  [[nodiscard]] const Ladder* ladder(const FindingId& finding, const model::Policy& policy) const;
  [[nodiscard]] std::uint32_t demoted(const RankKey& key) const;
  // Where the action's step stands in the ladder as it is written now; nothing where it is no more.
  [[nodiscard]] std::optional<std::uint32_t> step_now(const model::Action& action) const;

  // Places of unfinished actions; empty where there are none.
  [[nodiscard]] const std::set<ActionId>& on_host(const InstanceName& host) const;
  [[nodiscard]] const std::set<ActionId>& on_target(const InstanceName& target) const;
  [[nodiscard]] const std::set<ActionId>& about(const FindingId& finding) const;

  // ---- changes; each marks the state as changed ----
  model::Action& add(model::Action action);
  model::Action take(const ActionId& id);
  FindingMemory& remember(const FindingId& finding, Duration steady);
  Ladder& ladder(const FindingId& finding, const PolicyName& policy, std::uint64_t generation, Duration steady);
  TargetMemory& remember(const InstanceName& target, Duration steady);
  void count_rank(const RankKey& key, model::EffectVerdict verdict, Duration steady);
  // The ladders as they are written now: ranks go with what a step does, and end with it.
  void set_ladders(const std::vector<const model::Policy*>& policies);
  bool set_budget(const model::Policy& policy);  // whether it is another than before
  void spend(const PolicyName& policy, Duration steady);
  ActionId next_id(std::uint64_t position);
  void due(const FindingId& finding, Duration at, Duration steady);  // the sooner of several
};

constexpr std::size_t most_finished_ids = 1'024;
constexpr Duration repeats_within = std::chrono::hours{24};

// ---- an action's way (way.cc); each says what it did to the audit and to who reads actions ----
void order(State& state, const Moment& at, model::Action& action, const std::string& cause, Effects& out);
// An alert changes nothing: it is done when it is said, and the next step is due when the settle time is over.
void finish_alert(State& state, const Moment& at, ActionId id, const std::string& actor, const std::string& cause,
                  Effects& out);
// A step was done that no proof of effect follows: the next one waits until it may have shown.
void wait_to_settle(State& state, const Moment& at, const model::Action& action);
void begin_revert(State& state, const Moment& at, model::Action& action, model::EndReason reason,
                  const std::string& actor, Effects& out);
// Whether it failed because its agent ended, within the time that its lease would have lasted: nothing is known against
// it, so that it neither counts as tried nor makes its target rest.
[[nodiscard]] bool is_worth_again(const State& state, const Moment& at, const model::Action& action,
                                  model::ActionState last);
// Takes it out of the unfinished ones. What it says of the end is already in the action.
void finish(State& state, const Moment& at, ActionId id, model::ActionState last, Effects& out);

[[nodiscard]] model::AuditEvent audit_of(const Moment& at, const model::Action& action, const std::string& actor,
                                         const char* verb, const std::string& cause, const std::string& detail);
[[nodiscard]] std::string log_cause(const Moment& at);
// Whether nobody has taken it over from Mien: it is worth deciding about its finding again when it has ended.
[[nodiscard]] bool ended_by_person(model::EndReason reason);

}  // namespace mien::remedy
