#include "wire/detail/rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mien::wire {
namespace {

using ::testing::ElementsAre;

constexpr std::int64_t t0 = 1'795'425'772'000'000'000;
constexpr std::int64_t ms = 1'000'000;

TEST(Rounds, WhatOneCollectionReadsSourceAfterSourceIsOneRow) {
  std::vector<std::int64_t> times{t0 + 485 * ms, t0 + 455 * ms, t0 + 494 * ms};
  std::vector<PlacedSample> samples{{.column = 0, .row = 0}, {.column = 1, .row = 1}, {.column = 2, .row = 2}};
  Rounds rounds = rounds_of(times, samples, 3);
  EXPECT_THAT(rounds.times, ElementsAre(t0 + 455 * ms));
  EXPECT_THAT(rounds.round, ElementsAre(0U, 0U, 0U));
}

TEST(Rounds, NoTwoSamplesOfASeriesFallTogether) {
  std::vector<std::int64_t> times{t0, t0 + 10 * ms, t0 + 100 * ms, t0 + 110 * ms};
  std::vector<PlacedSample> samples{
      {.column = 0, .row = 0}, {.column = 1, .row = 1}, {.column = 0, .row = 2}, {.column = 1, .row = 3}};
  Rounds rounds = rounds_of(times, samples, 2);
  EXPECT_THAT(rounds.times, ElementsAre(t0, t0 + 100 * ms));
  EXPECT_THAT(rounds.round, ElementsAre(0U, 0U, 1U, 1U));
}

TEST(Rounds, WhatIsHalfASecondApartStaysApart) {
  std::vector<std::int64_t> times{t0, t0 + 499 * ms, t0 + 500 * ms};
  std::vector<PlacedSample> samples{{.column = 0, .row = 0}, {.column = 1, .row = 1}, {.column = 2, .row = 2}};
  Rounds rounds = rounds_of(times, samples, 3);
  EXPECT_THAT(rounds.times, ElementsAre(t0, t0 + 500 * ms)) << "half a second from its beginning, not from the last";
  EXPECT_THAT(rounds.round, ElementsAre(0U, 0U, 1U));
}

TEST(Rounds, SecondsOfABacklogStayAsTheyAre) {
  std::vector<std::int64_t> times{t0 + 2000 * ms, t0, t0 + 1000 * ms};
  std::vector<PlacedSample> samples{{.column = 0, .row = 0}, {.column = 0, .row = 1}, {.column = 1, .row = 2}};
  Rounds rounds = rounds_of(times, samples, 2);
  EXPECT_THAT(rounds.times, ElementsAre(t0, t0 + 1000 * ms, t0 + 2000 * ms));
  EXPECT_THAT(rounds.round, ElementsAre(2U, 0U, 1U));
}

TEST(Rounds, OfNothingThereAreNone) { EXPECT_TRUE(rounds_of({}, {}, 0).times.empty()); }

}  // namespace
}  // namespace mien::wire
