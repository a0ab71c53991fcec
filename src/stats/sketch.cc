#include "stats/sketch.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace mien::stats {
namespace {

// gamma_0 = (1 + 0.01) / (1 - 0.01); the key of |x| is ceil(log_gamma |x|), shifted so that positive keys are > 0.
const double log_gamma_0 = math::log(1.01) - math::log(0.99);
constexpr std::int32_t shift = 1 << 17;  // > ln(1e308) / log_gamma_0, and stays a power of two while folding
constexpr std::uint32_t max_level = 16;

std::int32_t fold(std::int32_t index) { return index > 0 ? (index + 1) / 2 : -(-index / 2); }  // ceil(index / 2)

std::int32_t fold_key(std::int32_t key, std::uint32_t level) {
  std::int32_t offset = shift >> level;
  std::int32_t half = offset / 2;
  if (key > 0) return fold(key - offset) + half;
  if (key < 0) return -(fold(-key - offset) + half);
  return 0;
}

std::int32_t key_of(double x, std::uint32_t level) {
  double magnitude = std::fabs(x);
  if (magnitude < QuantileSketch::smallest) return 0;
  auto index = static_cast<std::int32_t>(std::ceil(math::log(magnitude) / log_gamma_0));
  std::int32_t key = index + shift;
  if (x < 0) key = -key;
  for (std::uint32_t l = 0; l < level; ++l) key = fold_key(key, l);
  return key;
}

}  // namespace

void QuantileSketch::add_key(std::int32_t key, std::uint32_t count) {
  auto place = std::lower_bound(buckets_.begin(), buckets_.end(), key,
                                [](const Bucket& b, std::int32_t k) { return b.key < k; });
  if (place != buckets_.end() && place->key == key) {
    place->count += count;
  } else {
    buckets_.insert(place, Bucket{.key = key, .count = count});
  }
  total_ += count;
}

void QuantileSketch::add(double x, std::uint32_t count) {
  add_key(key_of(x, level_), count);
  while (buckets_.size() > max_buckets && level_ < max_level) coarsen();
}

void QuantileSketch::coarsen() {
  std::size_t kept = 0;
  for (const Bucket& bucket : buckets_) {
    std::int32_t key = fold_key(bucket.key, level_);
    if (kept > 0 && buckets_[kept - 1].key == key) {
      buckets_[kept - 1].count += bucket.count;
    } else {
      buckets_[kept++] = Bucket{.key = key, .count = bucket.count};
    }
  }
  buckets_.resize(kept);
  ++level_;
}

void QuantileSketch::merge(const QuantileSketch& other) {
  QuantileSketch theirs = other;
  while (theirs.level_ < level_) theirs.coarsen();
  while (level_ < theirs.level_) coarsen();
  for (const Bucket& bucket : theirs.buckets_) add_key(bucket.key, bucket.count);
  while (buckets_.size() > max_buckets && level_ < max_level) coarsen();
}

void QuantileSketch::halve() {
  total_ = 0;
  for (Bucket& bucket : buckets_) total_ += bucket.count /= 2;
  std::erase_if(buckets_, [](const Bucket& bucket) { return bucket.count == 0; });
}

QuantileSketch QuantileSketch::from_buckets(std::vector<Bucket> buckets, std::uint32_t level) {
  QuantileSketch sketch;
  sketch.level_ = std::min(level, max_level);
  sketch.buckets_ = std::move(buckets);
  for (const Bucket& bucket : sketch.buckets_) sketch.total_ += bucket.count;
  return sketch;
}

double QuantileSketch::quantile(double q) const {
  if (total_ == 0) return 0;
  auto rank = static_cast<std::uint64_t>(std::floor(q * static_cast<double>(total_ - 1)));
  std::uint64_t seen = 0;
  std::int32_t key = buckets_.back().key;
  for (const Bucket& bucket : buckets_) {
    seen += bucket.count;
    if (seen > rank) {
      key = bucket.key;
      break;
    }
  }
  if (key == 0) return 0;
  double log_gamma = log_gamma_0 * static_cast<double>(std::uint32_t{1} << level_);
  std::int32_t index = std::abs(key) - (shift >> level_);
  // The bucket holds (gamma^(i-1), gamma^i]; its centre in relative error is 2 gamma^i / (gamma + 1).
  double centre = 2.0 * math::exp(log_gamma * index) / (math::exp(log_gamma) + 1.0);
  return key > 0 ? centre : -centre;
}

double QuantileSketch::relative_error() const {
  double gamma = math::exp(log_gamma_0 * static_cast<double>(std::uint32_t{1} << level_));
  return (gamma - 1.0) / (gamma + 1.0);
}

}  // namespace mien::stats
