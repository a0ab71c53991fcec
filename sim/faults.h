// What may go wrong in a run, drawn once per seed (swarm testing, Groce et al. 2012: each kind of fault is in a run or
// it is not, so that rare combinations are met), and the seams that die in the middle of a call.
#pragma once

#include <string>

#include "base/prng.h"
#include "base/time.h"
#include "node/agent_driver.h"
#include "node/testing/memory_seams.h"

namespace mien::sim {

struct Faults {
  double loss = 0;             // of a message, each way
  double duplicate = 0;        // of a request
  Duration delay{};            // mean; exponential, so messages overtake each other
  Duration partition_every{};  // 0: never. One way, of some agents
  Duration partition_length{};
  Duration manager_crash_every{};
  Duration agent_crash_every{};
  double crash_in_call =
      0;  // chance that a call to log, ledger or history is the manager's last, before or after its effect
  bool power_cuts = false;  // a crash also takes what the log did not sync
  bool old_ledger = false;  // a crash may bring back a ledger of a while ago
  Duration disk_full_every{};
  Duration clock_jump_every{};
  Duration manager_jump_every{};  // its own clock is set, ahead or back
  Duration stall_every{};         // an agent stops for a while

  [[nodiscard]] static Faults draw(Prng& prng);
  [[nodiscard]] bool none() const;
  [[nodiscard]] std::string to_string() const;
};

// Decides whether a call is the process's last one. Once it struck, every call fails until the restart.
class CrashPoint {
 public:
  CrashPoint(const Prng& prng, double chance) : prng_(prng), chance_(chance) {}
  bool strikes() {
    if (armed && !struck && prng_.chance(chance_)) struck = true;
    return struck;
  }
  bool armed = false;
  bool struck = false;

 private:
  Prng prng_;
  double chance_;
};

inline Error crashed() { return {.code = Code::io, .message = "the process is gone", .where = {}, .cause = {}}; }

// Calls pass through to memory, unless the process dies before or after them.
class CrashingLog final : public store::Log {
 public:
  CrashingLog(store::Log& inner, CrashPoint& point) : inner_(inner), point_(point) {}
  Result<store::LogPosition> append(store::ShardId shard, WallTime at,
                                    std::span<const std::string_view> records) override {
    if (point_.strikes()) return crashed();
    Result<store::LogPosition> done = inner_.append(shard, at, records);
    if (point_.strikes()) return crashed();
    return done;
  }
  Result<std::vector<store::LogRecord>> read(store::ShardId shard, store::LogPosition after,
                                             std::size_t limit) override {
    if (point_.struck) return crashed();
    return inner_.read(shard, after, limit);
  }
  Result<store::LogBounds> bounds(store::ShardId shard) override { return inner_.bounds(shard); }
  Status sync(store::ShardId shard) override {
    if (point_.strikes()) return crashed();
    Status done = inner_.sync(shard);
    if (point_.strikes()) return crashed();
    return done;
  }
  Status trim(store::ShardId shard, store::LogPosition upto) override { return inner_.trim(shard, upto); }

 private:
  store::Log& inner_;
  CrashPoint& point_;
};

class CrashingLedger final : public store::Ledger {
 public:
  CrashingLedger(store::Ledger& inner, CrashPoint& point) : inner_(inner), point_(point) {}
  Result<store::Checkpoint> acquire(store::ShardId shard) override { return inner_.acquire(shard); }
  Status commit(const store::Transaction& transaction) override {
    if (point_.strikes()) return crashed();
    Status done = inner_.commit(transaction);
    if (point_.strikes()) return crashed();
    return done;
  }
  Result<std::vector<store::Entry>> scan(store::Table table, std::string_view prefix, std::string_view after,
                                         std::size_t limit) override {
    return inner_.scan(table, prefix, after, limit);
  }
  Result<std::optional<std::string>> get(store::Table table, std::string_view key) override {
    return inner_.get(table, key);
  }
  Result<std::vector<store::AuditRow>> audit(std::uint64_t after, std::size_t limit) override {
    return inner_.audit(after, limit);
  }
  Result<std::optional<store::AuditHead>> audit_head() override { return inner_.audit_head(); }
  Result<std::optional<store::AuditRow>> audit_tail() override { return inner_.audit_tail(); }

 private:
  store::Ledger& inner_;
  CrashPoint& point_;
};

class CrashingHistory final : public store::History {
 public:
  CrashingHistory(store::History& inner, CrashPoint& point) : inner_(inner), point_(point) {}
  Status append(const std::vector<store::HistoryBlock>& blocks) override {
    if (point_.strikes()) return crashed();
    Status done = inner_.append(blocks);
    if (point_.strikes()) return crashed();
    return done;
  }
  Result<std::vector<store::HistorySeries>> read(const store::HistoryQuery& query) override {
    return inner_.read(query);
  }
  Status append_facts(const std::vector<store::FactBlock>& blocks) override {
    if (point_.strikes()) return crashed();
    return inner_.append_facts(blocks);
  }
  Result<std::vector<store::StoredFact>> read_facts(const store::FactQuery& query) override {
    return inner_.read_facts(query);
  }
  Status retain(WallTime now, Bytes limit) override { return inner_.retain(now, limit); }
  Result<store::HistoryUse> use() override { return inner_.use(); }

 private:
  store::History& inner_;
  CrashPoint& point_;
};

// An agent's disk: survives its crashes.
class MemorySpool final : public node::Spool {
 public:
  Result<std::uint64_t> put(const node::AgentRequest& request) override {
    if (full) return node::testing::full_error();
    waiting_.push_back(request);
    return std::uint64_t{0};
  }
  Result<std::optional<node::AgentRequest>> oldest() override {
    return waiting_.empty() ? std::optional<node::AgentRequest>{} : std::optional<node::AgentRequest>{waiting_.front()};
  }
  Status drop(std::uint64_t number) override {
    while (!waiting_.empty() && waiting_.front().number <= number) waiting_.erase(waiting_.begin());
    return {};
  }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  bool full = false;

 private:
  std::vector<node::AgentRequest> waiting_;
};

}  // namespace mien::sim
