// Laws of stats, each against an exact and slow oracle: the sketch's error bound, merging in any order, the tail's bins.
// rooms: base stats
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/codec.h"
#include "base/math.h"
#include "base/prng.h"
#include "stats/sketch.h"
#include "stats/tail.h"

namespace mien::stats {
namespace {

// Values of a random family: narrow or many decades wide, of either sign, with ties and zeros.
std::vector<double> any_values(std::size_t most) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto size = *rc::gen::inRange<std::size_t>(1, most);
  const auto family = *rc::gen::inRange(0, 5);
  Prng random(seed);
  std::vector<double> values;
  for (std::size_t i = 0; i < size; ++i) {
    double x = random.normal();
    if (family == 1) x = math::exp(4 * x);
    if (family == 2) x = static_cast<double>(random.below(7)) - 3;
    if (family == 3) x = random.chance(0.5) ? 0 : 1e6 * random.exponential();
    if (family == 4) x = (random.chance(0.5) ? 1 : -1) * math::exp(20 * x);
    values.push_back(x);
  }
  return values;
}

QuantileSketch sketch_of(const std::vector<double>& values) {
  QuantileSketch sketch;
  for (double x : values) sketch.add(x);
  return sketch;
}

RC_GTEST_PROP(QuantileSketch, EveryQuantileLiesWithinTheBoundItStates, ()) {
  std::vector<double> values = any_values(2000);
  QuantileSketch sketch = sketch_of(values);
  std::sort(values.begin(), values.end());
  for (double q : {0.0, 0.005, 0.1, 0.5, 0.9, 0.995, 1.0}) {
    double exact = values[static_cast<std::size_t>(std::floor(q * static_cast<double>(values.size() - 1)))];
    double allowed = sketch.relative_error() * std::fabs(exact) * (1 + 1e-9) + QuantileSketch::smallest;
    RC_ASSERT(std::fabs(sketch.quantile(q) - exact) <= allowed);
  }
  RC_ASSERT(sketch.buckets().size() <= QuantileSketch::max_buckets);
  RC_ASSERT(sketch.count() == values.size());
}

RC_GTEST_PROP(QuantileSketch, MergingIsAssociativeAndCommutativeBitForBit, ()) {
  QuantileSketch a = sketch_of(any_values(300));
  QuantileSketch b = sketch_of(any_values(300));
  QuantileSketch c = sketch_of(any_values(300));
  QuantileSketch left = a;
  left.merge(b);
  left.merge(c);
  QuantileSketch right = c;
  right.merge(b);
  right.merge(a);
  RC_ASSERT(encode(left) == encode(right));
}

RC_GTEST_PROP(QuantileSketch, MergedPartsEqualTheWhole, ()) {
  std::vector<double> values = any_values(500);
  const auto cut = *rc::gen::inRange<std::size_t>(0, values.size() + 1);
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(cut);
  QuantileSketch first = sketch_of({values.begin(), middle});
  first.merge(sketch_of({middle, values.end()}));
  RC_ASSERT(first == sketch_of(values));
}

RC_GTEST_PROP(QuantileSketch, DecayHalvesEveryCountAndForgetsNothingHeavy, ()) {
  QuantileSketch sketch = sketch_of(any_values(500));
  QuantileSketch decayed = sketch;
  decayed.halve();
  std::uint64_t expected = 0;
  for (const QuantileSketch::Bucket& bucket : sketch.buckets()) expected += bucket.count / 2;
  RC_ASSERT(decayed.count() == expected);
}

// The bins by definition: repeated multiplication by two and one comparison of squares, no logarithm.
int slow_bin(double u) {
  if (!(u >= 0.0625)) return 0;
  int bin = 0;
  double low = 0.0625;
  while (bin < Tail::bins - 2 && u >= 2 * low) {
    low *= 2;
    bin += 2;
  }
  if (u >= 2 * low) return Tail::bins - 1;
  double ratio = u / low;
  return ratio * ratio >= 2 ? bin + 1 : bin;
}

RC_GTEST_PROP(Tail, BinEdgesAreExactHalfOctaves, ()) {
  Prng random(*rc::gen::arbitrary<std::uint64_t>());
  for (int i = 0; i < 200; ++i) {
    double u = math::exp(random.normal() * 5);
    RC_ASSERT(Tail::bin_of(u) == slow_bin(u));
  }
  for (int bin = 1; bin < Tail::bins; ++bin) {
    RC_ASSERT(Tail::bin_of(Tail::edge(bin)) == bin);
    RC_ASSERT(Tail::bin_of(std::nextafter(Tail::edge(bin), 0.0)) == bin - 1);
  }
}

RC_GTEST_PROP(Tail, SurpriseNeverFallsAsTheStatisticGrows, ()) {
  Prng random(*rc::gen::arbitrary<std::uint64_t>());
  Tail tail;
  for (int i = 0; i < 3000; ++i) tail.add(math::exp(random.normal()), Tail::whole);
  double before = 0;
  for (double u = 0.01; u < 1e6; u *= 1.07) {
    double now = tail.surprise(u);
    RC_ASSERT(now >= before - 1e-9);
    before = now;
  }
}

RC_GTEST_PROP(Tail, InsideItsHistorySurpriseIsTheObservedShare, ()) {
  Prng random(*rc::gen::arbitrary<std::uint64_t>());
  Tail tail;
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(math::exp(random.normal()));
    tail.add(values.back(), Tail::whole);
  }
  for (double share : {0.2, 0.1, 0.06}) {
    std::sort(values.begin(), values.end());
    double u = values[static_cast<std::size_t>((1 - share) * 20'000)];
    RC_ASSERT(std::fabs(tail.surprise(u) + math::log10(share)) < 0.08);
  }
}

RC_GTEST_PROP(Tail, MergingIsAssociativeAndCommutative, ()) {
  Prng random(*rc::gen::arbitrary<std::uint64_t>());
  std::vector<Tail> tails(3);
  for (Tail& tail : tails) {
    for (std::uint64_t i = random.below(500); i > 0; --i) tail.add(math::exp(random.normal() * 2), random.chance(0.3) ? Tail::quarter : Tail::whole);
  }
  Tail left = tails[0];
  left.merge(tails[1]);
  left.merge(tails[2]);
  Tail right = tails[2];
  right.merge(tails[0]);
  right.merge(tails[1]);
  RC_ASSERT(left == right);
}

}  // namespace
}  // namespace mien::stats
