#include "wire/detail/json_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>

namespace mien::wire {
namespace {

std::optional<double> number(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  return read_plain_number(text.data(), end, value) == end ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  return read_digits(text.data(), end, value) == end ? std::optional(value) : std::nullopt;
}

TEST(json_text, a_plain_number_is_the_double_that_is_nearest_to_it) {
  for (const char* text : {"0", "-1", "12", "999999999999999999", "-123456789012345678", "0.5", "-0.0", "1.25", "0.1",
                           "123456789.012345", "1234567890.0123456789", "0.30000000000000004", "2.5e-3", "1E5", "1e+22",
                           "1.7976931348623157e308", "2.2250738585072014e-308", "0e5"}) {
    ASSERT_TRUE(number(text).has_value()) << text;
    EXPECT_EQ(*number(text), std::stod(text)) << text;
    EXPECT_EQ(std::signbit(*number(text)), text[0] == '-') << text;
  }
}

TEST(json_text, what_is_no_number_of_json_or_takes_care_is_left_to_a_parser) {
  for (const char* text : {"", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e5", "0x10", "NaN", "Infinity",
                           "1e400", "1e-400", "-0", "1234567890123456789", " 1", "1 "})
    EXPECT_FALSE(number(text).has_value()) << text;
}

TEST(json_text, digits_are_whole_numbers_without_more) {
  EXPECT_EQ(digits("0"), 0U);
  EXPECT_EQ(digits("1700000000000000000"), 1'700'000'000'000'000'000U);
  EXPECT_EQ(digits("9999999999999999999"), 9'999'999'999'999'999'999U);
  for (const char* text : {"", "-1", "+1", "007", "10000000000000000000", "1.7e18", "1 "})
    EXPECT_FALSE(digits(text).has_value()) << text;
}

TEST(json_text, a_value_ends_where_its_braces_and_quotes_say) {
  EXPECT_EQ(JsonText(R"("a\"}\\",1)").behind(0), 8U);
  EXPECT_EQ(JsonText(R"({"a":["]}",{}],"b":1} ,)").behind(0), 21U);
  EXPECT_EQ(JsonText("12,").behind(0), 2U);
  EXPECT_EQ(JsonText("true").behind(0), 4U);
  for (const char* text : {"\"a", "\"a\\\"", "{\"a\":1", "[[]", "{\"a"})
    EXPECT_EQ(JsonText(text).behind(0), JsonText::none);
  EXPECT_EQ(JsonText(std::string(JsonText::deepest + 1, '[')).behind(0), JsonText::none);
}

TEST(json_text, members_and_items_come_in_order_until_one_says_stop) {
  JsonText text(R"({ "a" : [1, 2] ,"b":{}, "c":"x"})");
  std::string seen;
  EXPECT_EQ(text.each_member(0,
                             [&](std::string_view key, std::size_t at) {
                               seen += key;
                               if (key != "a") return text.behind(at);
                               return text.each_item(at, [&](std::size_t item) {
                                 seen += text.at(item);
                                 return text.behind(item);
                               });
                             }),
            32U);
  EXPECT_EQ(seen, "a12bc");
  EXPECT_EQ(text.each_member(0, [&](std::string_view, std::size_t) { return JsonText::none; }), JsonText::none);
  EXPECT_EQ(JsonText("{}").each_member(0, [](std::string_view, std::size_t) { return JsonText::none; }), 2U);
  for (const char* cut : {"{\"\\u0061\":1}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{a:1}", "{"}) {
    JsonText open{cut};
    EXPECT_EQ(open.each_member(0, [&](std::string_view, std::size_t at) { return open.behind(at); }), JsonText::none)
        << cut;
  }
}

}  // namespace
}  // namespace mien::wire
