// Carries out what the manager machine asks, through the seams, in the order that makes it safe: log synced, history
// and ledger committed, effects sent. Production runs it on one thread (edge/runtime), the simulation steps it.
//
// Steps are committed in groups of at most 64. A group whose commit fails for want of space is kept and tried again; a
// fenced owner (a newer epoch exists) stops for good. Recovery: ledger entries, then the log behind them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/manager.h"
#include "store/audit.h"
#include "store/history.h"
#include "store/ledger.h"
#include "store/log.h"

namespace mien::node {

struct ManagerSeams {
  store::Log& log;
  store::Ledger& ledger;
  store::History& history;
  store::Sha256 sha256;
  std::function<std::string(std::string_view bytes)> sign;  // Ed25519 over an audit head
};

class ManagerDriver {
 public:
  static constexpr std::size_t group_steps = 64;
  static constexpr std::size_t spare_snapshots = 4;  // per group, beside those that must be written
  static constexpr Duration head_every = 60s;

  ManagerDriver(const ManagerSeams& seams, ManagerOptions options, std::string engine);

  // Takes the shard over, rebuilds the machine, appends EpochStarted. Nothing is answered or sent before it succeeded.
  Status recover(WallTime now);

  struct Sent {
    std::size_t steps = 0;
    std::vector<Answer> answers;
    std::vector<Notice> notices;
    std::vector<InstanceName> forgotten;  // no longer in the view
    bool more = false;                    // the log has more: call again
  };
  // Folds the next group. Errors: conflict (fenced: stop), exhausted (disk full: call again later, nothing is lost),
  // io and corrupt (stop and say so).
  Result<Sent> pump(WallTime now);
  // Whether a tick is worth its record: asked once a second by whoever appends them.
  [[nodiscard]] bool time_matters(WallTime now);
  // A clean stop: everything dirty is snapshotted, so that the next start refolds nothing.
  Status settle(WallTime now);
  // Lets the log forget what no snapshot needs and what is older than `keep`.
  Status trim(WallTime now, Duration keep);

  [[nodiscard]] std::shared_ptr<const View> view() const { return view_; }
  [[nodiscard]] const Manager& manager() const { return manager_; }
  [[nodiscard]] store::LogPosition position() const { return checkpoint_.position; }

 private:
  // A group that was folded and is on its way to disk.
  struct Group {
    store::Transaction transaction;
    std::vector<store::HistoryBlock> history;
    std::vector<store::FactBlock> facts;
    Sent sent;
  };
  Status load(store::Table table);
  Result<bool> log_differs(const store::LogBounds& bounds);
  Status refold(store::LogPosition last);
  Status commit(Group& group);
  Group fold(const std::vector<store::LogRecord>& records, std::vector<Record> decoded);
  std::vector<InstanceName> publish();
  Result<bool> head_contradicts_chain();
  [[nodiscard]] bool head_is_old(WallTime now) const;
  void add_head(store::Transaction& transaction, WallTime now);

  static constexpr store::ShardId shard_ = 0;
  ManagerSeams seams_;
  ManagerOptions options_;
  std::string engine_;
  Manager manager_;
  store::Checkpoint checkpoint_;
  std::optional<store::AuditChain> chain_;
  std::optional<store::AuditHead> head_;
  bool head_contradicted_ = false;  // the chain as found is not the one that head_ was signed for
  std::optional<Group> waiting_;    // folded, not committed yet
  std::shared_ptr<const View> view_;
  WallTime folded_at_;
};

// Fills what a command needs from the ledger before it may enter the log: generations and revisions to roll back to.
Status complete(CommandBody& body, store::Ledger& ledger);

}  // namespace mien::node
