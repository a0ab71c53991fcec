// Which disks, interfaces and filesystems stand for a host: the same answer for what our own collector reads and for
// what other agents send, so that a change of collector changes no baseline.
#pragma once

#include <string_view>

namespace mien::model {

// A disk of its own, neither a partition nor something stacked on disks (device mapper, md, loops, RAM).
[[nodiscard]] bool is_whole_disk(std::string_view name);
// A way out of the host: neither the loopback nor one that stands for a container, a guest or a bridge.
[[nodiscard]] bool is_host_interface(std::string_view name);
// A filesystem on a disk of this host, by its type as the kernel names it.
[[nodiscard]] bool is_local_filesystem(std::string_view type);

}  // namespace mien::model
