#include "stats/relation_view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/codec.h"
#include "base/prng.h"

namespace mien::stats {
namespace {

constexpr double rate = 1e-4;

// Two values that follow each other, one of its own.
std::array<float, 3> related(Prng& random) {
  double common = random.normal();
  return {static_cast<float>(common), static_cast<float>(common + 0.1 * random.normal()),
          static_cast<float>(random.normal())};
}

RelationView taught(int vectors = 3000) {
  RelationView view;
  view.grow(3);
  Prng random(7);
  for (int i = 0; i < vectors; ++i) view.learn(related(random), rate);
  return view;
}

TEST(RelationView, AnOrdinaryVectorIsAboutOneAway) {
  RelationView view = taught();
  Prng random(8);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) sum += view.distance(related(random));
  EXPECT_GT(sum / 1000, 0.6);  // shrinking takes the strongest relations for weaker than they are
  EXPECT_LT(sum / 1000, 1.2);
}

TEST(RelationView, ABrokenRelationIsFarThoughEachValueIsWhereItUsuallyIs) {
  RelationView view = taught();
  double together = view.distance(std::array{1.0F, 1.0F, 0.0F});
  double apart = view.distance(std::array{1.0F, -1.0F, 0.0F});
  EXPECT_LT(together, 1.5);
  EXPECT_GT(apart, 5 * together);
  std::vector<double> shares = view.shares(std::array{1.0F, -1.0F, 0.0F});
  EXPECT_GT(shares[0], 10 * std::fabs(shares[2]));
  EXPECT_GT(shares[1], 10 * std::fabs(shares[2]));
}

TEST(RelationView, TheSharesAddUpToTheSquaredDistance) {
  RelationView view = taught();
  std::array x{0.5F, -2.0F, 3.0F};
  std::vector<double> shares = view.shares(x);
  double d = view.distance(x);
  EXPECT_NEAR(shares[0] + shares[1] + shares[2], 3 * d * d, 1e-3 * d * d);
}

TEST(RelationView, AMissingValueCountsAsOrdinary) {
  RelationView view = taught();
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(view.distance(std::array{nan, nan, nan}), 0);
  EXPECT_LT(view.distance(std::array{0.1F, nan, 0.1F}), 1);
  RelationView before = view;
  view.learn(std::array{nan, nan, nan}, rate);
  EXPECT_TRUE(std::isfinite(view.distance(std::array{1.0F, 1.0F, 0.0F})));
  EXPECT_EQ(view.learned(), before.learned() + 1);
}

TEST(RelationView, OneWildValueIsSoftlyClippedAndNothingOverflows) {
  RelationView view = taught();
  double wild = view.distance(std::array{1e30F, 0.0F, 0.0F});
  EXPECT_TRUE(std::isfinite(wild));
  EXPECT_LT(wild, 1000);
}

TEST(RelationView, GrowingKeepsWhatWasLearned) {
  RelationView view = taught();
  double before = view.distance(std::array{1.0F, -1.0F, 0.0F});
  view.grow(5);
  ASSERT_EQ(view.size(), 5U);
  EXPECT_TRUE(view.is_whole());
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NEAR(view.distance(std::array{1.0F, -1.0F, 0.0F, nan, nan}), before, 1e-3 * before);
  Prng random(9);
  for (int i = 0; i < 600; ++i) {
    std::array<float, 3> three = related(random);
    view.learn(std::array{three[0], three[1], three[2], three[2], 1.0F}, rate);
  }
  EXPECT_TRUE(std::isfinite(view.distance(std::array{1.0F, 1.0F, 0.0F, 0.0F, 1.0F})));
}

TEST(RelationView, MoreThanItsLimitIsNotTaken) {
  RelationView view;
  view.grow(1000);
  EXPECT_EQ(view.size(), RelationView::max_size);
}

TEST(RelationView, ComesBackExactlyAndPartsThatDoNotFitAreSeen) {
  RelationView view = taught(777);
  Result<RelationView> back = decode<RelationView>(encode(view), "view");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.value(), view);
  EXPECT_TRUE(back.value().is_whole());
  Encoder odd;  // one mean, no variance
  odd.put(std::uint64_t{0});
  odd.put(std::uint32_t{0});
  odd.put(std::vector<float>{1});
  for (int i = 0; i < 3; ++i) odd.put(std::vector<float>{});
  Result<RelationView> torn = decode<RelationView>(odd.bytes(), "view");
  ASSERT_TRUE(torn.ok());
  EXPECT_FALSE(torn.value().is_whole());
}

}  // namespace
}  // namespace mien::stats
