// How a security fact and an episode of them read. Private to drift.
#pragma once

#include <string>

#include "drift/security.h"

namespace mien::drift {

// "python3 (user deploy) listens on tcp/4444".
[[nodiscard]] std::string sentence_of(const model::SecurityFact& fact);
// One sentence for people: the worst fact, why it is told, how many more; for packages their names.
[[nodiscard]] std::string summary_of(const SecurityEpisode& episode);
// "in 12 days", "in 3 hours".
[[nodiscard]] std::string span_of(Duration watched);
// The fact as a member of a finding's `metrics`: mien.security.KIND with who and what as attributes.
[[nodiscard]] model::Deviation deviation_of(const SecurityBlame& blame, double weight);

}  // namespace mien::drift
