#include "edge/collect/cgroup_processes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/text.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

class CgroupProcessesTest : public ::testing::Test {
 protected:
  CgroupProcesses open(const std::string& proc_root) {
    CgroupMounts mounts;
    mounts.unified = tree.path("cgroup");
    return {mounts, "a.service", proc_root};
  }
  void processes(std::string_view numbers, const std::string& inside = {}) {
    tree.write(cat("cgroup/a.service", inside, "/cgroup.procs"), numbers);
  }
  testing::FakeTree tree;
  ReadBuffer buffer;
};

TEST_F(CgroupProcessesTest, ThoseInGroupsWithinAreCountedToo) {
  processes("101\n102\n103\n");
  processes("104\n105\n", "/workers");
  processes("106\n", "/workers/one");
  EXPECT_DOUBLE_EQ(open(tree.path("proc")).look(9, buffer).processes, 6);
}

TEST_F(CgroupProcessesTest, AreCountedAnewWhereThreadsCameOrWentAndElseOnceAMinute) {
  processes("101\n102\n103\n");
  CgroupProcesses group = open(tree.path("proc"));
  EXPECT_DOUBLE_EQ(group.look(7, buffer).processes, 3);
  processes("101\n102\n103\n104\n");
  EXPECT_DOUBLE_EQ(group.look(7, buffer).processes, 3) << "as many threads as before";
  EXPECT_DOUBLE_EQ(group.look(8, buffer).processes, 4);
  processes("101\n");
  for (int i = 2; i < most_looks_between; ++i) EXPECT_DOUBLE_EQ(group.look(8, buffer).processes, 4);
  EXPECT_DOUBLE_EQ(group.look(8, buffer).processes, 1);
  processes("");
  EXPECT_DOUBLE_EQ(group.look(0, buffer).processes, 0);
}

TEST_F(CgroupProcessesTest, WithoutAListNothingIsCounted) {
  EXPECT_TRUE(std::isnan(open(tree.path("proc")).look(3, buffer).processes));
  processes("101\n");
  CgroupProcesses group = open(tree.path("proc"));
  EXPECT_DOUBLE_EQ(group.look(1, buffer).processes, 1);
  tree.remove("cgroup/a.service");
  EXPECT_TRUE(std::isnan(group.look(2, buffer).processes)) << "it ended";
}

// This process and the machine's own /proc.
TEST_F(CgroupProcessesTest, OpenDescriptorsAreCountedOnceAMinute) {
  processes(cat(::getpid(), "\n", 0, "\n"));
  auto listed = [] {
    auto all =
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
    return static_cast<double>(all - 1);  // the listing's own
  };
  struct stat info {};
  bool told = ::stat("/proc/self/fd", &info) == 0 && info.st_size > 0;  // since Linux 6.2
  CgroupProcesses group = open("/proc");
  double before = group.look(1, buffer).descriptors;
  if (!told) {
    EXPECT_TRUE(std::isnan(before));
    return;
  }
  EXPECT_DOUBLE_EQ(before, listed());
  int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_DOUBLE_EQ(group.look(2, buffer).descriptors, before) << "not its turn";
  for (int i = 1; i < most_looks_between; ++i) group.look(2, buffer);
  EXPECT_DOUBLE_EQ(group.look(2, buffer).descriptors, before + 1);
  ::close(one);
}

TEST_F(CgroupProcessesTest, OfVeryManyProcessesDescriptorsAreNotCounted) {
  std::string many;
  for (std::size_t i = 0; i <= most_counted_descriptors; ++i) many += cat(::getpid(), "\n");
  processes(many);
  CgroupProcesses group = open("/proc");
  EXPECT_DOUBLE_EQ(group.look(1, buffer).processes, static_cast<double>(most_counted_descriptors + 1));
  EXPECT_TRUE(std::isnan(group.look(1, buffer).descriptors));
}

}  // namespace
}  // namespace mien::edge
