#include "store/history_codec.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/codec.h"
#include "base/text.h"
#include "store/checksum.h"

namespace mien::store {

namespace {

constexpr int zstd_level = 1;
constexpr std::string_view magic = "MH";
constexpr char version = 1;
constexpr std::size_t head_size = 4;  // magic, version, kind
constexpr std::size_t sum_size = 4;
constexpr char columns_kind = 'c';
constexpr char series_kind = 's';

// A column's first byte: how it is kept, how many decimals, whether a bitmap of present rows follows.
enum class Method : std::uint8_t { constant = 0, decimal = 1, rate = 2, bits = 3 };
constexpr unsigned decimals_shift = 2;
constexpr unsigned has_missing = 0x80;
constexpr std::size_t most_decimals = 9;
constexpr std::array<double, most_decimals + 1> power{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr double largest_integer = 9007199254740992.0;  // 2^53

Error invalid(std::string message) {
  return {.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}
Error corrupt(std::string message) {
  return {.code = Code::corrupt, .message = std::move(message), .where = {}, .cause = {}};
}

constexpr std::uint64_t zigzag(std::int64_t x) {
  return (static_cast<std::uint64_t>(x) << 1) ^ static_cast<std::uint64_t>(x >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t x) { return static_cast<std::int64_t>((x >> 1) ^ (0 - (x & 1))); }

const std::uint64_t missing_bits = std::bit_cast<std::uint64_t>(model::missing);
bool is_missing(double x) { return std::bit_cast<std::uint64_t>(x) == missing_bits; }
bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

// The integer that gives `value` back when divided by `scale`, then by `seconds`; nothing when none does exactly.
std::optional<std::int64_t> integer_of(double value, double scale, double seconds) {
  const double scaled = value * scale * seconds;
  if (!(std::fabs(scaled) < largest_integer)) return std::nullopt;
  const auto k = static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
  if (!same_bits(static_cast<double>(k) / scale / seconds, value)) return std::nullopt;
  return k;
}

// One column's present values, and for each the seconds since the row before (for rates).
struct Present {
  std::vector<double> values;
  std::vector<double> seconds;
};

struct Scaled {
  std::size_t decimals = 0;
  std::vector<std::int64_t> integers;  // of an exception: the one before it
  std::vector<std::size_t> exceptions;
};

// All values as integers with as few decimals as fit; nothing when too many of them resist.
std::optional<Scaled> scale(const Present& present, Method method) {
  Scaled scaled;
  const std::size_t n = present.values.size();
  const std::size_t tolerated = 1 + n / 16;
  scaled.integers.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double seconds = method == Method::rate ? present.seconds[i] : 1.0;
    std::size_t decimals = scaled.decimals;
    auto k = integer_of(present.values[i], power[decimals], seconds);
    while (!k && decimals < most_decimals) k = integer_of(present.values[i], power[++decimals], seconds);
    if (k && decimals > scaled.decimals) {  // begin again with more decimals
      scaled = Scaled{.decimals = decimals, .integers = {}, .exceptions = {}};
      scaled.integers.reserve(n);
      i = static_cast<std::size_t>(-1);
      continue;
    }
    if (!k) {
      scaled.exceptions.push_back(i);
      if (scaled.exceptions.size() > tolerated) return std::nullopt;
      k = scaled.integers.empty() ? 0 : scaled.integers.back();
    }
    scaled.integers.push_back(*k);
  }
  return scaled;
}

void put_scaled(Encoder& out, const Scaled& scaled, const Present& present) {
  out.varint(scaled.exceptions.size());
  for (std::size_t i : scaled.exceptions) {
    out.varint(i);
    out.put(present.values[i]);
  }
  std::int64_t before = 0;
  for (std::int64_t k : scaled.integers) {
    out.varint(zigzag(k - before));
    before = k;
  }
}

// XOR with the value before, byte plane by byte plane: what stays the same becomes runs of zeros.
void put_bits(Encoder& out, const std::vector<double>& values) {
  const std::size_t n = values.size();
  std::string planes(n * 8, '\0');
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<std::uint64_t>(values[i]);
    const std::uint64_t changed = bits ^ before;
    before = bits;
    for (std::size_t plane = 0; plane < 8; ++plane) planes[plane * n + i] = static_cast<char>(changed >> (8 * plane));
  }
  out.raw(planes);
}

std::string encode_column(std::span<const double> column, std::span<const double> seconds) {
  Encoder out;
  Present present;
  std::string bitmap((column.size() + 7) / 8, '\0');
  for (std::size_t r = 0; r < column.size(); ++r) {
    if (is_missing(column[r])) continue;
    bitmap[r / 8] = static_cast<char>(bitmap[r / 8] | (1 << (r % 8)));
    present.values.push_back(column[r]);
    present.seconds.push_back(seconds[r]);
  }
  const bool all_there = present.values.size() == column.size();
  const auto head = [&](Method method, std::size_t decimals) {
    const std::size_t byte =
        static_cast<std::size_t>(method) | (decimals << decimals_shift) | (all_there ? 0U : has_missing);
    const char c = static_cast<char>(byte);
    out.raw({&c, 1});
    if (!all_there) out.raw(bitmap);
  };
  const auto differs = [&](double x) { return !same_bits(x, present.values.front()); };
  if (std::none_of(present.values.begin(), present.values.end(), differs)) {
    head(Method::constant, 0);
    if (!present.values.empty()) out.put(present.values.front());
    return out.take();
  }
  for (Method method : {Method::decimal, Method::rate}) {
    if (const auto scaled = scale(present, method)) {
      head(method, scaled->decimals);
      put_scaled(out, *scaled, present);
      return out.take();
    }
  }
  head(Method::bits, 0);
  put_bits(out, present.values);
  return out.take();
}

// Seconds from each row to the one before; the first row borrows the second's.
std::vector<double> intervals_of(const std::vector<WallTime>& times) {
  std::vector<double> seconds(times.size(), 1.0);
  for (std::size_t r = 1; r < times.size(); ++r) {
    // Unsigned: the distance of two far times does not fit a Duration. Otherwise the same double as to_seconds.
    const std::uint64_t ns = static_cast<std::uint64_t>(times[r].ns) - static_cast<std::uint64_t>(times[r - 1].ns);
    seconds[r] = static_cast<double>(ns) * 1e-9;
  }
  if (seconds.size() > 1) seconds[0] = seconds[1];
  return seconds;
}

void put_times(Encoder& out, const std::vector<WallTime>& times) {
  std::uint64_t before = 0;
  std::uint64_t step = 0;
  for (WallTime t : times) {
    const auto now = static_cast<std::uint64_t>(t.ns);
    out.varint(zigzag(static_cast<std::int64_t>(now - before - step)));
    step = now - before;
    before = now;
  }
}

Result<std::vector<WallTime>> get_times(Decoder& in, std::size_t rows) {
  std::vector<WallTime> times;
  times.reserve(rows);
  std::uint64_t before = 0;
  std::uint64_t step = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    step += static_cast<std::uint64_t>(unzigzag(in.varint()));
    before += step;
    times.push_back({static_cast<std::int64_t>(before)});
    if (in.failed() || (r > 0 && times[r] <= times[r - 1]))
      return corrupt("history block: its times end early or do not ascend");
  }
  return times;
}

// Reads one column's stream; every read is checked against what is left of it.
class ColumnReader {
 public:
  ColumnReader(std::string_view bytes, std::span<const double> seconds, std::span<double> out)
      : rest_(bytes), seconds_(seconds), out_(out) {}

  Status read() {
    if (rest_.empty()) return cut();
    const auto head = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    const std::size_t decimals = (head >> decimals_shift) & 0x1f;
    TRY(find_rows((head & has_missing) != 0));
    switch (static_cast<Method>(head & 3)) {
      case Method::constant: return read_constant();
      case Method::decimal: return read_scaled(decimals, false);
      case Method::rate: return read_scaled(decimals, true);
      case Method::bits: return read_bits();
    }
    return cut();
  }

 private:
  static Error cut() { return corrupt("history block: a column ends early or is not a valid encoding"); }

  // Which rows have a value; the others are missing.
  Status find_rows(bool with_bitmap) {
    const std::size_t size = (out_.size() + 7) / 8;
    if (with_bitmap && rest_.size() < size) return cut();
    rows_.reserve(out_.size());
    for (std::size_t r = 0; r < out_.size(); ++r) {
      out_[r] = model::missing;
      if (!with_bitmap || ((static_cast<unsigned char>(rest_[r / 8]) >> (r % 8)) & 1) != 0) rows_.push_back(r);
    }
    if (with_bitmap) rest_.remove_prefix(size);
    return {};
  }

  Status read_constant() {
    if (rows_.empty()) return rest_.empty() ? Status{} : cut();
    if (rest_.size() != 8) return cut();
    double value = 0;
    std::memcpy(&value, rest_.data(), 8);
    for (std::size_t r : rows_) out_[r] = value;
    return {};
  }

  Status read_scaled(std::size_t decimals, bool rate) {
    if (decimals > most_decimals) return cut();
    Decoder in{rest_};
    const std::uint64_t exceptions = in.varint();
    if (exceptions > rows_.size()) return cut();
    std::vector<std::pair<std::size_t, double>> odd;
    for (std::uint64_t i = 0; i < exceptions && !in.failed(); ++i) {
      const std::uint64_t index = in.varint();
      double value = 0;
      in.get(value);
      if (index >= rows_.size()) return cut();
      odd.emplace_back(rows_[static_cast<std::size_t>(index)], value);
    }
    std::uint64_t k = 0;
    for (std::size_t r : rows_) {
      k += static_cast<std::uint64_t>(unzigzag(in.varint()));
      out_[r] = static_cast<double>(static_cast<std::int64_t>(k)) / power[decimals];
      if (rate) out_[r] /= seconds_[r];
    }
    for (const auto& [row, value] : odd) out_[row] = value;
    if (in.failed() || !in.rest().empty()) return cut();
    return {};
  }

  Status read_bits() {
    const std::size_t n = rows_.size();
    if (rest_.size() != n * 8) return cut();
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t plane = 0; plane < 8; ++plane)
        bits ^= std::uint64_t{static_cast<unsigned char>(rest_[plane * n + i])} << (8 * plane);
      out_[rows_[i]] = std::bit_cast<double>(bits);
    }
    return {};
  }

  std::string_view rest_;
  std::span<const double> seconds_;
  std::span<double> out_;
  std::vector<std::size_t> rows_;
};

Result<Columns> decode_body(std::string_view body, const std::span<const std::size_t>* wanted) {
  Decoder in{body};
  const std::uint64_t rows = in.varint();
  const std::uint64_t count = in.varint();
  // Each row costs a byte of time and each column a byte of length: neither can promise more than is there.
  if (in.failed() || rows > in.rest().size() || count > in.rest().size() ||
      (rows != 0 && count > max_block_values / rows))
    return corrupt("history block: its size is not possible");
  Columns columns;
  columns.times = TRY(get_times(in, static_cast<std::size_t>(rows)));
  columns.count = wanted != nullptr ? wanted->size() : static_cast<std::size_t>(count);
  if (rows != 0 && columns.count > max_block_values / rows) return invalid("more columns wanted than a block can have");
  columns.values.resize(columns.count * columns.times.size());
  const std::vector<double> seconds = intervals_of(columns.times);
  std::string_view rest = in.rest();
  std::size_t place = 0;
  for (std::size_t c = 0; c < count; ++c) {
    Decoder length_in{rest};
    const std::uint64_t length = length_in.varint();
    if (length_in.failed() || length > length_in.rest().size()) return corrupt("history block: a column is cut off");
    const std::string_view column = length_in.rest().substr(0, static_cast<std::size_t>(length));
    rest = length_in.rest().substr(column.size());
    if (wanted != nullptr && (place >= wanted->size() || (*wanted)[place] != c)) continue;
    TRY(ColumnReader(column, seconds,
                     std::span(columns.values).subspan(place * columns.times.size(), columns.times.size()))
            .read());
    ++place;
  }
  if (place != columns.count) return invalid("a wanted column is not in this block, or they do not ascend");
  if (!rest.empty()) return corrupt("history block: bytes left over");
  return columns;
}

}  // namespace

bool operator==(const Columns& a, const Columns& b) {
  return a.times == b.times && a.count == b.count && a.values.size() == b.values.size() &&
         (a.values.empty() || std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(double)) == 0);
}

namespace detail {

std::string seal(char kind, std::string_view body) {
  std::string bytes{magic};
  bytes.push_back(version);
  bytes.push_back(kind);
  const std::size_t bound = ZSTD_compressBound(body.size());
  bytes.resize(head_size + bound);
  const std::size_t size = ZSTD_compress(bytes.data() + head_size, bound, body.data(), body.size(), zstd_level);
  CHECK(ZSTD_isError(size) == 0);  // the room is sufficient by its own bound
  bytes.resize(head_size + size);
  const std::uint32_t sum = crc32c(bytes);
  std::array<char, sum_size> raw{};
  std::memcpy(raw.data(), &sum, sum_size);
  bytes.append(raw.data(), raw.size());
  return bytes;
}

Result<std::string> unseal(char kind, std::string_view bytes, std::size_t largest) {
  if (bytes.size() < head_size + sum_size || !bytes.starts_with(magic))
    return corrupt("history block: it does not begin like one");
  if (bytes[2] != version)
    return Error{.code = Code::unsupported,
                 .message = cat("history block: format version ", static_cast<int>(bytes[2]),
                                " is not known here (this program reads ", static_cast<int>(version), ")"),
                 .where = {},
                 .cause = {}};
  std::uint32_t sum = 0;
  std::memcpy(&sum, bytes.data() + bytes.size() - sum_size, sum_size);
  bytes.remove_suffix(sum_size);
  if (crc32c(bytes) != sum) return corrupt("history block: its checksum does not fit its bytes");
  if (bytes[3] != kind) return corrupt("history block: it is of another kind");
  bytes.remove_prefix(head_size);
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > largest)
    return corrupt("history block: its size is not possible");
  std::string body(static_cast<std::size_t>(size), '\0');
  const std::size_t got = ZSTD_decompress(body.data(), body.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) != 0 || got != body.size()) return corrupt("history block: its compressed part is damaged");
  return body;
}

}  // namespace detail

Result<std::string> encode_columns(const Columns& columns) {
  const std::size_t rows = columns.times.size();
  if (columns.values.size() != rows * columns.count)
    return invalid("history block: the number of values is not rows times columns");
  if (columns.values.size() > max_block_values || rows > max_block_values || columns.count > max_block_values)
    return invalid(cat("history block: more than ", max_block_values, " values"));
  if (std::adjacent_find(columns.times.begin(), columns.times.end(), [](WallTime a, WallTime b) { return !(a < b); }) !=
      columns.times.end())
    return invalid("history block: its times do not ascend");
  Encoder body;
  body.varint(rows);
  body.varint(columns.count);
  put_times(body, columns.times);
  const std::vector<double> seconds = intervals_of(columns.times);
  for (std::size_t c = 0; c < columns.count; ++c) {
    const std::string column = encode_column(std::span(columns.values).subspan(c * rows, rows), seconds);
    body.varint(column.size());
    body.raw(column);
  }
  return detail::seal(columns_kind, body.bytes());
}

Result<Columns> decode_columns(std::string_view bytes) {
  const std::string body = TRY(detail::unseal(columns_kind, bytes, max_block_bytes));
  return decode_body(body, nullptr);
}

Result<Columns> decode_columns(std::string_view bytes, std::span<const std::size_t> wanted) {
  const std::string body = TRY(detail::unseal(columns_kind, bytes, max_block_bytes));
  return decode_body(body, &wanted);
}

Result<std::string> encode_series_list(const std::vector<model::Series>& series) {
  const std::string body = encode(series);
  if (body.size() > max_series_list_bytes)
    return invalid(cat("history block: the names of its series take more than ", max_series_list_bytes, " bytes"));
  return detail::seal(series_kind, body);
}

Result<std::vector<model::Series>> decode_series_list(std::string_view bytes) {
  const std::string body = TRY(detail::unseal(series_kind, bytes, max_series_list_bytes));
  return decode<std::vector<model::Series>>(body, "history series");
}

}  // namespace mien::store
