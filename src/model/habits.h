// What detection learned of an instance beyond each series' own values: how the series move together, and the form of
// each. A part of a revision beside the Behavior; drift writes it from its watch and begins with it, learn packs it.
//
// Coarse already, so that what goes into a revision is what comes out of it: what drift can not see is not kept, and
// nothing of the moment is (running means, what waits to teach). Parts may be missing: relations of which there is no
// room, forms of the series declared last.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "stats/coarse_view.h"
#include "stats/tail.h"

namespace mien {
class Decoder;
}

namespace mien::model {

// Where block means of one series lie: what relations are standardised by.
struct PathHabit {
  static constexpr float unknown = -1;  // a spread: the relations were learned without this series
  float center = 0;
  float spread = 0;
  friend bool operator==(const PathHabit&, const PathHabit&) = default;
  static constexpr auto fields = std::tuple{field("center", &PathHabit::center), field("spread", &PathHabit::spread)};
};

// Of the first series declared, in groups of RelationView::max_size neighbours.
struct RelationHabits {
  static constexpr std::size_t max_paths = 512;
  static constexpr std::size_t views_per_group = 5;
  static constexpr std::size_t teaching_view = 3;  // by which the factor is standardised
  std::uint64_t blocks = 0;                        // that taught
  std::vector<PathHabit> paths;
  std::vector<stats::CoarseView> views;      // group by group, views_per_group each
  std::vector<stats::CoarseFactor> factors;  // of each group
  std::vector<stats::Tail> tails;            // of each view's distance
  friend bool operator==(const RelationHabits&, const RelationHabits&) = default;
  static constexpr auto fields =
      std::tuple{field("blocks", &RelationHabits::blocks), field("paths", &RelationHabits::paths),
                 field("views", &RelationHabits::views), field("factors", &RelationHabits::factors),
                 field("tails", &RelationHabits::tails)};
};

// How the neighbouring values of a series hang together, and the stretches it is made of (drift/pattern.h).
struct FormHabit {
  static constexpr std::size_t lags = 2;
  static constexpr std::size_t most_shapes = 8;
  using Shape = std::array<std::int8_t, 8>;  // in 1/16
  std::uint32_t blocks = 0;                  // 0: nothing is known
  std::array<std::int16_t, lags> usual{};    // autocorrelation, in 1/1024
  std::array<std::int16_t, lags> deviation{};
  std::int16_t mean = 0;  // in 1/1024
  stats::LogCode variance;
  std::uint32_t stretches = 0;
  stats::LogCode usual_distance;
  std::vector<Shape> shapes;
  std::vector<std::uint8_t> uses;                // of each shape (stats/counter.h)
  std::array<stats::SmallTail, lags + 1> tails;  // of each lag, then of stretches
  friend bool operator==(const FormHabit&, const FormHabit&) = default;
  static constexpr auto fields = std::tuple{field("blocks", &FormHabit::blocks),
                                            field("usual", &FormHabit::usual),
                                            field("deviation", &FormHabit::deviation),
                                            field("mean", &FormHabit::mean),
                                            field("variance", &FormHabit::variance),
                                            field("stretches", &FormHabit::stretches),
                                            field("usual_distance", &FormHabit::usual_distance),
                                            field("shapes", &FormHabit::shapes),
                                            field("uses", &FormHabit::uses),
                                            field("tails", &FormHabit::tails)};
};

struct Habits {
  RelationHabits relations;
  std::vector<FormHabit> forms;  // of the first series
  friend bool operator==(const Habits&, const Habits&) = default;
  static constexpr auto fields = std::tuple{field("relations", &Habits::relations), field("forms", &Habits::forms)};
};

// What snapshots of instances of version 5 kept: a factor of each view, of which a group's teaching one stays.
[[nodiscard]] Habits restore_habits_5(Decoder& decoder);

// The parts fit each other and hold what may be computed with: what was read from outside is checked by this. Cost:
// each view is built once.
[[nodiscard]] bool is_whole(const Habits& habits);

}  // namespace mien::model
