#include "stats/vae.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <eigen3/Eigen/Core>

#include "base/math.h"

// The inner loops are vectors; g++ makes them so at -O3 only. Element by element, so the bytes are the same.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

namespace mien::stats {
namespace {

constexpr float largest = 10;         // of a value
constexpr double least_log = -4.605;  // of a variance that comes out: a spread of 0.1
constexpr double most_log = 6;
constexpr double latent_log = 8;  // of a variance in the middle, either way
constexpr std::size_t batch_size = 32;
constexpr std::size_t stretch = 256;  // rows, of which the last are held out
constexpr std::size_t held_from = 224;
constexpr std::size_t least_rows = 64;
constexpr double longest_step = 5;  // of a gradient's length for each row

template <class S>
using Column = Eigen::Matrix<S, Eigen::Dynamic, 1>;
template <class S>
using Part = Eigen::Map<Column<S>>;

// Where each part of the parameters begins. Matrices are kept by columns: one column for what comes in, so that a
// product is a sum of columns in their order.
struct Places {
  std::size_t in, in_offset, middle, middle_offset, out, out_offset, back, back_offset, spread, end;
  explicit Places(const VaeShape& s) {
    std::size_t d = s.inputs;
    std::size_t h = s.hidden;
    std::size_t l = s.latent;
    in = 0;
    in_offset = in + d * h;
    middle = in_offset + h;
    middle_offset = middle + h * 2 * l;  // means, then logarithms of variances
    out = middle_offset + 2 * l;
    out_offset = out + l * h;
    back = out_offset + h;
    back_offset = back + h * d;
    spread = back_offset + d;
    end = spread + d;
  }
};

template <class S>
Eigen::Map<const Column<S>> part(std::span<const S> parameters, std::size_t from, std::size_t size) {
  return {parameters.data() + from, static_cast<Eigen::Index>(size)};
}

// offset + matrix * x, column after column.
template <class S, class Out>
void product(std::span<const S> parameters, std::size_t matrix, std::size_t offset, const S* x, std::size_t columns,
             Out& out) {
  auto size = static_cast<std::size_t>(out.size());
  out = part(parameters, offset, size);
  for (std::size_t j = 0; j < columns; ++j) out += part(parameters, matrix + j * size, size) * x[j];
}

template <class Values>
void bend(Values& values) {
  values = values.cwiseQuotient((values.cwiseAbs().array() + 1).matrix()).eval();
}

// Four sums in a fixed order, whatever the machine.
double dot(const double* a, const double* b, std::size_t size) {
  std::array<double, 4> sums{};
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (; i < size; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// One value as it is seen; missing is 0.
float seen(float x) { return x == x ? std::clamp(x, -largest, largest) : 0; }

template <class S>
using Hidden = Eigen::Matrix<S, Eigen::Dynamic, 1, 0, VaeShape::max_hidden, 1>;
template <class S>
using Middle = Eigen::Matrix<S, Eigen::Dynamic, 1, 0, 2 * VaeShape::max_latent, 1>;
template <class S>
using Row = Eigen::Matrix<S, Eigen::Dynamic, 1, 0, VaeShape::max_inputs, 1>;

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

// Adds to the gradient of matrix and offset what comes back through a product, and gives what goes on back to x.
void back_through(std::span<const double> parameters, std::span<double> gradient, std::size_t matrix,
                  std::size_t offset, const double* x, std::size_t columns, const double* delta, std::size_t size,
                  double* before) {
  Eigen::Map<const Column<double>> d(delta, index(size));
  Part<double>(gradient.data() + offset, index(size)) += d;
  for (std::size_t j = 0; j < columns; ++j) {
    Part<double>(gradient.data() + matrix + j * size, index(size)) += d * x[j];
    if (before != nullptr) before[j] = dot(parameters.data() + matrix + j * size, delta, size);
  }
}

}  // namespace

std::size_t VaeShape::parameters() const { return Places(*this).end; }

Vae::Vae(const VaeShape& shape, std::vector<float> parameters) : shape_(shape), parameters_(std::move(parameters)) {
  if (!is_whole()) *this = Vae();
}

bool Vae::is_whole() const {
  if (shape_ == VaeShape{}) return parameters_.empty();
  return shape_.is_sound() && parameters_.size() == shape_.parameters() &&
         std::all_of(parameters_.begin(), parameters_.end(), [](float p) { return std::fabs(p) < 1e6F; });
}

double Vae::distance(std::span<const float> x, std::span<float> shares) const {
  if (!speaks() || x.size() != shape_.inputs) return 0;
  Places at(shape_);
  std::span<const float> p(parameters_);
  Row<float> values(index(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) values[index(i)] = seen(x[i]);
  Hidden<float> first(index(shape_.hidden));
  product(p, at.in, at.in_offset, values.data(), shape_.inputs, first);
  bend(first);
  Middle<float> middle(index(std::size_t{2} * shape_.latent));
  product(p, at.middle, at.middle_offset, first.data(), shape_.hidden, middle);
  Hidden<float> second(index(shape_.hidden));
  product(p, at.out, at.out_offset, middle.data(), shape_.latent, second);
  bend(second);
  Row<float> told(index(x.size()));
  product(p, at.back, at.back_offset, second.data(), shape_.hidden, told);

  double sum = 0;
  std::size_t known = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    bool is_known = x[i] == x[i];
    auto off = is_known ? static_cast<double>(values[index(i)] - told[index(i)]) : 0.0;
    double share = off * off * math::exp(-static_cast<double>(p[at.spread + i]));
    if (shares.size() == x.size()) shares[i] = static_cast<float>(share);
    sum += share;
    known += is_known ? 1 : 0;
  }
  if (known == 0) return 0;
  for (std::size_t l = 0; l < shape_.latent; ++l) {
    auto mean = static_cast<double>(middle[index(l)]);
    double log = std::clamp(static_cast<double>(middle[index(shape_.latent + l)]), -latent_log, latent_log);
    sum += mean * mean + math::exp(log) - 1 - log;
  }
  return std::sqrt(std::max(sum, 0.0) / static_cast<double>(known));
}

double vae_loss(const VaeShape& shape, std::span<const double> parameters, std::span<const float> x,
                std::span<const double> noise, double hidden_weight, std::span<double> gradient) {
  Places at(shape);
  std::size_t d = shape.inputs;
  std::size_t h = shape.hidden;
  std::size_t l = shape.latent;
  Row<double> values(index(d));
  for (std::size_t i = 0; i < d; ++i) values[index(i)] = static_cast<double>(seen(x[i]));
  Hidden<double> first(index(h));
  product(parameters, at.in, at.in_offset, values.data(), d, first);
  bend(first);
  Middle<double> middle(index(2 * l));
  product(parameters, at.middle, at.middle_offset, first.data(), h, middle);
  Middle<double> drawn(index(l));
  Middle<double> spread(index(l));
  double loss = 0;
  for (std::size_t k = 0; k < l; ++k) {
    double log = std::clamp(middle[index(l + k)], -latent_log, latent_log);
    spread[index(k)] = math::exp(0.5 * log);
    drawn[index(k)] = middle[index(k)] + spread[index(k)] * noise[k];
    double variance = spread[index(k)] * spread[index(k)];
    loss += 0.5 * hidden_weight * (middle[index(k)] * middle[index(k)] + variance - 1 - log);
  }
  Hidden<double> second(index(h));
  product(parameters, at.out, at.out_offset, drawn.data(), l, second);
  bend(second);
  Row<double> told(index(d));
  product(parameters, at.back, at.back_offset, second.data(), h, told);

  Row<double> delta(index(d));
  for (std::size_t i = 0; i < d; ++i) {
    bool known = x[i] == x[i];
    double log = parameters[at.spread + i];
    double weight = known ? math::exp(-log) : 0;
    double off = values[index(i)] - told[index(i)];
    loss += 0.5 * (off * off * weight + (known ? log : 0));
    delta[index(i)] = -off * weight;
    if (!gradient.empty() && known) gradient[at.spread + i] += 0.5 * (1 - off * off * weight);
  }
  if (gradient.empty()) return loss;

  Hidden<double> back(index(h));
  auto unbend = [&](const Hidden<double>& bent) {  // the slope of x / (1 + |x|) is (1 - |it|)^2
    back = back.cwiseProduct((1 - bent.cwiseAbs().array()).square().matrix()).eval();
  };
  back_through(parameters, gradient, at.back, at.back_offset, second.data(), h, delta.data(), d, back.data());
  unbend(second);
  Middle<double> to_drawn(index(l));
  back_through(parameters, gradient, at.out, at.out_offset, drawn.data(), l, back.data(), h, to_drawn.data());
  Middle<double> to_middle(index(2 * l));
  for (std::size_t k = 0; k < l; ++k) {
    bool bounded = std::fabs(middle[index(l + k)]) > latent_log;
    double variance = spread[index(k)] * spread[index(k)];
    to_middle[index(k)] = to_drawn[index(k)] + hidden_weight * middle[index(k)];
    to_middle[index(l + k)] =
        bounded ? 0 : 0.5 * to_drawn[index(k)] * noise[k] * spread[index(k)] + 0.5 * hidden_weight * (variance - 1);
  }
  back_through(parameters, gradient, at.middle, at.middle_offset, first.data(), h, to_middle.data(), 2 * l,
               back.data());
  unbend(first);
  back_through(parameters, gradient, at.in, at.in_offset, values.data(), d, back.data(), h, nullptr);
  return loss;
}

VaeTraining::VaeTraining(const Plan& plan, std::vector<float> rows)
    : plan_(plan), rows_(std::move(rows)), random_(plan.seed) {
  std::size_t count = plan_.shape.is_sound() ? rows_.size() / plan_.shape.inputs : 0;
  if (count < least_rows) {
    plan_.epochs = 0;
    return;
  }
  // A history shorter than a stretch holds out its last eighth.
  std::size_t long_enough = std::min(stretch, count);
  std::size_t from = count < stretch ? count - count / 8 : held_from;
  for (std::size_t i = 0; i < count; ++i)
    (i % long_enough < from ? order_ : held_).push_back(static_cast<std::uint32_t>(i));
  Places at(plan_.shape);
  parameters_.assign(at.end, 0);
  auto draw = [&](std::size_t start, std::size_t columns, std::size_t size) {
    double width = std::sqrt(1 / static_cast<double>(columns));
    for (std::size_t i = 0; i < columns * size; ++i) parameters_[start + i] = width * random_.normal();
  };
  draw(at.in, plan_.shape.inputs, plan_.shape.hidden);
  draw(at.middle, plan_.shape.hidden, 2UL * plan_.shape.latent);
  draw(at.out, plan_.shape.latent, plan_.shape.hidden);
  draw(at.back, plan_.shape.hidden, plan_.shape.inputs);
  gradient_.assign(at.end, 0);
  slow_.assign(at.end, 0);
  square_.assign(at.end, 0);
}

std::span<const float> VaeTraining::row(std::size_t index) const {
  return std::span<const float>(rows_).subspan(index * plan_.shape.inputs, plan_.shape.inputs);
}

void VaeTraining::learn(std::span<const std::uint32_t> batch) {
  std::fill(gradient_.begin(), gradient_.end(), 0.0);
  std::array<double, VaeShape::max_latent> noise{};
  for (std::uint32_t r : batch) {
    for (std::size_t l = 0; l < plan_.shape.latent; ++l) noise[l] = random_.normal();
    static_cast<void>(vae_loss(plan_.shape, parameters_, row(r), noise, plan_.hidden_weight, gradient_));
  }
  double length = std::sqrt(dot(gradient_.data(), gradient_.data(), gradient_.size()));
  if (!(length < 1e12)) return;  // nothing is learned from what is no number
  auto size = static_cast<double>(batch.size());
  double scale = 1 / std::max(size, length / longest_step);
  constexpr double slow = 0.9;
  constexpr double slower = 0.999;
  ++steps_;
  double warm = 1 - math::pow(slow, static_cast<double>(steps_));
  double warmer = 1 - math::pow(slower, static_cast<double>(steps_));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    double g = gradient_[i] * scale;
    slow_[i] += (1 - slow) * (g - slow_[i]);
    square_[i] += (1 - slower) * (g * g - square_[i]);
    parameters_[i] -= plan_.rate * (slow_[i] / warm) / (std::sqrt(square_[i] / warmer) + 1e-8);
  }
  Places at(plan_.shape);
  for (std::size_t i = at.spread; i < at.end; ++i) parameters_[i] = std::clamp(parameters_[i], least_log, most_log);
}

double VaeTraining::held_out_loss() {
  std::array<double, VaeShape::max_latent> noise{};  // at the middle of the draw: the loss does not depend on luck
  double sum = 0;
  for (std::uint32_t r : held_) sum += vae_loss(plan_.shape, parameters_, row(r), noise, plan_.hidden_weight, {});
  return sum / static_cast<double>(held_.size());
}

bool VaeTraining::step() {
  if (epochs_ >= plan_.epochs || without_gain_ >= plan_.patience) return false;
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random_.below(i)]);
  for (std::size_t from = 0; from < order_.size(); from += batch_size)
    learn(std::span<const std::uint32_t>(order_).subspan(from, std::min(batch_size, order_.size() - from)));
  double loss = held_out_loss();
  bool better = loss == loss && (kept_.empty() || loss < best_ - 1e-3 * std::fabs(best_));
  if (better) {
    best_ = loss;
    kept_.assign(parameters_.size(), 0);
    for (std::size_t i = 0; i < kept_.size(); ++i) kept_[i] = static_cast<float>(parameters_[i]);
  }
  without_gain_ = better ? 0 : without_gain_ + 1;
  return ++epochs_ < plan_.epochs && without_gain_ < plan_.patience;
}

Vae VaeTraining::result() const { return kept_.empty() ? Vae() : Vae(plan_.shape, kept_); }

}  // namespace mien::stats
