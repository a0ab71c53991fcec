#include "node/sequence_window.h"

#include <gtest/gtest.h>

#include <set>

#include "base/codec.h"
#include "base/prng.h"

namespace mien::node {
namespace {

TEST(SequenceWindow, EachNumberIsNewOnce) {
  SequenceWindow window;
  std::set<std::uint64_t> oracle;
  Prng prng{3};
  std::uint64_t base = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (prng.chance(0.5)) ++base;
    std::uint64_t number = base + prng.below(6) + 1;  // nearly in order, with repeats and small gaps
    EXPECT_EQ(window.insert(number), oracle.insert(number).second) << number;
  }
}

TEST(SequenceWindow, StaysBoundedAndClosesTheOldestGapFirst) {
  SequenceWindow window;
  for (std::uint64_t n = 1; n <= 1000; ++n) EXPECT_TRUE(window.insert(10 * n));
  EXPECT_EQ(window.highest(), 10'000U);
  EXPECT_LE(encode(window).size(), SequenceWindow::max_intervals * 12U);
  EXPECT_FALSE(window.insert(15)) << "what the closed gap held counts as seen";
  EXPECT_TRUE(window.insert(9995));
}

TEST(SequenceWindow, TwoLanesAreTwoIntervals) {
  SequenceWindow window;
  for (std::uint64_t n = 1; n <= 50; ++n) EXPECT_TRUE(window.insert(n));
  for (std::uint64_t n = 700; n <= 750; ++n) EXPECT_TRUE(window.insert(n));
  for (std::uint64_t n = 51; n < 700; ++n) EXPECT_TRUE(window.insert(n));
  SequenceWindow whole;
  for (std::uint64_t n = 1; n <= 750; ++n) EXPECT_TRUE(whole.insert(n));
  EXPECT_EQ(window, whole);
}

}  // namespace
}  // namespace mien::node
