// A manager in this process: the embedded store, the driver on a thread of its own, and the port that HTTP threads use.
//
// Threads: one folds (and runs the callbacks of give, rehearse and subscribe: they must be quick); every method may be
// called from any thread. Acknowledged means: in the log's file before take_in or the answer returns.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/quantity.h"
#include "base/result.h"
#include "edge/crypto/crypto.h"
#include "edge/mutex.h"
#include "edge/sqlite/sqlite.h"
#include "node/manager_driver.h"
#include "node/manager_port.h"
#include "node/series_table.h"

namespace mien::edge {

struct ManagerRuntimeOptions {
  std::string data;  // directory
  std::vector<model::Resource> builtin;
  std::string version;  // of the program
  Bytes store_limit{2ULL << 30U};
  Duration keep_log = std::chrono::hours{48};
  std::function<void(const Error&)> on_fatal;    // the manager can not go on; called once, from the folding thread
  std::function<void(std::string_view)> report;  // one line for the log
  // Series that were left out for want of room; from the thread of a door. May be empty.
  std::function<void(const std::map<InstanceName, wire::LabelSpread>&)> on_overflow{};
};

class ManagerRuntime final : public node::ManagerPort {
 public:
  static constexpr store::LogPosition max_behind = 20'000;  // records the fold may lag before the door says "later"
  static constexpr std::size_t kept_notices = 4'096;

  // Opens the store, recovers, starts folding. Errors say what to do (newer ledger, another manager, no permission).
  static Result<std::unique_ptr<ManagerRuntime>> start(ManagerRuntimeOptions options);
  ~ManagerRuntime() override;
  // Folds what is in the log, snapshots everything, ends the thread. Later calls are answered `unavailable`.
  void stop();

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] const SigningKey& signing_key() const { return key_; }
  [[nodiscard]] const DataPaths& paths() const { return paths_; }

  std::shared_ptr<const node::View> view() override;
  void give(std::string actor, node::CommandBody body, std::function<void(node::Answer)> done) override;
  void rehearse(std::string actor, node::CommandBody body, std::function<void(node::Answer)> done) override;
  Result<store::LogPosition> take_in(model::Delivery delivery) override {
    return take_in_listed(std::move(delivery), {});
  }
  Result<store::LogPosition> take_in_listed(model::Delivery delivery, const model::SeriesLists& lists) override;
  Status report(node::AgentReported reported) override;
  std::shared_ptr<void> subscribe(std::uint64_t after,
                                  std::function<void(std::uint64_t, const node::Notice&)> on_notice) override;
  store::History& history() override { return *merged_; }
  store::Ledger& ledger() override { return *ledger_; }

 private:
  using Done = std::function<void(node::Answer)>;
  using OnNotice = std::function<void(std::uint64_t, const node::Notice&)>;
  struct Subscriber {
    OnNotice on_notice;
    std::uint64_t next = 0;
  };
  // The history of the store with the newest window, which is still in the machine, on top.
  class MergedHistory;

  ManagerRuntime(ManagerRuntimeOptions options, DataPaths paths, DataLock lock, SigningKey key);
  Status open();
  void run();
  void fold_all();
  void after_fold(node::ManagerDriver::Sent sent);
  void forget_series(const std::vector<InstanceName>& forgotten);
  void house_keeping(WallTime now);
  void fail(const Error& error);
  Result<store::LogPosition> append(const node::Record& record);
  void refuse_waiting();

  ManagerRuntimeOptions options_;
  DataPaths paths_;
  DataLock lock_;
  SigningKey key_;
  std::unique_ptr<store::Log> log_;
  std::unique_ptr<store::Ledger> ledger_;
  std::unique_ptr<store::History> history_;
  std::unique_ptr<store::History> merged_;
  std::unique_ptr<node::ManagerDriver> driver_;  // the folding thread's alone once it runs

  Mutex door_;  // from numbering a delivery to its append: declarations stand in the log in order
  node::SeriesTable series_ GUARDED_BY(door_);

  Mutex mutex_;
  Condition wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool appended_ GUARDED_BY(mutex_) = false;
  std::uint64_t next_request_ GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, Done> waiting_ GUARDED_BY(mutex_);
  std::vector<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  std::shared_ptr<const node::View> view_ GUARDED_BY(mutex_);
  std::deque<node::Notice> notices_ GUARDED_BY(mutex_);
  std::uint64_t notices_dropped_ GUARDED_BY(mutex_) = 0;  // number of the first kept notice, minus one
  std::vector<std::weak_ptr<Subscriber>> subscribers_ GUARDED_BY(mutex_);

  std::atomic<bool> ready_ = false;
  std::atomic<store::LogPosition> appended_position_ = 0;
  std::atomic<store::LogPosition> folded_position_ = 0;
  WallTime next_house_keeping_;
  bool full_reported_ = false;
  std::thread thread_;
};

}  // namespace mien::edge
