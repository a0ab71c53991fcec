#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "edge/files/input.h"
#include "edge/files/interruption.h"
#include "edge/files/output.h"
#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

class Files : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return home_.path() + "/" + name; }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  [[nodiscard]] std::string get(const std::string& name) const {
    std::ostringstream bytes;
    bytes << std::ifstream(path(name), std::ios::binary).rdbuf();
    return bytes.str();
  }
  [[nodiscard]] std::size_t entries() const {
    auto all = std::filesystem::directory_iterator(home_.path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  testing::TemporaryDirectory home_;
};

using Input = Files;
using Output = Files;

TEST_F(Input, IsTheSamePlainPackedAndPackedUnderAPlainName) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "row " + std::to_string(i) + "\n";
  put("plain", text);
  put("packed.gz", wire::gzip(text));
  put("disguised", wire::gzip(text));
  for (const char* name : {"plain", "packed.gz", "disguised"}) {
    Result<std::string> back = read_whole(path(name));
    ASSERT_TRUE(back.ok()) << back.error().to_string();
    EXPECT_EQ(*back, text) << name;
  }
}

TEST_F(Input, SaysHowMuchOfItWasTaken) {
  put("a", std::string(100'000, 'x'));
  auto file = *InputFile::open(path("a"));
  EXPECT_EQ(file->size(), 100'000U);
  ASSERT_TRUE(file->next().ok());
  EXPECT_LE(file->taken(), 65'536U);
  while (!(*file->next()).empty()) {
  }
  EXPECT_EQ(file->taken(), 100'000U);
  EXPECT_EQ(InputFile::open("/dev/null").value()->size(), std::nullopt);
}

TEST_F(Input, WhatCanNotBeReadIsNamed) {
  put("broken.gz", "no gzip");
  put("short.gz", wire::gzip("telemetry").substr(0, 15));
  put("nothing", "");
  put("one", "1");
  EXPECT_EQ(read_whole(path("none")).error().code, Code::not_found);
  EXPECT_EQ(read_whole(home_.path()).error().code, Code::invalid);
  for (const char* name : {"broken.gz", "short.gz"}) {
    EXPECT_EQ(read_whole(path(name)).error().code, Code::invalid) << name;
    EXPECT_EQ(read_whole(path(name)).error().where, path(name));
  }
  EXPECT_EQ(*read_whole(path("nothing")), "");
  EXPECT_EQ(*read_whole(path("one")), "1");
}

TEST_F(Input, StopsWhenAskedTo) {
  put("a", std::string(200'000, 'x'));
  bool stop = false;
  auto file = *InputFile::open(path("a"), [&stop] { return stop; });
  while (file->taken() < 100'000) ASSERT_TRUE(file->next().ok());
  stop = true;
  EXPECT_FALSE(file->next().ok());
}

TEST_F(Output, StandsUnderItsNameOnlyWhenItIsWhole) {
  put("a", "before");
  {
    OutputFile file = *OutputFile::open(path("a"));
    ASSERT_TRUE(file.write(std::string(200'000, 'x')).ok());
    EXPECT_EQ(get("a"), "before");
  }
  EXPECT_EQ(get("a"), "before");
  EXPECT_EQ(entries(), 1U);
  OutputFile file = *OutputFile::open(path("a"));
  ASSERT_TRUE(file.write("after").ok());
  ASSERT_TRUE(file.finish().ok());
  EXPECT_EQ(get("a"), "before");
  ASSERT_TRUE(file.commit().ok());
  EXPECT_EQ(get("a"), "after");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Output, KeepsTheModeAndFollowsALink) {
  put("a", "before");
  ::chmod(path("a").c_str(), 0640);
  std::filesystem::create_symlink("a", path("link"));
  OutputFile file = *OutputFile::open(path("link"));
  ASSERT_TRUE(file.write("after").ok());
  ASSERT_TRUE(file.commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(get("a"), "after");
  struct stat mode {};
  ::stat(path("a").c_str(), &mode);
  EXPECT_EQ(mode.st_mode & 07777U, 0640U);
}

TEST_F(Output, WritesStraightThroughWhatIsNoFile) {
  OutputFile file = *OutputFile::open("/dev/null");
  ASSERT_TRUE(file.write("gone").ok());
  ASSERT_TRUE(file.commit().ok());
  EXPECT_FALSE(std::filesystem::exists("/dev/null.new"));
}

TEST_F(Output, AFullDiskAndAMissingDirectoryAreSaid) {
  EXPECT_EQ(OutputFile::open(path("no/such")).error().code, Code::not_found);
  OutputFile full = *OutputFile::open("/dev/full");
  Status status = full.write(std::string(70'000, 'x'));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::exhausted);
  EXPECT_EQ(status.error().where, "/dev/full");
}

TEST(InterruptionTest, ASignalAsksAndEndsNothing) {
  Interruption interruption;
  EXPECT_FALSE(interruption.asked());
  ::raise(SIGTERM);
  EXPECT_TRUE(interruption.asked());
}

TEST(InterruptionTest, ObeyingEndsTheProcessByThatSignal) {
  EXPECT_EXIT(
      {
        Interruption interruption;
        ::raise(SIGINT);
        interruption.obey();
      },
      ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace mien::edge
