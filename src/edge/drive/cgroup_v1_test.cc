// The hand on this machine's own version 1 hierarchies, in a subdirectory of our own: effects are seen in what a child
// process gets to do. Needs root and the hierarchies; a machine with version 2 alone is driven by the fake tree here
// and by the guests of tests/real.
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/text.h"
#include "edge/collect/cgroupfs.h"
#include "edge/collect/kernel_file.h"
#include "edge/drive/field_file.h"
#include "edge/drive/host_hand.h"
#include "edge/drive/place.h"
#include "node/testing/hand_suite.h"
#include "tests/support/polling.h"

namespace mien::edge {
namespace {

using mien::testing::poll_until;
using model::Verb;
using node::testing::HandCase;

// What the child and the test see of each other.
struct Shared {
  std::atomic<std::uint64_t> rounds{0};  // the child's own work
  std::atomic<int> ask_fork{0};          // grows: fork once
  std::atomic<int> answered{0};          // the ask that was answered
  std::atomic<int> fork_error{0};
};

void answer_fork(Shared& shared, int ask) {
  pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  shared.fork_error = child < 0 ? errno : 0;
  if (child > 0) ::waitpid(child, nullptr, 0);
  shared.answered = ask;
}

[[noreturn]] void misbehave(Shared& shared) {
  for (;;) {
    for (int i = 0; i < 20000; ++i) shared.rounds.fetch_add(1, std::memory_order_relaxed);
    if (int ask = shared.ask_fork; ask != shared.answered) answer_fork(shared, ask);
  }
}

// A child that runs in a circle, in a control group of ours in every hierarchy that there is.
class RealV1 : public ::testing::Test {
 protected:
  void SetUp() override {
    hierarchies = find_hierarchies("/sys");
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: control groups are root's";
    if (systemd_runs("/proc", "/run")) GTEST_SKIP() << "systemd keeps the control groups here";
    const CgroupMounts& m = hierarchies.mounts;
    for (const std::string& root : {m.cpu, m.blkio, m.pids, hierarchies.freezer}) {
      if (root.empty()) continue;
      std::string directory = cat(root, '/', group);
      if (::mkdir(directory.c_str(), 0755) == 0) made.push_back(directory);
    }
    if (made.empty()) GTEST_SKIP() << "no version 1 hierarchy is mounted that can be written";
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    shared = new (memory) Shared;
    child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) misbehave(*shared);
    for (const std::string& directory : made)
      ASSERT_TRUE(write_field_file(directory, "cgroup.procs", cat(child)).ok()) << directory;
    hand = make_host_hand({.host = "here", .systemd = SystemdUse::never});
  }
  void TearDown() override {
    if (!hierarchies.freezer.empty())
      static_cast<void>(write_field_file(cat(hierarchies.freezer, '/', group), "freezer.state", "THAWED"));
    if (child > 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    for (const std::string& directory : made) {
      EXPECT_TRUE(poll_until([&] { return ::rmdir(directory.c_str()) == 0 || errno != EBUSY; })) << directory;
    }
    if (shared != nullptr) ::munmap(shared, sizeof(Shared));
  }
  // Seconds of processor that the child used, by the kernel's own count.
  [[nodiscard]] double cpu_seconds() const {
    std::string text = read_text(cat("/proc/", child, "/stat")).value_or("");
    auto words = split(std::string_view(text).substr(text.rfind(')') + 2), ' ');
    if (words.size() < 13) return 0;
    auto ticks = parse_integer(words[11]).value_or(0) + parse_integer(words[12]).value_or(0);
    return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  // Asks the child to fork, and gives what its fork said.
  int fork_error() {
    int ask = ++shared->ask_fork;
    EXPECT_TRUE(poll_until([&] { return shared->answered == ask; })) << "the child hangs";
    return shared->fork_error;
  }
  [[nodiscard]] std::uint64_t cpu_count(std::string_view key) const {
    std::string stat = read_text(cat(hierarchies.mounts.cpu, '/', group, "/cpu.stat")).value_or("");
    return find_count(stat, key).value_or(0);
  }
  // Whether the child is held to a share of a core: the kernel held it back in several periods, and in all of them it
  // had no more than three times its share by its own processor time. A free child has half a second of it first.
  [[nodiscard]] bool is_held_to(double share) const {
    constexpr double free_seconds = 0.5;
    constexpr double clock_tick = 0.02;
    double begin = cpu_seconds();
    std::uint64_t throttled = cpu_count("nr_throttled"), periods = cpu_count("nr_periods");
    auto held = [&] { return cpu_count("nr_throttled") >= throttled + 8; };
    EXPECT_TRUE(poll_until([&] { return held() || cpu_seconds() - begin > free_seconds; })) << "the child hangs";
    double had = cpu_seconds() - begin;
    double period = 0.1;
    return held() && had < 3 * share * period * static_cast<double>(cpu_count("nr_periods") - periods) + clock_tick;
  }
  // A free child is seen to work; of one that the kernel calls frozen, nothing is seen for a while.
  [[nodiscard]] bool stands_still() const {
    bool frozen = hand->read(target, "freezer.state").value_or("") == "FROZEN";
    std::uint64_t before = shared->rounds;
    auto moves = [&] { return shared->rounds != before; };
    return !(frozen ? poll_until(moves, std::chrono::milliseconds{200}) : poll_until(moves));
  }
  [[nodiscard]] HandCase case_of(Verb verb, model::Arguments with, std::function<bool()> effect = {}) const {
    return {.hand = *hand, .target = target, .verb = verb, .with = std::move(with), .effect = std::move(effect)};
  }

  const std::string group = cat("mien-drive-", ::getpid());
  const InstanceName target{group + "@here"};
  Hierarchies hierarchies;
  std::vector<std::string> made;
  Shared* shared = nullptr;
  pid_t child = -1;
  std::unique_ptr<node::Hand> hand;
};

TEST_F(RealV1, ABusyLoopGetsTheProcessorThatItsLimitLeaves) {
  if (hierarchies.mounts.cpu.empty()) GTEST_SKIP() << "no cpu hierarchy";
  node::testing::expect_applied_and_given_back(case_of(Verb::limit, {{"cpu", "5%"}}, [&] { return is_held_to(0.05); }));
  node::testing::expect_repaired_when_half_applied(case_of(Verb::limit, {{"cpu", "5%"}}));
}

TEST_F(RealV1, AForkBeyondTheLimitFails) {
  if (hierarchies.mounts.pids.empty()) GTEST_SKIP() << "no pids hierarchy";
  node::testing::expect_applied_and_given_back(
      case_of(Verb::limit, {{"pids", "1"}}, [&] { return fork_error() == EAGAIN; }));
}

TEST_F(RealV1, AFrozenProcessStandsStillAndGoesOn) {
  if (hierarchies.freezer.empty()) GTEST_SKIP() << "no freezer hierarchy";
  HandCase freeze = case_of(Verb::lockdown, {{"level", "freeze"}}, [&] { return stands_still(); });
  node::testing::expect_applied_and_given_back(freeze);
  EXPECT_TRUE(hand->plan(target, Verb::lockdown, {{"level", "freeze"}})->outlives_nothing);
}

TEST_F(RealV1, WeightsAndBandwidthAreGivenBackExactly) {
  if (!hierarchies.mounts.cpu.empty())
    node::testing::expect_applied_and_given_back(case_of(Verb::prioritize, {{"cpu_weight", "20"}}));
  if (hierarchies.mounts.blkio.empty() || whole_disks("/sys").empty()) GTEST_SKIP() << "no blkio hierarchy or no disk";
  node::testing::expect_applied_and_given_back(case_of(Verb::limit, {{"io", "50MB/s"}}));
}

TEST_F(RealV1, SeveralLimitsAreOnePlan) {
  if (hierarchies.mounts.cpu.empty() || hierarchies.mounts.pids.empty()) GTEST_SKIP() << "no cpu or no pids hierarchy";
  HandCase both = case_of(Verb::limit, {{"cpu", "50%"}, {"pids", "64"}});
  node::testing::expect_applied_and_given_back(both);
  node::testing::expect_repaired_when_half_applied(both);
}

TEST_F(RealV1, RefusesClearlyWhatCanNotBe) {
  if (hierarchies.mounts.cpu.empty()) GTEST_SKIP() << "no cpu hierarchy";
  node::testing::expect_clear_refusals(*hand, target, "cpu.cfs_quota_us");
  node::testing::expect_abilities_are_explained(*hand);
}

TEST_F(RealV1, WhatWasWrittenIsFoundWhenTheLastProcessHasEnded) {
  if (hierarchies.mounts.cpu.empty()) GTEST_SKIP() << "no cpu hierarchy";
  ASSERT_TRUE(hand->write(target, "cpu.cfs_quota_us", "50000").ok());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  child = -1;
  EXPECT_EQ(hand->plan(target, Verb::limit, {{"cpu", "5%"}}).error().code, Code::not_found);
  EXPECT_EQ(hand->read(target, "cpu.cfs_quota_us").value_or(""), "50000");
  EXPECT_TRUE(hand->write(target, "cpu.cfs_quota_us", "-1").ok());
  EXPECT_EQ(hand->read(target, "cpu.cfs_quota_us").value_or(""), "-1");
}

}  // namespace
}  // namespace mien::edge
