#include "edge/collect/host_metrics.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "base/text.h"
#include "model/devices.h"

namespace mien::edge {
namespace {

using Kind = model::Reading::Kind;
using Readings = std::vector<model::Reading>;

constexpr std::array<MetricSpec, 6> cpu_specs{{
    {"system.cpu.utilization", "", "", "1", Kind::busy},
    {"system.cpu.time", "cpu.mode", "user", "s", Kind::counter},
    {"system.cpu.time", "cpu.mode", "system", "s", Kind::counter},
    {"system.cpu.time", "cpu.mode", "interrupt", "s", Kind::counter},
    {"system.cpu.time", "cpu.mode", "iowait", "s", Kind::counter},
    {"system.cpu.time", "cpu.mode", "steal", "s", Kind::counter},
}};
constexpr std::array<MetricSpec, 4> process_specs{{
    {"system.process.count", "status", "running", "{process}", Kind::gauge},
    {"system.process.count", "status", "blocked", "{process}", Kind::gauge},
    {"system.process.created", "", "", "{process}", Kind::counter},
    {"system.linux.context_switches", "", "", "{switch}", Kind::counter},
}};
constexpr std::array<MetricSpec, 4> load_specs{{
    {"system.cpu.load_average.1m", "", "", "{thread}", Kind::gauge},
    {"system.cpu.load_average.5m", "", "", "{thread}", Kind::gauge},
    {"system.cpu.load_average.15m", "", "", "{thread}", Kind::gauge},
    {"system.linux.threads", "", "", "{thread}", Kind::gauge},
}};
constexpr std::array<MetricSpec, 7> memory_specs{{
    {"system.memory.usage", "state", "used", "By", Kind::gauge},
    {"system.memory.usage", "state", "free", "By", Kind::gauge},
    {"system.memory.usage", "state", "cached", "By", Kind::gauge},
    {"system.memory.usage", "state", "buffers", "By", Kind::gauge},
    {"system.memory.utilization", "", "", "1", Kind::gauge},
    {"system.memory.linux.slab.usage", "", "", "By", Kind::gauge},
    {"system.memory.linux.dirty", "", "", "By", Kind::gauge},
}};
constexpr std::array<MetricSpec, 2> swap_specs{{
    {"system.paging.usage", "state", "used", "By", Kind::gauge},
    {"system.paging.utilization", "", "", "1", Kind::gauge},
}};
constexpr std::array<MetricSpec, 5> vm_specs{{
    {"system.paging.faults", "type", "minor", "{fault}", Kind::counter},
    {"system.paging.faults", "type", "major", "{fault}", Kind::counter},
    {"system.paging.operations", "direction", "in", "{operation}", Kind::counter},
    {"system.paging.operations", "direction", "out", "{operation}", Kind::counter},
    {"system.memory.oom_kills", "", "", "{process}", Kind::counter},
}};
// Of the whole machine `full` of CPU is zero by definition (Documentation/accounting/psi.rst).
constexpr std::array<MetricSpec, 1> cpu_pressure_specs{{{"system.linux.pressure.cpu.some", "", "", "1", Kind::busy}}};
constexpr std::array<MetricSpec, 2> memory_pressure_specs{{
    {"system.linux.pressure.memory.some", "", "", "1", Kind::busy},
    {"system.linux.pressure.memory.full", "", "", "1", Kind::busy},
}};
constexpr std::array<MetricSpec, 2> io_pressure_specs{{
    {"system.linux.pressure.io.some", "", "", "1", Kind::busy},
    {"system.linux.pressure.io.full", "", "", "1", Kind::busy},
}};
constexpr std::array<MetricSpec, 2> system_specs{{
    {"system.uptime", "", "", "s", Kind::counter},
    {"system.linux.file_descriptors", "", "", "{descriptor}", Kind::gauge},
}};
constexpr std::array<MetricSpec, 8> disk_specs{{
    {"system.disk.io", "direction", "read", "By", Kind::counter},
    {"system.disk.io", "direction", "write", "By", Kind::counter},
    {"system.disk.operations", "direction", "read", "{operation}", Kind::counter},
    {"system.disk.operations", "direction", "write", "{operation}", Kind::counter},
    {"system.disk.operation_time", "direction", "read", "s", Kind::counter},
    {"system.disk.operation_time", "direction", "write", "s", Kind::counter},
    {"system.disk.io_time", "", "", "s", Kind::counter},
    {"system.disk.weighted_io_time", "", "", "s", Kind::counter},
}};
constexpr std::array<MetricSpec, 8> interface_specs{{
    {"system.network.io", "direction", "receive", "By", Kind::counter},
    {"system.network.io", "direction", "transmit", "By", Kind::counter},
    {"system.network.packet.count", "direction", "receive", "{packet}", Kind::counter},
    {"system.network.packet.count", "direction", "transmit", "{packet}", Kind::counter},
    {"system.network.errors", "direction", "receive", "{error}", Kind::counter},
    {"system.network.errors", "direction", "transmit", "{error}", Kind::counter},
    {"system.network.packet.dropped", "direction", "receive", "{packet}", Kind::counter},
    {"system.network.packet.dropped", "direction", "transmit", "{packet}", Kind::counter},
}};
constexpr std::array<MetricSpec, 3> filesystem_specs{{
    {"system.filesystem.usage", "state", "used", "By", Kind::gauge},
    {"system.filesystem.utilization", "", "", "1", Kind::gauge},
    {"system.filesystem.inodes.utilization", "", "", "1", Kind::gauge},
}};

double number(std::uint64_t value) { return static_cast<double>(value); }
double seconds_of_us(std::uint64_t us) { return number(us) * 1e-6; }
double seconds_of_ms(std::uint64_t ms) { return number(ms) * 1e-3; }
// The share of `part` in `whole`, or missing.
double share(double part, double whole) { return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : model::missing; }
std::uint64_t difference(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

// The kernel lets iowait and idle step back a little (a CPU that goes offline); a counter that falls would look like a
// new start, so each time stays at the highest value seen.
void keep_highest(CpuTimes& highest, const CpuTimes& now) {
  for (auto field : {&CpuTimes::user, &CpuTimes::nice, &CpuTimes::system, &CpuTimes::iowait, &CpuTimes::irq,
                     &CpuTimes::softirq, &CpuTimes::steal}) {
    highest.*field = std::max(highest.*field, now.*field);
  }
}

}  // namespace

std::optional<FilesystemUsage> probe_filesystem(const std::string& mountpoint) {
  struct statvfs stat {};
  if (::statvfs(mountpoint.c_str(), &stat) != 0) return std::nullopt;
  double block = static_cast<double>(stat.f_frsize);
  return FilesystemUsage{.total = number(stat.f_blocks) * block,
                         .free = number(stat.f_bfree) * block,
                         .available = number(stat.f_bavail) * block,
                         .files = number(stat.f_files),
                         .files_free = number(stat.f_ffree)};
}

HostMetrics::HostMetrics(const std::string& proc_root, const std::string& sys_root, Probes probes,
                         ProblemList& problems)
    : probe_(std::move(probes.filesystem)),
      problems_(problems),
      tick_s_(1.0 / static_cast<double>(std::max(1L, ::sysconf(_SC_CLK_TCK)))),
      page_(static_cast<double>(std::max(1L, ::sysconf(_SC_PAGESIZE)))),
      stat_(proc_root + "/stat"),
      loadavg_(proc_root + "/loadavg"),
      meminfo_(proc_root + "/meminfo"),
      vmstat_(proc_root + "/vmstat", short_records),
      diskstats_(proc_root + "/diskstats", long_records),
      net_dev_(proc_root + "/net/dev", long_records),
      mountinfo_(proc_root + "/self/mountinfo", any_records),
      uptime_(proc_root + "/uptime"),
      descriptors_(proc_root + "/sys/fs/file-nr"),
      cpu_pressure_(proc_root + "/pressure/cpu"),
      memory_pressure_(proc_root + "/pressure/memory"),
      io_pressure_(proc_root + "/pressure/io"),
      all_processes_(proc_root),
      connections_(proc_root, std::move(probes.sockets)),
      hardware_(sys_root) {}

std::optional<std::string_view> HostMetrics::text_of(KernelFile& file, ReadBuffer& buffer, std::string_view what) {
  auto text = file.read(buffer);
  if (!text) problems_.add_unreadable(file.path(), file.error(), what);
  return text;
}

bool HostMetrics::read(MonoTime now, ReadBuffer& buffer, Readings& readings) {
  if (auto text = text_of(diskstats_, disk_text_, "disk traffic")) parse_diskstats(*text, disk_stats_);
  else disk_stats_.clear();
  if (auto text = text_of(net_dev_, net_text_, "network traffic")) parse_net_dev(*text, net_stats_);
  else net_stats_.clear();
  bool mounts_due = !mounts_read_ || now - *mounts_read_ >= filesystem_interval;
  bool mounts_changed = false;
  if (mounts_due) {
    mounts_read_ = now;
    mounts_changed = read_mounts(buffer);
  }

  bool rebuilt = !built_ || mounts_changed || devices_changed();
  if (!built_) {
    // Looked at again when swap is switched on or off; pressure is there since boot or not at all.
    pressure_ = text_of(cpu_pressure_, buffer, "pressure (PSI)").has_value();
    auto text = meminfo_.read(buffer);
    auto memory = text ? parse_meminfo(*text) : std::nullopt;
    has_swap_ = memory && memory->swap_total > 0;
  }
  if (rebuilt) build(readings);

  read_cpu(buffer, readings);
  read_load(buffer, readings);
  read_memory(buffer, readings);
  read_vmstat(buffer, readings);
  if (pressure_) read_pressure(buffer, readings);
  read_system(now, buffer, readings);
  all_processes_.read(now, buffer, readings);
  connections_.read(now, buffer, readings);
  hardware_.read(now, buffer, readings);
  write_disks(readings);
  write_interfaces(readings);
  if (mounts_due || rebuilt) write_filesystems(readings);
  return rebuilt;
}

void HostMetrics::build(Readings& readings) {
  readings.clear();
  cpu_block_ = add_block(readings, cpu_specs);
  processes_block_ = add_block(readings, process_specs);
  load_block_ = add_block(readings, load_specs);
  memory_block_ = add_block(readings, memory_specs);
  if (has_swap_) swap_block_ = add_block(readings, swap_specs);
  vm_block_ = add_block(readings, vm_specs);
  if (pressure_) {
    cpu_pressure_block_ = add_block(readings, cpu_pressure_specs);
    memory_pressure_block_ = add_block(readings, memory_pressure_specs);
    io_pressure_block_ = add_block(readings, io_pressure_specs);
  }
  system_block_ = add_block(readings, system_specs);
  descriptors_read_.reset();
  all_processes_.build(readings);
  connections_.build(readings);
  hardware_.build(readings);
  build_devices(readings);
  build_filesystems(readings);
  built_ = true;
}

namespace {

std::uint64_t traffic(const DiskStats& disk) { return disk.sectors_read + disk.sectors_written; }
std::uint64_t traffic(const InterfaceStats& device) { return device.received_bytes + device.sent_bytes; }

// The `most` busiest of the wanted ones, as marks beside `stats`. Ties go to the one that is listed first.
template <class Stats, class Wanted>
std::vector<bool> choose(const std::vector<Stats>& stats, std::size_t most, Wanted wanted) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < stats.size(); ++i) {
    if (wanted(stats[i].name) && traffic(stats[i]) > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return traffic(stats[a]) > traffic(stats[b]); });
  if (order.size() > most) order.resize(most);
  std::vector<bool> chosen(stats.size(), false);
  for (std::size_t i : order) chosen[i] = true;
  return chosen;
}

}  // namespace

void HostMetrics::build_devices(Readings& readings) {
  auto layout = [&](const auto& stats, std::size_t most, auto wanted, std::span<const MetricSpec> specs,
                    std::string_view what) {
    std::vector<Device> devices;
    std::vector<bool> chosen = choose(stats, most, wanted);
    std::size_t left = 0;
    for (std::size_t i = 0; i < stats.size(); ++i) {
      Device device{.name = std::string(stats[i].name), .block = std::nullopt, .idle = false};
      if (chosen[i]) device.block = add_block(readings, specs, {{"device", device.name}});
      else if (wanted(stats[i].name))
        (traffic(stats[i]) == 0 ? static_cast<void>(device.idle = true) : static_cast<void>(++left));
      devices.push_back(std::move(device));
    }
    if (left > 0)
      problems_.add(
          cat("more than ", most, ' ', what, " on this host: those with the least traffic are not collected"));
    return devices;
  };
  disks_ = layout(disk_stats_, most_disks, model::is_whole_disk, disk_specs, "disks");
  interfaces_ = layout(net_stats_, most_interfaces, model::is_host_interface, interface_specs, "network interfaces");
}

bool HostMetrics::devices_changed() const {
  auto differs = [](const auto& stats, const std::vector<Device>& devices) {
    if (stats.size() != devices.size()) return true;
    for (std::size_t i = 0; i < stats.size(); ++i) {
      if (stats[i].name != devices[i].name) return true;
      if (devices[i].idle && traffic(stats[i]) > 0) return true;
    }
    return false;
  };
  // A file that cannot be read now (empty stats) leaves the layout: its readings are missing, not gone.
  return (!disk_stats_.empty() && differs(disk_stats_, disks_)) ||
         (!net_stats_.empty() && differs(net_stats_, interfaces_));
}

bool HostMetrics::read_mounts(ReadBuffer& buffer) {
  auto text = text_of(mountinfo_, buffer, "filesystem usage");
  if (!text) return false;
  std::vector<Mount> mounts = parse_mountinfo(*text);
  // One filesystem is listed for each of its mounts: the one of its root with the shortest path stands for it.
  std::stable_sort(mounts.begin(), mounts.end(), [](const Mount& a, const Mount& b) {
    return std::pair(a.root != "/", a.mountpoint.size()) < std::pair(b.root != "/", b.mountpoint.size());
  });
  std::set<std::string> devices;
  std::vector<std::string> found;
  std::size_t left = 0;
  for (const Mount& mount : mounts) {
    if (!model::is_local_filesystem(mount.type) || !devices.insert(mount.device).second) continue;
    if (found.size() < most_filesystems) found.push_back(mount.mountpoint);
    else ++left;
  }
  if (left > 0)
    problems_.add(
        cat("more than ", most_filesystems, " filesystems on this host: the deepest mounted are not collected"));
  std::sort(found.begin(), found.end());
  if (found == mountpoints_) return false;
  mountpoints_ = std::move(found);
  return true;
}

void HostMetrics::build_filesystems(Readings& readings) {
  filesystems_.clear();
  for (const std::string& mountpoint : mountpoints_) {
    filesystems_.push_back(
        {.mountpoint = mountpoint, .block = add_block(readings, filesystem_specs, {{"mountpoint", mountpoint}})});
  }
}

void HostMetrics::read_cpu(ReadBuffer& buffer, Readings& readings) {
  auto text = text_of(stat_, buffer, "CPU time");
  auto times = text ? parse_stat(*text) : std::nullopt;
  if (!times) {
    if (text) problems_.add(stat_.path() + ": no line that begins with cpu; CPU time is not collected");
    set_missing(readings, cpu_block_);
    set_missing(readings, processes_block_);
    return;
  }
  cpus_ = times->cpus;
  keep_highest(highest_, *times);
  const CpuTimes& t = highest_;
  // Utilisation is what the CPUs worked for this machine: neither waiting for a disk nor what the hypervisor took.
  double user = number(t.user + t.nice) * tick_s_;
  double system = number(t.system) * tick_s_;
  double interrupt = number(t.irq + t.softirq) * tick_s_;
  set_block(
      readings, cpu_block_,
      {user + system + interrupt, user, system, interrupt, number(t.iowait) * tick_s_, number(t.steal) * tick_s_});
  readings[cpu_block_.first].capacity = cpus_;
  set_block(readings, processes_block_,
            {number(times->processes_running), number(times->processes_blocked), number(times->processes_created),
             number(times->context_switches)});
}

void HostMetrics::read_load(ReadBuffer& buffer, Readings& readings) {
  auto text = text_of(loadavg_, buffer, "load average");
  auto load = text ? parse_loadavg(*text) : std::nullopt;
  if (!load) return set_missing(readings, load_block_);
  set_block(readings, load_block_, {load->one, load->five, load->fifteen, number(load->threads)});
}

void HostMetrics::read_memory(ReadBuffer& buffer, Readings& readings) {
  auto text = text_of(meminfo_, buffer, "memory usage");
  auto memory = text ? parse_meminfo(*text) : std::nullopt;
  if (!memory) {
    set_missing(readings, memory_block_);
    if (has_swap_) set_missing(readings, swap_block_);
    return;
  }
  // As the OpenTelemetry conventions define it on Linux: used = MemTotal - MemAvailable.
  double used = number(difference(memory->total, memory->available));
  set_block(
      readings, memory_block_,
      {used, number(memory->free), number(memory->cached), number(memory->buffers), share(used, number(memory->total)),
       number(memory->slab_reclaimable + memory->slab_unreclaimable), number(memory->dirty)});
  if (has_swap_ != (memory->swap_total > 0)) built_ = false;
  if (!has_swap_) return;
  double swap_used = number(difference(memory->swap_total, memory->swap_free));
  set_block(readings, swap_block_, {swap_used, share(swap_used, number(memory->swap_total))});
}

void HostMetrics::read_vmstat(ReadBuffer& buffer, Readings& readings) {
  auto text = text_of(vmstat_, buffer, "paging");
  auto events = text ? parse_vmstat(*text) : std::nullopt;
  if (!events) return set_missing(readings, vm_block_);
  set_block(readings, vm_block_,
            {number(difference(events->faults, events->major_faults)), number(events->major_faults),
             number(events->swapped_in), number(events->swapped_out), number(events->oom_kills)});
}

void HostMetrics::read_pressure(ReadBuffer& buffer, Readings& readings) {
  auto pressure_of = [&](KernelFile& file) {
    auto text = text_of(file, buffer, "pressure (PSI)");
    return text ? parse_pressure(*text) : std::nullopt;
  };
  if (auto cpu = pressure_of(cpu_pressure_)) set_block(readings, cpu_pressure_block_, {seconds_of_us(cpu->some_us)});
  else set_missing(readings, cpu_pressure_block_);
  for (auto [file, block] :
       {std::pair(&memory_pressure_, memory_pressure_block_), std::pair(&io_pressure_, io_pressure_block_)}) {
    if (auto stalled = pressure_of(*file)) {
      set_block(readings, block, {seconds_of_us(stalled->some_us), seconds_of_us(stalled->full_us)});
    } else {
      set_missing(readings, block);
    }
  }
}

// Open descriptors are summed over all CPUs when they are asked for, so not at every tick.
void HostMetrics::read_system(MonoTime now, ReadBuffer& buffer, Readings& readings) {
  auto first_number = [&](KernelFile& file, std::string_view what) {
    auto text = text_of(file, buffer, what);
    std::string_view line = text ? *text : std::string_view{};
    return parse_double(next_word(line)).value_or(model::missing);
  };
  readings[system_block_.first].value = first_number(uptime_, "uptime");
  if (descriptors_read_ && now - *descriptors_read_ < descriptors_interval) return;
  descriptors_read_ = now;
  readings[system_block_.first + 1].value = first_number(descriptors_, "the number of open descriptors");
}

void HostMetrics::write_disks(Readings& readings) {
  constexpr double sector = 512;  // the unit of diskstats, whatever the disk's own sector is
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    if (!disks_[i].block) continue;
    if (i >= disk_stats_.size()) {
      set_missing(readings, *disks_[i].block);
      continue;
    }
    const DiskStats& d = disk_stats_[i];
    set_block(
        readings, *disks_[i].block,
        {number(d.sectors_read) * sector, number(d.sectors_written) * sector, number(d.reads), number(d.writes),
         seconds_of_ms(d.read_ms), seconds_of_ms(d.write_ms), seconds_of_ms(d.busy_ms), seconds_of_ms(d.queued_ms)});
  }
}

void HostMetrics::write_interfaces(Readings& readings) {
  for (std::size_t i = 0; i < interfaces_.size(); ++i) {
    if (!interfaces_[i].block) continue;
    if (i >= net_stats_.size()) {
      set_missing(readings, *interfaces_[i].block);
      continue;
    }
    const InterfaceStats& n = net_stats_[i];
    set_block(readings, *interfaces_[i].block,
              {number(n.received_bytes), number(n.sent_bytes), number(n.received_packets), number(n.sent_packets),
               number(n.receive_errors), number(n.send_errors), number(n.receive_dropped), number(n.send_dropped)});
  }
}

void HostMetrics::write_filesystems(Readings& readings) {
  for (const Filesystem& filesystem : filesystems_) {
    auto usage = probe_(filesystem.mountpoint);
    if (!usage) {
      problems_.add_unreadable(filesystem.mountpoint, errno, "the usage of this filesystem");
      set_missing(readings, filesystem.block);
      continue;
    }
    // As df counts: what is kept for root is neither used nor available.
    double used = usage->total - usage->free;
    set_block(readings, filesystem.block,
              {used, share(used, used + usage->available), share(usage->files - usage->files_free, usage->files)});
  }
}

}  // namespace mien::edge
