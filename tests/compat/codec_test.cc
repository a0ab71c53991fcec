// The canonical encoding as 0.1.0 wrote it, byte for byte: everything stored rests on this.
// rooms: base
#include <gtest/gtest.h>

#include "base/codec.h"
#include "base/text.h"

namespace mien {
namespace {

enum class Colour : std::uint8_t { red = 0, green = 1 };

struct Leaf {
  Colour colour = Colour::red;
  double weight = 0;
  friend bool operator==(const Leaf&, const Leaf&) = default;
  static constexpr auto fields = std::tuple{field("colour", &Leaf::colour), field("weight", &Leaf::weight)};
};

struct Everything {
  std::string text;
  std::int64_t integer = 0;
  std::uint64_t count = 0;
  bool flag = false;
  WallTime time;
  Duration duration{};
  InstanceName name;
  Bits bits;
  std::vector<Leaf> leaves;
  std::optional<std::string> note;
  std::map<std::string, std::int32_t> table;
  std::variant<bool, std::string> either;
  friend bool operator==(const Everything&, const Everything&) = default;
  static constexpr auto fields =
      std::tuple{field("text", &Everything::text),     field("integer", &Everything::integer),
                 field("count", &Everything::count),   field("flag", &Everything::flag),
                 field("time", &Everything::time),     field("duration", &Everything::duration),
                 field("name", &Everything::name),     field("bits", &Everything::bits),
                 field("leaves", &Everything::leaves), field("note", &Everything::note),
                 field("table", &Everything::table),   field("either", &Everything::either)};
};

TEST(Codec, ReadsAndWritesTheBytesOfVersion010) {
  Everything value;
  value.text = "elm";
  value.integer = -300;
  value.count = 300;
  value.flag = true;
  value.time = WallTime{1};
  value.duration = Duration{-1};
  value.name = InstanceName{"web-01"};
  value.bits = Bits{0.5};
  value.leaves = {{.colour = Colour::green, .weight = 1.0}, {}};
  value.note = "n";
  value.table = {{"a", 1}, {"b", -1}};
  value.either = std::string("x");
  const std::string frozen =
      "03656c6d"          // text: length, bytes
      "d704"              // -300: zigzag 599, LEB128
      "ac02"              // 300
      "01"                // true
      "02"                // time: zigzag of 1
      "01"                // duration: zigzag of -1
      "067765622d3031"    // a name is its text
      "000000000000e03f"  // 0.5
      "02"
      "01000000000000f03f"
      "000000000000000000"  // two leaves: colour, weight
      "01016e"              // a note
      "02"
      "016102"
      "016201"   // two entries, keys ascending
      "010178";  // second alternative
  EXPECT_EQ(to_hex(encode(value)), frozen);
  const auto back = decode<Everything>(*parse_hex(frozen), "frozen");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, value);
}

}  // namespace
}  // namespace mien
