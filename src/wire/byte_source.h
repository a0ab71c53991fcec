// Bytes that come piece by piece: what the readers of files pull from, so that a file may have any length.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"

namespace mien::wire {

// The next piece, of any size, valid until the next call; empty at the end, and then not called again.
using ByteSource = std::function<Result<std::string_view>()>;

}  // namespace mien::wire
