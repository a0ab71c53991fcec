// Stored values and resources: any bytes give a value or an error, and one value has one encoding.
// rooms: model
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "model/resource.h"
#include "model/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (auto value = model::decode_value(bytes)) {
    auto again = model::decode_value(model::encode_value(*value));
    CHECK(again.ok() && *again == *value);
    (void)model::read_resource(*value);
    for (int kind = 0; kind < 5; ++kind)
      (void)model::validate_spec(static_cast<model::ResourceKind>(kind), "fuzz", *value);
  }
  if (auto resource = model::decode_resource(bytes)) {
    auto again = model::decode_resource(model::encode_resource(*resource));
    CHECK(again.ok() && *again == *resource);
  }
  return 0;
}
