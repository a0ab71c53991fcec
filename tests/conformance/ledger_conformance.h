// What every implementation of store::Ledger must do. Used as log_conformance.h says. The suite links its
// audit rows with the maker's hash function, which must be the implementation's.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "store/audit.h"
#include "store/ledger.h"

namespace mien::conformance {

class LedgerHome {
 public:
  virtual ~LedgerHome() = default;
  // A ledger on what lives here; several may be open at once (an owner, its successor, readers).
  virtual std::unique_ptr<store::Ledger> open() = 0;
};

struct LedgerHomeMaker {
  std::string name;
  std::function<std::unique_ptr<LedgerHome>()> make;
  store::Sha256 sha256;
};

inline std::string name_of_ledger_home(const ::testing::TestParamInfo<LedgerHomeMaker>& info) {
  return info.param.name;
}

class LedgerConformance : public ::testing::TestWithParam<LedgerHomeMaker> {
 protected:
  void SetUp() override {
    home_ = GetParam().make();
    ledger_ = home_->open();
    ASSERT_NE(ledger_, nullptr);
    owner_ = acquire(*ledger_);
  }
  void reopen() {
    ledger_.reset();
    ledger_ = home_->open();
    ASSERT_NE(ledger_, nullptr);
  }
  static store::Checkpoint acquire(store::Ledger& ledger, store::ShardId shard = 0) {
    auto checkpoint = ledger.acquire(shard);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.error().to_string();
    return checkpoint ? *checkpoint : store::Checkpoint{};
  }
  // A transaction of the present owner that moves its position on by one.
  store::Transaction transaction(std::vector<store::Write> writes = {}) {
    store::Transaction t{.shard = 0, .checkpoint = owner_, .writes = std::move(writes), .audit = {}, .head = {}};
    ++t.checkpoint.position;
    t.checkpoint.record_hash.fill(static_cast<unsigned char>(t.checkpoint.position));
    return t;
  }
  void commit(const store::Transaction& t) {
    const Status status = ledger_->commit(t);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    owner_ = t.checkpoint;
  }
  store::AuditChain chain() {
    auto tail = ledger_->audit_tail();
    EXPECT_TRUE(tail.ok());
    return store::AuditChain{GetParam().sha256, tail ? *tail : std::nullopt};
  }
  std::vector<store::Entry> scan(std::string_view prefix, std::string_view after = {}, std::size_t limit = 1000,
                                 store::Table table = store::Table::resource) {
    auto entries = ledger_->scan(table, prefix, after, limit);
    EXPECT_TRUE(entries.ok()) << entries.error().to_string();
    return entries ? *entries : std::vector<store::Entry>{};
  }
  std::optional<std::string> get(std::string_view key, store::Table table = store::Table::resource) {
    auto bytes = ledger_->get(table, key);
    EXPECT_TRUE(bytes.ok()) << bytes.error().to_string();
    return bytes ? *bytes : std::nullopt;
  }
  static store::Write put(std::string key, std::string bytes, store::Table table = store::Table::resource) {
    return {.table = table, .key = std::move(key), .bytes = std::move(bytes)};
  }
  static store::Write erase(std::string key) {
    return {.table = store::Table::resource, .key = std::move(key), .bytes = std::nullopt};
  }
  static model::AuditEvent event(std::string detail) {
    return {.at = {1},
            .actor = "mien",
            .verb = "test.done",
            .subject = "Test/1",
            .cause = "log/1",
            .detail = std::move(detail)};
  }
  static store::Table every_table(unsigned index) { return static_cast<store::Table>(index); }

  std::unique_ptr<LedgerHome> home_;
  std::unique_ptr<store::Ledger> ledger_;
  store::Checkpoint owner_;
};

TEST_P(LedgerConformance, TheFirstOwnerStartsFromNothing) {
  EXPECT_EQ(owner_, (store::Checkpoint{.position = 0, .record_hash = {}, .epoch = 1}));
  EXPECT_TRUE(scan("").empty());
  EXPECT_FALSE(ledger_->audit_tail().value().has_value());
  EXPECT_FALSE(ledger_->audit_head().value().has_value());
}

TEST_P(LedgerConformance, ACommitIsThereAfterReopeningWithItsCheckpoint) {
  store::Transaction t = transaction({put("persona/a", "1"), put("persona/b", std::string("\0\xff", 2))});
  t.checkpoint.position = 42;
  commit(t);
  reopen();
  EXPECT_EQ(get("persona/a"), "1");
  EXPECT_EQ(get("persona/b"), std::string("\0\xff", 2));
  const store::Checkpoint next = acquire(*ledger_);
  EXPECT_EQ(next.position, 42U);
  EXPECT_EQ(next.record_hash, t.checkpoint.record_hash);
  EXPECT_EQ(next.epoch, 2U);
}

TEST_P(LedgerConformance, ACommitIsSeenAtOnceByEveryReader) {
  const auto reader = home_->open();
  commit(transaction({put("a", "1")}));
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(reader->get(store::Table::resource, "a").value(), "1");
  commit(transaction({put("a", "2")}));
  EXPECT_EQ(reader->get(store::Table::resource, "a").value(), "2");
}

TEST_P(LedgerConformance, WritesApplyInOrderAndErasingWhatIsNotThereIsNoError) {
  commit(transaction(
      {put("a", "1"), put("a", "2"), put("b", "1"), erase("b"), erase("never"), erase("c"), put("c", "3")}));
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(get("b"), std::nullopt);
  EXPECT_EQ(get("c"), "3");
}

TEST_P(LedgerConformance, AnEmptyValueIsAValue) {
  commit(transaction({put("a", "")}));
  EXPECT_EQ(get("a"), "");
  EXPECT_EQ(scan("").size(), 1U);
}

TEST_P(LedgerConformance, EveryTableKeepsItsOwn) {
  std::vector<store::Write> writes;
  for (unsigned i = 0; i < 10; ++i) writes.push_back(put("key", cat(i), every_table(i)));
  commit(transaction(writes));
  for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(get("key", every_table(i)), cat(i));
}

TEST_P(LedgerConformance, ScanIsInByteOrderWithinItsPrefix) {
  commit(transaction({put("b", "1"), put("a/2", "2"), put("a/10", "3"), put("a/\xff", "4"), put("a0", "5"),
                      put("A", "6"), put("a", "7")}));
  std::string keys;
  for (const store::Entry& entry : scan("")) keys += entry.key + " ";
  EXPECT_EQ(keys, "A a a/10 a/2 a/\xff a0 b ");
  const auto below = scan("a/");
  ASSERT_EQ(below.size(), 3U);
  EXPECT_EQ(below[0], (store::Entry{"a/10", "3"}));
  EXPECT_EQ(below[2], (store::Entry{"a/\xff", "4"}));
  EXPECT_TRUE(scan("z").empty());
}

TEST_P(LedgerConformance, ScanGoesOnAfterAKeyPageByPage) {
  std::vector<store::Write> writes;
  for (int i = 0; i < 25; ++i) writes.push_back(put(cat("p/", 100 + i), cat(i)));
  writes.push_back(put("q", "other"));
  commit(transaction(writes));
  std::string after;
  std::size_t seen = 0;
  for (auto page = scan("p/", after, 10); !page.empty(); page = scan("p/", after, 10)) {
    EXPECT_LE(page.size(), 10U);
    for (const store::Entry& entry : page) EXPECT_EQ(entry.key, cat("p/", 100 + seen++));
    after = page.back().key;
  }
  EXPECT_EQ(seen, 25U);
  EXPECT_EQ(scan("p/", "p/1235").size(), 1U);  // a key that is not there will do
  EXPECT_TRUE(scan("p/", "q").empty());
}

TEST_P(LedgerConformance, ARefusedTransactionLeavesNothingBehind) {
  commit(transaction({put("a", "before")}));
  store::AuditChain other{GetParam().sha256, store::AuditRow{.sequence = 7, .bytes = "x", .hash = {}}};
  store::Transaction t = transaction({put("a", "after"), put("b", "new"), erase("a")});
  t.audit.push_back(other.append(event("does not continue")));
  const Status status = ledger_->commit(t);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::conflict);
  EXPECT_EQ(get("a"), "before");
  EXPECT_EQ(get("b"), std::nullopt);
  EXPECT_EQ(acquire(*ledger_).position, owner_.position);
}

TEST_P(LedgerConformance, AZombieOwnerCannotWrite) {
  const auto zombie = home_->open();
  const store::Checkpoint old = acquire(*zombie);
  owner_ = acquire(*ledger_);
  EXPECT_GT(owner_.epoch, old.epoch);
  store::Transaction late{.shard = 0, .checkpoint = old, .writes = {put("a", "zombie")}, .audit = {}, .head = {}};
  late.checkpoint.position = 99;
  const Status status = zombie->commit(late);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::conflict);
  EXPECT_EQ(get("a"), std::nullopt);
  commit(transaction({put("a", "owner")}));
  EXPECT_EQ(get("a"), "owner");
}

TEST_P(LedgerConformance, NobodyCommitsToAShardWithoutAcquiringIt) {
  store::Transaction t = transaction({put("a", "1")});
  t.shard = 5;
  EXPECT_EQ(ledger_->commit(t).error().code, Code::conflict);
  t = transaction({put("a", "1")});
  t.checkpoint.epoch = owner_.epoch + 1;
  EXPECT_EQ(ledger_->commit(t).error().code, Code::conflict);
  EXPECT_EQ(get("a"), std::nullopt);
}

TEST_P(LedgerConformance, ShardsAreOwnedApart) {
  const store::Checkpoint other = acquire(*ledger_, 5);
  EXPECT_EQ(other.epoch, 1U);
  commit(transaction({put("a", "0")}));
  store::Transaction t{.shard = 5, .checkpoint = other, .writes = {put("b", "5")}, .audit = {}, .head = {}};
  t.checkpoint.position = 3;
  EXPECT_TRUE(ledger_->commit(t).ok());
  EXPECT_EQ(acquire(*ledger_, 5).position, 3U);
  EXPECT_EQ(acquire(*ledger_, 0).position, owner_.position);
}

TEST_P(LedgerConformance, TheAuditIsOneUnbrokenChainAcrossReopening) {
  for (int round = 0; round < 3; ++round) {
    store::AuditChain link = chain();
    store::Transaction t = transaction();
    for (int i = 0; i < 4; ++i) t.audit.push_back(link.append(event(cat(round, " ", i))));
    commit(t);
    reopen();
    owner_ = acquire(*ledger_);
  }
  const auto rows = ledger_->audit(0, 100).value();
  ASSERT_EQ(rows.size(), 12U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].sequence, i + 1);
    EXPECT_TRUE(store::continues(i == 0 ? nullptr : &rows[i - 1], rows[i], GetParam().sha256));
  }
  EXPECT_EQ(ledger_->audit_tail().value(), rows.back());
  EXPECT_EQ(ledger_->audit(5, 3).value().front().sequence, 6U);
  EXPECT_EQ(ledger_->audit(5, 3).value().size(), 3U);
  EXPECT_TRUE(ledger_->audit(12, 3).value().empty());
  EXPECT_EQ(store::decode_audit_event(rows[5].bytes).value(), event("1 1"));
}

TEST_P(LedgerConformance, AnAuditRowThatDoesNotContinueTheChainIsRefused) {
  store::AuditChain link = chain();
  store::Transaction first = transaction();
  first.audit.push_back(link.append(event("one")));
  commit(first);
  const store::AuditRow second = link.append(event("two"));

  auto refused = [&](store::AuditRow row, const char* why) {
    store::Transaction t = transaction();
    t.audit.push_back(std::move(row));
    const Status status = ledger_->commit(t);
    ASSERT_FALSE(status.ok()) << why;
    EXPECT_EQ(status.error().code, Code::conflict) << why;
  };
  refused(first.audit[0], "the same row again");
  refused(link.append(event("three")), "a row too far");
  store::AuditRow changed = second;
  changed.bytes.back() ^= 1;
  refused(changed, "bytes that the hash does not cover");
  changed = second;
  changed.hash[31] ^= 1;
  refused(changed, "a wrong hash");

  store::Transaction right = transaction();
  right.audit.push_back(second);
  commit(right);
  EXPECT_EQ(ledger_->audit_tail().value()->sequence, 2U);
}

TEST_P(LedgerConformance, TheNewestSignedHeadIsKept) {
  store::AuditChain link = chain();
  for (int i = 1; i <= 2; ++i) {
    store::Transaction t = transaction();
    t.audit.push_back(link.append(event(cat(i))));
    t.head = store::AuditHead{
        .sequence = link.sequence(), .hash = link.hash(), .at = {i}, .signature = cat("signature ", i)};
    commit(t);
    EXPECT_EQ(ledger_->audit_head().value(), t.head);
  }
  reopen();
  EXPECT_EQ(ledger_->audit_head().value()->signature, "signature 2");
}

// Two keys are always written together; a reader never sees one without the other.
TEST_P(LedgerConformance, ReadersNeverSeeHalfATransaction) {
  static constexpr int commits = 60;
  commit(transaction({put("x/1", "0"), put("x/2", "0")}));
  std::thread reader{[this] {
    std::string last;
    while (last != cat(commits)) {
      const auto both = scan("x/");
      ASSERT_EQ(both.size(), 2U);
      ASSERT_EQ(both[0].bytes, both[1].bytes);
      last = both[0].bytes;
      if (::testing::Test::HasFailure()) return;
    }
  }};
  for (int i = 1; i <= commits; ++i) commit(transaction({put("x/1", cat(i)), put("x/2", cat(i))}));
  reader.join();
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LedgerConformance);

}  // namespace mien::conformance
