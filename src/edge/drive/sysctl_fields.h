// Kernel settings of the whole host, as `sysctl:KEY`. Only keys whose old value can be put back exactly and that give
// nobody a way to run a program: the lists are in sysctl_fields.cc.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "node/hand.h"

namespace mien::edge {

// Errors: refused (a key that is never touched, or every value stands there already), not_found, invalid.
[[nodiscard]] Result<node::Plan> plan_sysctl(const std::string& proc_root,
                                             const std::map<std::string, std::string>& settings);
// `key` begins with "sysctl:".
[[nodiscard]] Result<std::string> read_sysctl(const std::string& proc_root, std::string_view key);
[[nodiscard]] Status write_sysctl(const std::string& proc_root, std::string_view key, std::string_view value);

}  // namespace mien::edge
