#include "drift/relations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace mien::drift {
namespace {

using stats::Correlations;
using stats::RelationView;
using stats::warm_rate;

constexpr std::uint64_t learning_blocks = 1000;
constexpr double learning_rate = 1e-4;  // weight of a block, at least
constexpr double settled_rate = 5e-6;   // of center and variance afterwards
constexpr double ordinary = 1.69897;    // -log10 0.02
constexpr double rare = 4;              // teaches the past of distances with weight 1/4
constexpr double quick_rate = 0.3;
constexpr double steady_rate = 0.05;
constexpr double restless_rate = 0.1;
constexpr double distance_unit = 8;  // an ordinary distance lies in the middle of a tail's bins
constexpr double empirical = 0.5;    // weight of the empirical tail
constexpr double largest = 1e6;      // of a standardised value

std::size_t groups_of(std::size_t series) { return (series + RelationView::max_size - 1) / RelationView::max_size; }

// Who came later goes by its own age, and its first block is a place. Of who was there from the first block, that one's
// distance from 0 counts as a deviation (docs/adr/0048 says what taking it away would do).
void learn_place(SeriesPath& path, double mean, double weight) {
  bool came_later = path.age < SeriesPath::settled;
  if (came_later) weight = warm_rate(path.age++, learning_rate);
  double deviation = mean - static_cast<double>(path.center);
  double squared = (came_later ? 1 - weight : 1) * deviation * deviation;
  path.center += static_cast<float>(weight * deviation);
  path.variance += static_cast<float>(weight * (squared - static_cast<double>(path.variance)));
}

// What each view sees of a series, in the order of RelationViewOf.
std::array<float, relation_views> values_of(const SeriesPath& path) {
  return {path.quick, path.steady, path.restlessness, path.now, path.change};
}

float value_of(const SeriesPath& path, std::size_t view) {
  return path.takes_part() ? values_of(path)[view] : std::numeric_limits<float>::quiet_NaN();
}

double standardise(const SeriesPath& path, double mean) {
  double floor = 1e-9 + 1e-6 * std::fabs(static_cast<double>(path.center));
  double spread = std::max(std::sqrt(static_cast<double>(path.variance)), floor);
  return stats::clip((mean - static_cast<double>(path.center)) / spread, largest);
}

// Of the group that a series is in, one of each kind.
RelationView* views_of(Relations& relations, std::size_t s) {
  return &relations.views[s / RelationView::max_size * relation_views];
}

// The first block of a path that comes from a revision. What its means were before is not known, but what they are
// usually, and how far `quick` goes along with a value: var(change) = var(now) + var(quick) - 2 cov(now, quick before).
void begin_path(Relations& relations, std::size_t s, double mean) {
  const RelationView* views = views_of(relations, s);
  auto usual = [&](RelationViewOf view) { return views[view].mean(s % RelationView::max_size); };
  auto variance = [&](RelationViewOf view) {
    return static_cast<double>(views[view].variance(s % RelationView::max_size));
  };
  double along = (variance(of_now) + variance(of_quick) - variance(of_change)) / (2 * std::max(variance(of_now), 1e-6));
  SeriesPath& path = relations.paths[s];
  double away = standardise(path, mean) - static_cast<double>(usual(of_now));
  path.quick = usual(of_quick) + static_cast<float>(std::clamp(along, 0.0, 1.0) * away);
  path.steady = usual(of_steady);
  path.restlessness = usual(of_restlessness);
}

// Standardises the block's mean and moves the three means of it.
void walk(SeriesPath& path, double mean, std::uint64_t blocks) {
  double z = standardise(path, mean);
  double before = path.quick;
  path.now = static_cast<float>(z);
  path.change = static_cast<float>(z - before);
  path.quick += static_cast<float>(warm_rate(blocks, quick_rate) * (z - static_cast<double>(path.quick)));
  path.steady += static_cast<float>(warm_rate(blocks, steady_rate) * (z - static_cast<double>(path.steady)));
  double restless = std::fabs(z - before) - static_cast<double>(path.restlessness);
  path.restlessness += static_cast<float>(warm_rate(blocks, restless_rate) * restless);
}

// A block of a series that the others were learned without: first where its block means lie, then where its means of
// them do in each view. A value that nobody knows would be stranger than anything for weeks.
void walk_alone(Relations& relations, std::size_t s, double mean, double place_weight) {
  constexpr std::uint32_t place_known = 20;  // blocks
  SeriesPath& path = relations.paths[s];
  std::uint32_t age = path.age;
  bool teaches = place_weight > 0;
  if (teaches) learn_place(path, mean, place_weight);
  if (age < place_known) return;
  walk(path, mean, age - place_known);
  std::array<float, relation_views> values = values_of(path);
  RelationView* views = views_of(relations, s);
  for (std::size_t v = 0; teaches && v < relation_views; ++v)
    views[v].learn_alone(s % RelationView::max_size, values[v], warm_rate(age - place_known, learning_rate));
}

// One value per series; of as many as there may be, so that nothing is allocated.
struct Vectors {
  std::array<std::array<float, Relations::max_series>, relation_views> of;
};

// One vector per view over all series; NaN where the block has nothing, or nothing that may be compared.
void take_vectors(Relations& relations, double place_weight, Vectors& vectors) {
  for (std::size_t s = 0; s < relations.paths.size(); ++s) {
    for (auto& vector : vectors.of) vector[s] = std::numeric_limits<float>::quiet_NaN();
    SeriesPath& path = relations.paths[s];
    BlockSum& sum = relations.sums[s];
    if (sum.count == 0) continue;
    double mean = static_cast<double>(sum.sum) / sum.count;
    sum = {};
    if (path.age == SeriesPath::unseen) path.age = relations.blocks == 0 ? SeriesPath::settled : 0;
    if (!path.takes_part()) {
      walk_alone(relations, s, mean, place_weight);
      continue;
    }
    if (std::isnan(path.quick)) begin_path(relations, s, mean);
    if (place_weight > 0) learn_place(path, mean, place_weight);
    walk(path, mean, relations.blocks);
    std::array<float, relation_views> values = values_of(path);
    for (std::size_t v = 0; v < relation_views; ++v) vectors.of[v][s] = values[v];
  }
}

// What the views see of every series in one block, and that standardised by group.
struct Seen {
  Vectors values;
  std::array<std::array<RelationView::Vector, Relations::max_groups>, relation_views> standard;

  [[nodiscard]] std::span<const float> part(std::size_t view, std::size_t group, std::size_t size) const {
    return std::span<const float>(values.of[view]).subspan(group * RelationView::max_size, size);
  }
};

// What judging a group will read.
void fetch_group(const Relations& relations, std::size_t group) {
  if (group >= relations.correlations.size()) return;
  relations.correlations[group].fetch();
  for (std::size_t v = 0; v < relation_views; ++v) relations.views[group * relation_views + v].fetch();
}

// Of each view the root mean square of the groups' distances, by how many series each has. Group by group, so that what
// moves with what is read once for all views; that of the next group is fetched meanwhile.
std::array<double, relation_views> distances(const Relations& relations, Seen& seen) {
  std::array<double, relation_views> squared{};
  for (std::size_t g = 0; g < relations.correlations.size(); ++g) {
    const Correlations& model = relations.correlations[g];
    fetch_group(relations, g + 1);
    std::span<const float> values = seen.part(teaching_view, g, model.size());  // who is missing is so in all views
    auto known = std::count_if(values.begin(), values.end(), [](float value) { return !std::isnan(value); });
    for (std::size_t v = 0; v < relation_views; ++v) {
      RelationView::Vector& q = seen.standard[v][g];
      q = relations.views[g * relation_views + v].standardise(seen.part(v, g, model.size()));
      if (known > 0)
        squared[v] += model.squared_distance(q) / static_cast<double>(known) * static_cast<double>(model.size());
    }
  }
  for (double& one : squared) one = std::sqrt(one / static_cast<double>(relations.paths.size()));
  return squared;
}

// One view learns of the block, and of the values themselves what moves with what.
void teach(Relations& relations, std::size_t view, const Seen& seen) {
  for (std::size_t g = 0; g < relations.correlations.size(); ++g) {
    Correlations& model = relations.correlations[g];
    relations.views[g * relation_views + view].learn(seen.part(view, g, model.size()), learning_rate);
    if (view == teaching_view) model.learn(seen.standard[view][g], learning_rate);
  }
}

// How much a block moves center and variance of each series: a plain mean at first and over known history, then so
// little that an incident can not widen what is ordinary.
double place_weight(const Relations& relations, Lesson lesson) {
  bool young = relations.blocks < learning_blocks;
  bool calm = std::all_of(relations.surprise.begin(), relations.surprise.end(),
                          [](float surprise) { return static_cast<double>(surprise) < ordinary; });
  if (lesson == Lesson::none || (lesson == Lesson::careful && !young && !calm)) return 0;
  return lesson == Lesson::trusted || young ? warm_rate(relations.blocks, learning_rate) : settled_rate;
}

}  // namespace

void grow(Relations& relations, std::size_t series) {
  series = std::min(series, Relations::max_series);
  if (series <= relations.paths.size()) return;
  relations.paths.resize(series);
  relations.sums.resize(series);
  std::size_t groups = groups_of(series);
  relations.views.resize(groups * relation_views);
  relations.correlations.resize(groups);
  for (std::size_t g = 0; g < groups; ++g) {
    std::size_t size = std::min(RelationView::max_size, series - g * RelationView::max_size);
    relations.correlations[g].grow(size);
    for (std::size_t v = 0; v < relation_views; ++v) relations.views[g * relation_views + v].grow(size);
  }
}

void judge_block(Relations& relations, Lesson lesson) {
  bool young = relations.blocks < learning_blocks;
  if (relations.paths.empty()) {
    ++relations.blocks;
    return;
  }
  Seen seen;
  fetch_group(relations, 0);
  take_vectors(relations, place_weight(relations, lesson), seen.values);
  std::array<double, relation_views> away = distances(relations, seen);
  for (std::size_t v = 0; v < relation_views; ++v) {
    double u = distance_unit * away[v];
    double e = relations.tails[v].surprise(u, empirical);
    relations.surprise[v] = static_cast<float>(e);
    // What is odd is learned slowly: short events that return would soon pass for ordinary.
    bool doubtful = lesson == Lesson::none || (lesson == Lesson::careful && (e > rare || (!young && e >= ordinary)));
    if (relations.blocks >= stats::RobustLocation::warm_up)
      relations.tails[v].add(u, doubtful ? stats::Tail::quarter : stats::Tail::whole);
    if (lesson == Lesson::trusted || (lesson == Lesson::careful && (young || e < ordinary))) teach(relations, v, seen);
  }
  ++relations.blocks;
}

double squared_surprise(const Relations& relations) {
  double squared = 0;
  for (float surprise : relations.surprise) squared += static_cast<double>(surprise) * static_cast<double>(surprise);
  return squared;
}

std::vector<std::uint32_t> strangest(const Relations& relations, std::size_t most) {
  std::size_t view = static_cast<std::size_t>(std::max_element(relations.surprise.begin(), relations.surprise.end()) -
                                              relations.surprise.begin());
  std::vector<std::pair<double, std::uint32_t>> shares;
  for (std::size_t g = 0; g < relations.correlations.size(); ++g) {
    const RelationView& places = relations.views[g * relation_views + view];
    std::vector<float> vector;
    for (std::size_t i = 0; i < places.size(); ++i)
      vector.push_back(value_of(relations.paths[g * RelationView::max_size + i], view));
    std::vector<double> share = relations.correlations[g].shares(places.standardise(vector));
    for (std::size_t i = 0; i < share.size(); ++i)
      shares.emplace_back(share[i], static_cast<std::uint32_t>(g * RelationView::max_size + i));
  }
  std::sort(shares.begin(), shares.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::vector<std::uint32_t> series;
  for (std::size_t i = 0; i < shares.size() && i < most && shares[i].first > 0; ++i) series.push_back(shares[i].second);
  return series;
}

void forget(Relations& relations) { relations = {}; }

bool is_whole(const Relations& relations) {
  if (relations.paths.size() > Relations::max_series || relations.sums.size() != relations.paths.size()) return false;
  std::size_t groups = groups_of(relations.paths.size());
  if (relations.views.size() != groups * relation_views || relations.correlations.size() != groups) return false;
  for (std::size_t g = 0; g < groups; ++g) {
    std::size_t size = std::min(RelationView::max_size, relations.paths.size() - g * RelationView::max_size);
    auto fits = [&](const auto& part) { return part.is_whole() && part.size() == size; };
    const RelationView* views = &relations.views[g * relation_views];
    if (!fits(relations.correlations[g]) || !std::all_of(views, views + relation_views, fits)) return false;
  }
  return true;
}

}  // namespace mien::drift
