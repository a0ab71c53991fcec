// The hand on this machine's own version 1 hierarchies, in a subdirectory of our own: effects are seen in what a child
// process gets to do. Needs root and the hierarchies; a machine with version 2 alone is driven by the fake tree here
// and by the guests of tests/real.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/drive/field_file.h"
#include "edge/drive/host_hand.h"
#include "edge/drive/place.h"
#include "node/testing/hand_suite.h"

namespace mien::edge {
namespace {

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

void pause_for(long milliseconds) {
  timespec pause{.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000};
  ::nanosleep(&pause, nullptr);
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
      for (int i = 0; i < 500 && ::rmdir(directory.c_str()) != 0 && errno == EBUSY; ++i) pause_for(2);
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
    for (int i = 0; i < 5000 && shared->answered != ask; ++i) pause_for(2);
    EXPECT_EQ(shared->answered, ask) << "the child hangs";
    return shared->fork_error;
  }
  // Whether the child does something: waits for its next rounds, or for a time in which it would have done thousands.
  bool stands_still() {
    std::uint64_t before = shared->rounds;
    for (int i = 0; i < 100 && shared->rounds == before; ++i) pause_for(5);
    return shared->rounds == before;
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
  // The child's own processor time while the clock runs for a while. Limited to 5 %, it must have less than 15 %.
  auto share = [&] {
    timespec begin{}, end{};
    ::clock_gettime(CLOCK_MONOTONIC, &begin);
    double used = cpu_seconds();
    pause_for(1000);
    used = cpu_seconds() - used;
    ::clock_gettime(CLOCK_MONOTONIC, &end);
    double passed =
        static_cast<double>(end.tv_sec - begin.tv_sec) + static_cast<double>(end.tv_nsec - begin.tv_nsec) * 1e-9;
    return used / passed;
  };
  // A machine that is busy with other things may leave the free child little as well: then the kernel's count of
  // periods in which it was held back says it.
  auto held_back = [&] {
    std::string stat = read_text(cat(hierarchies.mounts.cpu, '/', group, "/cpu.stat")).value_or("");
    return find_count(stat, "nr_throttled").value_or(0);
  };
  auto is_limited = [&] {
    std::uint64_t before = held_back();
    bool little = share() < 0.15;
    return little && held_back() > before;
  };
  node::testing::expect_applied_and_given_back(case_of(Verb::limit, {{"cpu", "5%"}}, is_limited));
  node::testing::expect_repaired_when_half_applied(case_of(Verb::limit, {{"cpu", "5%"}}));
}

TEST_F(RealV1, AForkBeyondTheLimitFails) {
  if (hierarchies.mounts.pids.empty()) GTEST_SKIP() << "no pids hierarchy";
  node::testing::expect_applied_and_given_back(
      case_of(Verb::limit, {{"pids", "1"}}, [&] { return fork_error() == EAGAIN; }));
}

TEST_F(RealV1, AFrozenProcessStandsStillAndGoesOn) {
  if (hierarchies.freezer.empty()) GTEST_SKIP() << "no freezer hierarchy";
  HandCase freeze = case_of(Verb::lockdown, {{"level", "freeze"}}, [&] {
    return hand->read(target, "freezer.state").value_or("") == "FROZEN" && stands_still();
  });
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
