#include "node/security_view.h"

namespace mien::node {

std::vector<SecurityKnown> security_view(const model::SecurityProfile& profile, WallTime now) {
  std::vector<SecurityKnown> kinds;
  for (std::size_t i = 0; i < profile.kinds.size(); ++i) {
    const model::KnownObjects& known = profile.kinds[i];
    if (known.objects.empty()) continue;
    auto kind = static_cast<model::FactKind>(i);
    kinds.push_back({.kind = kind,
                     .objects = known.objects.size(),
                     .facts = known.total,
                     .probability = model::novelty_of(profile, kind, now).probability,
                     .since = known.first});
  }
  return kinds;
}

}  // namespace mien::node
