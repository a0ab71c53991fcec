#include "stats/sketch.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "stats/counter.h"

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

double centre_of(std::int32_t key, std::uint32_t level) {
  if (key == 0) return 0;
  double log_gamma = log_gamma_0 * static_cast<double>(std::uint32_t{1} << level);
  std::int32_t index = std::abs(key) - (shift >> level);
  // The bucket holds (gamma^(i-1), gamma^i]; its centre in relative error is 2 gamma^i / (gamma + 1).
  double centre = 2.0 * math::exp(log_gamma * index) / (math::exp(log_gamma) + 1.0);
  return key > 0 ? centre : -centre;
}

// A small sketch keeps keys less most of their shift: the smallest value's stays above 0, the largest within 16 bits.
constexpr std::int32_t small_shift = 1 << 11;
constexpr std::uint32_t halve_small_at = 60'000;
constexpr std::uint32_t max_small_level = 11;  // a bucket spans 17 decades: always enough

std::int32_t to_wide(std::int16_t key, std::uint32_t level) {
  std::int32_t taken = (shift >> level) - (small_shift >> level);
  return key > 0 ? key + taken : key < 0 ? key - taken : 0;
}

std::int16_t to_small(std::int32_t key, std::uint32_t level) {
  std::int32_t taken = (shift >> level) - (small_shift >> level);
  return static_cast<std::int16_t>(key > 0 ? key - taken : key < 0 ? key + taken : 0);
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
  return centre_of(key, level_);
}

double QuantileSketch::relative_error() const {
  double gamma = math::exp(log_gamma_0 * static_cast<double>(std::uint32_t{1} << level_));
  return (gamma - 1.0) / (gamma + 1.0);
}

void SmallSketch::add(double x, std::uint32_t& coin) {
  std::int32_t wide = key_of(x, level_);
  for (;;) {
    std::int16_t key = to_small(wide, level_);
    auto* end = keys_.begin() + used_;
    auto* place = std::lower_bound(keys_.begin(), end, key);
    auto at = static_cast<std::size_t>(place - keys_.begin());
    if (place == end || *place != key) {
      if (used_ == max_buckets && level_ < max_small_level) {
        wide = fold_key(wide, level_);
        coarsen(coin);
        continue;
      }
      if (used_ == max_buckets) return;
      std::copy_backward(place, end, end + 1);
      std::copy_backward(codes_.begin() + at, codes_.begin() + used_, codes_.begin() + used_ + 1);
      *place = key;
      codes_[at] = 0;
      ++used_;
    }
    total_ = static_cast<std::uint16_t>(total_ + counter::add(codes_[at], coin));
    if (total_ >= halve_small_at) halve(coin);
    return;
  }
}

void SmallSketch::coarsen(std::uint32_t& coin) {
  std::size_t kept = 0;
  std::uint32_t total = 0;
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    std::int16_t key = to_small(fold_key(to_wide(keys_[i], level_), level_), level_ + 1U);
    bool joins = kept > 0 && keys_[kept - 1] == key;
    count = counter::decode(codes_[i]) + (joins ? count : 0);
    if (!joins) keys_[kept++] = key;
    codes_[kept - 1] = counter::encode(count, coin);
  }
  std::fill(keys_.begin() + static_cast<std::ptrdiff_t>(kept), keys_.end(), std::int16_t{0});
  std::fill(codes_.begin() + static_cast<std::ptrdiff_t>(kept), codes_.end(), std::uint8_t{0});
  for (std::uint8_t code : codes_) total += counter::decode(code);
  total_ = static_cast<std::uint16_t>(std::min(total, halve_small_at));
  used_ = static_cast<std::uint8_t>(kept);
  ++level_;
}

void SmallSketch::halve(std::uint32_t& coin) {
  std::size_t kept = 0;
  std::uint32_t total = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    std::uint32_t count = counter::decode(codes_[i]);
    std::uint8_t code = counter::encode(count / 2 + (count & draw(coin) & 1U), coin);
    if (code == 0) continue;
    keys_[kept] = keys_[i];
    codes_[kept++] = code;
    total += counter::decode(code);
  }
  std::fill(keys_.begin() + static_cast<std::ptrdiff_t>(kept), keys_.end(), std::int16_t{0});
  std::fill(codes_.begin() + static_cast<std::ptrdiff_t>(kept), codes_.end(), std::uint8_t{0});
  used_ = static_cast<std::uint8_t>(kept);
  total_ = static_cast<std::uint16_t>(std::min(total, halve_small_at - 1));
}

double SmallSketch::quantile(double q) const {
  if (total_ == 0) return 0;
  auto rank = static_cast<std::uint32_t>(std::floor(q * static_cast<double>(total_ - 1)));
  std::uint32_t seen = 0;
  std::size_t i = 0;
  for (; i + 1 < used_; ++i) {
    seen += counter::decode(codes_[i]);
    if (seen > rank) break;
  }
  return centre_of(to_wide(keys_[i], level_), level_);
}

QuantileSketch SmallSketch::widen() const {
  std::vector<QuantileSketch::Bucket> buckets;
  for (std::size_t i = 0; i < used_; ++i)
    buckets.push_back({.key = to_wide(keys_[i], level_), .count = counter::decode(codes_[i])});
  return QuantileSketch::from_buckets(std::move(buckets), level_);
}

SmallSketch SmallSketch::narrow(const QuantileSketch& wide) {
  SmallSketch small;
  std::uint32_t coin = 1;
  std::uint64_t most = wide.count();
  int halved = 0;
  while (most >> halved >= halve_small_at) ++halved;
  QuantileSketch from = wide;
  while (from.level() < small.level_ || (from.buckets().size() > max_buckets && from.level() < max_small_level)) {
    std::vector<QuantileSketch::Bucket> folded;
    for (const QuantileSketch::Bucket& bucket : from.buckets()) {
      std::int32_t key = fold_key(bucket.key, from.level());
      if (!folded.empty() && folded.back().key == key) {
        folded.back().count += bucket.count;
      } else {
        folded.push_back({.key = key, .count = bucket.count});
      }
    }
    from = QuantileSketch::from_buckets(std::move(folded), from.level() + 1);
  }
  small.level_ = static_cast<std::uint8_t>(from.level());
  std::uint32_t total = 0;
  for (const QuantileSketch::Bucket& bucket : from.buckets()) {
    std::uint8_t code = counter::encode(bucket.count >> halved, coin);
    if (code == 0 || small.used_ == max_buckets) continue;
    small.keys_[small.used_] = to_small(bucket.key, small.level_);
    small.codes_[small.used_++] = code;
    total += counter::decode(code);
  }
  small.total_ = static_cast<std::uint16_t>(std::min(total, halve_small_at - 1));
  return small;
}

bool SmallSketch::is_whole() const {
  return used_ <= max_buckets && level_ >= 1 && level_ <= max_small_level &&
         std::is_sorted(keys_.begin(), keys_.begin() + used_);
}

}  // namespace mien::stats
