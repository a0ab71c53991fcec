#include "edge/sense/log_lines.h"

#include <gtest/gtest.h>

namespace mien::edge {
namespace {

using model::FactKind;
using model::SecurityFact;

constexpr WallTime now{1'700'000'000'000'000'000};

std::optional<SecurityFact> of(std::string_view line) {
  std::optional<AuthRecord> record = parse_auth_line(line);
  return record ? fact_of(*record, now) : std::nullopt;
}

TEST(log_lines, an_accepted_key_is_a_login_with_where_from) {
  auto fact =
      of("Nov 22 10:00:00 web-01 sshd[4242]: Accepted publickey for deploy from 10.0.0.9 port 51514 ssh2: ED25519 "
         "SHA256:x");
  ASSERT_TRUE(fact);
  EXPECT_EQ(fact->kind, FactKind::login);
  EXPECT_EQ(fact->object, "deploy");
  EXPECT_EQ(fact->detail, "10.0.0.9");
  EXPECT_EQ(fact->pid, 4242U);
  EXPECT_EQ(fact->process, "sshd");
  EXPECT_EQ(fact->at, now);
  EXPECT_TRUE(of("2026-11-22T10:00:00.000000+01:00 h sshd-session[1]: Accepted password for bob from ::1 port 5 ssh2"));
}

TEST(log_lines, sudo_is_who_as_whom_and_never_what_with_which_arguments) {
  auto fact =
      of("Nov  2 10:00:00 h sudo:   deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/env "
         "KEY=secret ; USER=x");
  ASSERT_TRUE(fact);
  EXPECT_EQ(fact->kind, FactKind::sudo);
  EXPECT_EQ(fact->object, "root");
  EXPECT_EQ(fact->user, "deploy");
  EXPECT_TRUE(fact->detail.empty());
  auto refused =
      of("Nov  2 10:00:00 h sudo:   eve : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->detail, "refused: user NOT in sudoers");
}

TEST(log_lines, su_and_the_console_count_too) {
  auto su = of("Nov  2 10:00:00 h su[7]: (to root) deploy on pts/0");
  ASSERT_TRUE(su);
  EXPECT_EQ(su->object, "root");
  EXPECT_EQ(su->user, "deploy");
  auto console = of("Nov  2 10:00:00 h login[7]: ROOT LOGIN ON tty1");
  ASSERT_TRUE(console);
  EXPECT_EQ(console->object, "root");
  EXPECT_EQ(console->detail, "tty1");
}

TEST(log_lines, other_lines_are_no_facts) {
  for (std::string_view line : {"", "x", "Nov 22 10:00:00 h cron[1]: Accepted publickey for a from b",
                                "Nov 22 10:00:00 h sshd[1]: Failed password for root from 1.2.3.4",
                                "Nov 22 10:00:00 h sshd[1]: Accepted publickey for",
                                "Nov 22 10:00:00 h sudo: pam_unix(sudo:session): session opened for user root",
                                "Nov 22 10:00:00 h sudo: deploy : TTY=pts/0 ; COMMAND=/bin/sh"})
    EXPECT_FALSE(of(line)) << line;
}

TEST(log_lines, packages_come_change_and_go) {
  auto up = parse_dpkg_line("2026-11-22 10:00:00 upgrade nginx:amd64 1.22-1 1.22-2", now);
  ASSERT_TRUE(up);
  EXPECT_EQ(up->kind, FactKind::package);
  EXPECT_EQ(up->object, "nginx");
  EXPECT_EQ(up->detail, "1.22-1 -> 1.22-2");
  EXPECT_EQ(parse_dpkg_line("2026-11-22 10:00:00 install zip:amd64 <none> 3.0-13", now)->detail, "<none> -> 3.0-13");
  EXPECT_EQ(parse_dpkg_line("2026-11-22 10:00:00 remove zip:amd64 3.0-13 <none>", now)->detail, "3.0-13 -> <none>");
  EXPECT_FALSE(parse_dpkg_line("2026-11-22 10:00:00 status installed nginx:amd64 1.22-2", now));
  EXPECT_FALSE(parse_dpkg_line("2026-11-22 10:00:00 upgrade nginx:amd64", now));
  EXPECT_FALSE(parse_dpkg_line("", now));
}

// What `dpkg --compare-versions` says of each.
TEST(log_lines, versions_are_in_debians_order) {
  const std::vector<std::pair<std::string, std::string>> less{{"1.0~rc1", "1.0"},
                                                              {"1.0", "1.0a"},
                                                              {"1.9", "1.10"},
                                                              {"1.0-1", "1.0-2"},
                                                              {"1.0-1", "1.0-1+deb12u1"},
                                                              {"9.9", "1:0.1"},
                                                              {"1.0a", "1.0+"},
                                                              {"2.36-9", "2.36-9+b1"},
                                                              {"1.0~~", "1.0~"},
                                                              {"1.2-1", "1.2.1-1"},
                                                              {"0", "0.0.1"},
                                                              {"1.0-9", "1.0-10"},
                                                              {"3.0.11-1~deb12u2", "3.0.11-1~deb12u10"}};
  for (const auto& [a, b] : less) {
    EXPECT_LT(compare_versions(a, b), 0) << a << " " << b;
    EXPECT_GT(compare_versions(b, a), 0) << a << " " << b;
    EXPECT_EQ(compare_versions(a, a), 0) << a;
  }
  EXPECT_EQ(compare_versions("1.01", "1.1"), 0);
  EXPECT_EQ(compare_versions("1.0", "1.0-0"), 0);
}

TEST(log_lines, an_update_waits_when_the_archive_is_newer_than_what_is_installed) {
  std::map<std::string, std::string> installed, pending;
  read_status(
      "Package: nginx\nStatus: install ok installed\nVersion: 1.22-1\n\n"
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
      "Package: zip\nStatus: install ok installed\nVersion: 3.0-13\n",
      installed);
  EXPECT_EQ(installed.size(), 2U);
  read_index("Package: nginx\nVersion: 1.22-1+deb12u1\n\nPackage: zip\nVersion: 3.0-13\n\nPackage: gone\nVersion: 9\n",
             installed, pending);
  EXPECT_EQ(pending, (std::map<std::string, std::string>{{"nginx", "1.22-1+deb12u1"}}));
}

}  // namespace
}  // namespace mien::edge
