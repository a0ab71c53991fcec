#include "learn/pool_prior.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/prng.h"
#include "learn/learn.h"

namespace mien::learn {
namespace {

std::vector<model::Series> two_series() {
  return {{.metric = MetricName{"requests"}, .attributes = {}, .unit = {}, .kind = {}},
          {.metric = MetricName{"errors"}, .attributes = {}, .unit = {}, .kind = {}}};
}

constexpr WallTime start{1'700'000'000'000'000'000};

// A member whose requests have this level and scale.
model::PersonaRevision member(const std::string& name, double level, float scale, std::uint64_t samples) {
  model::Behavior behavior;
  behavior.resize(2);
  behavior.samples = samples;
  model::Baseline& baseline = behavior.series[0];
  baseline.anchor = {.location = level, .scale = scale, .n = 5000};
  baseline.jump_scale = scale;
  baseline.change_rate = 1;
  baseline.interval = 60;
  baseline.blocks = 1000;
  behavior.series[1].blocks = 10;  // hardly known
  Prng random(samples);
  for (stats::SmallTail& tail : behavior.past[0].tails) {
    for (int i = 0; i < 1000; ++i) {
      auto u = static_cast<float>(std::fabs(random.normal()));
      tail.add(stats::tail::bin_of(u), stats::SmallTail::Weight::whole, baseline.coin);
    }
  }
  model::PersonaRevision revision = make_revision(behavior, two_series(), start);
  revision.persona = PersonaName{"web"};
  revision.instance = InstanceName{name};
  revision.number = 1;
  return revision;
}

TEST(PoolPrior, ANewMemberBeginsBetweenTheOthersAndAsWideAsTheyAreApart) {
  PoolPrior prior;
  prior.add(member("a", 100, 4, 900));
  prior.add(member("b", 140, 6, 800));
  model::Behavior begun = prior.begin(two_series());
  const model::Baseline& requests = begun.series[0];
  EXPECT_NEAR(requests.anchor.location, 120, 0.01);
  EXPECT_NEAR(static_cast<double>(requests.anchor.scale), 5 + 20, 0.01);
  EXPECT_EQ(requests.anchor.n, 30U);
  EXPECT_TRUE(begun.past[0].tails[0].speaks());
  EXPECT_LE(begun.past[0].tails[0].values(), 250U);
  EXPECT_FALSE(requests.ready());  // findings wait for evidence of its own
  EXPECT_GT(requests.blocks, 0U);
}

TEST(PoolPrior, ANewMemberBeginsWithTheWeekOfThoseThatHaveSeenIt) {
  PoolPrior prior;
  constexpr std::int32_t monday = 4 * 24;  // 1970-01-05, in hours since 1970
  constexpr std::size_t wednesday_noon = (2 * 24 + 12) / 2;
  for (auto [name, noon] : {std::pair{"a", 14.0}, {"b", 12.0}, {"c", 0.0}}) {
    model::Behavior behavior = behavior_of(member(name, 10, 2, 900));
    for (std::int32_t hour = monday; noon > 0 && hour < monday + 6 * 7 * 24; ++hour)
      behavior.past[0].season.visit(hour, model::week_cell_of(hour) == wednesday_noon ? noon : 10, 2,
                                    behavior.series[0].coin);
    model::PersonaRevision revision = make_revision(behavior, two_series(), start);
    revision.instance = InstanceName{name};
    prior.add(revision);
  }
  model::Behavior begun = prior.begin(two_series());
  const model::Season& season = begun.past[0].season;
  EXPECT_NEAR(season.level_at(monday + 2 * 24 + 12), 13, 0.7);
  EXPECT_NEAR(season.level_at(monday + 3 * 24 + 12), 10, 0.7);
}

TEST(PoolPrior, ASeriesThatNoMemberKnowsWellBeginsFromNothing) {
  PoolPrior prior;
  prior.add(member("a", 100, 4, 900));
  std::vector<model::Series> series = two_series();
  series.push_back({.metric = MetricName{"threads"}, .attributes = {}, .unit = {}, .kind = {}});
  model::Behavior begun = prior.begin(series);
  EXPECT_EQ(begun.series[1].anchor.n, 0U);
  EXPECT_EQ(begun.series[2].anchor.n, 0U);
  EXPECT_FALSE(begun.past[2].tails[0].speaks());
}

TEST(PoolPrior, MergingIsExactInWhateverOrderAndHoweverOften) {
  std::vector<PoolPrior> parts(3);
  for (int i = 0; i < 30; ++i)
    parts[static_cast<std::size_t>(i % 3)].add(
        member("m" + std::to_string(i), 100 + i, 3, static_cast<std::uint64_t>(500 + 37 * i % 11)));
  parts[0].add(member("m1", 50, 3, 2000));  // a later revision, told elsewhere
  PoolPrior one = parts[0];
  one.merge(parts[1]);
  one.merge(parts[2]);
  PoolPrior right = parts[1];
  right.merge(parts[2]);
  PoolPrior other = parts[0];
  other.merge(right);
  PoolPrior back = parts[2];
  back.merge(parts[1]);
  back.merge(parts[0]);
  back.merge(parts[1]);
  EXPECT_EQ(one, other);
  EXPECT_EQ(one, back);
  EXPECT_EQ(one.members(), PoolPrior::most_members);
  EXPECT_EQ(one.begin(two_series()), back.begin(two_series()));
  EXPECT_EQ(one.revision(start), back.revision(start)) << "and so is what is stored";
  EXPECT_EQ(one.revision(start), other.revision(start));
}

TEST(PoolPrior, AsARevisionItBeginsANewMemberAsItsMembersWould) {
  PoolPrior prior;
  prior.add(member("a", 100, 4, 900));
  prior.add(member("b", 140, 6, 800));
  model::PersonaRevision stored = prior.revision(start);
  EXPECT_EQ(stored.samples, 1700U);
  EXPECT_EQ(stored.series, two_series());
  std::vector<model::Series> other_order{two_series()[1], two_series()[0]};
  model::Behavior begun = begin_with(stored, other_order);
  EXPECT_EQ(begun.samples, 0U) << "nothing of its own";
  EXPECT_EQ(begun.series[0].anchor.n, 0U) << "hardly known by anybody";
  EXPECT_NEAR(begun.series[1].anchor.location, 120, 0.01);
  EXPECT_NEAR(static_cast<double>(begun.series[1].anchor.scale), 25, 0.01);
  EXPECT_EQ(begun.series[1].anchor.n, 30U);
  EXPECT_TRUE(begun.past[1].tails[0].speaks());
  EXPECT_FALSE(begun.series[1].ready());
}

TEST(PoolPrior, ItIsStoredWhenItSaysSomethingNewAndAtMostOnceAnHour) {
  PoolPrior prior;
  EXPECT_FALSE(prior_due(prior.revision(start), std::nullopt)) << "nobody knows anything";
  prior.add(member("a", 100, 4, 900));
  model::PersonaRevision first = prior.revision(start);
  EXPECT_TRUE(prior_due(first, std::nullopt));
  EXPECT_FALSE(prior_due(prior.revision(start + std::chrono::hours{2}), first)) << "it says the same";
  EXPECT_TRUE(prior_due(prior.revision(start + std::chrono::hours{25}), first)) << "a day is past";
  prior.add(member("b", 140, 4, 800));
  EXPECT_TRUE(prior_due(prior.revision(start + std::chrono::hours{2}), first));
  EXPECT_FALSE(prior_due(prior.revision(start + std::chrono::minutes{30}), first));
  EXPECT_FALSE(prior_may_be_due(first, start + std::chrono::minutes{30}));
}

TEST(PoolPrior, AnOlderRevisionTakesNobodysPlace) {
  PoolPrior prior;
  prior.add(member("a", 100, 4, 900));
  PoolPrior before = prior;
  prior.add(member("a", 10, 4, 100));
  EXPECT_EQ(prior, before);
}

}  // namespace
}  // namespace mien::learn
