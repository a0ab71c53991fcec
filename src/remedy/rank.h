// What helped before: trials and successes of each step under each persona, with a Wilson interval (Wilson 1927), and
// how far a step that did not help has fallen behind those after it. They belong to what the step does (its verb and
// parameters): written elsewhere in the ladder it takes them along, and changed it begins anew.
#pragma once

#include <cstdint>
#include <tuple>

#include "base/fields.h"
#include "base/quantity.h"
#include "model/action.h"

namespace mien::remedy {

struct RankKey {
  PolicyName policy;
  std::uint32_t step = 0;  // its place in the ladder as it is written now
  PersonaName persona;
  friend auto operator<=>(const RankKey&, const RankKey&) = default;
  static constexpr auto fields =
      std::tuple{field("policy", &RankKey::policy), field("step", &RankKey::step), field("persona", &RankKey::persona)};
};

struct Rank {
  std::uint32_t trials = 0;     // with a verdict: helped, no effect or worse
  std::uint32_t successes = 0;  // helped
  std::uint32_t demoted = 0;    // failures since the last success: steps are tried by this, then by their place
  friend bool operator==(const Rank&, const Rank&) = default;
  static constexpr auto fields = std::tuple{field("trials", &Rank::trials), field("successes", &Rank::successes),
                                            field("demoted", &Rank::demoted)};
};

struct Interval {
  double low = 0;
  double high = 1;
};
// 95 % of the success rate. No trials: [0, 1].
[[nodiscard]] Interval success_interval(const Rank& rank);
void count(Rank& rank, model::EffectVerdict verdict);

}  // namespace mien::remedy
