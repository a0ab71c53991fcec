// A small variational autoencoder (Kingma & Welling 2014) over one row of standardised values: which values go together
// where no straight line says so, as a ratio that is another one at each load. It learns from ordinary rows and judges
// by the negative evidence lower bound: how badly a row is told by a few hidden numbers, and how unusual those are.
//
// One hidden layer each way with x / (1 + |x|), a Gaussian in the middle, an own spread for every value that comes out
// (never below 0.1, as in relation_view.h). Values are clipped to 10, missing ones (NaN) count as ordinary and teach
// nothing of themselves. Trained by hand-written gradients (vae_test.cc holds them against finite differences) and Adam
// (Kingma & Ba 2015), in minibatches, until rows that were held out get no better.
//
// Deterministic: every number is a sum in an order that does not depend on how wide the machine is, with base/math.h
// for exp; the same rows and seed give the same bytes. Eigen stays inside vae.cc.
//
// Cost at d inputs, h hidden: judging 2 d h multiplications in floats, four to an instruction; an epoch about 8 d h for
// each row in doubles. Memory of a Vae 8 d h bytes; of a training four times that and the rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/fields.h"
#include "base/prng.h"

namespace mien::stats {

struct VaeShape {
  static constexpr std::uint32_t max_inputs = 2048;
  static constexpr std::uint32_t max_hidden = 64;
  static constexpr std::uint32_t max_latent = 16;
  std::uint32_t inputs = 0;
  std::uint32_t hidden = 0;
  std::uint32_t latent = 0;
  [[nodiscard]] bool is_sound() const {
    return inputs > 0 && inputs <= max_inputs && hidden > 0 && hidden <= max_hidden && latent > 0 &&
           latent <= max_latent;
  }
  [[nodiscard]] std::size_t parameters() const;
  friend bool operator==(const VaeShape&, const VaeShape&) = default;
  static constexpr auto fields = std::tuple{field("inputs", &VaeShape::inputs), field("hidden", &VaeShape::hidden),
                                            field("latent", &VaeShape::latent)};
};

class Vae {
 public:
  Vae() = default;
  // Of learned parameters, as many as the shape has; others give one that says nothing.
  Vae(const VaeShape& shape, std::vector<float> parameters);

  [[nodiscard]] bool speaks() const { return shape_.inputs > 0; }
  [[nodiscard]] const VaeShape& shape() const { return shape_; }
  // Twice the negative evidence lower bound beyond its constant part, over the number of known values, as a root: about
  // 1 for an ordinary row, never NaN. x.size() is shape().inputs. Where `shares` is as long it gets what each value
  // adds. Allocates nothing.
  [[nodiscard]] double distance(std::span<const float> x, std::span<float> shares = {}) const;
  // The parts fit each other and every number is one: what was read from outside is checked by this.
  [[nodiscard]] bool is_whole() const;
  friend bool operator==(const Vae&, const Vae&) = default;

 private:
  VaeShape shape_;
  std::vector<float> parameters_;

 public:
  static constexpr auto fields = std::tuple{field("shape", &Vae::shape_), field("parameters", &Vae::parameters_)};
};

// Training in steps of one epoch, so that whoever trains can do other things between, and stop at any of them.
class VaeTraining {
 public:
  struct Plan {
    VaeShape shape;
    std::uint64_t seed = 1;
    std::uint32_t epochs = 40;   // at most
    std::uint32_t patience = 4;  // epochs without a gain on the held-out rows, then it is over
    double rate = 3e-3;
    double hidden_weight = 1;  // of the divergence of the hidden numbers
  };
  // `rows` are row after row of shape.inputs values; of every 256 the last 32 are held out. With an unsound shape or
  // fewer than 64 rows it is over before it begins.
  VaeTraining(const Plan& plan, std::vector<float> rows);

  // One epoch. False when it is over.
  bool step();
  [[nodiscard]] std::uint32_t epochs() const { return epochs_; }
  [[nodiscard]] double held_out() const { return best_; }  // mean loss of the held-out rows at the best epoch
  // The best so far; one that says nothing if no epoch was any good.
  [[nodiscard]] Vae result() const;

 private:
  [[nodiscard]] std::span<const float> row(std::size_t index) const;
  void learn(std::span<const std::uint32_t> batch);
  [[nodiscard]] double held_out_loss();

  Plan plan_;
  std::vector<float> rows_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> held_;
  Prng random_;
  std::vector<double> parameters_;
  std::vector<double> gradient_;
  std::vector<double> slow_;    // Adam: mean of the gradients
  std::vector<double> square_;  // and of their squares
  std::vector<float> kept_;
  std::uint64_t steps_ = 0;
  std::uint32_t epochs_ = 0;
  std::uint32_t without_gain_ = 0;
  double best_ = 0;
};

// The loss of one row (negative evidence lower bound with its sample fixed by `noise`, latent numbers; without the
// constant), and its gradient added to `gradient` unless that is empty. For training and its test.
[[nodiscard]] double vae_loss(const VaeShape& shape, std::span<const double> parameters, std::span<const float> x,
                              std::span<const double> noise, double hidden_weight, std::span<double> gradient);

}  // namespace mien::stats
