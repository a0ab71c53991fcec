// CSV: any bytes are a table whose cells fill it, or an error with its place; in pieces they are the same.
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
  // The first byte says how large the pieces are.
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  std::size_t step = size == 0 ? 1 : std::size_t{data[0]} + 1;
  auto source = [&rest, step]() -> Result<std::string_view> {
    std::string_view piece = rest.substr(0, step);
    rest.remove_prefix(piece.size());
    return piece;
  };
  auto reader = wire::CsvReader::open(source, "fuzz.csv");
  std::size_t rows = 0;
  Result<bool> more = reader ? Result<bool>(true) : Result<bool>(reader.error());
  for (wire::CsvRow row; more && *more;) {
    more = reader->next(row);
    if (!more || !*more) break;
    CHECK(row.values.size() == reader->columns().size());
    CHECK(!table || table->stamps[rows] == row.stamp);
    ++rows;
  }
  CHECK(more.ok() == table.ok());
  CHECK(!table || rows == table->stamps.size());
  CHECK(table || more.error().where == table.error().where);
  return 0;
}
