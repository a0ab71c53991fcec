// Hours of the week: 'Mon-Fri 08:00-20:00 Europe/Berlin', 'Sat,Sun', '22:00-06:00 +02:00',
// 'Mon-Fri 08:00-12:00, 13:00-17:00, Sat 10:00-12:00 UTC'.
//
// Days come before their hours; days without hours are whole days, hours without days are of every day. Hours that end
// before they begin run over midnight and belong to the day on which they begin. The end is not part of it. The zone
// comes last and is UTC when nothing is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mien::policy::detail {

struct Schedule {
  struct Hours {
    unsigned days = 0;  // bit 0: Monday
    int from = 0;       // minutes of the day
    int to = 0;         // up to 24 * 60; before `from`: on the next day
  };
  std::vector<Hours> hours;
  std::string zone;                // empty: `offset` says it
  std::optional<Duration> offset;  // east of UTC
};

constexpr std::size_t most_hours = 64;

// Errors: invalid, without a place.
[[nodiscard]] Result<Schedule> parse_schedule(std::string_view text);
// `offset` is what holds in the schedule's zone at that time.
[[nodiscard]] bool is_within(const Schedule& schedule, WallTime at, Duration offset);
// "Tue 21:14": the local time.
[[nodiscard]] std::string time_text(WallTime at, Duration offset);

}  // namespace mien::policy::detail
