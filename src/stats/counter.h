// A count in eight bits that is right on average (Morris 1978, with a mantissa): four bits of exponent e and four of
// mantissa m stand for (16 + m) 2^e - 16, and one more is counted with probability 2^-e. Exact up to 16, within 15 %
// (one standard deviation) beyond. Holds up to a million. The coin is a caller's 32 bits of state, saved with the
// counters, so that the same samples give the same bytes everywhere and after a restore.
#pragma once

#include <array>
#include <cstdint>

namespace mien::stats {

// The next 32 random bits of a state: a linear congruence (Knuth) with its high bits mixed down. Not for secrets.
[[nodiscard]] constexpr std::uint32_t draw(std::uint32_t& state) {
  state = state * 1664525U + 1013904223U;
  std::uint32_t mixed = (state ^ (state >> 15)) * 0x2c1b3c6dU;
  return mixed ^ (mixed >> 16);
}
// In [0, 1): to round up with the probability of what would be lost.
[[nodiscard]] constexpr double draw_unit(std::uint32_t& state) { return draw(state) * 0x1p-32; }

namespace counter {

[[nodiscard]] constexpr std::uint32_t decode(std::uint8_t code) { return ((16U + (code & 15U)) << (code >> 4)) - 16U; }

// Counts one; returns by how much the decoded count grew.
[[nodiscard]] constexpr std::uint32_t add(std::uint8_t& code, std::uint32_t& coin) {
  std::uint32_t exponent = code >> 4;
  if (exponent > 0 && draw(coin) >> (32 - exponent) != 0) return 0;
  if (code == 255) return 0;
  ++code;
  return std::uint32_t{1} << exponent;
}

// The same for many counters on one toss: `zeros` is how many zeros the toss begins with, less two for a value that
// counts a quarter. Each counter is right on average; that neighbours round alike does not matter.
[[nodiscard]] constexpr std::uint32_t add_tossed(std::uint8_t& code, int zeros) {
  int exponent = code >> 4;
  if (zeros < exponent || code == 255) return 0;
  ++code;
  return std::uint32_t{1} << exponent;
}

// The largest code that stands for at most `count`.
[[nodiscard]] constexpr std::uint8_t below(std::uint32_t count) {
  std::uint32_t exponent = 0;
  while (exponent < 15 && ((count + 16) >> exponent) >= 32) ++exponent;
  std::uint32_t mantissa = ((count + 16) >> exponent) - 16;
  return static_cast<std::uint8_t>(16 * exponent + (mantissa > 15 ? 15 : mantissa));
}
// Four at a time, for a toss that begins with two zeros: counters that would have taken each of them take all.
[[nodiscard]] constexpr std::uint32_t add_four_tossed(std::uint8_t& code, int zeros) {
  if (code >> 4 >= 2) return add_tossed(code, zeros);
  std::uint32_t before = decode(code);
  code = below(before + 4);
  return decode(code) - before;
}

// A code that stands for `count` on average.
[[nodiscard]] constexpr std::uint8_t encode(std::uint32_t count, std::uint32_t& coin) {
  std::uint8_t code = below(count);
  std::uint32_t rest = count - decode(code);
  if (rest == 0 || code == 255) return code;
  std::uint32_t exponent = code >> 4;
  return static_cast<std::uint8_t>(code + (draw(coin) >> (32 - exponent) < rest ? 1 : 0));
}

}  // namespace counter
}  // namespace mien::stats
