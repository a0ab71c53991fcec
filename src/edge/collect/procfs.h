// The text files of /proc as values. Pure functions: text in, numbers out, no file and no allocation per line once the
// caller's vectors have grown. Outside text, so nothing here trusts it: what is malformed gives nothing, a line that
// cannot be read is skipped, numbers beyond 64 bits are refused.
//
// Field meanings: proc(5), Documentation/admin-guide/iostats.rst, Documentation/accounting/psi.rst of the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mien::edge {

// Cuts the next line off `text`, without its end; false when there is none left.
bool next_line(std::string_view& text, std::string_view& line);
// Cuts the next word (between spaces and tabs) off `line`; empty when there is none left.
std::string_view next_word(std::string_view& line);
// The whole word as a number.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view word);

// /proc/stat. CPU times in clock ticks, summed over all CPUs; guest time is inside user.
struct CpuTimes {
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  unsigned cpus = 0;  // online
  std::uint64_t context_switches = 0;
  std::uint64_t processes_created = 0;
  std::uint64_t processes_running = 0;
  std::uint64_t processes_blocked = 0;
};
[[nodiscard]] std::optional<CpuTimes> parse_stat(std::string_view text);

// /proc/PID/stat: the letter of its state, behind a name that may hold anything.
[[nodiscard]] std::optional<char> parse_process_state(std::string_view text);

// /proc/loadavg.
struct LoadAverage {
  double one = 0, five = 0, fifteen = 0;
  std::uint64_t threads = 0;  // all scheduling entities, running or not
};
[[nodiscard]] std::optional<LoadAverage> parse_loadavg(std::string_view text);

// /proc/meminfo, in bytes. `available` falls back to free + buffers + cached on kernels before 3.14.
struct MemoryInfo {
  std::uint64_t total = 0, free = 0, available = 0, buffers = 0, cached = 0, slab_reclaimable = 0;
  std::uint64_t slab_unreclaimable = 0, dirty = 0, swap_total = 0, swap_free = 0;
};
[[nodiscard]] std::optional<MemoryInfo> parse_meminfo(std::string_view text);

// /proc/vmstat, events since boot; swap in pages.
struct VmEvents {
  std::uint64_t faults = 0, major_faults = 0, swapped_in = 0, swapped_out = 0, oom_kills = 0;
};
[[nodiscard]] std::optional<VmEvents> parse_vmstat(std::string_view text);

// One line of /proc/diskstats. `name` looks into the text that was parsed.
struct DiskStats {
  std::string_view name;
  std::uint64_t reads = 0, sectors_read = 0, read_ms = 0;
  std::uint64_t writes = 0, sectors_written = 0, write_ms = 0;
  std::uint64_t busy_ms = 0;
  std::uint64_t queued_ms = 0;  // each waiting operation counts: its rate is the length of the queue
};
void parse_diskstats(std::string_view text, std::vector<DiskStats>& out);

// One line of /proc/net/dev. `name` looks into the text that was parsed.
struct InterfaceStats {
  std::string_view name;
  std::uint64_t received_bytes = 0, received_packets = 0, receive_errors = 0, receive_dropped = 0;
  std::uint64_t sent_bytes = 0, sent_packets = 0, send_errors = 0, send_dropped = 0;
};
void parse_net_dev(std::string_view text, std::vector<InterfaceStats>& out);

// "TCP: inuse 5 orphan 0 tw 3": of /proc/net/sockstat, what stands behind `field` in the line of `protocol`.
[[nodiscard]] std::optional<std::uint64_t> find_socket_count(std::string_view text, std::string_view protocol,
                                                             std::string_view field);
// Tcp's CurrEstab of /proc/net/snmp: established, and closed by the other side only.
[[nodiscard]] std::optional<std::uint64_t> parse_established(std::string_view text);

// /proc/pressure/* and a cgroup's *.pressure: microseconds stalled since boot.
struct Pressure {
  std::uint64_t some_us = 0;
  std::uint64_t full_us = 0;
};
[[nodiscard]] std::optional<Pressure> parse_pressure(std::string_view text);

// One line of /proc/self/mountinfo, octal escapes resolved.
struct Mount {
  std::string device;      // "8:1"
  std::string root;        // what of the filesystem is mounted: "/" unless a bind mount or subvolume
  std::string mountpoint;  // "/mnt/data"
  std::string type;        // "ext4"
  bool read_only = false;
};
[[nodiscard]] std::vector<Mount> parse_mountinfo(std::string_view text);

}  // namespace mien::edge
