#include "app/changes.h"

#include <gtest/gtest.h>

namespace mien::app {
namespace {

using Stage = node::JournalEntry::Stage;

node::JournalEntry entry(const std::string& action, Stage stage) {
  node::JournalEntry made;
  made.stage = stage;
  made.order.action = ActionId(action);
  made.order.target = InstanceName("nginx.service@web-01");
  made.boot_id = "boot-1";
  made.expires_at = MonoTime{100'000'000'000};
  made.changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = {}}};
  return made;
}

struct Changes : ::testing::Test {
  LocalNow now{.wall = WallTime{1'800'000'000'000'000'000}, .boot = MonoTime{40'000'000'000}, .boot_id = "boot-1"};
  Result<std::string> value = std::string("50000 100000");
  ReadField read = [this](const InstanceName&, const std::string&) { return value; };
};

TEST_F(Changes, AreListedWithTheValueBeforeOursAndTheEndOfTheLease) {
  auto found = changes_of({entry("a-1-1", Stage::applied)}, read, now);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].before, "max 100000");
  EXPECT_EQ(found[0].ours, "50000 100000");
  EXPECT_EQ(found[0].now, "50000 100000");
  EXPECT_EQ(found[0].until, now.wall + 60s);
  EXPECT_EQ(found[0].action, "a-1-1");
  EXPECT_EQ(found[0].note, "");
}

TEST_F(Changes, AreNoneWhereEveryValueIsAsBeforeOrWentWithItsTarget) {
  value = std::string("max 100000");
  EXPECT_TRUE(changes_of({entry("a-1-1", Stage::begun), entry("a-2-1", Stage::applied)}, read, now).empty());
  value = Error{.code = Code::not_found, .message = "it does not run", .where = {}, .cause = {}};
  EXPECT_TRUE(changes_of({entry("a-1-1", Stage::applied)}, read, now).empty());
}

TEST_F(Changes, ThatEndedAreNotListedWhateverStandsThere) {
  EXPECT_TRUE(changes_of({entry("a-1-1", Stage::ended), entry("a-2-1", Stage::forgotten)}, read, now).empty());
}

TEST_F(Changes, SayWhenSomebodyElseChangedTheFieldOrItCanNotBeRead) {
  value = std::string("20000 100000");
  EXPECT_NE(changes_of({entry("a-1-1", Stage::applied)}, read, now)[0].note.find("somebody else"), std::string::npos);
  value = Error{.code = Code::io, .message = "permission denied", .where = {}, .cause = {}};
  auto found = changes_of({entry("a-1-1", Stage::applied)}, read, now);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].note.find("permission denied"), std::string::npos);
}

TEST_F(Changes, OfAnotherBootOrHalfDoneHaveNoKnownEnd) {
  EXPECT_EQ(changes_of({entry("a-1-1", Stage::begun)}, read, now)[0].until.ns, 0);
  now.boot_id = "boot-2";
  EXPECT_EQ(changes_of({entry("a-1-1", Stage::applied)}, read, now)[0].until.ns, 0);
}

}  // namespace
}  // namespace mien::app
