// The seccomp filter of the manager.
#pragma once

#include "base/result.h"

namespace mien::edge::detail {

// From now on this thread and its children get EPERM for what a server never does and a taken-over one would.
Status deny_system_calls();

}  // namespace mien::edge::detail
