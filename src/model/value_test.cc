#include "model/value.h"

#include <gtest/gtest.h>

#include <limits>

namespace mien::model {
namespace {

Value sample() {
  return Value(Value::Map{{"a", Value(1)},
                          {"b/c", Value(Value::List{Value("x"), Value(0.5), Value(), Value(true)})},
                          {"m~n", Value(Value::Map{{"k", Value(-7)}})}});
}

// Lists around a null: `levels` in all.
Value nested(int levels) {
  Value value;
  for (int i = 1; i < levels; ++i) value = Value(Value::List{std::move(value)});
  return value;
}

TEST(Value, SurvivesItsOwnBytes) {
  auto back = decode_value(encode_value(sample()));
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(*back, sample());
}

TEST(Value, HasTheBytesThatTheFormatPageSays) {
  Value value(Value::Map{{"a", Value(Value::List{Value(true), Value(-1), Value("x"), Value()})}});
  EXPECT_EQ(to_hex(encode_value(value)),
            "06010161"
            "0504"
            "0101"
            "0201"
            "040178"
            "00");
}

TEST(Value, DecodesThirtyTwoLevelsAndNoMore) {
  EXPECT_TRUE(decode_value(encode_value(nested(32))));
  auto refused = decode_value(encode_value(nested(33)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "value: nested deeper than 32 levels");
}

TEST(Value, IsRefusedWhereItsBytesAreNotCanonical) {
  EXPECT_FALSE(decode_value(""));
  EXPECT_FALSE(decode_value(std::string("\x07", 1)));      // unknown type
  EXPECT_FALSE(decode_value(std::string("\x00\x00", 2)));  // left over
  EXPECT_FALSE(
      decode_value(std::string("\x06\x02\x01"
                               "b\x00\x01"
                               "a\x00",
                               8)));  // keys out of order
  EXPECT_FALSE(
      decode_value(std::string("\x06\x02\x01"
                               "a\x00\x01"
                               "a\x00",
                               8)));                                   // a key twice
  EXPECT_FALSE(decode_value(std::string("\x05\xff\xff\xff\x7f", 5)));  // longer than its bytes
  EXPECT_FALSE(decode_value(encode_value(Value(std::numeric_limits<double>::infinity()))));
  std::string whole = encode_value(sample());
  for (std::size_t cut = 0; cut < whole.size(); ++cut) EXPECT_FALSE(decode_value(whole.substr(0, cut))) << cut;
}

TEST(Value, DiffNamesEachDifferenceByPointer) {
  Value after(Value::Map{{"a", Value(2)}, {"b/c", Value(Value::List{Value("x"), Value(0.5)})}, {"new", Value("n")}});
  EXPECT_EQ(diff(sample(), after), (std::vector<Difference>{{"/a", Value(1), Value(2)},
                                                            {"/b~1c/3", Value(true), Value()},
                                                            {"/m~0n", Value(Value::Map{{"k", Value(-7)}}), Value()},
                                                            {"/new", Value(), Value("n")}}));
  EXPECT_TRUE(diff(sample(), sample()).empty());
  EXPECT_EQ(diff(Value(1), Value(1.0)), (std::vector<Difference>{{"", Value(1), Value(1.0)}}));
}

}  // namespace
}  // namespace mien::model
