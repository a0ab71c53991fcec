#include "edge/sense/log_tail.h"

#include <gtest/gtest.h>

#include <cerrno>
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

TEST(log_tail, what_is_written_to_the_renamed_file_before_the_writer_is_told_is_not_lost) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  append(path, "old\n");
  LogTail tail(path);
  std::filesystem::rename(path, path + ".1");
  EXPECT_EQ(tail.lines(), Lines{}) << "not made anew yet";
  append(path + ".1", "late\n");
  EXPECT_EQ(tail.lines(), Lines{"late"});
  append(path, "");
  append(path + ".1", "later\n");
  EXPECT_EQ(tail.lines(), Lines{"later"});
  append(path + ".1", "last\n");
  append(path, "new\n");
  EXPECT_EQ(tail.lines(), (Lines{"last", "new"}));
  append(path + ".1", "nobody writes here any more\n");
  append(path, "newer\n");
  EXPECT_EQ(tail.lines(), Lines{"newer"});
}

TEST(log_tail, a_renamed_file_that_is_deleted_is_let_go) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  append(path, "old\n");
  LogTail tail(path);
  append(path, "kept\n");
  std::filesystem::remove(path);
  EXPECT_EQ(tail.lines(), Lines{"kept"});
  EXPECT_FALSE(tail.readable());
  EXPECT_EQ(tail.error(), ENOENT);
  append(path, "new\n");
  EXPECT_EQ(tail.lines(), Lines{"new"});
}

TEST(log_tail, a_log_that_was_cut_short_and_has_outgrown_its_old_size_is_known_by_its_text) {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
  append(path, "old\n");
  LogTail tail(path);
  append(path, "half a li");
  EXPECT_EQ(tail.lines(), Lines{});
  std::ofstream(path, std::ios::trunc) << "a first line that is longer than all before\nsecond\n";
  EXPECT_EQ(tail.lines(), (Lines{"a first line that is longer than all before", "second"}));
}

TEST(log_tail, a_log_that_may_not_be_read_says_why) {
  testing::TemporaryDirectory directory;
  LogTail tail(directory.path());
  EXPECT_FALSE(tail.readable());
  EXPECT_NE(tail.error(), 0);
  EXPECT_EQ(tail.lines(), Lines{});
}

}  // namespace
}  // namespace mien::edge
