// The packed form of a Behavior inside a PersonaRevision (docs/formats/behavior.md). Private to learn.
// Coarse on purpose: counts to 9 %, season levels to an eighth of a scale, days of the week to a quarter and more;
// location, scale and band as floats. Beside it what the watch learned (model/habits.h), coarse already.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "model/behavior.h"
#include "model/habits.h"

namespace mien::learn {

// 1: tails of 32 bins; 2: without the security profile; 3: without the weeks; 4: without habits, series after series
// instead of columns; 5: a factor of each view
constexpr std::uint32_t packed_version = 6;

// Where a series was and how widely it moved: enough to compare two revisions.
struct PackedPlace {
  float location = 0;
  float scale = 0;
  std::uint64_t samples = 0;
  static constexpr auto fields =
      std::tuple{field("location", &PackedPlace::location), field("scale", &PackedPlace::scale),
                 field("samples", &PackedPlace::samples)};
};

struct PackedTail {
  std::uint8_t first = 0;           // bin of codes[1]; codes[0] is everything below it
  std::vector<std::uint8_t> codes;  // 0 = none, else 1 + 4 log2(count), rounded
  static constexpr auto fields = std::tuple{field("first", &PackedTail::first), field("codes", &PackedTail::codes)};
};

struct PackedSeries {
  float jump_scale = 0;
  float season_scale = 0;
  float forecast_scale = 0;
  float change_rate = 0;
  float band_low = 0;
  float band_high = 0;
  float interval = 0;
  std::uint32_t blocks = 0;
  std::array<PackedTail, model::expert_count> tails;
  std::vector<std::int8_t> season;         // level: eighths of a scale from the location; empty or 48
  std::vector<std::uint8_t> season_state;  // visits up to 7, and 8 * spread in half octaves from 2^-4
  static constexpr auto fields = std::tuple{field("jump_scale", &PackedSeries::jump_scale),
                                            field("season_scale", &PackedSeries::season_scale),
                                            field("forecast_scale", &PackedSeries::forecast_scale),
                                            field("change_rate", &PackedSeries::change_rate),
                                            field("band_low", &PackedSeries::band_low),
                                            field("band_high", &PackedSeries::band_high),
                                            field("interval", &PackedSeries::interval),
                                            field("blocks", &PackedSeries::blocks),
                                            field("tails", &PackedSeries::tails),
                                            field("season", &PackedSeries::season),
                                            field("season_state", &PackedSeries::season_state)};
};

// How far each two hours of the week lie from other days, a code each. Empty: nothing seen.
using PackedWeek = std::vector<std::uint8_t>;

struct PackedHead {
  std::uint64_t samples = 0;
  double interval = 0;
  WallTime first;
  WallTime last;
  PackedTail combined;
  std::vector<PackedPlace> places;
  static constexpr auto fields =
      std::tuple{field("samples", &PackedHead::samples),   field("interval", &PackedHead::interval),
                 field("first", &PackedHead::first),       field("last", &PackedHead::last),
                 field("combined", &PackedHead::combined), field("places", &PackedHead::places)};
};

// The objects of the security profile that a revision carries, the newest seen of each kind; what is beyond is
// learned anew after a return to it.
constexpr std::size_t packed_objects = 256;

// What a revision keeps where the room is short: of the series declared first.
struct Kept {
  std::size_t seasons = model::Behavior::max_series;
  std::size_t forms = model::Behavior::max_series;
  bool relations = true;
};

struct Unpacked {
  model::Behavior behavior;
  model::Habits habits;
};

[[nodiscard]] std::string pack(const model::Behavior& behavior, const model::Habits& habits, const Kept& kept);
[[nodiscard]] Result<Unpacked> unpack(std::string_view bytes);
// The places alone, without reading (or checking) the rest. Empty when the bytes are not ours.
[[nodiscard]] std::vector<PackedPlace> places_of(std::string_view bytes);

}  // namespace mien::learn
