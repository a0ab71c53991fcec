// Seeded chance: xoshiro256++ (Blackman & Vigna 2019) seeded by splitmix64. The same seed gives the same numbers on
// every compiler and machine, which std distributions do not promise. Pass it as `Prng&`; there is no global one.
// Not for secrets: tokens and keys come from edge (OpenSSL).
#pragma once

#include <array>
#include <cstdint>

namespace mien {

class Prng {
 public:
  explicit Prng(std::uint64_t seed);

  std::uint64_t next();
  // Uniform in [0, 1): 53 bits.
  double uniform();
  // Uniform integer in [0, bound). bound > 0. Unbiased (Lemire 2019).
  std::uint64_t below(std::uint64_t bound);
  // Standard normal (Marsaglia polar, with base/math's own log and sqrt).
  double normal();
  // Exponential with mean 1.
  double exponential();
  bool chance(double probability) { return uniform() < probability; }
  // An independent stream: the same (seed, label) gives the same stream.
  [[nodiscard]] Prng fork(std::uint64_t label) const;

  [[nodiscard]] const std::array<std::uint64_t, 4>& state() const { return state_; }
  void restore(const std::array<std::uint64_t, 4>& state) { state_ = state; }
  friend bool operator==(const Prng&, const Prng&) = default;

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace mien
