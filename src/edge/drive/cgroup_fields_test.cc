// The hand on trees of files that look like cgroup version 2 and 1, and /proc/sys.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "edge/drive/cgroup_fields.h"
#include "edge/drive/host_hand.h"
#include "node/testing/hand_suite.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

using model::Verb;
using node::testing::expect_applied_and_given_back;
using node::testing::expect_impossible;
using node::testing::expect_repaired_when_half_applied;

const std::string group = "sys/fs/cgroup/system.slice/hog.service/";
const InstanceName hog("hog.service@web-01");
const InstanceName host("web-01");

class FakeV2 : public ::testing::Test {
 protected:
  FakeV2() {
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
    tree.write("proc/1/comm", "init\n");
    tree.write("proc/self/cgroup", "0::/system.slice/mien.service\n");
    tree.write("proc/sys/kernel/random/boot_id", "b511d447-19a4-4f05-ab78-d7d7cb92bbc3\n");
    tree.write("proc/sys/net/core/somaxconn", "4096\n");
    tree.write("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n");
    tree.write("proc/sys/net/ipv4/tcp_congestion_control", "cubic\n");
    tree.write("proc/sys/kernel/core_pattern", "core\n");
    tree.write("proc/sys/vm/drop_caches", "0\n");
    tree.make_directory("sys/fs/cgroup/system.slice/mien.service");
    for (auto [file, text] : std::initializer_list<std::pair<const char*, const char*>>{
             {"cpu.max", "max 100000\n"},
             {"cpu.weight", "100\n"},
             {"memory.high", "max\n"},
             {"memory.max", "max\n"},
             {"memory.current", "1048576\n"},
             {"io.max", "8:0 rbps=max wbps=max riops=max wiops=120\n"},
             {"io.weight", "default 100\n"},
             {"io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n"},
             {"pids.max", "max\n"},
             {"pids.current", "7\n"},
             {"cgroup.freeze", "0\n"}})
      tree.write(group + file, text);
    hand = make_host_hand(
        {.host = "web-01", .sys_root = tree.path("sys"), .proc_root = tree.path("proc"), .run_root = tree.path("run")});
  }
  std::string text(const std::string& file) {
    std::ifstream in(tree.path(group + file));
    std::string all((std::istreambuf_iterator<char>(in)), {});
    return std::string(trim(all));
  }
  // What the plan would write, as "KEY: BEFORE -> AFTER".
  std::string planned(Verb verb, const model::Arguments& with, const InstanceName& target = hog) {
    Result<node::Plan> plan = hand->plan(target, verb, with);
    if (plan.ok()) note = plan->note;
    return node::testing::plan_text(plan);
  }
  Error refusal(Verb verb, const model::Arguments& with, const InstanceName& target = hog) {
    Result<node::Plan> plan = hand->plan(target, verb, with);
    EXPECT_FALSE(plan.ok());
    return plan.ok() ? Error{} : plan.error();
  }

  mien::testing::FakeTree tree;
  std::unique_ptr<node::Hand> hand;
  std::string note;
};

TEST_F(FakeV2, EveryVerbIsAppliedReadBackAndGivenBack) {
  struct Each {
    Verb verb;
    model::Arguments with;
    std::string file, effect;
  };
  for (const Each& each : std::vector<Each>{{Verb::limit, {{"cpu", "50%"}}, "cpu.max", "50000 100000"},
                                            {Verb::limit, {{"memory", "64MiB"}}, "memory.high", "67108864"},
                                            {Verb::limit, {{"pids", "512"}}, "pids.max", "512"},
                                            {Verb::limit, {{"cpu", "2"}, {"pids", "9"}}, "pids.max", "9"},
                                            {Verb::prioritize, {{"cpu_weight", "20"}}, "cpu.weight", "20"},
                                            {Verb::prioritize, {{"io_weight", "20"}}, "io.weight", "default 20"},
                                            {Verb::lockdown, {{"level", "freeze"}}, "cgroup.freeze", "1"}}) {
    node::testing::HandCase hand_case{
        .hand = *hand, .target = hog, .verb = each.verb, .with = each.with, .effect = [&] {
          return text(each.file) == each.effect;
        }};
    expect_applied_and_given_back(hand_case);
    expect_repaired_when_half_applied(hand_case);
  }
  expect_applied_and_given_back(
      {.hand = *hand, .target = host, .verb = Verb::configure, .with = {{"net.core.somaxconn", "8192"}}});
}

TEST_F(FakeV2, RefusesClearlyWhatCanNotBe) {
  node::testing::expect_clear_refusals(*hand, hog, "cpu.max");
  node::testing::expect_abilities_are_explained(*hand);
  for (const char* level : {"egress", "isolate"})
    expect_impossible({.hand = *hand, .target = hog, .verb = Verb::lockdown, .with = {{"level", level}}},
                      Code::unsupported);
  expect_impossible({.hand = *hand, .target = hog, .verb = Verb::prioritize, .with = {{"nice", "5"}}},
                    Code::unsupported);
  expect_impossible({.hand = *hand, .target = hog, .verb = Verb::full_reset, .with = {}}, Code::unsupported);
  expect_impossible({.hand = *hand, .target = hog, .verb = Verb::configure, .with = {{"vm.swappiness", "1"}}},
                    Code::unsupported);
}

TEST_F(FakeV2, LimitOfTheWholeHostSaysWhatToWriteInstead) {
  Error error = refusal(Verb::limit, {{"cpu", "50%"}}, host);
  EXPECT_EQ(error.code, Code::refused);
  EXPECT_NE(error.message.find("nginx.service@web-01"), std::string::npos) << error.message;
}

TEST_F(FakeV2, MemoryIsReclaimedBeforeTheKernelKills) {
  EXPECT_EQ(planned(Verb::limit, {{"memory", "100MiB"}}),
            "memory.high: max -> 104857600\nmemory.max: max -> 115343360\n");
  EXPECT_EQ(note, "");
}

TEST_F(FakeV2, MemoryInUseIsNeverAboveTheHardLimitAndThePlanSaysSo) {
  tree.write(group + "memory.current", "209715200\n");
  EXPECT_EQ(planned(Verb::limit, {{"memory", "100MiB"}}),
            "memory.high: max -> 104857600\nmemory.max: max -> 230686720\n");
  EXPECT_NE(note.find("209715200 bytes are in use"), std::string::npos) << note;
}

TEST_F(FakeV2, ALimitIsNeverLoosened) {
  tree.write(group + "cpu.max", "20000 100000\n");
  EXPECT_EQ(refusal(Verb::limit, {{"cpu", "50%"}}).code, Code::refused);
  EXPECT_EQ(planned(Verb::limit, {{"cpu", "50%"}, {"pids", "512"}}), "pids.max: max -> 512\n");
  EXPECT_EQ(note, "left as it is: cpu.max is 20000 100000");
  tree.write(group + "cpu.max", "50000 50000\n");
  EXPECT_EQ(planned(Verb::limit, {{"cpu", "50%"}}), "cpu.max: 50000 50000 -> 50000 100000\n");
}

TEST_F(FakeV2, BandwidthIsLimitedOnTheDevicesInUseAndOperationsAreKept) {
  EXPECT_EQ(planned(Verb::limit, {{"io", "50MB/s"}}),
            "io.max:8:0: rbps=max wbps=max riops=max wiops=120 -> rbps=50000000 wbps=50000000 riops=max wiops=120\n");
  tree.write(group + "io.stat", "8:0 rbytes=1\n253:1 rbytes=1\n");
  EXPECT_NE(planned(Verb::limit, {{"io", "1MB/s"}}).find("io.max:253:1: rbps=max wbps=max riops=max wiops=max -> "),
            std::string::npos);
  ASSERT_TRUE(hand->write(hog, "io.max:253:1", "rbps=1000000 wbps=max riops=max wiops=max").ok());
  EXPECT_EQ(text("io.max"), "253:1 rbps=1000000 wbps=max riops=max wiops=max");
}

TEST_F(FakeV2, BandwidthOfAServiceThatUsedNoDeviceYetIsLimitedOnTheDisks) {
  tree.write(group + "io.stat", "");
  EXPECT_EQ(refusal(Verb::limit, {{"io", "1MB/s"}}).code, Code::unsupported);
  tree.write("sys/block/vda/dev", "254:0\n");
  tree.write("sys/block/vda/device/uevent", "DRIVER=virtio_blk\n");
  tree.write("sys/block/loop0/dev", "7:0\n");
  EXPECT_EQ(planned(Verb::limit, {{"io", "1MB/s"}}).substr(0, 13), "io.max:254:0:");
}

TEST_F(FakeV2, WeightFallsBackToBfq) {
  tree.remove(group + "io.weight");
  EXPECT_EQ(refusal(Verb::prioritize, {{"io_weight", "200"}}).code, Code::unsupported);
  tree.write(group + "io.bfq.weight", "default 100\n");
  EXPECT_EQ(planned(Verb::prioritize, {{"io_weight", "10000"}}), "io.bfq.weight: 100 -> 1000\n");
  EXPECT_EQ(planned(Verb::prioritize, {{"io_weight", "1"}}), "io.bfq.weight: 100 -> 1\n");
}

TEST_F(FakeV2, AControllerThatIsNotEnabledIsNamed) {
  tree.remove(group + "cpu.max");
  Error error = refusal(Verb::limit, {{"cpu", "50%"}});
  EXPECT_EQ(error.code, Code::unsupported);
  EXPECT_NE(error.message.find("+cpu to cgroup.subtree_control"), std::string::npos) << error.message;
}

TEST_F(FakeV2, FreezingMustEndWithUs) {
  EXPECT_TRUE(hand->plan(hog, Verb::lockdown, {{"level", "freeze"}})->outlives_nothing);
  EXPECT_FALSE(hand->plan(hog, Verb::limit, {{"cpu", "50%"}})->outlives_nothing);
}

TEST_F(FakeV2, MienDoesNotHoldItselfBack) {
  EXPECT_EQ(refusal(Verb::lockdown, {{"level", "freeze"}}, InstanceName("mien.service@web-01")).code, Code::refused);
}

TEST_F(FakeV2, NamesThatLeadElsewhereAreRefused) {
  for (const char* name :
       {"../system.slice/hog.service@web-01", "system.slice/hog.service@web-01", "..@web-01", "@web-01"})
    EXPECT_EQ(refusal(Verb::limit, {{"cpu", "50%"}}, InstanceName(name)).code, Code::refused) << name;
  for (const char* name : {"hog.service@web-02", "hog.service", "web-02", ""})
    EXPECT_EQ(refusal(Verb::limit, {{"cpu", "50%"}}, InstanceName(name)).code, Code::not_found) << name;
}

TEST_F(FakeV2, NoLinkIsFollowed) {
  tree.write("elsewhere", "max 100000\n");
  tree.remove(group + "cpu.max");
  std::filesystem::create_symlink(tree.path("elsewhere"), tree.path(group + "cpu.max"));
  EXPECT_FALSE(hand->write(hog, "cpu.max", "50000 100000").ok());
  EXPECT_FALSE(hand->read(hog, "cpu.max").ok());
  std::ifstream in(tree.path("elsewhere"));
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "max 100000");
}

TEST_F(FakeV2, AServiceThatCameBackHasAnotherIdentity) {
  std::string first = hand->identity(hog).value_or("");
  std::filesystem::rename(tree.path(group), tree.path("kept"));  // its inode stays taken
  EXPECT_EQ(hand->identity(hog).error().code, Code::not_found);
  tree.write(group + "cpu.max", "max 100000\n");
  EXPECT_NE(hand->identity(hog).value_or(""), first);
  tree.write("proc/sys/kernel/random/boot_id", "another\n");
  EXPECT_EQ(hand->identity(host).value_or(""), "another");
}

TEST_F(FakeV2, PropertiesOfSystemdAreNotForAHostWithoutIt) {
  EXPECT_EQ(hand->write(hog, "unit:MemoryMax", "infinity").error().code, Code::unsupported);
}

TEST_F(FakeV2, KernelSettingsAreSetAndProtectionsAreNot) {
  EXPECT_EQ(planned(Verb::configure, {{"net.ipv4.tcp_rmem", "4096 87380 4194304"}}, host),
            "sysctl:net.ipv4.tcp_rmem: 4096 131072 6291456 -> 4096 87380 4194304\n");
  EXPECT_EQ(planned(Verb::configure, {{"net.ipv4.tcp_congestion_control", "bbr"}}, host),
            "sysctl:net.ipv4.tcp_congestion_control: cubic -> bbr\n");
  EXPECT_EQ(refusal(Verb::configure, {{"net.core.somaxconn", "4096"}}, host).code, Code::refused);
  EXPECT_EQ(refusal(Verb::configure, {{"net.core.somaxconn", "many"}}, host).code, Code::invalid);
  EXPECT_EQ(refusal(Verb::configure, {{"net.core.no_such", "1"}}, host).code, Code::not_found);
  EXPECT_EQ(refusal(Verb::configure, {}, host).code, Code::invalid);
  for (const char* key : {"kernel.core_pattern", "vm.drop_caches", "kernel.modprobe", "net.ipv4.ip_forward"})
    EXPECT_EQ(refusal(Verb::configure, {{key, "1"}}, host).code, Code::refused) << key;
  for (const char* key : {"net/core/somaxconn", "net.core...somaxconn", "net.core.", "", "net.core.so max"})
    EXPECT_EQ(refusal(Verb::configure, {{key, "1"}}, host).code, Code::invalid) << key;
  EXPECT_FALSE(hand->write(host, "sysctl:net.core.somaxconn", "1\n2").ok());
  EXPECT_FALSE(hand->write(host, "cpu.max", "max 100000").ok());
  EXPECT_FALSE(hand->write(hog, "sysctl:net.core.somaxconn", "1").ok());
}

// What the test's own machine may not have of version 1: the memory controller and weights of disks.
class FakeV1 : public ::testing::Test {
 protected:
  FakeV1() {
    tree.write("proc/1/comm", "init\n");
    tree.write("proc/sys/kernel/random/boot_id", "a-boot\n");
    for (const char* controller : {"cpu", "memory", "blkio", "pids", "freezer"})
      tree.write(cat("sys/fs/cgroup/", controller, "/cgroup.procs"), "1\n");
    for (auto [file, text] : std::initializer_list<std::pair<const char*, const char*>>{
             {"cpu/web/cgroup.procs", "1234\n"},
             {"cpu/web/cpu.cfs_quota_us", "-1\n"},
             {"cpu/web/cpu.cfs_period_us", "50000\n"},
             {"cpu/web/cpu.shares", "1024\n"},
             {"memory/web/memory.limit_in_bytes", "9223372036854771712\n"},
             {"memory/web/memory.soft_limit_in_bytes", "9223372036854771712\n"},
             {"memory/web/memory.usage_in_bytes", "209715200\n"},
             {"blkio/web/blkio.weight", "500\n"},
             {"blkio/web/blkio.throttle.read_bps_device", "8:16 777\n"},
             {"blkio/web/blkio.throttle.write_bps_device", ""},
             {"blkio/web/blkio.throttle.io_service_bytes", "8:0 Read 4096\n8:0 Write 1\nTotal 4097\n"},
             {"pids/web/pids.max", "max\n"},
             {"freezer/web/freezer.state", "THAWED\n"}})
      tree.write(cat("sys/fs/cgroup/", file), text);
    hand = make_host_hand(
        {.host = "old", .sys_root = tree.path("sys"), .proc_root = tree.path("proc"), .run_root = tree.path("run")});
  }
  std::string planned(Verb verb, const model::Arguments& with) {
    Result<node::Plan> plan = hand->plan(web, verb, with);
    if (!plan.ok()) return plan.error().to_string();
    std::string lines;
    for (const node::PlannedField& field : plan->fields)
      lines += cat(field.key, ": ", field.before, " -> ", field.after, '\n');
    return lines;
  }
  const InstanceName web{"web@old"};
  mien::testing::FakeTree tree;
  std::unique_ptr<node::Hand> hand;
};

TEST_F(FakeV1, SpeaksTheOldFiles) {
  EXPECT_EQ(planned(Verb::limit, {{"cpu", "50%"}}), "cpu.cfs_quota_us: -1 -> 25000\n");
  EXPECT_EQ(planned(Verb::limit, {{"pids", "9"}}), "pids.max: max -> 9\n");
  EXPECT_EQ(planned(Verb::prioritize, {{"cpu_weight", "200"}}), "cpu.shares: 1024 -> 2048\n");
  EXPECT_EQ(planned(Verb::prioritize, {{"io_weight", "1"}}), "blkio.weight: 500 -> 10\n");
  EXPECT_EQ(planned(Verb::lockdown, {{"level", "freeze"}}), "freezer.state: THAWED -> FROZEN\n");
  EXPECT_EQ(planned(Verb::limit, {{"io", "1MB/s"}}),
            "blkio.throttle.read_bps_device:8:0: 0 -> 1000000\n"
            "blkio.throttle.write_bps_device:8:0: 0 -> 1000000\n");
  EXPECT_EQ(hand->read(web, "blkio.throttle.read_bps_device:8:16").value_or(""), "777");
}

TEST_F(FakeV1, MemoryIsGivenBackToTheKernelsUnlimited) {
  EXPECT_EQ(planned(Verb::limit, {{"memory", "100MiB"}}),
            "memory.soft_limit_in_bytes: 9223372036854771712 -> 104857600\n"
            "memory.limit_in_bytes: 9223372036854771712 -> 230686720\n");
  expect_applied_and_given_back({.hand = *hand, .target = web, .with = {{"memory", "100MiB"}}});
}

TEST(MemoryLimits, AreWholePagesAndATenthApart) {
  MemoryLimits limits = memory_limits(1'000'000'000, 0);
  EXPECT_EQ(limits.high % 4096, 0U);
  EXPECT_EQ(limits.max % 4096, 0U);
  EXPECT_LE(limits.high, 1'000'000'000U);
  EXPECT_GE(limits.max, 1'100'000'000U);
}

}  // namespace
}  // namespace mien::edge
