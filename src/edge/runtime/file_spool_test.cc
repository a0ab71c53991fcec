#include "edge/runtime/file_spool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "edge/testing/temporary_directory.h"
#include "store/checksum.h"

namespace mien::edge {
namespace {

node::AgentRequest request(std::uint64_t number, std::size_t size = 100) {
  return {.number = number,
          .at = WallTime{static_cast<std::int64_t>(number)},
          .body = std::string(size, static_cast<char>('a' + number % 26))};
}

std::unique_ptr<FileSpool> open(const std::string& directory, std::uint64_t limit = 64U << 20U,
                                std::uint64_t segment = 1024) {
  auto spool = FileSpool::open({.directory = directory, .limit = Bytes{limit}, .segment = Bytes{segment}});
  EXPECT_TRUE(spool.ok());
  return std::move(*spool);
}

std::vector<std::uint64_t> drain(FileSpool& spool) {
  std::vector<std::uint64_t> numbers;
  for (;;) {
    auto oldest = spool.oldest();
    EXPECT_TRUE(oldest.ok());
    if (!oldest.ok() || !oldest->has_value()) return numbers;
    numbers.push_back((*oldest)->number);
    EXPECT_TRUE(spool.drop((*oldest)->number).ok());
  }
}

TEST(FileSpool, GivesBackInOrderAcrossSegmentsAndARestart) {
  testing::TemporaryDirectory directory;
  {
    auto spool = open(directory.path());
    for (std::uint64_t n = 1; n <= 40; ++n) ASSERT_TRUE(spool->put(request(n)).ok());
  }
  auto spool = open(directory.path());
  EXPECT_FALSE(spool->empty());
  std::vector<std::uint64_t> numbers = drain(*spool);
  ASSERT_EQ(numbers.size(), 40U);
  for (std::uint64_t n = 1; n <= 40; ++n) EXPECT_EQ(numbers[n - 1], n);
  EXPECT_TRUE(spool->empty());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(FileSpool, TakesMoreWhileItIsBeingEmptied) {
  testing::TemporaryDirectory directory;
  auto spool = open(directory.path());
  ASSERT_TRUE(spool->put(request(1)).ok());
  ASSERT_EQ((*spool->oldest())->number, 1U);
  ASSERT_TRUE(spool->put(request(2)).ok());
  EXPECT_EQ(drain(*spool), (std::vector<std::uint64_t>{1, 2}));
  ASSERT_TRUE(spool->put(request(3)).ok());
  EXPECT_EQ(drain(*spool), (std::vector<std::uint64_t>{3}));
}

TEST(FileSpool, OverItsLimitTheOldestGoAndAreCounted) {
  testing::TemporaryDirectory directory;
  auto spool = open(directory.path(), 4096, 1024);
  std::uint64_t dropped = 0;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    auto put = spool->put(request(n));
    ASSERT_TRUE(put.ok());
    dropped += *put;
  }
  std::vector<std::uint64_t> left = drain(*spool);
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(dropped + left.size(), 100U);
  EXPECT_EQ(left.back(), 100U);
}

TEST(FileSpool, ATornLastRecordIsCutOffAndTheRestKept) {
  testing::TemporaryDirectory directory;
  {
    auto spool = open(directory.path(), 64U << 20U, 1U << 20U);
    for (std::uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(spool->put(request(n)).ok());
  }
  std::string file = std::filesystem::directory_iterator(directory.path())->path().string();
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 7);
  auto spool = open(directory.path(), 64U << 20U, 1U << 20U);
  EXPECT_EQ(drain(*spool), (std::vector<std::uint64_t>{1, 2}));
}

TEST(FileSpool, AChangedByteEndsTheSegmentThere) {
  testing::TemporaryDirectory directory;
  {
    auto spool = open(directory.path(), 64U << 20U, 1U << 20U);
    for (std::uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(spool->put(request(n)).ok());
  }
  std::string file = std::filesystem::directory_iterator(directory.path())->path().string();
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(200);
    bytes.put('\x7f');
  }
  auto spool = open(directory.path(), 64U << 20U, 1U << 20U);
  EXPECT_EQ(drain(*spool), (std::vector<std::uint64_t>{1}));
}

TEST(FileSpool, KeepsWhichDoorARequestIsFor) {
  testing::TemporaryDirectory directory;
  {
    auto spool = open(directory.path());
    node::AgentRequest facts = request(1);
    facts.door = node::AgentDoor::logs;
    ASSERT_TRUE(spool->put(facts).ok());
  }
  auto spool = open(directory.path());
  EXPECT_EQ((*spool->oldest())->door, node::AgentDoor::logs);
}

TEST(FileSpool, ReadsASegmentOfFormat1AsMetricsAndGoesOnBehindIt) {
  testing::TemporaryDirectory directory;
  // One request of format 1, as the release before doors wrote it: number 7, at 7 ns, body "abc".
  std::string record("\x07\x0e\x03\x61\x62\x63", 6);
  std::uint32_t length = 6;
  std::uint32_t checksum = store::crc32c(record);
  {
    std::ofstream file(directory.path() + "/000000000001.spool", std::ios::binary);
    file << "MIENSPL1";
    file.write(reinterpret_cast<const char*>(&length), 4);
    file.write(reinterpret_cast<const char*>(&checksum), 4);
    file << record;
  }
  auto spool = open(directory.path());
  ASSERT_TRUE(spool->put(request(8)).ok());
  auto oldest = spool->oldest();
  ASSERT_TRUE(oldest.ok() && oldest->has_value());
  EXPECT_EQ((**oldest).body, "abc");
  EXPECT_EQ((**oldest).door, node::AgentDoor::metrics);
  EXPECT_EQ(drain(*spool), (std::vector<std::uint64_t>{7, 8}));
}

}  // namespace
}  // namespace mien::edge
