#include "learn/packed.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/codec.h"

namespace mien::learn {
namespace {

constexpr std::int32_t monday = 4 * 24;  // 1970-01-05, in hours since 1970
constexpr std::int32_t week = 7 * 24;

// One series that is 10 at each hour and `away` from that on Wednesdays between 12 and 14 o'clock; a second is unknown.
model::Behavior lived(std::int32_t weeks, double away) {
  model::Behavior behavior;
  behavior.resize(2);
  behavior.series[0].anchor = {.location = 10, .scale = 1, .n = 5000};
  behavior.series[0].season_scale = 1;
  for (std::int32_t hour = monday; hour < monday + weeks * week; ++hour) {
    std::int32_t of_week = (hour - monday) % week;
    bool other = of_week / 2 == (2 * 24 + 12) / 2;
    behavior.past[0].season.visit(hour, other ? 10 + away : 10, 1, behavior.series[0].coin);
  }
  return behavior;
}

std::uint64_t checksum_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

TEST(Packed, TheDaysOfTheWeekComeBackWithinAStepOfTheirs) {
  for (double away : {0.0, 0.6, -1.4, 2.6, -3.5}) {
    model::Behavior behavior = lived(6, away);
    Result<model::Behavior> back = unpack(pack(behavior, 2));
    ASSERT_TRUE(back.ok());
    for (std::size_t cell = 0; cell < model::week_cells; ++cell)
      EXPECT_NEAR(back->past[0].season.away(cell), behavior.past[0].season.away(cell), 0.52) << away << " " << cell;
    EXPECT_TRUE(std::isnan(back->past[1].season.away(0)));
  }
}

TEST(Packed, WhoGivesUpItsSeasonGivesUpItsWeek) {
  Result<model::Behavior> back = unpack(pack(lived(6, 2), 0));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(std::isnan(back->past[0].season.away(30)));
}

TEST(Packed, AWeekThatWasNotSeenCostsAByte) {
  model::Behavior unknown;
  unknown.resize(2);
  std::size_t one = pack(unknown, 2).size();
  unknown.resize(3);
  EXPECT_LT(pack(unknown, 3).size() - one, 80U);
}

// Version 3 ends before the weeks.
TEST(Packed, WhatWasPackedBeforeThereWereWeeksIsRead) {
  model::Behavior behavior;
  behavior.resize(2);
  behavior.series[0].anchor = {.location = 10, .scale = 1, .n = 5000};
  std::string bytes = pack(behavior, 2);
  Decoder decoder{bytes};
  std::uint32_t version = 0;
  std::uint64_t checksum = 0;
  decoder.get(version);
  decoder.get(checksum);
  std::string_view payload = decoder.rest();
  payload.remove_suffix(2);  // two empty weeks
  Encoder old;
  old.put(std::uint32_t{3});
  old.put(checksum_of(payload));
  old.raw(payload);
  Result<model::Behavior> back = unpack(old.bytes());
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(back->series[0].anchor.n, 5000U);
}

}  // namespace
}  // namespace mien::learn
