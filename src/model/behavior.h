// What was learned of one instance under one persona: the live behaviour, and its immutable, numbered revisions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/finding.h"
#include "model/telemetry.h"

namespace mien::model {

// The live baselines. `bytes` of its parts are the engine's own; callers copy, encode and compare it, no more.
// (Placeholder layout until the engine's first version: see docs/formats/behavior.md.)
struct Behavior {
  friend bool operator==(const Behavior&, const Behavior&) = default;
  static constexpr auto fields = std::tuple{};
};

// What drift tells learn about a batch; not stored.
struct Evidence {};

// "web-frontend@web-01/12". Immutable. At most 64 KiB for the 200 metrics that matter most.
struct PersonaRevision {
  PersonaName persona;
  InstanceName instance;
  std::uint64_t number = 0;
  std::uint64_t generation = 0;  // of the persona, when this was learned
  WallTime created_at;
  std::uint64_t samples = 0;     // evidence: samples that taught it
  std::vector<Series> series;
  Behavior behavior;

  friend bool operator==(const PersonaRevision&, const PersonaRevision&) = default;
  static constexpr auto fields =
      std::tuple{field("persona", &PersonaRevision::persona), field("instance", &PersonaRevision::instance),
                 field("number", &PersonaRevision::number), field("generation", &PersonaRevision::generation),
                 field("created_at", &PersonaRevision::created_at), field("samples", &PersonaRevision::samples),
                 field("series", &PersonaRevision::series), field("behavior", &PersonaRevision::behavior)};
};

}  // namespace mien::model
