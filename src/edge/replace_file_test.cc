#include "edge/replace_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace mien::edge {
namespace {

class ReplaceFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string made = ::testing::TempDir() + "mien-replace-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    directory_ = made;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string at(const std::string& name) const { return directory_ + "/" + name; }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }

  std::string directory_;
};

TEST_F(ReplaceFile, LeavesTheNewBytesForItsOwnerAloneAndNothingBeside) {
  ASSERT_TRUE(replace_file(at("key"), "old").ok());
  ASSERT_EQ(::chmod(at("key").c_str(), 0644), 0);
  ASSERT_TRUE(replace_file(at("key"), std::string("new\0bytes", 9)).ok());
  EXPECT_EQ(read(at("key")), std::string("new\0bytes", 9));
  struct stat info {};
  ASSERT_EQ(::stat(at("key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(at("key.new")));
}

TEST_F(ReplaceFile, LeftoversOfAPowerCutAreInNobodysWay) {
  std::ofstream(at("key.new")) << "half";
  ASSERT_TRUE(replace_file(at("key"), "whole").ok());
  EXPECT_EQ(read(at("key")), "whole");
}

TEST_F(ReplaceFile, NeverWritesThroughALink) {
  std::ofstream(at("victim")) << "untouched";
  std::filesystem::create_symlink(at("victim"), at("key.new"));
  std::filesystem::create_symlink(at("victim"), at("key"));
  ASSERT_TRUE(replace_file(at("key"), "secret").ok());
  EXPECT_EQ(read(at("victim")), "untouched");
  EXPECT_EQ(read(at("key")), "secret");
  EXPECT_FALSE(std::filesystem::is_symlink(at("key")));
}

TEST_F(ReplaceFile, WhatCanNotBeReplacedStaysAndTheErrorNamesIt) {
  Status absent = replace_file(at("nowhere/key"), "secret");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, Code::not_found);
  EXPECT_EQ(absent.error().where, at("nowhere/key"));
  std::filesystem::create_directories(at("taken/by/a/directory"));
  Status taken = replace_file(at("taken"), "secret");
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, Code::io);
  EXPECT_TRUE(std::filesystem::exists(at("taken/by/a/directory")));
  EXPECT_FALSE(std::filesystem::exists(at("taken.new")));
}

}  // namespace
}  // namespace mien::edge
