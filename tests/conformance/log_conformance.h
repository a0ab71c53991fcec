// What every implementation of store::Log must do. Include this in one *_test.cc and instantiate LogConformance with a
// maker of homes; a home is a place that outlives the logs opened on it:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, LogConformance, ::testing::Values(LogHomeMaker{"files", make_home}),
//   name_of_log_home);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "store/log.h"

namespace mien::conformance {

class LogHome {
 public:
  virtual ~LogHome() = default;
  // The log that lives here; the one opened before is gone by then.
  virtual std::unique_ptr<store::Log> open() = 0;
};

struct LogHomeMaker {
  std::string name;
  std::function<std::unique_ptr<LogHome>()> make;
};

inline std::string name_of_log_home(const ::testing::TestParamInfo<LogHomeMaker>& info) { return info.param.name; }

class LogConformance : public ::testing::TestWithParam<LogHomeMaker> {
 protected:
  void SetUp() override {
    home_ = GetParam().make();
    log_ = home_->open();
    ASSERT_NE(log_, nullptr);
  }
  void reopen() {
    log_.reset();
    log_ = home_->open();
    ASSERT_NE(log_, nullptr);
  }
  store::LogPosition append(WallTime at, const std::vector<std::string>& records, store::ShardId shard = 0) {
    const std::vector<std::string_view> views{records.begin(), records.end()};
    auto last = log_->append(shard, at, views);
    EXPECT_TRUE(last.ok()) << last.error().to_string();
    return last ? *last : 0;
  }
  std::vector<store::LogRecord> read(store::LogPosition after, std::size_t limit = 1000, store::ShardId shard = 0) {
    auto records = log_->read(shard, after, limit);
    EXPECT_TRUE(records.ok()) << records.error().to_string();
    return records ? *records : std::vector<store::LogRecord>{};
  }
  store::LogBounds bounds(store::ShardId shard = 0) { return log_->bounds(shard).value_or({}); }
  static WallTime at(std::int64_t seconds) { return {1'790'000'000'000'000'000 + seconds * 1'000'000'000}; }
  static constexpr std::int64_t hour = 3600;

  std::unique_ptr<LogHome> home_;
  std::unique_ptr<store::Log> log_;
};

TEST_P(LogConformance, AFreshLogIsEmpty) {
  EXPECT_EQ(bounds().first, 0U);
  EXPECT_EQ(bounds().last, 0U);
  EXPECT_TRUE(read(0).empty());
  EXPECT_TRUE(log_->sync(0).ok());
  EXPECT_TRUE(log_->trim(0, 100).ok());
}

TEST_P(LogConformance, PositionsStartAtOneAndHaveNoHoles) {
  EXPECT_EQ(append(at(0), {"a"}), 1U);
  EXPECT_EQ(append(at(1), {"b", "c", "d"}), 4U);
  EXPECT_EQ(append(at(2), {"e"}), 5U);
  const auto records = read(0);
  ASSERT_EQ(records.size(), 5U);
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].position, i + 1);
    EXPECT_EQ(records[i].bytes, std::string(1, static_cast<char>('a' + i)));
  }
  EXPECT_EQ(bounds().first, 1U);
  EXPECT_EQ(bounds().last, 5U);
}

TEST_P(LogConformance, AnEmptyAppendChangesNothing) {
  append(at(0), {"a"});
  EXPECT_EQ(append(at(1), {}), 1U);
  EXPECT_EQ(bounds().last, 1U);
}

TEST_P(LogConformance, AnyBytesComeBackAsTheyWere) {
  std::string every_byte;
  for (int b = 0; b < 256; ++b) every_byte.push_back(static_cast<char>(b));
  append(at(0), {"", every_byte, std::string(3'000'000, 'x')});
  reopen();
  const auto records = read(0);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].bytes, "");
  EXPECT_EQ(records[1].bytes, every_byte);
  EXPECT_EQ(records[2].bytes, std::string(3'000'000, 'x'));
}

TEST_P(LogConformance, ReadingStartsAfterAPositionAndStopsAtTheLimit) {
  append(at(0), {"a", "b", "c", "d"});
  const auto records = read(1, 2);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].bytes, "b");
  EXPECT_EQ(records[1].bytes, "c");
  EXPECT_TRUE(read(4).empty());
  EXPECT_TRUE(read(1000).empty());
  EXPECT_TRUE(read(0, 0).empty());
}

TEST_P(LogConformance, TimeNeverFalls) {
  append(at(10), {"a"});
  append(at(5), {"b"});
  reopen();
  append(at(3), {"c"});
  append(at(11), {"d"});
  const auto records = read(0);
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[1].at, at(10));
  EXPECT_EQ(records[2].at, at(10));
  EXPECT_EQ(records[3].at, at(11));
}

TEST_P(LogConformance, EverythingIsThereAfterReopeningAndPositionsGoOn) {
  append(at(0), {"a", "b"});
  reopen();
  EXPECT_EQ(bounds().last, 2U);
  EXPECT_EQ(append(at(1), {"c"}), 3U);
  reopen();
  ASSERT_EQ(read(0).size(), 3U);
  EXPECT_EQ(read(2)[0].bytes, "c");
}

TEST_P(LogConformance, ReadingGoesOnAcrossHours) {
  for (std::int64_t h = 0; h < 4; ++h) append(at(h * hour), {cat("hour ", h, " a"), cat("hour ", h, " b")});
  for (int round = 0; round < 2; ++round) {
    const auto records = read(0);
    ASSERT_EQ(records.size(), 8U);
    EXPECT_EQ(records[7].bytes, "hour 3 b");
    EXPECT_EQ(read(3, 2)[0].bytes, "hour 1 b");
    EXPECT_EQ(read(3, 2)[1].bytes, "hour 2 a");
    reopen();
  }
}

TEST_P(LogConformance, TrimForgetsOnlyWhatItMayAndSaysWhatIsKept) {
  for (std::int64_t h = 0; h < 5; ++h) append(at(h * hour), {"a", "b"});
  ASSERT_TRUE(log_->trim(0, 5).ok());
  const store::LogBounds kept = bounds();
  EXPECT_LE(kept.first, 6U);  // may keep more, never less
  EXPECT_EQ(kept.last, 10U);
  EXPECT_EQ(read(kept.first - 1).size(), 10 - kept.first + 1);
  if (kept.first > 1) {
    const auto gone = log_->read(0, 0, 10);
    ASSERT_FALSE(gone.ok());
    EXPECT_EQ(gone.error().code, Code::not_found);
    EXPECT_NE(gone.error().message.find(cat(kept.first)), std::string::npos) << gone.error().message;
  }
  reopen();
  EXPECT_EQ(bounds().first, kept.first);
  EXPECT_EQ(append(at(5 * hour), {"c"}), 11U);
}

TEST_P(LogConformance, TrimmingEverythingKeepsThePositions) {
  for (std::int64_t h = 0; h < 3; ++h) append(at(h * hour), {"a"});
  ASSERT_TRUE(log_->trim(0, 3).ok());
  ASSERT_TRUE(log_->trim(0, ~store::LogPosition{0}).ok());
  EXPECT_EQ(bounds().last, 3U);
  reopen();
  EXPECT_EQ(bounds().last, 3U);
  EXPECT_EQ(append(at(3 * hour), {"b"}), 4U);
  EXPECT_EQ(read(3)[0].bytes, "b");
}

TEST_P(LogConformance, ShardsDoNotSeeEachOther) {
  append(at(0), {"a"}, 0);
  append(at(0), {"b", "c"}, 7);
  EXPECT_EQ(bounds(0).last, 1U);
  EXPECT_EQ(bounds(7).last, 2U);
  EXPECT_EQ(bounds(3).last, 0U);
  EXPECT_EQ(read(0, 10, 7)[0].bytes, "b");
}

TEST_P(LogConformance, SyncMayComeAtAnyTime) {
  EXPECT_TRUE(log_->sync(0).ok());
  append(at(0), {"a"});
  EXPECT_TRUE(log_->sync(0).ok());
  EXPECT_TRUE(log_->sync(0).ok());
  append(at(hour), {"b"});
  EXPECT_TRUE(log_->sync(0).ok());
  EXPECT_EQ(read(0).size(), 2U);
}

// Every thread's records are all there, each append's together and in its order, each thread's appends in their order.
TEST_P(LogConformance, ThreadsAppendAtOnceWhileOthersRead) {
  static constexpr std::size_t writers = 4;
  static constexpr std::size_t appends = 40;
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < writers; ++w) {
    threads.emplace_back([this, w] {
      for (std::size_t i = 0; i < appends; ++i)
        append(at(static_cast<std::int64_t>(i) * hour / 10), {cat(w, " ", i, " first"), cat(w, " ", i, " second")});
    });
  }
  threads.emplace_back([this] {
    store::LogPosition seen = 0;
    while (seen < writers * appends * 2) {
      const auto records = read(seen, 7);
      for (const store::LogRecord& record : records) EXPECT_EQ(record.position, ++seen);
      if (::testing::Test::HasFailure()) return;
    }
  });
  threads.emplace_back([this] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(log_->sync(0).ok());
  });
  for (std::thread& thread : threads) thread.join();

  std::vector<std::size_t> next(writers, 0);
  const auto records = read(0);
  ASSERT_EQ(records.size(), writers * appends * 2);
  for (std::size_t i = 0; i < records.size(); i += 2) {
    const std::size_t w = static_cast<std::size_t>(records[i].bytes[0] - '0');
    EXPECT_EQ(records[i].bytes, cat(w, " ", next[w], " first"));
    EXPECT_EQ(records[i + 1].bytes, cat(w, " ", next[w], " second"));
    ++next[w];
    if (i > 0) {
      EXPECT_LE(records[i - 1].at, records[i].at);
    }
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LogConformance);

}  // namespace mien::conformance
