// One small file below a root that is ours to name, read or written in one go. No symbolic link below the root is
// followed, and no part of the path may be "..": what is reached is what the path says.
//
// Errors: not_found (also a control group that just ended), refused (no right), io (the kernel's own words).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::edge {

// The text without blanks around it.
[[nodiscard]] Result<std::string> read_field_file(const std::string& root, std::string_view relative);
// The file must be there.
[[nodiscard]] Status write_field_file(const std::string& root, std::string_view relative, std::string_view value);
// Of a file or directory. Errors: not_found.
[[nodiscard]] Result<std::uint64_t> inode_of(const std::string& root, std::string_view relative);
[[nodiscard]] bool is_there(const std::string& root, std::string_view relative);

}  // namespace mien::edge
