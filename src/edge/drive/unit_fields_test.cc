// The hand where systemd is process 1, on a systemd in memory that keeps its drop-ins in a real directory.
#include "edge/drive/unit_fields.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/text.h"
#include "edge/drive/host_hand.h"
#include "node/testing/hand_suite.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

using model::Verb;
using node::testing::expect_applied_and_given_back;
using node::testing::expect_impossible;
using node::testing::expect_repaired_when_half_applied;

// What the unit's file says, what drop-ins say over it, and what holds now: as in systemd.
class MemorySystemd final : public UnitBus {
 public:
  explicit MemorySystemd(const mien::testing::FakeTree& tree) : tree_(tree) {}

  Result<std::string> version() override {
    if (silent) return drive_error(Code::unavailable, "no answer");
    return std::string("252");
  }
  Result<std::string> get(const std::string& unit, std::string_view property) override {
    if (silent) return drive_error(Code::unavailable, "no answer");
    if (unit != "hog.service") return drive_error(Code::not_found, "no such unit: " + unit);
    return now.at(std::string(property));
  }
  Status set(const std::string& unit, std::string_view property, std::string_view value) override {
    if (silent) return drive_error(Code::unavailable, "no answer");
    if (unit != "hog.service") return drive_error(Code::not_found, "no such unit: " + unit);
    now[std::string(property)] = value;
    if (property != "FreezerState") tree_.write(drop_in(property), value);
    return {};
  }
  Status reload() override {
    ++reloads;
    for (auto& [property, value] : now) {
      if (file.contains(property) && !std::filesystem::exists(tree_.path(drop_in(property)))) value = file.at(property);
    }
    return {};
  }
  static std::string drop_in(std::string_view property) {
    std::string_view name = property == "CPUQuotaPerSecUSec" ? "CPUQuota" : property;
    return cat("run/systemd/system.control/hog.service.d/50-", name, ".conf");
  }

  std::map<std::string, std::string> file{{"CPUQuotaPerSecUSec", "infinity"},
                                          {"CPUWeight", "infinity"},
                                          {"MemoryHigh", "infinity"},
                                          {"MemoryMax", "infinity"},
                                          {"TasksMax", "4915"},
                                          {"IOWeight", "infinity"},
                                          {"IOReadBandwidthMax", "none"},
                                          {"IOWriteBandwidthMax", "/dev/vdb 5"}};
  std::map<std::string, std::string> now = [this] {
    auto all = file;
    all.insert({{"FreezerState", "running"},
                {"InvocationID", "0123456789abcdef"},
                {"ControlGroup", "/system.slice/hog.service"},
                {"MemoryCurrent", "1048576"},
                {"TasksCurrent", "3"}});
    return all;
  }();
  bool silent = false;
  int reloads = 0;

 private:
  const mien::testing::FakeTree& tree_;
};

const InstanceName hog("hog.service@web-01");

class SystemdHost : public ::testing::Test {
 protected:
  SystemdHost() {
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
    tree.write("sys/fs/cgroup/system.slice/hog.service/cpu.max", "max 100000\n");
    tree.write("sys/fs/cgroup/system.slice/hog.service/io.stat", "254:0 rbytes=1\n");
    tree.write("sys/dev/block/254:0/uevent", "MAJOR=254\nDEVNAME=vda\n");
    tree.write("proc/1/comm", "systemd\n");
    tree.write("proc/sys/kernel/random/boot_id", "a-boot\n");
    auto bus = std::make_unique<MemorySystemd>(tree);
    systemd = bus.get();
    hand = make_host_hand({.host = "web-01",
                           .sys_root = tree.path("sys"),
                           .proc_root = tree.path("proc"),
                           .run_root = tree.path("run"),
                           .bus = std::move(bus)});
  }
  std::string planned(Verb verb, const model::Arguments& with) {
    return node::testing::plan_text(hand->plan(hog, verb, with));
  }
  [[nodiscard]] bool has_drop_in(std::string_view property) const {
    return std::filesystem::exists(tree.path(MemorySystemd::drop_in(property)));
  }

  mien::testing::FakeTree tree;
  MemorySystemd* systemd = nullptr;
  std::unique_ptr<node::Hand> hand;
};

TEST_F(SystemdHost, EveryVerbIsAppliedReadBackAndGivenBackWithoutADropInOfOurs) {
  struct Each {
    Verb verb;
    model::Arguments with;
    std::string property, effect;
  };
  for (const Each& each :
       std::vector<Each>{{Verb::limit, {{"cpu", "50%"}}, "CPUQuotaPerSecUSec", "500000"},
                         {Verb::limit, {{"memory", "64MiB"}}, "MemoryHigh", "67108864"},
                         {Verb::limit, {{"pids", "512"}}, "TasksMax", "512"},
                         {Verb::limit, {{"io", "1MB/s"}}, "IOWriteBandwidthMax", "/dev/vda 1000000, /dev/vdb 5"},
                         {Verb::prioritize, {{"cpu_weight", "20"}}, "CPUWeight", "20"},
                         {Verb::prioritize, {{"io_weight", "20"}}, "IOWeight", "20"},
                         {Verb::lockdown, {{"level", "freeze"}}, "FreezerState", "frozen"}}) {
    node::testing::HandCase hand_case{
        .hand = *hand, .target = hog, .verb = each.verb, .with = each.with, .effect = [&] {
          return systemd->now[each.property] == each.effect;
        }};
    expect_applied_and_given_back(hand_case);
    expect_repaired_when_half_applied(hand_case);
    EXPECT_FALSE(std::filesystem::exists(tree.path("run/systemd/system.control/hog.service.d"))) << each.property;
  }
}

TEST_F(SystemdHost, RefusesClearlyWhatCanNotBe) {
  node::testing::expect_clear_refusals(*hand, hog, "unit:TasksMax");
  node::testing::expect_abilities_are_explained(*hand);
}

TEST_F(SystemdHost, ValuesAreSystemdsOwn) {
  EXPECT_EQ(planned(Verb::limit, {{"cpu", "12.4%"}}), "unit:CPUQuotaPerSecUSec: infinity -> 120000 (runtime)\n");
  EXPECT_EQ(planned(Verb::prioritize, {{"cpu_weight", "20"}}), "unit:CPUWeight: [not set] -> 20 (runtime)\n");
  EXPECT_EQ(planned(Verb::limit, {{"io", "1MB/s"}}),
            "unit:IOReadBandwidthMax: none -> /dev/vda 1000000 (runtime)\n"
            "unit:IOWriteBandwidthMax: /dev/vdb 5 -> /dev/vda 1000000, /dev/vdb 5 (runtime)\n");
}

TEST_F(SystemdHost, AnOperatorsRuntimePropertyStaysWhereItWas) {
  ASSERT_TRUE(systemd->set("hog.service", "TasksMax", "1000").ok());
  EXPECT_EQ(planned(Verb::limit, {{"pids", "512"}}), "unit:TasksMax: 1000 (runtime) -> 512 (runtime)\n");
  ASSERT_TRUE(hand->write(hog, "unit:TasksMax", "512 (runtime)").ok());
  ASSERT_TRUE(hand->write(hog, "unit:TasksMax", "1000 (runtime)").ok());
  EXPECT_TRUE(has_drop_in("TasksMax"));
  EXPECT_EQ(systemd->now["TasksMax"], "1000");
}

TEST_F(SystemdHost, OthersDropInsAreLeftAlone) {
  ASSERT_TRUE(systemd->set("hog.service", "CPUWeight", "50").ok());
  ASSERT_TRUE(hand->write(hog, "unit:TasksMax", "512 (runtime)").ok());
  ASSERT_TRUE(hand->write(hog, "unit:TasksMax", "4915").ok());
  EXPECT_TRUE(has_drop_in("CPUWeight"));
  EXPECT_FALSE(has_drop_in("TasksMax"));
  EXPECT_EQ(systemd->reloads, 1);
}

TEST_F(SystemdHost, AnEditOfTheUnitWhileWeHeldItIsWhatIsFoundAfterwards) {
  ASSERT_TRUE(hand->write(hog, "unit:TasksMax", "512 (runtime)").ok());
  systemd->file["TasksMax"] = "77";
  ASSERT_TRUE(hand->write(hog, "unit:TasksMax", "4915").ok());
  EXPECT_EQ(hand->read(hog, "unit:TasksMax").value_or(""), "77");
}

TEST_F(SystemdHost, AStoppedUnitStillGivesItsDropInBack) {
  ASSERT_TRUE(hand->write(hog, "unit:TasksMax", "512 (runtime)").ok());
  tree.remove("sys/fs/cgroup/system.slice/hog.service");
  EXPECT_EQ(hand->read(hog, "unit:TasksMax").value_or(""), "512 (runtime)");
  EXPECT_TRUE(hand->write(hog, "unit:TasksMax", "4915").ok());
  EXPECT_FALSE(has_drop_in("TasksMax"));
  EXPECT_EQ(hand->plan(hog, Verb::limit, {{"pids", "1"}}).error().code, Code::not_found);
}

TEST_F(SystemdHost, FilesOfControlGroupsAreNotWrittenBehindItsBack) {
  Status written = hand->write(hog, "cpu.max", "50000 100000");
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Code::unsupported);
  EXPECT_FALSE(hand->write(hog, "unit:TasksMax", "none").ok());
  EXPECT_FALSE(hand->write(hog, "unit:IOWriteBandwidthMax", "/etc/passwd 5 (runtime)").ok());
  EXPECT_FALSE(hand->write(hog, "unit:ExecStart", "1").ok());
}

TEST_F(SystemdHost, ARestartIsAnotherRun) {
  std::string first = hand->identity(hog).value_or("");
  systemd->now["InvocationID"] = "fedcba9876543210";
  EXPECT_NE(hand->identity(hog).value_or(first), first);
}

TEST_F(SystemdHost, AContainerThatIsNoUnitIsItsEnginesToChange) {
  std::string id(64, 'a');
  tree.make_directory("sys/fs/cgroup/docker/" + id);
  auto plan = hand->plan(InstanceName("docker-aaaaaaaaaaaa@web-01"), Verb::limit, {{"cpu", "50%"}});
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Code::unsupported) << plan.error().to_string();
}

TEST_F(SystemdHost, AUsersOwnUnitIsNotTheSystems) {
  systemd->now["ControlGroup"] = "";
  expect_impossible({.hand = *hand, .target = hog, .with = {{"cpu", "50%"}}}, Code::unsupported);
}

TEST_F(SystemdHost, ASilentBusIsSaidInTheAbilities) {
  systemd->silent = true;
  std::vector<node::Hand::Ability> abilities = hand->abilities();
  EXPECT_FALSE(abilities.front().works);
  EXPECT_NE(abilities.front().why_not.find("does not answer"), std::string::npos) << abilities.front().why_not;
  EXPECT_EQ(hand->plan(hog, Verb::limit, {{"cpu", "50%"}}).error().code, Code::unavailable);
}

TEST(SystemdBus, WithoutSystemdIsUnavailableAndNoMore) {
  if (systemd_runs("/proc", "/run")) GTEST_SKIP() << "systemd is process 1 here: tests/real drives it in a guest";
  Result<std::string> version = make_systemd_bus()->version();
  ASSERT_FALSE(version.ok());
  EXPECT_TRUE(version.error().code == Code::unavailable || version.error().code == Code::not_found ||
              version.error().code == Code::io || version.error().code == Code::refused)
      << version.error().to_string();
  EXPECT_FALSE(make_systemd_bus()->set("hog.service", "TasksMax", "5").ok());
}

}  // namespace
}  // namespace mien::edge
