#include "drift/sustained.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace mien::drift {
namespace {

// Blocks of moderate surprise by chance, as a healthy instance has them.
struct Healthy {
  Sustained sustained;
  Prng random{7};
  double last = 0;

  double block(double strength, bool judged = true) {
    last = follow(sustained, {.value = strength, .blocks = 1, .gated = false, .judged = judged});
    return last;
  }
  void live(int blocks) {
    for (int i = 0; i < blocks; ++i) block(random.exponential());
  }
};

TEST(Sustained, SaysNothingUntilTwentyStretchesAreKnown) {
  Healthy host;
  for (int i = 0; i < 19 * 48; ++i) EXPECT_EQ(host.block(6 * host.random.uniform()), 0);
}

TEST(Sustained, ManyModerateBlocksAreRareThoughNoneOfThemIs) {
  Healthy host;
  host.live(20'000);
  double highest = 0;
  for (int i = 0; i < 96; ++i) highest = std::max(highest, host.block(2.5));  // each happens once in twelve blocks
  EXPECT_GT(highest, 5);
}

TEST(Sustained, OneHugeBlockIsNotEnough) {
  Healthy host;
  host.live(20'000);
  EXPECT_LT(host.block(20), 4);
}

TEST(Sustained, StaysOrdinaryOverAHealthyLife) {
  Healthy host;
  host.live(20'000);
  int rare = 0;
  for (int i = 0; i < 20'000; ++i) rare += host.block(host.random.exponential()) > 4.5 ? 1 : 0;
  EXPECT_LT(rare, 60);
}

TEST(Sustained, WhatIsNotJudgedDoesNotTeach) {
  Healthy host;
  for (int i = 0; i < 5'000; ++i) host.block(1, false);
  EXPECT_EQ(host.sustained.past.values(), 0);
}

}  // namespace
}  // namespace mien::drift
