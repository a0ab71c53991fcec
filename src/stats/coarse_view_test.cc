#include "stats/coarse_view.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/codec.h"
#include "base/prng.h"
#include "stats/testing/group.h"

namespace mien::stats {
namespace {

constexpr std::size_t size = RelationView::max_size;
using Values = std::array<float, size>;

// Thirty values that are nearly sums of three, as the series of a busy host are; the last two never move.
Values lively(Prng& random) {
  std::array<double, 3> causes{random.normal(), random.normal(), random.normal()};
  Values x{};
  for (std::size_t i = 0; i + 2 < size; ++i) {
    double sum = 0.02 * random.normal();
    for (std::size_t c = 0; c < causes.size(); ++c) sum += causes[c] * (static_cast<double>((i * (c + 3)) % 7) - 3) / 3;
    x[i] = static_cast<float>(static_cast<double>(i) + sum);
  }
  return x;
}

Group taught() {
  Group view;
  view.grow(size);
  Prng random(7);
  for (int i = 0; i < 4000; ++i) view.learn(lively(random), 1e-4);
  return view;
}

// In bytes, as a revision keeps it.
struct CoarseGroup {
  CoarseView view;
  CoarseFactor factor;
};

CoarseGroup coarse(const Group& group) { return {.view = group.view.coarse(), .factor = group.correlations.coarse()}; }

std::optional<Group> from_coarse(const CoarseGroup& coarse) {
  std::optional<RelationView> view = RelationView::from_coarse(coarse.view);
  if (!view) return std::nullopt;
  std::optional<Correlations> correlations = Correlations::from_coarse(coarse.factor, *view);
  if (!correlations) return std::nullopt;
  return Group{.view = std::move(*view), .correlations = std::move(*correlations)};
}

Group came_back(const Group& group) {
  std::optional<Group> back = from_coarse(coarse(group));
  EXPECT_TRUE(back.has_value());
  return back.value_or(Group{});
}

TEST(CoarseView, DistancesComeBackNearlyThoughRelationsAreTight) {
  Group view = taught();
  Group back = came_back(view);
  Prng random(8);
  for (int i = 0; i < 300; ++i) {
    Values x = lively(random);
    EXPECT_NEAR(back.distance(x), view.distance(x), 0.15 + 0.02 * view.distance(x));
    x[static_cast<std::size_t>(i) % 30] += 2;  // leaves the others, and not where it usually is
    EXPECT_NEAR(back.distance(x), view.distance(x), 0.15 + 0.02 * view.distance(x));
    EXPECT_GT(back.distance(x), 1.5);
  }
}

TEST(CoarseView, ItLearnsOnAsTheOneItCameFrom) {
  Group view = taught();
  Group back = came_back(view);
  EXPECT_EQ(back.view.learned(), view.view.learned());
  EXPECT_EQ(back.correlations.learned(), view.correlations.learned());
  Prng random(9);
  for (int i = 0; i < 3000; ++i) {
    Values x = lively(random);
    view.learn(x, 1e-3);
    back.learn(x, 1e-3);
  }
  double error = 0;
  for (int i = 0; i < 100; ++i) {
    Values x = lively(random);
    error += std::fabs(back.distance(x) / view.distance(x) - 1) / 100;
  }
  EXPECT_LT(error, 0.05);
}

TEST(CoarseView, WhatCameBackOnceComesBackTheSame) {
  Group once = came_back(taught());
  EXPECT_EQ(once.view.coarse(), taught().view.coarse());
  EXPECT_TRUE(once.is_whole());
}

TEST(CoarseView, OneThatLearnedNothingTakesNothingAway) {
  Group fresh;
  fresh.grow(5);
  EXPECT_EQ(came_back(fresh), fresh);
  EXPECT_EQ(came_back(Group{}), Group{});
}

TEST(CoarseView, WhatFitsNoViewIsRefused) {
  CoarseGroup good = coarse(taught());
  auto refused = [&](auto change) {
    CoarseGroup bad = good;
    change(bad);
    return !from_coarse(bad).has_value();
  };
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.view.means.pop_back(); }));
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.view.spreads.pop_back(); }));
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.factor.pop_back(); }));
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.factor.push_back(0); }));
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.factor[7] = 513; })) << "larger than a view can hold";
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.factor[7] = -32768; }));
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.view.means[2] = -2'000'000'000; }));
  EXPECT_TRUE(refused([](CoarseGroup& bad) { bad.view.spreads[3].code = 10241; }));
  EXPECT_TRUE(refused([](CoarseGroup& bad) {
    bad.view.means.resize(size + 1);
    bad.view.spreads.resize(size + 1);
    bad.factor.resize(size * (size + 1) / 2, 1);
  })) << "more than there may be";
}

// Whatever bytes of the right sizes come: a view that judges with a number, or none.
TEST(CoarseView, AnyBytesGiveAViewThatCountsOrNone) {
  Prng random(3);
  int taken = 0;
  CoarseGroup good = coarse(taught());
  for (int round = 0; round < 300; ++round) {
    CoarseGroup any = good;
    for (int i = 0; i < 20; ++i)
      any.factor[random.next() % any.factor.size()] = static_cast<std::int16_t>(random.next() % 1025) - 512;
    for (std::int32_t& mean : any.view.means) mean = static_cast<std::int16_t>(random.next());
    std::optional<Group> view = from_coarse(any);
    if (!view) continue;
    ++taken;
    EXPECT_TRUE(view->is_whole());
    EXPECT_TRUE(std::isfinite(view->distance(lively(random))));
    EXPECT_EQ(decode<Group>(encode(*view), "group").value(), *view);
  }
  EXPECT_GT(taken, 0);
}

TEST(LogCode, ComesBackWithinASeventhOfAPercent) {
  for (double x = 0.005; x < 1e6; x *= 1.37) EXPECT_NEAR(LogCode::of(x).value(), x, 0.0014 * x);
  EXPECT_EQ(LogCode::of(0).value(), 0);
  EXPECT_EQ(LogCode::of(-1).value(), 0);
  EXPECT_EQ(LogCode::of(std::nan("")).value(), 0);
  EXPECT_EQ(LogCode::of(1e300).code, LogCode::highest);
}

}  // namespace
}  // namespace mien::stats
