// The tail of one statistic, as its own past shows it: how rare is a value at least this large?
//
// A histogram of log2 u in 24 bins of 2/3 octave over [2^-4, 2^12) with exact edges (the exponent and comparisons of
// the mantissa, never a computed logarithm). The surprise -log10 p mixes the empirical tail with a Pareto tail beyond
// the 5 % edge whose index is Hill's estimate (Hill 1975) shrunk to 0.30. Counts are halved at 60,000 values: old life
// fades. Two forms:
//   Tail       exact counts in quarters, so that a doubtful value may teach with weight 1/4; merging adds counts and is
//              associative and commutative. 116 bytes. For what an instance has few of, for pools and revisions.
//   SmallTail  counts in eight bits each (counter.h), a doubtful value counted with probability 1/4; 28 bytes. For what
//              every series has many of. It widens to the Tail of exactly what it holds.
// Cost: a look-up is a sum over at most 24 counts and one or two logarithms, 10 to 20 ns; below the mark none is
// needed.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/fields.h"
#include "stats/counter.h"

namespace mien::stats {

namespace tail {

constexpr int bins = 24;
constexpr std::uint32_t halve_at = 60'000;                    // values
constexpr std::uint32_t thirds[3] = {0, 0x214518, 0x4b2ff6};  // mantissa bits of 2^(k/3), rounded up

// The bin of u: 0 for everything below 2^-4 (and NaN), 23 for everything from 2^(11 1/3) on.
[[nodiscard]] constexpr int bin_of(float u) {
  if (!(u >= 0x1p-4F)) return 0;
  if (u >= 0x1p12F) return bins - 1;
  auto bits = std::bit_cast<std::uint32_t>(u);
  std::uint32_t mantissa = bits & 0x7fffffU;
  int steps =
      3 * (static_cast<int>(bits >> 23) - 123) + (mantissa >= thirds[1] ? 1 : 0) + (mantissa >= thirds[2] ? 1 : 0);
  return steps >> 1;
}
// The lower edge of a bin; of `bins` the upper end of the last one.
[[nodiscard]] constexpr float edge(int bin) {
  auto steps = static_cast<std::uint32_t>(2 * bin);
  return std::bit_cast<float>(((123 + steps / 3) << 23) | thirds[steps % 3]);
}

}  // namespace tail

class Tail {
 public:
  static constexpr int bins = tail::bins;
  static constexpr std::uint32_t whole = 4;           // one value, in quarters
  static constexpr std::uint32_t quarter = 1;         // a doubtful value
  static constexpr std::uint32_t silent_below = 100;  // values; with fewer the tail says nothing

  void add(double u, std::uint32_t quarters);
  void merge(const Tail& other);

  enum class Known : std::uint8_t { enough, few };  // few: the caller knows better than `silent_below`
  // -log10 P(U >= u), 0 while ordinary or silent; grows with u without bound.
  [[nodiscard]] double surprise(double u, double empirical_weight = 0.7, Known known = Known::enough) const;
  [[nodiscard]] double values() const { return static_cast<double>(total_) / whole; }
  [[nodiscard]] bool speaks() const { return total_ >= silent_below * whole; }
  [[nodiscard]] const std::array<std::uint32_t, bins>& counts() const { return counts_; }
  // From stored counts, in quarters.
  [[nodiscard]] static Tail from_counts(const std::array<std::uint32_t, bins>& counts);
  // From the 32 bins of half an octave that formats before had: each goes to the bin its middle lies in.
  [[nodiscard]] static Tail from_half_octaves(const std::array<std::uint32_t, 32>& counts);

  friend bool operator==(const Tail&, const Tail&) = default;

 private:
  void summarise();

  std::array<std::uint32_t, bins> counts_{};
  std::uint32_t total_ = 0;
  std::uint32_t since_summary_ = 0;  // additions since the three below were computed
  std::uint8_t mark_ = 0;            // first bin with at most 30 % at or above it: below, nothing is surprising
  std::uint8_t knee_ = 0;            // first bin with at most 5 % at or above it: the Pareto tail starts at its edge
  float index_ = 0.3F;               // tail index

 public:
  static constexpr auto fields = std::tuple{
      field("counts", &Tail::counts_), field("total", &Tail::total_), field("since_summary", &Tail::since_summary_),
      field("mark", &Tail::mark_),     field("knee", &Tail::knee_),   field("index", &Tail::index_)};
};

class SmallTail {
 public:
  static constexpr int bins = tail::bins;
  static constexpr std::uint32_t silent_below = Tail::silent_below;
  static constexpr std::uint8_t never = 255;  // a mark that no value reaches

  enum class Weight : std::uint8_t { whole, quarter };
  void add(int bin, Weight weight, std::uint32_t& coin);
  // The same for many tails on one toss (counter::add_tossed).
  void add_tossed(int bin, int zeros, std::uint32_t& coin) {
    total_ = static_cast<std::uint16_t>(total_ + counter::add_tossed(codes_[static_cast<std::size_t>(bin)], zeros));
    if (total_ >= tail::halve_at) halve(coin);
  }
  void add_four_tossed(int bin, int zeros, std::uint32_t& coin) {
    total_ =
        static_cast<std::uint16_t>(total_ + counter::add_four_tossed(codes_[static_cast<std::size_t>(bin)], zeros));
    if (total_ >= tail::halve_at) halve(coin);
  }

  // Computes what look-ups need; to be called now and then, about every 16 values. Returns the mark: below this bin
  // nothing is surprising (15 % of the values are at or above it) and no look-up is needed; `never` while it is silent.
  [[nodiscard]] std::uint8_t summarise();
  // As Tail::surprise of a u that reaches the mark; of other ones it is small but not nothing.
  [[nodiscard]] double surprise(float u) const;
  [[nodiscard]] std::uint32_t values() const { return total_; }
  [[nodiscard]] bool speaks() const { return total_ >= silent_below; }

  [[nodiscard]] Tail widen() const;
  [[nodiscard]] static SmallTail narrow(const Tail& wide);  // to the nearest code below; halved until it fits

  friend bool operator==(const SmallTail&, const SmallTail&) = default;

 private:
  void halve(std::uint32_t& coin);

  std::array<std::uint8_t, bins> codes_{};
  std::uint16_t total_ = 0;       // of the decoded counts
  std::uint8_t knee_ = bins - 1;  // as in Tail
  std::uint8_t index_ = 38;       // tail index in 1/128

 public:
  static constexpr auto fields = std::tuple{field("codes", &SmallTail::codes_), field("total", &SmallTail::total_),
                                            field("knee", &SmallTail::knee_), field("index", &SmallTail::index_)};
};
static_assert(sizeof(SmallTail) == 28);

}  // namespace mien::stats
