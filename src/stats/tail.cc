#include "stats/tail.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/math.h"

namespace mien::stats {
namespace {

constexpr std::uint32_t halve_at = 60'000 * Tail::whole;
constexpr std::uint32_t summarise_every = 16;
constexpr double prior_index = 0.30;
constexpr double prior_weight = 20;                           // values that the prior index is worth
constexpr std::uint64_t sqrt2_mantissa = 0x6a09e667f3bcdULL;  // mantissa bits of sqrt(2), rounded up

}  // namespace

int Tail::bin_of(double u) {
  if (!(u >= 0x1p-4)) return 0;
  if (u >= 0x1p12) return bins - 1;
  auto bits = std::bit_cast<std::uint64_t>(u);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  int upper = (bits & 0xfffffffffffffULL) >= sqrt2_mantissa ? 1 : 0;
  return 2 * (exponent + 4) + upper;
}

double Tail::edge(int bin) {
  double octave = std::bit_cast<double>(static_cast<std::uint64_t>(1023 - 4 + bin / 2) << 52);
  return bin % 2 == 0 ? octave : octave * std::bit_cast<double>((std::uint64_t{1023} << 52) | sqrt2_mantissa);
}

void Tail::add(double u, std::uint32_t quarters) {
  counts_[static_cast<std::size_t>(bin_of(u))] += quarters;
  total_ += quarters;
  if (total_ >= halve_at) {
    total_ = 0;
    for (std::uint32_t& count : counts_) total_ += count /= 2;
    since_summary_ = summarise_every;
  }
  if (++since_summary_ >= summarise_every) summarise();
}

void Tail::merge(const Tail& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
  summarise();
}

Tail Tail::from_counts(const std::array<std::uint32_t, bins>& counts) {
  Tail tail;
  tail.counts_ = counts;
  for (std::uint32_t count : counts) tail.total_ += count;
  tail.summarise();
  return tail;
}

void Tail::summarise() {
  since_summary_ = 0;
  double total = total_;
  std::uint64_t above = 0;
  int knee = bins;
  int mark = bins;
  std::uint64_t steps = 0;  // sum of the cumulative counts above the knee: mean excess in bins
  std::uint64_t at_knee = 0;
  for (int b = bins - 1; b >= 0; --b) {
    std::uint64_t next = above + counts_[static_cast<std::size_t>(b)];
    if (static_cast<double>(next) <= 0.05 * total) {
      steps += above;
      at_knee = next;
      knee = b;
    }
    if (static_cast<double>(next) > 0.30 * total) break;
    above = next;
    mark = b;
  }
  mark_ = static_cast<std::uint8_t>(std::min(mark, bins - 1));
  knee_ = static_cast<std::uint8_t>(std::min(knee, bins - 1));
  constexpr double half_octave = 0.34657359027997264;  // ln sqrt 2
  double n = static_cast<double>(at_knee) / whole;
  double excess = half_octave * (static_cast<double>(steps) / whole + 0.5 * n);
  index_ = static_cast<float>((excess + prior_index * prior_weight) / (n + prior_weight));
}

double Tail::surprise(double u, double empirical_weight) const {
  int b = bin_of(u);
  if (b < mark_ || !speaks()) return 0;
  std::uint64_t above = 0;
  for (int i = bins - 1; i > b; --i) above += counts_[static_cast<std::size_t>(i)];
  double low = edge(b);
  double width = low * (b % 2 == 0 ? 0.41421356237309515 : 0.41421356237309492);
  double inside = std::clamp((u - low) / width, 0.0, 1.0);
  double reached =
      static_cast<double>(above) + (1 - inside) * static_cast<double>(counts_[static_cast<std::size_t>(b)]);
  double empirical = -math::log10((reached + 0.5 * whole) / (static_cast<double>(total_) + whole));
  if (b < knee_) return empirical;
  std::uint64_t at_knee = above;
  for (int i = b; i >= knee_; --i) at_knee += counts_[static_cast<std::size_t>(i)];
  double share = (static_cast<double>(at_knee) + 0.5 * whole) / (static_cast<double>(total_) + whole);
  double knee_edge = edge(knee_);
  double pareto = -math::log10(share);
  if (u > knee_edge) pareto += math::log10(u / knee_edge) / static_cast<double>(index_);
  return empirical_weight * empirical + (1 - empirical_weight) * pareto;
}

}  // namespace mien::stats
