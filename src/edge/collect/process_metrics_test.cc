#include "edge/collect/process_metrics.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>

#include "base/text.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

constexpr MonoTime start{1'000'000'000'000};

class ProcessMetricsTest : public ::testing::Test {
 protected:
  void begin(const std::string& proc_root) {
    metrics.emplace(proc_root);
    metrics->build(readings);
  }
  void process(int pid, char state) {
    tree.write(cat("proc/", pid, "/stat"), cat(pid, " (a) S (b) ", std::string(1, state), " 1 1 1 0 -1\n"));
  }
  void read(MonoTime now) { metrics->read(now, buffer, readings); }
  // Of the state, or of all.
  double count(std::string_view status = {}) {
    std::string name = "system.process.count";
    if (!status.empty()) name += cat("{status=", status, "}");
    for (const model::Reading& each : readings)
      if (model::to_text(each.series) == name) return each.value;
    ADD_FAILURE() << name;
    return model::missing;
  }

  testing::FakeTree tree;
  std::optional<ProcessMetrics> metrics;
  ReadBuffer buffer;
  std::vector<model::Reading> readings;
};

TEST_F(ProcessMetricsTest, AllAreCountedAtEveryTickAndStatesNowAndThen) {
  tree.make_directory("proc/sys");
  tree.write("proc/loadavg", "not a directory\n");
  process(1, 'S');
  process(2, 'I');
  process(30, 'Z');
  process(31, 'T');
  process(32, 'R');
  begin(tree.path("proc"));
  read(start);
  EXPECT_DOUBLE_EQ(count(), 5);
  for (const char* status : {"sleeping", "idle", "zombies", "stopped"}) EXPECT_DOUBLE_EQ(count(status), 1) << status;
  process(33, 'Z');
  read(start + process_interval - 1s);
  EXPECT_DOUBLE_EQ(count("zombies"), 1) << "not its turn";
  read(start + process_interval);
  EXPECT_DOUBLE_EQ(count("zombies"), 2);
  EXPECT_DOUBLE_EQ(count(), 6);
}

TEST_F(ProcessMetricsTest, ManyAreWalkedInParts) {
  constexpr int many = 2 * static_cast<int>(processes_per_tick) + 1;
  for (int pid = 1; pid <= many; ++pid) process(pid, 'S');
  begin(tree.path("proc"));
  read(start);
  EXPECT_TRUE(std::isnan(count())) << "which directories are none is not known yet";
  read(start + 1s);
  EXPECT_TRUE(std::isnan(count("sleeping")));
  read(start + 2s);
  EXPECT_DOUBLE_EQ(count(), many);
  EXPECT_DOUBLE_EQ(count("sleeping"), many);
}

TEST_F(ProcessMetricsTest, AProcessThatCanNotBeReadHasNoState) {
  process(1, 'S');
  tree.make_directory("proc/2");  // as one that ended between the two
  tree.write("proc/3/stat", "3 (cut");
  begin(tree.path("proc"));
  read(start);
  EXPECT_DOUBLE_EQ(count("sleeping"), 1);
}

TEST_F(ProcessMetricsTest, WithoutAProcThereIsNothing) {
  begin(tree.path("nowhere"));
  read(start);
  EXPECT_TRUE(std::isnan(count()));
}

// The machine's own /proc, where the links of the directory are the number.
TEST_F(ProcessMetricsTest, OfThisMachineThereAreMoreWhenSomeAreBorn) {
  begin("/proc");
  MonoTime now = start;
  for (int i = 0; i < 10'000 && std::isnan(count()); ++i) read(now = now + 1s);
  double before = count();
  EXPECT_GE(before, 1);
  EXPECT_GE(count("sleeping"), 0);
  constexpr int born = 60;
  std::vector<pid_t> children;
  for (int i = 0; i < born; ++i) {
    pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    if (child > 0) children.push_back(child);
  }
  read(now);
  double after = count();
  for (pid_t child : children) ::kill(child, SIGKILL);
  for (pid_t child : children) ::waitpid(child, nullptr, 0);
  EXPECT_GT(after - before, born / 2) << "others may end meanwhile";
}

}  // namespace
}  // namespace mien::edge
