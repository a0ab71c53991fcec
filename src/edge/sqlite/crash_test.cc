// kill -9 at any instant: whatever was acknowledged is there, once, and what was not is there whole or not at all.
#include <gtest/gtest.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <random>

#include "base/prng.h"
#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/sqlite/sqlite.h"
#include "store/audit.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {

namespace {

constexpr int rounds = 24;
constexpr std::int64_t hour = 3600;

WallTime at(std::int64_t seconds) { return {1'790'000'000'000'000'000 + seconds * 1'000'000'000}; }

std::uint64_t fresh_seed() {
  std::random_device device;
  const std::uint64_t seed = (std::uint64_t{device()} << 32) | device();
  std::cout << "seed " << seed << "\n";
  return seed;
}

// Runs `work` in a child, which calls acknowledge(n) after each step; kills it after so many acknowledgements and a
// while more, counted in polls of the pipe. Returns the last acknowledgement that reached us.
std::uint64_t run_and_kill(Prng& prng, const std::function<void(const std::function<void(std::uint64_t)>&)>& work) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe_ends[0]);
    work([&](std::uint64_t n) {
      if (::write(pipe_ends[1], &n, sizeof n) != sizeof n) ::_exit(2);
    });
    ::_exit(3);  // it should have been killed in the middle
  }
  ::close(pipe_ends[1]);
  std::uint64_t last = 0;
  const std::uint64_t enough = 1 + prng.below(60);
  for (std::uint64_t n = 0, seen = 0; seen < enough && ::read(pipe_ends[0], &n, sizeof n) == sizeof n; ++seen) last = n;
  for (std::uint64_t spin = prng.below(20'000); spin > 0; --spin) {  // somewhere inside the next steps
    pollfd ready{.fd = pipe_ends[0], .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, 0);
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
  for (std::uint64_t n = 0; ::read(pipe_ends[0], &n, sizeof n) == sizeof n;) last = n;
  ::close(pipe_ends[0]);
  return last;
}

std::string record_text(store::LogPosition position) {
  return cat("record ", position, " ", std::string(position % 700, 'x'));
}

}  // namespace

TEST(CrashOfTheLog, LosesNothingAcknowledgedAndHasNoHoles) {
  const testing::FakeTree tree;
  const std::string directory = tree.path("log");
  Prng prng{fresh_seed()};
  store::LogPosition known = 0;
  for (int round = 0; round < rounds; ++round) {
    const store::LogPosition acknowledged = run_and_kill(prng, [&](const auto& acknowledge) {
      auto log = open_log(directory);
      if (!log) ::_exit(4);
      store::LogPosition next = (*log)->bounds(0).value().last + 1;
      while (true) {
        std::vector<std::string> texts;
        for (store::LogPosition i = 0; i <= next % 3; ++i) texts.push_back(record_text(next + i));
        const std::vector<std::string_view> views{texts.begin(), texts.end()};
        const auto last = (*log)->append(0, at(static_cast<std::int64_t>(next) * hour / 20), views);
        if (!last) ::_exit(5);
        if (next % 7 == 0 && !(*log)->sync(0)) ::_exit(6);
        next = *last + 1;
        acknowledge(*last);
      }
    });
    known = std::max(known, acknowledged);
    auto log = open_log(directory);
    ASSERT_TRUE(log.ok()) << "round " << round << ": " << log.error().to_string();
    const store::LogBounds bounds = (*log)->bounds(0).value();
    ASSERT_EQ(bounds.first, 1U);
    ASSERT_GE(bounds.last, known) << "round " << round;
    const auto records = (*log)->read(0, 0, bounds.last + 10);
    ASSERT_TRUE(records.ok()) << records.error().to_string();
    ASSERT_EQ(records->size(), bounds.last);
    for (const store::LogRecord& record : *records) ASSERT_EQ(record.bytes, record_text(record.position));
    known = bounds.last;
  }
}

TEST(CrashOfTheLedger, LosesNoCommitAndNeverShowsHalfOfOne) {
  const testing::FakeTree tree;
  const std::string path = tree.path("ledger.sqlite");
  Prng prng{fresh_seed()};
  store::LogPosition known = 0;
  for (int round = 0; round < rounds; ++round) {
    const store::LogPosition acknowledged = run_and_kill(prng, [&](const auto& acknowledge) {
      auto ledger = open_ledger(path);
      if (!ledger) ::_exit(4);
      store::Checkpoint owner = (*ledger)->acquire(0).value();
      store::AuditChain chain{&sha256, (*ledger)->audit_tail().value()};
      while (true) {
        ++owner.position;
        store::Transaction t{.shard = 0, .checkpoint = owner, .writes = {}, .audit = {}, .head = {}};
        for (const char* key : {"one", "two"})
          t.writes.push_back({.table = store::Table::instance, .key = key, .bytes = record_text(owner.position)});
        t.audit.push_back(chain.append({.at = at(0),
                                        .actor = "mien",
                                        .verb = "test.done",
                                        .subject = "Test/1",
                                        .cause = cat("log/", owner.position),
                                        .detail = ""}));
        if (!(*ledger)->commit(t)) ::_exit(5);
        acknowledge(owner.position);
      }
    });
    known = std::max(known, acknowledged);
    auto ledger = open_ledger(path);
    ASSERT_TRUE(ledger.ok()) << "round " << round << ": " << ledger.error().to_string();
    const store::Checkpoint found = (*ledger)->acquire(0).value();
    ASSERT_GE(found.position, known) << "round " << round;
    known = found.position;
    if (known == 0) continue;
    EXPECT_EQ((*ledger)->get(store::Table::instance, "one").value(), record_text(known));
    EXPECT_EQ((*ledger)->get(store::Table::instance, "two").value(), record_text(known));
    EXPECT_EQ((*ledger)->audit_tail().value()->sequence, known);
    const auto verdict = store::verify_audit(**ledger, &sha256, [](auto, auto) { return true; }, {});
    EXPECT_FALSE(verdict->broken) << verdict->broken->to_string();
  }
}

TEST(CrashOfTheHistory, LeavesWholeBlocks) {
  const testing::FakeTree tree;
  const std::string path = tree.path("history.sqlite");
  Prng prng{fresh_seed()};
  std::uint64_t known = 0;
  for (int round = 0; round < 8; ++round) {
    const std::uint64_t acknowledged = run_and_kill(prng, [&](const auto& acknowledge) {
      auto history = open_history(path);
      if (!history) ::_exit(4);
      for (std::uint64_t n = (*history)->use().value().blocks + 1;; ++n) {
        store::HistoryBlock block{.instance = InstanceName{"a"},
                                  .series = {{.metric = MetricName{"m"}, .attributes = {}, .unit = "1"}},
                                  .batch = {}};
        for (std::int64_t i = 0; i < 120; ++i) {
          block.batch.times.push_back(at(static_cast<std::int64_t>(n) * 120 + i));
          block.batch.values.push_back(static_cast<double>(n));
        }
        if (!(*history)->append({block})) ::_exit(5);
        acknowledge(n);
      }
    });
    known = std::max(known, acknowledged);
    auto history = open_history(path);
    ASSERT_TRUE(history.ok()) << history.error().to_string();
    const store::HistoryUse use = (*history)->use().value();
    ASSERT_GE(use.blocks, known);
    ASSERT_EQ(use.samples, use.blocks * 120);
    known = use.blocks;
  }
}

// A power cut may keep any part of what was not synced. Here: the WAL ends anywhere, or has a page of zeros in it.
class PowerCut : public ::testing::Test {
 protected:
  // The files as they are now, with the WAL cut at `size` and, where told, zeros from `hole` on.
  void copy_torn(const std::string& from, const std::string& to, std::uintmax_t size,
                 std::optional<std::uintmax_t> hole) {
    std::filesystem::create_directories(std::filesystem::path(to).parent_path());
    for (const char* suffix : {"-shm", "-wal", ""}) std::filesystem::remove(to + suffix);
    std::filesystem::copy_file(from, to);
    std::filesystem::copy_file(from + "-wal", to + "-wal");
    std::filesystem::resize_file(to + "-wal", size);
    if (!hole) return;
    std::fstream wal(to + "-wal", std::ios::in | std::ios::out | std::ios::binary);
    wal.seekp(static_cast<std::streamoff>(*hole));
    wal << std::string(std::min<std::uintmax_t>(4096, size - *hole), '\0');
  }

  // Calls check(where the torn copy is) for many ways to tear.
  void tear(const std::string& from, const std::string& to, const std::function<void()>& check) {
    const std::uintmax_t whole = std::filesystem::file_size(from + "-wal");
    ASSERT_GT(whole, 50'000U);
    for (int i = 0; i < 40; ++i) {
      const std::uintmax_t size = i == 0 ? whole : prng_.below(whole + 1);
      std::optional<std::uintmax_t> hole;
      if (i % 3 == 2 && size > 0) hole = prng_.below(size);
      SCOPED_TRACE(cat("WAL of ", whole, " bytes cut to ", size, hole ? cat(" with a hole at ", *hole) : ""));
      copy_torn(from, to, size, hole);
      check();
    }
  }

  const testing::FakeTree tree_;
  Prng prng_{fresh_seed()};
};

TEST_F(PowerCut, LeavesTheLogABeginningOfItself) {
  auto log = open_log(tree_.path("log")).value();
  for (store::LogPosition n = 1; n <= 60; n += 2) {
    const std::string a = record_text(n);
    const std::string b = record_text(n + 1);
    const std::vector<std::string_view> both{a, b};
    ASSERT_TRUE(log->append(0, at(static_cast<std::int64_t>(n)), both).ok());
  }
  const std::string name = "/0/00000000000000000001.sqlite";
  store::LogPosition longest = 0;
  tear(tree_.path("log") + name, tree_.path("torn") + name, [&] {
    auto torn = open_log(tree_.path("torn"));
    ASSERT_TRUE(torn.ok()) << torn.error().to_string();
    const store::LogPosition last = (*torn)->bounds(0).value().last;
    EXPECT_EQ(last % 2, 0U);  // appends are there whole or not at all
    const auto records = (*torn)->read(0, 0, 1000);
    ASSERT_TRUE(records.ok()) << records.error().to_string();
    ASSERT_EQ(records->size(), last);
    for (const store::LogRecord& record : *records) EXPECT_EQ(record.bytes, record_text(record.position));
    longest = std::max(longest, last);
    const std::string_view next = "next";
    EXPECT_EQ((*torn)->append(0, at(1000), std::span(&next, 1)).value(), last + 1);
  });
  EXPECT_EQ(longest, 60U);
}

TEST_F(PowerCut, LeavesTheLedgerAtOneOfItsCommits) {
  auto ledger = open_ledger(tree_.path("ledger.sqlite")).value();
  store::Checkpoint owner = ledger->acquire(0).value();
  store::AuditChain chain{&sha256, std::nullopt};
  for (owner.position = 1; owner.position <= 40; ++owner.position) {
    store::Transaction t{.shard = 0, .checkpoint = owner, .writes = {}, .audit = {}, .head = {}};
    for (const char* key : {"one", "two"})
      t.writes.push_back({.table = store::Table::instance, .key = key, .bytes = record_text(owner.position)});
    t.audit.push_back(chain.append(
        {.at = at(0), .actor = "mien", .verb = "test.done", .subject = "Test/1", .cause = "log/1", .detail = ""}));
    ASSERT_TRUE(ledger->commit(t).ok());
  }
  std::uint64_t newest = 0;
  tear(tree_.path("ledger.sqlite"), tree_.path("torn/ledger.sqlite"), [&] {
    auto torn = open_ledger(tree_.path("torn/ledger.sqlite"));
    ASSERT_TRUE(torn.ok()) << torn.error().to_string();
    const std::uint64_t position = (*torn)->acquire(0)->position;
    newest = std::max(newest, position);
    if (position == 0) return;
    EXPECT_EQ((*torn)->get(store::Table::instance, "one").value(), record_text(position));
    EXPECT_EQ((*torn)->get(store::Table::instance, "two").value(), record_text(position));
    EXPECT_EQ((*torn)->audit_tail().value()->sequence, position);
  });
  EXPECT_EQ(newest, 40U);
}

// Two managers must not share a directory; the lock of a killed one is free again.
TEST(CrashOfAManager, FreesItsDataDirectory) {
  const testing::FakeTree tree;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = DataLock::take(tree.path("data"));
    const char told = lock.ok() ? 'y' : 'n';
    if (::write(pipe_ends[1], &told, 1) != 1) ::_exit(2);
    ::pause();
    ::_exit(0);
  }
  char told = 0;
  ASSERT_EQ(::read(pipe_ends[0], &told, 1), 1);
  ASSERT_EQ(told, 'y');
  const auto refused = DataLock::take(tree.path("data"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find(cat("process ", child)), std::string::npos) << refused.error().message;
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(DataLock::take(tree.path("data")).ok());
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace mien::edge
