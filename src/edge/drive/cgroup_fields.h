// Limits, weights and freezing as files of a control group, version 2 or 1. What may be read and written is the list
// of known files in cgroup_fields.cc; each value is checked against its file's form before it is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "edge/drive/place.h"
#include "edge/drive/request.h"
#include "node/hand.h"

namespace mien::edge {

// The fields that a request comes to, without the identity. A field that is held back more than asked already is left
// out; a request of nothing else is refused. Errors: unsupported (no such controller here), refused, not_found.
[[nodiscard]] Result<node::Plan> plan_cgroup(const Place& place, const Request& request, const std::string& sys_root);

[[nodiscard]] Result<std::string> read_cgroup(const Place& place, std::string_view key);
[[nodiscard]] Status write_cgroup(const Place& place, std::string_view key, std::string_view value);

// Why a verb can not work with what is mounted; nothing when some of it does.
[[nodiscard]] std::optional<std::string> why_not_by_cgroup(const Hierarchies& in, model::Verb verb);

// ---- shared with the way through systemd ----
struct MemoryLimits {
  std::uint64_t high = 0, max = 0;  // bytes, whole pages
  std::string note;                 // where more is in use than asked
};
// Reclaim comes first, the kernel's killer a tenth later, and never at what is in use already.
[[nodiscard]] MemoryLimits memory_limits(std::uint64_t wanted, std::uint64_t in_use);

}  // namespace mien::edge
