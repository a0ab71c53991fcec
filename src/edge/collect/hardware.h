// What the machine's own sensors say, where it has some: temperatures and the processors' frequency, every ten seconds.
//
// Which there are is looked up once, at the start. Not thread-safe. Cost: a file each; some need a transaction on a
// slow bus, so they are not asked more often.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "edge/collect/block.h"
#include "edge/collect/kernel_file.h"

namespace mien::edge {

constexpr std::size_t most_temperatures = 32;
constexpr std::size_t most_frequencies = 16;  // processors that stand for all
constexpr Duration hardware_interval = 10s;

class HardwareMetrics {
 public:
  explicit HardwareMetrics(const std::string& sys_root);

  void build(std::vector<model::Reading>& readings);
  void read(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings);

 private:
  struct Temperature {
    std::string id;
    KernelFile file;
    Block block;
  };
  void find_monitors(const std::string& root);
  void find_zones(const std::string& root);
  void add_temperature(std::string id, std::string path);

  std::vector<Temperature> temperatures_;
  std::vector<KernelFile> frequencies_;
  Block frequency_;
  std::optional<MonoTime> read_at_;
};

}  // namespace mien::edge
