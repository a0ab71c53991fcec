// The host's own readings: CPU, load, memory, paging, processes, pressure, disks, filesystems, network interfaces,
// connections, descriptors, uptime, and what its hardware says.
//
// Ownership: writes into the readings vector that its owner passes each time and that nobody else may change. Not
// thread-safe. Cost: a dozen kept files a tick; allocates only when a disk, filesystem or interface comes or goes.
#pragma once

#include <functional>
#include <optional>

#include "base/time.h"
#include "edge/collect/block.h"
#include "edge/collect/connections.h"
#include "edge/collect/hardware.h"
#include "edge/collect/kernel_file.h"
#include "edge/collect/problem_list.h"
#include "edge/collect/process_metrics.h"
#include "edge/collect/procfs.h"

namespace mien::edge {

struct FilesystemUsage {
  double total = 0;      // bytes
  double free = 0;       // also those kept for root
  double available = 0;  // to everybody
  double files = 0;      // inodes; 0 where the filesystem has no fixed number
  double files_free = 0;
};
using FilesystemProbe = std::function<std::optional<FilesystemUsage>(const std::string& mountpoint)>;
// statvfs(2).
[[nodiscard]] std::optional<FilesystemUsage> probe_filesystem(const std::string& mountpoint);

// Kept by the size of their traffic where there are more.
constexpr std::size_t most_disks = 32;
constexpr std::size_t most_filesystems = 32;
constexpr std::size_t most_interfaces = 32;
constexpr Duration filesystem_interval = 10s;
constexpr Duration descriptors_interval = 10s;

class HostMetrics {
 public:
  struct Probes {
    FilesystemProbe filesystem;
    SocketProbe sockets;
  };
  HostMetrics(const std::string& proc_root, const std::string& sys_root, Probes probes, ProblemList& problems);

  // Reads everything once. True when readings were added or removed (indices may have moved).
  bool read(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings);
  [[nodiscard]] unsigned cpus() const { return cpus_; }
  // How often connections were too many to be counted.
  [[nodiscard]] std::uint64_t cut() const { return connections_.cut(); }

 private:
  // One line of diskstats or net/dev as it was at the last layout; not kept lines have no block.
  struct Device {
    std::string name;
    std::optional<Block> block;
    bool idle = false;  // would be kept, but has never moved a byte
  };
  struct Filesystem {
    std::string mountpoint;
    Block block;
  };

  void build(std::vector<model::Reading>& readings);
  void build_devices(std::vector<model::Reading>& readings);
  void build_filesystems(std::vector<model::Reading>& readings);
  [[nodiscard]] bool devices_changed() const;
  bool read_mounts(ReadBuffer& buffer);

  void read_cpu(ReadBuffer& buffer, std::vector<model::Reading>& readings);
  void read_load(ReadBuffer& buffer, std::vector<model::Reading>& readings);
  void read_memory(ReadBuffer& buffer, std::vector<model::Reading>& readings);
  void read_vmstat(ReadBuffer& buffer, std::vector<model::Reading>& readings);
  void read_pressure(ReadBuffer& buffer, std::vector<model::Reading>& readings);
  void read_system(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings);
  void write_disks(std::vector<model::Reading>& readings);
  void write_interfaces(std::vector<model::Reading>& readings);
  void write_filesystems(std::vector<model::Reading>& readings);
  // Reads `file`; a failure is reported once and makes `block` missing.
  std::optional<std::string_view> text_of(KernelFile& file, ReadBuffer& buffer, std::string_view what);

  FilesystemProbe probe_;
  ProblemList& problems_;
  double tick_s_;  // seconds of one clock tick of /proc/stat
  double page_;    // bytes
  bool built_ = false;
  bool has_swap_ = false;
  unsigned cpus_ = 1;

  KernelFile stat_, loadavg_, meminfo_, vmstat_, diskstats_, net_dev_, mountinfo_, uptime_, descriptors_;
  KernelFile cpu_pressure_, memory_pressure_, io_pressure_;
  bool pressure_ = false;

  Block cpu_block_, processes_block_, load_block_, memory_block_, swap_block_, vm_block_;
  Block system_block_;
  Block cpu_pressure_block_, memory_pressure_block_, io_pressure_block_;
  std::vector<Device> disks_, interfaces_;
  std::vector<Filesystem> filesystems_;
  std::optional<MonoTime> mounts_read_, descriptors_read_;
  std::vector<std::string> mountpoints_;

  ReadBuffer disk_text_, net_text_;  // disk_stats_ and net_stats_ look into them
  std::vector<DiskStats> disk_stats_;
  std::vector<InterfaceStats> net_stats_;
  ProcessMetrics all_processes_;
  ConnectionMetrics connections_;
  HardwareMetrics hardware_;
  CpuTimes highest_;  // of each CPU time so far
};

}  // namespace mien::edge
