// How up to 32 standardised values usually move together, learned one vector at a time, and how far a vector lies from
// all that.
//
// The distance is Mahalanobis' (1936) on standardised values q (relation_view.h): sqrt(q' C^-1 q / d), with
// C = 0.99 R + 0.01 I (shrinkage after Ledoit & Wolf 2004, fixed). C is factored C = L L' when enough was learned since
// the last time and L^-1 is kept, so a distance is one triangular product.
//
// Both triangles are 16 bits: correlations in 1/32767, L^-1 (at most 10, as no eigenvalue of C is below 0.01) in
// 1/2048. q goes into the product in 1/128 and whole numbers are added, so the bytes are the same however wide the
// machine is. Vectors wait in bytes (q in 1/16) and move the correlations eight at a time; that often a step of
// rounding is nothing beside what the data itself draws by chance. Within 1 % of the same in doubles
// (correlations_test.cc).
//
// Cost at d values: distance d^2 / 2 multiplications, eight in one instruction, learn a quarter of that, a refresh
// 2 d^3 / 3 every 24 to 504 vectors. Memory about 2 d^2 + 12 d bytes. Allocates when it grows alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/fields.h"
#include "stats/relation_view.h"

namespace mien::stats {

class Correlations {
 public:
  static constexpr std::size_t max_size = RelationView::max_size;
  using Vector = RelationView::Vector;

  // Room for `size` values (at most max_size); what was learned of fewer is kept, the new ones move with nothing.
  void grow(std::size_t size);

  // q' C^-1 q: d times the square of the distance, so about d for an ordinary vector of d values.
  [[nodiscard]] double squared_distance(const Vector& q) const;
  // Share of each value in that (may be slightly negative); for blame. Cost d^2.
  [[nodiscard]] std::vector<double> shares(const Vector& q) const;

  // Exponential means with weight max(1 / (n + 1), rate); missing values are 0.
  void learn(const Vector& q, double rate);

  // What a distance and a lesson will read is fetched meanwhile.
  void fetch() const;

  [[nodiscard]] std::size_t size() const { return squares_.size(); }
  [[nodiscard]] std::uint64_t learned() const { return learned_; }
  // The parts fit each other: what was read from outside is checked by this.
  [[nodiscard]] bool is_whole() const;

  // For a revision, and back: standardised by `view`; nothing where that fits no correlations.
  [[nodiscard]] CoarseFactor coarse() const;
  [[nodiscard]] static std::optional<Correlations> from_coarse(const CoarseFactor& factor, const RelationView& view);

  friend bool operator==(const Correlations&, const Correlations&) = default;

 private:
  static constexpr std::size_t batch = 8;  // vectors that wait

  void learn_waiting();
  void refresh();
  [[nodiscard]] float inverse(std::size_t row, std::size_t column) const;
  void set_correlation(std::size_t row, std::size_t column, double correlation);

  std::uint64_t learned_ = 0;
  std::uint16_t since_refresh_ = 0;
  std::uint8_t waiting_count_ = 0;
  float rate_ = 0;                         // of the newest vector
  std::vector<float> squares_;             // learned mean squares of q
  std::vector<std::int16_t> correlation_;  // below the diagonal, by rows
  std::vector<std::int16_t> inverse_;      // L^-1: with the diagonal, by rows; then 8 zeros, so that reads may overrun
  std::vector<std::int8_t> waiting_;       // q in 1/16: vector after vector, `batch` times size

 public:
  static constexpr auto fields = std::tuple{field("learned", &Correlations::learned_),
                                            field("since_refresh", &Correlations::since_refresh_),
                                            field("waiting_count", &Correlations::waiting_count_),
                                            field("rate", &Correlations::rate_),
                                            field("squares", &Correlations::squares_),
                                            field("correlation", &Correlations::correlation_),
                                            field("inverse", &Correlations::inverse_),
                                            field("waiting", &Correlations::waiting_)};
};

}  // namespace mien::stats
