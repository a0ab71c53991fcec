#include "drift/pattern.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/math.h"
#include "stats/robust.h"

namespace mien::drift {
namespace {

using stats::clip;
using stats::warm_rate;

constexpr double local = 64;    // blocks that an autocorrelation looks at
constexpr double usual = 2000;  // blocks that what is usual remembers
constexpr std::array<std::size_t, Texture::lags> lag{1, 8};
constexpr double texture_weight = 0.7;
constexpr double least_deviation = 0.02;
constexpr std::uint8_t dozen = 12;  // blocks in one mean of a stretch
constexpr double level_taken = 0.8;
constexpr double new_form = 0.5;    // of the usual distance: becomes a prototype while there is room
constexpr double strange_form = 2;  // of the usual distance: replaces the least used one
constexpr double rare = 4;          // teaches its tail with weight 1/4

float as_float(double x) { return static_cast<float>(x); }

// The past of a statistic judges it and learns it.
double judge_by_past(stats::Tail& past, double u, bool gated) {
  double e = past.surprise(u);
  past.add(u, gated || e > rare ? stats::Tail::quarter : stats::Tail::whole);
  return e;
}

double follow_texture(Texture& texture, std::array<stats::Tail, Texture::lags + 1>& tails, double z, bool gated) {
  double y = clip(math::asinh(z), 3);
  double rate = warm_rate(texture.blocks, 1 / local);
  double away = y - static_cast<double>(texture.mean);
  double strongest = 0;
  for (std::size_t i = 0; i < Texture::lags && texture.blocks >= texture.past.size(); ++i) {
    double before = texture.past[(texture.next + texture.past.size() - lag[i]) % texture.past.size()];
    double product = away * (before - static_cast<double>(texture.mean));
    texture.product[i] += as_float(rate * (product - static_cast<double>(texture.product[i])));
  }
  texture.variance += as_float(rate * (away * away - static_cast<double>(texture.variance)));
  texture.mean += as_float(rate * away);
  texture.past[texture.next] = as_float(y);
  texture.next = static_cast<std::uint8_t>((texture.next + 1U) % texture.past.size());
  ++texture.blocks;
  if (static_cast<double>(texture.blocks) <= local) return 0;
  double learning = warm_rate(texture.blocks - static_cast<std::uint64_t>(local), 1 / usual);
  for (std::size_t i = 0; i < Texture::lags; ++i) {
    double rho = static_cast<double>(texture.product[i]) / (static_cast<double>(texture.variance) + 1e-4);
    double difference = rho - static_cast<double>(texture.usual[i]);
    double deviation = texture.deviation[i];
    double u = 4 * std::fabs(difference) / std::max(deviation, least_deviation);
    strongest = std::max(strongest, judge_by_past(tails[i], u, gated));
    if (gated) continue;
    double size = deviation > 0 ? std::min(std::fabs(difference), 4 * deviation) : std::fabs(difference);
    texture.usual[i] += as_float(learning * difference);
    texture.deviation[i] += as_float(learning * (size - deviation));
  }
  return texture_weight * strongest;
}

// The newest 8 dozens once they are all there and one has just ended.
std::optional<std::array<float, 8>> next_stretch(Stretch& stretch, double z) {
  stretch.sum += as_float(math::asinh(z));
  if (++stretch.count < dozen) return std::nullopt;
  std::rotate(stretch.means.begin(), stretch.means.begin() + 1, stretch.means.end());
  stretch.means.back() = stretch.sum / static_cast<float>(dozen);
  stretch.sum = 0;
  stretch.count = 0;
  if (stretch.filled < stretch.means.size() && ++stretch.filled < stretch.means.size()) return std::nullopt;
  double level = 0;
  for (float mean : stretch.means) level += static_cast<double>(mean) / static_cast<double>(stretch.means.size());
  std::array<float, 8> shape = stretch.means;
  for (float& value : shape) value -= as_float(level_taken * level);
  return shape;
}

double distance(const std::array<float, 8>& a, const std::array<float, 8>& b) {
  double squared = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    squared += difference * difference;
  }
  return std::sqrt(squared / static_cast<double>(a.size()));
}

void learn_stretch(Stretch& stretch, const std::array<float, 8>& shape, Prototype& nearest, double d) {
  stretch.usual_distance += as_float(warm_rate(stretch.seen, 0.01) * (d - static_cast<double>(stretch.usual_distance)));
  ++stretch.seen;
  double ordinary = stretch.usual_distance;
  if (d > new_form * ordinary && stretch.prototypes.size() < Stretch::most_prototypes) {
    stretch.prototypes.push_back({.shape = shape, .uses = 1});
  } else if (d > strange_form * ordinary) {
    auto least = std::min_element(stretch.prototypes.begin(), stretch.prototypes.end(),
                                  [](const Prototype& a, const Prototype& b) { return a.uses < b.uses; });
    *least = {.shape = shape, .uses = 1};
  } else {
    nearest.uses += 1;
    float rate = std::max(1 / nearest.uses, 0.05F);
    for (std::size_t i = 0; i < shape.size(); ++i) nearest.shape[i] += rate * (shape[i] - nearest.shape[i]);
  }
}

double follow_stretch(Stretch& stretch, stats::Tail& past, double z, bool gated) {
  std::optional<std::array<float, 8>> shape = next_stretch(stretch, z);
  if (!shape) return 0;
  if (stretch.prototypes.empty()) {
    if (!gated) stretch.prototypes.push_back({.shape = *shape, .uses = 1});
    return 0;
  }
  auto nearest = std::min_element(
      stretch.prototypes.begin(), stretch.prototypes.end(),
      [&](const Prototype& a, const Prototype& b) { return distance(a.shape, *shape) < distance(b.shape, *shape); });
  double d = distance(nearest->shape, *shape);
  double e = judge_by_past(past, 16 * d, gated);
  if (!gated) learn_stretch(stretch, *shape, *nearest, d);
  return e;
}

}  // namespace

void follow_pattern(Pattern& pattern, double z, bool gated) {
  double texture = follow_texture(pattern.texture, pattern.tails, z, gated);
  double stretch = follow_stretch(pattern.stretch, pattern.tails.back(), z, gated);
  pattern.surprise = as_float(std::sqrt(texture * texture + stretch * stretch));
}

}  // namespace mien::drift
