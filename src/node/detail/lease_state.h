// The lease keeper's inside: where each lease stands, and what moves it on. Private to the node room; lease_keeper.cc
// has orders, time, turns and telling, lease_steps.cc what each answer leads to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/lease_keeper.h"

namespace mien::node {

using Stage = JournalEntry::Stage;
using model::ActionState;
using model::EndReason;

constexpr Duration plan_deadline = 15s;
constexpr Duration read_deadline = 15s;
constexpr Duration write_deadline = 45s;  // memory.high may reclaim for seconds, and systemd reload, before it returns

enum class Phase : std::uint8_t {
  waiting,              // for its turn to begin
  planning,             // the hand says what it would write
  recording_begun,      // nothing may be written before this is on disk
  checking,             // that the target is still the one that was planned for
  writing,              //
  verifying,            // every field is read back
  recording_applied,    //
  standing,             // in force until its end
  due,                  // for its turn to be taken back
  recording_reverting,  //
  reading,              // what stands there now
  putting_back,         //
  confirming,           // that it is back
  stale,                // of another boot: for its turn to be looked at
  surveying,            //
  recording_ended,      //
  over,  // nothing of ours is left; kept until the manager knows, and until it can not be asked for again
};

struct Lease {
  JournalEntry entry;
  Phase phase = Phase::waiting;
  std::uint64_t call = 0;              // in flight, 0: none
  MonoTime give_up;                    // of the call
  std::uint64_t record = 0;            // in flight, 0: none
  std::size_t field = 0;               // at work on
  std::size_t attempted = 0;           // fields before this one may have been written
  std::optional<EndReason> end_asked;  // while it was being put in force
  // ---- taking back ----
  std::vector<std::size_t> left;       // fields, the next one last
  std::vector<std::size_t> again;      // fields that could not be read or put back in this pass
  std::vector<std::string> ours;       // by field: what a write of ours left there besides `after`; empty: nothing
  std::vector<bool> doubtful;          // by field: our write failed, so that whatever it left is ours
  std::optional<std::string> suspect;  // what was read last of a field, when it is not ours
  std::vector<std::string> conflicts;  // sentences
  std::vector<std::string> gone;
  std::string in_the_way;  // why the newest field in `again` is there
  MonoTime retry_at;
  Duration back_off{};
  // ---- telling ----
  std::optional<model::ActionReport> stuck;  // told while it can not be put back; its end replaces it
  bool taken = false;
  std::uint64_t sent_in = 0;  // the batch that had its newest report first; 0: none yet
  bool unsaved = false;       // its end is not on disk yet

  [[nodiscard]] const ActionId& id() const { return entry.order.action; }
  [[nodiscard]] model::Change& change() { return entry.changes[field]; }
  // What the manager shall know of it now.
  [[nodiscard]] const model::ActionReport* news() const {
    if (phase == Phase::standing || phase == Phase::over) return entry.report ? &*entry.report : nullptr;
    return stuck ? &*stuck : nullptr;
  }
};

struct LeaseKeeper::State {
  explicit State(LeaseOptions given) : options(std::move(given)) {
    for (JournalEntry& entry : options.journal) take_up(std::move(entry));
    options.journal.clear();
  }

  LeaseOptions options;
  std::map<ActionId, Lease> leases;
  std::map<InstanceName, ActionId> turns;     // who works on a target
  std::map<std::uint64_t, ActionId> calls;    // in flight
  std::map<std::uint64_t, ActionId> records;  // in flight
  std::uint64_t last_call = 0;
  std::uint64_t last_record = 0;
  std::uint64_t last_batch = 0;
  MonoTime resend_at;
  bool held = false;
  AgentNow now;                  // of this step
  std::vector<LeaseEffect> out;  // of this step

  void take_up(JournalEntry entry);
  void on(const OrdersReceived& received);
  void on(const LeaseTick& tick);
  void on(const JournalWritten& written);
  void on(const HandAnswered& answered);
  void on(const ReportsTaken& reports);
  void on(const ReleaseAsked& asked);

  void hear(const model::Order& order);
  void hear_again(Lease& lease, const model::Order& order);
  [[nodiscard]] std::optional<std::string> objection(const model::Order& order) const;
  [[nodiscard]] std::optional<std::string> held_field(const Lease& lease) const;
  [[nodiscard]] std::size_t unfinished() const;
  void forget_old();

  void pump();
  void start(Lease& lease);
  void call(Lease& lease, Phase phase, Duration deadline, decltype(CallHand::what) what);
  void record(Lease& lease, Phase phase, Stage stage);
  void give_up_late_calls();
  void advance(Lease& lease, const HandAnswered& answered);
  void recorded(Lease& lease, bool ok, const std::string& why);

  void planned(Lease& lease, const HandAnswered& answered);
  void write_next(Lease& lease);
  void verify_next(Lease& lease);
  void verified(Lease& lease, const HandAnswered& answered);
  void take_back(Lease& lease, ActionState outcome, EndReason reason, std::string why);
  void take_back_pass(Lease& lease);
  void take_back_next(Lease& lease);
  void look_again(Lease& lease, std::string why);
  void say_stuck(Lease& lease);
  void found(Lease& lease, const HandAnswered& answered);
  void not_ours(Lease& lease, const std::string& value);
  void confirmed(Lease& lease, const HandAnswered& answered);
  void survey_next(Lease& lease);
  void end(Lease& lease, ActionState state, EndReason reason, std::string note);
  void rest(Lease& lease, Phase phase);
  void tell();
  void say(std::string line) { out.push_back(Report{std::move(line)}); }
  [[nodiscard]] model::ActionReport report_of(const Lease& lease, ActionState state, EndReason reason,
                                              std::string note) const;
};

}  // namespace mien::node
