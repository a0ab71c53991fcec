// Which services and containers there are: a walk over the cgroup hierarchies that are mounted (version 2, version 1,
// or both side by side), every few seconds.
//
// Not thread-safe. Cost: one directory listing per slice and one stat per cgroup; at most `most_cgroups` are looked at.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "edge/collect/cgroupfs.h"
#include "edge/collect/problem_list.h"

namespace mien::edge {

// Where each controller's files are: directories without trailing slash, empty where there is no such hierarchy.
struct CgroupMounts {
  std::string unified;                            // version 2, with or without controllers
  std::string cpuacct, cpu, memory, blkio, pids;  // version 1
  std::string named;                              // version 1 without controller: systemd's own
  [[nodiscard]] bool none() const {
    return unified.empty() && cpuacct.empty() && memory.empty() && pids.empty() && named.empty();
  }
};
[[nodiscard]] CgroupMounts find_cgroup_mounts(const std::string& sys_root);

struct FoundCgroup {
  std::string path;  // below the root of the hierarchies
  CgroupRole role;
};

constexpr std::size_t most_cgroups = 8192;
constexpr int deepest_cgroup = 16;

// Every service and container, by unit name. A name that comes twice keeps the first path, and a problem says so.
[[nodiscard]] std::map<std::string, FoundCgroup> scan_cgroups(const CgroupMounts& mounts, ProblemList& problems);

}  // namespace mien::edge
