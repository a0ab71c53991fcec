// A metric that begins when its instance has been known for long: docs/adr/0048. rooms: learn drift
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/prng.h"
#include "drift/drift.h"
#include "drift/watch_state.h"
#include "learn/learn.h"

namespace mien {
namespace {

// A metric that is declared when the others have been known for long.
struct Household {
  static constexpr std::size_t old_ones = 3;
  model::Behavior behavior;
  drift::Watch watch;
  std::vector<model::Series> series;
  model::Batch batch;
  Prng random{11};
  std::array<double, old_ones + 1> own{};
  double common = 0;

  void declare() {
    batch.series.push_back(static_cast<std::uint32_t>(series.size()));
    series.push_back({.metric = MetricName("m" + std::to_string(series.size())),
                      .attributes = {},
                      .unit = {},
                      .kind = model::SeriesKind::gauge});
  }
  Household() {
    for (std::size_t i = 0; i < old_ones; ++i) declare();
    batch.times = {WallTime{1'700'000'000'000'000'000}};
  }
  // Whether an episode is open.
  bool row() {
    common += 0.3 * (random.normal() - common);
    batch.values.clear();
    for (std::size_t s = 0; s < series.size(); ++s) {
      own[s] = 0.2 * random.normal();
      double value = common + own[s];
      batch.values.push_back(s < old_ones ? 10 + value : 50'000 + 300 * value);
    }
    drift::Assessment assessment = drift::assess({}, behavior, watch, series, batch);
    learn::update(behavior, series, batch, assessment.evidence);
    batch.times.front() = batch.times.front() + 60s;
    return assessment.rows.front().alert;
  }
};

TEST(Newcomer, AMetricThatComesLaterAlarmsNobodyAndTakesPartWhenItIsKnown) {
  Household home;
  for (int i = 0; i < 4000; ++i) (void)home.row();
  home.declare();
  int alerts = 0;
  for (int i = 0; i < 2000; ++i) {
    alerts += home.row() ? 1 : 0;
    bool takes_part = home.watch.state().relations.paths.back().takes_part();
    ASSERT_TRUE(i >= 99 || !takes_part) << i;
    ASSERT_TRUE(i < 300 || takes_part) << i;  // not all blocks teach
  }
  EXPECT_EQ(alerts, 0);
  const drift::SeriesPath& path = home.watch.state().relations.paths.back();
  EXPECT_NEAR(path.center, 50'000, 100);
  EXPECT_NEAR(std::sqrt(path.variance), 150, 75) << "not by how far it lies from 0";
}

TEST(Newcomer, AMetricThatWasThereFromTheBeginningIsAsKnownAsTheOthers) {
  Household home;
  home.declare();
  for (int i = 0; i < 3; ++i) (void)home.row();
  EXPECT_TRUE(home.watch.state().relations.paths.back().takes_part());
}

}  // namespace
}  // namespace mien
