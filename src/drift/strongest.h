// The most surprising series of a row, most first; of equals the one that was declared first.
//
// A surprise and its series are one key, ordered as the double that its bits are: a key finds its place among sixteen
// by comparing with all of them at once, without a branch that nothing foretells. Cost: a comparison for most series,
// about 5 ns for one that is among the strongest.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace mien::drift {

class Strongest {
 public:
  static constexpr std::size_t most = 16;

  // `surprise` >= 0.
  void add(float surprise, std::uint32_t series) {
    double key = std::bit_cast<double>(std::uint64_t{std::bit_cast<std::uint32_t>(surprise)} << 32 | ~series);
    ++count_;
    if (!(key > keys_.back()[1])) return;
    Two own_key{key, key};
    Two above{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    for (Two& own : keys_) {  // the key takes its place, and what is weaker moves down by one
      Two before = own;
      Two shifted = __builtin_shufflevector(above, before, 1, 2);
      Two at_most = shifted < own_key ? shifted : own_key;
      own = before < at_most ? at_most : before;
      above = before;
    }
  }

  [[nodiscard]] std::size_t count() const { return count_ < most ? count_ : most; }
  [[nodiscard]] std::uint32_t series(std::size_t place) const { return ~static_cast<std::uint32_t>(bits(place)); }
  [[nodiscard]] float surprise(std::size_t place) const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits(place) >> 32));
  }
  // Of the `first` strongest, as a vector.
  [[nodiscard]] double length(std::size_t first) const {
    double squared = 0;
    for (std::size_t i = 0; i < first; ++i) {
      auto value = static_cast<double>(surprise(i));
      squared += value * value;
    }
    return std::sqrt(squared);
  }

 private:
  using Two = double __attribute__((vector_size(16)));

  [[nodiscard]] std::uint64_t bits(std::size_t place) const {
    return std::bit_cast<std::uint64_t>(keys_[place / 2][place % 2]);
  }

  std::array<Two, most / 2> keys_{};
  std::size_t count_ = 0;  // that were added
};

}  // namespace mien::drift
