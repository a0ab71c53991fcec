#include "model/devices.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace mien::model {
namespace {

bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view p) { return name.substr(0, p.size()) == p; });
}
bool ends_in_digit(std::string_view name) { return !name.empty() && name.back() >= '0' && name.back() <= '9'; }

}  // namespace

bool is_whole_disk(std::string_view name) {
  if (starts_with_any(name, {"loop", "ram", "zram", "fd", "sr", "dm-", "md"})) return false;
  if (starts_with_any(name, {"nvme", "mmcblk", "nbd", "pmem"})) {
    // nvme0n1p2, mmcblk0p1, nbd0p1: a p between digits and digits; mmcblk0boot0 is not for data.
    std::size_t p = name.rfind('p');
    bool partition = p != std::string_view::npos && p > 0 && ends_in_digit(name.substr(0, p)) && p + 1 < name.size();
    return !partition && name.find("boot") == std::string_view::npos;
  }
  // sda1, vda1, xvda1, hda1.
  if (starts_with_any(name, {"sd", "vd", "xvd", "hd"})) return !ends_in_digit(name);
  return true;
}

bool is_host_interface(std::string_view name) {
  return name != "lo" &&
         !starts_with_any(name, {"veth",    "docker", "br-",    "virbr",  "vnet",  "tap",    "cali",   "cni",
                                 "flannel", "lxc",    "lxdbr",  "podman", "dummy", "ifb",    "tunl",   "sit",
                                 "gre",     "ip6tnl", "ip6gre", "erspan", "nlmon", "ip_vti", "ip6_vti"});
}

bool is_local_filesystem(std::string_view type) {
  constexpr std::array<std::string_view, 17> local{"ext2",     "ext3",     "ext4",   "xfs",  "btrfs",  "zfs",
                                                   "f2fs",     "vfat",     "exfat",  "ntfs", "ntfs3",  "jfs",
                                                   "reiserfs", "bcachefs", "nilfs2", "ufs",  "hfsplus"};
  return std::find(local.begin(), local.end(), type) != local.end();
}

}  // namespace mien::model
