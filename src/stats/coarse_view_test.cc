#include "stats/coarse_view.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/codec.h"
#include "base/prng.h"
#include "stats/relation_view.h"

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

RelationView taught() {
  RelationView view;
  view.grow(size);
  Prng random(7);
  for (int i = 0; i < 4000; ++i) view.learn(lively(random), 1e-4);
  return view;
}

RelationView came_back(const RelationView& view) {
  std::optional<RelationView> back = RelationView::from_coarse(view.coarse());
  EXPECT_TRUE(back.has_value());
  return back.value_or(RelationView{});
}

TEST(CoarseView, DistancesComeBackNearlyThoughRelationsAreTight) {
  RelationView view = taught();
  RelationView back = came_back(view);
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
  RelationView view = taught();
  RelationView back = came_back(view);
  EXPECT_EQ(back.learned(), view.learned());
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
  RelationView once = came_back(taught());
  CoarseView coarse = taught().coarse();
  CoarseView again = once.coarse();
  EXPECT_EQ(again.means, coarse.means);
  EXPECT_EQ(again.spreads, coarse.spreads);
  EXPECT_TRUE(once.is_whole());
}

TEST(CoarseView, OneThatLearnedNothingTakesNothingAway) {
  RelationView fresh;
  fresh.grow(5);
  EXPECT_EQ(came_back(fresh), fresh);
  EXPECT_EQ(came_back(RelationView{}), RelationView{});
}

TEST(CoarseView, WhatFitsNoViewIsRefused) {
  CoarseView good = taught().coarse();
  auto refused = [&](auto change) {
    CoarseView bad = good;
    change(bad);
    return !RelationView::from_coarse(bad).has_value();
  };
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.means.pop_back(); }));
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.spreads.pop_back(); }));
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.factor.pop_back(); }));
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.factor.push_back(0); }));
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.factor[7] = 513; })) << "larger than a view can hold";
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.factor[7] = -32768; }));
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.means[2] = -2'000'000'000; }));
  EXPECT_TRUE(refused([](CoarseView& bad) { bad.spreads[3].code = 10241; }));
  EXPECT_TRUE(refused([](CoarseView& bad) {
    bad.means.resize(size + 1);
    bad.spreads.resize(size + 1);
    bad.factor.resize(size * (size + 1) / 2, 1);
  })) << "more than there may be";
}

// Whatever bytes of the right sizes come: a view that judges with a number, or none.
TEST(CoarseView, AnyBytesGiveAViewThatCountsOrNone) {
  Prng random(3);
  int taken = 0;
  CoarseView good = taught().coarse();
  for (int round = 0; round < 300; ++round) {
    CoarseView any = good;
    for (int i = 0; i < 20; ++i)
      any.factor[random.next() % any.factor.size()] = static_cast<std::int16_t>(random.next() % 1025) - 512;
    for (std::int32_t& mean : any.means) mean = static_cast<std::int16_t>(random.next());
    std::optional<RelationView> view = RelationView::from_coarse(any);
    if (!view) continue;
    ++taken;
    EXPECT_TRUE(view->is_whole());
    EXPECT_TRUE(std::isfinite(view->distance(lively(random))));
    EXPECT_EQ(decode<RelationView>(encode(*view), "view").value(), *view);
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
