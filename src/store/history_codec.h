// Telemetry columns into compressed bytes and back, bit for bit (docs/formats/history.md).
//
// Columns of numbers that people would write with a few decimals become integers, their differences small integers,
// and zstd does the rest: about 1.5 bytes a sample. Rates of counters are integers again once multiplied by their
// interval. What fits neither is XORed with the value before it. Every choice is checked by computing the value back,
// so that nothing is ever rounded: NaN, -0.0 and infinities included.
// Errors: encoding, `invalid` (shape, times not ascending, over the limits); decoding, `corrupt` or `unsupported`.
// Decoding is total: any bytes give columns or an error, and never more memory than the limits below allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/telemetry.h"

namespace mien::store {

constexpr std::size_t max_block_values = std::size_t{1} << 22;        // rows * columns of one block
constexpr std::size_t max_block_bytes = std::size_t{64} << 20;        // of one block before compression
constexpr std::size_t max_series_list_bytes = std::size_t{16} << 20;  // of one list of series before compression

// Column-major: column c at row r is values[c * times.size() + r]. times ascend strictly.
struct Columns {
  std::vector<WallTime> times;
  std::size_t count = 0;
  std::vector<double> values;
  // Bitwise, so that missing equals missing.
  friend bool operator==(const Columns& a, const Columns& b);
};

[[nodiscard]] Result<std::string> encode_columns(const Columns& columns);
[[nodiscard]] Result<Columns> decode_columns(std::string_view bytes);
// Only the columns of these numbers (ascending), in that order; the others are skipped unread.
[[nodiscard]] Result<Columns> decode_columns(std::string_view bytes, std::span<const std::size_t> wanted);

// The names of the columns, kept apart because most blocks of an instance share them.
[[nodiscard]] Result<std::string> encode_series_list(const std::vector<model::Series>& series);
[[nodiscard]] Result<std::vector<model::Series>> decode_series_list(std::string_view bytes);

namespace detail {
// The envelope around both: magic, version, zstd, checksum. Apart so that the fuzzer gets past the checksum.
[[nodiscard]] std::string seal(char kind, std::string_view body);
[[nodiscard]] Result<std::string> unseal(char kind, std::string_view bytes, std::size_t largest);
}  // namespace detail

}  // namespace mien::store
