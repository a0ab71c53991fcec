#include "base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace mien {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,b,,c", ','), (Parts{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), (Parts{""}));
  EXPECT_EQ(split(",", ','), (Parts{"", ""}));
}

TEST(Text, TrimTakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, CatJoinsTextCharactersAndIntegers) { EXPECT_EQ(cat("log/", 47, '.', std::string("x"), -1), "log/47.x-1"); }

TEST(Text, NumbersReadBackToTheSameDouble) {
  for (double value : {0.0, -0.0, 0.1, 1e-320, 1.7976931348623157e308, 123456789.125, -2.5e-7}) {
    EXPECT_EQ(parse_double(to_text(value)), value) << to_text(value);
  }
  EXPECT_EQ(to_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(to_text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(to_text(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(to_text(1234.5678, 3), "1.23e+03");
  EXPECT_EQ(to_text(0.123456, 3), "0.123");
}

TEST(Text, NumbersAreTheWholeTextOrNothing) {
  EXPECT_EQ(parse_double("+1.5"), 1.5);
  EXPECT_EQ(parse_double("1.5 "), std::nullopt);
  EXPECT_EQ(parse_double("1,5"), std::nullopt);
  EXPECT_EQ(parse_double(""), std::nullopt);
  EXPECT_EQ(parse_double("1e999"), std::nullopt);
  EXPECT_EQ(parse_integer("-42"), -42);
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_integer("9223372036854775808"), std::nullopt);
  EXPECT_EQ(parse_integer("4.0"), std::nullopt);
}

TEST(Text, NearestGivesUpOnWordsThatNobodyMistypes) {
  constexpr std::array<std::string_view, 2> known{"cpu", "memory"};
  EXPECT_EQ(nearest("memroy", known), "memory");
  EXPECT_EQ(nearest("cpy", known), "cpu");
  EXPECT_EQ(nearest(std::string(10'000, 'm'), known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest("disk", {}), std::nullopt);
}

TEST(Text, HexIsReadBackAndCheckedForOddOnes) {
  const std::string bytes("\x00\xff\x7f\x10", 4);
  EXPECT_EQ(to_hex(bytes), "00ff7f10");
  EXPECT_EQ(parse_hex("00FF7f10"), bytes);
  EXPECT_EQ(parse_hex("0"), std::nullopt);
  EXPECT_EQ(parse_hex("0g"), std::nullopt);
  EXPECT_EQ(parse_hex(""), "");
}

TEST(Text, Utf8RefusesWhatUnicodeRefuses) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf"));      // longer than it needs to be
  EXPECT_FALSE(is_utf8("\x80"));              // a continuation of nothing
  EXPECT_FALSE(is_utf8("\xf0\x9f\x98"));      // cut
}

}  // namespace
}  // namespace mien
