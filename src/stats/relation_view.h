// How up to 32 values usually move together: their means, spreads and correlations, learned one vector at a time, and
// how far a vector lies from all that.
//
// The distance is Mahalanobis' (1936) on standardised values, q = (x - mean) / spread, softly clipped beyond 5 so that
// one wild value does not hide a broken relation of the others: sqrt(q' C^-1 q / d), C = 0.99 R + 0.01 I (shrinkage
// after Ledoit & Wolf 2004, fixed). C is factored C = L L' when enough was learned since the last time and L^-1 is
// kept, so a distance is one triangular product. Missing values (NaN) count as ordinary.
//
// Both triangles are 16 bits: correlations in 1/32767, L^-1 (at most 10, as no eigenvalue of C is below 0.01) in
// 1/2048. q goes into the product in 1/128 and whole numbers are added, so the bytes are the same however wide the
// machine is. Vectors wait in bytes (q in 1/16) and move the correlations eight at a time; that often a step of
// rounding is nothing beside what the data itself draws by chance. Within 1 % of the same in doubles
// (relation_view_test.cc).
//
// Cost at d values: distance d^2 / 2 multiplications, eight in one instruction, learn a quarter of that, a refresh
// 2 d^3 / 3 every 24 to 504 vectors. Memory about 2 d^2 + 20 d bytes. Allocates when it grows alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/fields.h"
#include "stats/coarse_view.h"

namespace mien::stats {

class RelationView {
 public:
  static constexpr std::size_t max_size = 32;
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

  // Mean and variance of one value that is missing from the vectors still: only where it lies is learned of it.
  void learn_alone(std::size_t value, float x, double weight);

  // The same in steps, for who asks and learns: standardised values stand for missing ones with 0.
  using Vector = std::array<float, max_size>;
  [[nodiscard]] Vector standardise(std::span<const float> x) const;
  [[nodiscard]] double squared_distance(const Vector& q) const;
  void learn(std::span<const float> x, const Vector& q, double rate);

  // What a distance and a lesson will read is fetched meanwhile.
  void fetch() const;

  [[nodiscard]] std::size_t size() const { return places_.size() / 3; }
  [[nodiscard]] std::uint64_t learned() const { return learned_; }
  [[nodiscard]] bool speaks() const { return learned_ >= silent_below; }
  [[nodiscard]] float mean(std::size_t value) const { return places_[value]; }
  [[nodiscard]] float variance(std::size_t value) const { return places_[size() + value]; }
  // The parts fit each other: what was read from outside is checked by this.
  [[nodiscard]] bool is_whole() const;

  // In bytes, for a revision, and back; nothing where those fit no view (coarse_view.cc).
  [[nodiscard]] CoarseView coarse() const;
  [[nodiscard]] static std::optional<RelationView> from_coarse(const CoarseView& coarse);

  friend bool operator==(const RelationView&, const RelationView&) = default;

 private:
  static constexpr std::size_t batch = 8;  // vectors that wait for the correlations

  void learn_waiting();
  void refresh();
  [[nodiscard]] float inverse(std::size_t row, std::size_t column) const;
  void set_correlation(std::size_t row, std::size_t column, double correlation);

  std::uint64_t learned_ = 0;
  std::uint16_t since_refresh_ = 0;
  std::uint8_t waiting_count_ = 0;
  float rate_ = 0;                         // of the newest vector
  std::vector<float> places_;              // means, then variances, then learned mean squares of q
  std::vector<std::int16_t> correlation_;  // below the diagonal, by rows
  std::vector<std::int16_t> inverse_;      // L^-1: with the diagonal, by rows; then 8 zeros, so that reads may overrun
  std::vector<std::int8_t> waiting_;       // q in 1/16: vector after vector, `batch` times size

 public:
  static constexpr auto fields = std::tuple{field("learned", &RelationView::learned_),
                                            field("since_refresh", &RelationView::since_refresh_),
                                            field("waiting_count", &RelationView::waiting_count_),
                                            field("rate", &RelationView::rate_),
                                            field("places", &RelationView::places_),
                                            field("correlation", &RelationView::correlation_),
                                            field("inverse", &RelationView::inverse_),
                                            field("waiting", &RelationView::waiting_)};
};

}  // namespace mien::stats
