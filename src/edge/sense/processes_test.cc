#include "edge/sense/processes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "edge/sense/address.h"
#include "edge/sense/bpf_sensors.h"
#include "edge/sense/call_names.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

using mien::testing::FakeTree;

TEST(processes, are_known_by_their_program_also_after_they_ended) {
  FakeTree tree;
  tree.write("7/status", "Name:\tsh\nPPid:\t5\nUid:\t1000\t1000\t1000\t1000\n");
  tree.write("5/status", "Name:\tsshd\nPPid:\t1\nUid:\t0\t0\t0\t0\n");
  tree.write("1/status", "Name:\tinit\nPPid:\t0\nUid:\t0\t0\t0\t0\n");
  std::filesystem::create_symlink("/bin/sh (deleted)", tree.path("7/exe"));
  std::filesystem::create_symlink("/usr/sbin/sshd", tree.path("5/exe"));
  std::filesystem::create_symlink("/sbin/init", tree.path("1/exe"));
  Processes processes(tree.path());
  EXPECT_EQ(processes.program(7), "/bin/sh");
  EXPECT_EQ(processes.parents(7), "/usr/sbin/sshd < /sbin/init");
  EXPECT_EQ(processes.kin(7).uid, 1000U);
  std::filesystem::remove_all(tree.path("7"));
  processes.begin_tick();
  EXPECT_EQ(processes.program(7), "/bin/sh");
  processes.remember(8, "/tmp/gone");
  EXPECT_EQ(processes.program(8), "/tmp/gone");
  EXPECT_EQ(processes.program(9), "");
}

TEST(processes, stand_in_the_control_group_that_services_stand_in) {
  constexpr std::string_view text =
      "9:name=systemd:/x\n2:cpu,cpuacct:/system.slice/a.service\n0::/system.slice/b.service\n";
  EXPECT_EQ(parse_group(text, true), "system.slice/a.service");
  EXPECT_EQ(parse_group(text, false), "system.slice/b.service");
  EXPECT_EQ(parse_group("0::/\n", false), "");
  EXPECT_EQ(parse_group("no\n1:\n::\n", false), "");
}

TEST(sightings, write_paths_addresses_and_calls_as_people_do) {
  EXPECT_EQ(path_of_names(std::string_view("shadow\0etc\0", 11)), "/etc/shadow");
  EXPECT_EQ(path_of_names(""), "");
  const unsigned char four[16] = {10, 0, 0, 1};
  EXPECT_EQ(endpoint_text(four, 4, 5432), "10.0.0.1:5432");
  const unsigned char six[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(endpoint_text(six, 6, 443), "[2001:db8::1]:443");
  const unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  EXPECT_EQ(endpoint_text(mapped, 6, 80), "127.0.0.1:80");
  EXPECT_EQ(endpoint_text(four, 0, 1), ":1");
  EXPECT_EQ(call_name(499), "call-499");
  EXPECT_NE(call_name(1).substr(0, 5), "call-");
}

}  // namespace
}  // namespace mien::edge
