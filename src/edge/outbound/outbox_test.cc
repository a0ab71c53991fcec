#include "edge/outbound/outbox.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

Letter letter(std::uint64_t number, std::size_t size = 100) {
  return {.id = cat("f-", number),
          .at = WallTime{static_cast<std::int64_t>(number)},
          .body = std::string(size, static_cast<char>('a' + number % 26))};
}

std::unique_ptr<Outbox> open(const std::string& directory, std::uint64_t limit = 64U << 20U,
                             std::uint64_t segment = 1024) {
  auto box = Outbox::open({.directory = directory, .limit = Bytes{limit}, .segment = Bytes{segment}});
  EXPECT_TRUE(box.ok());
  return std::move(*box);
}

std::vector<std::string> drain(Outbox& box) {
  std::vector<std::string> ids;
  for (;;) {
    auto oldest = box.oldest();
    EXPECT_TRUE(oldest.ok());
    if (!oldest.ok() || !oldest->has_value()) return ids;
    ids.push_back((*oldest)->letter.id);
    EXPECT_TRUE(box.taken((*oldest)->number).ok());
  }
}

std::filesystem::path newest_file(const std::string& directory) {
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().extension() == ".outbox") newest = std::max(newest, entry.path());
  return newest;
}

TEST(Outbox, GivesBackInOrderAcrossFilesAndARestart) {
  testing::TemporaryDirectory directory;
  {
    auto box = open(directory.path());
    for (std::uint64_t n = 1; n <= 40; ++n) ASSERT_TRUE(box->put(letter(n)).ok());
  }
  auto box = open(directory.path());
  EXPECT_EQ(box->waiting(), 40U);
  std::vector<std::string> ids = drain(*box);
  ASSERT_EQ(ids.size(), 40U);
  for (std::uint64_t n = 1; n <= 40; ++n) EXPECT_EQ(ids[n - 1], cat("f-", n));
  EXPECT_EQ(box->waiting(), 0U);
}

TEST(Outbox, WhatWasTakenIsNotOfferedAgainAfterARestart) {
  testing::TemporaryDirectory directory;
  {
    auto box = open(directory.path());
    for (std::uint64_t n = 1; n <= 5; ++n) ASSERT_TRUE(box->put(letter(n)).ok());
    ASSERT_TRUE(box->taken(3).ok());
  }
  auto box = open(directory.path());
  EXPECT_EQ(drain(*box), (std::vector<std::string>{"f-4", "f-5"}));
}

TEST(Outbox, NumbersGoOnWhenEverythingWasTaken) {
  testing::TemporaryDirectory directory;
  {
    auto box = open(directory.path());
    ASSERT_TRUE(box->put(letter(1)).ok());
    EXPECT_EQ(drain(*box).size(), 1U);
  }
  auto box = open(directory.path());
  ASSERT_TRUE(box->put(letter(2)).ok());
  auto oldest = box->oldest();
  ASSERT_TRUE(oldest.ok() && oldest->has_value());
  EXPECT_EQ((*oldest)->number, 2U);
  EXPECT_EQ((*oldest)->letter, letter(2));
}

TEST(Outbox, RemembersTheNamesOfWhatLeftLately) {
  testing::TemporaryDirectory directory;
  {
    auto box = open(directory.path());
    ASSERT_TRUE(box->put(letter(1)).ok());
    drain(*box);
  }
  auto box = open(directory.path());
  std::vector<std::string> ids;
  ASSERT_TRUE(box->each_kept([&ids](const Letter& each) { ids.push_back(each.id); }).ok());
  EXPECT_EQ(ids, std::vector<std::string>{"f-1"});
}

TEST(Outbox, OverItsLimitTheOldestGoAndAreCounted) {
  testing::TemporaryDirectory directory;
  auto box = open(directory.path(), 4'096);
  for (std::uint64_t n = 1; n <= 200; ++n) ASSERT_TRUE(box->put(letter(n)).ok());
  EXPECT_LE(box->bytes().value, 4'096U + 1'024U);
  EXPECT_GT(box->shed(), 100U);
  std::vector<std::string> left = drain(*box);
  EXPECT_EQ(left.size() + box->shed(), 200U);
  EXPECT_EQ(left.back(), "f-200");
}

TEST(Outbox, ATornLetterIsCutOffAndTheRestIsKept) {
  testing::TemporaryDirectory directory;
  {
    auto box = open(directory.path());
    for (std::uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(box->put(letter(n)).ok());
  }
  std::filesystem::path file = newest_file(directory.path());
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 7);
  auto box = open(directory.path());
  ASSERT_TRUE(box->put(letter(9)).ok());
  EXPECT_EQ(drain(*box), (std::vector<std::string>{"f-1", "f-2", "f-9"}));
}

TEST(Outbox, ADamagedMarkOffersEverythingOnceMore) {
  testing::TemporaryDirectory directory;
  {
    auto box = open(directory.path());
    for (std::uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(box->put(letter(n)).ok());
    ASSERT_TRUE(box->taken(2).ok());
  }
  std::ofstream(directory.path() + "/taken", std::ios::binary | std::ios::trunc) << "nonsense";
  EXPECT_EQ(drain(*open(directory.path())).size(), 3U);
}

TEST(Outbox, AnyBytesInItsPlaceAreNoLetters) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory.path() + "/000000000007.outbox", std::ios::binary) << "MIENOBX1" << std::string(500, '\xff');
  auto box = open(directory.path());
  EXPECT_EQ(box->waiting(), 0U);
  ASSERT_TRUE(box->put(letter(1)).ok());
  EXPECT_EQ(drain(*box), std::vector<std::string>{"f-1"});
}

TEST(Outbox, RefusesALetterThatIsTooLargeAndGoesOn) {
  testing::TemporaryDirectory directory;
  auto box = open(directory.path());
  Status status = box->put(letter(1, Outbox::largest_letter + 1));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::exhausted);
  ASSERT_TRUE(box->put(letter(2)).ok());
  EXPECT_EQ(drain(*box), std::vector<std::string>{"f-2"});
}

// A child says through a pipe how many letters were put, and is killed in the middle of its work.
TEST(Outbox, WhatWasPutIsThereAfterKillMinusNine) {
  testing::TemporaryDirectory directory;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto box = Outbox::open({.directory = directory.path(), .segment = Bytes{2'048}, .sync = false});
    for (std::uint64_t n = 1; box.ok(); ++n) {
      if (!(*box)->put(letter(n)).ok()) break;
      if (::write(ends[1], "x", 1) != 1) break;
    }
    ::_exit(1);
  }
  char seen = 0;
  std::size_t told = 0;
  while (told < 100 && ::read(ends[0], &seen, 1) == 1) ++told;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[1]);
  while (::read(ends[0], &seen, 1) == 1) ++told;
  ::close(ends[0]);
  std::vector<std::string> ids = drain(*open(directory.path()));
  ASSERT_GE(ids.size(), told);
  EXPECT_LE(ids.size(), told + 1);
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], cat("f-", i + 1));
}

}  // namespace
}  // namespace mien::edge
