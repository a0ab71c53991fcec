// A small file written whole or not at all: a new one beside it, synced, renamed over it, the directory synced. Always
// mode 0600, so that it may hold a secret; a link under either name is replaced, never followed. One writer per path.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::edge {

// Errors: exhausted (disk full), not_found (no such directory), io. The old file is untouched then, unless it was only
// the directory that could not be synced.
Status replace_file(const std::string& path, std::string_view bytes);

}  // namespace mien::edge
