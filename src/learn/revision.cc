// Revisions: when one is due, how it is made, read back and compared.
#include <algorithm>
#include <cmath>

#include "base/codec.h"
#include "learn/learn.h"
#include "learn/packed.h"
#include "learn/pool_prior.h"

namespace mien::learn {
namespace {

using model::Behavior;
using model::PersonaRevision;

constexpr std::size_t counted_series = 200;
constexpr std::size_t counted_size = 64 * 1024;  // of the first 200 series; 512 B for each beyond
constexpr std::size_t size_beyond = 512;
constexpr double due_after = 86400;  // seconds
constexpr double settle = 3600;      // seconds between revisions, at least
constexpr double due_bits = 1;
constexpr double most_bits = 8;  // that one series adds to the mean

// How far two robust locations are apart, in bits: the divergence of one normal from the other, both ways averaged.
double divergence_bits(const PackedPlace& a, const PackedPlace& b) {
  constexpr double deviation_per_scale = 1.2533141373155003;  // normal: standard deviation over mean absolute deviation
  auto width = [](const PackedPlace& place) {
    return static_cast<double>(place.scale) * deviation_per_scale +
           1e-6 * std::fabs(static_cast<double>(place.location)) + 1e-9;
  };
  double distance = static_cast<double>(a.location) - static_cast<double>(b.location);
  double wa = width(a) * width(a);
  double wb = width(b) * width(b);
  double d2 = distance * distance;
  return std::max(0.0, 0.25 * ((wa + d2) / wb + (wb + d2) / wa) - 0.5) * 1.4426950408889634;
}

// Over the series that both know.
class MeanBits {
 public:
  void add(const PackedPlace& a, const PackedPlace& b) {
    if (a.samples == 0 || b.samples == 0) return;
    sum_ += std::min(most_bits, divergence_bits(a, b));
    ++count_;
  }
  [[nodiscard]] double value() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  std::size_t count_ = 0;
};

double mean_bits(const Behavior& behavior, const std::vector<PackedPlace>& places) {
  MeanBits mean;
  for (std::size_t i = 0; i < behavior.series.size() && i < places.size(); ++i) {
    const stats::RobustLocation& anchor = behavior.series[i].anchor;
    mean.add({.location = static_cast<float>(anchor.location), .scale = anchor.scale, .samples = anchor.n}, places[i]);
  }
  return mean.value();
}

// What is known of security comes beside it: at most 256 objects of a kind, of some 60 B.
std::size_t allowed_size(const Behavior& behavior, std::size_t series) {
  return encode(behavior.security).size() + counted_size +
         (series > counted_series ? (series - counted_series) * size_beyond : 0);
}

// Too large (long names, rich tails): what gives way, step by step. First the forms of the series declared last, which
// are learned again within hours and find the least; then the relations, all of them, because the past of their
// distances is of all; last the seasons of the series declared last, which take weeks.
constexpr std::size_t together = 16;  // series a step

std::size_t steps_of(std::size_t series) { return (series + together - 1) / together; }

std::size_t most_given_up(std::size_t series) { return 2 * steps_of(series) + 1; }

Kept kept_after(std::size_t given_up, std::size_t series) {
  auto left = [series](std::size_t steps) { return series - std::min(series, steps * together); };
  std::size_t forms = std::min(given_up, steps_of(series));
  std::size_t seasons = given_up > forms + 1 ? given_up - forms - 1 : 0;
  return {.seasons = left(seasons), .forms = left(forms), .relations = given_up == forms};
}

}  // namespace

bool revision_due(const Behavior& behavior, const std::optional<PersonaRevision>& newest, WallTime now) {
  model::LearningState state = state_of(behavior, now);
  if (state != model::LearningState::ready) return false;
  if (!newest) return true;
  if (behavior.samples <= newest->samples) return false;
  double age = to_seconds(now - newest->created_at);
  if (age >= due_after) return true;
  return age >= settle && mean_bits(behavior, places_of(newest->behavior)) > due_bits;
}

PersonaRevision make_revision(const Behavior& behavior, const std::vector<model::Series>& series, WallTime now,
                              const model::Habits& habits) {
  PersonaRevision revision;
  revision.created_at = now;
  revision.samples = behavior.samples;
  revision.series.assign(series.begin(),
                         series.begin() + static_cast<std::ptrdiff_t>(std::min(series.size(), behavior.series.size())));
  std::size_t allowed = allowed_size(behavior, revision.series.size());
  auto fits = [&](std::size_t given_up) {
    revision.behavior = pack(behavior, habits, kept_after(given_up, behavior.series.size()));
    return encode(revision).size() <= allowed;
  };
  if (fits(0)) return revision;
  std::size_t too_large = 0;
  std::size_t enough = most_given_up(behavior.series.size());
  while (enough - too_large > 1) {
    std::size_t middle = too_large + (enough - too_large) / 2;
    (fits(middle) ? enough : too_large) = middle;
  }
  (void)fits(enough);
  return revision;
}

Behavior behavior_of(const PersonaRevision& revision) {
  Result<Unpacked> unpacked = unpack(revision.behavior);
  // The ledger refuses damaged rows before they get here; what still can not be read is learned anew.
  return unpacked ? std::move(unpacked->behavior) : Behavior{};
}

model::Habits habits_of(const PersonaRevision& revision) {
  Result<Unpacked> unpacked = unpack(revision.behavior);
  return unpacked ? std::move(unpacked->habits) : model::Habits{};
}

bool prior_may_be_due(const std::optional<PersonaRevision>& newest, WallTime now) {
  return !newest || to_seconds(now - newest->created_at) >= settle;
}

bool prior_due(const PersonaRevision& fresh, const std::optional<PersonaRevision>& newest) {
  std::vector<PackedPlace> places = places_of(fresh.behavior);
  auto knows = [](const PackedPlace& place) { return place.samples > 0; };
  if (std::none_of(places.begin(), places.end(), knows)) return false;
  if (!newest) return true;
  double age = to_seconds(fresh.created_at - newest->created_at);
  if (age < settle) return false;
  if (age >= due_after) return true;
  std::vector<PackedPlace> before = places_of(newest->behavior);
  MeanBits mean;
  for (std::size_t i = 0; i < fresh.series.size() && i < places.size(); ++i) {
    auto at = static_cast<std::size_t>(std::find(newest->series.begin(), newest->series.end(), fresh.series[i]) -
                                       newest->series.begin());
    bool was_known = at < before.size() && knows(before[at]);
    if (!was_known && knows(places[i])) return true;
    if (was_known) mean.add(places[i], before[at]);
  }
  return mean.value() > due_bits;
}

std::vector<BehaviorChange> diff(const PersonaRevision& before, const PersonaRevision& after) {
  std::vector<PackedPlace> old_places = places_of(before.behavior);
  std::vector<PackedPlace> new_places = places_of(after.behavior);
  std::vector<BehaviorChange> changes;
  for (std::size_t i = 0; i < after.series.size() && i < new_places.size(); ++i) {
    auto same = std::find(before.series.begin(), before.series.end(), after.series[i]);
    auto old_index = static_cast<std::size_t>(same - before.series.begin());
    PackedPlace old_place =
        same != before.series.end() && old_index < old_places.size() ? old_places[old_index] : PackedPlace{};
    if (old_place.samples == 0 && new_places[i].samples == 0) continue;
    double bits = old_place.samples == 0 || new_places[i].samples == 0 ? 0 : divergence_bits(old_place, new_places[i]);
    if (bits < 0.01 && old_place.samples > 0) continue;
    changes.push_back({.series = to_text(after.series[i]),
                       .bits = Bits{bits},
                       .location_before = old_place.location,
                       .location_after = new_places[i].location,
                       .scale_before = old_place.scale,
                       .scale_after = new_places[i].scale});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const BehaviorChange& a, const BehaviorChange& b) { return a.bits > b.bits; });
  return changes;
}

}  // namespace mien::learn
