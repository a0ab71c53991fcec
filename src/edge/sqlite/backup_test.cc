#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/replace_file.h"
#include "edge/sqlite/sqlite.h"
#include "store/audit.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {

namespace {

std::string slurp(const std::string& path) {
  std::stringstream all;
  all << std::ifstream(path, std::ios::binary).rdbuf();
  return all.str();
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

class Backup : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(from_.keys);
    ledger_ = open_ledger(from_.ledger).value();
    owner_ = ledger_->acquire(0).value();
    commit(1);
    signer_ = SigningKey::load_or_make(from_.keys + "/audit.pem").value().public_key();
    ASSERT_TRUE(replace_file(from_.keys + "/ca.key", std::string("secret\0bytes", 12)).ok());
  }
  void commit(std::uint64_t position) {
    owner_.position = position;
    store::AuditChain chain{&sha256, ledger_->audit_tail().value()};
    store::Transaction t{.shard = 0, .checkpoint = owner_, .writes = {}, .audit = {}, .head = {}};
    for (const char* key : {"one", "two"})
      t.writes.push_back({.table = store::Table::resource, .key = key, .bytes = cat(position)});
    t.audit.push_back(chain.append({.at = {1},
                                    .actor = "mien",
                                    .verb = "test.done",
                                    .subject = "Test/1",
                                    .cause = "log/1",
                                    .detail = cat(position)}));
    const Status status = ledger_->commit(t);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
  }
  Status make() { return backup(from_.ledger, from_.keys, file_); }

  const testing::FakeTree tree_;
  const DataPaths from_{tree_.path("from")};
  const DataPaths to_{tree_.path("to")};
  const std::string file_ = tree_.path("mien.backup");
  std::unique_ptr<store::Ledger> ledger_;
  store::Checkpoint owner_;
  std::string signer_;
};

}  // namespace

TEST_F(Backup, ComesBackWithLedgerAndKeysAsSecretAsTheyWere) {
  ASSERT_TRUE(make().ok());
  EXPECT_EQ(mode_of(file_), 0600U);
  commit(2);  // after the backup: not in it
  const Status restored = restore(file_, to_.directory, IfPresent::refuse);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  auto ledger = open_ledger(to_.ledger).value();
  EXPECT_EQ(ledger->get(store::Table::resource, "one").value(), "1");
  EXPECT_EQ(ledger->audit_tail().value()->sequence, 1U);
  EXPECT_EQ(ledger->acquire(0)->position, 1U);
  EXPECT_EQ(SigningKey::load(to_.keys + "/audit.pem")->public_key(), signer_);
  EXPECT_EQ(slurp(to_.keys + "/ca.key"), std::string("secret\0bytes", 12));
  EXPECT_EQ(mode_of(to_.keys + "/ca.key"), 0600U);
  EXPECT_EQ(mode_of(to_.keys), 0700U);
  EXPECT_FALSE(std::filesystem::exists(to_.directory + "/restoring"));
  ledger.reset();
  EXPECT_EQ(slurp(to_.ledger).find(std::string("secret\0bytes", 12)), std::string::npos);  // no key stays in the ledger
}

TEST_F(Backup, OfARunningLedgerIsOneMomentOfIt) {
  std::atomic<bool> stop{false};
  std::thread writer{[&] {
    for (std::uint64_t n = 2; !stop; ++n) commit(n);
  }};
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(make().ok());
    const Status restored = restore(file_, to_.directory, IfPresent::replace);
    EXPECT_TRUE(restored.ok()) << restored.error().to_string();
    auto ledger = open_ledger(to_.ledger).value();
    EXPECT_EQ(ledger->get(store::Table::resource, "one").value(), ledger->get(store::Table::resource, "two").value());
    EXPECT_EQ(cat(ledger->audit_tail().value()->sequence), ledger->get(store::Table::resource, "one").value());
  }
  stop = true;
  writer.join();
}

TEST_F(Backup, IsNotRestoredOverALedgerUnlessToldAndThenNothingIsLost) {
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(restore(file_, to_.directory, IfPresent::refuse).ok());
  { EXPECT_EQ(open_ledger(to_.ledger).value()->acquire(0)->epoch, 2U); }
  const Status refused = restore(file_, to_.directory, IfPresent::refuse);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().message.find("--force"), std::string::npos);
  ASSERT_TRUE(restore(file_, to_.directory, IfPresent::replace).ok());
  EXPECT_EQ(open_ledger(to_.directory + "/replaced-1/ledger.sqlite").value()->acquire(0)->epoch, 3U);
  EXPECT_TRUE(std::filesystem::exists(to_.directory + "/replaced-1/keys/audit.pem"));
  EXPECT_EQ(open_ledger(to_.ledger).value()->acquire(0)->epoch, 2U);
}

TEST_F(Backup, IsNotRestoredUnderARunningManager) {
  ASSERT_TRUE(make().ok());
  const DataLock running = DataLock::take(to_.directory).value();
  EXPECT_EQ(restore(file_, to_.directory, IfPresent::replace).error().code, Code::conflict);
  EXPECT_FALSE(std::filesystem::exists(to_.ledger));
}

TEST_F(Backup, ThatIsDamagedCutOrSomethingElseIsRefusedBeforeAnythingIsTouched) {
  ASSERT_TRUE(make().ok());
  const std::string good = slurp(file_);
  const auto refused_with = [&](const std::string& bytes) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes;
    const Status status = restore(file_, to_.directory, IfPresent::refuse);
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(std::filesystem::exists(to_.ledger));
    EXPECT_FALSE(std::filesystem::exists(to_.directory + "/restoring"));
    return status.ok() ? Code::io : status.error().code;
  };
  for (std::size_t place : {std::size_t{16}, std::size_t{30}, std::size_t{64}, good.size() / 2, good.size() - 1}) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 4);
    EXPECT_EQ(refused_with(bad), Code::corrupt) << place;
  }
  EXPECT_EQ(refused_with(good.substr(0, good.size() - 1)), Code::corrupt);
  EXPECT_EQ(refused_with(good.substr(0, 70)), Code::corrupt);
  EXPECT_EQ(refused_with("not a backup"), Code::invalid);
  EXPECT_EQ(refused_with(""), Code::invalid);
  std::string newer = good;
  newer[8] = 2;
  EXPECT_EQ(refused_with(newer), Code::unsupported);
  std::ofstream(file_, std::ios::binary | std::ios::trunc) << good;
  EXPECT_TRUE(restore(file_, to_.directory, IfPresent::refuse).ok());
}

TEST_F(Backup, OfNothingOrToNowhereIsAnErrorThatLeavesNothing) {
  EXPECT_EQ(backup(tree_.path("none/ledger.sqlite"), from_.keys, file_).error().code, Code::not_found);
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_FALSE(backup(from_.ledger, from_.keys, tree_.path("no/such/directory/file")).ok());
  EXPECT_TRUE(backup(from_.ledger, tree_.path("no/keys"), file_).ok());  // a ledger without keys is one
}

}  // namespace mien::edge
