#include "drift/pattern.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "stats/counter.h"
#include "stats/quick_log.h"

namespace mien::drift {
namespace {

constexpr float local = 64;    // blocks that an autocorrelation looks at
constexpr float usual = 2000;  // blocks that what is usual remembers
constexpr std::array<std::uint32_t, Texture::lags> lag{1, 8};
constexpr float texture_weight = 0.7F;
constexpr float least_deviation = 0.02F;
constexpr float level_taken = 0.8F;
constexpr float new_form = 0.5F;              // of the usual distance: becomes a prototype while there is room
constexpr float strange_form = 2;             // of the usual distance: replaces the least used one
constexpr float rare = 4;                     // teaches its tail with weight 1/4
constexpr float least_rate = 0.05F;           // of a prototype
constexpr std::uint32_t young_blocks = 1024;  // the marks move
constexpr std::uint32_t old_blocks = 4096;    // they hardly do
constexpr float past_steps = 8192;
constexpr float mean_steps = 2048;
constexpr float shape_steps = 16;

using Form = std::array<float, Stretch::length>;

std::int16_t to_steps(float x, float steps) { return static_cast<std::int16_t>(std::floor(x * steps + 0.5F)); }

// The weight of the next of `n` values seen so far under a rate.
float warm(std::uint32_t n, float rate) {
  float next = static_cast<float>(n) + 1;
  return next * rate < 1 ? 1 / next : rate;
}

float quick_asinh(double z) {
  double size = std::fabs(z);
  double result = stats::quick_log(size + std::sqrt(size * size + 1));
  return static_cast<float>(z < 0 ? -result : result);
}

// One toss for the pasts of a block (stats/counter.h).
int toss(Pattern& pattern, bool gated) {
  int zeros = std::countl_zero(stats::draw(pattern.coin));
  return gated ? zeros - 2 : zeros;
}

// The past of a statistic judges it and learns it. Where much is known, what is ordinary counts four at a time, for one
// block in four.
float judge_by_past(Pattern& pattern, std::size_t which, float u, int zeros) {
  int bin = stats::tail::bin_of(u);
  stats::SmallTail& past = pattern.tails[which];
  if (bin < pattern.marks[which]) {
    bool fourfold = which < Texture::lags && pattern.texture.blocks >= young_blocks &&
                    pattern.marks[which] != stats::SmallTail::never;
    if (!fourfold) past.add_tossed(bin, zeros, pattern.coin);
    else if (zeros >= 2) past.add_four_tossed(bin, zeros, pattern.coin);
    return 0;
  }
  auto e = static_cast<float>(past.surprise(u));
  past.add_tossed(bin, e > rare ? zeros - 2 : zeros, pattern.coin);
  return e;
}

float follow_texture(Pattern& pattern, float squashed, bool gated) {
  Texture& texture = pattern.texture;
  float y = squashed > 3 ? 3 : squashed < -3 ? -3 : squashed;
  float rate = warm(texture.blocks, 1 / local);
  float away = y - texture.mean;
  for (std::size_t i = 0; i < Texture::lags && texture.blocks >= texture.past.size(); ++i) {
    float before = static_cast<float>(texture.past[(texture.blocks - lag[i]) % texture.past.size()]) / past_steps;
    texture.product[i] += rate * (away * (before - texture.mean) - texture.product[i]);
  }
  texture.variance += rate * (away * away - texture.variance);
  texture.mean += rate * away;
  texture.past[texture.blocks % texture.past.size()] = to_steps(y, past_steps);
  ++texture.blocks;
  if (static_cast<float>(texture.blocks) <= local) return 0;
  float strongest = 0;
  float learning = warm(texture.blocks - static_cast<std::uint32_t>(local), 1 / usual);
  float per_variance = 1 / (texture.variance + 1e-4F);
  int zeros = toss(pattern, gated);
  for (std::size_t i = 0; i < Texture::lags; ++i) {
    float difference = texture.product[i] * per_variance - texture.usual[i];
    float deviation = texture.deviation[i];
    float size = std::fabs(difference);
    float e = judge_by_past(pattern, i, 4 * size / std::max(deviation, least_deviation), zeros);
    strongest = std::max(strongest, e);
    if (gated) continue;
    if (deviation > 0) size = std::min(size, 4 * deviation);
    texture.usual[i] += learning * difference;
    texture.deviation[i] += learning * (size - deviation);
  }
  return texture_weight * strongest;
}

// True when a dozen has just ended and the newest 8 are all there.
bool ends_stretch(Stretch& stretch, float squashed) {
  stretch.sum += squashed;
  if (++stretch.count < Stretch::dozen) return false;
  std::copy(stretch.means.begin() + 1, stretch.means.end(), stretch.means.begin());
  float mean = stretch.sum / Stretch::dozen;
  stretch.means.back() = to_steps(mean > 15 ? 15 : mean < -15 ? -15 : mean, mean_steps);
  stretch.sum = 0;
  stretch.count = 0;
  if (stretch.filled < Stretch::length) ++stretch.filled;
  return stretch.filled == Stretch::length;
}

Form form_of(const Stretch& stretch) {
  Form form{};
  float level = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    form[i] = static_cast<float>(stretch.means[i]) / mean_steps;
    level += form[i] / static_cast<float>(form.size());
  }
  for (float& value : form) value -= level_taken * level;
  return form;
}

float distance(const Stretch::Shape& shape, const Form& form) {
  float squared = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    float difference = static_cast<float>(shape[i]) / shape_steps - form[i];
    squared += difference * difference;
  }
  return std::sqrt(squared / static_cast<float>(form.size()));
}

std::int8_t to_shape(float x, float rounding) {
  float steps = x * shape_steps;
  return static_cast<std::int8_t>(std::floor((steps > 127 ? 127 : steps < -127 ? -127 : steps) + rounding));
}

void set_prototype(Stretch& stretch, std::size_t at, const Form& form) {
  for (std::size_t i = 0; i < form.size(); ++i) stretch.prototypes[at][i] = to_shape(form[i], 0.5F);
  stretch.uses[at] = 1;
}

void learn_stretch(Stretch& stretch, const Form& form, std::size_t nearest, float d, std::uint32_t& coin) {
  stretch.usual_distance += warm(stretch.seen, 0.01F) * (d - stretch.usual_distance);
  ++stretch.seen;
  float ordinary = stretch.usual_distance;
  if (d > new_form * ordinary && stretch.known < Stretch::most_prototypes) {
    set_prototype(stretch, stretch.known++, form);
  } else if (d > strange_form * ordinary) {
    auto least = std::min_element(stretch.uses.begin(), stretch.uses.begin() + stretch.known);
    set_prototype(stretch, static_cast<std::size_t>(least - stretch.uses.begin()), form);
  } else {
    (void)stats::counter::add(stretch.uses[nearest], coin);
    float rate = std::max(1 / static_cast<float>(stats::counter::decode(stretch.uses[nearest])), least_rate);
    for (std::size_t i = 0; i < form.size(); ++i) {
      float value = static_cast<float>(stretch.prototypes[nearest][i]) / shape_steps;
      float rounding = static_cast<float>(stats::draw(coin) >> 8) * 0x1p-24F;
      stretch.prototypes[nearest][i] = to_shape(value + rate * (form[i] - value), rounding);
    }
  }
}

float follow_stretch(Pattern& pattern, float squashed, bool gated) {
  Stretch& stretch = pattern.stretch;
  if (!ends_stretch(stretch, squashed)) return 0;
  Form form = form_of(stretch);
  if (stretch.known == 0) {
    if (!gated) set_prototype(stretch, stretch.known++, form);
    return 0;
  }
  std::size_t nearest = 0;
  float d = distance(stretch.prototypes[0], form);
  for (std::size_t i = 1; i < stretch.known; ++i) {
    float other = distance(stretch.prototypes[i], form);
    if (other < d) nearest = i;
    d = std::min(d, other);
  }
  float e = judge_by_past(pattern, Texture::lags, 16 * d, toss(pattern, gated));
  if (!gated) learn_stretch(stretch, form, nearest, d, pattern.coin);
  return e;
}

std::uint8_t summarise_after(std::uint32_t blocks) { return blocks < young_blocks ? 4 : blocks < old_blocks ? 16 : 64; }

}  // namespace

float follow_pattern(Pattern& pattern, double z, bool gated) {
  float squashed = quick_asinh(z);
  float texture = follow_texture(pattern, squashed, gated);
  float stretch = follow_stretch(pattern, squashed, gated);
  if (++pattern.unsummarised >= summarise_after(pattern.texture.blocks)) {
    for (std::size_t i = 0; i < pattern.tails.size(); ++i) pattern.marks[i] = pattern.tails[i].summarise();
    pattern.unsummarised = 0;
  }
  return std::sqrt(texture * texture + stretch * stretch);
}

}  // namespace mien::drift
