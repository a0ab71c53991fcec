// The floor of the injected sets: what is written is read, and a drop beyond it is said.
#include "bench/quality/floor.h"

#include <gtest/gtest.h>

namespace mien::quality {
namespace {

Figures figures(std::size_t caught, std::size_t false_episodes) {
  return {.kinds = {{.name = "spread up", .caught = {caught, 100}, .named = {caught / 2, 100}}},
          .slow_ramp = {20, 25},
          .false_episodes = false_episodes,
          .weeks = 100};
}

TEST(Floor, WhatIsWrittenIsNotBelowItself) {
  Figures now = figures(80, 90);
  Result<Floor> floor = parse_floor(floor_text(now), "floor.txt");
  ASSERT_TRUE(floor) << floor.error().to_string();
  EXPECT_TRUE(below(now, *floor).empty());
  EXPECT_EQ(floor->at("spread_up caught"), 68);  // 80 less three standard errors of 4
}

TEST(Floor, NamesWhatFellBelow) {
  Result<Floor> floor = parse_floor(floor_text(figures(80, 90)), "floor.txt");
  ASSERT_TRUE(floor);
  EXPECT_TRUE(below(figures(69, 100), *floor).empty());
  std::vector<std::string> worse = below(figures(66, 130), *floor);
  ASSERT_EQ(worse.size(), 2U);
  EXPECT_EQ(worse[0], "spread_up caught is 66.00, the floor 68.00");
  EXPECT_EQ(worse[1], "false_episodes_a_week is 1.30, the floor 1.09");
}

TEST(Floor, AFigureWithoutAFloorIsAComplaint) {
  Result<Floor> floor = parse_floor("# nothing\nslow_ramp_reported 10\n", "floor.txt");
  ASSERT_TRUE(floor);
  EXPECT_EQ(below(figures(80, 90), *floor).size(), 3U);
}

TEST(Floor, ALineThatIsNotOneNamesItsPlace) {
  Result<Floor> floor = parse_floor("spike caught 80 named 70\nlevel 1 2\n", "floor.txt");
  ASSERT_FALSE(floor);
  EXPECT_EQ(floor.error().where, "floor.txt:2");
  EXPECT_FALSE(parse_floor("spike caught x named 70\n", "f"));
}

}  // namespace
}  // namespace mien::quality
