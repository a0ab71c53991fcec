// Names of system calls by number, of this machine's architecture: "ptrace"; "call-999" for one that is not known.
#pragma once

#include <cstdint>
#include <string>

namespace mien::edge {

[[nodiscard]] std::string call_name(std::uint32_t number);

}  // namespace mien::edge
