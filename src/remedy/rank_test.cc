#include "remedy/rank.h"

#include <gtest/gtest.h>

namespace mien::remedy {
namespace {

using model::EffectVerdict;

TEST(RankTest, NothingTriedMeansNothingKnown) {
  EXPECT_DOUBLE_EQ(success_interval({}).low, 0);
  EXPECT_DOUBLE_EQ(success_interval({}).high, 1);
}

// Newcombe 1998, Statistics in Medicine 17, table I: Wilson's score method without continuity correction.
TEST(RankTest, IntervalsAreThoseOfTheLiterature) {
  struct Known {
    std::uint32_t successes, trials;
    double low, high;
  };
  for (const Known& known : {Known{81, 263, 0.2553, 0.3662}, Known{15, 148, 0.0624, 0.1605},
                             Known{0, 20, 0.0000, 0.1611}, Known{1, 29, 0.0061, 0.1718}}) {
    Interval interval = success_interval({.trials = known.trials, .successes = known.successes, .demoted = 0});
    EXPECT_NEAR(interval.low, known.low, 5e-5) << known.successes << "/" << known.trials;
    EXPECT_NEAR(interval.high, known.high, 5e-5) << known.successes << "/" << known.trials;
  }
  EXPECT_DOUBLE_EQ(success_interval({.trials = 20, .successes = 20, .demoted = 0}).high, 1);
}

TEST(RankTest, FailuresMakeAStepFallAndOneSuccessBringsItBack) {
  Rank rank;
  count(rank, EffectVerdict::no_effect);
  count(rank, EffectVerdict::worse);
  EXPECT_EQ(rank, (Rank{.trials = 2, .successes = 0, .demoted = 2}));
  count(rank, EffectVerdict::unknown);
  count(rank, EffectVerdict::pending);
  EXPECT_EQ(rank.trials, 2U);
  count(rank, EffectVerdict::helped);
  EXPECT_EQ(rank, (Rank{.trials = 3, .successes = 1, .demoted = 0}));
}

}  // namespace
}  // namespace mien::remedy
