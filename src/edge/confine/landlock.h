// Landlock by its system calls: libc has no words for it, and its header differs between the machines we build on.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace mien::edge::detail {

// The kernel's Landlock version; 0 when it is absent or switched off.
int landlock_abi();
// From now on this thread and its children reach only these paths. Paths that do not exist are skipped. Never
// execution.
Status landlock_restrict(const std::vector<std::string>& read_paths, const std::vector<std::string>& write_paths);

}  // namespace mien::edge::detail
