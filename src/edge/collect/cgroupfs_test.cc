#include "edge/collect/cgroupfs.h"

#include <gtest/gtest.h>

namespace mien::edge {
namespace {

using Visit = CgroupRole::Visit;
const std::string id(64, 'a');

TEST(Cgroupfs, KeysAreFoundWholeAndNotAsBeginnings) {
  EXPECT_EQ(find_count("oom 1\noom_kill 2\noom_kill_disable 0\n", "oom_kill"), 2U);
  EXPECT_EQ(find_count("oom_kill_disable 0\n", "oom_kill"), std::nullopt);
  EXPECT_EQ(find_count("anon x\n", "anon"), std::nullopt);
  EXPECT_EQ(find_count("", "anon"), std::nullopt);
}

TEST(Cgroupfs, SingleNumbersAreReadAndMaxIsNone) {
  EXPECT_EQ(parse_single("4096\n"), 4096U);
  EXPECT_EQ(parse_single("max\n"), std::nullopt);
  EXPECT_EQ(parse_single(""), std::nullopt);
  EXPECT_EQ(parse_single("-1\n"), std::nullopt);
}

TEST(Cgroupfs, CpuStatWithoutControllerHasNoThrottling) {
  auto plain = parse_cpu_stat("usage_usec 30\nuser_usec 20\nsystem_usec 10\n");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->usage_us, 30U);
  EXPECT_EQ(plain->system_us, 10U);
  EXPECT_FALSE(plain->throttled_us);
  auto limited =
      parse_cpu_stat("usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\nnr_throttled 2\nthrottled_usec 99\n");
  ASSERT_TRUE(limited);
  EXPECT_EQ(limited->throttled_us, 99U);
  EXPECT_FALSE(parse_cpu_stat("nr_periods 0\n"));
}

TEST(Cgroupfs, IoIsSummedOverDevices) {
  CgroupIo io = parse_io_stat(
      "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0\n259:0 rbytes=1 wbytes=2 rios=3 wios=4\n8:16 \n");
  EXPECT_EQ(io.read_bytes, 101U);
  EXPECT_EQ(io.written_bytes, 202U);
  EXPECT_EQ(io.reads, 4U);
  EXPECT_EQ(io.writes, 6U);
  EXPECT_EQ(parse_io_stat("").read_bytes, 0U);
  BlkioTotals totals = parse_blkio("8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n8:16 Read 5\nTotal 35\n");
  EXPECT_EQ(totals.read, 15U);
  EXPECT_EQ(totals.write, 20U);
}

TEST(CgroupRoles, ServicesAreInstancesWhereverTheirSliceIs) {
  CgroupRole role = classify_cgroup("system.slice/system-getty.slice/getty@tty1.service");
  EXPECT_EQ(role.visit, Visit::instance);
  EXPECT_EQ(role.unit, "getty@tty1.service");
  EXPECT_EQ(role.type, model::InstanceType::service);
  EXPECT_EQ(classify_cgroup("system.slice").visit, Visit::descend);
  EXPECT_EQ(classify_cgroup("nginx.service").visit, Visit::instance);
}

TEST(CgroupRoles, WhatPassesByIsNoInstance) {
  for (const char* path : {"init.scope", "system.slice/run-r0f3.service", "system.slice/boot.mount",
                           "system.slice/ssh.socket", "user.slice/user-1000.slice/session-3.scope", "lxc.monitor.web",
                           "machine/.libvirt-qemu", "machine.slice/machine-.scope"}) {
    EXPECT_EQ(classify_cgroup(path).visit, Visit::skip) << path;
  }
}

TEST(CgroupRoles, PeoplesServicesBelongToTheHostButTheirContainersDoNot) {
  EXPECT_EQ(classify_cgroup("user.slice/user-1000.slice/user@1000.service").visit, Visit::descend);
  CgroupRole role = classify_cgroup("user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope");
  EXPECT_EQ(role.visit, Visit::instance);
  EXPECT_EQ(role.unit, "libpod-aaaaaaaaaaaa");
}

TEST(CgroupRoles, ContainersOfEveryRuntimeAreNamedByTwelveDigits) {
  struct Case {
    std::string path;
    std::string unit;
  };
  for (const Case& each :
       {Case{"system.slice/docker-" + id + ".scope", "docker-aaaaaaaaaaaa"},
        Case{"docker/" + id, "docker-aaaaaaaaaaaa"},
        Case{"machine.slice/libpod-" + id + ".scope", "libpod-aaaaaaaaaaaa"},
        Case{"kubepods.slice/kubepods-burstable.slice/cri-containerd-" + id + ".scope", "cri-containerd-aaaaaaaaaaaa"},
        Case{"kubepods/burstable/pod1234/" + id, "cri-aaaaaaaaaaaa"}, Case{"lxc.payload.web", "lxc-web"},
        Case{"lxc/web", "lxc-web"}}) {
    CgroupRole role = classify_cgroup(each.path);
    EXPECT_EQ(role.visit, Visit::instance) << each.path;
    EXPECT_EQ(role.unit, each.unit);
    EXPECT_EQ(role.type, model::InstanceType::container);
  }
  EXPECT_EQ(classify_cgroup("docker/" + id).container_id, id);
}

TEST(CgroupRoles, GuestsKeepTheirNameOverRestarts) {
  for (const char* path :
       {"machine.slice/machine-qemu\\x2d3\\x2ddb\\x2d01.scope", "machine.slice/machine-qemu\\x2d17\\x2ddb\\x2d01.scope",
        "machine/qemu-4-db-01.libvirt-qemu"}) {
    CgroupRole role = classify_cgroup(path);
    EXPECT_EQ(role.unit, "qemu-db-01") << path;
    EXPECT_EQ(role.type, model::InstanceType::guest);
  }
}

TEST(CgroupRoles, NamesAreMadeFitForInstanceNames) {
  EXPECT_EQ(classify_cgroup(std::string("system.slice/a\nb\x80.service")).unit, "a-b-.service");
  EXPECT_EQ(classify_cgroup("x/" + std::string(300, 'y') + ".service").unit.size(), 128U);
  EXPECT_EQ(generic_unit("jobs/build/" + id), "jobs-build-aaaaaaaaaaaa");
}

}  // namespace
}  // namespace mien::edge
