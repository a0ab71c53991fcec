// The figures below which the engine must not fall on the injected sets: a small text file, rewritten by
// --rewrite-floor.
//
// Lines: NAME caught PERCENT named PERCENT, one per injection and one for all; then
// slow_ramp_reported PERCENT and false_episodes_a_week RATE. "#" begins a comment.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mien::quality {

// Something that was counted.
struct Count {
  std::size_t part = 0;
  std::size_t whole = 0;

  [[nodiscard]] double percent() const {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  }
};

struct Figures {
  struct Kind {
    std::string name;
    Count caught;
    Count named;  // caught and rightly named, of all: who catches more may not fall by it
  };
  std::vector<Kind> kinds;  // the last is all of them
  Count slow_ramp;          // reported as a change before +30 %
  std::size_t false_episodes = 0;
  double weeks = 0;

  [[nodiscard]] double false_rate() const { return weeks > 0 ? static_cast<double>(false_episodes) / weeks : 0; }
};

using Floor = std::map<std::string, double, std::less<>>;  // "spike caught", ..., by figure
[[nodiscard]] Result<Floor> parse_floor(std::string_view text, const std::string& name);
// What would be a drop beyond noise: two standard errors (of a share as if it were between 5 and 95 %) below, the rate
// above.
[[nodiscard]] std::string floor_text(const Figures& figures);
// One sentence for each figure that is below its floor or has none.
[[nodiscard]] std::vector<std::string> below(const Figures& figures, const Floor& floor);

}  // namespace mien::quality
