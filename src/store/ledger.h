// The seam to the ledger: in ONE transaction the effects of a group of steps. Embedded: SQLite, its own file,
// synchronous=FULL (edge/sqlite). Simulated, with faults: sim/. Both pass store's conformance suite.
//
// Entries are bytes under (table, key); their formats are in docs/formats/. A commit is durable when it returns.
// Threads: commit from the shard's owner only; scan, get and audit from any thread (they read the last commit).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/log.h"

namespace mien::store {

using Hash = std::array<unsigned char, 32>;       // SHA-256
using Sha256 = Hash (*)(std::string_view bytes);  // injected: edge gives OpenSSL's

enum class Table : std::uint8_t {
  core = 0,        // one entry per shard: the manager machine without its instances
  instance = 1,    // snapshot per instance
  resource = 2,    // current resources: "persona/web-frontend"
  generation = 3,  // every generation a person wrote: "persona/web-frontend/000000000012"
  revision = 4,    // "web-frontend@web-01/000000000012"
  finding = 5,     // by id
  decision = 6,
  action = 7,
  directive = 8,
  access = 9,  // tokens (hashed) and enrolments
};

struct Entry {
  std::string key;
  std::string bytes;
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Write {
  Table table = Table::core;
  std::string key;
  std::optional<std::string> bytes;  // nothing: erase
};

// A link of the audit chain: hash = SHA-256(previous hash || bytes). Made by store/audit.h.
struct AuditRow {
  std::uint64_t sequence = 0;  // from 1, no holes
  std::string bytes;           // encoded model::AuditEvent with its format version
  Hash hash{};
  friend bool operator==(const AuditRow&, const AuditRow&) = default;
};

// A signed statement of how long the chain was and what its last hash was; a cut tail contradicts the newest of these.
struct AuditHead {
  std::uint64_t sequence = 0;
  Hash hash{};
  WallTime at;
  std::string signature;  // Ed25519 over the encoding of the three above
  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

// How far a shard's log is folded into the ledger, by which owner.
struct Checkpoint {
  LogPosition position = 0;
  Hash record_hash{};       // of the record at `position`: a log that was cut or replaced does not match
  std::uint64_t epoch = 0;  // the fence: grows with every acquire
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

struct Transaction {
  ShardId shard = 0;
  Checkpoint checkpoint;
  std::vector<Write> writes;    // applied in order
  std::vector<AuditRow> audit;  // continues the chain exactly
  std::optional<AuditHead> head;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  // Takes the shard over: the returned checkpoint has an epoch one above any before; older owners can no longer commit.
  virtual Result<Checkpoint> acquire(ShardId shard) = 0;
  // All or nothing. Errors: conflict (checkpoint.epoch is not the newest, or the audit rows do not continue the
  // chain), exhausted (disk full), io. After an error nothing of the transaction is visible.
  virtual Status commit(const Transaction& transaction) = 0;
  // Entries of a table with key > after and starting with `prefix`, ascending by key, at most `limit`.
  virtual Result<std::vector<Entry>> scan(Table table, std::string_view prefix, std::string_view after,
                                          std::size_t limit) = 0;
  virtual Result<std::optional<std::string>> get(Table table, std::string_view key) = 0;
  // Audit rows with sequence > after, ascending, at most `limit`; and the newest signed head.
  virtual Result<std::vector<AuditRow>> audit(std::uint64_t after, std::size_t limit) = 0;
  virtual Result<std::optional<AuditHead>> audit_head() = 0;
  // The last link, for continuing the chain; nothing when the chain is empty.
  virtual Result<std::optional<AuditRow>> audit_tail() = 0;
};

}  // namespace mien::store
