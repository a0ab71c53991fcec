// Log, Ledger and History in memory, with the faults that disks and power have: for unit tests and the simulation.
//
// A crash of the process keeps everything; a power cut takes the log's records after the last sync(), and the two can
// be made to lose different tails. Disk full refuses every write until there is room again.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "store/audit.h"
#include "store/facts.h"
#include "store/history.h"
#include "store/ledger.h"
#include "store/log.h"

namespace mien::node::testing {

inline Error full_error() { return {.code = Code::exhausted, .message = "the disk is full", .where = {}, .cause = {}}; }

// A hash for tests: FNV-1a spread over 32 bytes. Not for secrets, but a changed byte changes it.
inline store::Hash test_hash(std::string_view bytes) {
  store::Hash hash{};
  for (std::size_t lane = 0; lane < 4; ++lane) {
    std::uint64_t h = 0xcbf29ce484222325U + lane * 0x9e3779b97f4a7c15U;
    for (char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    for (std::size_t i = 0; i < 8; ++i) hash[lane * 8 + i] = static_cast<unsigned char>(h >> (8 * i));
  }
  return hash;
}

class MemoryLog final : public store::Log {
 public:
  Result<store::LogPosition> append(store::ShardId, WallTime at, std::span<const std::string_view> records) override {
    if (full) return full_error();
    if (!records_.empty()) at = std::max(at, records_.back().at);
    for (std::string_view bytes : records)
      records_.push_back({.position = trimmed_ + records_.size() + 1, .at = at, .bytes = std::string(bytes)});
    return trimmed_ + records_.size();
  }
  Result<std::vector<store::LogRecord>> read(store::ShardId, store::LogPosition after, std::size_t limit) override {
    std::vector<store::LogRecord> found;
    if (after < trimmed_ && trimmed_ != 0 && after != 0)
      return Error{.code = Code::not_found, .message = "trimmed", .where = {}, .cause = {}};
    std::size_t first = after > trimmed_ ? after - trimmed_ : 0;
    for (std::size_t i = first; i < records_.size() && found.size() < limit; ++i) found.push_back(records_[i]);
    return found;
  }
  Result<store::LogBounds> bounds(store::ShardId) override {
    if (records_.empty()) return store::LogBounds{.first = 0, .last = trimmed_};
    return store::LogBounds{.first = trimmed_ + 1, .last = trimmed_ + records_.size()};
  }
  Status sync(store::ShardId) override {
    if (full) return full_error();
    if (!skip_sync) synced_ = trimmed_ + records_.size();
    return {};
  }
  Status trim(store::ShardId, store::LogPosition upto) override {
    while (!records_.empty() && records_.front().position <= upto) {
      records_.erase(records_.begin());
      ++trimmed_;
    }
    return {};
  }

  // Loses what no sync covers, or only the newest `at_most` of it.
  void cut_power(std::size_t at_most = SIZE_MAX) {
    while (!records_.empty() && records_.back().position > synced_ && at_most-- > 0) records_.pop_back();
  }
  void flip_bit(std::size_t index, std::size_t bit) {
    std::string& bytes = records_[index].bytes;
    bytes[bit / 8 % bytes.size()] = static_cast<char>(bytes[bit / 8 % bytes.size()] ^ (1 << (bit % 8)));
  }
  [[nodiscard]] const std::vector<store::LogRecord>& records() const { return records_; }

  bool full = false;
  bool skip_sync = false;  // mutant: sync() says ok and does nothing

 private:
  std::vector<store::LogRecord> records_;
  store::LogPosition trimmed_ = 0;
  store::LogPosition synced_ = 0;
};

class MemoryLedger final : public store::Ledger {
 public:
  Result<store::Checkpoint> acquire(store::ShardId) override {
    ++checkpoint_.epoch;
    return checkpoint_;
  }
  Status commit(const store::Transaction& transaction) override {
    if (full) return full_error();
    if (transaction.checkpoint.epoch != checkpoint_.epoch)
      return Error{.code = Code::conflict, .message = "a newer owner has this shard", .where = {}, .cause = {}};
    std::optional<store::AuditRow> tail = audit_tail().value();
    for (const store::AuditRow& row : transaction.audit) {
      if (!store::continues(tail ? &*tail : nullptr, row, test_hash))
        return Error{.code = Code::conflict, .message = "the audit does not continue", .where = {}, .cause = {}};
      tail = row;
    }
    checkpoint_ = transaction.checkpoint;
    for (const store::Write& write : transaction.writes) {
      auto& table = tables_[static_cast<std::size_t>(write.table)];
      if (write.bytes) table[write.key] = *write.bytes;
      else table.erase(write.key);
    }
    audit_.insert(audit_.end(), transaction.audit.begin(), transaction.audit.end());
    if (transaction.head) head_ = transaction.head;
    ++commits;
    return {};
  }
  Result<std::vector<store::Entry>> scan(store::Table table, std::string_view prefix, std::string_view after,
                                         std::size_t limit) override {
    std::vector<store::Entry> found;
    const auto& entries = tables_[static_cast<std::size_t>(table)];
    for (auto it = entries.upper_bound(std::string(after)); it != entries.end() && found.size() < limit; ++it)
      if (it->first.starts_with(prefix)) found.push_back({.key = it->first, .bytes = it->second});
    return found;
  }
  Result<std::optional<std::string>> get(store::Table table, std::string_view key) override {
    const auto& entries = tables_[static_cast<std::size_t>(table)];
    auto it = entries.find(std::string(key));
    return it == entries.end() ? std::optional<std::string>{} : std::optional<std::string>{it->second};
  }
  Result<std::vector<store::AuditRow>> audit(std::uint64_t after, std::size_t limit) override {
    std::size_t first = std::min<std::size_t>(after, audit_.size());
    std::size_t last = std::min(first + limit, audit_.size());
    return std::vector<store::AuditRow>(audit_.begin() + static_cast<std::ptrdiff_t>(first),
                                        audit_.begin() + static_cast<std::ptrdiff_t>(last));
  }
  Result<std::optional<store::AuditHead>> audit_head() override { return head_; }
  Result<std::optional<store::AuditRow>> audit_tail() override {
    return audit_.empty() ? std::optional<store::AuditRow>{} : std::optional<store::AuditRow>{audit_.back()};
  }

  [[nodiscard]] const store::Checkpoint& checkpoint() const { return checkpoint_; }
  std::vector<store::AuditRow>& audit_rows() { return audit_; }

  bool full = false;
  std::uint64_t commits = 0;

 private:
  store::Checkpoint checkpoint_;
  std::array<std::map<std::string, std::string>, 16> tables_;
  std::vector<store::AuditRow> audit_;
  std::optional<store::AuditHead> head_;
};

class MemoryHistory final : public store::History {
 public:
  Status append(const std::vector<store::HistoryBlock>& blocks) override {
    if (full) return full_error();
    for (const store::HistoryBlock& block : blocks) blocks_[{block.instance, block.batch.times.front()}] = block;
    return {};
  }
  Result<std::vector<store::HistorySeries>> read(const store::HistoryQuery& query) override {
    std::map<model::Series, std::map<WallTime, double>> points;
    for (const auto& [key, block] : blocks_) {
      if (key.first != query.instance) continue;
      for (std::size_t c = 0; c < block.series.size(); ++c) {
        if (!query.metric.empty() && block.series[c].metric.value != query.metric) continue;
        for (std::size_t r = 0; r < block.batch.times.size(); ++r) {
          double value = block.batch.at(c, r);
          WallTime at = block.batch.times[r];
          if (value == value && at >= query.from && at < query.to) points[block.series[c]][at] = value;
        }
      }
    }
    std::vector<store::HistorySeries> found;
    for (const auto& [series, values] : points) {
      store::HistorySeries out{.series = series, .points = {}};
      for (const auto& [at, value] : values)
        out.points.push_back({.at = at, .min = value, .max = value, .mean = value, .count = 1});
      found.push_back(std::move(out));
    }
    return found;
  }
  Status append_facts(const std::vector<store::FactBlock>& blocks) override {
    if (full) return full_error();
    for (const store::FactBlock& block : blocks) facts_[{block.instance, block.position, block.part}] = block;
    return {};
  }
  Result<std::vector<store::StoredFact>> read_facts(const store::FactQuery& query) override {
    store::FactPage page{query};
    for (const auto& [key, block] : facts_)
      if (block.instance == query.instance) page.offer(block);
    return page.take();
  }
  Status retain(WallTime, Bytes) override { return {}; }
  Result<store::HistoryUse> use() override { return store::HistoryUse{}; }

  [[nodiscard]] const auto& blocks() const { return blocks_; }
  bool full = false;

 private:
  std::map<std::pair<InstanceName, WallTime>, store::HistoryBlock> blocks_;
  std::map<std::tuple<InstanceName, store::LogPosition, std::uint64_t>, store::FactBlock> facts_;
};

}  // namespace mien::node::testing
