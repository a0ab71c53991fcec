#include "node/intake.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mien::node {
namespace {

constexpr WallTime noon{1'700'000'000'000'000'000};

model::Series series(model::SeriesKind kind) {
  return {.metric = MetricName{"m"}, .attributes = {}, .unit = "", .kind = kind};
}

struct Door {
  std::vector<model::Series> known;
  std::vector<SeriesMemory> memory;
  IntakeContext context{.now = noon, .numbered = true, .newest = true, .interval = 1s};

  explicit Door(model::SeriesKind kind) : known{series(kind)}, memory(1) {}
  Intake offer(std::vector<std::pair<Duration, double>> samples) {
    model::Batch batch{.times = {}, .series = {0}, .values = {}};
    for (auto [age, value] : samples) {
      batch.times.push_back(noon - age);
      batch.values.push_back(value);
    }
    return take_in(context, known, memory, batch);
  }
};

TEST(Intake, CountersBecomeRatesPerSecond) {
  Door door{model::SeriesKind::counter};
  Intake intake = door.offer({{3s, 100}, {2s, 150}, {0s, 350}});
  ASSERT_EQ(intake.live.times.size(), 2U) << "the first sample of a counter says nothing yet";
  EXPECT_EQ(intake.live.values[0], 50);
  EXPECT_EQ(intake.live.values[1], 100);
  EXPECT_EQ(intake.taken, 3U);
}

TEST(Intake, ACounterThatFellStartedAnew) {
  Door door{model::SeriesKind::counter};
  Intake intake = door.offer({{3s, 100}, {2s, 5}, {1s, 15}});
  ASSERT_EQ(intake.live.times.size(), 1U);
  EXPECT_EQ(intake.live.values[0], 10);
}

TEST(Intake, DeltasArePerSecondToo) {
  Door door{model::SeriesKind::delta};
  Intake intake = door.offer({{10s, 7}, {0s, 20}});
  ASSERT_EQ(intake.live.times.size(), 1U);
  EXPECT_EQ(intake.live.values[0], 2);
}

TEST(Intake, AgeDecidesTheLane) {
  Door door{model::SeriesKind::gauge};
  Intake intake = door.offer({{11min, 1}, {5min, 2}, {1min, 3}, {-6min, 4}});
  EXPECT_EQ(intake.kept.times, (std::vector<WallTime>{noon - 11min}));
  EXPECT_EQ(intake.late.times, (std::vector<WallTime>{noon - 5min}));
  EXPECT_EQ(intake.live.times, (std::vector<WallTime>{noon - 1min}));
  EXPECT_EQ(intake.future, 1U);
  EXPECT_EQ(intake.late_samples, 2U);
  EXPECT_EQ(intake.taken, 3U);
}

TEST(Intake, ASlowSenderIsNotLateByItsOwnInterval) {
  Door door{model::SeriesKind::gauge};
  door.context.interval = 5min;
  Intake intake = door.offer({{8min, 1}});
  EXPECT_EQ(intake.live.times.size(), 1U);
}

TEST(Intake, UnnumberedSamplesOfATimeAlreadyJudgedAreDuplicates) {
  Door door{model::SeriesKind::gauge};
  door.context.numbered = false;
  EXPECT_EQ(door.offer({{5s, 1}}).taken, 1U);
  Intake again = door.offer({{5s, 1}, {6s, 1}});
  EXPECT_EQ(again.duplicates, 2U);
  EXPECT_TRUE(again.live.times.empty());
}

TEST(Intake, ANumberedBacklogIsKeptAndDoesNotDisturbWhatIsFresh) {
  Door door{model::SeriesKind::counter};
  (void)door.offer({{2s, 1000}});
  door.context.newest = false;
  (void)door.offer({{60s, 100}});
  Intake backlog = door.offer({{50s, 200}});
  EXPECT_EQ(backlog.kept.values, (std::vector<double>{10}));
  EXPECT_TRUE(backlog.live.times.empty());
  door.context.newest = true;
  Intake fresh = door.offer({{0s, 1020}});
  EXPECT_EQ(fresh.live.values, (std::vector<double>{10}));
}

TEST(Intake, AClockSetBackIsNoticedAndJudgingGoesOn) {
  Door door{model::SeriesKind::gauge};
  (void)door.offer({{0s, 1}});
  Intake intake = door.offer({{90s, 2}});
  EXPECT_TRUE(intake.clock_set_back);
  EXPECT_EQ(intake.live.times.size(), 1U);
}

TEST(Intake, MissingSamplesAreNeitherTakenNorCounted) {
  Door door{model::SeriesKind::gauge};
  Intake intake = door.offer({{1s, model::missing}});
  EXPECT_EQ(intake.taken, 0U);
  EXPECT_TRUE(intake.live.times.empty());
}

}  // namespace
}  // namespace mien::node
