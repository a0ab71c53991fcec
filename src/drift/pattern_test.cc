#include "drift/pattern.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/codec.h"
#include "base/prng.h"

namespace mien::drift {
namespace {

// A value that remembers its last one by `memory`, with the same spread for any memory.
struct Noise {
  Prng random{3};
  double value = 0;
  double next(double memory) {
    value = memory * value + std::sqrt(1 - memory * memory) * random.normal();
    return value;
  }
};

double strongest(Pattern& pattern, Noise& noise, double memory, int blocks) {
  double most = 0;
  for (int i = 0; i < blocks; ++i) {
    most = std::max(most, static_cast<double>(follow_pattern(pattern, noise.next(memory), false)));
  }
  return most;
}

TEST(Pattern, ASeriesThatForgetsItsLastValueHasAnotherTexture) {
  Pattern pattern;
  Noise noise;
  strongest(pattern, noise, 0.9, 8000);
  double before = strongest(pattern, noise, 0.9, 200);
  double after = strongest(pattern, noise, 0.0, 200);
  EXPECT_LT(before, 2);
  EXPECT_GT(after, 2.5);
}

TEST(Pattern, AStretchThatWasNeverSeenIsStrange) {
  Pattern pattern;
  Prng random(4);
  auto wave = [&](int i, int period) { return (i % period < period / 2 ? 1.0 : -1.0) + 0.1 * random.normal(); };
  int i = 0;
  for (; i < 24'000; ++i) (void)follow_pattern(pattern, wave(i, 96), false);
  double most = 0;
  for (int end = i + 192; i < end; ++i) {
    // The same values, twice as quick.
    most = std::max(most, static_cast<double>(follow_pattern(pattern, wave(i, 48), false)));
  }
  EXPECT_GT(most, 2);
}

TEST(Pattern, WhileGatedNothingButTheTailsLearns) {
  Pattern pattern;
  Noise noise;
  strongest(pattern, noise, 0.5, 3000);
  Pattern before = pattern;
  for (int i = 0; i < 500; ++i) (void)follow_pattern(pattern, 5 * noise.next(0), true);
  EXPECT_EQ(pattern.texture.usual, before.texture.usual);
  EXPECT_EQ(pattern.texture.deviation, before.texture.deviation);
  EXPECT_EQ(encode(pattern.stretch.prototypes), encode(before.stretch.prototypes));
  EXPECT_EQ(pattern.stretch.usual_distance, before.stretch.usual_distance);
}

TEST(Pattern, ItKeepsAtMostItsLimitOfStretchesAndStaysFinite) {
  Pattern pattern;
  Prng random(5);
  for (int i = 0; i < 20'000; ++i)
    EXPECT_TRUE(std::isfinite(follow_pattern(pattern, 1e6 * (random.uniform() - 0.5), false)));
  EXPECT_EQ(pattern.stretch.known, Stretch::most_prototypes);
  EXPECT_TRUE(is_whole(pattern));
  ++pattern.stretch.known;
  EXPECT_FALSE(is_whole(pattern));
}

}  // namespace
}  // namespace mien::drift
