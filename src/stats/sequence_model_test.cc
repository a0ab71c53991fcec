#include "stats/sequence_model.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/math.h"
#include "base/prng.h"
#include "base/text.h"

namespace mien::stats {
namespace {

using Trace = std::vector<std::string>;

// A made-up program: from each of its calls three others may follow, one of them mostly.
Trace ordinary(Prng& random, std::size_t length, std::uint64_t program = 0) {
  Trace trace;
  std::uint64_t call = 0;
  for (std::size_t i = 0; i < length; ++i) {
    trace.push_back(cat("call", program * 10 + call));
    std::uint64_t choice = random.chance(0.8) ? 0 : 1 + random.below(2);
    call = (call * 3 + 1 + choice * 5) % 10;
  }
  return trace;
}

// The same calls in an order of their own, put into the middle of a trace.
Trace misled(Prng& random, std::size_t length) {
  Trace trace = ordinary(random, length);
  for (std::size_t i = length / 2; i < length / 2 + 30; ++i) trace[i] = cat("call", random.below(10));
  return trace;
}

void learn(SequenceModel& model, const Trace& trace) {
  model.begin_trace();
  for (const std::string& name : trace) model.learn(name);
}

SequenceModel::Verdict judge(const SequenceModel& model, const Trace& trace) {
  SequenceModel::Meter meter(model);
  for (const std::string& name : trace) meter.add(name);
  return meter.verdict();
}

class Learned : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 200; ++i) learn(model_, ordinary(random_, 100 + random_.below(200), random_.below(3)));
    ASSERT_TRUE(model_.finish());
  }
  Prng random_{7};
  SequenceModel model_;
};

TEST_F(Learned, ForeignOrderOfTheSameCallsRanksAboveOrdinaryTraces) {
  std::vector<double> good;
  std::vector<double> bad;
  for (int i = 0; i < 100; ++i) good.push_back(judge(model_, ordinary(random_, 200, random_.below(3))).score);
  for (int i = 0; i < 100; ++i) bad.push_back(judge(model_, misled(random_, 200)).score);
  int won = 0;
  for (double b : bad)
    for (double g : good) won += b > g ? 1 : 0;
  EXPECT_GT(won, 9'500);  // of 10,000: the area under the curve
}

TEST_F(Learned, OrdinaryTracesGetAboveAPromisedLevelAsOftenAsPromised) {
  int above_half = 0;
  int above_99 = 0;
  constexpr int tries = 1000;
  for (int i = 0; i < tries; ++i) {
    double score = judge(model_, ordinary(random_, 100 + random_.below(200), random_.below(3))).score;
    above_half += score > 0.5 ? 1 : 0;
    above_99 += score > 0.99 ? 1 : 0;
  }
  EXPECT_NEAR(above_half, tries / 2, 100);
  EXPECT_LE(above_99, 30);
}

TEST_F(Learned, MoreForeignCallsNeverLowerTheScore) {
  Trace trace = ordinary(random_, 200);
  double before = judge(model_, trace).score;
  for (std::size_t i = 20; i < 180; i += 20) {
    for (std::size_t j = i; j < i + 20; j += 4) trace[j] = "ptrace";
    double after = judge(model_, trace).score;
    EXPECT_GE(after, before) << i;
    before = after;
  }
  EXPECT_GT(before, 0.99);
  EXPECT_LE(before, 1);
}

TEST_F(Learned, TheSameTraceGetsTheSameScoreToTheBit) {
  SequenceModel again;
  Prng random(7);
  for (int i = 0; i < 200; ++i) {
    std::size_t length = 100 + random.below(200);
    learn(again, ordinary(random, length, random.below(3)));
  }
  SequenceModel third;
  random = Prng(7);
  for (int i = 0; i < 200; ++i) {
    std::size_t length = 100 + random.below(200);
    learn(third, ordinary(random, length, random.below(3)));
  }
  ASSERT_TRUE(again.finish() && third.finish());
  for (int i = 0; i < 20; ++i) {
    Trace trace = misled(random_, 150);
    EXPECT_EQ(judge(again, trace).score, judge(third, trace).score);
  }
}

TEST_F(Learned, AnyLengthGivesAScoreFromOneCallOn) {
  EXPECT_GE(judge(model_, {}).score, 0);
  EXPECT_GE(judge(model_, {"call0"}).score, 0);
  EXPECT_GT(judge(model_, Trace(5000, "ptrace")).score, 0.99);
}

TEST(SequenceModel, OneLongTraceIsEnoughToLearnFrom) {
  Prng random(11);
  SequenceModel model;
  learn(model, ordinary(random, 20'000));
  ASSERT_TRUE(model.finish());
  EXPECT_EQ(model.pieces(), 150U);
  EXPECT_GT(judge(model, Trace(200, "ptrace")).score, 0.99);
  int above = 0;
  for (std::size_t i = 0; i < 100; ++i) above += judge(model, ordinary(random, 100 + 40 * i)).score > 0.9 ? 1 : 0;
  EXPECT_LE(above, 25);  // however long they are
  Trace late = ordinary(random, 3000);
  for (std::size_t i = 2990; i < 3000; ++i) late[i] = "ptrace";
  SequenceModel::Verdict verdict = judge(model, late);
  EXPECT_GT(verdict.score, 0.99);
  EXPECT_EQ(verdict.calls, 3000U);
  EXPECT_EQ(verdict.of, 133U);
}

TEST(SequenceModel, TooLittleIsNotJudgedBy) {
  SequenceModel nothing;
  EXPECT_FALSE(nothing.finish());
  SequenceModel little;
  learn(little, Trace(60, "read"));
  EXPECT_FALSE(little.finish());
}

TEST(SequenceModel, WhatIsBeyondALimitIsCountedAndTheRestStillJudges) {
  Prng random(13);
  SequenceModel model({.names = 5, .grams = 50, .calls = 3000, .neighbours = 3, .pairs = 2, .strange_names = 1});
  for (int i = 0; i < 40; ++i) learn(model, ordinary(random, 100));
  ASSERT_TRUE(model.finish());
  EXPECT_EQ(model.known_names(), 5U);
  EXPECT_EQ(model.shed().calls, 1000U);
  EXPECT_GT(model.shed().names, 0U);
  EXPECT_GT(model.shed().grams, 0U);
  EXPECT_GT(model.shed().pairs, 0U);
  SequenceModel::Verdict verdict = judge(model, misled(random, 300));
  EXPECT_GT(verdict.shed, 0U);
  double score = verdict.score;
  EXPECT_GE(score, 0);
  EXPECT_LE(score, 1);
}

TEST(Rarity, FallsWithTheValueAndIsARankBelowTheKnee) {
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(i);
  Rarity rarity;
  rarity.fit(values, 1);
  EXPECT_NEAR(rarity.probability(100, false), 0.5, 0.01);
  double before = 1;
  for (double u = -10; u < 5000; u += 0.5) {
    double p = rarity.probability(u, false);
    EXPECT_LE(p, before + 1e-12) << u;
    EXPECT_GT(p, 0);
    before = p;
  }
  EXPECT_LT(before, 1e-3);
}

TEST(Rarity, OfOneOrTwoValuesIsAProbabilityToo) {
  for (const std::vector<double>& values : {std::vector<double>{3}, std::vector<double>{1, 3}}) {
    Rarity rarity;
    rarity.fit(values, 0.01);
    double before = 1;
    for (double u : {0.0, 1.0, 2.0, 3.0, 4.0, 100.0}) {
      double p = rarity.probability(u, false);
      EXPECT_GT(p, 0) << u;
      EXPECT_LE(p, before) << u;
      before = p;
    }
  }
}

TEST(Rarity, OfAMeasureThatIsAlwaysNoughtOnlyMoreThanNoughtIsRare) {
  Rarity rarity;
  rarity.fit(std::vector<double>(99, 0.0), 0.01);
  EXPECT_EQ(rarity.probability(0, false), 1);
  EXPECT_LT(rarity.probability(0.01, false), 0.01);
}

}  // namespace
}  // namespace mien::stats
