#include "drift/habits.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "drift/relations.h"

namespace mien::drift {
namespace {

using model::FormHabit;
using model::RelationHabits;
using stats::LogCode;

static_assert(Relations::max_series == RelationHabits::max_paths);
static_assert(relation_views == RelationHabits::views_per_group && teaching_view == RelationHabits::teaching_view);
static_assert(Texture::lags == FormHabit::lags && Stretch::most_prototypes == FormHabit::most_shapes);
static_assert(std::is_same_v<Stretch::Shape, FormHabit::Shape>);

constexpr float texture_steps = 1024;
constexpr float past_steps = 8192;       // as pattern.cc keeps them
constexpr float variance_floor = 1e-4F;  // as pattern.cc divides by it
constexpr float not_begun = std::numeric_limits<float>::quiet_NaN();

std::int16_t to_steps(float x) {
  double steps = std::floor(static_cast<double>(x * texture_steps) + 0.5);
  return static_cast<std::int16_t>(stats::clip(steps, 32767));
}

float from_steps(std::int16_t steps) { return static_cast<float>(steps) / texture_steps; }

}  // namespace

RelationHabits habits_of(const Relations& relations) {
  RelationHabits habits;
  if (relations.paths.empty()) return habits;
  habits.blocks = relations.blocks;
  for (const SeriesPath& path : relations.paths) {
    if (!path.takes_part()) habits.paths.push_back({.center = 0, .spread = model::PathHabit::unknown});
    else habits.paths.push_back({.center = path.center, .spread = std::sqrt(path.variance)});
  }
  for (const stats::RelationView& view : relations.views) habits.views.push_back(view.coarse());
  for (const stats::Correlations& group : relations.correlations) habits.factors.push_back(group.coarse());
  habits.tails.assign(relations.tails.begin(), relations.tails.end());
  return habits;
}

void begin_with(Relations& relations, const RelationHabits& habits, std::size_t series) {
  forget(relations);
  if (habits.paths.empty() || habits.tails.size() != relation_views) return;
  relations.blocks = habits.blocks;
  for (const model::PathHabit& habit : habits.paths) {
    SeriesPath& path = relations.paths.emplace_back();
    if (habit.spread == model::PathHabit::unknown) continue;
    path = {.center = habit.center,
            .variance = habit.spread * habit.spread,
            .quick = not_begun,
            .age = SeriesPath::settled};
  }
  relations.sums.resize(relations.paths.size());
  for (const stats::CoarseView& coarse : habits.views)
    relations.views.push_back(stats::RelationView::from_coarse(coarse).value_or(stats::RelationView{}));
  for (std::size_t g = 0; g < habits.factors.size() && g * relation_views < relations.views.size(); ++g) {
    const stats::RelationView& teaching = relations.views[g * relation_views + teaching_view];
    relations.correlations.push_back(
        stats::Correlations::from_coarse(habits.factors[g], teaching).value_or(stats::Correlations{}));
  }
  std::copy(habits.tails.begin(), habits.tails.end(), relations.tails.begin());
  if (!is_whole(relations)) return forget(relations);
  grow(relations, series);
}

FormHabit habit_of(const Pattern& pattern) {
  const Texture& texture = pattern.texture;
  const Stretch& stretch = pattern.stretch;
  FormHabit habit{.blocks = texture.blocks,
                  .mean = to_steps(texture.mean),
                  .variance = LogCode::of(static_cast<double>(texture.variance)),
                  .stretches = stretch.seen,
                  .usual_distance = LogCode::of(static_cast<double>(stretch.usual_distance)),
                  .shapes = {stretch.prototypes.begin(), stretch.prototypes.begin() + stretch.known},
                  .uses = {stretch.uses.begin(), stretch.uses.begin() + stretch.known},
                  .tails = pattern.tails};
  for (std::size_t i = 0; i < Texture::lags; ++i) {
    habit.usual[i] = to_steps(texture.usual[i]);
    habit.deviation[i] = to_steps(texture.deviation[i]);
  }
  return habit;
}

void begin_with(Pattern& pattern, const FormHabit& habit) {
  if (habit.blocks == 0) return;
  Texture& texture = pattern.texture;
  texture.mean = from_steps(habit.mean);
  texture.variance = static_cast<float>(habit.variance.value());
  for (std::size_t i = 0; i < Texture::lags; ++i) {
    texture.usual[i] = from_steps(habit.usual[i]);
    texture.deviation[i] = from_steps(habit.deviation[i]);
    texture.product[i] = texture.usual[i] * (texture.variance + variance_floor);  // of late it was as usual
  }
  texture.past.fill(static_cast<std::int16_t>(stats::clip(static_cast<double>(texture.mean * past_steps), 32767)));
  texture.blocks = habit.blocks;
  pattern.stretch = {.known = static_cast<std::uint8_t>(std::min(habit.shapes.size(), Stretch::most_prototypes)),
                     .usual_distance = static_cast<float>(habit.usual_distance.value()),
                     .seen = habit.stretches};
  std::copy_n(habit.shapes.begin(), pattern.stretch.known, pattern.stretch.prototypes.begin());
  std::copy_n(habit.uses.begin(), pattern.stretch.known, pattern.stretch.uses.begin());
  pattern.tails = habit.tails;
  for (std::size_t i = 0; i < pattern.tails.size(); ++i) pattern.marks[i] = pattern.tails[i].summarise();
  pattern.unsummarised = 0;
}

model::Habits Watch::habits() const {
  model::Habits habits{.relations = habits_of(state_->relations), .forms = {}};
  if (!model::is_whole(habits)) habits = {};  // values at the edge of what a float holds: learned anew
  for (const Pattern& pattern : state_->patterns) habits.forms.push_back(habit_of(pattern));
  return habits;
}

void Watch::begin_with(const model::Habits& habits) {
  if (!model::is_whole(habits)) return;
  state_->resize(std::max(state_->series.size(), habits.forms.size()));
  drift::begin_with(state_->relations, habits.relations, state_->series.size());
  for (std::size_t i = 0; i < habits.forms.size(); ++i) drift::begin_with(state_->patterns[i], habits.forms[i]);
}

}  // namespace mien::drift
