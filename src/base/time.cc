#include "base/time.h"

#include <array>
#include <cstdio>

namespace mien {
namespace {

using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;

// A decimal number of exactly `width` digits at `at`, or nothing.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// Nanoseconds of a fraction ".123456", advancing `at` past it.
std::int64_t fraction(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return 0;
  ++at;
  std::int64_t ns = 0;
  std::int64_t scale = 100'000'000;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) ns += (text[at] - '0') * scale;
  return ns;
}

// Seconds east of UTC for "Z", "+02:00" or nothing left; nullopt where it is something else.
std::optional<int> offset(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  auto hours = digits(text, 1, 2);
  auto minutes = digits(text, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  int seconds = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

}  // namespace

std::string to_rfc3339(WallTime t) {
  auto since = Duration{t.ns};
  auto day = std::chrono::floor<Days>(since);
  std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day.count()}}};
  std::int64_t ms = (since - day).count() / 1'000'000;
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(ms / 3600000),
                static_cast<int>(ms / 60000 % 60), static_cast<int>(ms / 1000 % 60), static_cast<int>(ms % 1000));
  return out.data();
}

std::optional<WallTime> parse_time(std::string_view text) {
  auto year = digits(text, 0, 4);
  auto month = digits(text, 5, 2);
  auto day = digits(text, 8, 2);
  auto hour = digits(text, 11, 2);
  auto minute = digits(text, 14, 2);
  auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't' && text[10] != ' ')) return std::nullopt;
  if (text[13] != ':' || text[16] != ':' || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                   std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *year < 1678 || *year > 2261) return std::nullopt;
  std::size_t at = 19;
  std::int64_t ns = fraction(text, at);
  auto east = offset(text.substr(at));
  if (!east) return std::nullopt;
  std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  std::int64_t seconds = days * 86400 + *hour * 3600 + *minute * 60 + *second - *east;
  return WallTime{seconds * 1'000'000'000 + ns};
}

std::string to_text(Duration d) {
  if (d < Duration{0}) return "-" + to_text(-d);
  std::int64_t seconds = d.count() / 1'000'000'000;
  std::array<char, 64> out{};
  if (d < 1ms) {
    std::snprintf(out.data(), out.size(), "%lldus", static_cast<long long>(d.count() / 1000));
  } else if (d < 1s) {
    std::snprintf(out.data(), out.size(), "%lldms", static_cast<long long>(d.count() / 1'000'000));
  } else if (seconds < 60) {
    std::int64_t tenths = d.count() / 100'000'000 % 10;
    std::snprintf(out.data(), out.size(), tenths ? "%lld.%llds" : "%llds", static_cast<long long>(seconds),
                  static_cast<long long>(tenths));
  } else {
    struct Unit {
      std::int64_t seconds;
      const char* name;
    };
    constexpr std::array<Unit, 4> units{{{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}}};
    std::string text;
    int parts = 0;
    for (const Unit& unit : units) {
      if (seconds < unit.seconds || parts == 2) continue;
      text += std::to_string(seconds / unit.seconds) + unit.name;
      seconds %= unit.seconds;
      ++parts;
    }
    return text;
  }
  return out.data();
}

}  // namespace mien
