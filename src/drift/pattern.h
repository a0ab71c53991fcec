// The form of a series: how its neighbouring values hang together, and which stretches it is made of. DETECTION section
// 1 (texture, shape of a stretch). Fed once a block with the standardised value, so that a form is a matter of
// durations.
//
// Texture: local autocorrelation at lags 1 and 8 over about 64 blocks, against its own usual value. Stretch: the means
// of the last 8 dozens of blocks, less most of their level, against at most 8 stretches that were seen before; the
// nearest moves towards what comes, the least used gives way to what is new. Values are kept in steps: a past one in
// 1/8192, a mean in 1/2048, a prototype in 1/16, rounded up or down at random where they move slowly.
// Cost about 30 ns a block, a few hundred every twelfth. Memory 250 bytes, touched at the end of a block only.
#pragma once

#include <array>
#include <cstdint>

#include "base/fetch.h"
#include "base/fields.h"
#include "stats/tail.h"

namespace mien::drift {

struct Texture {
  static constexpr std::size_t lags = 2;
  float mean = 0;
  float variance = 0;
  std::array<float, lags> product{};    // with the value a lag ago, both less the mean
  std::array<float, lags> usual{};      // autocorrelation
  std::array<float, lags> deviation{};  // mean |autocorrelation - usual|
  std::array<std::int16_t, 8> past{};   // squashed values, a ring: block k at k % 8
  std::uint32_t blocks = 0;
  static constexpr auto fields = std::tuple{
      field("mean", &Texture::mean),    field("variance", &Texture::variance),   field("product", &Texture::product),
      field("usual", &Texture::usual),  field("deviation", &Texture::deviation), field("past", &Texture::past),
      field("blocks", &Texture::blocks)};
};

struct Stretch {
  static constexpr std::size_t length = 8;
  static constexpr std::size_t most_prototypes = 8;
  static constexpr std::uint8_t dozen = 12;  // blocks in one mean
  using Shape = std::array<std::int8_t, length>;
  float sum = 0;            // of the running dozen
  std::uint8_t count = 0;   // blocks in sum
  std::uint8_t filled = 0;  // means
  std::uint8_t known = 0;   // prototypes
  // From here on touched each dozen.
  float usual_distance = 0;
  std::uint32_t seen = 0;
  std::array<std::int16_t, length> means{};  // newest last
  std::array<Shape, most_prototypes> prototypes{};
  std::array<std::uint8_t, most_prototypes> uses{};  // stats/counter.h
  static constexpr auto fields = std::tuple{field("sum", &Stretch::sum),
                                            field("count", &Stretch::count),
                                            field("filled", &Stretch::filled),
                                            field("known", &Stretch::known),
                                            field("usual_distance", &Stretch::usual_distance),
                                            field("seen", &Stretch::seen),
                                            field("means", &Stretch::means),
                                            field("prototypes", &Stretch::prototypes),
                                            field("uses", &Stretch::uses)};
};

struct Pattern {
  Texture texture;
  std::array<std::uint8_t, Texture::lags + 1> marks{255, 255, 255};
  std::uint8_t unsummarised = 0;  // blocks since the marks were computed
  std::uint32_t coin = 1;
  std::array<stats::SmallTail, Texture::lags + 1> tails{};  // of each lag, then of stretches
  Stretch stretch;
  static constexpr auto fields = std::tuple{field("texture", &Pattern::texture),
                                            field("marks", &Pattern::marks),
                                            field("unsummarised", &Pattern::unsummarised),
                                            field("coin", &Pattern::coin),
                                            field("tails", &Pattern::tails),
                                            field("stretch", &Pattern::stretch)};
};

// What the next block will read is fetched meanwhile.
inline void fetch_pattern(const Pattern& pattern) {
  fetch(&pattern, sizeof(Pattern) - sizeof(Stretch));
  __builtin_prefetch(&pattern.stretch);
}

// Takes the block's value in scales from its level. `gated`: an episode is open, nothing but the tails learns, and
// those at a quarter. Returns the surprise of the block, -log10 p.
float follow_pattern(Pattern& pattern, double z, bool gated);

// What was read from outside is within its limits.
[[nodiscard]] inline bool is_whole(const Pattern& pattern) { return pattern.stretch.known <= Stretch::most_prototypes; }

}  // namespace mien::drift
