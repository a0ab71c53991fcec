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

constexpr float soft_beyond = 5;

// West (1979): one more value moves the exponential mean and variance.
void move(float& mean, float& variance, float deviation, float weight) {
  variance += weight * ((1 - weight) * deviation * deviation - variance);
  mean += weight * deviation;
}

}  // namespace

void RelationView::grow(std::size_t size) {
  size = std::min(size, max_size);
  std::size_t before = this->size();
  if (size <= before) return;
  for (std::size_t part = 2; part > 0; --part)
    places_.insert(places_.begin() + static_cast<std::ptrdiff_t>(part * before), size - before, 0.0F);
  places_.shrink_to_fit();
}

RelationView::Vector RelationView::standardise(std::span<const float> x) const {
  Vector q{};
  std::size_t size = std::min(this->size(), x.size());
  const float* mean = places_.data();
  const float* variance = mean + this->size();
  float farthest = 0;
  for (std::size_t i = 0; i < size; ++i) {
    float spread = std::max(std::sqrt(variance[i]), static_cast<float>(floor));
    float value = (x[i] - mean[i]) / spread;
    value = value == value ? value : 0;  // missing
    q[i] = value;
    farthest = std::max(farthest, std::fabs(value));
  }
  for (std::size_t i = 0; farthest > soft_beyond && i < size; ++i) {
    float far = std::fabs(q[i]);
    if (far <= soft_beyond) continue;
    auto soft = static_cast<float>(quick_log(static_cast<double>(far / soft_beyond)));
    q[i] = std::copysign(soft_beyond + soft, q[i]);
  }
  return q;
}

void RelationView::learn(std::span<const float> x, double rate) {
  std::size_t size = this->size();
  if (size == 0 || x.size() < size) return;
  auto a = static_cast<float>(warm_rate(learned_, rate));
  float* mean = places_.data();
  float* variance = mean + size;
  for (std::size_t i = 0; i < size; ++i) {
    float deviation = x[i] - mean[i];
    bool known = deviation == deviation;
    move(mean[i], variance[i], known ? deviation : 0, known ? a : 0);
  }
  ++learned_;
}

void RelationView::learn_alone(std::size_t value, float x, double weight) {
  move(places_[value], places_[size() + value], x - places_[value], static_cast<float>(weight));
}

}  // namespace mien::stats
