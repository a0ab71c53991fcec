// The sensors in the kernel (bpf/sense.bpf.c), loaded and drained. What they tell waits in a ring buffer until it is
// looked at once a tick; nothing wakes the agent in between.
//
// Needs root (or CAP_BPF and CAP_PERFMON) and a kernel with BTF; the tracepoints are `tp_btf`, which every such kernel
// from 5.8 has. Ownership: everything in the kernel goes when this does. Not thread-safe. Memory: 0.5 MiB of ring and
// about 1 MiB of maps in the kernel, 1.5 MiB here. Errors of make(): unsupported, refused, each with what to do.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/sense/processes.h"
#include "edge/sense/sensor.h"
#include "edge/sense/users.h"

namespace mien::edge {

struct BpfOptions {
  std::vector<std::string> writes_below;  // directories
  std::vector<std::string> reads_of;      // files
  std::string sys_root = "/sys";
  bool legacy_groups = false;           // services stand in version 1's cpuacct
  std::string group_root;               // where that hierarchy is mounted; empty: nowhere
  std::uint32_t told_per_second = 200;  // of a kind and CPU
};

// Of a control group since the start, whether it was told one by one or not.
struct GroupCounts {
  std::uint64_t calls = 0;               // of the system
  std::uint64_t sent = 0, received = 0;  // bytes, by IP and not within this machine
  std::array<std::uint64_t, model::fact_kinds> done{};
};

class BpfSensors : public Sensor {
 public:
  static Result<std::unique_ptr<BpfSensors>> make(BpfOptions options, Processes& processes, UserNames& users);
  // By the path of the control group; what those did that have ended counts as the host's. None ever falls.
  [[nodiscard]] virtual const std::map<std::string, GroupCounts>& counts() = 0;
  [[nodiscard]] virtual bool sees_modules() const = 0;
  [[nodiscard]] virtual bool sees_traffic() const = 0;  // from Linux 6.3
  // Files come and go, and are replaced: the names are looked up anew, with these sensitive files.
  virtual void watch_again(std::vector<std::string> reads_of) = 0;
  // How much is told of a kind, CPU and second: the agent lowers it under pressure.
  virtual void tell_at_most(std::uint32_t per_second) = 0;
};

// The path of names from the leaf to the root, each ended by a NUL: "shadow\0etc\0" is "/etc/shadow".
[[nodiscard]] std::string path_of_names(std::string_view names);

}  // namespace mien::edge
