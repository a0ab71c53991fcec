// The two clocks, read only here and at the drivers' doors: everything else is given `now`.
#pragma once

#include <time.h>

#include "base/time.h"

namespace mien::edge {

[[nodiscard]] inline std::int64_t read_clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// What a calendar says; may jump.
[[nodiscard]] inline WallTime wall_now() { return {read_clock_ns(CLOCK_REALTIME)}; }
// Never jumps back, and goes on while the machine sleeps; its origin is this boot.
[[nodiscard]] inline MonoTime mono_now() { return {read_clock_ns(CLOCK_BOOTTIME)}; }

}  // namespace mien::edge
