#include "app/score_sequence.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/prng.h"
#include "base/text.h"
#include "wire/gzip.h"

namespace mien::app {
namespace {

class SequenceFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mien-sequence-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    Prng random(5);
    for (int i = 0; i < 100; ++i) {
      std::string name = cat("normal", i, ".txt");
      write(name, trace(random, 150));
      normal_.push_back(path(name));
    }
    write("good.txt", trace(random, 150));
    write("bad.txt",
          trace(random, 60) + "ptrace\nmprotect\nexecve\nptrace dup2 dup2 dup2 execve\n" + trace(random, 60));
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  static std::string trace(Prng& random, std::size_t rounds) {
    std::string text = "execve brk mmap\n";
    for (std::size_t i = 0; i < rounds; ++i)
      text += random.chance(0.7) ? "openat read close\n" : "openat fstat write close ";
    return text;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (home_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  [[nodiscard]] Status score(const std::vector<std::string>& inputs, const std::vector<std::string>& train) {
    out_.str("");
    err_.str("");
    return score_sequences({.inputs = inputs, .train = train}, out_, err_);
  }
  [[nodiscard]] Error refused(const std::vector<std::string>& inputs, const std::vector<std::string>& train) {
    Status status = score(inputs, train);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(out_.str(), "");  // all or nothing
    return status ? Error{} : status.error();
  }

  std::filesystem::path home_;
  std::vector<std::string> normal_;
  std::ostringstream out_, err_;
};

TEST_F(SequenceFiles, EachInputHasALineInItsOrder) {
  ASSERT_TRUE(score({path("bad.txt"), path("good.txt"), path("bad.txt")}, normal_).ok());
  std::vector<std::string_view> lines;
  std::string text = out_.str();
  for (std::string_view line : split(text, '\n')) lines.push_back(line);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[3], "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(lines[static_cast<std::size_t>(i)].size(), 8U);
  EXPECT_EQ(lines[0], lines[2]);
  EXPECT_GT(*parse_double(lines[0]), 0.99);
  EXPECT_LT(*parse_double(lines[1]), 0.99);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(SequenceFiles, APackedTraceIsTheSameTrace) {
  ASSERT_TRUE(score({path("bad.txt")}, normal_).ok());
  std::string plain = out_.str();
  std::ostringstream bytes;
  bytes << std::ifstream(path("bad.txt"), std::ios::binary).rdbuf();
  write("bad.txt.gz", wire::gzip(bytes.str()));
  std::ostringstream first;
  first << std::ifstream(normal_[0], std::ios::binary).rdbuf();
  write("packed.gz", wire::gzip(first.str()));
  normal_[0] = path("packed.gz");
  ASSERT_TRUE(score({path("bad.txt.gz")}, normal_).ok());
  EXPECT_EQ(out_.str(), plain);
}

TEST_F(SequenceFiles, WhatCanNotBeReadIsNamedAndNothingIsWritten) {
  write("empty.txt", "\n");
  write("binary", std::string("\x7f"
                              "ELF\0",
                              5));
  write("huge.txt", std::string(1U << 20U, 'x'));
  write("broken.gz", "no gzip");
  EXPECT_EQ(refused({path("good.txt"), path("none.txt")}, normal_).code, Code::not_found);
  EXPECT_EQ(refused({path("good.txt")}, {path("none.txt")}).where, path("none.txt"));
  EXPECT_EQ(refused({path("empty.txt")}, normal_).where, path("empty.txt"));
  EXPECT_EQ(refused({path("binary")}, normal_).where, path("binary") + ":1:1");
  EXPECT_EQ(refused({path("huge.txt")}, normal_).where, path("huge.txt") + ":1:65");
  EXPECT_NE(refused({path("broken.gz")}, normal_).to_string().find("broken.gz"), std::string::npos);
  EXPECT_NE(refused({home_.string()}, normal_).message.find("directory"), std::string::npos);
  write("short.txt", "read write");
  EXPECT_NE(refused({path("good.txt")}, {path("short.txt")}).message.find("--train"), std::string::npos);
  ASSERT_FALSE(
      score_sequences({.inputs = {path("good.txt")}, .train = normal_, .output = path("no/such/place")}, out_, err_)
          .ok());
}

TEST_F(SequenceFiles, FewExamplesAreSaidToBeFewAndReasonsAreGivenWhenAskedFor) {
  ASSERT_TRUE(score_sequences({.inputs = {path("bad.txt")}, .train = {normal_[0]}, .explain = true}, out_, err_).ok());
  EXPECT_NE(err_.str().find("give at least 100"), std::string::npos);
  EXPECT_NE(err_.str().find("new calls: 3"), std::string::npos) << err_.str();
}

}  // namespace
}  // namespace mien::app
