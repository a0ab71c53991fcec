#include "store/audit.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "base/text.h"

namespace mien::store {

namespace {

constexpr unsigned event_version = 1;
constexpr std::size_t rows_at_a_time = 1000;

Error error(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Hash link(Sha256 sha256, const Hash& previous, std::string_view bytes) {
  std::string both(previous.begin(), previous.end());
  both.append(bytes);
  return sha256(both);
}

std::string rows_text(std::uint64_t n) { return cat(n, n == 1 ? " row" : " rows"); }

// The heads still to be met on the walk, by sequence; each with where it was seen.
struct Expected {
  AuditHead head;
  std::string_view seen;
};

// What is wrong with a head that the chain has (or should have) at its sequence; nothing when it agrees.
std::optional<Error> contradiction(const Expected& expected, const Hash& hash) {
  if (expected.head.hash == hash) return std::nullopt;
  return error(
      Code::corrupt,
      cat("audit row ", expected.head.sequence, ": the chain up to here is not the one whose head was signed at ",
          to_rfc3339(expected.head.at), " (", expected.seen, "): a row at or before it was replaced"));
}

// Bad signatures are named before the walk: a head that nobody signed proves nothing.
std::optional<Error> bad_signature(const Expected& expected, const VerifySignature& verify) {
  if (verify(signed_bytes(expected.head), expected.head.signature)) return std::nullopt;
  return error(Code::corrupt, cat("audit head at row ", expected.head.sequence, " (", expected.seen,
                                  "): its signature was not made by this ledger's key"));
}

}  // namespace

AuditChain::AuditChain(Sha256 sha256, const std::optional<AuditRow>& tail) : sha256_(sha256) {
  if (!tail) return;
  sequence_ = tail->sequence;
  hash_ = tail->hash;
}

AuditRow AuditChain::append(const model::AuditEvent& event) {
  Encoder encoder;
  encoder.varint(event_version);
  encoder.put(event);
  AuditRow row{.sequence = sequence_ + 1, .bytes = encoder.take(), .hash = {}};
  row.hash = link(sha256_, hash_, row.bytes);
  sequence_ = row.sequence;
  hash_ = row.hash;
  return row;
}

bool continues(const AuditRow* tail, const AuditRow& next, Sha256 sha256) {
  const std::uint64_t sequence = tail != nullptr ? tail->sequence : 0;
  const Hash hash = tail != nullptr ? tail->hash : Hash{};
  return next.sequence == sequence + 1 && next.hash == link(sha256, hash, next.bytes);
}

Result<model::AuditEvent> decode_audit_event(std::string_view bytes) {
  Decoder decoder{bytes};
  const std::uint64_t version = decoder.varint();
  if (decoder.failed()) return error(Code::corrupt, "audit event: it is empty");
  if (version != event_version)
    return error(Code::unsupported, cat("audit event: format version ", version,
                                        " is not known here (this program reads ", event_version, ")"));
  model::AuditEvent event;
  decoder.get(event);
  if (Status status = decoder.finish("audit event"); !status) return std::move(status).error();
  return event;
}

std::string signed_bytes(const AuditHead& head) {
  Encoder encoder;
  encoder.raw("mien audit head 1\n");
  encoder.put(head.sequence);
  encoder.put(head.hash);
  encoder.put(head.at);
  return encoder.take();
}

Result<AuditVerdict> verify_audit(Ledger& ledger, Sha256 sha256, const VerifySignature& verify,
                                  const std::vector<AuditHead>& seen_elsewhere) {
  AuditVerdict verdict;
  std::vector<Expected> heads;
  if (auto head = TRY(ledger.audit_head())) heads.push_back({std::move(*head), "the ledger's own head"});
  for (const AuditHead& head : seen_elsewhere) heads.push_back({head, "a head seen elsewhere"});
  std::stable_sort(heads.begin(), heads.end(),
                   [](const Expected& a, const Expected& b) { return a.head.sequence < b.head.sequence; });

  auto next_head = heads.begin();
  // Holds every head up to `sequence` against the chain; false once one contradicts it.
  const auto agrees = [&](std::uint64_t sequence, const Hash& at_sequence) {
    for (; next_head != heads.end() && next_head->head.sequence <= sequence && !verdict.broken; ++next_head) {
      verdict.broken = bad_signature(*next_head, verify);
      if (!verdict.broken) verdict.broken = contradiction(*next_head, at_sequence);
    }
    return !verdict.broken;
  };
  Hash hash{};
  if (!agrees(0, hash)) return verdict;
  while (true) {
    auto rows = ledger.audit(verdict.rows, rows_at_a_time);
    if (!rows) {
      if (rows.error().code != Code::corrupt) return std::move(rows).error();
      verdict.broken = rows.error().within(cat("audit row ", verdict.rows + 1, " can not be read"));
      return verdict;
    }
    if (rows->empty()) break;
    for (const AuditRow& row : *rows) {
      const std::uint64_t expected = verdict.rows + 1;
      if (row.sequence != expected) {
        verdict.broken =
            error(Code::corrupt, cat("audit row ", expected, " is missing: the next one found is ", row.sequence));
        return verdict;
      }
      if (row.hash != link(sha256, hash, row.bytes)) {
        verdict.broken = error(
            Code::corrupt,
            cat("audit row ", expected, " was changed: its hash does not follow from its bytes and the row before it"));
        return verdict;
      }
      if (auto event = decode_audit_event(row.bytes); !event && event.error().code == Code::corrupt) {
        verdict.broken = event.error().within(cat("audit row ", expected, " is linked but can not be read"));
        return verdict;
      }
      hash = row.hash;
      if (!agrees(expected, hash)) return verdict;
      verdict.rows = expected;
    }
  }
  if (next_head == heads.end()) return verdict;
  // Whatever is left was signed when the chain was longer than it is now.
  const Expected& cut = heads.back();
  verdict.broken = bad_signature(cut, verify);
  if (!verdict.broken)
    verdict.broken =
        error(Code::corrupt, cat("audit row ", verdict.rows + 1, ": the end was cut off here; ",
                                 rows_text(cut.head.sequence - verdict.rows), " fewer than were signed at ",
                                 to_rfc3339(cut.head.at), " (", cut.seen, ")"));
  return verdict;
}

}  // namespace mien::store
