// Rounds of collecting: a collector reads one source after the other and stamps each with its own time, some
// milliseconds apart. Such samples are one row, else an instance had a row for each source, most of it missing.
//
// A row belongs to the round before it where it begins within half a second of it and has no series that the round has
// already; so no two samples of a series fall together, however fast they come.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mien::wire {

constexpr std::int64_t longest_round = 500'000'000;  // ns

struct PlacedSample {
  std::uint32_t column = 0;
  std::uint32_t row = 0;
  double value = 0;
};

struct Rounds {
  std::vector<std::int64_t> times;   // ns since 1970, rising: when each round began
  std::vector<std::uint32_t> round;  // of each row
};

// `times` of the rows, in any order; the samples' columns are below `width`. Cost: a sort of the rows and, where some
// are close, one pass over the samples.
[[nodiscard]] Rounds rounds_of(std::span<const std::int64_t> times, std::span<const PlacedSample> samples,
                               std::size_t width);

}  // namespace mien::wire
