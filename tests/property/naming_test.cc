#include "drift/drift.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/math.h"
#include "base/prng.h"
#include "learn/learn.h"

namespace mien {
namespace {

using model::FindingKind;

// An instance at five minutes with a fortnight of healthy history; then a change to its values, and what it is called.
struct Told {
  explicit Told(std::uint32_t columns = 1) {
    for (std::uint32_t i = 0; i < columns; ++i) {
      series.push_back({.metric = MetricName("m" + std::to_string(i)),
                        .attributes = {},
                        .unit = {},
                        .kind = model::SeriesKind::gauge});
    }
    watch.listen(true);
    watch.trust(true);
    for (int i = 0; i < 14 * 288; ++i) feed(healthy());
    watch.trust(false);
    for (int i = 0; i < 7 * 288; ++i) feed(healthy());
    episodes = 0;
  }

  // A load that all columns follow, each with a little chance of its own.
  std::vector<double> healthy() {
    load = 0.8 * load + 0.6 * random.normal();
    std::vector<double> values;
    for (std::size_t i = 0; i < series.size(); ++i) values.push_back(100 + 10 * load + 2 * random.normal());
    if (series.size() == 1) values[0] = 100 + 10 * random.normal();
    return values;
  }

  void feed(std::vector<double> values) {
    model::Batch batch;
    batch.times = {now};
    for (std::uint32_t i = 0; i < values.size(); ++i) batch.series.push_back(i);
    batch.values = std::move(values);
    drift::Assessment assessment = drift::assess(expectation, behavior, watch, series, batch);
    learn::update(behavior, series, batch, assessment.evidence);
    for (const drift::EpisodeChange& change : assessment.changes) {
      if (change.what == drift::EpisodeChange::What::opened) ++episodes;
      kind = change.finding.kind;
    }
    open = assessment.rows.front().alert;
    now = now + 300s;
  }

  // The kind of the episode 32 rows after it began, or when it closed; `none` when there is none within `most` rows.
  FindingKind told(const std::function<double(double, int)>& changed, int most = 400) {
    while (open) feed(healthy());
    episodes = 0;
    kind = FindingKind::none;
    int since = 0;
    for (int i = 0; i < most && since < 34; ++i) {
      std::vector<double> values = healthy();
      values[0] = changed(values[0], i);
      feed(std::move(values));
      if (episodes > 0) ++since;
      if (episodes > 0 && !open) break;
    }
    return kind;
  }

  model::Expectation expectation;
  model::Behavior behavior;
  drift::Watch watch;
  std::vector<model::Series> series;
  WallTime now{1'700'000'000'000'000'000};
  Prng random{11};
  double load = 0;
  int episodes = 0;
  bool open = false;
  FindingKind kind = FindingKind::none;
};

TEST(Naming, AValueThatJumpsAndComesBackIsASpike) {
  EXPECT_EQ(Told().told([](double x, int i) { return i < 2 ? x + 140 : x; }, 60), FindingKind::spike);
}

TEST(Naming, AValueThatJumpsAndStaysIsALevel) {
  EXPECT_EQ(Told().told([](double x, int) { return x + 70; }), FindingKind::level);
}

TEST(Naming, AValueThatGoesThereStepByStepIsARamp) {
  EXPECT_EQ(Told().told([](double x, int i) { return x + 0.2 * i; }), FindingKind::ramp);
}

TEST(Naming, ChanceThatGrowsIsASpread) {
  EXPECT_EQ(Told().told([](double x, int) { return 100 + 4 * (x - 100); }), FindingKind::spread);
}

TEST(Naming, ChanceThatAllButVanishesIsASpreadToo) {
  EXPECT_EQ(Told().told([](double x, int) { return 100 + 0.1 * (x - 100); }), FindingKind::spread);
}

TEST(Naming, AValueThatNoLongerMovesIsFrozen) {
  EXPECT_EQ(Told().told([](double, int) { return 97.0; }), FindingKind::frozen);
}

TEST(Naming, AMetricThatNoLongerFollowsTheOthersIsARelation) {
  Told host(4);
  Prng other(5);
  double own = 0;
  FindingKind kind = host.told([&](double, int) {
    own = 0.8 * own + 0.6 * other.normal();
    return 100 + 10 * own;
  });
  EXPECT_EQ(kind, FindingKind::relation);
}

TEST(Naming, ARowThatComesFarTooLateEndsASilence) {
  Told host;
  host.now = host.now + 300s * 80;
  host.feed(host.healthy());
  EXPECT_TRUE(host.open);
  EXPECT_EQ(host.kind, FindingKind::silence);
}

TEST(Naming, WhoDoesNotListenHearsNoSilence) {
  Told host;
  host.watch.listen(false);
  host.now = host.now + 300s * 80;
  host.feed(host.healthy());
  EXPECT_FALSE(host.open);
}

TEST(Naming, SilencesThatAreUsualAreNone) {
  Told host;
  for (int i = 0; i < 200; ++i) {
    if (i % 20 == 0) host.now = host.now + 300s * 11;
    host.feed(host.healthy());
  }
  host.episodes = 0;
  host.now = host.now + 300s * 14;
  host.feed(host.healthy());
  EXPECT_EQ(host.episodes, 0);
}

}  // namespace
}  // namespace mien
