#include "base/codec.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/text.h"

namespace mien {
namespace {

enum class Colour : std::uint8_t { red, green };

struct Leaf {
  Colour colour = Colour::red;
  double weight = 0;
  friend bool operator==(const Leaf&, const Leaf&) = default;
  static constexpr auto fields = std::tuple{field("colour", &Leaf::colour), field("weight", &Leaf::weight)};
};

struct Tree {
  std::string name;
  std::int64_t height = 0;
  std::vector<Leaf> leaves;
  std::optional<WallTime> planted;
  std::map<std::string, std::uint32_t> counts;
  std::variant<bool, std::string> note;
  friend bool operator==(const Tree&, const Tree&) = default;
  static constexpr auto fields =
      std::tuple{field("name", &Tree::name),       field("height", &Tree::height), field("leaves", &Tree::leaves),
                 field("planted", &Tree::planted), field("counts", &Tree::counts), field("note", &Tree::note)};
};

Tree sample_tree() {
  return {.name = "elm",
          .height = -3,
          .leaves = {{Colour::green, 0.25}, {}},
          .planted = WallTime{7},
          .counts = {{"a", 1}, {"b", 4'000'000'000U}},
          .note = std::string("old")};
}

TEST(Codec, DecodesWhatItEncoded) {
  auto back = decode<Tree>(encode(sample_tree()), "tree");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, sample_tree());
}

TEST(Codec, EveryCutOffIsAnErrorAndNeverACrash) {
  std::string bytes = encode(sample_tree());
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode<Tree>(std::string_view(bytes).substr(0, n), "tree").ok());
  EXPECT_FALSE(decode<Tree>(bytes + "x", "tree").ok());
}

TEST(Codec, FlippedBytesNeverCrash) {
  std::string bytes = encode(sample_tree());
  Prng prng{5};
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = bytes;
    bad[prng.below(bad.size())] = static_cast<char>(prng.next());
    (void)decode<Tree>(bad, "tree").ok();
  }
}

TEST(Codec, ALongerEncodingOfTheSameNumberIsRefused) {
  EXPECT_TRUE(decode<std::uint64_t>(std::string("\0", 1), "number").ok());
  EXPECT_FALSE(decode<std::uint64_t>(std::string("\x80\0", 2), "number").ok());
  EXPECT_FALSE(decode<std::uint64_t>(std::string("\xff\x80\0", 3), "number").ok());
  EXPECT_TRUE(decode<std::uint64_t>(encode(std::uint64_t{128}), "number").ok());
  EXPECT_TRUE(decode<std::uint64_t>(encode(~std::uint64_t{0}), "number").ok());
}

TEST(Text, NearestFindsASlipOfThePenAndNothingElse) {
  constexpr std::array<std::string_view, 3> known{"behavior", "security", "configuration"};
  EXPECT_EQ(nearest("behaviour", known), "behavior");
  EXPECT_EQ(nearest("secruity", known), "security");
  EXPECT_EQ(nearest("banana", known), std::nullopt);
}

TEST(Text, Utf8IsChecked) {
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f dich"));
  EXPECT_FALSE(is_utf8("\xc3"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xc0\x80"));
}

TEST(Time, TextAndBack) {
  auto t = parse_time("2026-11-22T09:53:01.250Z");
  ASSERT_TRUE(t.has_value());
  EXPECT_EQ(to_rfc3339(*t), "2026-11-22T09:53:01.250Z");
  EXPECT_EQ(parse_time("2026-11-22T10:53:01.25+01:00"), t);
  EXPECT_EQ(parse_time("2026-11-22 09:53:01.25"), t);
  EXPECT_EQ(parse_time("2026-13-22 09:53:01"), std::nullopt);
  EXPECT_EQ(parse_time("yesterday"), std::nullopt);
  EXPECT_EQ(to_text(Duration{90s}), "1m30s");
  EXPECT_EQ(to_text(Duration{1500ms}), "1.5s");
}

}  // namespace
}  // namespace mien
