#include "edge/sense/log_tail.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

using Lines = std::vector<std::string>;

void append(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::app) << text; }

TEST(log_tail, begins_at_the_end_and_gives_whole_lines_only) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  append(path, "old\n");
  LogTail tail(path);
  EXPECT_EQ(tail.lines(), Lines{});
  append(path, "one\ntw");
  EXPECT_EQ(tail.lines(), Lines{"one"});
  append(path, "o\n");
  EXPECT_EQ(tail.lines(), Lines{"two"});
}

TEST(log_tail, goes_on_in_the_new_file_after_rotation_and_loses_nothing) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  append(path, "");
  LogTail tail(path);
  append(path, "before\n");
  std::filesystem::rename(path, path + ".1");
  append(path + ".1", "late\n");
  append(path, "after\n");
  EXPECT_EQ(tail.lines(), (Lines{"before", "late", "after"}));
}

TEST(log_tail, a_log_that_was_cut_short_is_read_from_its_beginning) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  append(path, "a long line of before\n");
  LogTail tail(path);
  std::ofstream(path, std::ios::trunc) << "new\n";
  EXPECT_EQ(tail.lines(), Lines{"new"});
}

TEST(log_tail, a_log_that_comes_later_is_read_whole) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  LogTail tail(path);
  EXPECT_FALSE(tail.readable());
  append(path, "first\n");
  EXPECT_EQ(tail.lines(), Lines{"first"});
  EXPECT_TRUE(tail.readable());
}

TEST(log_tail, of_too_much_the_oldest_is_passed_over_and_counted) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  append(path, "");
  LogTail tail(path);
  std::string much;
  for (int i = 0; i < 100'000; ++i) much += "line " + std::to_string(i) + "\n";
  append(path, much);
  std::string longer(5000, 'x');
  longer += "\nlast\n";
  append(path, longer);
  Lines lines = tail.lines();
  EXPECT_GT(tail.bytes_passed_over(), 0U);
  ASSERT_GT(lines.size(), 1000U);
  EXPECT_EQ(lines.front().substr(0, 5), "line ");
  EXPECT_EQ(lines.back(), "last");
  EXPECT_EQ(lines[lines.size() - 2], "line 99999") << "a line that is too long is left out";
}

}  // namespace
}  // namespace mien::edge
