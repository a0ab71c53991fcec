#include "model/season.h"

#include <gtest/gtest.h>

#include "base/codec.h"
#include "model/behavior.h"

namespace mien::model {
namespace {

constexpr std::int32_t monday = 4 * 24;  // 1970-01-05, in hours since 1970
constexpr std::int32_t week = 7 * 24;
constexpr double scale = 1;

// `weeks` of days that are 10 at each hour, Wednesdays `away` from that between 12 and 14 o'clock.
Season lived(std::int32_t weeks, double away) {
  Season season;
  std::uint32_t coin = 1;
  for (std::int32_t hour = monday; hour < monday + weeks * week; ++hour) {
    std::int32_t of_week = (hour - monday) % week;
    bool other = of_week == 2 * 24 + 12 || of_week == 2 * 24 + 13;
    season.visit(hour, other ? 10 + away : 10, scale, coin);
  }
  return season;
}

TEST(SeasonTest, ADayOfTheWeekIsExpectedFromItsSecondWeekOn) {
  Season season = lived(1, 3);
  std::int32_t noon = monday + week + 2 * 24 + 12;
  EXPECT_NEAR(season.level_at(noon), 13,
              0.8);  // its visit moved the level of working days too, by what it taught the week
  EXPECT_NEAR(season.level_at(noon - 24), 10.6, 0.3);
  EXPECT_NEAR(season.level_at(noon + 2), 10, 0.1);
}

TEST(SeasonTest, OtherDaysForgetWhatOneDayDid) {
  Season season = lived(8, 3);
  std::int32_t noon = monday + 8 * week + 2 * 24 + 12;
  EXPECT_NEAR(season.level_at(noon), 13, 0.3);
  EXPECT_NEAR(season.level_at(noon - 24), 10, 0.3);
  EXPECT_NEAR(season.level_at(noon + 24), 10, 0.3);
}

TEST(SeasonTest, AFarDayIsHeldToFourScales) {
  Season season = lived(6, 50);
  std::int32_t noon = monday + 6 * week + 2 * 24 + 12;
  double usual = season.level(season_cell_of(noon));
  EXPECT_NEAR(season.level_at(noon), usual + 4, 0.2);
}

TEST(SeasonTest, AWiderGridKeepsTheWeek) {
  Season season = lived(4, 3);
  std::int32_t noon = monday + 4 * week + 2 * 24 + 12;
  double before = season.level_at(noon);
  season.set(season_cell_of(noon + 5), 300, 1, 10);
  EXPECT_NEAR(season.level_at(noon), before, 0.7);
}

TEST(SeasonTest, TheWeekIsStored) {
  Behavior behavior;
  behavior.resize(2);
  behavior.past[1].season = lived(3, 3);
  Encoder encoder;
  behavior.store(encoder);
  Decoder decoder(encoder.bytes());
  Behavior again;
  again.restore(decoder);
  ASSERT_FALSE(decoder.failed());
  EXPECT_EQ(again, behavior);
}

}  // namespace
}  // namespace mien::model
