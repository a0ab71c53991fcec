#include "stats/vae.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/codec.h"

namespace mien::stats {
namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

// Three values on a curve that no line follows: load, and two that share it in a way that depends on it.
std::vector<float> curve(Prng& random, double noise = 0.05) {
  double load = 2 * random.uniform() - 1;
  auto at = [&](double value) { return static_cast<float>(1.5 * value + noise * random.normal()); };
  return {at(load), at(2 * load * load - 1), at(load * (4 * load * load - 3))};
}

std::vector<float> rows_of(std::size_t count, std::uint64_t seed = 5) {
  Prng random(seed);
  std::vector<float> rows;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<float> row = curve(random);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

Vae trained(std::vector<float> rows, std::uint64_t seed = 1) {
  VaeTraining training({.shape = {.inputs = 3, .hidden = 16, .latent = 2}, .seed = seed, .epochs = 60},
                       std::move(rows));
  while (training.step()) {
  }
  return training.result();
}

std::string bytes_of(const Vae& vae) {
  Encoder encoder;
  encoder.put(vae);
  return encoder.take();
}

TEST(Vae, TheGradientIsThatOfFiniteDifferencesWhateverTheShape) {
  Prng random(11);
  for (int round = 0; round < 40; ++round) {
    VaeShape shape{.inputs = static_cast<std::uint32_t>(1 + random.below(9)),
                   .hidden = static_cast<std::uint32_t>(1 + random.below(7)),
                   .latent = static_cast<std::uint32_t>(1 + random.below(4))};
    std::vector<double> parameters(shape.parameters());
    for (double& p : parameters) p = 0.7 * random.normal();
    std::vector<float> x(shape.inputs);
    for (float& value : x) value = random.chance(0.1) ? missing : static_cast<float>(2 * random.normal());
    std::vector<double> noise(shape.latent);
    for (double& n : noise) n = random.normal();
    double weight = 0.2 + random.uniform();
    std::vector<double> gradient(parameters.size(), 0);
    double loss = vae_loss(shape, parameters, x, noise, weight, gradient);
    EXPECT_EQ(loss, vae_loss(shape, parameters, x, noise, weight, {})) << "asking for the gradient changes nothing";
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      constexpr double step = 1e-6;
      double before = parameters[i];
      parameters[i] = before + step;
      double above = vae_loss(shape, parameters, x, noise, weight, {});
      parameters[i] = before - step;
      double below = vae_loss(shape, parameters, x, noise, weight, {});
      parameters[i] = before;
      double expected = (above - below) / (2 * step);
      EXPECT_NEAR(gradient[i], expected, 1e-6 * (1 + std::fabs(expected) + std::fabs(loss)))
          << "round " << round << ", parameter " << i;
    }
  }
}

TEST(Vae, AValueThatDoesNotGoWithTheOthersIsFarThoughEachIsWhereItUsuallyIs) {
  Vae vae = trained(rows_of(2000));
  ASSERT_TRUE(vae.speaks());
  Prng random(6);
  double ordinary = 0;
  for (int i = 0; i < 500; ++i) ordinary += vae.distance(curve(random)) / 500;
  EXPECT_GT(ordinary, 0.3);
  EXPECT_LT(ordinary, 2);
  // At full load, on either side, the second is at its top. All three lines through the data are flat there.
  std::array<float, 3> shares{};
  EXPECT_GT(vae.distance(std::array{1.5F, -1.5F, 1.5F}, shares), 3 * ordinary);
  EXPECT_GT(shares[0] + shares[1] + shares[2], 0);
}

TEST(Vae, TheSameRowsAndSeedGiveTheSameBytes) {
  EXPECT_EQ(bytes_of(trained(rows_of(600))), bytes_of(trained(rows_of(600))));
  EXPECT_NE(bytes_of(trained(rows_of(600))), bytes_of(trained(rows_of(600), 2)));
}

TEST(Vae, WhatIsReadBackJudgesAlike) {
  Vae vae = trained(rows_of(600));
  std::string bytes = bytes_of(vae);
  Decoder decoder{bytes};
  Vae read;
  decoder.get(read);
  ASSERT_TRUE(decoder.finish("vae"));
  EXPECT_TRUE(read.is_whole());
  EXPECT_EQ(vae, read);
  EXPECT_EQ(vae.distance(std::array{0.3F, -1.0F, 0.2F}), read.distance(std::array{0.3F, -1.0F, 0.2F}));
}

TEST(Vae, NoNumberAtAllSpreads) {
  std::vector<float> rows = rows_of(600);
  for (std::size_t i = 0; i < rows.size(); i += 17) rows[i] = missing;
  for (std::size_t i = 5; i < rows.size(); i += 41)
    rows[i] = (i % 2 == 0 ? 1 : -1) * std::numeric_limits<float>::infinity();
  Vae vae = trained(rows);
  ASSERT_TRUE(vae.speaks());
  EXPECT_TRUE(vae.is_whole());
  EXPECT_TRUE(std::isfinite(vae.distance(std::array{missing, std::numeric_limits<float>::infinity(), 1e30F})));
  EXPECT_EQ(vae.distance(std::array{missing, missing, missing}), 0);
}

TEST(Vae, AnUnsoundShapeOrTooFewRowsTeachNothing) {
  VaeTraining none({.shape = {.inputs = 3, .hidden = 0, .latent = 1}}, rows_of(200));
  EXPECT_FALSE(none.step());
  VaeTraining few({.shape = {.inputs = 3, .hidden = 4, .latent = 1}}, rows_of(20));
  EXPECT_FALSE(few.step());
  EXPECT_FALSE(few.result().speaks());
  EXPECT_EQ(few.result().distance(std::array{1.0F, 2.0F, 3.0F}), 0);
  EXPECT_FALSE(Vae({.inputs = 3, .hidden = 4, .latent = 1}, std::vector<float>(7)).speaks());
}

TEST(Vae, ConstantRowsAreLearnedAndTheirChangeIsFar) {
  std::vector<float> rows(3 * 300, 0.0F);
  Vae vae = trained(rows);
  ASSERT_TRUE(vae.speaks());
  EXPECT_LT(vae.distance(std::array{0.0F, 0.0F, 0.0F}), 1);
  EXPECT_GT(vae.distance(std::array{0.0F, 4.0F, 0.0F}), 5);
}

}  // namespace
}  // namespace mien::stats
