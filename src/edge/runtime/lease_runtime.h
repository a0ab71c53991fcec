// The agent's half of acting as a running thing: the lease keeper with its journal on disk, the hand of this machine,
// and the way of reports to the manager. Works without a manager too: leases end by this machine's own clock.
//
// Threads: one steps the keeper and writes the journal; one makes the hand's calls, in the order in which they were
// asked; one posts reports. A guard process (edge/runtime/guard.h) ends what must not outlive this one.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "edge/mutex.h"
#include "edge/runtime/file_journal.h"
#include "edge/runtime/guard.h"
#include "node/lease_driver.h"
#include "wire/directive.h"

namespace mien::edge {

inline constexpr std::string_view default_hold_file = "/run/mien/hold";

struct ActingOptions {
  std::shared_ptr<node::Hand> hand{};      // none: orders are not obeyed here
  std::set<model::Verb> allow{};           // empty: nothing may be done
  std::vector<std::string> never_touch{};  // patterns of unit names
  std::string boot_id{};
  std::string hold_file{default_hold_file};  // while it is there nothing begins
  std::string guard_program{};               // that is started as guard; empty: none
};

class LeaseRuntime {
 public:
  struct Options {
    ActingOptions acting;
    std::string agent;      // instance name of this host
    std::string directory;  // of the journal
    Duration tick = 1s;
    std::function<Status(const wire::AgentReports&)> post;  // blocks; from a thread of its own
    std::function<void(std::string_view)> report;           // one line for the log; from any thread
  };
  // Errors: what FileJournal::open says (another agent runs here; a journal of another release), io (the guard).
  static Result<std::unique_ptr<LeaseRuntime>> start(Options options);
  // What is in force stays until its end, which the next start keeps; what is guarded is taken back by the guard.
  ~LeaseRuntime();
  LeaseRuntime(const LeaseRuntime&) = delete;
  LeaseRuntime& operator=(const LeaseRuntime&) = delete;

  // Reaches the hand without waiting for a tick. Any thread.
  void hear(std::vector<model::Order> orders);
  void stop();

 private:
  struct Call {
    node::CallHand call;
    MonoTime give_up;
  };
  LeaseRuntime(Options options, std::unique_ptr<FileJournal> journal, std::unique_ptr<Guard> guard);
  void lease_loop();
  void hand_loop();
  void report_loop();
  void tick();
  [[nodiscard]] bool look_at_hold();
  void push(node::LeaseEvent event);
  [[nodiscard]] std::vector<node::LeaseEvent> take_events();

  Options options_;
  std::unique_ptr<FileJournal> journal_;
  std::unique_ptr<Guard> guard_;
  node::LeaseDriver driver_;
  MonoTime next_tick_;
  bool was_held_ = false;

  Mutex mutex_;
  Condition changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::deque<node::LeaseEvent> events_ GUARDED_BY(mutex_);
  std::deque<Call> calls_ GUARDED_BY(mutex_);
  std::optional<node::SendReports> to_send_ GUARDED_BY(mutex_);  // the newest says it all
  model::Abilities abilities_ GUARDED_BY(mutex_);
  bool abilities_told_ GUARDED_BY(mutex_) = false;

  std::thread lease_thread_;
  std::thread hand_thread_;
  std::thread report_thread_;
};

// Asks whoever keeps the journal in `directory` to take everything back, or does it here when nobody does, and waits.
// Returns how many changes are still there (0: all is as it was). Errors: io, unsupported.
Result<std::size_t> release_everything(const std::string& directory, node::Hand& hand, const std::string& boot_id,
                                       Duration timeout);

}  // namespace mien::edge
