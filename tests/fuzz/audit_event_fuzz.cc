// Audit events as they stand in the ledger: any bytes give an event or an error, and an event its own bytes again.
// rooms: store
#include <cstdint>

#include "store/audit.h"

namespace {

mien::store::Hash no_hash(std::string_view) { return {}; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien::store;
  const auto event = decode_audit_event({reinterpret_cast<const char*>(data), size});
  if (!event) return 0;
  AuditChain chain{&no_hash, std::nullopt};
  CHECK(decode_audit_event(chain.append(*event).bytes).value() == *event);
  return 0;
}
