#include "wire/detail/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace mien::wire {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits from `at` on, appended to `number`, which may run over: the caller counts them.
const char* add_digits(const char* at, const char* end, std::uint64_t& number) {
  for (; at != end && is_digit(*at); ++at) number = number * 10 + static_cast<std::uint64_t>(*at - '0');
  return at;
}

// Behind the exponent at `at`; null where it has no digits.
const char* behind_exponent(const char* at, const char* end) {
  ++at;
  if (at != end && (*at == '+' || *at == '-')) ++at;
  const char* first = at;
  while (at != end && is_digit(*at)) ++at;
  return at == first ? nullptr : at;
}

}  // namespace

// Byte after byte: most strings are shorter than what a search by words pays for.
std::size_t JsonText::behind_string(std::size_t place) const {
  for (++place; place < text_.size(); ++place) {
    if (text_[place] == '"') return place + 1;
    if (text_[place] == '\\') ++place;
  }
  return none;
}

std::size_t JsonText::behind(std::size_t place) const {
  if (at(place) == '"') return behind_string(place);
  if (at(place) != '{' && at(place) != '[') {
    std::size_t end = text_.find_first_of(",]} \n\r\t", place);
    return end == none ? text_.size() : end;
  }
  int levels = 0;
  while (place < text_.size()) {
    switch (text_[place]) {
      case '"':
        place = behind_string(place);
        if (place == none) return none;
        continue;
      case '{':
      case '[':
        if (++levels > deepest) return none;
        break;
      case '}':
      case ']':
        if (--levels == 0) return place + 1;
        break;
      default: break;
    }
    ++place;
  }
  return none;
}

const char* read_digits(const char* at, const char* end, std::uint64_t& into) {
  constexpr std::ptrdiff_t most = 19;  // as many fit for certain
  const char* first = at;
  into = 0;
  at = add_digits(at, end, into);
  std::ptrdiff_t count = at - first;
  return count == 0 || count > most || (count > 1 && *first == '0') ? nullptr : at;
}

const char* read_plain_number(const char* at, const char* end, double& into) {
  constexpr std::array<double, 16> powers{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const char* first = at;
  bool negative = at != end && *at == '-';
  const char* whole = negative ? at + 1 : at;
  std::uint64_t digits = 0;
  at = add_digits(whole, end, digits);
  std::ptrdiff_t count = at - whole;
  if (count == 0 || (count > 1 && *whole == '0')) return nullptr;
  bool is_whole = at == end || (*at != '.' && *at != 'e' && *at != 'E');
  if (is_whole) {
    constexpr std::ptrdiff_t most = 18;
    // A negative zero is one as text and none as a number.
    if (count > most || (negative && digits == 0)) return nullptr;
    auto number = static_cast<std::int64_t>(digits);
    into = static_cast<double>(negative ? -number : number);
    return at;
  }
  std::ptrdiff_t fraction = 0;
  if (*at == '.') {
    const char* after_point = at + 1;
    at = add_digits(after_point, end, digits);
    fraction = at - after_point;
    if (fraction == 0) return nullptr;
  }
  bool has_exponent = at != end && (*at == 'e' || *at == 'E');
  // Both numbers are exact, so their quotient is rounded once, as it should be (Clinger 1990).
  if (!has_exponent && count + fraction <= 15) {
    double number = static_cast<double>(digits) / powers[static_cast<std::size_t>(fraction)];
    into = negative ? -number : number;
    return at;
  }
  if (has_exponent) at = behind_exponent(at, end);
  if (at == nullptr) return nullptr;
  auto [behind, error] = std::from_chars(first, at, into);
  return error == std::errc{} && behind == at && std::isfinite(into) ? at : nullptr;
}

}  // namespace mien::wire
