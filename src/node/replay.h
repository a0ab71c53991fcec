// What would have been found, decided and done: recorded records folded once more by the same machine.
//
// Two ways to ask:
//   as it was      every record as it stands: commands, reports, ticks. The same findings, decisions and actions come
//   out. rehearsed      recorded reports are left out. Orders are taken to succeed and to change nothing: applied at
//   once,
//                  taken back when the lease ends or the policy says so, on machines that allow what the host driver
//                  can. Policies can be others than the recorded ones, or of another mode. Time passes between records
//                  as often as it matters, because what was recorded knew of no reason to let it.
// What a rehearsed action would have changed is not in the telemetry, so every line about its instance says so from
// then on.
//
// Pure: records and times come in, lines go out; the same input gives the same lines. Memory: that of a manager of the
// same instances. One Replay belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/action.h"
#include "model/decision.h"
#include "model/finding.h"
#include "model/policy.h"
#include "model/resource.h"
#include "node/manager.h"
#include "node/record.h"

namespace mien::node {

struct ReplayOptions {
  std::vector<model::Resource> builtin;
  bool rehearse = false;
  // Only of a rehearsal:
  std::optional<std::vector<model::Resource>> policies;  // instead of the recorded ones
  std::optional<model::Mode> mode;                       // instead of what each policy says
  InstanceName instance;                                 // lines about this one only; empty: about all
  // No lines before this; a rehearsal also lets no policy act before.
  WallTime from;
};

struct ReplayLine {
  std::string type;  // as events are called: "finding.opened", "decision.made", "action.ordered", ...
  WallTime at;
  std::optional<model::Finding> finding;
  std::optional<model::Decision> decision;
  std::optional<model::Action> action;
  bool after_rehearsed_action = false;  // on this instance
  bool after_recorded_action = false;   // that a rehearsal left out: its effect is in the telemetry
};

struct ReplayCounts {
  std::uint64_t records = 0;
  std::uint64_t instances = 0;
  std::uint64_t found = 0;    // findings that opened
  std::uint64_t decided = 0;  // decisions
  std::uint64_t acted = 0;    // actions that were ordered
  std::uint64_t gaps = 0;     // where the log was cut or replaced
  Duration instance_time{};   // telemetry that was judged, summed over instances
  friend bool operator==(const ReplayCounts&, const ReplayCounts&) = default;
};

class Replay {
 public:
  // Records that were not recorded (time, rehearsed reports) have positions from here on.
  static constexpr store::LogPosition made_up = 1'000'000'000'000;

  explicit Replay(ReplayOptions options);

  // ---- before the first record, when the log does not begin at its beginning ----
  Status restore_resource(const store::Entry& entry);
  // Series that were declared to an instance before the first record.
  void restore_series(const InstanceName& name, std::vector<model::Series> series);

  // What an instance had learned by then under a persona; it is given back at its first record.
  void restore_revision(model::PersonaRevision revision);

  // Folds the next record; `at` never falls. Errors: invalid (a policy of the options can not be understood).
  Result<std::vector<ReplayLine>> step(WallTime at, store::LogPosition position, Record record);
  // Lets time pass up to `to`, as far as this replay makes time at all.
  std::vector<ReplayLine> pass(WallTime to);
  // While on, what arrives is known to be healthy: nothing opens, everything teaches (`--train-rows`).

  // While on, what arrives is known to be healthy: nothing opens, everything teaches (`--train-rows`).
  void trust(bool known_healthy) { manager_.trust(known_healthy); }

  [[nodiscard]] ReplayCounts counts() const;
  [[nodiscard]] const Counters& counters() const { return manager_.counters(); }
  [[nodiscard]] WallTime at() const { return last_at_; }

 private:
  using Lines = std::vector<ReplayLine>;
  struct Lease {
    WallTime ends;
    std::string agent;
  };

  void fold(WallTime at, store::LogPosition position, const Record& record, Lines& lines);
  void make_up(WallTime at, const Record& record, Lines& lines);
  void tell(Notice notice, Lines& lines);
  [[nodiscard]] bool is_asked(const ReplayLine& line) const;
  void count(const ReplayLine& line);
  Status begin(WallTime at, Lines& lines);
  Status put_policy(WallTime at, model::Resource policy, Lines& lines);
  void let_time_pass(WallTime to, Lines& lines);
  void end_lease(WallTime at, const ActionId& id, Lines& lines);
  void answer(WallTime at, const model::Action& action, Lines& lines);
  void declare_known(FrameArrived& arrived);
  void give_back_learned(WallTime at, const std::vector<InstanceName>& arrived, Lines& lines);
  void meet_hosts(WallTime at, const FrameArrived& arrived, Lines& lines);
  void take_abilities(WallTime at, const AgentReported& reported, Lines& lines);
  [[nodiscard]] bool replaced(Command& command);
  [[nodiscard]] bool acted_for_real(const InstanceName& name) const;
  void count_time(const FrameArrived& arrived);

  ReplayOptions options_;
  Manager manager_;
  ReplayCounts counts_;
  bool begun_ = false;
  WallTime last_at_;
  WallTime next_tick_;
  store::LogPosition next_made_up_ = made_up;
  std::map<std::string, model::Resource> recorded_policies_;  // as written when `from` comes
  std::map<InstanceName, std::vector<model::Series>> known_series_;
  std::map<InstanceName, std::map<PersonaName, model::PersonaRevision>> learned_;
  std::set<std::string> hosts_;          // whose abilities were made up
  std::map<ActionId, Lease> leases_;     // rehearsed actions in force
  std::set<ActionId> ordered_;           // counted
  std::set<InstanceName> rehearsed_on_;  // instances that a rehearsed action was about
  std::set<std::string> acted_agents_;   // that reported an action which the rehearsal leaves out
  std::map<InstanceName, WallTime> seen_;
};

}  // namespace mien::node
