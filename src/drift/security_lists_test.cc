#include "drift/security_lists.h"

#include <gtest/gtest.h>

#include "drift/security.h"

namespace mien::drift {
namespace {

using model::FactKind;
using model::SecurityFact;

SecurityFact fact_of(FactKind kind, std::string object) {
  SecurityFact fact;
  fact.kind = kind;
  fact.object = std::move(object);
  return fact;
}

TEST(Security, WhatIsStoredKeepsItsBounds) {
  SecurityWatch watch;
  watch.told = {{.kind = FactKind::write, .key = "a", .at = {}}, {.kind = FactKind::execution, .key = "b", .at = {}}};
  EXPECT_FALSE(is_whole(watch)) << "not in order";
  std::swap(watch.told[0], watch.told[1]);
  EXPECT_TRUE(is_whole(watch));
  watch.episodes.resize(1);
  EXPECT_FALSE(is_whole(watch)) << "an episode about nothing";
}

TEST(SecurityLists, StarsInPathsStayWithinAComponentAndDoubleOnesDoNot) {
  EXPECT_TRUE(matches_path("/usr/bin/*", "/usr/bin/curl"));
  EXPECT_FALSE(matches_path("/usr/bin/*", "/usr/bin/x/curl"));
  EXPECT_TRUE(matches_path("/etc/**", "/etc/a/b/c"));
  EXPECT_FALSE(matches_path("/etc/**", "/etcetera/a"));
  EXPECT_TRUE(matches_path("/srv/*/.ssh/**", "/srv/anna/.ssh/keys/a"));
  EXPECT_FALSE(matches_path("/srv/*/.ssh/**", "/srv/anna/b/.ssh/keys/a"));
  EXPECT_TRUE(matches_path("/srv/**/bin/*", "/srv/a/b/bin/x"));
  EXPECT_FALSE(matches_path("/srv/**/bin/*", "/srv/a/b/bin/x/y"));
  EXPECT_TRUE(matches_path("/lib?/x", "/libx/x"));
  EXPECT_FALSE(matches_path("/usr/bin/curl", "/usr/bin/curlx"));
}

TEST(SecurityLists, SocketsHaveRangesOfPorts) {
  EXPECT_TRUE(matches_socket("tcp/443", "tcp/443"));
  EXPECT_FALSE(matches_socket("tcp/443", "udp/443"));
  EXPECT_TRUE(matches_socket("tcp/8000-8100", "tcp/8050"));
  EXPECT_FALSE(matches_socket("tcp/8000-8100", "tcp/8101"));
  EXPECT_TRUE(matches_socket("udp/*", "udp/53"));
  EXPECT_TRUE(matches_socket("unix//run/*.sock", "unix//run/app.sock"));
}

TEST(SecurityLists, DestinationsAreNetworksOfBothFamilies) {
  EXPECT_TRUE(matches_destination("10.0.0.0/8:5432", "10.200.1.9:5432"));
  EXPECT_FALSE(matches_destination("10.0.0.0/8:5432", "11.200.1.9:5432"));
  EXPECT_FALSE(matches_destination("10.0.0.0/8:5432", "10.200.1.9:5433"));
  EXPECT_TRUE(matches_destination("[fd00::]/8:*", "[fd12:3456::1]:443"));
  EXPECT_FALSE(matches_destination("[fd00::]/8:*", "[2001:db8::1]:443"));
  EXPECT_TRUE(matches_destination("*:443", "[2001:db8::1]:443"));
  EXPECT_TRUE(matches_destination("192.0.2.7:22", "192.0.2.7:22"));
  EXPECT_FALSE(matches_destination("192.0.2.7:22", "192.0.2.71:22"));
}

TEST(SecurityLists, OfANameThatIsAllowedThePortDecides) {
  model::DeclaredSecurity declared;
  declared.connect.allow = {"db.example.org:5432"};
  EXPECT_EQ(judge_lists(declared, fact_of(FactKind::connection, "192.0.2.1:5432")).what, ListVerdict::What::allowed);
  EXPECT_EQ(judge_lists(declared, fact_of(FactKind::connection, "192.0.2.1:80")).what, ListVerdict::What::not_allowed);
}

}  // namespace
}  // namespace mien::drift
