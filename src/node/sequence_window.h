// Which requests of one sender were already taken in: a few closed intervals of their numbers. Requests arrive nearly
// in order, so this stays at one or two intervals; a restart or a second lane (a backlog beside fresh batches) adds
// one, and an agent whose clock was set ahead takes its whole backlog for an old one and leaves a gap for each request
// that was lost on the way. Bounded: beyond `max_intervals` the lowest gap is closed, and what would still have filled
// it counts as seen.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fields.h"

namespace mien::node {

class SequenceWindow {
 public:
  static constexpr std::size_t max_intervals = 256;

  // True the first time a number is seen.
  bool insert(std::uint64_t number);
  // 0 before the first insert.
  [[nodiscard]] std::uint64_t highest() const { return intervals_.empty() ? 0 : intervals_.back().last; }
  friend bool operator==(const SequenceWindow&, const SequenceWindow&) = default;

  struct Interval {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    friend bool operator==(const Interval&, const Interval&) = default;
    static constexpr auto fields = std::tuple{field("first", &Interval::first), field("last", &Interval::last)};
  };

 private:
  std::vector<Interval> intervals_;  // ascending, disjoint, not touching

 public:
  static constexpr auto fields = std::tuple{field("intervals", &SequenceWindow::intervals_)};
};

}  // namespace mien::node
