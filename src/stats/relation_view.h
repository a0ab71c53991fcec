// How up to 64 values usually move together: their means, spreads and correlations, learned one vector at a time, and
// how far a vector lies from all that.
//
// The distance is Mahalanobis' (1936) on standardised values, q = (x - mean) / spread, softly clipped beyond 5 so that
// one wild value does not hide a broken relation of the others: sqrt(q' C^-1 q / d), C = 0.99 R + 0.01 I (shrinkage
// after Ledoit & Wolf 2004, fixed). C is factored C = L L' when enough was learned since the last time and L^-1 is
// kept, so a distance is one triangular product. Missing values (NaN) count as ordinary.
//
// Cost at d values: distance d^2 / 2 multiplications, learn the same, a refresh d^3 / 3 every 20 to 500 vectors. Memory
// about 4 d^2 bytes. Deterministic: + - * / and sqrt in a fixed order.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/fields.h"

namespace mien::stats {

class RelationView {
 public:
  static constexpr std::size_t max_size = 64;
  static constexpr std::uint64_t silent_below = 100;  // vectors; with fewer the distance says nothing

  // Values are standardised by their own learned spread, never by less than `floor`.
  static constexpr double floor = 0.1;

  // Room for `size` values (at most max_size); what was learned of fewer is kept, the new ones start unknown.
  void grow(std::size_t size);

  // >= 0, about 1 for an ordinary vector. x.size() is the size.
  [[nodiscard]] double distance(std::span<const float> x) const;
  // Share of each value in the squared distance (may be slightly negative); for blame. Cost d^2.
  [[nodiscard]] std::vector<double> shares(std::span<const float> x) const;

  // Exponential means with weight max(1 / (n + 1), rate).
  void learn(std::span<const float> x, double rate);

  // The same in steps, for who asks and learns: standardised values stand for missing ones with 0.
  using Vector = std::array<float, max_size>;
  [[nodiscard]] Vector standardise(std::span<const float> x) const;
  [[nodiscard]] double squared_distance(const Vector& q) const;
  void learn(std::span<const float> x, const Vector& q, double rate);

  [[nodiscard]] std::size_t size() const { return mean_.size(); }
  [[nodiscard]] std::uint64_t learned() const { return learned_; }
  [[nodiscard]] bool speaks() const { return learned_ >= silent_below; }
  // The parts fit each other: what was read from outside is checked by this.
  [[nodiscard]] bool is_whole() const;

  friend bool operator==(const RelationView&, const RelationView&) = default;

 private:
  void refresh();

  std::uint64_t learned_ = 0;
  std::uint32_t since_refresh_ = 0;
  std::vector<float> mean_;
  std::vector<float> variance_;
  std::vector<float> covariance_;  // of q; lower triangle by columns
  std::vector<float> inverse_;     // L^-1; lower triangle by columns

 public:
  static constexpr auto fields = std::tuple{field("learned", &RelationView::learned_),
                                            field("since_refresh", &RelationView::since_refresh_),
                                            field("mean", &RelationView::mean_),
                                            field("variance", &RelationView::variance_),
                                            field("covariance", &RelationView::covariance_),
                                            field("inverse", &RelationView::inverse_)};
};

}  // namespace mien::stats
