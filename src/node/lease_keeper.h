// The agent's half of acting, as a machine: orders in, calls to the hand out, a journal of what was there before, and
// reports of what became of it. It touches no clock, file or thread; the driver (lease_driver) carries its effects out.
//
// Per lease: planned -> journaled (on disk before the first write) -> written field by field -> read back -> applied ->
// taken back field by field (only where our value still stands; else conflicted) -> read back -> ended. What was half
// done when the agent died is read back at the next start: finished leases are reported, half-applied ones put back,
// applied ones kept until their end. After a reboot nothing that a running kernel held is left; it is read, and said.
//
// What a write of ours left that is neither the old nor the new text (a refused or late write, a value that the kernel
// rounds) is known to be ours only until the agent ends: seen again after a restart it is somebody else's.
//
// What is asked is checked again here: the machine's own allow list, its never-touch list, its hold file, the target's
// identity. Nothing a manager sends widens them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/action.h"
#include "node/agent.h"
#include "node/hand.h"

namespace mien::node {

// One line of the journal (docs/formats/journal.md): the newest per action counts.
struct JournalEntry {
  enum class Stage : std::uint8_t {
    begun,      // the fields' previous values; nothing may be written before this is on disk
    applied,    // every field was written and read back
    reverting,  // it is being taken back
    ended,      // nothing of ours is left; `report` says how
    forgotten,  // the manager has the report
  };
  Stage stage = Stage::begun;
  model::Order order;
  std::string boot_id;
  std::string identity;
  bool guarded = false;  // the guard process ends it when the agent dies
  WallTime at;
  MonoTime expires_at;  // boot clock: it goes on while the machine is suspended
  std::vector<model::Change> changes;
  std::optional<model::ActionReport> report;
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
  static constexpr auto fields =
      std::tuple{field("stage", &JournalEntry::stage),           field("order", &JournalEntry::order),
                 field("boot_id", &JournalEntry::boot_id),       field("identity", &JournalEntry::identity),
                 field("guarded", &JournalEntry::guarded),       field("at", &JournalEntry::at),
                 field("expires_at", &JournalEntry::expires_at), field("changes", &JournalEntry::changes),
                 field("report", &JournalEntry::report)};
};

// ---- events ----
struct OrdersReceived {
  std::vector<model::Order> orders;  // all that shall be in force here; one that is missing runs out by itself
};
struct LeaseTick {
  bool hold_file = false;  // /run/mien/hold is there
};
struct JournalWritten {
  std::uint64_t number = 0;
  bool ok = true;
  std::string why;
};
struct HandAnswered {
  std::uint64_t call = 0;
  Status status;
  Plan plan;          // of PlanCall
  std::string value;  // of ReadCall and IdentityCall
};
struct ReportsTaken {        // the manager has them
  std::uint64_t number = 0;  // of the SendReports that was answered
  std::vector<ActionId> actions;
};
// `mien release` on this machine, the package is being removed, the agent is dead: take everything back.
struct ReleaseAsked {
  model::EndReason reason = model::EndReason::released;
};
using LeaseEvent = std::variant<OrdersReceived, LeaseTick, JournalWritten, HandAnswered, ReportsTaken, ReleaseAsked>;

// ---- effects ----
struct WriteJournal {
  std::uint64_t number = 0;
  JournalEntry entry;
};
struct PlanCall {
  InstanceName target;
  model::Verb verb = model::Verb::limit;
  model::Arguments with;
};
struct IdentityCall {
  InstanceName target;
};
struct ReadCall {
  InstanceName target;
  std::string key;
};
struct WriteCall {
  InstanceName target;
  std::string key;
  std::string value;
};
struct CallHand {
  std::uint64_t call = 0;  // answered by HandAnswered, or after the deadline by nothing
  std::variant<PlanCall, IdentityCall, ReadCall, WriteCall> what;
  Duration deadline{};
};
struct SendReports {
  std::uint64_t number = 0;
  std::vector<model::ActionReport> reports;  // again and again until ReportsTaken
};
using LeaseEffect = std::variant<WriteJournal, CallHand, SendReports, Report>;

struct LeaseOptions {
  std::string boot_id;
  std::set<model::Verb> allow;           // empty: nothing may be done here
  std::vector<std::string> never_touch;  // patterns: "sshd.service", "systemd-*", "*.scope"
  std::vector<JournalEntry> journal;     // as found at start: the newest entry of each action
  std::size_t most_leases = 256;
};

class LeaseKeeper {
 public:
  explicit LeaseKeeper(LeaseOptions options);
  ~LeaseKeeper();
  LeaseKeeper(LeaseKeeper&&) noexcept;
  LeaseKeeper& operator=(LeaseKeeper&&) noexcept;

  std::vector<LeaseEffect> step(const AgentNow& now, LeaseEvent event);
  // Every lease that is not ended, for `mien doctor --changes`.
  [[nodiscard]] std::vector<JournalEntry> in_force() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether a unit's name matches one of the patterns (`*` any run of characters).
[[nodiscard]] bool is_never_touched(const std::vector<std::string>& patterns, std::string_view unit);
// The management path, Mien itself, what the system can not do without, and the operator's own sessions.
[[nodiscard]] std::vector<std::string> default_never_touch();

}  // namespace mien::node
