#include "edge/runtime/budget.h"

#include <algorithm>

#include "base/text.h"

namespace mien::edge {
namespace {

constexpr unsigned most_pressure = 3;
constexpr Duration memory_of = 10s;      // of the smoothed CPU share
constexpr Duration between_steps = 10s;  // what a step saves shows in the share by then
constexpr Duration calm_before_less = 60s;

}  // namespace

bool Budget::take(MonoTime now, const OwnUse& use) {
  double seconds = to_seconds(now - at_);
  if (!measured_ || seconds <= 0) {
    if (!measured_) changed_ = over_ = now;
    measured_ = true;
    at_ = now;
    used_ = use.cpu;
    resident_ = use.resident;
    return false;
  }
  double share = to_seconds(use.cpu - used_) / seconds;
  double weight = std::min(1.0, seconds / to_seconds(memory_of));
  cpu_ += weight * (share - cpu_);
  at_ = now;
  used_ = use.cpu;
  resident_ = use.resident;
  bool over_cpu = cpu_ > settings_.cpu.value;
  over_memory_ = resident_.value > settings_.memory.value;
  if (cpu_ > settings_.cpu.value / 2 || over_memory_) over_ = now;
  if ((over_cpu || over_memory_) && pressure_ < most_pressure && now - changed_ >= between_steps) {
    ++pressure_;
    changed_ = now;
    return true;
  }
  if (pressure_ > 0 && now - over_ >= calm_before_less && now - changed_ >= calm_before_less) {
    --pressure_;
    changed_ = now;
    return true;
  }
  return false;
}

SenseEffort Budget::effort() const {
  if (pressure_ == 0) return SenseEffort::full;
  return pressure_ == 1 ? SenseEffort::less : SenseEffort::least;
}

unsigned Budget::stretch() const {
  if (pressure_ <= 1) return 1;
  return pressure_ == 2 ? 2 : 5;
}

std::string Budget::why() const {
  if (pressure_ == 0) return "the agent is within its budget again and sees everything";
  std::string what = over_memory_ ? cat("memory ", mien::to_text(static_cast<double>(resident_.value) / 1048576.0, 3),
                                        " MiB of ", settings_.memory.value >> 20U)
                                  : cat("CPU ", mien::to_text(100 * cpu_, 2), " % of ",
                                        mien::to_text(100 * settings_.cpu.value, 2), " %");
  return cat("the agent's own ", what, ": it sees less (", pressure_, " of ", most_pressure,
             "); what it leaves out is counted");
}

}  // namespace mien::edge
