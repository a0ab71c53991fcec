// The world in a box: virtual time, the production agents, manager, drivers and codecs, a network and disks that fail
// as told. One seed is one run; the same seed gives the same lines and the same hash, on every compiler.
//
//   sim::World world(seed);
//   world.run();             // until its end, or the first broken invariant
//   world.failure()          // nothing, or "invariant_id: what was seen"
//
// A line per event goes to the trace: virtual seconds, who, what (docs/operating/simulation.md has the columns).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "node/agent_driver.h"
#include "node/manager_driver.h"
#include "node/series_table.h"
#include "sim/faults.h"
#include "sim/hands.h"
#include "sim/workload.h"

namespace mien::sim {

using Trace = std::function<void(std::string_view line)>;

class World {
 public:
  World(std::uint64_t seed, Trace trace);
  ~World();
  void run();
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::string summary() const;

 private:
  struct Service {
    InstanceName name;
    Workload load;
  };
  struct SimAgent {
    std::string name;
    std::vector<Service> services;  // the host first
    MemorySpool spool;
    std::unique_ptr<node::AgentDriver> driver;
    std::uint64_t epoch = 0;
    std::uint64_t incarnation = 0;  // answers meant for a crashed one are lost
    Duration clock_offset{};
    bool jumped = false;       // its clock was set at least once
    Duration stalled_until{};  // since the start
    Duration deaf_until{};     // answers do not reach it
    Duration mute_until{};     // what it sends is lost
    std::vector<model::InstanceReadings> readings;
    std::unique_ptr<SimHand> hand;
    MemoryJournal journal;
    std::unique_ptr<node::LeaseDriver> leases;
    bool hold_file = false;
    Duration leases_ran_since{};  // without a stall or a crash
  };
  struct Event {
    Duration at{};
    std::uint64_t order = 0;
    std::function<void()> happen;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return std::tie(a.at, a.order) > std::tie(b.at, b.order); }
  };

  // ---- time ----
  void at(Duration when, std::function<void()> happen);
  void after(Duration delay, std::function<void()> happen) { at(clock_ + delay, std::move(happen)); }
  void every(Duration mean, std::function<void()> happen);  // until the faults end
  [[nodiscard]] WallTime wall() const;
  [[nodiscard]] WallTime wall_at_start() const { return wall() - clock_; }
  [[nodiscard]] WallTime manager_wall() const;
  void note(std::string_view who, const std::string& what);
  void fail(std::string_view invariant, const std::string& seen);

  // ---- agents ----
  void build();
  void plan_faults();
  void start_agent(std::size_t index);
  void tick_agent(std::size_t index);
  void send(std::size_t index, const node::AgentRequest& request);
  void arrive(std::size_t index, std::uint64_t incarnation, const node::AgentRequest& request);
  void answer(std::size_t index, std::uint64_t incarnation, node::UploadAnswered answered);
  [[nodiscard]] node::AgentNow now_of(const SimAgent& agent) const;

  // ---- the manager ----
  void start_manager();
  void crash_manager(std::string_view why);
  void tick_manager();
  void pump();
  void give(node::CommandBody body);
  bool append(const node::Record& record);

  // ---- acting (world_acting.cc) ----
  void plan_acting();
  void start_leases(std::size_t index);
  void tick_leases(std::size_t index);
  void lease_step(std::size_t index, node::LeaseEvent event);
  void poll(std::size_t index);
  void call_hand(std::size_t index, std::uint64_t incarnation, const node::CallHand& call, MonoTime give_up);
  void send_reports(std::size_t index, std::uint64_t incarnation, const node::SendReports& sent);
  void tell_abilities(std::size_t index);
  void let_people_act();
  void edit_by_hand();
  [[nodiscard]] bool is_being_written(SimAgent& agent, const InstanceName& target);
  [[nodiscard]] model::Resource draw_policy(const std::string& name, std::string_view verb);

  // ---- what must hold (invariants.cc, invariants_acting.cc) ----
  void check_orders();
  void check_leases(std::size_t index);
  void check_fields(std::size_t index);
  void check_acting_end();
  void check_counts();
  void check_findings();
  void check_refold();
  void check_audit();
  void check_end();
  [[nodiscard]] static Duration healing_time();

  // What the checkers of acting know by themselves.
  struct Acted {
    Duration seen_at{};  // since the start, when it first was in the ledger as ordered
    std::string policy;
    std::string target;
    bool by_person = false;
  };

  std::uint64_t seed_;
  Trace trace_;
  Prng prng_;
  Faults faults_;
  bool calm_ = false;  // nothing was to go wrong in this run, as it was drawn
  Duration length_{};  // faults end here
  Duration end_{};     // the world ends here, having had time to heal
  Duration clock_{};
  std::uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
  std::uint64_t happened_ = 0;
  std::string failure_;

  std::vector<SimAgent> agents_;

  node::testing::MemoryLog log_;
  node::testing::MemoryLedger ledger_;
  node::testing::MemoryLedger old_ledger_;  // a backup of a while ago
  bool old_ledger_taken_ = false;
  node::testing::MemoryHistory history_;
  CrashPoint crash_point_;
  CrashingLog crashing_log_;
  CrashingLedger crashing_ledger_;
  CrashingHistory crashing_history_;
  std::unique_ptr<node::ManagerDriver> manager_;
  node::SeriesTable series_;
  std::uint64_t crashes_ = 0;
  std::uint64_t next_request_ = 1;
  std::set<std::uint64_t> answered_commands_;

  // What the checkers know by themselves, from watching the door.
  struct Sent {
    std::uint64_t samples = 0;
    store::LogPosition position = 0;  // of its first record in the log
  };
  std::map<std::pair<std::string, std::uint64_t>, Sent> logged_;  // by sender and number
  std::map<store::LogPosition, std::vector<std::pair<std::string, std::uint64_t>>> by_position_;
  std::set<std::pair<std::string, std::uint64_t>> acknowledged_;
  bool counts_known_ = false;  // expected_samples_ is the sum of what was logged up to counted_upto_
  std::uint64_t expected_samples_ = 0;
  store::LogPosition counted_upto_ = 0;
  std::set<std::string> findings_seen_;  // instances about which one was ever opened
  HandFaults hand_faults_;
  bool only_observing_ = true;                    // no policy of this run may do more
  std::map<std::string, model::Budget> budgets_;  // of the policies of this run
  std::map<std::string, std::uint32_t> repeats_;
  std::map<std::string, Acted> ordered_;  // by action
  std::set<std::string> approved_;        // asked for by a person
  std::optional<Duration> held_since_;    // the hold of everything was answered; nothing may be ordered
  std::uint64_t hold_request_ = 0;
  std::set<std::uint64_t> resumes_;  // requests that end the hold: one that found a full disk may be repeated after it
  std::uint64_t manager_jumps_ = 0;
  Duration manager_clock_{};
};

}  // namespace mien::sim
