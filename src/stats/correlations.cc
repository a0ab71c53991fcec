#include "stats/correlations.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/fetch.h"
#include "stats/robust.h"
#include "stats/whole_products.h"

// The inner loops are vectors; g++ makes them so at -O3 only. Element by element, so the bytes are the same.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

namespace mien::stats {
namespace {

constexpr float kept = 0.99F;          // of a correlation; the rest is shrunk away
constexpr float least_spread = 1e-6F;  // of a standardised value that never moved
constexpr float correlation_steps = 32767;
constexpr float inverse_steps = 2048;
constexpr float asked_steps = 128;   // of q, where a distance is asked for
constexpr float waiting_steps = 16;  // and where it waits to teach
constexpr std::size_t overrun = 8;
constexpr float largest_asked = 4095;          // steps
constexpr std::int32_t largest_row = 524'000;  // of |L^-1| in steps: four times what it can be; times 4095 below 2^31

using Square = std::array<std::array<float, Correlations::max_size>, Correlations::max_size>;

// A triangle is kept by rows: row i holds i entries below the diagonal, i + 1 with it.
constexpr std::size_t below(std::size_t row) { return row * (row - 1) / 2; }
constexpr std::size_t with_diagonal(std::size_t row) { return row * (row + 1) / 2; }

std::uint16_t refresh_every(std::uint64_t learned) { return learned < 200 ? 24 : learned < 2000 ? 104 : 504; }

std::int32_t nearest(float x) { return static_cast<std::int32_t>(x + (x < 0 ? -0.5F : 0.5F)); }
float bounded(float x, float limit) { return x > limit ? limit : x < -limit ? -limit : x; }

}  // namespace

void Correlations::grow(std::size_t size) {
  size = std::min(size, max_size);
  std::size_t before = this->size();
  if (size <= before) return;
  learn_waiting();
  squares_.resize(size, 0);
  correlation_.resize(below(size), 0);
  inverse_.resize(with_diagonal(before));  // without what reads may overrun
  for (std::size_t row = before; row < size; ++row) {
    inverse_.insert(inverse_.end(), row, 0);
    inverse_.push_back(static_cast<std::int16_t>(inverse_steps));
  }
  inverse_.insert(inverse_.end(), overrun, 0);
  waiting_.assign(batch * size, 0);
  squares_.shrink_to_fit();
  correlation_.shrink_to_fit();
  inverse_.shrink_to_fit();
}

bool Correlations::is_whole() const {
  std::size_t size = this->size();
  if (size == 0) return correlation_.empty() && inverse_.empty() && waiting_.empty() && waiting_count_ == 0;
  if (size > max_size || correlation_.size() != below(size) || inverse_.size() != with_diagonal(size) + overrun ||
      waiting_.size() != batch * size || waiting_count_ >= batch)
    return false;
  for (std::size_t row = 0; row < size; ++row) {  // no sum of products leaves 32 bits
    std::int32_t sum = 0;
    for (std::size_t i = 0; i <= row; ++i) sum += std::abs(static_cast<std::int32_t>(inverse_[with_diagonal(row) + i]));
    if (sum > largest_row) return false;
  }
  return true;
}

float Correlations::inverse(std::size_t row, std::size_t column) const {
  return static_cast<float>(inverse_[with_diagonal(row) + column]) / inverse_steps;
}

// Of the shrunk matrix, below its diagonal.
void Correlations::set_correlation(std::size_t row, std::size_t column, double correlation) {
  auto steps = static_cast<float>(correlation) / kept * correlation_steps;
  correlation_[below(row) + column] = static_cast<std::int16_t>(nearest(bounded(steps, correlation_steps)));
}

void Correlations::fetch() const {
  mien::fetch(inverse_.data(), inverse_.size() * sizeof(std::int16_t));
  __builtin_prefetch(waiting_.data() + waiting_count_ * size());
}

double Correlations::squared_distance(const Vector& q) const {
  std::array<std::int16_t, max_size> steps;
  for (std::size_t i = 0; i < max_size; ++i)
    steps[i] = static_cast<std::int16_t>(nearest(bounded(q[i] * asked_steps, largest_asked)));
  constexpr double unit = 1.0 / (static_cast<double>(asked_steps) * static_cast<double>(inverse_steps));
  return static_cast<double>(squared_triangle_product(inverse_.data(), steps, size())) * (unit * unit);
}

std::vector<double> Correlations::shares(const Vector& q) const {
  std::size_t size = this->size();
  std::vector<double> y(size, 0);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) y[i] += static_cast<double>(inverse(i, j) * q[j]);
  }
  std::vector<double> share(size, 0);
  for (std::size_t j = 0; j < size; ++j) {
    for (std::size_t i = j; i < size; ++i) share[j] += static_cast<double>(inverse(i, j)) * y[i];
    share[j] *= static_cast<double>(q[j]);
  }
  return share;
}

void Correlations::learn(const Vector& q, double rate) {
  std::size_t size = this->size();
  if (size == 0) return;
  std::int8_t* waiting = waiting_.data() + waiting_count_ * size;
  for (std::size_t i = 0; i < size; ++i)
    waiting[i] = static_cast<std::int8_t>(nearest(bounded(q[i] * waiting_steps, 127)));
  ++learned_;
  rate_ = static_cast<float>(rate);
  if (++waiting_count_ == batch) learn_waiting();
}

// What waits moves the correlations: each vector by max(1 / n, rate), together.
void Correlations::learn_waiting() {
  if (waiting_count_ == 0) return;
  std::size_t size = this->size();
  double keep = 1;
  for (std::uint64_t n = learned_ - waiting_count_; n < learned_; ++n)
    keep *= 1 - warm_rate(n, static_cast<double>(rate_));
  auto weight = static_cast<float>((1 - keep) / waiting_count_) / (waiting_steps * waiting_steps);

  std::array<std::array<std::int16_t, batch>, max_size> vectors{};  // by value
  for (std::size_t k = 0; k < waiting_count_; ++k) {
    for (std::size_t i = 0; i < size; ++i) vectors[i][k] = waiting_[k * size + i];
  }
  // A correlation's share that is kept, and what a product adds, are each of one factor by row and one by column.
  Vector before{};
  Vector after{};
  for (std::size_t i = 0; i < size; ++i) {
    std::int32_t squared = 0;
    for (std::int16_t q : vectors[i]) squared += q * q;
    float old = std::max(squares_[i], least_spread);
    squares_[i] = static_cast<float>(keep) * squares_[i] + weight * static_cast<float>(squared);
    after[i] = 1 / std::sqrt(std::max(squares_[i], least_spread));
    before[i] = std::sqrt(old) * after[i];
  }
  for (std::size_t i = 1; i < size; ++i) {
    std::int16_t* row = correlation_.data() + below(i);
    std::array<std::int32_t, max_size> products;
    whole_products(vectors, i, products);
    float stays = static_cast<float>(keep) * before[i];
    float adds = weight * correlation_steps * after[i];
    for (std::size_t j = 0; j < i; ++j) {
      float moved =
          static_cast<float>(row[j]) * (stays * before[j]) + static_cast<float>(products[j]) * (adds * after[j]);
      row[j] = static_cast<std::int16_t>(nearest(bounded(moved, correlation_steps)));
    }
  }
  since_refresh_ = static_cast<std::uint16_t>(since_refresh_ + waiting_count_);
  waiting_count_ = 0;
  if (since_refresh_ >= refresh_every(learned_)) refresh();
}

// L^-1 of the shrunk correlation matrix; keeps the one before when this one is not positive definite.
void Correlations::refresh() {
  since_refresh_ = 0;
  std::size_t size = this->size();
  Square lower;  // by columns: lower[j][i] is row i of column j
  for (std::size_t i = 0; i < size; ++i) {
    lower[i][i] = 1;
    for (std::size_t j = 0; j < i; ++j)
      lower[j][i] = kept / correlation_steps * static_cast<float>(correlation_[below(i) + j]);
  }
  for (std::size_t j = 0; j < size; ++j) {
    if (lower[j][j] < 1e-4F) return;
    float diagonal = std::sqrt(lower[j][j]);
    lower[j][j] = diagonal;
    for (std::size_t i = j + 1; i < size; ++i) lower[j][i] /= diagonal;
    for (std::size_t k = j + 1; k < size; ++k) {
      float by = lower[j][k];
      for (std::size_t i = k; i < size; ++i) lower[k][i] -= by * lower[j][i];
    }
  }
  for (std::size_t j = 0; j < size; ++j) {
    Vector x{};
    x[j] = 1;
    for (std::size_t k = j; k < size; ++k) {
      float by = x[k] /= lower[k][k];
      for (std::size_t i = k + 1; i < size; ++i) x[i] -= lower[k][i] * by;
    }
    for (std::size_t i = j; i < size; ++i)
      inverse_[with_diagonal(i) + j] = static_cast<std::int16_t>(nearest(bounded(x[i] * inverse_steps, 32767)));
  }
}

}  // namespace mien::stats
