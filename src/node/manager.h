// The manager machine: the fold of its shard's log. It touches no clock, thread, socket, file or random source;
// `step(now, position, record) -> Effects` is all there is to it, and the same records give the same effects.
//
// Not thread-safe: one driver owns it (node/manager_driver.h). Limits are in ManagerLimits; what they refuse is
// counted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "learn/pool_prior.h"
#include "model/resource.h"
#include "node/acting.h"
#include "node/effects.h"
#include "node/instance.h"
#include "node/record.h"

namespace mien::node {

struct ManagerLimits {
  std::size_t instances = most_instances;
  std::size_t resources = 10'000;
  std::size_t step_samples = 200'000;              // more in one frame is counted as a step over its cost
  Duration forget_after = std::chrono::hours{24};  // services and containers that ended
};

struct ManagerOptions {
  std::vector<model::Resource> builtin;  // personas that are there without being written: linux-server and kin
  ManagerLimits limits;
};

class Manager {
 public:
  explicit Manager(ManagerOptions options);
  Manager(Manager&&) = default;
  Manager& operator=(Manager&&) = default;

  Effects step(WallTime now, store::LogPosition position, const Record& record);
  // Whether a tick at `now` would change anything: if not, the log can do without it. Nearly always a few comparisons.
  [[nodiscard]] bool time_matters(WallTime now);
  // What a command would be answered, without doing it.
  [[nodiscard]] Answer rehearse(WallTime now, const CommandBody& body) const;

  // ---- recovery: the ledger's entries first, then refold what instances had not folded yet ----
  Status restore(store::Table table, const store::Entry& entry);
  // Folds a record that the ledger already holds into those instances whose snapshots are older. History is the only
  // effect that may have been lost, and writing it again changes nothing.
  struct Remembered {
    std::vector<store::HistoryBlock> blocks;
    std::vector<store::FactBlock> facts;
  };
  Remembered refold(WallTime now, store::LogPosition position, const Record& record);
  // The oldest position up to which some restored snapshot is folded, at most `folded`.
  [[nodiscard]] store::LogPosition oldest_snapshot(store::LogPosition folded) const;
  // The oldest position that some dirty instance still needs from the log to be made again.
  [[nodiscard]] store::LogPosition needed_from(store::LogPosition folded) const;
  // After a log was found cut or replaced: everything counts as folded up to here and will be written anew.
  void rebase(store::LogPosition position);

  // While on, what every instance shows is known to be healthy: nothing opens, everything teaches. For replays that
  // train first; not part of the state.
  void trust(bool known_healthy);

  // ---- what the driver takes out after a group ----
  // Entries for this transaction: the core if it changed, every instance that must be written now, and up to `spare`
  // whose snapshots are the oldest of those that are dirty. Cost: what it returns.
  std::vector<store::Write> take_snapshots(store::LogPosition position, WallTime now, std::size_t spare);
  // Every dirty instance (a clean stop).
  std::vector<store::Write> take_all_snapshots(store::LogPosition position, WallTime now);
  // Brings `view` up to date: only what changed since the last call is made anew. Returns who was forgotten since.
  std::vector<InstanceName> refresh(View& view);

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const Acting& acting() const { return acting_; }
  [[nodiscard]] const Instance* find(const InstanceName& name) const;
  [[nodiscard]] std::size_t instance_count() const { return slots_.size(); }

 private:
  struct Slot {
    WallTime look_at;  // before this no tick changes it
    Instance instance;
    store::LogPosition written = 0;                              // position of its newest snapshot
    WallTime due;                                                // the next one is not written before, unless it must
    bool dirty = false;                                          // changed since its snapshot: in dirty_
    bool urgent = false;                                         // must be written in this group: in urgent_
    bool shown = true;                                           // its view is as it is; else in unseen_
    std::tuple<InstanceName, PoolName, PersonaName> place = {};  // parent, pool, persona: as the fleet's index has it
  };
  using Slots = std::map<InstanceName, Slot>;
  using Known = Slots::value_type;  // stays where it is until it is forgotten
  struct Moment {
    WallTime now;
    store::LogPosition position = 0;
  };
  struct Prior {  // the newest of a pool and persona
    model::PersonaRevision revision;
    model::InstanceType type = model::InstanceType::external;  // of the members it was made from
    static constexpr auto fields = std::tuple{field("revision", &Prior::revision), field("type", &Prior::type)};
  };

  // ---- what a pool learned (manager_pools.cc) ----
  // An instance that knows nothing of its persona begins with what others learned of it: with its pool's stored prior,
  // without a pool with what whoever has the same persona learned, unless that is the one that everybody has. `series`
  // are its own, or will be: those it declares first. INVARIANT: followed by touched().
  void inherit(const Moment& at, Instance& instance, const std::vector<model::Series>& series, Effects& out);
  // A member has a new revision: its pool's prior is written anew, if it says something new.
  void revise_prior(const Moment& at, const Instance& member, Effects& out);
  [[nodiscard]] learn::PoolPrior peers_of(const Instance& instance, bool with_itself) const;
  Status restore_prior(const store::Entry& entry);

  void on(const Moment& at, const FrameArrived& arrived, Effects& out);
  void on(const Moment& at, const CommandGiven& given, Effects& out);
  void on(const Moment& at, const TickPassed& tick, Effects& out);
  void on(const Moment& at, const EpochStarted& epoch, Effects& out);
  void on(const Moment& at, const AgentReported& reported, Effects& out);

  // ---- acting (manager_acting.cc) ----
  class Seen;
  // What the findings of this step, and what they led to, ask for: decisions, orders, marks at instances.
  void act(const Moment& at, Effects& out);
  void take_policies();  // where they changed since
  void let_acting_time_pass(const Moment& at, Effects& out);
  void consider(const Moment& at, const model::Finding& finding, Effects& out);
  void take_marks(const Moment& at, Effects& out);
  void spread_learning_holds();
  [[nodiscard]] Duration steady_at(WallTime now) const;
  [[nodiscard]] const model::Finding* open_finding(const FindingId& id) const;
  [[nodiscard]] const Fleet::Index& fleet_index() const;
  [[nodiscard]] remedy::Moment acting_moment(const Moment& at) const {
    return {.now = at.now, .steady = steady_, .position = at.position};
  }

  // Carries out a command that its check() allowed.
  Answer carry_out(const Moment& at, const std::string& actor, const PutResource& put, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const DeleteResource& erase, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const RollbackPersona& rollback, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const RollbackInstance& rollback, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const Activate& activate, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const Deactivate& deactivate, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const AcknowledgeFinding& acknowledge, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const PutAccess& put, Effects& out);
  Answer carry_out(const Moment& at, const std::string& actor, const RedeemEnrollment& redeem, Effects& out);
  template <class Body>
  requires Acting::is_command<Body> Answer carry_out(const Moment& at, const std::string& actor, const Body& body,
                                                     Effects& out) {
    return acting_.carry_out(acting_moment(at), actor, body, out, marks_);
  }

  // Why a command can not be done, or ok.
  [[nodiscard]] Status check(WallTime now, const PutResource& put) const;
  [[nodiscard]] Status check(WallTime now, const DeleteResource& erase) const;
  [[nodiscard]] Status check(WallTime now, const RollbackPersona& rollback) const;
  [[nodiscard]] Status check(WallTime now, const RollbackInstance& rollback) const;
  [[nodiscard]] Status check(WallTime now, const Activate& activate) const;
  [[nodiscard]] Status check(WallTime now, const Deactivate& deactivate) const;
  [[nodiscard]] Status check(WallTime now, const AcknowledgeFinding& acknowledge) const;
  [[nodiscard]] Status check(WallTime now, const PutAccess& put) const;
  [[nodiscard]] Status check(WallTime now, const RedeemEnrollment& redeem) const;
  template <class Body>
  requires Acting::is_command<Body>
  [[nodiscard]] Status check(WallTime now, const Body& body) const {
    return acting_.check(acting_moment({.now = now, .position = 0}), body);
  }

  Known* admit(const Moment& at, const model::Frame& frame, const model::InstanceFrame& part, Effects& out);
  void on_tick(const Instance::Step& step, Known& known, Effects& out);
  void expire_access(const Moment& at, Effects& out);
  void write_resource(const Moment& at, const std::string& actor, model::Resource resource, std::string_view verb,
                      Effects& out);
  void reassign(const Moment& at, Effects& out);
  void forget(const Moment& at, const InstanceName& name, std::string_view why, Effects& out);
  // After every change of an instance: by a batch, or by anything else (INVARIANT fold_per_instance: then its snapshot
  // is written with this group).
  void changed(Known& known);
  void touched(Known& known);
  void must_write(Known& known);
  void look_again(Known& known);
  [[nodiscard]] WallTime forgotten_at(const Instance& instance) const;
  void grant(const std::string& key, Access access);
  void revoke(const std::string& key);
  store::Write snapshot(Known& known, const Moment& at);
  [[nodiscard]] const model::Resource* resource(model::ResourceKind kind, std::string_view name) const;
  [[nodiscard]] Result<model::Expectation> expectation_of(const PersonaName& persona) const;
  [[nodiscard]] Assignment assignment_of(const InstanceState& state) const;
  [[nodiscard]] std::pair<PersonaName, std::string> persona_of(const InstanceState& state, const model::Resource* own,
                                                               const PoolName& pool) const;

  ManagerOptions options_;
  Counters counters_;
  WallTime epoch_started_at_;
  std::uint64_t epoch_ = 0;
  std::map<std::string, model::Resource> builtin_;    // "persona/linux-server"
  std::map<std::string, model::Resource> resources_;  // "persona/web-frontend", without the built-in ones
  std::map<std::string, Access> access_;
  Slots slots_;
  std::map<std::pair<PoolName, PersonaName>, Prior> priors_;
  mutable std::map<PersonaName, model::Expectation> compiled_;  // forgotten at every change of a persona
  WallTime next_look_;                                          // no slot's look_at and no access's end is before this
  WallTime next_expiry_ = Instance::never;                      // no access ends before this
  std::set<std::pair<WallTime, InstanceName>> dirty_;           // by when their snapshots are due
  std::vector<Known*> urgent_;
  std::vector<Known*> unseen_;
  std::vector<InstanceName> removed_;
  std::vector<std::string> changed_resources_;  // keys, for the view
  std::vector<std::string> changed_access_;
  std::string core_;  // as last written
  bool trusting_ = false;

  Acting acting_;
  Marks marks_;  // of the step that runs
  bool policies_changed_ = true;
  mutable std::optional<Fleet::Index> index_;  // made when it is asked for; forgotten when who is where changes
  std::map<remedy::HoldScope, remedy::Hold> known_holds_;  // as they were last spread to the instances
  WallTime last_at_;                                       // of the record before
  Duration steady_{};                                      // see remedy::Moment
  WallTime acting_tick_at_;                                // of the last tick that acting saw
  WallTime reconsidered_at_;                               // when every open finding was last held against the policies
};

}  // namespace mien::node
