// CRC-32C (Castagnoli; RFC 3720 appendix B.4): notices damage in stored rows and blobs. Not a defence against people:
// that is what the audit's hash chain is for. Cost: about 1.5 GB/s, no tables to set up at run time.
#pragma once

#include <cstdint>
#include <string_view>

namespace mien::store {

// Continues from `before`, the checksum of what came earlier (0: nothing did).
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace mien::store
