// What the sensors of this folder have in common: what a sighting is before anybody asked whose it was, and how a
// sensor says whether it works here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/security_fact.h"

namespace mien::edge {

// One thing seen. `group` is the path of the control group below its hierarchy's root; empty: the host itself.
struct Sighting {
  std::string group;
  model::SecurityFact fact;
};

// A sensor on this host, for `mien doctor` and the agent's log.
struct SensorState {
  enum class Status : std::uint8_t {
    works = 0,
    limited = 1,  // by a way that sees less; `why` says what
    missing = 2,
  };
  std::string name;  // "executions"
  Status status = Status::works;
  std::string mechanism;  // "eBPF sched_process_exec"; empty when missing
  std::string why;        // not as it should be: what is in the way
  std::string remedy;     // and what to install or do
};

// A sensor that is asked each tick.
class Sensor {
 public:
  virtual ~Sensor() = default;
  // Appends what was seen since the last call; `most` bounds how much, what is over it is lost and counted.
  virtual void look(WallTime now, std::size_t most, std::vector<Sighting>& out) = 0;
  // Lost since the start, for want of room or of time.
  [[nodiscard]] virtual std::uint64_t lost() const { return 0; }
};

}  // namespace mien::edge
