// rooms: edge
// Every parser of /proc, /sys and cgroup text: no crash, no read past the end, nothing that is not a number.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "edge/collect/cgroupfs.h"
#include "edge/collect/procfs.h"
#include "edge/runtime/start_up_pages.h"

using namespace mien::edge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto inside = [&](std::string_view part) {
    return part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size();
  };
  if (auto stat = parse_stat(text)) CHECK(stat->cpus > 0);
  if (auto load = parse_loadavg(text)) CHECK(load->one >= 0 && load->five >= 0 && load->fifteen >= 0);
  static_cast<void>(parse_process_state(text));
  if (auto memory = parse_meminfo(text)) CHECK(memory->total > 0);
  static_cast<void>(parse_vmstat(text));
  static_cast<void>(parse_pressure(text));
  static_cast<void>(parse_established(text));
  static_cast<void>(find_socket_count(text, "TCP:", "tw"));
  std::vector<DiskStats> disks;
  parse_diskstats(text, disks);
  for (const DiskStats& disk : disks) CHECK(!disk.name.empty() && inside(disk.name));
  std::vector<InterfaceStats> devices;
  parse_net_dev(text, devices);
  for (const InterfaceStats& device : devices) CHECK(!device.name.empty() && inside(device.name));
  for (const Mount& mount : parse_mountinfo(text)) CHECK(!mount.type.empty());

  for (const AddressRange& range : unchanged_file_mappings(text)) CHECK(range.begin < range.end);

  static_cast<void>(parse_cpu_stat(text));
  static_cast<void>(parse_single(text));
  static_cast<void>(parse_io_stat(text));
  static_cast<void>(parse_blkio(text));
  static_cast<void>(find_count(text, "inactive_file"));
  CgroupRole role = classify_cgroup(text);
  CHECK((role.visit == CgroupRole::Visit::instance) == !role.unit.empty());
  CHECK(role.unit.size() <= 140 && role.unit.find('/') == std::string::npos);
  CHECK(generic_unit(text).find('/') == std::string::npos);
  return 0;
}
