// Where up to 32 values usually lie in one view of them, and how widely: what their relations are standardised by.
//
// q = (x - mean) / spread, softly clipped beyond 5 so that one wild value does not hide a broken relation of the
// others. Missing values (NaN) count as ordinary. What moves with what is learned of one view alone (correlations.h).
//
// Cost a few nanoseconds a value. Memory 8 bytes a value. Allocates when it grows alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/fetch.h"
#include "base/fields.h"
#include "stats/coarse_view.h"

namespace mien::stats {

class RelationView {
 public:
  static constexpr std::size_t max_size = 32;
  using Vector = std::array<float, max_size>;

  // Values are standardised by their own learned spread, never by less than `floor`.
  static constexpr double floor = 0.1;

  // Room for `size` values (at most max_size); what was learned of fewer is kept, the new ones start unknown.
  void grow(std::size_t size);

  [[nodiscard]] Vector standardise(std::span<const float> x) const;

  // Exponential means with weight max(1 / (n + 1), rate). x.size() is the size.
  void learn(std::span<const float> x, double rate);

  // Mean and variance of one value that is missing from the vectors still.
  void learn_alone(std::size_t value, float x, double weight);

  // What a block will read is fetched meanwhile.
  void fetch() const { mien::fetch(places_.data(), places_.size() * sizeof(float)); }

  [[nodiscard]] std::size_t size() const { return places_.size() / 2; }
  [[nodiscard]] std::uint64_t learned() const { return learned_; }
  [[nodiscard]] float mean(std::size_t value) const { return places_[value]; }
  [[nodiscard]] float variance(std::size_t value) const { return places_[size() + value]; }
  // The parts fit each other: what was read from outside is checked by this.
  [[nodiscard]] bool is_whole() const { return places_.size() % 2 == 0 && size() <= max_size; }

  // For a revision, and back; nothing where that fits no view.
  [[nodiscard]] CoarseView coarse() const;
  [[nodiscard]] static std::optional<RelationView> from_coarse(const CoarseView& coarse);

  friend bool operator==(const RelationView&, const RelationView&) = default;

 private:
  std::uint64_t learned_ = 0;  // vectors
  std::vector<float> places_;  // means, then variances

 public:
  static constexpr auto fields =
      std::tuple{field("learned", &RelationView::learned_), field("places", &RelationView::places_)};
};

}  // namespace mien::stats
