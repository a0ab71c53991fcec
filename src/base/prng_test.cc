#include "base/prng.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace mien {
namespace {

TEST(Prng, GivesTheNumbersOfTheReferenceImplementation) {
  // xoshiro256++ seeded with 42 by splitmix64, computed apart from this code.
  Prng prng{42};
  for (std::uint64_t expected : {0xd0764d4f4476689fU, 0x519e4174576f3791U, 0xfbe07cfb0c24ed8cU, 0xb37d9f600cd835b8U})
    EXPECT_EQ(prng.next(), expected);
}

TEST(Prng, BelowStaysBelowAndReachesEverything) {
  Prng prng{1};
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(prng.below(7));
  for (int count : seen) EXPECT_NEAR(count, 1000, 200);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(prng.below(1), 0U);
  for (int i = 0; i < 100; ++i) EXPECT_LT(prng.below((std::uint64_t{1} << 63) + 1), (std::uint64_t{1} << 63) + 1);
}

TEST(Prng, DrawsHaveTheMomentsOfTheirDistributions) {
  Prng prng{2};
  constexpr int n = 100'000;
  double uniform = 0;
  double normal = 0;
  double normal_squared = 0;
  double exponential = 0;
  for (int i = 0; i < n; ++i) {
    double u = prng.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    uniform += u / n;
    double z = prng.normal();
    normal += z / n;
    normal_squared += z * z / n;
    exponential += prng.exponential() / n;
  }
  EXPECT_NEAR(uniform, 0.5, 0.01);
  EXPECT_NEAR(normal, 0, 0.02);
  EXPECT_NEAR(normal_squared, 1, 0.03);
  EXPECT_NEAR(exponential, 1, 0.02);
}

TEST(Prng, GoesOnWhereItsStateWasTaken) {
  Prng prng{3};
  prng.next();
  Prng other{0};
  other.restore(prng.state());
  EXPECT_EQ(other, prng);
  EXPECT_EQ(other.next(), prng.next());
}

TEST(Prng, ForksAreReproducibleAndApart) {
  Prng prng{4};
  EXPECT_EQ(prng.fork(1).next(), prng.fork(1).next());
  EXPECT_NE(prng.fork(1).next(), prng.fork(2).next());
  EXPECT_NE(prng.fork(1).next(), Prng{4}.next());
}

}  // namespace
}  // namespace mien
