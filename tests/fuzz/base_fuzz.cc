// Text from outside as times, numbers, hex and words.
// rooms: base
#include <array>
#include <cstdint>
#include <map>

#include "base/codec.h"
#include "base/text.h"
#include "base/time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  if (const auto time = mien::parse_time(text)) CHECK(!mien::to_rfc3339(*time).empty());
  (void)mien::parse_double(text);
  (void)mien::parse_integer(text);
  if (const auto bytes = mien::parse_hex(text)) CHECK(bytes->size() * 2 == text.size());
  (void)mien::is_utf8(text);
  constexpr std::array<std::string_view, 2> known{"behavior", "configuration"};
  (void)mien::nearest(text, known);
  using Value = std::map<std::string, std::pair<std::vector<std::string>, double>>;
  if (const auto value = mien::decode<Value>(text, "input")) CHECK(mien::encode(*value) == text);
  return 0;
}
