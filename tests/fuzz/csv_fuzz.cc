// CSV: any bytes are a table whose cells fill it, or an error with its place.
// rooms: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  auto table = wire::parse_csv({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
  if (table) {
    CHECK(table->times.size() == table->stamps.size());
    CHECK(table->values.size() == table->times.size() * table->columns.size());
  } else {
    CHECK(!table.error().where.empty());
  }
  return 0;
}
