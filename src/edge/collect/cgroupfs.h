// The text files of cgroups, version 2 and 1, as values; and which cgroups are services and containers. Pure functions
// over outside text (procfs.h says how they treat what is malformed).
//
// Field meanings: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/telemetry.h"

namespace mien::edge {

// The number behind `key` in "key number" lines (cpu.stat, memory.stat, memory.events, cpuacct.stat).
[[nodiscard]] std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key);
// A file of one number. "max" is no number.
[[nodiscard]] std::optional<std::uint64_t> parse_single(std::string_view text);

struct CgroupCpu {
  std::uint64_t usage_us = 0, user_us = 0, system_us = 0;
  std::optional<std::uint64_t> throttled_us;  // only where the cpu controller is enabled
};
[[nodiscard]] std::optional<CgroupCpu> parse_cpu_stat(std::string_view text);

// Summed over all devices. io.stat counts a stacked device (dm on sda) at both levels.
struct CgroupIo {
  std::uint64_t read_bytes = 0, written_bytes = 0, reads = 0, writes = 0;
};
[[nodiscard]] CgroupIo parse_io_stat(std::string_view text);
// blkio.throttle.io_service_bytes or io_serviced of version 1: "8:0 Read 4096".
struct BlkioTotals {
  std::uint64_t read = 0, write = 0;
};
[[nodiscard]] BlkioTotals parse_blkio(std::string_view text);

// What a cgroup is to us, by its path below the hierarchy's root ("system.slice/nginx.service").
struct CgroupRole {
  enum class Visit : unsigned char {
    descend,   // nothing itself; look at its children
    instance,  // one instance; its children belong to it
    skip,      // neither it nor its children
  };
  Visit visit = Visit::descend;
  std::string unit;  // "nginx.service", "docker-4f3c0a1b2c3d", "lxc-web", "qemu-db"
  model::InstanceType type = model::InstanceType::service;
  std::string container_id;  // the whole id
};
[[nodiscard]] CgroupRole classify_cgroup(std::string_view path);
// The unit's name of a leaf that follows no known convention: "jobs/build" becomes "jobs-build", long ids are
// shortened.
[[nodiscard]] std::string generic_unit(std::string_view path);

}  // namespace mien::edge
