// Quantities as people write them: `2`, `500m`, `8GiB`, `1Gbit`, `200MB/s`, `1/week`, `30s`, `15%`, `+50%`.
//
// A spec keeps them as written; this turns the text into a typed number, and a typed number into text that reads back
// to the same one. The place says which dimensions make sense: `5m` is five minutes where a duration belongs and
// 0.005 where a number belongs; where both belong it is refused, with what to write instead.
// Units: bytes, bytes per second, bits per second, seconds, ratio (15 % is 0.15), count per `per`.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/value.h"

namespace mien::model {

enum class Dimension : std::uint8_t {
  number,      // 2, 0.35, 500m
  ratio,       // 15%, 350%
  change,      // +50%, -20%: relative to what is there
  bytes,       // 8GiB, 8Gi, 200MB
  byte_rate,   // 200MB/s
  bit_rate,    // 1Gbit, 1Gbit/s
  duration,    // 30s, 5m, 1h30m, 7d
  event_rate,  // 1/week, 5/day, 1000/s
};
[[nodiscard]] std::string_view to_text(Dimension dimension);  // "a number", "a share of the whole, like 15%"

// A set of dimensions that make sense in one place.
struct Dimensions {
  std::uint16_t bits = 0;
  constexpr Dimensions() = default;
  constexpr Dimensions(std::initializer_list<Dimension> list) {
    for (Dimension each : list) bits = static_cast<std::uint16_t>(bits | (1U << static_cast<unsigned>(each)));
  }
  [[nodiscard]] constexpr bool has(Dimension d) const { return ((bits >> static_cast<unsigned>(d)) & 1U) != 0; }
  friend bool operator==(const Dimensions&, const Dimensions&) = default;
};
// What a metric's value may be written as.
constexpr Dimensions metric_dimensions{Dimension::number,    Dimension::ratio,    Dimension::bytes,
                                       Dimension::byte_rate, Dimension::bit_rate, Dimension::duration,
                                       Dimension::event_rate};

// "a number, like 2 or 500m or a share, like 15%": for messages and explanations.
[[nodiscard]] std::string to_text(Dimensions dimensions);

struct TextQuantity {
  Dimension dimension = Dimension::number;
  double value = 0;
  Duration per{};  // of event_rate only: the count is per this long

  friend bool operator==(const TextQuantity&, const TextQuantity&) = default;
};

// Errors: invalid, saying what was expected and what to write instead.
[[nodiscard]] Result<TextQuantity> parse_quantity(std::string_view text, Dimensions wanted);
// The same for a spec's leaf: an integer, a number or a text.
[[nodiscard]] Result<TextQuantity> parse_leaf(const Value& value, Dimensions wanted);
// "30s", "1h30m", "7d". Never negative.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

// Shortest text that parses back to the same quantity.
[[nodiscard]] std::string to_text(const TextQuantity& quantity);
// As a value of a metric: ratios as 0..1, bits per second as bytes per second, durations in seconds, rates per second.
[[nodiscard]] double to_metric_value(const TextQuantity& quantity);
[[nodiscard]] double to_events_per_week(const TextQuantity& quantity);
[[nodiscard]] Duration to_duration(const TextQuantity& quantity);

}  // namespace mien::model
