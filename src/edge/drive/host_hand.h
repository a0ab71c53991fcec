// The hand of a Linux host: limits, weights and freezing of services and containers, and sysctl of the host itself.
//
// Targets: `UNIT@HOST` is the control group that the collector calls by that name (collect/cgroup_scan.h); `HOST` is
// the machine, where only `configure` makes sense. Where systemd is process 1 everything about a unit goes through it,
// as runtime properties over D-Bus, and never behind its back; elsewhere the files of cgroup version 2 or 1 are
// written.
//
// Keys and values (the journal keeps them, so they are a format):
//   version 2  cpu.max cpu.weight memory.high memory.max pids.max cgroup.freeze io.weight io.bfq.weight: the file's
//   text,
//              of weights the default's number; io.max:MAJOR:MINOR "rbps=N wbps=N riops=N wiops=N", max for no limit
//   version 1  cpu.cfs_quota_us cpu.shares pids.max freezer.state memory.limit_in_bytes memory.soft_limit_in_bytes
//              blkio.weight blkio.bfq.weight; blkio.throttle.{read,write}_bps_device:MAJOR:MINOR, 0 for no limit
//   systemd    unit:PROPERTY, a number or "infinity" ("[not set]" of weights), and " (runtime)" behind it when a
//   drop-in
//              made at run time says so. Writing a value without it takes that drop-in away again.
//   host       sysctl:KEY, blanks made single
//
// Threads: calls may come from several threads. Nothing is kept between calls but the bus connection. Cost: one walk
// over the control groups for each call, then a file or two, or one to three D-Bus calls of at most ten seconds each
// (thirty for a daemon-reload).
#pragma once

#include <memory>
#include <string>

#include "edge/drive/unit_bus.h"
#include "node/hand.h"

namespace mien::edge {

enum class SystemdUse : std::uint8_t {
  automatic,  // where it is process 1
  never,
  always,
};

struct HostHandOptions {
  std::string host;  // this machine's instance name
  std::string sys_root = "/sys";
  std::string proc_root = "/proc";
  std::string run_root = "/run";
  SystemdUse systemd = SystemdUse::automatic;
  std::unique_ptr<UnitBus> bus = nullptr;  // made when needed where none is given
};

[[nodiscard]] std::unique_ptr<node::Hand> make_host_hand(HostHandOptions options);

// Whether the machine's services are systemd's to change.
[[nodiscard]] bool systemd_runs(const std::string& proc_root, const std::string& run_root);

}  // namespace mien::edge
