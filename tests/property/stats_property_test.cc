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
#include "stats/counter.h"
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

// The bins by definition: an edge is 2^(-4 + 2 k / 3), its cube a power of four. No logarithm.
int slow_bin(float u) {
  int bin = 0;
  double edge_cubed = 1.0 / 1024;  // of bin 1
  auto cubed = static_cast<long double>(u) * static_cast<long double>(u) * static_cast<long double>(u);
  while (bin < tail::bins - 1 && cubed >= static_cast<long double>(edge_cubed)) {
    edge_cubed *= 4;
    ++bin;
  }
  return bin;
}

RC_GTEST_PROP(Tail, BinEdgesAreExactTwoThirdsOfAnOctave, ()) {
  Prng random(*rc::gen::arbitrary<std::uint64_t>());
  for (int i = 0; i < 200; ++i) {
    auto u = static_cast<float>(math::exp(random.normal() * 5));
    RC_ASSERT(tail::bin_of(u) == slow_bin(u));
  }
  for (int bin = 1; bin < tail::bins; ++bin) {
    RC_ASSERT(tail::bin_of(tail::edge(bin)) == bin);
    RC_ASSERT(slow_bin(tail::edge(bin)) == bin);
    RC_ASSERT(tail::bin_of(std::nextafter(tail::edge(bin), 0.0F)) == bin - 1);
    RC_ASSERT(slow_bin(std::nextafter(tail::edge(bin), 0.0F)) == bin - 1);
  }
}

// A small tail against an exact one of the same values: where it is asked, they differ by what counters of 15 % make.
RC_GTEST_PROP(SmallTail, IsNeverFarFromTheExactOne, ()) {
  std::uint32_t coin = *rc::gen::arbitrary<std::uint32_t>();
  Prng random(coin);
  SmallTail small;
  Tail exact;
  int values = *rc::gen::inRange(100, 50'000);
  for (int i = 0; i < values; ++i) {
    auto u = static_cast<float>(math::exp(random.normal()));
    small.add(tail::bin_of(u), SmallTail::Weight::whole, coin);
    exact.add(static_cast<double>(u), Tail::whole);
  }
  int mark = small.summarise();
  exact = Tail::from_counts(exact.counts());
  for (float u = 0.1F; u < 1e5F; u *= 1.3F) {
    if (tail::bin_of(u) < mark || !small.speaks()) continue;
    double e = exact.surprise(static_cast<double>(u));
    RC_ASSERT(std::fabs(static_cast<double>(small.surprise(u)) - e) < 0.5 + 0.15 * e);
  }
}

RC_GTEST_PROP(SmallTail, WidensToExactlyWhatItHoldsAndBack, ()) {
  std::uint32_t coin = *rc::gen::arbitrary<std::uint32_t>();
  SmallTail small;
  for (int i = *rc::gen::inRange(0, 3000); i > 0; --i)
    small.add(static_cast<int>(draw(coin) % 24), SmallTail::Weight::whole, coin);
  (void)small.summarise();
  RC_ASSERT(SmallTail::narrow(small.widen()) == small);
  RC_ASSERT(small.widen().values() == static_cast<double>(small.values()));
}

RC_GTEST_PROP(SmallTail, NeverCountsPastItsHalvingAndCountsRightOnAverage, ()) {
  std::uint32_t coin = *rc::gen::arbitrary<std::uint32_t>();
  double sum = 0;
  for (int i = 0; i < 200; ++i) {
    std::uint8_t code = 0;
    for (int k = 0; k < 1000; ++k) (void)counter::add(code, coin);
    sum += counter::decode(code);
  }
  RC_ASSERT(std::fabs(sum / 200 - 1000) < 60);  // five standard deviations of the mean
  SmallTail small;
  for (int i = 0; i < 200'000; ++i) small.add(5, SmallTail::Weight::whole, coin);
  RC_ASSERT(small.values() < 60'000U);
  RC_ASSERT(small.values() > 20'000U);
}

RC_GTEST_PROP(SmallSketch, QuantilesLieWithinItsBoundAndItsCounters, ()) {
  std::uint32_t coin = *rc::gen::arbitrary<std::uint32_t>();
  Prng random(coin);
  SmallSketch small;
  std::vector<double> values;
  for (int i = 0; i < 4000; ++i) {
    values.push_back(100 * math::exp(0.5 * random.normal()));
    small.add(values.back(), coin);
  }
  std::sort(values.begin(), values.end());
  double error = small.widen().relative_error();
  RC_ASSERT(error < 0.1);
  for (double q : {0.05, 0.5, 0.95}) {
    double low = values[static_cast<std::size_t>((q - 0.045) * 3999)];
    double high = values[static_cast<std::size_t>((q + 0.045) * 3999)];
    RC_ASSERT(small.quantile(q) >= low * (1 - 2 * error));
    RC_ASSERT(small.quantile(q) <= high * (1 + 2 * error));
  }
  RC_ASSERT(small.is_whole());
  RC_ASSERT(small.widen().quantile(0.5) == small.quantile(0.5));
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
  for (double share : {0.15, 0.1, 0.06}) {
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
