#include "wire/detail/scalar.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "base/text.h"

namespace mien::wire::detail {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [-+]? (digits with at most one point) ([eE][-+]?digits)?, no leading zeros before another digit.
bool looks_like_number(std::string_view text) {
  std::size_t i = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  std::size_t whole = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  std::size_t digits = i - whole;
  if (digits > 1 && text[whole] == '0') return false;
  if (i < text.size() && text[i] == '.') {
    std::size_t point = i++;
    while (i < text.size() && is_digit(text[i])) ++i;
    digits += i - point - 1;
  }
  if (digits == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    std::size_t exponent = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    if (i == exponent) return false;
  }
  return i == text.size();
}

std::optional<std::int64_t> radix_integer(std::string_view text) {
  int base = text.starts_with("0x") ? 16 : text.starts_with("0o") ? 8 : 0;
  if (base == 0) return std::nullopt;
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text[2] == '-') return std::nullopt;
  return value;
}

}  // namespace

model::Value resolve_scalar(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return model::Value(true);
  if (text == "false" || text == "False" || text == "FALSE") return model::Value(false);
  if (text.size() > 2)
    if (auto integer = radix_integer(text)) return model::Value(*integer);
  if (looks_like_number(text)) {
    std::string_view unsigned_text = text[0] == '+' ? text.substr(1) : text;
    if (auto integer = parse_integer(unsigned_text)) return model::Value(*integer);
    if (auto real = parse_double(unsigned_text); real && std::isfinite(*real)) return model::Value(*real);
  }
  return model::Value(std::string(text));
}

}  // namespace mien::wire::detail
