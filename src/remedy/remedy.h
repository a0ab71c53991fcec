// A decision into at most one safe, reversible, verified action at a time. Everything that was ordered, until it is
// finished; what may be spent; who must be asked; what helped before. Pure: time comes in, effects go out.
//
//   remedy.decide(moment, wish, decision, out)      guards asked in order; the decision says each answer
//   remedy.on_report(moment, agent, report, out)    what a machine says became of an order
//   remedy.on_tick(moment, observer, out)           approvals lapse, effects are proven, what did not help is undone
//   remedy.orders_for(host)                         the state as it should be on that machine
//
// The state (encode/restore) is written in the transaction of the group that changed it: no budget is forgotten,
// nothing is ordered twice (INVARIANT one_action_per_target, within_budget; docs/invariants.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/action.h"
#include "model/audit.h"
#include "model/decision.h"
#include "model/policy.h"
#include "remedy/budget.h"
#include "remedy/rank.h"

namespace mien::remedy {

// `steady` runs only while a manager runs and never jumps with a wall clock: budgets, cool-downs, settle times and
// dwell are counted in it, so that neither a clock set ahead nor a crash makes anything possible sooner.
struct Moment {
  WallTime now;
  Duration steady{};
  std::uint64_t position = 0;  // of the log record that is folded: names ids and causes
};

// What is known of the one that would be changed. Gathered by node for a policy's step.
struct Target {
  InstanceName name;
  InstanceName host;
  PersonaName persona;
  PoolName pool;
  std::uint32_t pool_members = 0;
  bool authenticated = false;   // what arrives unauthenticated is capped at observe
  bool telemetry_lost = false;  // hold: never shrink, never lift
};
using Resolve = std::function<Result<Target>(const model::PolicyStep& step)>;

// What shall be decided about one finding.
struct Wish {
  const model::Finding* finding = nullptr;
  std::vector<const model::Policy*> matched;  // in the order to try
  const model::Policy* protector = nullptr;
  double distance = 0;  // of the instance from its persona now, in the unit of Observer::trace
  Resolve resolve;
};

// How far an instance was from its persona over a while, in doublings of the expected bands: of ten-second means.
struct Trace {
  double mean = 0;
  double variance = 0;  // of the means
  std::uint32_t count = 0;
  friend bool operator==(const Trace&, const Trace&) = default;
  static constexpr auto fields =
      std::tuple{field("mean", &Trace::mean), field("variance", &Trace::variance), field("count", &Trace::count)};
};
class Observer {
 public:
  virtual ~Observer() = default;
  [[nodiscard]] virtual std::optional<Trace> trace(const InstanceName& name, WallTime from, WallTime to) const = 0;
  // Untreated instances of the same persona and type, by name, at most 32.
  [[nodiscard]] virtual std::vector<InstanceName> peers(const model::Action& action) const = 0;
  [[nodiscard]] virtual bool telemetry_lost(const InstanceName& name) const = 0;
};

struct Effects {
  std::vector<model::AuditEvent> audit;
  std::vector<model::Action> changed;         // to be written and published, in order
  std::vector<FindingId> reconsider;          // their next rung is due
  std::vector<InstanceName> hold_learning;    // these were acted on: what they show now does not teach...
  std::vector<InstanceName> resume_learning;  // ...and these may teach again
};

// What a person says to a proposal.
struct Saying {
  std::string actor;
  std::string comment;  // for the audit; may be empty
};

// What `release` did.
struct Released {
  std::size_t taken_back = 0;  // leases that are being ended
  std::size_t withdrawn = 0;   // proposals, which never began
};

// Whom a hold is about. Everything empty: all of it.
struct HoldScope {
  InstanceName instance;
  PoolName pool;
  bool learning = false;  // hold learning instead of acting
  friend auto operator<=>(const HoldScope&, const HoldScope&) = default;
  static constexpr auto fields = std::tuple{field("instance", &HoldScope::instance), field("pool", &HoldScope::pool),
                                            field("learning", &HoldScope::learning)};
};
[[nodiscard]] std::string to_text(const HoldScope& scope);  // "everything", "instance web-01", "learning of pool web"
struct Hold {
  WallTime until;  // 0: until resumed
  std::string actor;
  friend bool operator==(const Hold&, const Hold&) = default;
  static constexpr auto fields = std::tuple{field("until", &Hold::until), field("actor", &Hold::actor)};
};

struct State;  // detail/state.h

struct Limits {
  std::size_t unfinished = 10'000;  // actions
  std::size_t remembered = 20'000;  // targets, findings and ranks that are remembered; the oldest go first
};

class Remedy {
 public:
  explicit Remedy(Limits limits = {});
  ~Remedy();
  Remedy(const Remedy& other);
  Remedy& operator=(const Remedy& other);
  Remedy(Remedy&&) noexcept;
  Remedy& operator=(Remedy&&) noexcept;

  // Asks every guard for the first rung that may be tried, fills
  // decision.{guards,outcome,policy,step,verb,target,action, summary}. False: the same was decided about this finding
  // before (same outcome, policy, step, refusing guard): the decision need not be written again.
  bool decide(const Moment& at, const Wish& wish, model::Decision& decision, Effects& out);

  void on_report(const Moment& at, const std::string& agent, const model::ActionReport& report, Effects& out);
  void on_abilities(const Moment& at, const model::Abilities& abilities, Effects& out);
  void on_tick(const Moment& at, const Observer& observer, Effects& out);
  // Whether on_tick has something to do that nobody must be watched for: a hold ends, a finding is to be decided about
  // again, an instance may teach again. Cost: what is remembered; asked once a second.
  [[nodiscard]] bool is_due(const Moment& at) const;
  // A finding is over, or an instance is gone: its ladder is forgotten. Leases run on.
  void on_finding_closed(const FindingId& finding);
  // Policies were written anew: budgets of those that are gone are forgotten, and ranks of steps that are no more; a
  // step that stands elsewhere in its ladder now keeps its own.
  void on_policies(const std::vector<const model::Policy*>& policies);

  // ---- what people say; each checked first (also alone, for a dry run) ----
  [[nodiscard]] Status check_approve(const Moment& at, const ActionId& id) const;
  [[nodiscard]] Status check_reject(const ActionId& id) const;
  [[nodiscard]] Status check_revert(const ActionId& id) const;
  void approve(const Moment& at, const ActionId& id, const Saying& saying, Effects& out);
  void reject(const Moment& at, const ActionId& id, const Saying& saying, Effects& out);
  void revert(const Moment& at, const ActionId& id, const std::string& actor, Effects& out);
  void hold(const Moment& at, const HoldScope& scope, WallTime until, const std::string& actor, Effects& out);
  [[nodiscard]] Status check_resume(const HoldScope& scope) const;
  void resume(const Moment& at, const HoldScope& scope, const std::string& actor, Effects& out);
  // Ends every lease of an instance and of what runs on it; of everything when empty.
  Released release(const Moment& at, const InstanceName& instance, const std::string& actor, Effects& out);

  // ---- what is ----
  [[nodiscard]] const std::map<ActionId, model::Action>& unfinished() const;
  // The unfinished ones about a finding.
  [[nodiscard]] const std::set<ActionId>& about(const FindingId& finding) const;
  [[nodiscard]] const std::map<HoldScope, Hold>& holds() const;
  [[nodiscard]] const std::map<std::string, model::Abilities>& agents() const;
  [[nodiscard]] const std::map<RankKey, Rank>& ranks() const;
  [[nodiscard]] BudgetView budget(const PolicyName& policy, Duration steady) const;
  // Orders of a host, by id: ordered, applied and reverting ones.
  [[nodiscard]] std::vector<model::Order> orders_for(const InstanceName& host) const;
  [[nodiscard]] bool learning_held(const InstanceName& instance, const PoolName& pool, WallTime now) const;

  // ---- the stored form (docs/formats/remedy.md); unfinished actions are entries of their own ----
  [[nodiscard]] std::string encode() const;
  Status restore(std::string_view bytes);
  Status restore_action(std::string_view bytes);  // an entry of the action table; a finished one is ignored
  [[nodiscard]] bool take_changed();              // whether the state changed since the last call

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mien::remedy
