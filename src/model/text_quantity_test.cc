#include "model/text_quantity.h"

#include <gtest/gtest.h>

#include <tuple>

namespace mien::model {
namespace {

constexpr Dimensions anything{Dimension::ratio,    Dimension::change,   Dimension::bytes,     Dimension::byte_rate,
                              Dimension::bit_rate, Dimension::duration, Dimension::event_rate};

TextQuantity read(std::string_view text, Dimensions wanted) {
  auto parsed = parse_quantity(text, wanted);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : TextQuantity{};
}

std::string refusal(std::string_view text, Dimensions wanted) {
  auto parsed = parse_quantity(text, wanted);
  return parsed ? "taken as " + to_text(*parsed) : parsed.error().message;
}

TEST(TextQuantity, ReadsEveryFormPeopleWrite) {
  struct Case {
    std::string_view text;
    Dimension dimension;
    double value;
  };
  for (const Case& each : {Case{"8GiB", Dimension::bytes, 8589934592.0}, Case{"8Gi", Dimension::bytes, 8589934592.0},
                           Case{"200MB/s", Dimension::byte_rate, 2e8}, Case{"1Gbit", Dimension::bit_rate, 1e9},
                           Case{"500Mbit/s", Dimension::bit_rate, 5e8}, Case{"30s", Dimension::duration, 30},
                           Case{"7d", Dimension::duration, 604800}, Case{"1h30m", Dimension::duration, 5400},
                           Case{"250ms", Dimension::duration, 0.25}, Case{"15%", Dimension::ratio, 0.15},
                           Case{"350%", Dimension::ratio, 3.5}, Case{"+50%", Dimension::change, 0.5},
                           Case{"-20%", Dimension::change, -0.2}, Case{"1.5GiB", Dimension::bytes, 1610612736.0}}) {
    TextQuantity quantity = read(each.text, anything);
    EXPECT_EQ(quantity.dimension, each.dimension) << each.text;
    EXPECT_EQ(quantity.value, each.value) << each.text;
  }
  EXPECT_EQ(read("2", {Dimension::number}).value, 2);
  EXPECT_EQ(read("500m", {Dimension::number}).value, 0.5);
  EXPECT_EQ(read("1e6", {Dimension::number}).value, 1e6);
}

TEST(TextQuantity, KeepsWhatARateIsCountedPer) {
  TextQuantity weekly = read("1/week", {Dimension::event_rate});
  EXPECT_EQ(to_events_per_week(weekly), 1);
  EXPECT_EQ(to_events_per_week(read("5/day", {Dimension::event_rate})), 35);
  EXPECT_EQ(to_text(read("5/day", {Dimension::event_rate})), "5/day");
  EXPECT_EQ(to_metric_value(read("120/min", {Dimension::event_rate})), 2);
}

TEST(TextQuantity, MeansMinutesOrThousandthsByItsPlace) {
  EXPECT_EQ(read("5m", {Dimension::duration}).value, 300);
  EXPECT_EQ(read("5m", {Dimension::number}).value, 0.005);
  EXPECT_EQ(refusal("5m", metric_dimensions), "`5m` could be minutes or thousandths here: write 5min or 0.005");
}

TEST(TextQuantity, BecomesTheUnitOfAMetric) {
  EXPECT_EQ(to_metric_value(read("8Mbit", metric_dimensions)), 1e6);
  EXPECT_EQ(to_metric_value(read("15%", metric_dimensions)), 0.15);
  EXPECT_EQ(to_metric_value(read("1min", metric_dimensions)), 60);
}

TEST(TextQuantity, TakesABandwidthInBytesWhereBitsAreTheCustom) {
  TextQuantity quantity = read("1MB/s", {Dimension::bit_rate});
  EXPECT_EQ(quantity.dimension, Dimension::bit_rate);
  EXPECT_EQ(quantity.value, 8e6);
}

TEST(TextQuantity, SaysWhatToWriteInstead) {
  EXPECT_EQ(refusal("8G", {Dimension::bytes}), "`8G`: `G` is not a unit here; write GB or GiB");
  EXPECT_EQ(refusal("8gb", {Dimension::bytes}), "`8gb`: `gb` is not a unit here; write GB or Gbit");
  EXPECT_EQ(refusal("30", {Dimension::duration}),
            "`30` has no unit; a duration, like 30s or 7d is wanted here; did you mean 30s?");
  EXPECT_EQ(refusal("50%", {Dimension::change}), "`50%`: say which way it changes, +50% or -50%");
  EXPECT_EQ(refusal("+50%", {Dimension::ratio}),
            "`+50%` is a change, a share is wanted here: write 50% without the sign");
  EXPECT_EQ(refusal("8GiB", {Dimension::duration}),
            "`8GiB` is a size, like 8GiB; a duration, like 30s or 7d is wanted here");
  EXPECT_EQ(refusal("8 GiB", {Dimension::bytes}), "`8 GiB`: write it without the space, 8GiB");
  EXPECT_EQ(refusal("8GiBs", {Dimension::bytes}),
            "`8GiBs` is not understood; a size, like 8GiB is wanted here; did you mean 8GiB?");
  EXPECT_EQ(refusal("", {Dimension::bytes}), "nothing is written here; a size, like 8GiB is wanted");
  EXPECT_EQ(refusal("many", {Dimension::number}), "`many` is not a quantity; a number, like 2 or 500m is wanted here");
}

TEST(TextQuantity, RefusesWhatNoQuantityIs) {
  for (std::string_view text :
       {"inf",  "nan",        "-inf",  "1e999", "+-5",  "--5",    "5..5",  "%",          "/week",       "1//week",
        "0x10", "9999999PiB", "-1GiB", "0.3B",  "+-5%", "+-5GiB", "1h-3m", "999999999d", "1/fortnight", "-1/week"}) {
    Dimensions all = anything;
    all.bits = 0xff;
    EXPECT_FALSE(parse_quantity(text, all)) << text;
  }
  EXPECT_FALSE(parse_quantity(std::string(1000, '1'), {Dimension::number}));
}

TEST(TextQuantity, WritesTheShortestTextThatReadsBack) {
  for (auto [text, expected] : {std::tuple("8GiB", "8GiB"),
                                {"8Gi", "8GiB"},
                                {"1024MiB", "1GiB"},
                                {"1000MB", "1GB"},
                                {"200MB/s", "200MB/s"},
                                {"1500B", "1500B"},
                                {"0.1%", "0.1%"},
                                {"15%", "15%"},
                                {"100%", "100%"},
                                {"0%", "0%"},
                                {"1200%", "1200%"},
                                {"+50%", "+50%"},
                                {"-0.5%", "-0.5%"},
                                {"90m", "90m"},
                                {"1h30m", "90m"},
                                {"48h", "2d"},
                                {"1500ms", "1500ms"},
                                {"0s", "0s"},
                                {"1Gbit", "1Gbit"},
                                {"1500kbit/s", "1500kbit"},
                                {"3/h", "3/h"}}) {
    TextQuantity quantity = read(text, anything);
    EXPECT_EQ(to_text(quantity), expected);
    EXPECT_EQ(read(to_text(quantity), anything), quantity) << text;
  }
}

}  // namespace
}  // namespace mien::model
