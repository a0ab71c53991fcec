#include "edge/drive/place.h"

#include <dirent.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/drive/field_file.h"
#include "edge/drive/request.h"

namespace mien::edge {
namespace {

std::vector<const std::string*> roots_of(const Hierarchies& in) {
  const CgroupMounts& m = in.mounts;
  std::vector<const std::string*> roots;
  for (const std::string* root :
       {&m.unified, &m.named, &m.cpu, &m.cpuacct, &m.memory, &m.blkio, &m.pids, &in.freezer}) {
    bool known = std::any_of(roots.begin(), roots.end(), [&](const std::string* other) { return *other == *root; });
    if (!root->empty() && !known) roots.push_back(root);
  }
  return roots;
}

std::vector<std::string> children_of(const std::string& directory) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()), &::closedir);
  while (dirent* entry = handle ? ::readdir(handle.get()) : nullptr) {
    std::string_view name = entry->d_name;
    if (name != "." && name != ".." &&
        (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK))
      names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A control group of any state that goes by the name; `left` bounds the walk.
std::string find_directory(const std::string& root, const std::string& path, const std::string& unit,
                           std::size_t& left) {
  for (const std::string& child : children_of(path.empty() ? root : root + "/" + path)) {
    if (left == 0) return {};
    --left;
    std::string below = path.empty() ? child : path + "/" + child;
    CgroupRole role = classify_cgroup(below);
    if (role.visit == CgroupRole::Visit::skip) continue;
    if (role.visit == CgroupRole::Visit::instance) {
      if (role.unit == unit) return below;
      continue;
    }
    if (generic_unit(below) == unit) return below;
    bool deeper = std::count(below.begin(), below.end(), '/') + 1 < deepest_cgroup;
    std::string found = deeper ? find_directory(root, below, unit, left) : std::string{};
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

Hierarchies find_hierarchies(const std::string& sys_root) {
  Hierarchies in{.mounts = find_cgroup_mounts(sys_root), .freezer = {}};
  std::string freezer = sys_root + "/fs/cgroup/freezer";
  if (is_there(freezer, "cgroup.procs")) in.freezer = freezer;
  return in;
}

Result<Place> find_place(const std::string& sys_root, const std::string& unit, Presence presence) {
  Place place{.unit = unit, .path = {}, .in = find_hierarchies(sys_root)};
  ProblemList problems;
  auto found = scan_cgroups(place.in.mounts, problems);
  if (auto at = found.find(unit); at != found.end()) {
    place.path = at->second.path;
    return place;
  }
  if (presence == Presence::directory) {
    std::size_t left = most_cgroups;
    for (const std::string* root : roots_of(place.in)) {
      place.path = find_directory(*root, "", unit, left);
      if (!place.path.empty()) return place;
    }
  }
  return drive_error(Code::not_found, cat("no service or container called ", unit, " runs here"));
}

Result<std::string> identity_of(const Place& place) {
  std::string identity;
  for (const std::string* root : roots_of(place.in)) {
    Result<std::uint64_t> inode = inode_of(*root, place.path);
    if (inode) identity += cat(identity.empty() ? "" : "+", *inode);
  }
  if (identity.empty()) return drive_error(Code::not_found, cat("the control group ", place.path, " ended"));
  return identity;
}

bool holds_ourselves(const Place& place, const std::string& proc_root) {
  std::string inside = "/" + place.path;
  std::string text = read_text(proc_root + "/self/cgroup").value_or("");
  for (std::string_view line : split(text, '\n')) {
    std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) colon = line.find(':', colon + 1);
    if (colon == std::string_view::npos) continue;
    std::string_view ours = line.substr(colon + 1);
    if (ours == inside || ours.substr(0, inside.size() + 1) == inside + "/") return true;
  }
  return false;
}

std::vector<std::string> whole_disks(const std::string& sys_root) {
  std::vector<std::string> disks;
  for (const std::string& name : children_of(sys_root + "/block")) {
    std::string base = sys_root + "/block/" + name;
    if (!read_text(base + "/device/uevent") && !read_text(base + "/device/type")) continue;  // loop, ram, zram, dm
    if (auto number = read_text(base + "/dev")) disks.emplace_back(trim(*number));
  }
  return disks;
}

std::vector<std::string> devices_in(std::string_view text) {
  std::vector<std::string> devices;
  for (std::string_view line : split(text, '\n')) {
    std::string_view device = line.substr(0, line.find(' '));
    std::size_t colon = device.find(':');
    if (colon == std::string_view::npos || !parse_integer(device.substr(0, colon)) ||
        !parse_integer(device.substr(colon + 1)))
      continue;
    if (std::find(devices.begin(), devices.end(), device) == devices.end()) devices.emplace_back(device);
  }
  return devices;
}

}  // namespace mien::edge
