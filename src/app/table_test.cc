#include "app/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mien::app {
namespace {

using ::testing::HasSubstr;

const Style plain{.colour = false, .unicode = true, .width = 0};
const Style ascii{.colour = false, .unicode = false, .width = 0};

TEST(table, columns_line_up_and_lines_end_without_spaces) {
  Table table({{.title = "NAME"}, {.title = "SCORE", .right = true}, {.title = "NOTE"}});
  table.add({"web-01", "0.5", "fine"});
  table.add({"a-longer-name", "12.25", ""});
  EXPECT_EQ(table.render(plain),
            "NAME           SCORE  NOTE\n"
            "web-01           0.5  fine\n"
            "a-longer-name  12.25\n");
}

TEST(table, a_narrow_terminal_cuts_the_columns_that_may_shrink) {
  Table table({{.title = "NAME"}, {.title = "SUMMARY", .shrinks = true}});
  table.add({"web-01", "system.cpu.utilization is far above what is expected"});
  Style narrow{.width = 30};
  EXPECT_EQ(table.render(narrow), "NAME    SUMMARY\nweb-01  system.cpu.utilizatio…\n");
  Style tiny{.unicode = false, .width = 5};
  EXPECT_EQ(table.render(tiny), "NAME    SUMMARY\nweb-01  system..\n");
}

TEST(table, colours_do_not_count_as_width) {
  Table table({{.title = "A"}, {.title = "B"}});
  table.add({Cell{"xx", Colour::red}, "y"});
  Style colourful{.colour = true};
  EXPECT_THAT(table.render(colourful), HasSubstr("\x1b[31mxx\x1b[0m  y\n"));
}

TEST(table, what_comes_from_outside_can_not_draw_on_the_terminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc"), "a?[2Jb?c");
  EXPECT_EQ(printable("\xff"), "?");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "b"),
            "a?b");
  EXPECT_EQ(printable("größe"), "größe");
}

TEST(table, bars_fill_with_the_share) {
  EXPECT_EQ(bar(0.5, 4, ascii), "##--");
  EXPECT_EQ(bar(0, 4, plain), "░░░░");
  EXPECT_EQ(bar(1, 4, plain), "████");
  EXPECT_EQ(bar(7, 2, plain), "██");
  EXPECT_EQ(bar(std::nan(""), 3, plain), "...");
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(width_of(bar(i / 100.0, 10, plain)), 10U) << i;
}

TEST(table, sparklines_scale_between_the_smallest_and_the_largest) {
  EXPECT_EQ(sparkline({0, 1}, plain), "▁█");
  EXPECT_EQ(sparkline({5, 5}, plain), "▁▁");
  EXPECT_EQ(sparkline({0, std::nan(""), std::numeric_limits<double>::infinity(), 7}, plain), "▁  █");
  EXPECT_EQ(sparkline({}, plain), "");
}

TEST(table, a_plot_shows_points_band_and_moment) {
  Plot plot{.title = "cpu",
            .points = {},
            .band = std::pair{0.0, 0.5},
            .mark = WallTime{1'000'000'000},
            .rows = 3,
            .columns = 20};
  for (int i = 0; i < 3; ++i) plot.points.push_back({.at = WallTime{i * 1'000'000'000LL}, .value = i * 0.5});
  EXPECT_EQ(render(plot, ascii),
            "cpu\n"
            "  1 |                   #\n"
            "    |::::::::::*:::::::::\n"
            "  0 |*:::::::::::::::::::\n"
            "     00:00:00  ^ 00:00:02\n");
}

TEST(table, a_plot_of_nothing_is_nothing) {
  EXPECT_EQ(render(Plot{}, plain), "");
  Plot unknown{.title = "x", .points = {{.at = {}, .value = std::nan("")}}, .band = {}, .mark = {}};
  EXPECT_EQ(render(unknown, plain), "");
  Plot one{.title = "x", .points = {{.at = {}, .value = 3}}, .band = {}, .mark = {}};
  EXPECT_NE(render(one, plain), "");
}

TEST(table, numbers_and_ages_are_short) {
  EXPECT_EQ(short_number(0.1234), "0.123");
  EXPECT_EQ(short_number(1536), "1.54k");
  EXPECT_EQ(short_number(999.9), "1k");
  EXPECT_EQ(short_number(-2.5e9), "-2.5G");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(std::nan("")), "nan");
  EXPECT_EQ(short_age(90s), "90s");
  EXPECT_EQ(short_age(3h), "3h");
  EXPECT_EQ(short_age(-5s), "0s");
  EXPECT_EQ(short_age(100h), "4d");
}

}  // namespace
}  // namespace mien::app
