// History blocks: whatever stands behind a good checksum is read or refused, and what is read writes back the same.
// rooms: store
#include <cstdint>

#include "store/history_codec.h"
#include "store/minutes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien::store;
  const std::string bytes(data, data + size);
  (void)decode_columns(bytes);
  (void)decode_series_list(bytes);
  if (const auto series = decode_series_list(detail::seal('s', bytes))) {
    const auto again = encode_series_list(*series);
    CHECK(again.ok() && decode_series_list(*again).value() == *series);
  }
  const std::string sealed = detail::seal('c', bytes);
  const auto columns = decode_columns(sealed);
  if (!columns) return 0;
  CHECK(columns->values.size() == columns->times.size() * columns->count);
  const auto again = encode_columns(*columns);
  CHECK(again.ok() && decode_columns(*again).value() == *columns);
  for (std::size_t c = 0; c < columns->count && c < 4; ++c) {
    const std::size_t one[] = {c};
    CHECK(decode_columns(sealed, one).ok());
  }
  (void)join_points(minute_points(to_minutes(*columns), 0), 5 * minute);
  return 0;
}
