#include "stats/relation_view.h"

#include <algorithm>
#include <cmath>

#include "stats/quick_log.h"
#include "stats/robust.h"

// The inner loops are vectors; g++ makes them so at -O3 only. Element by element, so the bytes are the same.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

namespace mien::stats {
namespace {

constexpr double kept = 0.99;  // of a correlation; the rest is shrunk away
constexpr float soft_beyond = 5;
constexpr double least_variance = 1e-6;  // of a standardised value that never moved
constexpr std::uint64_t first_refresh = 20;

// The triangle is kept by columns: column j holds rows j to size - 1.
std::size_t column(std::size_t j, std::size_t size) { return j * size - j * (j - 1) / 2; }
std::size_t triangle(std::size_t size) { return size * (size + 1) / 2; }

std::uint32_t refresh_every(std::uint64_t learned) { return learned < 200 ? 20 : learned < 2000 ? 100 : 500; }

// Copies a triangle of `before` values into one of `size`; new diagonals are `diagonal`.
std::vector<float> grown(const std::vector<float>& from, std::size_t before, std::size_t size, float diagonal) {
  std::vector<float> to(triangle(size), 0.0F);
  for (std::size_t j = 0; j < size; ++j) {
    to[column(j, size)] = diagonal;
    for (std::size_t i = j; j < before && i < before; ++i) {
      to[column(j, size) + i - j] = from[column(j, before) + i - j];
    }
  }
  return to;
}

}  // namespace

void RelationView::grow(std::size_t size) {
  size = std::min(size, max_size);
  std::size_t before = mean_.size();
  if (size <= before) return;
  covariance_ = grown(covariance_, before, size, 0);
  inverse_ = grown(inverse_, before, size, 1);
  mean_.resize(size, 0);
  variance_.resize(size, 0);
}

bool RelationView::is_whole() const {
  std::size_t size = mean_.size();
  return size <= max_size && variance_.size() == size && covariance_.size() == triangle(size) &&
         inverse_.size() == triangle(size);
}

RelationView::Vector RelationView::standardise(std::span<const float> x) const {
  Vector q{};
  std::size_t size = std::min(mean_.size(), x.size());
  bool beyond = false;
  for (std::size_t i = 0; i < size; ++i) {
    float spread = std::max(std::sqrt(variance_[i]), static_cast<float>(floor));
    float value = (x[i] - mean_[i]) / spread;
    q[i] = std::isnan(value) ? 0 : value;
    beyond = beyond || std::fabs(q[i]) > soft_beyond;
  }
  for (std::size_t i = 0; beyond && i < size; ++i) {
    float far = std::fabs(q[i]);
    if (far <= soft_beyond) continue;
    auto soft = static_cast<float>(quick_log(static_cast<double>(far / soft_beyond)));
    q[i] = std::copysign(soft_beyond + soft, q[i]);
  }
  return q;
}

double RelationView::squared_distance(const Vector& q) const {
  std::size_t size = mean_.size();
  Vector y{};
  for (std::size_t j = 0; j < size; ++j) {
    const float* inverse = inverse_.data() + column(j, size);
    float* out = y.data() + j;
    float by = q[j];
    for (std::size_t i = 0; i < size - j; ++i) out[i] += inverse[i] * by;
  }
  double squared = 0;
  for (float value : y) squared += static_cast<double>(value) * static_cast<double>(value);
  return squared;
}

double RelationView::distance(std::span<const float> x) const {
  auto known = static_cast<double>(std::count_if(x.begin(), x.end(), [](float value) { return !std::isnan(value); }));
  return known > 0 ? std::sqrt(squared_distance(standardise(x)) / known) : 0;
}

std::vector<double> RelationView::shares(std::span<const float> x) const {
  std::size_t size = mean_.size();
  Vector q = standardise(x);
  std::vector<double> y(size, 0);
  for (std::size_t j = 0; j < size; ++j) {
    for (std::size_t i = j; i < size; ++i) {
      y[i] += static_cast<double>(inverse_[column(j, size) + i - j]) * static_cast<double>(q[j]);
    }
  }
  std::vector<double> share(size, 0);
  for (std::size_t j = 0; j < size; ++j) {
    for (std::size_t i = j; i < size; ++i) share[j] += static_cast<double>(inverse_[column(j, size) + i - j]) * y[i];
    share[j] *= static_cast<double>(q[j]);
  }
  return share;
}

void RelationView::learn(std::span<const float> x, double rate) { learn(x, standardise(x), rate); }

void RelationView::learn(std::span<const float> x, const Vector& q, double rate) {
  std::size_t size = mean_.size();
  double weight = warm_rate(learned_, rate);
  auto a = static_cast<float>(weight);
  for (std::size_t i = 0; i < size && i < x.size(); ++i) {
    if (std::isnan(x[i])) continue;
    float deviation = x[i] - mean_[i];
    variance_[i] += a * (deviation * deviation - variance_[i]);
    mean_[i] += a * deviation;
  }
  for (std::size_t j = 0; j < size; ++j) {
    float* covariance = covariance_.data() + column(j, size);
    const float* other = q.data() + j;
    float by = a * q[j];
    float keep = 1 - a;
    for (std::size_t i = 0; i < size - j; ++i) covariance[i] = keep * covariance[i] + by * other[i];
  }
  ++learned_;
  ++since_refresh_;
  if (learned_ == first_refresh || since_refresh_ >= refresh_every(learned_)) refresh();
}

// L^-1 of the shrunk correlation matrix; keeps the one before when this one is not positive definite.
void RelationView::refresh() {
  since_refresh_ = 0;
  std::size_t size = mean_.size();
  std::vector<double> lower(size * size, 0);
  std::vector<double> scale(size);
  for (std::size_t i = 0; i < size; ++i) {
    scale[i] = 1 / std::sqrt(std::max(static_cast<double>(covariance_[column(i, size)]), least_variance));
  }
  for (std::size_t j = 0; j < size; ++j) {
    for (std::size_t i = j; i < size; ++i) {
      double r = i == j ? 1 : kept * static_cast<double>(covariance_[column(j, size) + i - j]) * scale[i] * scale[j];
      for (std::size_t k = 0; k < j; ++k) r -= lower[i * size + k] * lower[j * size + k];
      if (i == j && r < 1e-9) return;
      lower[i * size + j] = i == j ? std::sqrt(r) : r / lower[j * size + j];
    }
  }
  for (std::size_t j = 0; j < size; ++j) {
    std::vector<double> x(size, 0);
    for (std::size_t i = j; i < size; ++i) {
      double r = i == j ? 1 : 0;
      for (std::size_t k = j; k < i; ++k) r -= lower[i * size + k] * x[k];
      x[i] = r / lower[i * size + i];
      inverse_[column(j, size) + i - j] = static_cast<float>(x[i]);
    }
  }
}

}  // namespace mien::stats
