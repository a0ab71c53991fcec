#include "model/text_quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "base/text.h"

namespace mien::model {
namespace {

constexpr double largest_whole = 9007199254740992.0;  // 2^53: above it doubles skip integers
constexpr Duration longest = std::chrono::hours(24 * 365 * 100);
constexpr Duration one_week = std::chrono::hours(24 * 7);

Error invalid(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

// Divided, not multiplied by 1e-9: thirty seconds are 30 exactly.
double seconds_of(Duration d) { return static_cast<double>(d.count()) / 1e9; }

struct Scale {
  std::string_view unit;
  double factor;
};
// The decimal and binary multiples. `Gi` is read as `GiB`; text is always written with the B.
constexpr std::array<Scale, 16> byte_units{{
    {"B", 1},
    {"kB", 1e3},
    {"MB", 1e6},
    {"GB", 1e9},
    {"TB", 1e12},
    {"PB", 1e15},
    {"KiB", 1024.0},
    {"MiB", 1048576.0},
    {"GiB", 1073741824.0},
    {"TiB", 1099511627776.0},
    {"PiB", 1125899906842624.0},
    {"Ki", 1024.0},
    {"Mi", 1048576.0},
    {"Gi", 1073741824.0},
    {"Ti", 1099511627776.0},
    {"Pi", 1125899906842624.0},
}};
constexpr std::size_t written_byte_units = 11;
constexpr std::array<Scale, 5> bit_units{{{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {"Tbit", 1e12}}};

struct Period {
  std::string_view unit;
  Duration length;
};
constexpr std::array<Period, 9> duration_units{{
    {"d", std::chrono::hours(24)},
    {"h", std::chrono::hours(1)},
    {"m", std::chrono::minutes(1)},
    {"s", std::chrono::seconds(1)},
    {"ms", std::chrono::milliseconds(1)},
    {"us", std::chrono::microseconds(1)},
    {"ns", std::chrono::nanoseconds(1)},
    {"min", std::chrono::minutes(1)},
    {"w", std::chrono::hours(24 * 7)},
}};
constexpr std::size_t written_duration_units = 7;
constexpr std::array<Period, 9> event_periods{{
    {"s", std::chrono::seconds(1)},
    {"min", std::chrono::minutes(1)},
    {"h", std::chrono::hours(1)},
    {"day", std::chrono::hours(24)},
    {"week", std::chrono::hours(24 * 7)},
    {"hour", std::chrono::hours(1)},
    {"d", std::chrono::hours(24)},
    {"minute", std::chrono::minutes(1)},
    {"w", std::chrono::hours(24 * 7)},
}};

// What people write instead of our units, and what they should write.
struct Slip {
  std::string_view written;
  std::string_view meant;
};
constexpr std::array<Slip, 26> slips{{
    {"K", "kB or KiB"},   {"k", "kB or KiB"},   {"M", "MB or MiB"},   {"G", "GB or GiB"},   {"T", "TB or TiB"},
    {"KB", "kB or KiB"},  {"Kb", "kB or kbit"}, {"kb", "kB or kbit"}, {"Mb", "MB or Mbit"}, {"mb", "MB or Mbit"},
    {"Gb", "GB or Gbit"}, {"gb", "GB or Gbit"}, {"b", "B or bit"},    {"kbps", "kbit"},     {"Mbps", "Mbit"},
    {"mbps", "Mbit"},     {"Gbps", "Gbit"},     {"gbps", "Gbit"},     {"MBps", "MB/s"},     {"sec", "s"},
    {"secs", "s"},        {"seconds", "s"},     {"mins", "m"},        {"minutes", "m"},     {"hours", "h"},
    {"days", "d"},
}};

// A number that has a unit behind it: digits with at most one point, no exponent (so that `8EiB` is no exponent).
struct Measured {
  std::string_view number;
  std::string_view unit;
};
Measured split_unit(std::string_view text) {
  std::size_t end = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
  return {text.substr(0, end), text.substr(end)};
}

// number * 10^power, correctly rounded: `15%` is the double nearest to 0.15, which 15 / 100 need not be.
std::optional<double> shifted(std::string_view number, int power) { return parse_double(cat(number, 'e', power)); }

template <class Table>
const typename Table::value_type* find_unit(const Table& table, std::string_view unit) {
  for (const auto& each : table)
    if (each.unit == unit) return &each;
  return nullptr;
}

Result<TextQuantity> whole_bytes(std::string_view text, double number, double factor) {
  double bytes = number * factor;
  if (bytes < 0) return invalid(cat("`", text, "`: a size is not negative"));
  if (bytes > largest_whole) return invalid(cat("`", text, "` is more than 8 PiB, the largest size there is here"));
  if (bytes != std::floor(bytes)) return invalid(cat("`", text, "` is not a whole number of bytes"));
  return TextQuantity{.dimension = Dimension::bytes, .value = bytes, .per = {}};
}

// "30s", "1h30m": every part a number and a unit.
std::optional<Duration> try_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  std::int64_t ns = 0;
  while (!text.empty()) {
    if (text[0] == '+' || text[0] == '-') return std::nullopt;
    Measured part = split_unit(text);
    auto number = parse_double(part.number);
    std::size_t unit_end = 0;
    while (unit_end < part.unit.size() && part.unit[unit_end] >= 'a' && part.unit[unit_end] <= 'z') ++unit_end;
    const Period* unit = find_unit(duration_units, part.unit.substr(0, unit_end));
    if (!number || !unit) return std::nullopt;
    double part_ns = *number * static_cast<double>(unit->length.count());
    total += part_ns;
    if (!(total <= static_cast<double>(longest.count()))) return std::nullopt;
    ns += static_cast<std::int64_t>(std::floor(part_ns + 0.5));
    text = part.unit.substr(unit_end);
  }
  return Duration{ns};
}

// "1/week", "5/day", "1000/s".
std::optional<TextQuantity> try_event_rate(const Measured& measured) {
  if (measured.unit.empty() || measured.unit[0] != '/') return std::nullopt;
  auto number = parse_double(measured.number);
  const Period* period = find_unit(event_periods, measured.unit.substr(1));
  if (!number || !period || *number < 0) return std::nullopt;
  return TextQuantity{.dimension = Dimension::event_rate, .value = *number, .per = period->length};
}

Result<TextQuantity> percent(std::string_view text, std::string_view number, Dimensions wanted) {
  auto value = shifted(number, -2);
  if (!value || !std::isfinite(*value))
    return invalid(cat("`", text, "` is not a percentage: write something like 15%"));
  bool is_signed = number[0] == '+' || number[0] == '-';
  if (is_signed && wanted.has(Dimension::change))
    return TextQuantity{.dimension = Dimension::change, .value = *value, .per = {}};
  if (!is_signed && wanted.has(Dimension::ratio))
    return TextQuantity{.dimension = Dimension::ratio, .value = *value, .per = {}};
  if (is_signed && wanted.has(Dimension::ratio))
    return invalid(
        cat("`", text, "` is a change, a share is wanted here: write ", number.substr(1), "% without the sign"));
  if (wanted.has(Dimension::change))
    return invalid(cat("`", text, "`: say which way it changes, +", text, " or -", text));
  return invalid(cat("`", text, "` is a percentage; ", to_text(wanted), " is wanted here"));
}

// What the text says, whether or not it is wanted here; `m` is left to the caller.
std::optional<Result<TextQuantity>> by_unit(std::string_view text, const Measured& measured) {
  auto number = parse_double(measured.number);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  std::string_view unit = measured.unit;
  bool per_second = unit.size() > 2 && unit.ends_with("/s");
  std::string_view stem = per_second ? unit.substr(0, unit.size() - 2) : unit;
  if (const Scale* scale = find_unit(byte_units, stem)) {
    if (!per_second) return whole_bytes(text, *number, scale->factor);
    if (*number < 0) return Result<TextQuantity>(invalid(cat("`", text, "`: a rate is not negative")));
    return Result<TextQuantity>(
        TextQuantity{.dimension = Dimension::byte_rate, .value = *number * scale->factor, .per = {}});
  }
  if (const Scale* scale = find_unit(bit_units, stem)) {
    if (*number < 0) return Result<TextQuantity>(invalid(cat("`", text, "`: a rate is not negative")));
    return Result<TextQuantity>(
        TextQuantity{.dimension = Dimension::bit_rate, .value = *number * scale->factor, .per = {}});
  }
  if (auto rate = try_event_rate(measured)) return Result<TextQuantity>(*rate);
  return std::nullopt;
}

Error explain(std::string_view text, const Measured& measured, Dimensions wanted) {
  if (text.empty()) return invalid(cat("nothing is written here; ", to_text(wanted), " is wanted"));
  if (measured.number.empty() || measured.number == "+" || measured.number == "-")
    return invalid(cat("`", text, "` is not a quantity; ", to_text(wanted), " is wanted here"));
  std::string_view unit = measured.unit;
  if (unit.starts_with(' '))
    return invalid(cat("`", text, "`: write it without the space, ", measured.number, trim(unit)));
  for (const Slip& slip : slips)
    if (slip.written == unit) return invalid(cat("`", text, "`: `", unit, "` is not a unit here; write ", slip.meant));
  std::vector<std::string_view> known{"%"};
  for (const Scale& each : byte_units) known.push_back(each.unit);
  for (const Scale& each : bit_units) known.push_back(each.unit);
  for (const Period& each : duration_units) known.push_back(each.unit);
  auto near = nearest(unit, known);
  std::string hint = near && !unit.empty() ? cat("; did you mean ", measured.number, *near, "?") : std::string();
  return invalid(cat("`", text, "` is not understood; ", to_text(wanted), " is wanted here", hint));
}

std::string fixed_text(double value) {
  std::array<char, 400> out{};
  auto end = std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::fixed).ptr;
  return {out.data(), end};
}

// The shortest of `<n><unit>` with a whole n, or the plain value in the first unit.
std::string scaled_text(double value, std::span<const Scale> units) {
  std::string best = cat(fixed_text(value), units[0].unit);
  for (const Scale& each : units) {
    double n = value / each.factor;
    if (n < 1 || n != std::floor(n) || n * each.factor != value) continue;
    std::string candidate = cat(fixed_text(n), each.unit);
    if (candidate.size() < best.size()) best = std::move(candidate);
  }
  return best;
}

// value * 100 in decimal digits, exactly: the shortest text of the value with its point moved.
std::string percent_text(double value) {
  std::array<char, 64> out{};
  auto end = std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::scientific).ptr;
  std::string_view text{out.data(), static_cast<std::size_t>(end - out.data())};
  std::string sign = text.starts_with('-') ? "-" : "";
  if (!sign.empty()) text.remove_prefix(1);
  std::size_t e = text.find('e');
  std::string digits;
  for (char c : text.substr(0, e))
    if (c != '.') digits.push_back(c);
  auto exponent = parse_double(text.substr(e + 1));
  auto point = static_cast<std::ptrdiff_t>(*exponent) + 1 + 2;  // digits before the decimal point
  auto size = static_cast<std::ptrdiff_t>(digits.size());
  if (value == 0) return sign + "0%";
  if (point <= 0) return sign + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits + "%";
  if (point >= size) return sign + digits + std::string(static_cast<std::size_t>(point - size), '0') + "%";
  return sign + digits.substr(0, static_cast<std::size_t>(point)) + "." +
         digits.substr(static_cast<std::size_t>(point)) + "%";
}

std::string duration_text(Duration d) {
  if (d == Duration{0}) return "0s";
  for (const Period& each : std::span(duration_units).first(written_duration_units))
    if (d.count() % each.length.count() == 0) return cat(d.count() / each.length.count(), each.unit);
  return cat(d.count(), "ns");
}

}  // namespace

std::string_view to_text(Dimension dimension) {
  switch (dimension) {
    case Dimension::number: return "a number, like 2 or 500m";
    case Dimension::ratio: return "a share, like 15%";
    case Dimension::change: return "a change, like +50%";
    case Dimension::bytes: return "a size, like 8GiB";
    case Dimension::byte_rate: return "a rate of bytes, like 200MB/s";
    case Dimension::bit_rate: return "a bandwidth, like 500Mbit";
    case Dimension::duration: return "a duration, like 30s or 7d";
    case Dimension::event_rate: return "a frequency, like 1/week";
  }
  return "a quantity";
}

std::string to_text(Dimensions dimensions) {
  if (dimensions == metric_dimensions) return "a value in the metric's unit, like 0.35, 35%, 8GiB, 200MB/s or 30s";
  std::string out;
  int count = 0;
  for (unsigned d = 0; d <= static_cast<unsigned>(Dimension::event_rate); ++d) {
    auto dimension = static_cast<Dimension>(d);
    if (!dimensions.has(dimension)) continue;
    if (count++ > 0) out += ", or ";
    out += to_text(dimension);
  }
  return out;
}

Result<TextQuantity> parse_quantity(std::string_view text, Dimensions wanted) {
  constexpr std::size_t longest_text = 64;
  if (text.size() > longest_text)
    return invalid(cat("a quantity of ", text.size(), " characters; ", to_text(wanted), " is wanted here"));
  std::size_t first = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  bool starts_as_number = text.size() > first && (text[first] == '.' || (text[first] >= '0' && text[first] <= '9'));
  auto plain = starts_as_number ? parse_double(text) : std::nullopt;
  if (plain && std::isfinite(*plain)) {
    if (wanted.has(Dimension::number)) return TextQuantity{.dimension = Dimension::number, .value = *plain, .per = {}};
    std::string unit = wanted.has(Dimension::duration) ? "s" : wanted.has(Dimension::ratio) ? "%" : "";
    std::string hint = unit.empty() ? std::string() : cat("; did you mean ", text, unit, "?");
    return invalid(cat("`", text, "` has no unit; ", to_text(wanted), " is wanted here", hint));
  }
  Measured measured = split_unit(text);
  if (!starts_as_number || !parse_double(measured.number)) return explain(text, measured, wanted);
  if (measured.unit == "%") return percent(text, measured.number, wanted);
  if (measured.unit == "m" && wanted.has(Dimension::number)) {
    auto value = shifted(measured.number, -3);
    if (wanted.has(Dimension::duration))
      return invalid(cat("`", text, "` could be minutes or thousandths here: write ", measured.number, "min or ",
                         to_text(value.value_or(0))));
    if (value) return TextQuantity{.dimension = Dimension::number, .value = *value, .per = {}};
  }
  auto found = by_unit(text, measured);
  if (!found) {
    if (auto duration = try_duration(text))
      found = Result<TextQuantity>(
          TextQuantity{.dimension = Dimension::duration, .value = seconds_of(*duration), .per = {}});
  }
  if (!found) return explain(text, measured, wanted);
  if (!*found) return std::move(*found).error();
  // A bandwidth may be written in bytes where bits are the custom, and the other way round.
  TextQuantity quantity = **found;
  if (quantity.dimension == Dimension::byte_rate && !wanted.has(Dimension::byte_rate) &&
      wanted.has(Dimension::bit_rate))
    quantity = {.dimension = Dimension::bit_rate, .value = quantity.value * 8, .per = {}};
  if (quantity.dimension == Dimension::bit_rate && !wanted.has(Dimension::bit_rate) && wanted.has(Dimension::byte_rate))
    quantity = {.dimension = Dimension::byte_rate, .value = quantity.value / 8, .per = {}};
  if (!wanted.has(quantity.dimension))
    return invalid(cat("`", text, "` is ", to_text(quantity.dimension), "; ", to_text(wanted), " is wanted here"));
  return quantity;
}

Result<TextQuantity> parse_leaf(const Value& value, Dimensions wanted) {
  if (const auto* text = value.text()) return parse_quantity(*text, wanted);
  if (auto number = value.number()) return parse_quantity(to_text(*number), wanted);
  return invalid(cat(to_text(wanted), " is wanted here"));
}

Result<Duration> parse_duration(std::string_view text) {
  TextQuantity quantity = TRY(parse_quantity(text, {Dimension::duration}));
  return to_duration(quantity);
}

std::string to_text(const TextQuantity& quantity) {
  switch (quantity.dimension) {
    case Dimension::number: return to_text(quantity.value);
    case Dimension::ratio: return percent_text(quantity.value);
    case Dimension::change: return cat(std::signbit(quantity.value) ? "" : "+", percent_text(quantity.value));
    case Dimension::bytes: return scaled_text(quantity.value, std::span(byte_units).first(written_byte_units));
    case Dimension::byte_rate:
      return scaled_text(quantity.value, std::span(byte_units).first(written_byte_units)) + "/s";
    case Dimension::bit_rate: return scaled_text(quantity.value, bit_units);
    case Dimension::duration: return duration_text(to_duration(quantity));
    case Dimension::event_rate: break;
  }
  for (const Period& each : event_periods)
    if (each.length == quantity.per) return cat(fixed_text(quantity.value), "/", each.unit);
  return cat(fixed_text(quantity.value), "/week");
}

double to_metric_value(const TextQuantity& quantity) {
  if (quantity.dimension == Dimension::bit_rate) return quantity.value / 8;
  if (quantity.dimension == Dimension::event_rate && quantity.per > Duration{0})
    return quantity.value / seconds_of(quantity.per);
  return quantity.value;
}

double to_events_per_week(const TextQuantity& quantity) {
  if (quantity.per <= Duration{0}) return quantity.value;
  return quantity.value * (seconds_of(one_week) / seconds_of(quantity.per));
}

Duration to_duration(const TextQuantity& quantity) {
  return Duration{static_cast<std::int64_t>(std::floor(quantity.value * 1e9 + 0.5))};
}

}  // namespace mien::model
