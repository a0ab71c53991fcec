// Log records: any bytes give a record or an error, and a record written again reads the same.
// rooms: node
#include <cstdint>

#include "node/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = mien::node::decode_record({reinterpret_cast<const char*>(data), size});
  if (!record) return 0;
  const std::string bytes = mien::node::encode_record(*record);
  const auto again = mien::node::decode_record(bytes);
  CHECK(again.ok() && mien::node::encode_record(*again) == bytes);
  return 0;
}
