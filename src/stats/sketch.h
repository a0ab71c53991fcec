// A mergeable, decaying sketch of a distribution's quantiles with a relative error bound that it knows.
//
// Buckets are geometric (DDSketch, Masson, Rim & Lee 2019), each value within a factor of its bucket's centre. When
// more than `max_buckets` would be used, neighbouring buckets fold in pairs everywhere (UDDSketch, Epicoco et al.
// 2020): the error grows, the bound stays true. Because folding depends on the set of values alone, merging is
// associative and commutative, bit for bit. Decay halves counts; a bucket that falls to nothing goes. Bound:
// quantile(q) lies within relative_error() of the value of rank floor(q (n - 1)), for |x| >= 1e-9; smaller values count
// as 0. Starts at 1 %; values over k decades end near 1.8 % * k at 64 buckets. At most 64 * 8 bytes.
//
// SmallSketch is the same in 100 bytes, for what every series has: 32 buckets, counts in eight bits (counter.h), from
// 2 % on, old life fading at 60,000 values. It widens to the QuantileSketch of exactly what it holds.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/fields.h"

namespace mien::stats {

class QuantileSketch {
 public:
  static constexpr std::size_t max_buckets = 64;
  static constexpr double smallest = 1e-9;

  struct Bucket {
    std::int32_t key = 0;  // ascending with the value; 0 holds zero
    std::uint32_t count = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
    static constexpr auto fields = std::tuple{field("key", &Bucket::key), field("count", &Bucket::count)};
  };

  void add(double x, std::uint32_t count = 1);  // x is finite
  void merge(const QuantileSketch& other);
  void halve();

  [[nodiscard]] std::uint64_t count() const { return total_; }
  // q in [0, 1]; 0 when empty.
  [[nodiscard]] double quantile(double q) const;
  [[nodiscard]] double relative_error() const;
  [[nodiscard]] const std::vector<Bucket>& buckets() const { return buckets_; }
  [[nodiscard]] std::uint32_t level() const { return level_; }
  [[nodiscard]] static QuantileSketch from_buckets(std::vector<Bucket> buckets, std::uint32_t level);

  friend bool operator==(const QuantileSketch&, const QuantileSketch&) = default;

 private:
  void coarsen();
  void add_key(std::int32_t key, std::uint32_t count);

  std::uint32_t level_ = 0;  // gamma = gamma_0 ^ (2 ^ level)
  std::uint64_t total_ = 0;
  std::vector<Bucket> buckets_;

 public:
  static constexpr auto fields =
      std::tuple{field("level", &QuantileSketch::level_), field("total", &QuantileSketch::total_),
                 field("buckets", &QuantileSketch::buckets_)};
};

class SmallSketch {
 public:
  static constexpr std::size_t max_buckets = 32;

  void add(double x, std::uint32_t& coin);  // x is finite
  [[nodiscard]] std::uint32_t count() const { return total_; }
  [[nodiscard]] double quantile(double q) const;  // as QuantileSketch
  [[nodiscard]] QuantileSketch widen() const;
  [[nodiscard]] static SmallSketch narrow(const QuantileSketch& wide);
  // What was read from outside is within its limits.
  [[nodiscard]] bool is_whole() const;

  friend bool operator==(const SmallSketch&, const SmallSketch&) = default;

 private:
  void coarsen(std::uint32_t& coin);
  void halve(std::uint32_t& coin);

  std::array<std::int16_t, max_buckets> keys_{};  // ascending; the wide key, its sign kept, nearer to 0
  std::array<std::uint8_t, max_buckets> codes_{};
  std::uint16_t total_ = 0;  // of the decoded counts
  std::uint8_t used_ = 0;
  std::uint8_t level_ = 1;

 public:
  static constexpr auto fields = std::tuple{field("keys", &SmallSketch::keys_), field("codes", &SmallSketch::codes_),
                                            field("total", &SmallSketch::total_), field("used", &SmallSketch::used_),
                                            field("level", &SmallSketch::level_)};
};
static_assert(sizeof(SmallSketch) == 100);

}  // namespace mien::stats
