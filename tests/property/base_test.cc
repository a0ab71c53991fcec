// Laws of the words in base: what is encoded is decoded, whatever it is; what is written is read.
// rooms: base
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <variant>

#include "base/codec.h"
#include "base/text.h"

namespace mien {
namespace {

struct Leaf {
  std::int32_t number = 0;
  double weight = 0;
  bool flag = false;
  friend bool operator==(const Leaf&, const Leaf&) = default;
  static constexpr auto fields =
      std::tuple{field("number", &Leaf::number), field("weight", &Leaf::weight), field("flag", &Leaf::flag)};
};

using Everything =
    std::map<std::string, std::pair<std::vector<Leaf>, std::optional<std::variant<std::string, std::uint64_t>>>>;

rc::Gen<Leaf> any_leaf() {
  return rc::gen::construct<Leaf>(
      rc::gen::arbitrary<std::int32_t>(),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t x) { return static_cast<double>(x) / 1024; }),
      rc::gen::arbitrary<bool>());
}

Everything any_everything() {
  Everything all;
  const auto keys = *rc::gen::arbitrary<std::vector<std::string>>();
  for (const std::string& key : keys) {
    auto& [leaves, note] = all[key];
    leaves = *rc::gen::container<std::vector<Leaf>>(any_leaf());
    if (*rc::gen::arbitrary<bool>()) note = *rc::gen::arbitrary<std::string>();
    else if (*rc::gen::arbitrary<bool>()) note = *rc::gen::arbitrary<std::uint64_t>();
  }
  return all;
}

RC_GTEST_PROP(Codec, DecodeUndoesEncode, ()) {
  const Everything before = any_everything();
  const auto after = decode<Everything>(encode(before), "everything");
  RC_ASSERT(after.ok());
  RC_ASSERT(*after == before);
}

RC_GTEST_PROP(Codec, WhatDecodesEncodesToTheSameBytes, (const std::vector<std::uint8_t>& bytes)) {
  const std::string text(bytes.begin(), bytes.end());
  if (const auto value = decode<std::map<std::string, std::vector<std::int64_t>>>(text, "bytes")) {
    RC_ASSERT(encode(*value) == text);
  }
}

RC_GTEST_PROP(Text, HexIsReadBack, (const std::string& bytes)) { RC_ASSERT(parse_hex(to_hex(bytes)) == bytes); }

RC_GTEST_PROP(Text, DoublesAreReadBackBitForBit, (std::int64_t number)) {
  double value = 0;
  std::memcpy(&value, &number, sizeof value);
  const auto back = parse_double(to_text(value));
  RC_ASSERT(back.has_value());
  const bool same = std::isnan(value) ? std::isnan(*back) : std::memcmp(&*back, &value, sizeof value) == 0;
  RC_ASSERT(same);
}

RC_GTEST_PROP(Text, JoiningWhatWasSplitGivesTheText, (const std::string& text)) {
  std::string joined;
  for (std::string_view part : split(text, ',')) joined += cat(',', part);
  RC_ASSERT(joined == "," + text);
}

RC_GTEST_PROP(Time, MillisecondsAreReadBack, ()) {
  const WallTime time{*rc::gen::inRange<std::int64_t>(-9'000'000'000'000, 9'000'000'000'000) * 1'000'000};
  RC_ASSERT(parse_time(to_rfc3339(time)) == time);
}

}  // namespace
}  // namespace mien
