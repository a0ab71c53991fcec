// Carries out what the lease keeper asks, through three seams: the journal on disk, the hand that changes the machine,
// and the way to the manager. Production runs it on one thread with one worker for the hand's calls
// (edge/runtime/lease_thread), the simulation steps it.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "node/lease_keeper.h"

namespace mien::node {

// What was there before, on disk. Survives kill -9 and a power cut: what put() returned ok for is read again.
class Journal {
 public:
  virtual ~Journal() = default;
  // The newest entry of each action, by id.
  [[nodiscard]] virtual std::vector<JournalEntry> entries() = 0;
  // Returns once it is on disk. Errors: exhausted (disk full), io.
  virtual Status put(const JournalEntry& entry) = 0;
};

class LeaseDriver {
 public:
  // Answers with step(HandAnswered) later, or never. A call that has not been started by `give_up` must not be started.
  using StartCall = std::function<void(CallHand, MonoTime give_up)>;
  using Send = std::function<void(const SendReports&)>;  // answers with step(ReportsTaken) later, or never
  using WriteLine = std::function<void(std::string_view)>;
  struct Ways {
    StartCall call;
    Send send;
    WriteLine report;
  };

  LeaseDriver(LeaseKeeper keeper, Journal& journal, Ways ways)
      : keeper_(std::move(keeper)), journal_(journal), ways_(std::move(ways)) {}

  void step(const AgentNow& now, LeaseEvent event);
  [[nodiscard]] const LeaseKeeper& keeper() const { return keeper_; }

 private:
  LeaseKeeper keeper_;
  Journal& journal_;
  Ways ways_;
};

// One call, made here and now.
[[nodiscard]] HandAnswered carry_out(Hand& hand, const CallHand& call);

}  // namespace mien::node
