// How many processes there are: all of them at every tick, and by state now and then.
//
// The kernel says their number for the price of one stat(2): the links of /proc are its own directories and one for
// each process. States take a file of each process, so they are walked: a share of them a tick, each round begun the
// later the more there are. As everywhere in /proc/stat and loadavg, processes of all namespaces count.
//
// Not thread-safe. Cost: 1 us a tick; a round 9 us a process, so at most 0.03 % of one core.
#pragma once

#include <dirent.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/collect/block.h"
#include "edge/collect/kernel_file.h"

namespace mien::edge {

// A round of states begins this long after the last one did, for each thousand processes begun.
constexpr Duration process_interval = 30s;
constexpr std::size_t processes_per_tick = 256;

class ProcessMetrics {
 public:
  explicit ProcessMetrics(std::string proc_root);

  void build(std::vector<model::Reading>& readings);
  void read(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings);

 private:
  // What a walk has found so far.
  struct Found {
    std::uint64_t directories = 0;  // that are no process
    std::uint64_t processes = 0;
    std::uint64_t sleeping = 0, idle = 0, stopped = 0, zombies = 0;
  };
  void walk(ReadBuffer& buffer, std::vector<model::Reading>& readings);
  void finish(std::vector<model::Reading>& readings);
  [[nodiscard]] double all() const;

  std::string proc_root_;
  Block block_;
  std::unique_ptr<DIR, int (*)(DIR*)> directory_;
  Found found_;
  std::optional<Found> last_;  // of the last round that came to its end
  std::optional<MonoTime> begun_;
};

}  // namespace mien::edge
