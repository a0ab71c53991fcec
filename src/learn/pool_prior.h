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
// Pure. Ownership: a prior copies what it is given. Cost: begin() unpacks every member, about a millisecond each.
#pragma once

#include <cstddef>
#include <map>
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

  friend bool operator==(const PoolPrior&, const PoolPrior&) = default;

 private:
  void keep_best();

  std::map<InstanceName, model::PersonaRevision> members_;
};

}  // namespace mien::learn
