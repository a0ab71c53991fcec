#include "model/habits.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/codec.h"
#include "model/behavior.h"
#include "stats/correlations.h"

namespace mien::model {
namespace {

using stats::Correlations;
using stats::LogCode;
using stats::RelationView;

constexpr float largest_center = 1e30F;
constexpr float largest_spread = 1e18F;  // its square is a float

bool is_code(LogCode code) { return code.code <= LogCode::highest; }

bool is_whole(const PathHabit& path) {
  bool is_spread = (path.spread >= 0 && path.spread <= largest_spread) || path.spread == PathHabit::unknown;
  return is_spread && std::fabs(path.center) <= largest_center;  // NaN is not
}

bool is_whole(const FormHabit& form) {
  return form.shapes.size() <= FormHabit::most_shapes && form.uses.size() == form.shapes.size() &&
         is_code(form.variance) && is_code(form.usual_distance);
}

// One group: a part of each kind of it.
bool is_whole(const RelationHabits& relations, std::size_t group, std::size_t size) {
  const stats::CoarseView* views = &relations.views[group * RelationHabits::views_per_group];
  std::optional<RelationView> teaching;
  for (std::size_t v = 0; v < RelationHabits::views_per_group; ++v) {
    std::optional<RelationView> view = RelationView::from_coarse(views[v]);
    if (views[v].means.size() != size || !view) return false;
    if (v == RelationHabits::teaching_view) teaching = std::move(view);
  }
  return Correlations::from_coarse(relations.factors[group], *teaching).has_value();
}

bool is_whole(const RelationHabits& relations) {
  constexpr std::size_t per_group = RelationHabits::views_per_group;
  std::size_t paths = relations.paths.size();
  std::size_t groups = (paths + RelationView::max_size - 1) / RelationView::max_size;
  bool fits = paths <= RelationHabits::max_paths && relations.views.size() == groups * per_group &&
              relations.factors.size() == groups && relations.tails.size() == (paths == 0 ? 0 : per_group);
  if (!fits) return false;
  for (std::size_t g = 0; g < groups; ++g)
    if (!is_whole(relations, g, std::min(RelationView::max_size, paths - g * RelationView::max_size))) return false;
  return std::all_of(relations.paths.begin(), relations.paths.end(), [](const auto& path) { return is_whole(path); });
}

struct CoarseView5 {
  stats::CoarseView view;
  stats::CoarseFactor factor;
  static constexpr auto fields = std::tuple{field("view", &CoarseView5::view), field("factor", &CoarseView5::factor)};
};

}  // namespace

Habits restore_habits_5(Decoder& decoder) {
  Habits habits;
  std::vector<CoarseView5> views;
  decoder.get(habits.relations.blocks);
  decoder.get(habits.relations.paths);
  decoder.get(views);
  decoder.get(habits.relations.tails);
  decoder.get(habits.forms);
  for (std::size_t i = 0; i < views.size(); ++i) {
    habits.relations.views.push_back(std::move(views[i].view));
    if (i % RelationHabits::views_per_group == RelationHabits::teaching_view)
      habits.relations.factors.push_back(std::move(views[i].factor));
  }
  return habits;
}

bool is_whole(const Habits& habits) {
  return habits.forms.size() <= Behavior::max_series && is_whole(habits.relations) &&
         std::all_of(habits.forms.begin(), habits.forms.end(), [](const auto& form) { return is_whole(form); });
}

}  // namespace mien::model
