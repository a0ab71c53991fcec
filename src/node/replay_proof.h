// The proof that recorded decisions come out again bit for bit: the log is folded as it is, and everything that the
// folding writes about findings, decisions and actions, and every link of the audit, is held against the ledger's.
//
// It claims only what it folded from the log's first record on. A log that begins later, or was cut, has lost the
// state that everything behind depends on: from there on nothing is claimed, and the verdict says so.
//
//   Proof proof(sha256, builtin);
//   proof.fold(ledger, records)         in order; decisions and audit links are compared at once
//   proof.close(ledger)                 at the ledger's own position: findings and actions, and that there is no more
//
// Pure; one thread. Memory: a manager, and the newest bytes of every finding and action.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/manager.h"
#include "store/audit.h"
#include "store/ledger.h"
#include "store/log.h"

namespace mien::node {

// The first place where the ledger is not what the log makes of it.
struct Difference {
  std::string what;      // "decision d-4711-1", "audit link 17"
  std::string field;     // "outcome"; "(bytes)" where they can not be read; empty: one of the two is missing
  std::string recorded;  // bytes as they stand in the ledger; empty: nothing is there
  std::string replayed;  // bytes as they come out; empty: nothing comes out
  std::string message;   // one sentence for people
};

struct ProofVerdict {
  std::uint64_t findings = 0;  // proven to be the same
  std::uint64_t decisions = 0;
  std::uint64_t actions = 0;
  std::uint64_t audit_links = 0;
  std::uint64_t records = 0;  // folded
  store::LogPosition from = 0;
  store::LogPosition to = 0;
  WallTime from_at;
  WallTime to_at;
  std::string engines;      // programs that folded it when it was recorded, comma separated
  std::string not_claimed;  // what could not be proven, and why; empty: everything was
  std::optional<Difference> difference;
};

class Proof {
 public:
  Proof(store::Sha256 sha256, std::vector<model::Resource> builtin);

  // Why nothing can be claimed from the log's beginning on. Nothing is folded then.
  void begins_late(const store::LogBounds& bounds);
  // Folds records that the ledger has folded too. Errors: the store's own (io, a record that can not be read).
  Status fold(store::Ledger& ledger, const std::vector<store::LogRecord>& records);
  // `ledger` must stand exactly where fold() ended.
  Status close(store::Ledger& ledger);

  [[nodiscard]] bool is_over() const { return over_; }  // a difference or a gap: there is no point in going on
  [[nodiscard]] const ProofVerdict& verdict() const { return verdict_; }

 private:
  Status compare_entry(store::Ledger& ledger, store::Table table, const std::string& key, const std::string& replayed);
  Status compare_audit(store::Ledger& ledger);
  Status find_more(store::Ledger& ledger, store::Table table);
  void differ(Difference difference);
  void stop_claiming(std::string why);

  Manager manager_;
  store::AuditChain chain_;
  std::vector<store::AuditRow> rows_;  // made, not yet compared
  std::map<std::string, std::string> findings_;
  std::map<std::string, std::string> actions_;
  std::map<store::Table, std::uint64_t> written_;  // entries that came out, by table
  ProofVerdict verdict_;
  bool over_ = false;
};

}  // namespace mien::node
