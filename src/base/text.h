// Small words about text that several rooms need: joining, splitting, numbers without locale, the nearest known word.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mien {

// Joins anything that converts to string_view, a char or an integer.
template <class... Parts>
[[nodiscard]] std::string cat(const Parts&... parts) {
  std::string out;
  auto add = [&out](const auto& part) {
    using T = std::decay_t<decltype(part)>;
    if constexpr (std::is_same_v<T, char>) out.push_back(part);
    else if constexpr (std::is_integral_v<T>) out += std::to_string(part);
    else out += std::string_view(part);
  };
  (add(parts), ...);
  return out;
}

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);
// Shortest text that reads back to the same double; "inf", "-inf", "nan" for the others.
[[nodiscard]] std::string to_text(double value);
// `digits` significant digits, for people: 0.123, 12.3k is not used.
[[nodiscard]] std::string to_text(double value, int significant_digits);
// The whole text as a number, or nothing.
[[nodiscard]] std::optional<double> parse_double(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
// The known word closest to `word` by edit distance (with transpositions), if it is near enough to be a slip of the
// pen.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);
[[nodiscard]] std::string to_hex(std::string_view bytes);
[[nodiscard]] std::optional<std::string> parse_hex(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace mien
