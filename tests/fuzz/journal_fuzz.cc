// rooms: edge
// The journal of changes: any bytes give entries or an error.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "edge/runtime/file_journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  auto parsed = edge::parse_journal(bytes);
  if (!parsed) return 0;
  for (const auto& [id, entry] : parsed->newest) {
    CHECK(entry.order.action == id);
    CHECK(entry.stage <= node::JournalEntry::Stage::forgotten);
  }
  return 0;
}
