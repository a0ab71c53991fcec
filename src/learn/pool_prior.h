// What the members of a pool learned of one persona, taken together: what a new member begins with.
//
// A prior is the newest revision of each member, of the sixteen with the most evidence (by name where that is equal).
// Merging takes the union, so it is exact, commutative, associative and idempotent, whatever the order and however
// often members are told; the behaviour is computed from the members in order of their names.
//
// What is begun with says little on purpose: the level is the members' mean, the scale their own deviation and how far
// they are apart, both worth 30 samples of its own; tails are their counts, worth 200 values; half of the blocks before
// findings open are still its own. So the bounds narrow as evidence grows, and it says `learning` until then.
//
// As a revision of its own (`web-frontend@pool:web/3`) it outlives its members: its behaviour is what a new member
// begins with, its evidence the sum of theirs, its series all that any of them has.
//
// Pure. Ownership: a prior copies what it is given. Cost: begin() and revision() unpack every member, about a
// millisecond each.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "base/quantity.h"
#include "model/behavior.h"
#include "model/telemetry.h"

namespace mien::learn {

class PoolPrior {
 public:
  static constexpr std::size_t most_members = 16;

  // A revision with more evidence takes the place of its instance's earlier one.
  void add(model::PersonaRevision revision);
  void merge(const PoolPrior& other);
  [[nodiscard]] std::size_t members() const { return members_.size(); }

  // The behaviour that an instance with these series begins with. A series that no member has begins from nothing.
  [[nodiscard]] model::Behavior begin(const std::vector<model::Series>& series) const;

  // The same as a stored revision; persona, instance, number and generation are the caller's. The same members give the
  // same bytes, whoever was told first.
  [[nodiscard]] model::PersonaRevision revision(WallTime now) const;

  friend bool operator==(const PoolPrior&, const PoolPrior&) = default;

 private:
  void keep_best();

  std::map<InstanceName, model::PersonaRevision> members_;
};

// What an instance with these series begins with under a stored prior.
[[nodiscard]] model::Behavior begin_with(const model::PersonaRevision& prior, const std::vector<model::Series>& series);

// Whether `fresh` says enough that `newest` does not: a series more, a bit of difference in the mean, or a day is past.
// At most once an hour.
[[nodiscard]] bool prior_due(const model::PersonaRevision& fresh, const std::optional<model::PersonaRevision>& newest);
// That hour: whether it is worth asking at all.
[[nodiscard]] bool prior_may_be_due(const std::optional<model::PersonaRevision>& newest, WallTime now);

}  // namespace mien::learn
