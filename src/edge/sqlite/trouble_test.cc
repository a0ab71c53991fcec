// Full disks, damaged files, files of other programs and newer versions: each a clear error, and nothing half-written.
#include <gtest/gtest.h>

#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <optional>
#include <span>

#include "base/prng.h"
#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/sqlite/sqlite.h"
#include "store/audit.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {

namespace {

WallTime at(std::int64_t seconds) { return {1'790'000'000'000'000'000 + seconds * 1'000'000'000}; }

// Runs `body` in a child of its own, whose limits and mounts end with it; what it returns as text is what went wrong.
void in_a_child(const std::function<std::string()>& body) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string wrong = body();
    const ssize_t written = ::write(pipe_ends[1], wrong.data(), wrong.size());
    ::_exit(wrong.empty() && written == 0 ? 0 : 1);
  }
  ::close(pipe_ends[1]);
  std::string wrong;
  char piece[512];
  for (ssize_t n = 0; (n = ::read(pipe_ends[0], piece, sizeof piece)) > 0;)
    wrong.append(piece, static_cast<std::size_t>(n));
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(wrong, "");
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child status " << status;
}

std::string big_record(std::uint64_t n) {
  return cat(n, " ", std::string(9000 + n % 1000, static_cast<char>('a' + n % 26)));
}

// Fills `directory` until the store says so, makes room by `relieve`, and goes on. Returns what went wrong.
std::string fill_and_go_on(const std::string& directory, const std::function<void()>& relieve) {
  auto log = open_log(directory + "/log");
  auto ledger = open_ledger(directory + "/ledger.sqlite");
  auto history = open_history(directory + "/history.sqlite");
  if (!log || !ledger || !history) return "cannot open";
  store::Checkpoint owner = (*ledger)->acquire(0).value();

  store::LogPosition last = 0;
  std::optional<Error> full;
  for (int i = 0; i < 2000 && !full; ++i) {
    const std::string a = big_record(last + 1);
    const std::string b = big_record(last + 2);
    const std::vector<std::string_view> records{a, b};
    const auto appended = (*log)->append(0, at(i), records);
    if (appended) last = *appended;
    else full = appended.error();
  }
  if (!full) return "the log never was full";
  if (full->code != Code::exhausted) return "log: " + full->to_string();
  if ((*log)->bounds(0).value().last != last) return "a refused append moved the log";

  std::optional<Error> ledger_full;
  for (int i = 0; i < 2000 && !ledger_full; ++i) {
    store::Transaction t{.shard = 0, .checkpoint = owner, .writes = {}, .audit = {}, .head = {}};
    ++t.checkpoint.position;
    for (const char* key : {"one", "two"})
      t.writes.push_back({.table = store::Table::instance,
                          .key = cat(key, t.checkpoint.position),
                          .bytes = big_record(t.checkpoint.position)});
    const Status status = (*ledger)->commit(t);
    if (status) owner = t.checkpoint;
    else ledger_full = status.error();
  }
  if (!ledger_full) return "the ledger never was full";
  if (ledger_full->code != Code::exhausted) return "ledger: " + ledger_full->to_string();
  if ((*ledger)->get(store::Table::instance, cat("one", owner.position + 1)).value())
    return "half a transaction is there";

  Prng prng{1};
  std::optional<Error> history_full;
  for (std::int64_t i = 0; i < 2000 && !history_full; ++i) {
    store::HistoryBlock block{.instance = InstanceName{"a"},
                              .series = {{.metric = MetricName{"m"}, .attributes = {}, .unit = "1"}},
                              .batch = {}};
    for (std::int64_t r = 0; r < 1000; ++r) {
      block.batch.times.push_back(at(i * 1000 + r));
      block.batch.values.push_back(prng.normal());
    }
    if (const Status status = (*history)->append({block}); !status) history_full = status.error();
  }
  if (!history_full) return "the history never was full";
  if (history_full->code != Code::exhausted) return "history: " + history_full->to_string();

  relieve();
  const std::string_view more = "after";
  const auto appended = (*log)->append(0, at(5000), std::span(&more, 1));
  if (!appended || *appended != last + 1)
    return "the log does not go on: " + (appended ? "position" : appended.error().to_string());
  store::Transaction t{.shard = 0,
                       .checkpoint = owner,
                       .writes = {{.table = store::Table::instance, .key = "after", .bytes = "1"}},
                       .audit = {},
                       .head = {}};
  if (const Status status = (*ledger)->commit(t); !status)
    return "the ledger does not go on: " + status.error().to_string();
  log->reset();
  ledger->reset();
  history->reset();

  log = open_log(directory + "/log");
  if (!log) return log.error().to_string();
  const auto records = (*log)->read(0, 0, 100'000);
  if (!records) return records.error().to_string();
  if (records->size() != last + 1) return cat("the log has ", records->size(), " records instead of ", last + 1);
  for (const store::LogRecord& record : *records)
    if (record.position <= last && record.bytes != big_record(record.position))
      return cat("record ", record.position, " is another one");
  return {};
}

void sql(const std::string& path, const std::string& text) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(database, text.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(database);
}

}  // namespace

// No file may grow beyond a limit: the kernel refuses with EFBIG, at any write of any file.
TEST(FullDisk, ByAFileSizeLimitRefusesWholeAndGoesOn) {
  const testing::FakeTree tree;
  in_a_child([&]() -> std::string {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit small{.rlim_cur = 600'000, .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return "no limit";
    return fill_and_go_on(tree.path(), [&] { ::setrlimit(RLIMIT_FSIZE, &limit); });
  });
}

// A file system of one megabyte; where this user may not mount one, the limit above has to do, and that is said.
TEST(FullDisk, OfASmallFileSystemRefusesWholeAndGoesOn) {
  const testing::FakeTree tree;
  tree.make_directory("disk");
  in_a_child([&]() -> std::string {
    const std::string disk = tree.path("disk");
    const bool own = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!own || ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1200k") != 0) {
      std::cout << "no right to mount a file system here: only the size of files is limited\n" << std::flush;
      return {};
    }
    return fill_and_go_on(disk, [&] { ::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m"); });
  });
}

TEST(NewerVersion, IsRefusedNamingBoth) {
  const testing::FakeTree tree;
  const std::string path = tree.path("ledger.sqlite");
  ASSERT_TRUE(open_ledger(path).ok());
  sql(path, "PRAGMA user_version=2");
  const auto ledger = open_ledger(path);
  ASSERT_FALSE(ledger.ok());
  EXPECT_EQ(ledger.error().code, Code::unsupported);
  EXPECT_NE(ledger.error().to_string().find("format version 2"), std::string::npos) << ledger.error().to_string();
  EXPECT_NE(ledger.error().to_string().find("up to version 1"), std::string::npos) << ledger.error().to_string();
  EXPECT_NE(ledger.error().to_string().find(path), std::string::npos);

  const std::string_view record = "a";
  { ASSERT_TRUE(open_log(tree.path("log")).value()->append(0, at(0), std::span(&record, 1)).ok()); }
  sql(tree.path("log/0/00000000000000000001.sqlite"), "PRAGMA user_version=9");
  EXPECT_EQ(open_log(tree.path("log")).error().code, Code::unsupported);
}

TEST(DamagedFile, IsNamedWithWhatToDo) {
  const testing::FakeTree tree;
  tree.write("ledger.sqlite", std::string(8192, 'x'));
  const auto ledger = open_ledger(tree.path("ledger.sqlite"));
  ASSERT_FALSE(ledger.ok());
  EXPECT_EQ(ledger.error().code, Code::corrupt);
  EXPECT_NE(ledger.error().to_string().find("mien restore"), std::string::npos) << ledger.error().to_string();
  sql(tree.path("other.sqlite"), "CREATE TABLE t (x)");
  EXPECT_EQ(open_ledger(tree.path("other.sqlite")).error().code, Code::corrupt);
}

TEST(DamagedRecord, IsNamedByItsPositionAndNeverHandedOut) {
  const testing::FakeTree tree;
  {
    auto log = open_log(tree.path("log")).value();
    const std::vector<std::string_view> records{"one", "two", "three"};
    ASSERT_TRUE(log->append(0, at(0), records).ok());
  }
  sql(tree.path("log/0/00000000000000000001.sqlite"),
      "UPDATE record SET bytes = CAST('twO' AS BLOB) WHERE position = 2");
  auto log = open_log(tree.path("log")).value();
  EXPECT_EQ(log->read(0, 0, 1)->size(), 1U);
  const auto damaged = log->read(0, 1, 1);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, Code::corrupt);
  EXPECT_NE(damaged.error().message.find("log position 2"), std::string::npos);
  EXPECT_EQ(log->read(0, 2, 1)->size(), 1U);
}

TEST(MissingRecords, AreAnErrorAndNotAShorterLog) {
  const testing::FakeTree tree;
  {
    auto log = open_log(tree.path("log")).value();
    const std::string_view record = "x";
    for (std::int64_t h = 0; h < 3; ++h) ASSERT_TRUE(log->append(0, at(h * 3600), std::span(&record, 1)).ok());
  }
  tree.remove("log/0/00000000000000000002.sqlite");
  auto log = open_log(tree.path("log")).value();
  const auto records = log->read(0, 0, 10);
  ASSERT_FALSE(records.ok());
  EXPECT_EQ(records.error().code, Code::corrupt);
  EXPECT_NE(records.error().message.find("log position 2"), std::string::npos) << records.error().message;
}

TEST(HalfMadeFile, OfAKilledProcessIsNoHindrance) {
  const testing::FakeTree tree;
  tree.write("ledger.sqlite.new", "half");
  tree.write("log/0/00000000000000000001.sqlite.new", "half");
  tree.write("log/0/00000000000000000001.sqlite.new-wal", "half");
  EXPECT_TRUE(open_ledger(tree.path("ledger.sqlite")).ok());
  auto log = open_log(tree.path("log")).value();
  const std::string_view record = "x";
  EXPECT_EQ(log->append(0, at(0), std::span(&record, 1)).value(), 1U);
}

TEST(DamagedEntry, IsNamedByTableAndKey) {
  const testing::FakeTree tree;
  const std::string path = tree.path("ledger.sqlite");
  {
    auto ledger = open_ledger(path).value();
    store::Transaction t{.shard = 0,
                         .checkpoint = ledger->acquire(0).value(),
                         .writes = {{.table = store::Table::finding, .key = "f-1", .bytes = "abc"}},
                         .audit = {},
                         .head = {}};
    ASSERT_TRUE(ledger->commit(t).ok());
  }
  sql(path, "UPDATE finding SET bytes = CAST('abd' AS BLOB)");
  auto ledger = open_ledger(path).value();
  const auto entry = ledger->get(store::Table::finding, "f-1");
  ASSERT_FALSE(entry.ok());
  EXPECT_EQ(entry.error().code, Code::corrupt);
  EXPECT_NE(entry.error().message.find("\"f-1\" of table finding"), std::string::npos) << entry.error().message;
  EXPECT_EQ(ledger->scan(store::Table::finding, "", "", 10).error().code, Code::corrupt);
}

// One byte anywhere in the stored audit, and a cut tail, found in a real ledger with a real signature.
TEST(DamagedAudit, IsFoundByVerifying) {
  const testing::FakeTree tree;
  const std::string path = tree.path("ledger.sqlite");
  const SigningKey key = SigningKey::load_or_make(tree.path("audit.pem")).value();
  store::AuditHead head;
  {
    auto ledger = open_ledger(path).value();
    store::AuditChain chain{&sha256, std::nullopt};
    store::Transaction t{.shard = 0, .checkpoint = ledger->acquire(0).value(), .writes = {}, .audit = {}, .head = {}};
    for (int i = 0; i < 30; ++i)
      t.audit.push_back(chain.append({.at = at(i),
                                      .actor = "admin",
                                      .verb = "test.done",
                                      .subject = cat("Test/", i),
                                      .cause = "log/1",
                                      .detail = "x"}));
    head = {.sequence = 30, .hash = chain.hash(), .at = at(31), .signature = {}};
    head.signature = key.sign(store::signed_bytes(head));
    t.head = head;
    ASSERT_TRUE(ledger->commit(t).ok());
  }
  const auto verdict = [&] {
    auto ledger = open_ledger(path).value();
    return store::verify_audit(
               *ledger, &sha256,
               [&](auto bytes, auto signature) { return verify_ed25519(key.public_key(), bytes, signature); }, {head})
        .value();
  };
  EXPECT_FALSE(verdict().broken) << verdict().broken->to_string();
  EXPECT_EQ(verdict().rows, 30U);
  sql(path,
      "UPDATE audit SET bytes = CAST(replace(CAST(bytes AS TEXT), 'Test/16', 'Test/61') AS BLOB) WHERE sequence = 17");
  EXPECT_NE(verdict().broken->message.find("audit row 17 was changed"), std::string::npos)
      << verdict().broken->to_string();
  sql(path,
      "UPDATE audit SET bytes = CAST(replace(CAST(bytes AS TEXT), 'Test/61', 'Test/16') AS BLOB) WHERE sequence = 17");
  EXPECT_FALSE(verdict().broken);
  sql(path, "DELETE FROM audit WHERE sequence > 25");
  EXPECT_NE(verdict().broken->message.find("audit row 26: the end was cut off here; 5 rows"), std::string::npos)
      << verdict().broken->to_string();
  sql(path, "DELETE FROM audit_head");
  EXPECT_NE(verdict().broken->message.find("a head seen elsewhere"), std::string::npos)
      << verdict().broken->to_string();
}

}  // namespace mien::edge
