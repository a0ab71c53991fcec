// A small file written whole or not at all: new name, fsync, rename. Mode 0600.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::edge {

// Errors: exhausted (disk full), io; the old file is untouched then.
Status replace_file(const std::string& path, std::string_view bytes);

}  // namespace mien::edge
