#include "base/prng.h"

#include <cmath>

#include "base/check.h"
#include "base/math.h"

namespace mien {
namespace {

std::uint64_t splitmix64(std::uint64_t& x) {
  x += 0x9e3779b97f4a7c15U;
  std::uint64_t z = x;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

}  // namespace

Prng::Prng(std::uint64_t seed) {
  for (auto& word : state_) word = splitmix64(seed);
}

std::uint64_t Prng::next() {
  std::uint64_t result = rotate_left(state_[0] + state_[3], 23) + state_[0];
  std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

double Prng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t Prng::below(std::uint64_t bound) {
  CHECK(bound > 0);
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(next()) * bound;
  auto low = static_cast<std::uint64_t>(product);
  if (low < bound) {
    std::uint64_t threshold = (0 - bound) % bound;
    while (low < threshold) {
      product = static_cast<Wide>(next()) * bound;
      low = static_cast<std::uint64_t>(product);
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Prng::normal() {
  for (;;) {
    double a = 2 * uniform() - 1;
    double b = 2 * uniform() - 1;
    double s = a * a + b * b;
    if (s > 0 && s < 1) return a * std::sqrt(-2 * math::log(s) / s);
  }
}

double Prng::exponential() { return -math::log(1 - uniform()); }

Prng Prng::fork(std::uint64_t label) const {
  std::uint64_t seed = state_[0] ^ rotate_left(state_[2], 17) ^ (label * 0x9e3779b97f4a7c15U);
  return Prng{splitmix64(seed)};
}

}  // namespace mien
