// What this host and everything that runs on it is doing: one reading of the kernel per tick.
//
//   auto collector = HostCollector::open({.host = "web-01"});
//   for each tick: use((*collector)->collect(mono_now()));
//
// The first instance is the host; services and containers follow, by name, `other@HOST` last. docs/guide/metrics.md
// lists every metric with its unit, attributes and source.
//
// Contract: `Reading::value` NaN (model::missing) means "not read this tick": the file failed, or it is not its turn.
// Counters are what the kernel counts; a service that starts anew starts at 0. A reading's Series never changes while
// it is there; readings and instances come and go only when layout() grows.
// Ownership: the vector is the collector's and is rewritten by the next collect(). Not thread-safe.
// Errors: none after open. What cannot be read is missing, and problems() says so once, in words.
// Cost: bench/collect_bench.cc; no allocation in a tick in which nothing came or went.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/collect/host_metrics.h"
#include "model/telemetry.h"

namespace mien::edge {

struct CollectOptions {
  std::string host;                               // the instance's name; must not be empty
  std::map<std::string, std::string> identities;  // of the host (edge/host/identity.h)
  std::string proc_root = "/proc";
  std::string sys_root = "/sys";
  FilesystemProbe filesystem_probe = probe_filesystem;
  SocketProbe socket_probe = probe_sockets;
};

struct Owner {
  InstanceName name;
  model::InstanceType type = model::InstanceType::host;
};

class HostCollector {
 public:
  // Errors: invalid (no host name), unavailable (proc_root/stat cannot be read: no proc filesystem is mounted there).
  static Result<std::unique_ptr<HostCollector>> open(CollectOptions options);
  virtual ~HostCollector() = default;

  // Reads everything. `now` decides what is due (filesystems, rare states of
  // connections and hardware every 10 s, new cgroups every 5 s).
  virtual const std::vector<model::InstanceReadings>& collect(MonoTime now) = 0;
  // Grows whenever an instance or reading was added or removed by the last collect().
  [[nodiscard]] virtual std::uint64_t layout() const = 0;
  // What could not be read so far, each once; at most 64.
  [[nodiscard]] virtual const std::vector<std::string>& problems() const = 0;
  // Whose a process is whose control group has this path, below its hierarchy's root: a shown service's or container's,
  // `other@HOST`, or the host's own. A service that began since the last scan is told by its name.
  [[nodiscard]] virtual Owner owner(std::string_view group) const = 0;
  // Services and containers that have ended since the start.
  [[nodiscard]] virtual std::uint64_t ended() const = 0;
  // How often there were too many connections to count: their readings stood at the limit.
  [[nodiscard]] virtual std::uint64_t cut() const = 0;
};

}  // namespace mien::edge
