// The readings of services and containers, one instance each; the smallest of many are summed as `other@HOST`.
//
// Not thread-safe. Cost: six to nine kept files per shown instance and tick; its processes and their descriptors now
// and then (cgroup_processes.h). What is summed in `other` is read every `cgroup_interval` only: its readings are
// missing (NaN) in between.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "edge/collect/block.h"
#include "edge/collect/cgroup_processes.h"
#include "edge/collect/cgroup_scan.h"
#include "edge/collect/kernel_file.h"
#include "edge/collect/problem_list.h"

namespace mien::edge {

constexpr std::size_t most_shown_cgroups = 64;
constexpr Duration cgroup_interval = 5s;
// Who was shown stays so for this long, however small; then it goes only for one that is clearly larger.
constexpr Duration cgroup_dwell = 10min;

constexpr std::size_t cgroup_values = 17;
// In the order of the table in cgroup_metrics.cc; NaN where a value cannot be read.
using CgroupSample = std::array<double, cgroup_values>;

// Whether to read all files of a cgroup, or to leave out those that cannot have changed: where neither CPU time nor
// memory moved, nothing ran, and the dearest file (memory.stat) says what it said.
enum class ReadDepth : unsigned char { all, what_moved };

// The files of one cgroup; those that do not exist here have no name.
class CgroupFiles {
 public:
  CgroupFiles() = default;
  CgroupFiles(const CgroupMounts& mounts, const std::string& path, const std::string& proc_root);
  // True when at least one file could be read.
  bool read(ReadDepth depth, ReadBuffer& buffer, CgroupSample& sample);
  void close();

 private:
  void read_cpu(ReadBuffer& buffer, CgroupSample& sample);
  void read_memory(std::optional<std::uint64_t> usage, ReadBuffer& buffer, CgroupSample& sample);
  void read_io(ReadBuffer& buffer, CgroupSample& sample);
  void read_pressure(ReadBuffer& buffer, CgroupSample& sample);

  bool unified_cpu_ = false, unified_memory_ = false, unified_io_ = false;
  KernelFile cpu_, cpu_split_, throttle_, memory_, memory_stat_, oom_, io_, operations_, pids_;
  KernelFile cpu_pressure_, memory_pressure_, io_pressure_;
  CgroupProcesses processes_;
  std::optional<std::uint64_t> memory_before_;
};

class CgroupMetrics {
 public:
  struct Roots {
    std::string proc, sys;
  };
  CgroupMetrics(const Roots& roots, std::string host, ProblemList& problems);

  // Reads every shown cgroup. instances[0] is the host and is left alone; the others are ours. True when instances or
  // readings were added or removed.
  bool read(MonoTime now, unsigned cpus, ReadBuffer& buffer, std::vector<model::InstanceReadings>& instances);
  // The unit that the control group of this path is or belongs to, "other" for one that is not shown. One that the last
  // scan did not find yet is told by its path while there is room to show it. An empty unit: none, the host's own.
  struct Unit {
    std::string name{};
    model::InstanceType type = model::InstanceType::host;
  };
  [[nodiscard]] Unit unit_of(std::string_view path) const;
  // How many have ended since the start.
  [[nodiscard]] std::uint64_t ended() const { return ended_; }

 private:
  struct Member {
    FoundCgroup found;
    CgroupFiles files;
    CgroupSample sample{};
    CgroupSample before{};                  // at the last scan
    std::array<bool, cgroup_values> has{};  // what has ever been read: these have series
    double size = 0;                        // CPU and memory as shares of the host, smoothed
    bool shown = false;
    MonoTime shown_since;
    bool fresh = true;  // not scanned before: no differences yet
  };

  bool scan(MonoTime now, unsigned cpus, ReadBuffer& buffer);
  void update_size(Member& member, double seconds, unsigned cpus);
  void sum_other(const Member& member);
  bool choose_shown(MonoTime now);
  void build(std::vector<model::InstanceReadings>& instances);

  const CgroupMounts mounts_;
  const std::string proc_root_;
  const std::string host_;
  ProblemList& problems_;
  std::map<std::string, Member> members_;  // by unit
  std::vector<Member*> shown_;             // in the order of `instances`, from 1
  std::optional<MonoTime> scanned_;
  std::uint64_t ended_ = 0;
  double memory_total_;

  CgroupSample other_{};  // counters: sum of what the members added; gauges: sum of the members
  std::array<bool, cgroup_values> other_has_{};
  bool other_exists_ = false;
};

}  // namespace mien::edge
