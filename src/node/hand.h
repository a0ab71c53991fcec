// The seam to what can change a machine. A hand reads and writes single fields of a target; everything that makes this
// safe (journal, verify, lease, exact restore) is the lease keeper's, so that every driver has it.
//
// Real: edge/drive (cgroup files, systemd unit properties, sysctl). Simulated, with faults: sim. Both pass the driver
// conformance suite (node/testing/hand_suite.h). Calls are made one at a time per target, from a worker thread, in the
// order in which they were asked; each returns within its deadline or is taken as unknown and read back. A field that is
// gone with its target is not_found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/action.h"

namespace mien::node {

// One field that a step would write. `before` is what stands there now.
struct PlannedField {
  std::string key;  // "cpu.max", "memory.high", "io.weight", "pids.max", "cgroup.freeze", "sysctl:vm.swappiness"
  std::string before;
  std::string after;
  friend bool operator==(const PlannedField&, const PlannedField&) = default;
};

struct Plan {
  std::string identity;  // of the target as it runs now (boot id, start time, cgroup inode): checked before each write
  std::vector<PlannedField> fields;
  bool outlives_nothing = false;  // must end with us (freeze): the guard process takes it back when the agent dies
  std::string note{};  // what the operator must know: a value that was raised so that nothing is killed, a part left out
  friend bool operator==(const Plan&, const Plan&) = default;
};

class Hand {
 public:
  virtual ~Hand() = default;
  // Verbs that work on this machine, and for the others why not ("lockdown: no cgroup v2 with freezer here").
  struct Ability {
    model::Verb verb = model::Verb::limit;
    bool works = false;
    std::string why_not;
  };
  [[nodiscard]] virtual std::vector<Ability> abilities() = 0;
  // What the order would write, having read what is there. Changes nothing. Errors: unsupported (this verb, this field),
  // not_found (the target does not run here), invalid (a value that can not be), refused (never touched).
  virtual Result<Plan> plan(const InstanceName& target, model::Verb verb, const model::Arguments& with) = 0;
  // The target's identity as it runs now. Errors: not_found.
  virtual Result<std::string> identity(const InstanceName& target) = 0;
  virtual Result<std::string> read(const InstanceName& target, std::string_view key) = 0;
  virtual Status write(const InstanceName& target, std::string_view key, std::string_view value) = 0;
};

}  // namespace mien::node
