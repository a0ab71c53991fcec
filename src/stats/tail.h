// The tail of one statistic, as its own past shows it: how rare is a value at least this large?
//
// A histogram of log2 u in 32 half-octave bins over [2^-4, 2^12) with exact edges (the exponent and one comparison of
// the mantissa, never a computed logarithm), counted in quarters so that a doubtful value may teach with weight 1/4.
// The surprise -log10 p mixes the empirical tail (weight 0.7) with a Pareto tail beyond the 5 % edge (weight 0.3)
// whose index is Hill's estimate (Hill 1975) shrunk to 0.30. Counts are halved at 60,000 values: old life fades.
// Cost: one look-up is O(1) while u is ordinary (below the 30 % mark), else a sum over at most 32 counts and one
// logarithm. 148 bytes. Deterministic; merging adds counts and is associative and commutative.
#pragma once

#include <array>
#include <cstdint>

#include "base/fields.h"

namespace mien::stats {

class Tail {
 public:
  static constexpr int bins = 32;
  static constexpr std::uint32_t whole = 4;           // one value, in quarters
  static constexpr std::uint32_t quarter = 1;         // a doubtful value
  static constexpr std::uint32_t silent_below = 100;  // values; with fewer the tail says nothing

  // The bin of u: 0 for everything below 2^-4 (and NaN), 31 for everything from 2^11.5 on.
  [[nodiscard]] static int bin_of(double u);
  [[nodiscard]] static double edge(int bin);  // lower edge of a bin

  void add(double u, std::uint32_t quarters);
  void merge(const Tail& other);

  // -log10 P(U >= u), 0 while ordinary or silent; grows with u without bound.
  [[nodiscard]] double surprise(double u, double empirical_weight = 0.7) const;
  [[nodiscard]] double values() const { return static_cast<double>(total_) / whole; }
  [[nodiscard]] bool speaks() const { return total_ >= silent_below * whole; }
  [[nodiscard]] const std::array<std::uint32_t, bins>& counts() const { return counts_; }
  // From stored counts (a revision keeps them coarsely).
  [[nodiscard]] static Tail from_counts(const std::array<std::uint32_t, bins>& counts);

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

}  // namespace mien::stats
