#include "base/time.h"

#include <gtest/gtest.h>

namespace mien {
namespace {

TEST(Time, TheYearsThatNanosecondsHoldAreReadAndOthersRefused) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z"), WallTime{0});
  EXPECT_EQ(parse_time("1969-12-31T23:59:59Z"), WallTime{-1'000'000'000});
  EXPECT_TRUE(parse_time("2261-12-31T23:59:59.999999999Z").has_value());
  EXPECT_TRUE(parse_time("1678-01-01T00:00:00+23:59").has_value());
  EXPECT_FALSE(parse_time("1677-12-31T00:00:00Z").has_value());
  EXPECT_FALSE(parse_time("2262-01-01T00:00:00Z").has_value());
}

TEST(Time, LeapDaysAreKnown) {
  EXPECT_TRUE(parse_time("2024-02-29T00:00:00Z").has_value());
  EXPECT_FALSE(parse_time("2026-02-29T00:00:00Z").has_value());
  EXPECT_FALSE(parse_time("2100-02-29T00:00:00Z").has_value());
}

TEST(Time, WhatIsNotATimeIsNothing) {
  for (const char* text : {"", "2026", "2026-11-22", "2026-11-22T09:53", "2026-11-22T24:00:00Z", "2026-11-22T09:60:00Z",
                           "2026-11-22X09:53:01Z", "2026-11-22T09:53:01+1:00", "2026-11-22T09:53:01 UTC",
                           "2026/11/22 09:53:01", "-026-11-22T09:53:01Z", "2026-11-22T09:53:01+24:00"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(Time, FractionsBeyondNanosecondsAreCutOff) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:00.1234567899Z"), WallTime{123'456'789});
  EXPECT_EQ(to_rfc3339(WallTime{123'456'789}), "1970-01-01T00:00:00.123Z");
  EXPECT_EQ(to_rfc3339(WallTime{-1}), "1969-12-31T23:59:59.999Z");
}

TEST(Time, DurationsReadAsPeopleSayThem) {
  EXPECT_EQ(to_text(Duration{0}), "0us");
  EXPECT_EQ(to_text(Duration{250us}), "250us");
  EXPECT_EQ(to_text(Duration{20ms}), "20ms");
  EXPECT_EQ(to_text(Duration{1s}), "1s");
  EXPECT_EQ(to_text(Duration{1h}), "1h");
  EXPECT_EQ(to_text(Duration{25h + 1s}), "1d1h");
  EXPECT_EQ(to_text(-Duration{90s}), "-1m30s");
}

TEST(Time, PointsAndDurationsAddUp) {
  constexpr WallTime start{1'000};
  static_assert((start + 5ns) - start == 5ns);
  static_assert(start - 5ns < start);
  EXPECT_DOUBLE_EQ(to_seconds(1500ms), 1.5);
  EXPECT_EQ(from_seconds(1.5), Duration{1500ms});
}

}  // namespace
}  // namespace mien
