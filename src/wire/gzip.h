// gzip (RFC 1952) over zlib, with the limits that outside bytes need: a small body must not become a large one.
//
// Errors: invalid (not gzip, or cut short; names the byte offset), exhausted (would unfold beyond a limit).
// Pure; cost: one pass, output grown by doubling.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/quantity.h"
#include "base/result.h"
#include "wire/byte_source.h"

namespace mien::wire {

struct GzipLimits {
  Bytes max_output{64U << 20U};
  // How many bytes one compressed byte may become; honest telemetry that repeats itself reaches 100 to 200, a bomb
  // 1,000. Not applied to the first `ratio_free` bytes, which any honest repetition may fill.
  std::uint32_t max_ratio = 500;
  Bytes ratio_free{1U << 20U};
};

// Several gzip members one after the other are one text, as the RFC says.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, const GzipLimits& limits = {});

// Unfolds piece by piece in constant memory: for files, which may be as large as they like, so without those limits.
class GunzipReader {
 public:
  explicit GunzipReader(ByteSource packed);
  ~GunzipReader();
  // Up to 64 KiB, valid until the next call; empty at the end. What can be unfolded comes out before more is asked for.
  // Errors: invalid (not gzip, or cut short; names the byte offset), and those of `packed`.
  [[nodiscard]] Result<std::string_view> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Level 1: telemetry repeats itself so much that more effort buys little. The same text gives the same bytes.
[[nodiscard]] std::string gzip(std::string_view text);

}  // namespace mien::wire
