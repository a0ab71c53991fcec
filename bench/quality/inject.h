// One healthy series with one injection near its end, as CSV, and what the answer of the program to it is worth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/quality/corpus.h"
#include "bench/quality/formulas.h"
#include "bench/quality/shapes.h"

namespace mien::quality {

struct Case {
  const Shape* shape = nullptr;
  std::optional<Injection> injection;  // none: healthy to the end, to see what is reported by chance
  std::uint64_t seed = 0;
};

struct Made {
  std::string csv;
  std::size_t train = 0;
  Range where;  // rows of the injection; of silence: nothing, before the first row after it
};
// An injection is as large as a person would see beside the series: spike 8 to 12 times the deviation u of its chance
// (u is at least 1/3.5 of the 99.9th percentile), level 4 to 6, ramp to 8, spread 3 to 4 times or a tenth, and lasts
// between 60 and 512 blocks of max(10 s, step); seasons: 3 to 5 hours, a day. A slow ramp lasts 30 days.
// A healthy case has the rows of a slow ramp. Precondition: the shape suits the injection.
[[nodiscard]] Made make(const Case& which);

// The kind that a finding should have.
[[nodiscard]] std::string_view kind_of(Injection injection);

struct Outcome {
  bool busy = false;      // an episode was open already when the injection began: nothing can be said of it
  bool caught = false;    // an episode begins in the injection or at most 32 rows after it; the first is looked at
  std::size_t delay = 0;  // rows from the injection's begin to the episode's
  std::string kind;       // of the episode 32 rows after it began, or at its last row
  std::size_t false_episodes = 0;  // that begin between the history and the injection
  std::size_t quiet_rows = 0;      // of that stretch
};
constexpr std::size_t naming_rows = 32;
[[nodiscard]] Outcome judge(const Scores& scores, std::size_t train, const Range& where);

}  // namespace mien::quality
