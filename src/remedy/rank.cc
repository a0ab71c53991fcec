#include "remedy/rank.h"

#include <cmath>

namespace mien::remedy {

Interval success_interval(const Rank& rank) {
  if (rank.trials == 0) return {};
  constexpr double z = 1.959963984540054;  // two-sided 95 % of the normal distribution
  double n = rank.trials;
  double p = rank.successes / n;
  double scale = 1 + z * z / n;
  double centre = (p + z * z / (2 * n)) / scale;
  double half = z / scale * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {.low = rank.successes == 0 ? 0 : centre - half, .high = rank.successes == rank.trials ? 1 : centre + half};
}

void count(Rank& rank, model::EffectVerdict verdict) {
  switch (verdict) {
    case model::EffectVerdict::helped:
      ++rank.trials;
      ++rank.successes;
      rank.demoted = 0;
      return;
    case model::EffectVerdict::no_effect:
    case model::EffectVerdict::worse:
      ++rank.trials;
      ++rank.demoted;
      return;
    case model::EffectVerdict::pending:
    case model::EffectVerdict::unknown: return;
  }
}

}  // namespace mien::remedy
