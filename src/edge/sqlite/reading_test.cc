// The store opened for looking only: nothing is made or changed, and what it sees stands still where it says so.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "edge/crypto/crypto.h"
#include "edge/sqlite/sqlite.h"
#include "store/audit.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

constexpr std::int64_t second = 1'000'000'000;

Result<store::LogPosition> append(store::Log& log, std::int64_t at, std::string_view record) {
  return log.append(0, WallTime{at * second}, std::array{record});
}

store::Transaction transaction_of(store::Ledger& ledger, const store::Checkpoint& checkpoint, std::string value) {
  store::AuditChain chain{sha256, ledger.audit_tail().value()};
  store::Transaction transaction;
  transaction.checkpoint = checkpoint;
  transaction.writes.push_back({.table = store::Table::decision, .key = "d-1-1", .bytes = std::move(value)});
  transaction.audit.push_back(
      chain.append({.at = WallTime{second}, .actor = "mien", .verb = "v", .subject = "s", .cause = "c", .detail = ""}));
  return transaction;
}

TEST(Reading, ALogForReadingSeesWhatIsAppendedMeanwhileInThisFileAndTheNext) {
  testing::FakeTree tree;
  auto writer = open_log(tree.path("log")).value();
  ASSERT_TRUE(append(*writer, 10, "one").ok());
  auto reader = open_log_for_reading(tree.path("log")).value();
  EXPECT_EQ(reader->bounds(0)->last, 1U);
  ASSERT_TRUE(append(*writer, 11, "two").ok());
  ASSERT_TRUE(append(*writer, 4000, "three").ok()) << "another hour, another file";
  EXPECT_EQ(reader->bounds(0)->last, 3U);
  auto records = reader->read(0, 0, 10);
  ASSERT_TRUE(records.ok()) << records.error().to_string();
  ASSERT_EQ(records->size(), 3U);
  EXPECT_EQ((*records)[2].bytes, "three");
  ASSERT_TRUE(writer->trim(0, 2).ok());
  EXPECT_EQ(reader->bounds(0)->first, 3U);
}

TEST(Reading, ALogForReadingTakesNothing) {
  testing::FakeTree tree;
  auto writer = open_log(tree.path("log")).value();
  ASSERT_TRUE(append(*writer, 10, "one").ok());
  auto reader = open_log_for_reading(tree.path("log")).value();
  EXPECT_EQ(append(*reader, 11, "two").error().code, Code::unsupported);
  EXPECT_EQ(reader->sync(0).error().code, Code::unsupported);
  EXPECT_EQ(reader->trim(0, 1).error().code, Code::unsupported);
  EXPECT_EQ(writer->bounds(0)->last, 1U);
}

TEST(Reading, WhereThereIsNothingNothingIsMade) {
  testing::FakeTree tree;
  EXPECT_EQ(open_log_for_reading(tree.path("log")).error().code, Code::not_found);
  EXPECT_EQ(open_ledger_at_rest(tree.path("ledger.sqlite")).error().code, Code::not_found);
  EXPECT_FALSE(std::filesystem::exists(tree.path("log")));
  EXPECT_FALSE(std::filesystem::exists(tree.path("ledger.sqlite")));
}

TEST(Reading, ALedgerAtRestSeesOneCommitUntilItLooksAgain) {
  testing::FakeTree tree;
  auto writer = open_ledger(tree.path("ledger.sqlite")).value();
  store::Checkpoint checkpoint = writer->acquire(0).value();
  checkpoint.position = 7;
  ASSERT_TRUE(writer->commit(transaction_of(*writer, checkpoint, "before")).ok());
  auto rest = open_ledger_at_rest(tree.path("ledger.sqlite")).value();
  checkpoint.position = 8;
  ASSERT_TRUE(writer->commit(transaction_of(*writer, checkpoint, "after")).ok());
  EXPECT_EQ(rest->checkpoint(0)->position, 7U);
  EXPECT_EQ(rest->get(store::Table::decision, "d-1-1")->value(), "before");
  EXPECT_EQ(rest->audit(0, 10)->size(), 1U);
  ASSERT_TRUE(rest->look_again().ok());
  EXPECT_EQ(rest->checkpoint(0)->position, 8U);
  EXPECT_EQ(rest->get(store::Table::decision, "d-1-1")->value(), "after");
  EXPECT_EQ(rest->audit(0, 10)->size(), 2U);
}

TEST(Reading, ALedgerAtRestTakesNothing) {
  testing::FakeTree tree;
  auto writer = open_ledger(tree.path("ledger.sqlite")).value();
  store::Checkpoint checkpoint = writer->acquire(0).value();
  auto rest = open_ledger_at_rest(tree.path("ledger.sqlite")).value();
  EXPECT_EQ(rest->acquire(0).error().code, Code::unsupported);
  EXPECT_EQ(rest->commit(transaction_of(*rest, checkpoint, "x")).error().code, Code::unsupported);
  EXPECT_EQ(writer->acquire(0)->epoch, checkpoint.epoch + 1) << "the one before was not taken by the reader";
}

}  // namespace
}  // namespace mien::edge
