#include "drift/pattern.h"

#include <algorithm>
#include <cmath>

#include "stats/counter.h"
#include "stats/quick_log.h"
#include "stats/robust.h"

namespace mien::drift {
namespace {

using stats::clip;
using stats::warm_rate;

constexpr double local = 64;    // blocks that an autocorrelation looks at
constexpr double usual = 2000;  // blocks that what is usual remembers
constexpr std::array<std::uint32_t, Texture::lags> lag{1, 8};
constexpr double texture_weight = 0.7;
constexpr double least_deviation = 0.02;
constexpr std::uint8_t dozen = 12;  // blocks in one mean of a stretch
constexpr double level_taken = 0.8;
constexpr double new_form = 0.5;     // of the usual distance: becomes a prototype while there is room
constexpr double strange_form = 2;   // of the usual distance: replaces the least used one
constexpr double rare = 4;           // teaches its tail with weight 1/4
constexpr double least_rate = 0.05;  // of a prototype
constexpr std::uint8_t summarise_every = 16;
constexpr std::uint32_t young_blocks = 1024;  // until then four times as often
constexpr double past_steps = 8192;
constexpr double mean_steps = 2048;
constexpr double shape_steps = 16;

using Form = std::array<double, Stretch::length>;

float as_float(double x) { return static_cast<float>(x); }
std::int16_t to_steps(double x, double steps) { return static_cast<std::int16_t>(std::floor(x * steps + 0.5)); }

double quick_asinh(double z) {
  double size = std::fabs(z);
  double result = stats::quick_log(size + std::sqrt(size * size + 1));
  return z < 0 ? -result : result;
}

// The past of a statistic judges it and learns it.
double judge_by_past(Pattern& pattern, std::size_t which, double statistic, bool gated) {
  auto u = as_float(statistic);
  int bin = stats::tail::bin_of(u);
  stats::SmallTail& past = pattern.tails[which];
  double e = bin >= pattern.marks[which] ? past.surprise(u) : 0;
  using Weight = stats::SmallTail::Weight;
  past.add(bin, gated || e > rare ? Weight::quarter : Weight::whole, pattern.coin);
  return e;
}

double follow_texture(Pattern& pattern, double squashed, bool gated) {
  Texture& texture = pattern.texture;
  double y = clip(squashed, 3);
  double rate = warm_rate(texture.blocks, 1 / local);
  double away = y - static_cast<double>(texture.mean);
  for (std::size_t i = 0; i < Texture::lags && texture.blocks >= texture.past.size(); ++i) {
    double before = texture.past[(texture.blocks - lag[i]) % texture.past.size()] / past_steps;
    double product = away * (before - static_cast<double>(texture.mean));
    texture.product[i] += as_float(rate * (product - static_cast<double>(texture.product[i])));
  }
  texture.variance += as_float(rate * (away * away - static_cast<double>(texture.variance)));
  texture.mean += as_float(rate * away);
  texture.past[texture.blocks % texture.past.size()] = to_steps(y, past_steps);
  ++texture.blocks;
  if (static_cast<double>(texture.blocks) <= local) return 0;
  double strongest = 0;
  double learning = warm_rate(texture.blocks - static_cast<std::uint32_t>(local), 1 / usual);
  for (std::size_t i = 0; i < Texture::lags; ++i) {
    double rho = static_cast<double>(texture.product[i]) / (static_cast<double>(texture.variance) + 1e-4);
    double difference = rho - static_cast<double>(texture.usual[i]);
    double deviation = texture.deviation[i];
    double u = 4 * std::fabs(difference) / std::max(deviation, least_deviation);
    strongest = std::max(strongest, judge_by_past(pattern, i, u, gated));
    if (gated) continue;
    double size = deviation > 0 ? std::min(std::fabs(difference), 4 * deviation) : std::fabs(difference);
    texture.usual[i] += as_float(learning * difference);
    texture.deviation[i] += as_float(learning * (size - deviation));
  }
  return texture_weight * strongest;
}

// True when a dozen has just ended and the newest 8 are all there.
bool ends_stretch(Stretch& stretch, double squashed) {
  stretch.sum += as_float(squashed);
  if (++stretch.count < dozen) return false;
  std::copy(stretch.means.begin() + 1, stretch.means.end(), stretch.means.begin());
  stretch.means.back() = to_steps(clip(static_cast<double>(stretch.sum) / dozen, 15), mean_steps);
  stretch.sum = 0;
  stretch.count = 0;
  if (stretch.filled < Stretch::length) ++stretch.filled;
  return stretch.filled == Stretch::length;
}

Form form_of(const Stretch& stretch) {
  Form form{};
  double level = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    form[i] = stretch.means[i] / mean_steps;
    level += form[i] / static_cast<double>(form.size());
  }
  for (double& value : form) value -= level_taken * level;
  return form;
}

double distance(const Stretch::Shape& shape, const Form& form) {
  double squared = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    double difference = shape[i] / shape_steps - form[i];
    squared += difference * difference;
  }
  return std::sqrt(squared / static_cast<double>(form.size()));
}

std::int8_t to_shape(double x, double rounding) {
  return static_cast<std::int8_t>(std::floor(clip(x * shape_steps, 127) + rounding));
}

void set_prototype(Stretch& stretch, std::size_t at, const Form& form) {
  for (std::size_t i = 0; i < form.size(); ++i) stretch.prototypes[at][i] = to_shape(form[i], 0.5);
  stretch.uses[at] = 1;
}

void learn_stretch(Stretch& stretch, const Form& form, std::size_t nearest, double d, std::uint32_t& coin) {
  double before = stretch.usual_distance;
  stretch.usual_distance = as_float(before + warm_rate(stretch.seen, 0.01) * (d - before));
  ++stretch.seen;
  double ordinary = stretch.usual_distance;
  if (d > new_form * ordinary && stretch.known < Stretch::most_prototypes) {
    set_prototype(stretch, stretch.known++, form);
  } else if (d > strange_form * ordinary) {
    auto least = std::min_element(stretch.uses.begin(), stretch.uses.begin() + stretch.known);
    set_prototype(stretch, static_cast<std::size_t>(least - stretch.uses.begin()), form);
  } else {
    (void)stats::counter::add(stretch.uses[nearest], coin);
    double rate = std::max(1.0 / stats::counter::decode(stretch.uses[nearest]), least_rate);
    for (std::size_t i = 0; i < form.size(); ++i) {
      double value = stretch.prototypes[nearest][i] / shape_steps;
      double rounding = static_cast<double>(stats::draw(coin) >> 8) * 0x1p-24;
      stretch.prototypes[nearest][i] = to_shape(value + rate * (form[i] - value), rounding);
    }
  }
}

double follow_stretch(Pattern& pattern, double squashed, bool gated) {
  Stretch& stretch = pattern.stretch;
  if (!ends_stretch(stretch, squashed)) return 0;
  Form form = form_of(stretch);
  if (stretch.known == 0) {
    if (!gated) set_prototype(stretch, stretch.known++, form);
    return 0;
  }
  std::size_t nearest = 0;
  double d = distance(stretch.prototypes[0], form);
  for (std::size_t i = 1; i < stretch.known; ++i) {
    double other = distance(stretch.prototypes[i], form);
    if (other < d) nearest = i;
    d = std::min(d, other);
  }
  double e = judge_by_past(pattern, Texture::lags, 16 * d, gated);
  if (!gated) learn_stretch(stretch, form, nearest, d, pattern.coin);
  return e;
}

}  // namespace

float follow_pattern(Pattern& pattern, double z, bool gated) {
  double squashed = quick_asinh(z);
  double texture = follow_texture(pattern, squashed, gated);
  double stretch = follow_stretch(pattern, squashed, gated);
  if (++pattern.unsummarised >= (pattern.texture.blocks < young_blocks ? summarise_every / 4 : summarise_every)) {
    for (std::size_t i = 0; i < pattern.tails.size(); ++i) pattern.marks[i] = pattern.tails[i].summarise();
    pattern.unsummarised = 0;
  }
  return as_float(std::sqrt(texture * texture + stretch * stretch));
}

}  // namespace mien::drift
