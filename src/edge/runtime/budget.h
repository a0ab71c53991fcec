// What the agent itself may cost, kept: under pressure it looks less often and at less, and comes back when it is over.
//
// Decides alone, from what its owner measured; no clock, no system call. Steps are one at a time and not sooner than
// ten ticks apart, so that what a step saves is seen before the next; a step back waits a minute.
#pragma once

#include <cstdint>
#include <string>

#include "base/quantity.h"
#include "base/time.h"
#include "edge/sense/sense.h"

namespace mien::edge {

struct BudgetSettings {
  Ratio cpu{0.02};           // of one CPU, over about ten seconds
  Bytes memory{64U << 20U};  // resident
  friend bool operator==(const BudgetSettings&, const BudgetSettings&) = default;
};

// The agent's own use since its start, and now.
struct OwnUse {
  Duration cpu{};
  Bytes resident{};
};

class Budget {
 public:
  explicit Budget(BudgetSettings settings) : settings_(settings) {}

  // Takes what was used up to `now`. True when the pressure changed: then why() says what was over.
  bool take(MonoTime now, const OwnUse& use);
  [[nodiscard]] unsigned pressure() const { return pressure_; }  // 0: none, 3: all that can be saved is
  [[nodiscard]] SenseEffort effort() const;
  // How many times longer than wanted a tick is.
  [[nodiscard]] unsigned stretch() const;
  [[nodiscard]] Ratio cpu() const { return {cpu_}; }  // smoothed
  [[nodiscard]] Bytes resident() const { return resident_; }
  [[nodiscard]] std::string why() const;

 private:
  BudgetSettings settings_;
  unsigned pressure_ = 0;
  bool over_memory_ = false;
  bool measured_ = false;
  MonoTime at_;
  MonoTime changed_;
  MonoTime over_;  // last time that something was over half of what it may be
  Duration used_{};
  double cpu_ = 0;
  Bytes resident_{};
};

}  // namespace mien::edge
