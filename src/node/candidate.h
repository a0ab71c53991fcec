// A baseline that is learned beside the one in force while an instance behaves otherwise for long: what it would be
// judged by, if the new way is the right one. It sees the same rows, learns by its own evidence, and opens nothing.
//
// It fits when a day (300 samples of a slow sender) was learned, and its own surprise is ordinary for half of that
// time: at most half a decade. Then it is stored as a candidate revision, which a person promotes; the old one stays
// (docs/adr/0042).
//
// Pure; part of the instance's snapshot. Cost while there is one: the instance's rows are judged twice, its state
// doubles.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/codec.h"
#include "drift/drift.h"
#include "model/behavior.h"
#include "model/expectation.h"
#include "model/telemetry.h"

namespace mien::node {

class Candidate {
 public:
  // `began`: the first row it will see. Weights and what is to be ignored are taken from `expectation`; what people
  // declared is judged by the instance itself.
  Candidate(WallTime began, const model::Expectation& expectation);

  // What people declare was changed.
  void expect(const model::Expectation& expectation);
  void judge(const std::vector<model::Series>& series, const model::Batch& batch);
  // What is learned fits what is seen, for long enough. `interval`: between rows.
  [[nodiscard]] bool fits(Duration interval) const;
  // It changed again since it began, or did not settle: another has to begin.
  [[nodiscard]] bool is_lost(Duration interval) const;

  // How long a change must last before it is worth a candidate, how long a candidate learns, and how long the old
  // baseline must fit again before a candidate is given up.
  [[nodiscard]] static Duration begins_after(Duration interval);
  [[nodiscard]] static Duration learns_for(Duration interval);
  [[nodiscard]] static Duration given_up_after(Duration interval);

  WallTime began;
  std::uint64_t number = 0;  // of the candidate revision; 0: none is stored yet
  WallTime unneeded_since;   // nothing speaks against the old baseline since then; 0: something does
  model::Behavior behavior;
  drift::Watch watch;

  void store(Encoder& encoder) const;
  [[nodiscard]] static Result<Candidate> restore(Decoder& decoder, const model::Expectation& expectation);

 private:
  model::Expectation expectation_;  // derived, not stored
  std::uint64_t judged_ = 0;        // blocks (rows of a lone series) since it knows enough
  std::uint64_t ordinary_ = 0;      // of these
};

}  // namespace mien::node
