// The table of the injected sets: makes the cases, runs the program on each, judges, compares with the floor.
#pragma once

#include <ostream>
#include <string>

#include "base/result.h"

namespace mien::quality {

struct InjectedOptions {
  std::string program = {};    // path of mien
  std::string floor = {};      // file to compare with; empty: none
  bool rewrite_floor = false;  // write it instead
  std::string keep = {};       // folder for the made series and their scores; empty: nowhere
  std::size_t jobs = 2;
  std::size_t cases = 24;  // of each injection, at least
  std::uint64_t seed = 1;
  double false_alarms = 1;  // a week
  bool each = false;        // every case too
};

// refused when a figure is below its floor.
[[nodiscard]] Status judge_injected(const InjectedOptions& options, std::ostream& out);

}  // namespace mien::quality
