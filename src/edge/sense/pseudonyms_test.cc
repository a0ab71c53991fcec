#include "edge/sense/pseudonyms.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

using model::FactKind;
using model::SecurityFact;

TEST(Pseudonyms, AreTheSameForTheSameNameAndKeyAndSayNothingOfIt) {
  Pseudonyms one("key"), again("key"), other("another key");
  std::string told = one.of("alice.example");
  EXPECT_EQ(told.size(), 17U);
  EXPECT_TRUE(told.starts_with("user-"));
  EXPECT_EQ(one.of("alice.example"), told);
  EXPECT_EQ(again.of("alice.example"), told);
  EXPECT_NE(other.of("alice.example"), told);
  EXPECT_NE(one.of("bob.example"), told);
}

TEST(Pseudonyms, AreForPersonsOnly) {
  Pseudonyms names("key");
  for (const char* account : {"root", "daemon", "33", "nobody", "65534", ""}) EXPECT_EQ(names.of(account), account);
  EXPECT_NE(names.of("1000"), "1000");
  EXPECT_NE(names.of("nobody.here.knows"), "nobody.here.knows");
}

TEST(Pseudonyms, StandWhereverAFactHasAName) {
  Pseudonyms names("key");
  std::string alice = names.of("alice.example");
  SecurityFact login;
  login.kind = FactKind::login;
  login.user = login.object = "alice.example";
  login.detail = "10.0.0.9";
  names.hide(login);
  EXPECT_EQ(login.user, alice);
  EXPECT_EQ(login.object, alice);
  EXPECT_EQ(login.detail, "10.0.0.9");
  SecurityFact ran;
  ran.user = "alice.example";
  ran.object = "/home/alice.example/bin/tool";
  ran.parents = "/home/alice.example/run < /usr/bin/bash < /home/bob.example/x";
  names.hide(ran);
  EXPECT_EQ(ran.object, "/home/" + alice + "/bin/tool");
  EXPECT_EQ(ran.parents, "/home/" + alice + "/run < /usr/bin/bash < /home/" + names.of("bob.example") + "/x");
  SecurityFact stands;
  stands.kind = FactKind::write;
  stands.object = "/home/";
  names.hide(stands);
  EXPECT_EQ(stands.object, "/home/");
  // A path names no user where it is no home: an object of another kind keeps its text.
  SecurityFact connects;
  connects.kind = FactKind::connection;
  connects.object = "10.0.0.1:5432";
  names.hide(connects);
  EXPECT_EQ(connects.object, "10.0.0.1:5432");
}

TEST(Pseudonyms, KeepTheirKeyInAFileOfTheirOwn) {
  testing::FakeTree tree;
  std::string file = tree.path("users.key");
  auto first = Pseudonyms::open(file);
  ASSERT_TRUE(first.ok());
  auto second = Pseudonyms::open(file);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->of("alice.example"), second->of("alice.example"));
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 077U, 0U);
  EXPECT_FALSE(Pseudonyms::open(tree.path("no/such/folder/key")).ok());
}

}  // namespace
}  // namespace mien::edge
