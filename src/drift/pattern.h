// The form of a series: how its neighbouring values hang together, and which stretches it is made of. DETECTION section
// 1 (texture, shape of a stretch). Fed once a block with the standardised value, so that a form is a matter of
// durations.
//
// Texture: local autocorrelation at lags 1 and 8 over about 64 blocks, against its own usual value. Stretch: the means
// of the last 8 dozens of blocks, less most of their level, against at most 24 stretches that were seen before; the
// nearest moves towards what comes, the least used gives way to what is new. Cost about 60 ns a block, a few hundred
// every twelfth. Memory about 1.3 KB.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "stats/tail.h"

namespace mien::drift {

struct Prototype {
  std::array<float, 8> shape{};
  float uses = 0;
  static constexpr auto fields = std::tuple{field("shape", &Prototype::shape), field("uses", &Prototype::uses)};
};

struct Texture {
  static constexpr std::size_t lags = 2;
  std::array<float, 8> past{};  // squashed values, a ring
  std::uint8_t next = 0;
  std::uint64_t blocks = 0;
  float mean = 0;
  float variance = 0;
  std::array<float, lags> product{};    // with the value a lag ago, both less the mean
  std::array<float, lags> usual{};      // autocorrelation
  std::array<float, lags> deviation{};  // mean |autocorrelation - usual|
  static constexpr auto fields = std::tuple{
      field("past", &Texture::past),   field("next", &Texture::next),          field("blocks", &Texture::blocks),
      field("mean", &Texture::mean),   field("variance", &Texture::variance),  field("product", &Texture::product),
      field("usual", &Texture::usual), field("deviation", &Texture::deviation)};
};

struct Stretch {
  static constexpr std::size_t most_prototypes = 24;
  float sum = 0;  // of the running dozen
  std::uint8_t count = 0;
  std::array<float, 8> means{};  // newest last
  std::uint8_t filled = 0;
  std::uint64_t seen = 0;
  float usual_distance = 0;
  std::vector<Prototype> prototypes;
  static constexpr auto fields = std::tuple{field("sum", &Stretch::sum),
                                            field("count", &Stretch::count),
                                            field("means", &Stretch::means),
                                            field("filled", &Stretch::filled),
                                            field("seen", &Stretch::seen),
                                            field("usual_distance", &Stretch::usual_distance),
                                            field("prototypes", &Stretch::prototypes)};
};

struct Pattern {
  Texture texture;
  Stretch stretch;
  std::array<stats::Tail, Texture::lags + 1> tails{};  // of each lag, then of stretches
  float surprise = 0;                                  // of the newest block, -log10 p
  static constexpr auto fields = std::tuple{field("texture", &Pattern::texture), field("stretch", &Pattern::stretch),
                                            field("tails", &Pattern::tails), field("surprise", &Pattern::surprise)};
};

// Takes the block's value in scales from its level. `gated`: an episode is open, nothing but the tails learns, and
// those at a quarter. Afterwards `pattern.surprise` tells.
void follow_pattern(Pattern& pattern, double z, bool gated);

// What was read from outside is within its limits.
[[nodiscard]] inline bool is_whole(const Pattern& pattern) {
  return pattern.texture.next < pattern.texture.past.size() &&
         pattern.stretch.prototypes.size() <= Stretch::most_prototypes;
}

}  // namespace mien::drift
