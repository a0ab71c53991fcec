#include "stats/coarse_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "base/math.h"
#include "stats/correlations.h"
#include "stats/relation_view.h"
#include "stats/robust.h"

namespace mien::stats {
namespace {

constexpr double log2_e = 1.4426950408889634;
constexpr double codes_per_octave = 256;
constexpr double least_octave = -16;
constexpr double mean_steps = 512;
constexpr double most_mean = 1e6;  // steps
constexpr double entry_steps = 32;
constexpr std::int16_t most_entry = 512;  // steps: 16, the most that 16 bits in 1/2048 hold
constexpr double inverse_steps = 2048;

double exp2(double x) { return math::exp(x / log2_e); }
double nearest(double x) { return std::floor(x + 0.5); }

std::size_t below(std::size_t row) { return row * (row - 1) / 2; }

// L of C = L L' and its inverse, row by row: a row of L^-1 is its diagonal's multiple of (v, 1) before it, so C_ii = 1
// has one solution, 1 / L_ii^2 = 1 + |v L|^2.
struct Factors {
  using Matrix = std::array<std::array<double, RelationView::max_size>, RelationView::max_size>;
  Matrix lower{};
  Matrix inverse{};

  void add_row(std::size_t row, const std::int16_t* entries) {
    double squared = 1;
    for (std::size_t j = 0; j < row; ++j) inverse[row][j] = entries[j] / entry_steps;
    for (std::size_t k = 0; k < row; ++k) {
      double sum = 0;
      for (std::size_t j = k; j < row; ++j) sum += inverse[row][j] * lower[j][k];
      lower[row][k] = -sum;
      squared += sum * sum;
    }
    inverse[row][row] = std::sqrt(squared);
    for (std::size_t k = 0; k < row; ++k) lower[row][k] /= inverse[row][row];
    lower[row][row] = 1 / inverse[row][row];
  }
  [[nodiscard]] double correlation(std::size_t row, std::size_t column) const {
    double product = 0;
    for (std::size_t k = 0; k <= column; ++k) product += lower[row][k] * lower[column][k];
    return product;
  }
};

}  // namespace

LogCode LogCode::of(double x) {
  if (!(x > 0)) return {};
  double code = 1 + nearest(codes_per_octave * (math::log2(x) - least_octave));
  return {.code = static_cast<std::uint16_t>(std::clamp<double>(code, 0, highest))};
}

double LogCode::value() const { return code == 0 ? 0 : exp2((code - 1) / codes_per_octave + least_octave); }

CoarseView RelationView::coarse() const {
  CoarseView coarse{.learned = learned_, .means = {}, .spreads = {}};
  for (std::size_t i = 0; i < size(); ++i) {
    double spread = std::sqrt(static_cast<double>(variance(i)));
    double steps = nearest(clip(static_cast<double>(mean(i)) / std::max(spread, floor) * mean_steps, most_mean));
    if (std::isnan(steps)) steps = 0;
    coarse.means.push_back(static_cast<std::int32_t>(steps));
    coarse.spreads.push_back(LogCode::of(spread));
  }
  return coarse;
}

std::optional<RelationView> RelationView::from_coarse(const CoarseView& coarse) {
  std::size_t size = coarse.means.size();
  if (size > max_size || coarse.spreads.size() != size) return std::nullopt;
  RelationView view;
  view.grow(size);
  view.learned_ = coarse.learned;
  for (std::size_t i = 0; i < size; ++i) {
    bool known = coarse.spreads[i].code <= LogCode::highest && std::abs(coarse.means[i]) <= most_mean;
    if (!known) return std::nullopt;
    double spread = coarse.spreads[i].value();
    view.places_[i] = static_cast<float>(coarse.means[i] / mean_steps * std::max(spread, floor));
    view.places_[size + i] = static_cast<float>(spread * spread);
  }
  return view;
}

CoarseFactor Correlations::coarse() const {
  CoarseFactor factor;
  for (std::size_t row = 1; row < size(); ++row) {
    for (std::size_t i = 0; i < row; ++i) {
      double steps = nearest(static_cast<double>(inverse(row, i)) * entry_steps);
      factor.push_back(static_cast<std::int16_t>(clip(steps, most_entry)));
    }
  }
  return factor;
}

std::optional<Correlations> Correlations::from_coarse(const CoarseFactor& factor, const RelationView& view) {
  std::size_t size = view.size();
  auto is_entry = [](std::int16_t entry) { return entry >= -most_entry && entry <= most_entry; };
  if (factor.size() != (size == 0 ? 0 : below(size)) || !std::all_of(factor.begin(), factor.end(), is_entry))
    return std::nullopt;
  Correlations correlations;
  correlations.grow(size);
  correlations.learned_ = view.learned();
  Factors factors;
  for (std::size_t row = 0; row < size; ++row) {
    auto variance = static_cast<double>(view.variance(row));
    // Of q: 1, or less below the floor.
    correlations.squares_[row] =
        static_cast<float>(variance / std::max(variance, RelationView::floor * RelationView::floor));
    factors.add_row(row, factor.data() + (row == 0 ? 0 : below(row)));
    for (std::size_t i = 0; i <= row; ++i) {
      double steps = nearest(factors.inverse[row][i] * inverse_steps);
      correlations.inverse_[below(row + 1) + i] = static_cast<std::int16_t>(clip(steps, 32767));
      if (i < row) correlations.set_correlation(row, i, factors.correlation(row, i));
    }
  }
  correlations.refresh();  // by the correlations that it learns on from
  if (!correlations.is_whole()) return std::nullopt;
  return correlations;
}

}  // namespace mien::stats
