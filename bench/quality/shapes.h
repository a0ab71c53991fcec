// Healthy series that look like what servers send, drawn from a seed: the same seed gives the same numbers everywhere.
//
// A value is made from a part that is expected (constant or season) and a part that is chance, kept apart so that an
// injection can change one of them. Everything that nobody could expect from the calendar is chance, a saw-tooth too.
#pragma once

#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "base/prng.h"

namespace mien::quality {

// What is done to a series. The order is that of the table.
enum class Injection : std::uint8_t {
  spike,
  level,
  ramp,
  spread_up,
  spread_collapse,
  frozen,
  off_season,
  flat_season,
  relation,
  shape,
  silence,
  slow_ramp,  // 1 % of the mean a day
};
constexpr std::size_t injections = 12;
[[nodiscard]] std::string_view to_text(Injection injection);

struct Column {
  std::vector<double> expected;
  std::vector<double> chance;
  std::vector<double> other_chance;  // the same distribution in another course: for shape and relation; may be empty
  bool multiplies = false;           // the value is expected x e^chance, else expected + chance
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  double quantum = 0;  // values are multiples of it; 0: any

  // `added` comes on top, before the limits.
  [[nodiscard]] double value(double expected_part, double chance_part, double added = 0) const;
};

struct Shape {
  std::string_view name;
  double step = 0;        // seconds between rows
  std::size_t train = 0;  // rows that are given as healthy history
  std::size_t quiet = 0;  // healthy rows after it that are judged
  double missing = 0;     // share of cells that are empty
  std::span<const Injection> suits;
  std::vector<Column> (*make)(Prng& random, std::size_t rows, double step) = nullptr;

  [[nodiscard]] bool is_for(Injection injection) const;
};
[[nodiscard]] std::span<const Shape> shapes();

}  // namespace mien::quality
