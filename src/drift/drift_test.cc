#include "drift/drift.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/codec.h"
#include "base/prng.h"
#include "drift/alarm.h"
#include "drift/declared.h"
#include "drift/judge.h"
#include "drift/ordinary.h"
#include "drift/watch_state.h"

namespace mien::drift {
namespace {

using What = EpisodeChange::What;

// One instance that has learned nothing: only what is declared can speak.
struct Fresh {
  model::Expectation expectation;
  model::Behavior behavior;
  Watch watch;
  std::vector<model::Series> series;
  WallTime now{1'700'000'000'000'000'000};
  Duration step = 1s;
  std::vector<EpisodeChange> changes;
  Assessment last;

  Fresh() { declare_series("system.cpu.utilization"); }
  void declare_series(std::string name, model::Attributes attributes = {}) {
    series.push_back({.metric = MetricName(std::move(name)),
                      .attributes = std::move(attributes),
                      .unit = "1",
                      .kind = model::SeriesKind::gauge});
  }
  model::DeclaredMetric& declared(const std::string& name = "system.cpu.utilization") {
    return expectation.metrics[name];
  }
  void declare_normal(double mean, double deviation) {
    declared().distribution =
        model::DeclaredDistribution{.kind = model::DistributionKind::normal, .a = mean, .b = deviation};
  }

  void feed(std::vector<double> values) {
    model::Batch batch;
    batch.times = {now};
    for (std::uint32_t i = 0; i < values.size(); ++i) batch.series.push_back(i);
    batch.values = std::move(values);
    last = assess(expectation, behavior, watch, series, batch);
    changes.insert(changes.end(), last.changes.begin(), last.changes.end());
    now = now + step;
  }
  // How many samples of x until a finding opens; 0 when none does within `most`.
  int samples_to_open(double x, int most = 100) {
    for (int i = 1; i <= most; ++i) {
      feed({x});
      if (opened() > 0) return i;
    }
    return 0;
  }
  [[nodiscard]] int count(What what) const {
    return static_cast<int>(
        std::count_if(changes.begin(), changes.end(), [&](const EpisodeChange& c) { return c.what == what; }));
  }
  [[nodiscard]] int opened() const { return count(What::opened); }
};

TEST(Declared, ACpuHogIsNamedWithinFiveSamplesWhileStillLearning) {
  Fresh host;
  host.declare_normal(0.1, 0.05);
  for (int i = 0; i < 30; ++i) host.feed({0.1});
  EXPECT_EQ(host.opened(), 0);
  int samples = host.samples_to_open(1.0);
  EXPECT_GE(samples, 2);
  EXPECT_LE(samples, 5);
  ASSERT_EQ(host.changes.size(), 1U);
  const model::Finding& finding = host.changes[0].finding;
  EXPECT_EQ(finding.kind, model::FindingKind::level);
  EXPECT_EQ(finding.first_mover, "system.cpu.utilization");
  ASSERT_FALSE(finding.metrics.empty());
  EXPECT_EQ(finding.metrics[0].name.value, "system.cpu.utilization");
  EXPECT_EQ(finding.metrics[0].direction, model::Direction::up);
  EXPECT_EQ(finding.metrics[0].observed, 1.0);
  EXPECT_EQ(finding.metrics[0].expected, 0.1);
  EXPECT_GE(finding.severity, model::Severity::medium);
  EXPECT_EQ(host.last.score.state, model::LearningState::learning);
  EXPECT_GE(host.last.score.score, host.last.score.alarm_level);
}

TEST(Declared, ASingleOutlierOpensNothing) {
  Fresh host;
  host.declare_normal(0.1, 0.05);
  for (int i = 0; i < 300; ++i) host.feed({i % 20 == 19 ? 1.0 : 0.1});
  EXPECT_EQ(host.opened(), 0);
}

TEST(Declared, ItClosesOnceItIsBackAndNotBeforeAndOpensOnce) {
  Fresh host;
  host.declare_normal(0.1, 0.05);
  host.feed({0.1});
  for (int i = 0; i < 60; ++i) host.feed({i % 7 == 6 ? 0.1 : 1.0});  // one good sample in between closes nothing
  EXPECT_EQ(host.opened(), 1);
  EXPECT_EQ(host.count(What::closed), 0);
  for (int i = 0; i < 30; ++i) host.feed({0.1});
  ASSERT_EQ(host.count(What::closed), 1);
  const EpisodeChange& closed = host.changes.back();
  EXPECT_EQ(closed.finding.state, model::FindingState::resolved);
  EXPECT_TRUE(closed.finding.resolved_at.has_value());
  EXPECT_EQ(closed.episode, host.changes.front().episode);
}

TEST(Declared, WhatThePersonaCallsNormalRaisesNothing) {
  Fresh host;
  host.declare_normal(1.0, 0.02);
  for (int i = 0; i < 1000; ++i) host.feed({1.0});
  EXPECT_EQ(host.opened(), 0);
}

TEST(Declared, HealthyNoiseOfTheDeclaredShapeStaysQuietForAWeek) {
  Fresh host;
  host.declare_normal(0.5, 0.1);
  Against against;
  Prng random(7);
  double highest = 0;
  for (int i = 0; i < 604'800; ++i) {
    judge_declared(host.declared(), against, {.at = host.now, .value = 0.5 + 0.1 * random.normal()}, 1);
    highest = std::max(highest, against.declared);
  }
  EXPECT_LT(highest, declared_open);
}

TEST(Declared, AMildDepartureIsFoundInTime) {
  Fresh host;
  host.declare_normal(0.1, 0.05);
  int samples = host.samples_to_open(0.225);  // 2.5 standard deviations, all the time
  EXPECT_GT(samples, 4);
  EXPECT_LT(samples, 30);
}

TEST(Declared, ALimitIsHighAndSaysSo) {
  Fresh host;
  host.declared().limit = model::Limit{.min = {}, .max = 0.95, .change = {}, .over = {}};
  for (int i = 0; i < 10; ++i) host.feed({0.94});
  EXPECT_LE(host.samples_to_open(0.97), 5);
  EXPECT_EQ(host.changes[0].finding.kind, model::FindingKind::limit);
  EXPECT_EQ(host.changes[0].finding.severity, model::Severity::high);
  const model::Deviation& blamed = host.changes[0].finding.metrics[0];
  EXPECT_EQ(blamed.high, 0.95);
  EXPECT_LE(blamed.low, blamed.expected);
  EXPECT_LE(blamed.expected, blamed.high);
  EXPECT_NE(host.changes[0].finding.summary.find("allowed is at most 0.95"), std::string::npos);
}

TEST(Declared, WhatSpokeAgainstOnePersonaIsNoEvidenceAgainstTheNext) {
  Fresh host;
  host.declared().limit = model::Limit{.min = {}, .max = 0.1, .change = {}, .over = {}};
  for (int i = 0; i < 20; ++i) host.feed({0.5});
  ASSERT_EQ(host.opened(), 1);
  EXPECT_EQ(close_all(host.watch, host.now).size(), 1U);
  host.declared().limit = model::Limit{.min = {}, .max = 0.95, .change = {}, .over = {}};
  for (int i = 0; i < 20; ++i) host.feed({0.5});
  EXPECT_EQ(host.opened(), 1);
}

TEST(Declared, AChangeLimitComparesWithThePast) {
  Fresh host;
  host.declared().limit = model::Limit{.min = {}, .max = {}, .change = 0.5, .over = 60s};
  for (int i = 0; i < 200; ++i) host.feed({100.0 + 0.1 * i});  // grows slowly: 6 % a minute
  EXPECT_EQ(host.opened(), 0);
  EXPECT_GT(host.samples_to_open(200, 30), 0);
  for (int i = 0; i < 200; ++i) host.feed({200});
  EXPECT_EQ(host.count(What::closed), 1);  // a minute later it is the past
}

TEST(Declared, APeakIsALevel) {
  Fresh host;
  host.declared().peak = 150e6;
  for (int i = 0; i < 10; ++i) host.feed({149e6});
  EXPECT_EQ(host.opened(), 0);
  EXPECT_LE(host.samples_to_open(200e6), 5);
  EXPECT_EQ(host.changes[0].finding.kind, model::FindingKind::level);
}

TEST(Declared, TheTotalIsMeantWhereThereIsOne) {
  Fresh host;
  host.declare_series("system.cpu.utilization", {{"cpu", "0"}});
  host.declare_normal(0.1, 0.05);
  for (int i = 0; i < 50; ++i) host.feed({0.1, 1.0});  // one core is busy, the whole is not
  EXPECT_EQ(host.opened(), 0);
}

TEST(Declared, IgnoredIsIgnored) {
  Fresh host;
  host.declare_normal(0.1, 0.05);
  host.declared().ignore = true;
  EXPECT_EQ(host.samples_to_open(1.0), 0);
}

TEST(Declared, ADeclarationThatGoesAwayClosesItsFinding) {
  Fresh host;
  host.declare_normal(0.1, 0.05);
  host.samples_to_open(1.0);
  host.expectation.metrics.clear();
  host.feed({1.0});
  EXPECT_EQ(host.count(What::closed), 1);
}

TEST(Declared, TheBandHoldsNinetyNinePercent) {
  using model::DistributionKind;
  for (DistributionKind kind : {DistributionKind::normal, DistributionKind::lognormal}) {
    model::DeclaredDistribution declared{.kind = kind, .a = 1, .b = 0.5};
    DeclaredBand band = band_of(declared);
    EXPECT_NEAR(declared_surprise(declared, band.low), 2, 1e-6);
    EXPECT_NEAR(declared_surprise(declared, band.high), 2, 1e-6);
  }
  model::DeclaredDistribution uniform{.kind = DistributionKind::uniform, .a = 1, .b = 3};
  EXPECT_EQ(declared_surprise(uniform, 2), 0);
  EXPECT_GT(declared_surprise(uniform, 4), 3);
  model::DeclaredDistribution exponential{.kind = DistributionKind::exponential, .a = 2, .b = 0};
  EXPECT_EQ(declared_surprise(exponential, 0), 0);
  EXPECT_NEAR(declared_surprise(exponential, 20), 4.3429448, 1e-6);
  model::DeclaredDistribution constant{.kind = DistributionKind::constant, .a = 5, .b = 0};
  EXPECT_EQ(declared_surprise(constant, 5), 0);
  EXPECT_GT(declared_surprise(constant, 5.1), 3);
}

TEST(Watch, EncodingRoundTripsAndDamageIsRefused) {
  Fresh host;
  host.declare_normal(0.1, 0.05);
  host.samples_to_open(1.0);
  std::string bytes = host.watch.encode();
  Result<Watch> again = Watch::decode(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->encode(), bytes);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(Watch::decode(std::string_view(bytes).substr(0, cut)).ok());
  std::string newer = bytes;
  newer[0] = static_cast<char>(Watch::State::version_with_interplay + 1);
  EXPECT_EQ(Watch::decode(newer).error().code, Code::unsupported);
}

TEST(Watch, RelationsThatDoNotFitTheirSeriesAreRefused) {
  Fresh host;
  host.feed({0.1});
  host.watch.state().relations.paths.resize(3);
  EXPECT_EQ(Watch::decode(host.watch.encode()).error().code, Code::corrupt);
}

// A row five minutes after the one before.
Moment moment(double surprise, int row) {
  return {.surprise = surprise,
          .standing = surprise,
          .at = WallTime{1'700'000'000'000'000'000} + row * 300s,
          .elapsed = 300,
          .judged = true,
          .block = 300};
}

TEST(Score, TheStartOfAnIncidentOutranksTheRestOfALongerOne) {
  Alarm alarm;
  Standing standing;
  int row = 0;
  double start = sound(alarm, standing, moment(9, ++row), 1).score;
  double middle = 0;
  for (int i = 0; i < 300; ++i) middle = std::max(middle, sound(alarm, standing, moment(9, ++row), 1).score);
  for (int i = 0; i < 600; ++i) (void)sound(alarm, standing, moment(0.1, ++row), 1);
  double next = sound(alarm, standing, moment(10, ++row), 1).score;
  EXPECT_GT(start, onset_from);
  EXPECT_LT(middle, onset_from);
  EXPECT_GT(next, middle);
}

TEST(Score, ItFadesWithinAFewHoursOfTheLastOddRow) {
  Alarm alarm;
  Standing standing;
  int row = 0;
  (void)sound(alarm, standing, moment(6, ++row), 1);
  double before = 1;
  for (int i = 0; i < 33 * 6; ++i) {
    double score = sound(alarm, standing, moment(0, ++row), 1).score;
    EXPECT_LE(score, before);
    before = score;
  }
  EXPECT_LT(before, 0.01);
}

// The score of what stands `strength` high in the last of `rows` rows, reached at once or row by row.
double standing_of(double strength, int rows, bool at_once) {
  Alarm alarm;
  Standing standing;
  double score = 0;
  for (int row = 1; row <= rows; ++row) {
    Moment now = moment(0, row);
    now.standing = at_once ? (row == rows ? strength : 0.2) : strength * row / rows;
    score = sound(alarm, standing, now, 1).score;
  }
  return score;
}

TEST(Score, WhatRoseAtOnceOutranksWhatCreptInAndWhatComesBack) {
  double sudden = standing_of(5, 100, true);
  EXPECT_GT(sudden, 1.2 * standing_of(5, 100, false));
  EXPECT_LT(sudden, onset_from);

  Alarm alarm;
  Standing standing;
  int row = 0;
  auto after = [&](double strength) {
    Moment now = moment(0, ++row);
    now.standing = strength;
    return sound(alarm, standing, now, 1).score;
  };
  for (int i = 0; i < 50; ++i) (void)after(0.2);
  EXPECT_NEAR(after(5), sudden, 0.01);
  double stands = after(5);
  EXPECT_GT(stands, 0.95 * sudden);  // it keeps its rank while it stands
  double trails = after(0.2);
  EXPECT_LT(trails, 0.85 * stands);  // and loses it with the first ordinary row,
  double again = after(5);
  EXPECT_LT(again, 0.9 * sudden);  // also for what comes back soon
}

TEST(Score, WhatGrowsSlowlyIsReportedThoughItStoodAboveTheLevelForLong) {
  Alarm alarm;
  Standing standing;
  int row = 0;
  alarm.past[4] = 2;  // it has happened before that the surprise was 3: now it takes more
  bool fired = false;
  for (double surprise = 2; surprise < 8; surprise += 0.1)
    fired = sound(alarm, standing, moment(surprise, ++row), 1).fires || fired;
  EXPECT_TRUE(fired);
}

TEST(Score, WhatWasReportedAndGoesOnIsNoNews) {
  Alarm alarm;
  Standing standing;
  int row = 0;
  EXPECT_TRUE(sound(alarm, standing, moment(8, ++row), 1).fires);
  count_episode(alarm);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(sound(alarm, standing, moment(7.5, ++row), 1).fires);
}

TEST(Score, ModerateSurpriseThatLastsOpensAnEpisodeAndRaisesNoScore) {
  Alarm alarm;
  Standing standing;
  Moment lasts = moment(1.5, 1);
  lasts.sustained = 9;
  Verdict verdict = sound(alarm, standing, lasts, 1);
  EXPECT_TRUE(verdict.fires);
  EXPECT_LT(verdict.score, onset_from);
}

TEST(Score, TheLevelOfAnEpisodeIsAnOnsetsScore) {
  EXPECT_EQ(onset_score(1.9), 0);
  EXPECT_DOUBLE_EQ(onset_score(level_floor), onset_from);
  EXPECT_GT(onset_score(6), onset_score(5));
  EXPECT_LE(onset_score(1000), 1);
}

TEST(Score, AYoungSeriesIsJudgedByWhatIsOrdinaryElsewhere) {
  stats::Tail young;
  auto jump = static_cast<std::size_t>(model::Expert::jump);
  EXPECT_EQ(ordinary_surprise(young, jump, 0.5), 0);
  EXPECT_GT(ordinary_surprise(young, jump, 20), 1.5);
  EXPECT_GT(ordinary_surprise(young, jump, 200), ordinary_surprise(young, jump, 20));
  for (int i = 0; i < 200; ++i) young.add(20, stats::Tail::whole);
  EXPECT_LT(ordinary_surprise(young, jump, 20), 0.5);  // its own past speaks now
}

TEST(Watch, AtMostEightEpisodesAreOpenAndCloseAllClosesThem) {
  Fresh host;
  for (int i = 0; i < 12; ++i) {
    host.declare_series("m" + std::to_string(i));
    host.declared("m" + std::to_string(i)).peak = 1;
  }
  for (int i = 0; i < 10; ++i) host.feed(std::vector<double>(13, 5.0));
  EXPECT_EQ(host.opened(), 8);
  EXPECT_EQ(close_all(host.watch, host.now).size(), 8U);
  EXPECT_TRUE(close_all(host.watch, host.now).empty());
}

TEST(Assess, HugeAndMissingValuesAreHarmless) {
  Fresh host;
  host.declare_series("b");
  for (int i = 0; i < 50; ++i)
    host.feed({i % 2 == 0 ? std::numeric_limits<double>::max() : -std::numeric_limits<double>::max(), model::missing});
  EXPECT_GE(host.last.score.score, 0);
  EXPECT_LE(host.last.score.score, 1);
  EXPECT_EQ(host.opened(), 0);
}

TEST(Assess, AnEmptyBatchChangesNothing) {
  Fresh host;
  host.feed({0.1});
  std::string before = host.watch.encode();
  Assessment nothing = assess(host.expectation, host.behavior, host.watch, host.series, {});
  EXPECT_TRUE(nothing.rows.empty());
  EXPECT_EQ(host.watch.encode(), before);
}

TEST(Interval, FollowsTheMedianOfTheSteps) {
  double interval = 0;
  for (int i = 0; i < 200; ++i) follow_interval(interval, i % 10 == 0 ? 60 : 1);
  EXPECT_NEAR(interval, 1, 0.15);
}

}  // namespace
}  // namespace mien::drift
