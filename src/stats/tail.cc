#include "stats/tail.h"

#include <algorithm>

#include "stats/counter.h"
#include "stats/quick_log.h"

namespace mien::stats {
namespace {

constexpr std::uint32_t summarise_every = 16;
constexpr double prior_index = 0.30;
constexpr double prior_weight = 20;                // values that the prior index is worth
constexpr double bin_width = 0.46209812037329684;  // ln 2^(2/3)
constexpr double ordinary_share = 0.30;            // of an exact tail's values lie at or above its mark
constexpr double ordinary_share_small = 0.15;
constexpr double tail_share = 0.05;
constexpr double small_index_unit = 128;
constexpr double empirical_part = 0.7;

// What is known of the values at or above u, all in values.
struct Above {
  double reached = 0;  // at or above u
  double at_knee = 0;  // at or above the knee's edge
  double total = 0;
};

double mixed_surprise(const Above& above, bool beyond_knee, double excess_over_index, double empirical_weight) {
  double scale = 1 / (above.total + 1);
  double empirical = -quick_log10((above.reached + 0.5) * scale);
  if (!beyond_knee) return empirical > 0 ? empirical : 0;
  double pareto = -quick_log10((above.at_knee + 0.5) * scale) + excess_over_index;
  return empirical_weight * empirical + (1 - empirical_weight) * pareto;
}

// Share of a bin that lies at or above u.
double part_above(int bin, double u) {
  double low = tail::edge(bin);
  double high = tail::edge(bin + 1);
  return 1 - std::clamp((u - low) / (high - low), 0.0, 1.0);
}

double excess_over(int knee, double u, double index) {
  double edge = tail::edge(knee);
  return u > edge ? quick_log10(u / edge) / index : 0;
}

struct Summary {
  int mark = tail::bins;
  int knee = tail::bins;
  double index = prior_index;
};

// `counts` in values.
template <class Count>
Summary summary_of(const Count& count, double total, double ordinary) {
  Summary summary;
  double above = 0;
  double steps = 0;  // sum of the cumulative counts above the knee: mean excess in bins
  double at_knee = 0;
  for (int b = tail::bins - 1; b >= 0; --b) {
    double next = above + count(b);
    if (next <= tail_share * total) {
      steps += above;
      at_knee = next;
      summary.knee = b;
    }
    if (next > ordinary * total) break;
    above = next;
    summary.mark = b;
  }
  double excess = bin_width * (steps + 0.5 * at_knee);
  summary.index = (excess + prior_index * prior_weight) / (at_knee + prior_weight);
  summary.mark = std::min(summary.mark, tail::bins - 1);
  summary.knee = std::min(summary.knee, tail::bins - 1);
  return summary;
}

}  // namespace

void Tail::add(double u, std::uint32_t quarters) {
  counts_[static_cast<std::size_t>(tail::bin_of(static_cast<float>(u)))] += quarters;
  total_ += quarters;
  if (total_ >= tail::halve_at * whole) {
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

Tail Tail::from_half_octaves(const std::array<std::uint32_t, 32>& counts) {
  std::array<std::uint32_t, bins> wider{};
  for (std::size_t i = 0; i < counts.size(); ++i) wider[(3 * i + 1) / 4] += counts[i];
  return from_counts(wider);
}

void Tail::summarise() {
  since_summary_ = 0;
  Summary summary = summary_of([&](int b) { return static_cast<double>(counts_[static_cast<std::size_t>(b)]) / whole; },
                               values(), ordinary_share);
  mark_ = static_cast<std::uint8_t>(summary.mark);
  knee_ = static_cast<std::uint8_t>(summary.knee);
  index_ = static_cast<float>(summary.index);
}

double Tail::surprise(double u, double empirical_weight, Known known) const {
  int b = tail::bin_of(static_cast<float>(u));
  if (b < mark_ || (known == Known::enough && !speaks())) return 0;
  auto count = [&](int i) { return static_cast<double>(counts_[static_cast<std::size_t>(i)]) / whole; };
  Above above{.reached = part_above(b, u) * count(b), .at_knee = 0, .total = values()};
  for (int i = bins - 1; i > b; --i) above.reached += count(i);
  if (b < knee_) return mixed_surprise(above, false, 0, empirical_weight);
  for (int i = bins - 1; i >= knee_; --i) above.at_knee += count(i);
  return mixed_surprise(above, true, excess_over(knee_, u, static_cast<double>(index_)), empirical_weight);
}

void SmallTail::add(int bin, Weight weight, std::uint32_t& coin) {
  if (weight == Weight::quarter && draw(coin) >> 30 != 0) return;
  total_ = static_cast<std::uint16_t>(total_ + counter::add(codes_[static_cast<std::size_t>(bin)], coin));
  if (total_ >= tail::halve_at) halve(coin);
}

void SmallTail::halve(std::uint32_t& coin) {
  std::uint32_t total = 0;
  for (std::uint8_t& code : codes_) {
    std::uint32_t count = counter::decode(code);
    code = counter::encode(count / 2 + (count & draw(coin) & 1U), coin);
    total += counter::decode(code);
  }
  total_ = static_cast<std::uint16_t>(std::min<std::uint32_t>(total, tail::halve_at - 1));
}

std::uint8_t SmallTail::summarise() {
  Summary summary =
      summary_of([&](int b) { return static_cast<double>(counter::decode(codes_[static_cast<std::size_t>(b)])); },
                 total_, ordinary_share_small);
  knee_ = static_cast<std::uint8_t>(summary.knee);
  index_ = static_cast<std::uint8_t>(std::clamp(small_index_unit * summary.index + 0.5, 1.0, 255.0));
  return speaks() ? static_cast<std::uint8_t>(summary.mark) : never;
}

double SmallTail::surprise(float u) const {
  if (!speaks()) return 0;
  int b = tail::bin_of(u);
  std::uint32_t beyond = 0;
  for (int i = bins - 1; i > b; --i) beyond += counter::decode(codes_[static_cast<std::size_t>(i)]);
  std::uint32_t here = counter::decode(codes_[static_cast<std::size_t>(b)]);
  Above above{.reached = beyond + part_above(b, static_cast<double>(u)) * here,
              .at_knee = 0,
              .total = static_cast<double>(total_)};
  if (b < knee_) return mixed_surprise(above, false, 0, empirical_part);
  std::uint32_t at_knee = beyond + here;
  for (int i = b - 1; i >= knee_; --i) at_knee += counter::decode(codes_[static_cast<std::size_t>(i)]);
  above.at_knee = at_knee;
  return mixed_surprise(above, true, excess_over(knee_, static_cast<double>(u), index_ / small_index_unit),
                        empirical_part);
}

Tail SmallTail::widen() const {
  std::array<std::uint32_t, bins> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = counter::decode(codes_[i]) * Tail::whole;
  return Tail::from_counts(counts);
}

SmallTail SmallTail::narrow(const Tail& wide) {
  std::uint64_t total = 0;
  for (std::uint32_t count : wide.counts()) total += count / Tail::whole;
  int halved = 0;
  while (total >> halved >= tail::halve_at) ++halved;
  SmallTail small;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < small.codes_.size(); ++i) {
    small.codes_[i] = counter::below((wide.counts()[i] / Tail::whole) >> halved);
    sum += counter::decode(small.codes_[i]);
  }
  small.total_ = static_cast<std::uint16_t>(sum);
  (void)small.summarise();
  return small;
}

}  // namespace mien::stats
