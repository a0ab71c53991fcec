// One view and what moves with what in it, learned together: what drift/relations.cc does with the first of five.
#pragma once

#include <cmath>

#include "base/fields.h"
#include "stats/correlations.h"

namespace mien::stats {

struct Group {
  RelationView view;
  Correlations correlations;

  void grow(std::size_t size) {
    view.grow(size);
    correlations.grow(size);
  }
  void learn(std::span<const float> x, double rate) {
    RelationView::Vector q = view.standardise(x);
    view.learn(x, rate);
    correlations.learn(q, rate);
  }
  // About 1 for an ordinary vector; by how many of its values are known.
  [[nodiscard]] double distance(std::span<const float> x) const {
    double known = 0;
    for (float value : x) known += std::isnan(value) ? 0 : 1;
    return known > 0 ? std::sqrt(correlations.squared_distance(view.standardise(x)) / known) : 0;
  }
  [[nodiscard]] std::vector<double> shares(std::span<const float> x) const {
    return correlations.shares(view.standardise(x));
  }
  [[nodiscard]] bool is_whole() const { return view.is_whole() && correlations.is_whole(); }

  friend bool operator==(const Group&, const Group&) = default;
  static constexpr auto fields = std::tuple{field("view", &Group::view), field("correlations", &Group::correlations)};
};

}  // namespace mien::stats
