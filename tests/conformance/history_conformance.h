// What every implementation of store::History must do. Used as log_conformance.h says.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/text.h"
#include "store/history.h"

namespace mien::conformance {

class HistoryHome {
 public:
  virtual ~HistoryHome() = default;
  virtual std::unique_ptr<store::History> open() = 0;
};

struct HistoryHomeMaker {
  std::string name;
  std::function<std::unique_ptr<HistoryHome>()> make;
};

inline std::string name_of_history_home(const ::testing::TestParamInfo<HistoryHomeMaker>& info) {
  return info.param.name;
}

class HistoryConformance : public ::testing::TestWithParam<HistoryHomeMaker> {
 protected:
  static constexpr std::int64_t start = 1'790'000'040;  // a whole minute
  static constexpr Bytes plenty{std::uint64_t{1} << 40};

  void SetUp() override {
    home_ = GetParam().make();
    history_ = home_->open();
    ASSERT_NE(history_, nullptr);
  }
  void reopen() {
    history_.reset();
    history_ = home_->open();
    ASSERT_NE(history_, nullptr);
  }
  static WallTime at(std::int64_t seconds) { return {(start + seconds) * 1'000'000'000}; }
  static model::Series series(std::string name) {
    return {.metric = MetricName{std::move(name)}, .attributes = {}, .unit = "1", .kind = model::SeriesKind::gauge};
  }
  // `rows` seconds from `from`, of one series whose value is the second's number.
  static store::HistoryBlock block(const std::string& instance, std::int64_t from, std::int64_t rows,
                                   const std::string& metric = "m") {
    store::HistoryBlock b{.instance = InstanceName{instance}, .series = {series(metric)}, .batch = {}};
    for (std::int64_t i = 0; i < rows; ++i) {
      b.batch.times.push_back(at(from + i));
      b.batch.values.push_back(static_cast<double>(from + i));
    }
    return b;
  }
  void append(std::vector<store::HistoryBlock> blocks) {
    const Status status = history_->append(blocks);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
  }
  std::vector<store::HistorySeries> read(std::int64_t from, std::int64_t to, std::size_t max_points = 3600,
                                         const std::string& metric = "", const std::string& instance = "a") {
    auto answer = history_->read({.instance = InstanceName{instance},
                                  .metric = metric,
                                  .from = at(from),
                                  .to = at(to),
                                  .max_points = max_points});
    EXPECT_TRUE(answer.ok()) << answer.error().to_string();
    return answer ? *answer : std::vector<store::HistorySeries>{};
  }
  store::HistoryUse use() { return history_->use().value_or({}); }

  std::unique_ptr<HistoryHome> home_;
  std::unique_ptr<store::History> history_;
};

TEST_P(HistoryConformance, NothingIsKnownOfAStranger) {
  EXPECT_TRUE(read(0, 100).empty());
  EXPECT_EQ(use().blocks, 0U);
  EXPECT_TRUE(history_->append({}).ok());
  EXPECT_TRUE(history_->retain(at(0), plenty).ok());
}

TEST_P(HistoryConformance, SamplesComeBackExactlyWithinTheRange) {
  append({block("a", 0, 120), block("a", 120, 120), block("b", 0, 10)});
  reopen();
  const auto answer = read(100, 150);
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].series, series("m"));
  ASSERT_EQ(answer[0].points.size(), 50U);
  for (std::size_t i = 0; i < 50; ++i) {
    const store::HistoryPoint& p = answer[0].points[i];
    EXPECT_EQ(p.at, at(100 + static_cast<std::int64_t>(i)));
    EXPECT_EQ(p.mean, static_cast<double>(100 + i));
    EXPECT_EQ(p.min, p.mean);
    EXPECT_EQ(p.max, p.mean);
    EXPECT_EQ(p.count, 1U);
  }
  EXPECT_TRUE(read(50, 50).empty());
  EXPECT_TRUE(read(50, 40).empty());
  EXPECT_EQ(use().blocks, 3U);
  EXPECT_EQ(use().samples, 250U);
  EXPECT_EQ(use().oldest, at(0));
  EXPECT_GT(use().bytes.value, 0U);
}

TEST_P(HistoryConformance, NoBitOfAnyValueIsLost) {
  Prng prng{7};
  store::HistoryBlock b{.instance = InstanceName{"a"}, .series = {series("m")}, .batch = {}};
  for (std::int64_t i = 0; i < 300; ++i) {
    b.batch.times.push_back({at(i).ns + static_cast<std::int64_t>(prng.below(1'000'000))});
    b.batch.values.push_back(i % 3 == 0 ? prng.normal() : i % 3 == 1 ? std::floor(prng.uniform() * 1e4) / 100 : -0.0);
  }
  append({b});
  const auto answer = read(0, 400);
  ASSERT_EQ(answer.size(), 1U);
  ASSERT_EQ(answer[0].points.size(), 300U);
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(answer[0].points[i].at, b.batch.times[i]);
    EXPECT_EQ(std::memcmp(&answer[0].points[i].mean, &b.batch.values[i], sizeof(double)), 0) << i;
  }
}

TEST_P(HistoryConformance, MissingSamplesAreNotPoints) {
  store::HistoryBlock b = block("a", 0, 10);
  for (std::size_t i : {std::size_t{0}, std::size_t{4}, std::size_t{9}}) b.batch.values[i] = model::missing;
  append({b});
  ASSERT_EQ(read(0, 10).size(), 1U);
  EXPECT_EQ(read(0, 10)[0].points.size(), 7U);
  EXPECT_EQ(use().samples, 7U);
}

TEST_P(HistoryConformance, WritingTheSameFirstTimeAgainReplaces) {
  append({block("a", 0, 120)});
  store::HistoryBlock again = block("a", 0, 120);
  for (double& x : again.batch.values) x += 1000;
  append({again});
  append({again});
  EXPECT_EQ(use().blocks, 1U);
  EXPECT_EQ(use().samples, 120U);
  EXPECT_EQ(read(0, 120)[0].points.size(), 120U);
  EXPECT_EQ(read(0, 1)[0].points[0].mean, 1000.0);
  const auto minutes = read(0, 120, 5);
  ASSERT_EQ(minutes[0].points.size(), 2U);
  EXPECT_EQ(minutes[0].points[0].count, 60U);  // counted once
}

TEST_P(HistoryConformance, OneMetricMayBeAskedForAmongOthersThatComeAndGo) {
  store::HistoryBlock two{.instance = InstanceName{"a"}, .series = {series("x"), series("y")}, .batch = {}};
  two.batch.times = {at(0), at(1)};
  two.batch.values = {1, 2, 10, 20};
  store::HistoryBlock swapped{.instance = InstanceName{"a"}, .series = {series("y"), series("z")}, .batch = {}};
  swapped.batch.times = {at(2), at(3)};
  swapped.batch.values = {30, 40, 100, 200};
  append({two, swapped});
  const auto y = read(0, 10, 3600, "y");
  ASSERT_EQ(y.size(), 1U);
  ASSERT_EQ(y[0].points.size(), 4U);
  EXPECT_EQ(y[0].points[3].mean, 40.0);
  EXPECT_EQ(read(0, 10).size(), 3U);
  EXPECT_TRUE(read(0, 10, 3600, "nothing").empty());
}

TEST_P(HistoryConformance, ALongRangeIsAnsweredInMinutes) {
  for (std::int64_t i = 0; i < 30; ++i) append({block("a", i * 120, 120)});
  const auto answer = read(0, 3600, 1000);
  ASSERT_EQ(answer.size(), 1U);
  ASSERT_EQ(answer[0].points.size(), 60U);
  const store::HistoryPoint& second = answer[0].points[1];
  EXPECT_EQ(second.at, at(60));
  EXPECT_EQ(second.min, 60.0);
  EXPECT_EQ(second.max, 119.0);
  EXPECT_NEAR(second.mean, 89.5, 1e-9);
  EXPECT_EQ(second.count, 60U);
  // Never more than asked for, whatever that takes.
  for (std::size_t most : {std::size_t{60}, std::size_t{59}, std::size_t{10}, std::size_t{2}}) {
    const auto coarse = read(0, 3600, most);
    ASSERT_EQ(coarse.size(), 1U);
    EXPECT_LE(coarse[0].points.size(), most);
    std::uint64_t count = 0;
    for (const store::HistoryPoint& p : coarse[0].points) count += p.count;
    EXPECT_EQ(count, 3600U);
  }
}

TEST_P(HistoryConformance, AMinuteThatTwoBlocksShareIsOneMinute) {
  append({block("a", 0, 90), block("a", 90, 90)});
  const auto answer = read(0, 180, 10);
  ASSERT_EQ(answer[0].points.size(), 3U);
  EXPECT_EQ(answer[0].points[1].min, 60.0);
  EXPECT_EQ(answer[0].points[1].max, 119.0);
  EXPECT_EQ(answer[0].points[1].count, 60U);
}

TEST_P(HistoryConformance, SecondsGoAfterTwoDaysAndMinutesStay) {
  const std::int64_t day = 86'400;
  append({block("a", 0, 120), block("a", 3 * day, 120)});
  ASSERT_TRUE(history_->retain(at(3 * day + 200), plenty).ok());
  EXPECT_EQ(use().blocks, 1U);
  const auto old = read(0, 120);
  ASSERT_EQ(old.size(), 1U);
  ASSERT_EQ(old[0].points.size(), 2U);
  EXPECT_EQ(old[0].points[1].max, 119.0);
  // Both kinds in one answer.
  const auto both = read(60, 3 * day + 120, 10'000);
  ASSERT_EQ(both[0].points.size(), 1U + 120U);
  EXPECT_EQ(both[0].points[0].count, 60U);
  EXPECT_EQ(both[0].points[1].count, 1U);
}

TEST_P(HistoryConformance, OldMinutesAreJoinedButSayTheSame) {
  const std::int64_t day = 86'400;
  for (std::int64_t i = 0; i < 60; ++i) append({block("a", i * 119, 119, i % 20 < 10 ? "m" : "n")});
  const auto before = read(0, 7200, 500);
  ASSERT_TRUE(history_->retain(at(3 * day), plenty).ok());
  ASSERT_TRUE(history_->retain(at(3 * day + 60), plenty).ok());
  const auto after = read(0, 7200, 500);
  EXPECT_EQ(use().blocks, 0U);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t s = 0; s < before.size(); ++s) {
    ASSERT_EQ(after[s].points.size(), before[s].points.size());
    for (std::size_t i = 0; i < before[s].points.size(); ++i) {
      const store::HistoryPoint& a = after[s].points[i];
      const store::HistoryPoint& b = before[s].points[i];
      EXPECT_EQ(a.at, b.at);
      EXPECT_EQ(a.count, b.count);
      EXPECT_EQ(a.min, b.min);
      EXPECT_EQ(a.max, b.max);
      EXPECT_NEAR(a.mean, b.mean, 1e-9);
    }
  }
}

TEST_P(HistoryConformance, MinutesGoAfterNinetyDays) {
  const std::int64_t day = 86'400;
  append({block("a", 0, 120), block("a", 10 * day, 120)});
  ASSERT_TRUE(history_->retain(at(91 * day), plenty).ok());
  EXPECT_TRUE(read(0, 120).empty());
  EXPECT_EQ(read(10 * day, 10 * day + 120).size(), 1U);
}

TEST_P(HistoryConformance, OverTheLimitTheOldestSecondsGoFirst) {
  Prng prng{3};
  for (std::int64_t i = 0; i < 200; ++i) {
    store::HistoryBlock b = block("a", i * 120, 120);
    for (double& x : b.batch.values) x = prng.normal();  // hardly compressible
    append({b});
  }
  const Bytes full = use().bytes;
  const Bytes half{full.value / 2};
  ASSERT_TRUE(history_->retain(at(200 * 120), half).ok());
  EXPECT_LE(use().bytes.value, half.value);
  EXPECT_GT(use().blocks, 0U);
  EXPECT_LT(use().blocks, 200U);
  // The newest seconds are whole; of the oldest the minutes are left.
  EXPECT_EQ(read(199 * 120, 200 * 120)[0].points.size(), 120U);
  EXPECT_EQ(read(0, 120)[0].points.size(), 2U);
  // And with hardly any room, hardly anything: but it works on.
  ASSERT_TRUE(history_->retain(at(200 * 120), Bytes{1}).ok());
  EXPECT_EQ(use().blocks, 0U);
  append({block("a", 200 * 120, 120)});
  EXPECT_EQ(read(200 * 120, 201 * 120)[0].points.size(), 120U);
}

TEST_P(HistoryConformance, ABlockThatIsNotOneIsRefusedWhole) {
  store::HistoryBlock wrong = block("a", 0, 10);
  wrong.batch.values.pop_back();
  EXPECT_EQ(history_->append({block("a", 100, 10), wrong}).error().code, Code::invalid);
  wrong = block("a", 0, 10);
  std::swap(wrong.batch.times[3], wrong.batch.times[4]);
  EXPECT_EQ(history_->append({block("a", 100, 10), wrong}).error().code, Code::invalid);
  EXPECT_EQ(use().blocks, 0U);
}

// One frame's facts of "a": executions, a second apart from `from` on, and a listener behind them.
inline store::FactBlock fact_block(store::LogPosition position, WallTime from, int executions) {
  store::FactBlock block{.instance = InstanceName{"a"}, .position = position, .part = 0, .facts = {}};
  model::SecurityFact fact;
  for (int i = 0; i < executions; ++i) {
    fact.at = from + std::chrono::seconds{i};
    fact.object = cat("/bin/", position, "-", i);
    fact.user = "root";
    block.facts.push_back(fact);
  }
  fact.kind = model::FactKind::listener;
  fact.object = "tcp/443";
  block.facts.push_back(fact);
  return block;
}

TEST_P(HistoryConformance, FactsComeBackNewestFirstInPagesByKindAndTime) {
  ASSERT_TRUE(history_->append_facts({fact_block(1, at(0), 3), fact_block(2, at(100), 2)}).ok());
  reopen();
  store::FactQuery query{
      .instance = InstanceName{"a"}, .kind = {}, .from = at(0), .to = at(1000), .after = {}, .limit = 3};
  auto first = history_->read_facts(query);
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  ASSERT_EQ(first->size(), 3U);
  EXPECT_EQ((*first)[2].fact.object, "/bin/2-0");
  query.after = first->back().key;
  query.limit = 100;
  auto rest = history_->read_facts(query);
  ASSERT_TRUE(rest.ok());
  ASSERT_EQ(rest->size(), 4U);
  EXPECT_EQ(rest->back().fact.object, "/bin/1-0");
  EXPECT_EQ(rest->back().fact.user, "root");
  query.after.clear();
  query.kind = model::FactKind::listener;
  EXPECT_EQ(history_->read_facts(query)->size(), 2U);
  query.from = at(1);
  query.to = at(3);
  EXPECT_EQ(history_->read_facts(query)->size(), 1U);
  query.instance = InstanceName{"b"};
  EXPECT_TRUE(history_->read_facts(query)->empty());
}

TEST_P(HistoryConformance, TheSameFactsWrittenAgainAreThereOnce) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(history_->append_facts({fact_block(1, at(0), 3)}).ok());
  auto facts = history_->read_facts(
      {.instance = InstanceName{"a"}, .kind = {}, .from = at(0), .to = at(1000), .after = {}, .limit = 100});
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->size(), 4U);
}

TEST_P(HistoryConformance, FactsGoAfterThirtyDaysOrWhenThereIsNoRoom) {
  const std::int64_t day = 86'400;
  ASSERT_TRUE(history_->append_facts({fact_block(1, at(0), 3), fact_block(2, at(10 * day), 3)}).ok());
  ASSERT_TRUE(history_->retain(at(31 * day), plenty).ok());
  store::FactQuery all{
      .instance = InstanceName{"a"}, .kind = {}, .from = at(0), .to = at(100 * day), .after = {}, .limit = 100};
  EXPECT_EQ(history_->read_facts(all)->size(), 4U);
  ASSERT_TRUE(history_->retain(at(31 * day), Bytes{1}).ok());
  EXPECT_TRUE(history_->read_facts(all)->empty());
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(HistoryConformance);

}  // namespace mien::conformance
