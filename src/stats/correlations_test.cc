#include "stats/correlations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/codec.h"
#include "base/prng.h"
#include "stats/testing/group.h"
#include "stats/whole_products.h"

namespace mien::stats {
namespace {

constexpr double rate = 1e-4;

// Two values that follow each other, one of its own.
std::array<float, 3> related(Prng& random) {
  double common = random.normal();
  return {static_cast<float>(common), static_cast<float>(common + 0.1 * random.normal()),
          static_cast<float>(random.normal())};
}

Group taught(int vectors = 3000) {
  Group group;
  group.grow(3);
  Prng random(7);
  for (int i = 0; i < vectors; ++i) group.learn(related(random), rate);
  return group;
}

TEST(Correlations, AnOrdinaryVectorIsAboutOneAway) {
  Group group = taught();
  Prng random(8);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) sum += group.distance(related(random));
  EXPECT_GT(sum / 1000, 0.6);  // shrinking takes the strongest relations for weaker than they are
  EXPECT_LT(sum / 1000, 1.2);
}

TEST(Correlations, ABrokenRelationIsFarThoughEachValueIsWhereItUsuallyIs) {
  Group group = taught();
  double together = group.distance(std::array{1.0F, 1.0F, 0.0F});
  double apart = group.distance(std::array{1.0F, -1.0F, 0.0F});
  EXPECT_LT(together, 1.5);
  EXPECT_GT(apart, 5 * together);
  std::vector<double> shares = group.shares(std::array{1.0F, -1.0F, 0.0F});
  EXPECT_GT(shares[0], 10 * std::fabs(shares[2]));
  EXPECT_GT(shares[1], 10 * std::fabs(shares[2]));
}

TEST(Correlations, TheSharesAddUpToTheSquaredDistance) {
  Group group = taught();
  std::array x{0.5F, -2.0F, 3.0F};
  std::vector<double> shares = group.shares(x);
  double d = group.distance(x);
  EXPECT_NEAR(shares[0] + shares[1] + shares[2], 3 * d * d, 1e-2 * d * d);
}

TEST(Correlations, AMissingValueCountsAsOrdinary) {
  Group group = taught();
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(group.distance(std::array{nan, nan, nan}), 0);
  EXPECT_LT(group.distance(std::array{0.1F, nan, 0.1F}), 1);
  Group before = group;
  group.learn(std::array{nan, nan, nan}, rate);
  EXPECT_TRUE(std::isfinite(group.distance(std::array{1.0F, 1.0F, 0.0F})));
  EXPECT_EQ(group.view.learned(), before.view.learned() + 1);
  EXPECT_EQ(group.correlations.learned(), before.correlations.learned() + 1);
}

TEST(Correlations, OneWildValueIsSoftlyClippedAndNothingOverflows) {
  Group group = taught();
  double wild = group.distance(std::array{1e30F, 0.0F, 0.0F});
  EXPECT_TRUE(std::isfinite(wild));
  EXPECT_LT(wild, 1000);
}

TEST(Correlations, GrowingKeepsWhatWasLearned) {
  Group group = taught();
  double before = group.distance(std::array{1.0F, -1.0F, 0.0F});
  group.grow(5);
  ASSERT_EQ(group.view.size(), 5U);
  ASSERT_EQ(group.correlations.size(), 5U);
  EXPECT_TRUE(group.is_whole());
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NEAR(group.distance(std::array{1.0F, -1.0F, 0.0F, nan, nan}), before, 1e-3 * before);
  Prng random(9);
  for (int i = 0; i < 600; ++i) {
    std::array<float, 3> three = related(random);
    group.learn(std::array{three[0], three[1], three[2], three[2], 1.0F}, rate);
  }
  EXPECT_TRUE(std::isfinite(group.distance(std::array{1.0F, 1.0F, 0.0F, 0.0F, 1.0F})));
}

TEST(Correlations, MoreThanItsLimitIsNotTaken) {
  Group group;
  group.grow(1000);
  EXPECT_EQ(group.view.size(), RelationView::max_size);
  EXPECT_EQ(group.correlations.size(), Correlations::max_size);
}

// The same mathematics, plainly and in doubles: covariances by exponential means, C^-1 by elimination.
struct PlainView {
  std::vector<double> mean, variance;
  std::vector<std::vector<double>> covariance;
  std::uint64_t learned = 0;

  explicit PlainView(std::size_t size) : mean(size), variance(size), covariance(size, std::vector<double>(size)) {}

  [[nodiscard]] std::vector<double> standardise(const std::vector<float>& x) const {
    std::vector<double> q;
    for (std::size_t i = 0; i < x.size(); ++i) {
      double value = (static_cast<double>(x[i]) - mean[i]) / std::max(std::sqrt(variance[i]), RelationView::floor);
      if (std::fabs(value) > 5) value = std::copysign(5 + std::log(std::fabs(value) / 5), value);
      q.push_back(value);
    }
    return q;
  }
  void learn(const std::vector<float>& x) {
    std::vector<double> q = standardise(x);
    double a = std::max(1.0 / static_cast<double>(++learned), rate);
    for (std::size_t i = 0; i < x.size(); ++i) {
      double deviation = static_cast<double>(x[i]) - mean[i];
      variance[i] += a * ((1 - a) * deviation * deviation - variance[i]);
      mean[i] += a * deviation;
      for (std::size_t j = 0; j < x.size(); ++j) covariance[i][j] += a * (q[i] * q[j] - covariance[i][j]);
    }
  }
  [[nodiscard]] double distance(const std::vector<float>& x) const {
    std::size_t size = x.size();
    std::vector<double> q = standardise(x), solved = q;
    std::vector<std::vector<double>> c = covariance;
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j)
        c[i][j] = (i == j ? 1 : 0.99) * covariance[i][j] / std::sqrt(covariance[i][i] * covariance[j][j]);
    }
    for (std::size_t k = 0; k < size; ++k) {
      for (std::size_t i = k + 1; i < size; ++i) {
        double by = c[i][k] / c[k][k];
        for (std::size_t j = k; j < size; ++j) c[i][j] -= by * c[k][j];
        solved[i] -= by * solved[k];
      }
    }
    double squared = 0;
    for (std::size_t k = size; k-- > 0;) {
      for (std::size_t j = k + 1; j < size; ++j) solved[k] -= c[k][j] * solved[j];
      solved[k] /= c[k][k];
      squared += solved[k] * q[k];
    }
    return std::sqrt(squared / static_cast<double>(size));
  }
};

TEST(Correlations, LiesWithinFourHundredthsOfAPlainOneInDoubles) {
  for (std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{8}, std::size_t{19}, std::size_t{32}}) {
    Group group;
    group.grow(size);
    PlainView plain(size);
    Prng random(size);
    auto draw = [&] {
      std::vector<float> x;
      double common = random.normal();
      for (std::size_t i = 0; i < size; ++i) {
        double share = static_cast<double>(i % 5) / 5;
        x.push_back(static_cast<float>(100 * static_cast<double>(i) + share * common + (1 - share) * random.normal()));
      }
      return x;
    };
    for (int i = 0; i < 5 * 504 + 2000; ++i) {
      std::vector<float> x = draw();
      group.learn(x, rate);
      plain.learn(x);
    }
    for (int i = 0; i < 200; ++i) {
      std::vector<float> x = draw();
      if (i % 4 == 3) x[0] += static_cast<float>(i);
      double expected = plain.distance(x);
      EXPECT_NEAR(group.distance(x), expected, 0.04 * expected + 0.005) << size;
    }
  }
}

// What the vector instructions compute is what plain loops do.
TEST(Correlations, ProductsOfWholeNumbersAreExact) {
  Prng random(3);
  std::vector<std::int16_t> triangle(32 * 33 / 2 + 8);
  for (auto& entry : triangle) entry = static_cast<std::int16_t>(static_cast<int>(random.below(8001)) - 4000);
  Steps q;
  for (auto& step : q) step = static_cast<std::int16_t>(static_cast<int>(random.below(2001)) - 1000);
  Eights rows;
  for (auto& row : rows) {
    for (auto& value : row) value = static_cast<std::int16_t>(static_cast<int>(random.below(255)) - 127);
  }
  for (std::size_t size = 1; size <= 32; ++size) {
    std::array<float, 4> part{};
    for (std::size_t i = 0; i < size; ++i) {
      std::int32_t sum = 0;
      for (std::size_t j = 0; j <= i; ++j) sum += triangle[i * (i + 1) / 2 + j] * q[j];
      part[i % 4] += static_cast<float>(sum) * static_cast<float>(sum);
    }
    EXPECT_EQ(squared_triangle_product(triangle.data(), q, size), (part[0] + part[1]) + (part[2] + part[3])) << size;
  }
  for (std::size_t row = 0; row < 32; ++row) {
    std::array<std::int32_t, most_products> products{};
    whole_products(rows, row, products);
    for (std::size_t j = 0; j < row; ++j) {
      std::int32_t sum = 0;
      for (std::size_t k = 0; k < 8; ++k) sum += rows[row][k] * rows[j][k];
      EXPECT_EQ(products[j], sum) << row << ' ' << j;
    }
  }
}

TEST(Correlations, ComesBackExactlyAndPartsThatDoNotFitAreSeen) {
  Group group = taught(779);
  Result<Group> back = decode<Group>(encode(group), "group");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.value(), group);
  EXPECT_TRUE(back.value().is_whole());

  auto put_head = [](Encoder& encoder) {
    encoder.put(std::uint64_t{0});
    encoder.put(std::uint16_t{0});
    encoder.put(std::uint8_t{0});
    encoder.put(0.0F);
  };
  Encoder odd;  // one value, and no waiting room
  put_head(odd);
  odd.put(std::vector<float>{1});
  for (int i = 0; i < 3; ++i) odd.put(std::vector<std::int8_t>{});
  Result<Correlations> torn = decode<Correlations>(odd.bytes(), "correlations");
  ASSERT_TRUE(torn.ok());
  EXPECT_FALSE(torn.value().is_whole());

  Encoder wild;  // a factor whose sums would leave 32 bits
  put_head(wild);
  wild.put(std::vector<float>(32));
  wild.put(std::vector<std::int16_t>(31 * 32 / 2));
  wild.put(std::vector<std::int16_t>(32 * 33 / 2 + 8, 32767));
  wild.put(std::vector<std::int8_t>(256));
  Result<Correlations> large = decode<Correlations>(wild.bytes(), "correlations");
  ASSERT_TRUE(large.ok());
  EXPECT_FALSE(large.value().is_whole());

  Encoder lone;  // a mean without its variance
  lone.put(std::uint64_t{0});
  lone.put(std::vector<float>{1, 1, 1});
  EXPECT_FALSE(decode<RelationView>(lone.bytes(), "view").value().is_whole());
}

}  // namespace
}  // namespace mien::stats
