// Time as values. Nothing here reads a clock: `now` is always a parameter.
//
// Duration is signed nanoseconds. WallTime is nanoseconds since 1970-01-01T00:00:00Z (no leap seconds); MonoTime is
// nanoseconds since an origin that only its own machine knows (CLOCK_BOOTTIME). They are different types on purpose:
// mixing them does not compile (tests/must_not_compile).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mien {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

template <class Axis>
struct TimePoint {
  std::int64_t ns = 0;

  friend constexpr auto operator<=>(const TimePoint&, const TimePoint&) = default;
  friend constexpr TimePoint operator+(TimePoint t, Duration d) { return {t.ns + d.count()}; }
  friend constexpr TimePoint operator-(TimePoint t, Duration d) { return {t.ns - d.count()}; }
  friend constexpr Duration operator-(TimePoint a, TimePoint b) { return Duration{a.ns - b.ns}; }
};

using WallTime = TimePoint<struct WallAxis>;
using MonoTime = TimePoint<struct MonoAxis>;

[[nodiscard]] constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
[[nodiscard]] constexpr Duration from_seconds(double s) { return Duration{static_cast<std::int64_t>(s * 1e9)}; }

// "2026-11-22T09:53:01.250Z": RFC 3339, UTC, milliseconds.
[[nodiscard]] std::string to_rfc3339(WallTime t);
// RFC 3339 with any offset, or "YYYY-MM-DD HH:MM:SS[.fff]" read as UTC. Nothing where it is neither.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);
// "1.5s", "2m", "3h10m": for people.
[[nodiscard]] std::string to_text(Duration d);

}  // namespace mien
