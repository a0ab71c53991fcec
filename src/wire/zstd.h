// Zstandard (RFC 8878) over libzstd, for bodies with content-encoding zstd: with the limits that gzip has.
//
// Errors: invalid (not zstd, or cut short), exhausted (would unfold beyond a limit). Pure; cost: one pass.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/gzip.h"

namespace mien::wire {

[[nodiscard]] Result<std::string> unzstd(std::string_view bytes, const GzipLimits& limits = {});
[[nodiscard]] std::string zstd(std::string_view text);

// The body as its content-encoding says: "", "identity", "gzip" or "zstd". `kept` holds what had to be unfolded.
// Errors: unsupported for any other encoding, and as the encodings have them.
[[nodiscard]] Result<std::string_view> unfold(std::string_view content_encoding, std::string_view body,
                                              const GzipLimits& limits, std::string& kept);

}  // namespace mien::wire
