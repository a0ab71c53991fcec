// What a revision promises: it stays within its size whatever it holds, comes back, and who goes back to it knows at
// once what its watch knew: how the series move together and the form of each.
// rooms: base stats model learn drift
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/codec.h"
#include "base/prng.h"
#include "drift/drift.h"
#include "learn/learn.h"
#include "stats/relation_view.h"

namespace mien {
namespace {

// ---- size ----

constexpr WallTime now{1'700'000'000'000'000'000};

std::vector<model::Series> named(std::size_t count, std::size_t length, Prng& random) {
  std::vector<model::Series> series;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = std::to_string(i) + ".";
    while (name.size() < length) name.push_back(static_cast<char>('a' + random.below(26)));
    series.push_back({.metric = MetricName(name), .attributes = {}, .unit = {}, .kind = model::SeriesKind::gauge});
  }
  return series;
}

stats::SmallTail noisy_tail(Prng& random) {
  std::array<std::uint32_t, stats::Tail::bins> counts{};
  for (std::uint32_t& each : counts) each = static_cast<std::uint32_t>(random.below(4000));
  return stats::SmallTail::narrow(stats::Tail::from_counts(counts));
}

// Nothing in it follows from anything else, as no life is: the worst there is to pack.
model::Behavior noisy_behavior(std::size_t count, Prng& random) {
  model::Behavior behavior;
  behavior.resize(count);
  behavior.samples = random.next() >> 20;
  for (std::size_t i = 0; i < count; ++i) {
    model::Baseline& baseline = behavior.series[i];
    baseline.anchor = {.location = 1e6 * random.normal(), .scale = 3, .n = static_cast<std::uint32_t>(random.next())};
    for (float* scale : {&baseline.jump_scale, &baseline.season_scale, &baseline.forecast_scale})
      *scale = static_cast<float>(std::fabs(random.normal()));
    for (stats::SmallTail& tail : behavior.past[i].tails) tail = noisy_tail(random);
    for (std::int32_t hour = 0; hour < 400; ++hour)
      behavior.past[i].season.visit(hour, baseline.anchor.location + 3 * random.normal(), 1, baseline.coin);
  }
  return behavior;
}

model::Habits noisy_habits(std::size_t count, Prng& random) {
  model::Habits habits;
  model::RelationHabits& relations = habits.relations;
  std::size_t paths = std::min(count, model::RelationHabits::max_paths);
  for (std::size_t first = 0; first < paths; first += stats::RelationView::max_size) {
    std::size_t size = std::min(stats::RelationView::max_size, paths - first);
    for (std::size_t v = 0; v < model::RelationHabits::views_per_group; ++v) {
      stats::CoarseView& view = relations.views.emplace_back();
      view.learned = random.below(100'000);
      for (std::size_t i = 0; i < size; ++i) {
        view.means.push_back(static_cast<std::int32_t>(random.below(2000)) - 1000);
        view.spreads.push_back({.code = static_cast<std::uint16_t>(3000 + random.below(2000))});
      }
    }
    stats::CoarseFactor& factor = relations.factors.emplace_back();
    for (std::size_t k = 0; k < size * (size - 1) / 2; ++k)
      factor.push_back(static_cast<std::int16_t>(static_cast<std::int32_t>(random.below(41)) - 20));
  }
  for (std::size_t i = 0; i < paths; ++i)
    relations.paths.push_back({.center = static_cast<float>(random.normal()), .spread = 1});
  for (std::size_t v = 0; v < model::RelationHabits::views_per_group; ++v)
    relations.tails.push_back(noisy_tail(random).widen());
  for (std::size_t i = 0; i < count; ++i) {
    model::FormHabit& form = habits.forms.emplace_back();
    form.blocks = static_cast<std::uint32_t>(1 + random.below(1'000'000));
    for (std::size_t shape = 0; shape < model::FormHabit::most_shapes; ++shape) {
      for (std::int8_t& step : form.shapes.emplace_back()) step = static_cast<std::int8_t>(random.next());
      form.uses.push_back(static_cast<std::uint8_t>(random.next()));
    }
    for (stats::SmallTail& tail : form.tails) tail = noisy_tail(random);
  }
  return habits;
}

std::size_t allowed(std::size_t count) { return 64 * 1024 + (count > 200 ? (count - 200) * 512 : 0); }

// The size without what is known of security, which comes beside it.
void expect_fitting(std::size_t count, std::size_t name_length, std::uint64_t seed) {
  Prng random(seed);
  std::vector<model::Series> series = named(count, name_length, random);
  model::Behavior behavior = noisy_behavior(count, random);
  model::Habits habits = noisy_habits(count, random);
  model::PersonaRevision revision = learn::make_revision(behavior, series, now, habits);
  EXPECT_LE(encode(revision).size(), allowed(count) + encode(behavior.security).size()) << count << " " << name_length;
  EXPECT_EQ(learn::behavior_of(revision).series.size(), count);
  model::Habits back = learn::habits_of(revision);
  EXPECT_LE(back.forms.size(), count);
  bool relations = !back.relations.paths.empty();
  EXPECT_TRUE(relations || back.forms.empty()) << "forms give way before relations";
  if (relations) {
    EXPECT_TRUE(back.relations.views == habits.relations.views);
    EXPECT_TRUE(back.relations.paths == habits.relations.paths);
  }
}

RC_GTEST_PROP(Revision, StaysWithinItsSizeWhateverItHolds, ()) {
  auto count = *rc::gen::element<std::size_t>(1, 33, 200);
  auto length = *rc::gen::inRange<std::size_t>(5, 120);
  expect_fitting(count, length, *rc::gen::arbitrary<std::uint64_t>());
}

TEST(RevisionSize, OfFiveHundredAndTwelveMetricsItFits) { expect_fitting(512, 60, 1); }

TEST(RevisionSize, OfAsManyAsThereMayBeItFits) { expect_fitting(model::Behavior::max_series, 60, 2); }

// ---- who goes back to it ----

// Sixty series that follow three causes each in its own way; `apart`: some of them stop following.
struct Life {
  static constexpr std::size_t count = 60;
  std::vector<model::Series> series;
  model::Batch batch;
  Prng random{17};
  std::array<double, 3> causes{};
  std::array<double, 3> others{};
  bool apart = false;

  Life() {
    for (std::uint32_t i = 0; i < count; ++i) {
      series.push_back({.metric = MetricName("m" + std::to_string(i)),
                        .attributes = {},
                        .unit = {},
                        .kind = model::SeriesKind::gauge});
      batch.series.push_back(i);
    }
    batch.times = {now};
    batch.values.resize(count);
  }
  const model::Batch& next() {
    for (double& cause : causes) cause += 0.1 * (random.normal() - cause);
    for (double& other : others) other += 0.1 * (random.normal() - other);
    for (std::size_t i = 0; i < count; ++i) {
      const auto& from = apart && i % 6 == 0 ? others : causes;
      batch.values[i] = 10 + from[i % 3] + 0.5 * from[(i / 3) % 3] + 0.05 * random.normal();
    }
    batch.times[0] = batch.times[0] + 2min;
    return batch;
  }
};

struct Engine {
  model::Behavior behavior;
  drift::Watch watch;
  std::size_t opened = 0;
  double highest = 0;

  void feed(const std::vector<model::Series>& series, const model::Batch& batch) {
    drift::Assessment assessment = drift::assess({}, behavior, watch, series, batch);
    learn::update(behavior, series, batch, assessment.evidence);
    highest = std::max(highest, assessment.rows[0].score);
    for (const drift::EpisodeChange& change : assessment.changes)
      opened += change.what == drift::EpisodeChange::What::opened ? 1 : 0;
  }
};

TEST(RevisionHabits, WhoGoesBackSeesABrokenRelationAtOnceAndWhoLearnsAnewDoesNot) {
  Life life;
  Engine engine;
  for (int row = 0; row < 6000; ++row) engine.feed(life.series, life.next());
  model::PersonaRevision revision =
      learn::make_revision(engine.behavior, life.series, life.batch.times[0], engine.watch.habits());
  Engine with{.behavior = learn::behavior_of(revision), .watch = std::move(engine.watch)};
  (void)drift::close_all(with.watch, life.batch.times[0]);
  Engine without{.behavior = with.behavior, .watch = std::move(drift::Watch::decode(with.watch.encode())).value()};
  with.watch.begin_with(learn::habits_of(revision));
  for (int row = 0; row < 60; ++row) {
    const model::Batch& batch = life.next();
    with.feed(life.series, batch);
    without.feed(life.series, batch);
  }
  EXPECT_EQ(with.opened, 0U);
  EXPECT_LT(with.highest, 0.7);
  life.apart = true;
  with.highest = without.highest = 0;
  for (int row = 0; row < 30; ++row) {
    const model::Batch& batch = life.next();
    with.feed(life.series, batch);
    without.feed(life.series, batch);
  }
  EXPECT_GE(with.highest, 0.7) << "an onset";
  EXPECT_EQ(without.opened, 0U);
  EXPECT_LT(without.highest, 0.7);
}

// On the same rows, from the same moment: the surprise is nearly that of the engine that was never put away.
TEST(RevisionHabits, WhoGoesBackToTheNewestRevisionJudgesNearlyAsItWould) {
  Life life;
  Engine exact;
  for (int row = 0; row < 4000; ++row) exact.feed(life.series, life.next());
  model::PersonaRevision revision =
      learn::make_revision(exact.behavior, life.series, life.batch.times[0], exact.watch.habits());
  Engine begun{.behavior = exact.behavior, .watch = std::move(drift::Watch::decode(exact.watch.encode())).value()};
  begun.watch.begin_with(learn::habits_of(revision));
  double apart = 0;
  for (int row = 0; row < 500; ++row) {
    const model::Batch& batch = life.next();
    double before = exact.highest = begun.highest = 0;
    exact.feed(life.series, batch);
    begun.feed(life.series, batch);
    apart += std::fabs(exact.highest - begun.highest) + before;
  }
  EXPECT_LT(apart / 500, 0.02);
  EXPECT_NEAR(static_cast<double>(begun.opened), static_cast<double>(exact.opened), 1) << "one may stand at the level";
}

TEST(RevisionHabits, SavedAndRestoredAtAnyRowAfterItNothingChanges) {
  Life life;
  Engine engine;
  for (int row = 0; row < 1500; ++row) engine.feed(life.series, life.next());
  model::Habits habits = engine.watch.habits();
  Engine whole{.behavior = engine.behavior, .watch = {}};
  Engine cut{.behavior = engine.behavior, .watch = {}};
  whole.watch.begin_with(habits);
  cut.watch.begin_with(habits);
  for (int row = 0; row < 300; ++row) {
    if (row % 13 == 0) cut.watch = std::move(drift::Watch::decode(cut.watch.encode())).value();
    const model::Batch& batch = life.next();
    whole.feed(life.series, batch);
    cut.feed(life.series, batch);
  }
  EXPECT_TRUE(whole.watch.encode() == cut.watch.encode());
  EXPECT_TRUE(encode(whole.behavior) == encode(cut.behavior));
}

}  // namespace
}  // namespace mien
