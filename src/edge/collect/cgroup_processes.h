// The processes of one control group and of the groups within it, and how many descriptors they have open.
//
// Not thread-safe. Cost: nothing where the number of threads says that there can be no news; else a list for each group
// and (once a minute) a stat(2) for each process, at most `most_counted_descriptors` of them.
#pragma once

#include <string>

#include "edge/collect/cgroup_scan.h"
#include "edge/collect/kernel_file.h"
#include "model/telemetry.h"

namespace mien::edge {

// Looks, one every `cgroup_interval`, after which all is counted anew: a minute. Processes also where their threads are
// not as many as before.
constexpr int most_looks_between = 11;
constexpr std::size_t most_counted_descriptors = 256;

class CgroupProcesses {
 public:
  struct Counts {
    double processes = model::missing;
    double descriptors = model::missing;  // kernels before 6.2 do not say; nor do we of very many processes
  };

  CgroupProcesses() = default;
  CgroupProcesses(const CgroupMounts& mounts, const std::string& path, std::string proc_root);
  // At each look around; `threads` as the group's pids.current says, NaN where nothing does.
  const Counts& look(double threads, ReadBuffer& buffer);

 private:
  std::string proc_root_;
  std::string group_;  // the directory whose cgroup.procs names the processes; empty: none does
  Counts counts_;
  double threads_ = model::missing;  // at the last count
  int looks_ = 0;                    // since all was counted
};

}  // namespace mien::edge
