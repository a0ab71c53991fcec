#include "policy/detail/schedule.h"

#include <array>

#include "base/text.h"

namespace mien::policy::detail {
namespace {

constexpr std::array<std::string_view, 7> day_texts{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr unsigned every_day = 0x7F;
constexpr int minutes_per_day = 24 * 60;
constexpr std::string_view example = "Mon-Fri 08:00-20:00 Europe/Berlin";

Error invalid(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

std::optional<unsigned> parse_day(std::string_view text) {
  for (unsigned i = 0; i < day_texts.size(); ++i)
    if (day_texts[i] == text) return i;
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "08:00" as minutes; up to 24:00.
std::optional<int> parse_clock(std::string_view text) {
  bool formed = text.size() == 5 && is_digit(text[0]) && is_digit(text[1]) && text[2] == ':' && is_digit(text[3]) &&
                is_digit(text[4]);
  if (!formed) return std::nullopt;
  int hour = (text[0] - '0') * 10 + (text[1] - '0');
  int minute = (text[3] - '0') * 10 + (text[4] - '0');
  int total = hour * 60 + minute;
  if (minute > 59 || total > minutes_per_day) return std::nullopt;
  return total;
}

// "Mon", "Mon-Fri", "Sat-Mon". Nothing: not about days.
std::optional<unsigned> parse_days(std::string_view word) {
  std::vector<std::string_view> ends = split(word, '-');
  if (ends.size() > 2) return std::nullopt;
  auto first = parse_day(ends.front());
  auto last = parse_day(ends.back());
  if (!first || !last) return std::nullopt;
  unsigned days = 0;
  for (unsigned day = *first;; day = (day + 1) % 7) {
    days |= 1U << day;
    if (day == *last) return days;
  }
}

Result<Schedule::Hours> parse_hours(std::string_view word) {
  std::vector<std::string_view> ends = split(word, '-');
  auto from = parse_clock(ends.front());
  auto to = parse_clock(ends.back());
  if (ends.size() != 2 || !from || !to || *from == minutes_per_day)
    return invalid(cat("`", word, "` is not a span of hours: write it like 08:00-20:00"));
  if (*from == *to) return invalid(cat("`", word, "` begins when it ends: leave the hours out for the whole day"));
  return Schedule::Hours{.days = 0, .from = *from, .to = *to};
}

// "+02:00", "-05:30".
std::optional<Duration> parse_offset(std::string_view word) {
  if (word.size() != 6 || (word[0] != '+' && word[0] != '-')) return std::nullopt;
  auto clock = parse_clock(word.substr(1));
  if (!clock || *clock > 18 * 60) return std::nullopt;
  return std::chrono::minutes(word[0] == '-' ? -*clock : *clock);
}

bool is_zone_name(std::string_view word) {
  if (word.empty() || word.size() > 64 || !is_letter(word[0]) || word.find("..") != std::string_view::npos)
    return false;
  for (char c : word)
    if (!is_letter(c) && !is_digit(c) && c != '/' && c != '_' && c != '-' && c != '+') return false;
  return true;
}

Error not_understood(std::string_view word) {
  auto near = nearest(word, day_texts);
  std::string hint = near ? cat("; did you mean ", *near, "?") : cat("; write it like '", example, "'");
  return invalid(cat("`", word, "` is neither days nor hours nor a time zone", hint));
}

Status set_zone(std::string_view word, Schedule& out) {
  if (word == "UTC" || word == "Z") out.offset = Duration{0};
  else if (auto offset = parse_offset(word)) out.offset = *offset;
  else if (word.find('/') != std::string_view::npos && is_zone_name(word)) out.zone = std::string(word);
  else if (nearest(word, day_texts) || !is_zone_name(word) || word.size() < 3) return not_understood(word);
  else out.zone = std::string(word);
  return {};
}

// Words between spaces and commas.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != ' ' && text[i] != ',') continue;
    if (i > begin) out.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return out;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct LocalTime {
  unsigned day = 0;  // 0: Monday
  int minute = 0;
};
LocalTime local(WallTime at, Duration offset) {
  // In minutes before the offset is added, so that no time is too early or too late for it.
  std::int64_t minutes =
      floor_divide(at.ns, 60'000'000'000) + std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  std::int64_t days = floor_divide(minutes, minutes_per_day);
  std::int64_t weekday = (days % 7 + 7 + 3) % 7;  // 1970-01-01 was a Thursday
  return {.day = static_cast<unsigned>(weekday), .minute = static_cast<int>(minutes - days * minutes_per_day)};
}

bool covers(const Schedule::Hours& hours, const LocalTime& now) {
  bool today = ((hours.days >> now.day) & 1U) != 0;
  if (hours.from < hours.to) return today && now.minute >= hours.from && now.minute < hours.to;
  bool yesterday = ((hours.days >> ((now.day + 6) % 7)) & 1U) != 0;
  return (today && now.minute >= hours.from) || (yesterday && now.minute < hours.to);
}

}  // namespace

Result<Schedule> parse_schedule(std::string_view text) {
  Schedule out;
  std::vector<std::string_view> words = words_of(text);
  if (words.empty()) return invalid(cat("no days and no hours; write them like '", example, "'"));
  unsigned days = 0;
  bool have_hours = true;  // since the last days
  auto end_days = [&] {
    if (!have_hours) out.hours.push_back({.days = days, .from = 0, .to = minutes_per_day});
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (out.hours.size() >= most_hours) return invalid(cat("more than ", most_hours, " spans of hours"));
    if (auto more = parse_days(word)) {
      days = have_hours ? *more : days | *more;
      have_hours = false;
      continue;
    }
    if (is_digit(word[0])) {
      Schedule::Hours hours = TRY(parse_hours(word));
      hours.days = days == 0 ? every_day : days;
      out.hours.push_back(hours);
      have_hours = true;
      continue;
    }
    if (i + 1 != words.size()) return not_understood(word);
    if (Status status = set_zone(word, out); !status) return std::move(status).error();
  }
  end_days();
  if (out.hours.empty()) return invalid(cat("a time zone without days or hours; write it like '", example, "'"));
  if (out.zone.empty() && !out.offset) out.offset = Duration{0};
  return out;
}

bool is_within(const Schedule& schedule, WallTime at, Duration offset) {
  LocalTime now = local(at, offset);
  for (const Schedule::Hours& hours : schedule.hours)
    if (covers(hours, now)) return true;
  return false;
}

std::string time_text(WallTime at, Duration offset) {
  LocalTime now = local(at, offset);
  auto two = [](int n) { return cat(n < 10 ? "0" : "", n); };
  return cat(day_texts[now.day], " ", two(now.minute / 60), ":", two(now.minute % 60));
}

}  // namespace mien::policy::detail
