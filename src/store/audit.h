// The hash chain over audit events: hash[n] = SHA-256(hash[n-1] || bytes[n]), hash[0] = 32 zero bytes. The head is
// signed each minute and published outside (metrics, agents), so that neither a changed byte nor a cut tail goes
// unseen.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/audit.h"
#include "store/ledger.h"

namespace mien::store {

class AuditChain {
 public:
  // Continues after `tail` (nothing: a new chain).
  AuditChain(Sha256 sha256, const std::optional<AuditRow>& tail);
  [[nodiscard]] AuditRow append(const model::AuditEvent& event);
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  [[nodiscard]] const Hash& hash() const { return hash_; }

 private:
  Sha256 sha256_;
  std::uint64_t sequence_ = 0;
  Hash hash_{};
};

// Whether `next` is the link after `tail` (null: the first of all): what every ledger asks before it commits a row.
[[nodiscard]] bool continues(const AuditRow* tail, const AuditRow& next, Sha256 sha256);

[[nodiscard]] Result<model::AuditEvent> decode_audit_event(std::string_view bytes);
// The bytes that an AuditHead's signature covers.
[[nodiscard]] std::string signed_bytes(const AuditHead& head);

using VerifySignature = std::function<bool(std::string_view bytes, std::string_view signature)>;

struct AuditVerdict {
  std::uint64_t rows = 0;       // rows whose link holds, from the start
  std::optional<Error> broken;  // the first broken link, named: its sequence and what is wrong
};

// Walks the whole chain of a ledger and holds it against its signed head, and against heads seen elsewhere
// (an operator's, an agent's, a scraped metric). Cost: one pass, 1,000 rows at a time.
[[nodiscard]] Result<AuditVerdict> verify_audit(Ledger& ledger, Sha256 sha256, const VerifySignature& verify,
                                                const std::vector<AuditHead>& seen_elsewhere);

}  // namespace mien::store
