#include "edge/host/identity.h"

#include <gtest/gtest.h>

#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

class Identity : public ::testing::Test {
 protected:
  HostIdentity read() {
    return read_host_identity({.root = tree.path(), .proc_root = tree.path("proc"), .sys_root = tree.path("sys")});
  }
  testing::FakeTree tree;
};

TEST_F(Identity, IsNameMachineIdAndHardware) {
  tree.write("proc/sys/kernel/hostname", "web-01\n");
  tree.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  tree.write("sys/class/dmi/id/product_uuid", "4C4C4544-0043-4B10-8057-B7C04F4E4B32\n");
  tree.write("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
  HostIdentity identity = read();
  EXPECT_EQ(identity.boot_id, "11111111-2222-3333-4444-555555555555");
  std::map<std::string, std::string> expected{{"host.name", "web-01"},
                                              {"host.id", "0123456789abcdef0123456789abcdef"},
                                              {"host.uuid", "4c4c4544-0043-4b10-8057-b7c04f4e4b32"}};
  EXPECT_EQ(identity.identities(), expected);
}

TEST_F(Identity, FallsBackToTheIdOfDBus) {
  tree.write("var/lib/dbus/machine-id", "fedcba9876543210fedcba9876543210");
  EXPECT_EQ(read().machine_id, "fedcba9876543210fedcba9876543210");
}

TEST_F(Identity, WhatManyMachinesShareIsNobodys) {
  tree.write("etc/machine-id", "uninitialized\n");
  tree.write("sys/class/dmi/id/product_uuid", "03000200-0400-0500-0006-000700080009\n");
  EXPECT_EQ(read().machine_id, "");
  EXPECT_EQ(read().product_uuid, "");
  tree.write("etc/machine-id", "00000000000000000000000000000000\n");
  tree.write("sys/class/dmi/id/product_uuid", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF\n");
  EXPECT_EQ(read().machine_id, "");
  EXPECT_EQ(read().product_uuid, "");
}

TEST_F(Identity, AHostWithoutAnythingIsLocalhost) {
  std::map<std::string, std::string> expected{{"host.name", "localhost"}};
  EXPECT_EQ(read().identities(), expected);
}

}  // namespace
}  // namespace mien::edge
