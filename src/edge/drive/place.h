// Where a target is: its control group in every hierarchy that is mounted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/collect/cgroup_scan.h"

namespace mien::edge {

// The mounted hierarchies: the collector's, and the freezer, which only a hand needs.
struct Hierarchies {
  CgroupMounts mounts;
  std::string freezer;  // version 1
};
[[nodiscard]] Hierarchies find_hierarchies(const std::string& sys_root);

struct Place {
  std::string unit;  // as in the target's name
  std::string path;  // below each hierarchy's root: "system.slice/nginx.service"
  Hierarchies in;
};

enum class Presence : std::uint8_t {
  running,    // as the collector finds it: it is there and, where no init says what is a service, has processes
  directory,  // its directory is enough: what was written there is still there when its last process has ended
};
// Errors: not_found.
[[nodiscard]] Result<Place> find_place(const std::string& sys_root, const std::string& unit, Presence presence);

// The inodes of its directories, which are new ones after it ended and came back. Errors: not_found.
[[nodiscard]] Result<std::string> identity_of(const Place& place);

// This program, or what started it, runs in there.
[[nodiscard]] bool holds_ourselves(const Place& place, const std::string& proc_root);

// Whole disks with a device behind them, as "8:0": what a limit is for where it is not known what is used.
[[nodiscard]] std::vector<std::string> whole_disks(const std::string& sys_root);
// The devices in a file whose lines begin with them, like io.stat. Each once.
[[nodiscard]] std::vector<std::string> devices_in(std::string_view text);

}  // namespace mien::edge
