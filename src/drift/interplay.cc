#include "drift/interplay.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "drift/relations.h"
#include "stats/robust.h"

namespace mien::drift {
namespace {

constexpr std::uint64_t learning_blocks = 1000;  // as in relations.cc
constexpr std::uint64_t first_training = 1000;   // ordinary blocks; the next is at twice as many
constexpr double ordinary = 1.69897;             // -log10 0.02
constexpr double rare = 4;                       // teaches the past of distances with weight 1/4
constexpr double distance_unit = 8;              // an ordinary distance lies in the middle of a tail's bins
constexpr double empirical = 0.5;                // weight of the empirical tail
constexpr double soft_beyond = 5;
constexpr std::uint32_t hidden = 12;
constexpr std::uint32_t latent = 2;  // fewer tell less of a row, and leave more of what is odd: 6 and 8 were worse

// How an input is seen: standardised, and softly clipped so that one wild value does not hide the others.
float seen(const InterplayModel& model, std::size_t input, float x) {
  auto z = static_cast<double>((x - model.center[input]) / model.spread[input]);
  double far = std::fabs(z);
  if (far > soft_beyond) z = std::copysign(soft_beyond + math::log(std::min(far, 1e9) / soft_beyond), z);
  return static_cast<float>(z);  // NaN stays
}

// Mean and deviation of each input over all rows.
void place(InterplayModel& model, std::size_t inputs, std::span<const float> rows) {
  model.center.assign(inputs, 0);
  model.spread.assign(inputs, 1);
  for (std::size_t i = 0; i < inputs; ++i) {
    double count = 0;
    double mean = 0;
    double squares = 0;
    for (std::size_t at = i; at < rows.size(); at += inputs) {
      auto x = static_cast<double>(rows[at]);
      if (std::isnan(x)) continue;
      count += 1;
      double off = x - mean;
      mean += off / count;
      squares += off * (x - mean);
    }
    double deviation = count > 0 ? std::sqrt(squares / count) : 1;
    model.center[i] = static_cast<float>(mean);
    model.spread[i] = static_cast<float>(stats::clip(std::max(deviation, 1e-9 + 1e-6 * std::fabs(mean)), 1e30));
  }
}

bool is_full_window(const Interplay& interplay) {
  return !interplay.newest.empty() &&
         !std::all_of(
             interplay.newest.end() - static_cast<std::ptrdiff_t>(interplay.newest.size() / InterplayModel::window),
             interplay.newest.end(), [](float x) { return std::isnan(x); });
}

// How far the newest window lies from what goes together; leaves each series' share.
double distance(Interplay& interplay) {
  const InterplayModel& model = interplay.model;
  std::size_t inputs = interplay.newest.size();
  std::array<float, InterplayModel::window * InterplayModel::max_series> x;
  std::array<float, InterplayModel::window * InterplayModel::max_series> shares;
  for (std::size_t i = 0; i < inputs; ++i) x[i] = seen(model, i, interplay.newest[i]);
  double distance = model.vae.distance(std::span<const float>(x).first(inputs), std::span(shares).first(inputs));
  std::size_t series = inputs / InterplayModel::window;
  interplay.shares.assign(series, 0);
  for (std::size_t i = 0; i < inputs; ++i) interplay.shares[i % series] += shares[i];
  return distance;
}

void keep(Interplay& interplay) {
  std::size_t inputs = interplay.newest.size();
  ++interplay.offered;
  if (interplay.offered <= Interplay::most_kept) {
    interplay.kept.insert(interplay.kept.end(), interplay.newest.begin(), interplay.newest.end());
    return;
  }
  Prng random(interplay.seed);
  if (interplay.chance != decltype(interplay.chance){}) random.restore(interplay.chance);
  std::uint64_t at = random.below(interplay.offered);
  interplay.chance = random.state();
  if (at < Interplay::most_kept)
    std::copy(interplay.newest.begin(), interplay.newest.end(),
              interplay.kept.begin() + static_cast<std::ptrdiff_t>(at * inputs));
}

void train(Interplay& interplay) {
  InterplayTraining training(interplay.newest.size(), interplay.kept, interplay.seed, Interplay::epochs);
  while (training.step()) {
  }
  interplay.model = training.result();
}

// 1,000 times a power of two.
bool is_due(std::uint64_t offered) {
  std::uint64_t times = offered / first_training;
  return offered % first_training == 0 && times > 0 && (times & (times - 1)) == 0;
}

}  // namespace

bool InterplayModel::is_whole() const {
  auto is_number = [](float x) { return std::fabs(x) <= 1e30F; };
  return center.size() == spread.size() && center.size() % window == 0 && series() <= max_series && vae.is_whole() &&
         vae.shape().inputs == center.size() && std::all_of(center.begin(), center.end(), is_number) &&
         std::all_of(spread.begin(), spread.end(), [&](float x) { return is_number(x) && x > 0; });
}

InterplayTraining::InterplayTraining(std::size_t inputs, std::span<const float> rows, std::uint64_t seed,
                                     std::uint32_t epochs) {
  if (inputs == 0) rows = {};
  place(model_, inputs, rows);
  std::vector<float> standard(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) standard[i] = seen(model_, i % inputs, rows[i]);
  model_.rows = inputs == 0 ? 0 : rows.size() / inputs;
  stats::VaeShape shape{.inputs = static_cast<std::uint32_t>(inputs), .hidden = hidden, .latent = latent};
  training_ = std::make_unique<stats::VaeTraining>(
      stats::VaeTraining::Plan{.shape = shape, .seed = seed, .epochs = epochs}, std::move(standard));
}

InterplayModel InterplayTraining::result() const {
  InterplayModel model = model_;
  model.vae = training_->result();
  model.held_out = training_->held_out();
  return model.vae.speaks() ? model : InterplayModel();
}

void take_block(Interplay& interplay, const Relations& relations) {
  if (interplay.mode == Interplay::Mode::off) return;
  std::size_t series = std::min(relations.sums.size(), InterplayModel::max_series);
  std::size_t inputs = series * InterplayModel::window;
  if (interplay.newest.size() != inputs) {  // other series: what was gathered is of no use
    interplay.newest.assign(inputs, std::numeric_limits<float>::quiet_NaN());
    interplay.kept.clear();
    interplay.offered = 0;
    interplay.past = {};
    interplay.shares.clear();
    if (interplay.mode == Interplay::Mode::learns) interplay.model = {};
  }
  std::copy_backward(interplay.newest.begin(), interplay.newest.end() - static_cast<std::ptrdiff_t>(series),
                     interplay.newest.end());
  for (std::size_t s = 0; s < series; ++s) {
    const BlockSum& sum = relations.sums[s];
    interplay.newest[s] =
        sum.count == 0 ? std::numeric_limits<float>::quiet_NaN() : sum.sum / static_cast<float>(sum.count);
  }
}

void judge_block(Interplay& interplay, const Relations& relations, Lesson lesson) {
  interplay.surprise = 0;
  if (interplay.mode == Interplay::Mode::off || !is_full_window(interplay)) return;
  bool is_young = relations.blocks < learning_blocks;
  double e = 0;
  if (interplay.model.vae.speaks() && interplay.model.center.size() == interplay.newest.size()) {
    double u = distance_unit * distance(interplay);
    e = interplay.past.surprise(u, empirical);
    interplay.surprise = static_cast<float>(e);
    bool doubtful = lesson == Lesson::none || (lesson == Lesson::careful && (e > rare || (!is_young && e >= ordinary)));
    interplay.past.add(u, doubtful ? stats::Tail::quarter : stats::Tail::whole);
  }
  bool calm = e < ordinary && std::all_of(relations.surprise.begin(), relations.surprise.end(),
                                          [](float surprise) { return static_cast<double>(surprise) < ordinary; });
  bool teaches = lesson == Lesson::trusted || (lesson == Lesson::careful && (is_young || calm));
  if (!teaches || interplay.mode == Interplay::Mode::given) return;
  keep(interplay);
  if (interplay.mode == Interplay::Mode::learns && is_due(interplay.offered)) train(interplay);
}

std::vector<std::uint32_t> strangest(const Interplay& interplay, const Relations& relations, std::size_t most) {
  float others = *std::max_element(relations.surprise.begin(), relations.surprise.end());
  if (interplay.surprise <= others) return {};
  std::vector<std::uint32_t> series(interplay.shares.size());
  for (std::uint32_t s = 0; s < series.size(); ++s) series[s] = s;
  std::sort(series.begin(), series.end(), [&](std::uint32_t a, std::uint32_t b) {
    float of_a = interplay.shares[a];
    float of_b = interplay.shares[b];
    return of_a != of_b ? of_a > of_b : a < b;
  });
  series.resize(std::min(series.size(), most));
  return series;
}

bool is_whole(const Interplay& interplay) {
  std::size_t inputs = interplay.newest.size();
  std::size_t rows = std::min<std::uint64_t>(interplay.offered, Interplay::most_kept);
  bool fits = inputs % InterplayModel::window == 0 && inputs / InterplayModel::window <= InterplayModel::max_series &&
              interplay.kept.size() == rows * inputs &&
              (interplay.shares.empty() || interplay.shares.size() * InterplayModel::window == inputs);
  return fits && interplay.mode <= Interplay::Mode::gathers &&
         (interplay.model.center.empty() || interplay.model.is_whole());
}

}  // namespace mien::drift
