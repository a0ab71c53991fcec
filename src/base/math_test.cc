#include "base/math.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/prng.h"

namespace mien {
namespace {

double ulps(double got, long double want) {
  double rounded = static_cast<double>(want);
  double unit = std::nextafter(std::fabs(rounded), HUGE_VAL) - std::fabs(rounded);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / static_cast<long double>(unit));
}

TEST(Math, LogStaysWithinTwoUlps) {
  Prng prng{1};
  for (int i = 0; i < 200'000; ++i) {
    double x = std::exp((prng.uniform() - 0.5) * 1400);
    ASSERT_LE(ulps(math::log(x), logl(static_cast<long double>(x))), 2) << x;
    ASSERT_LE(ulps(math::log2(x), log2l(static_cast<long double>(x))), 2) << x;
    ASSERT_LE(ulps(math::log10(x), log10l(static_cast<long double>(x))), 3) << x;
  }
}

TEST(Math, ExpStaysWithinTwoUlps) {
  Prng prng{2};
  for (int i = 0; i < 200'000; ++i) {
    double x = (prng.uniform() - 0.5) * 1400;
    ASSERT_LE(ulps(math::exp(x), expl(static_cast<long double>(x))), 2) << x;
    double y = (prng.uniform() - 0.5) * 4;
    ASSERT_LE(ulps(math::expm1(y), expm1l(static_cast<long double>(y))), 4) << y;
  }
}

TEST(Math, LogOfPowersOfTwoIsExact) {
  for (int k = -1000; k <= 1000; ++k) ASSERT_EQ(math::log2(std::ldexp(1.0, k)), k);
}

TEST(Math, TrigonometryAndHyperbolicsAreCloseEnough) {
  Prng prng{3};
  for (int i = 0; i < 100'000; ++i) {
    double x = (prng.uniform() - 0.5) * 2000;
    ASSERT_NEAR(math::sin(x), std::sin(x), 1e-13);
    ASSERT_NEAR(math::cos(x), std::cos(x), 1e-13);
    ASSERT_NEAR(math::tanh(x / 100), std::tanh(x / 100), 1e-14);
    ASSERT_NEAR(math::asinh(x), std::asinh(x), 1e-13);
    double y = prng.uniform() * 10 - 0.999;
    ASSERT_LE(ulps(math::log1p(y), log1pl(static_cast<long double>(y))), 3) << y;
  }
}

TEST(Math, EdgesAreDefined) {
  EXPECT_TRUE(std::isinf(math::log(0)));
  EXPECT_TRUE(std::isnan(math::log(-1)));
  EXPECT_EQ(math::exp(0), 1);
  EXPECT_EQ(math::exp(-1000), 0);
  EXPECT_TRUE(std::isinf(math::exp(1000)));
  EXPECT_EQ(math::log(1), 0);
}

}  // namespace
}  // namespace mien
