// What Mien found: how far each metric is from its persona, one score for the instance, and findings as episodes.
// These are also the documents of the API (CONTRACTS, section 4): field names here are field names there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/telemetry.h"

namespace mien::model {

enum class FindingKind : std::uint8_t {
  none,
  spike,
  level,
  ramp,
  spread,
  frozen,
  seasonal,
  relation,
  shape,
  security,
  limit,
  configuration,
  silence,
};
[[nodiscard]] std::string_view to_text(FindingKind kind);

enum class Severity : std::uint8_t { info, low, medium, high, critical };
[[nodiscard]] std::string_view to_text(Severity severity);

enum class FindingState : std::uint8_t { open, acknowledged, resolved };
[[nodiscard]] std::string_view to_text(FindingState state);

enum class Direction : std::uint8_t { none, up, down };
[[nodiscard]] std::string_view to_text(Direction direction);

enum class LearningState : std::uint8_t { learning, ready, stale, suspect };
[[nodiscard]] std::string_view to_text(LearningState state);

// One metric against its persona.
struct Deviation {
  MetricName name;
  Attributes attributes;
  double observed = 0;  // in the series' unit (a counter as its rate per second)
  double expected = 0;  // the location the persona has now
  double low = 0;       // the band that holds 99 % of healthy samples
  double high = 0;
  Bits bits;          // surprise
  double weight = 1;  // the persona's weight for it
  Direction direction = Direction::none;

  friend bool operator==(const Deviation&, const Deviation&) = default;
  static constexpr auto fields = std::tuple{field("name", &Deviation::name),
                                            field("attributes", &Deviation::attributes),
                                            field("observed", &Deviation::observed),
                                            field("expected", &Deviation::expected),
                                            field("low", &Deviation::low),
                                            field("high", &Deviation::high),
                                            field("bits", &Deviation::bits),
                                            field("weight", &Deviation::weight),
                                            field("direction", &Deviation::direction)};
};

struct DriftScore {
  InstanceName instance;
  PersonaName persona;
  std::uint64_t revision = 0;
  WallTime at;
  double score = 0;        // [0, 1], monotone in surprise
  double alarm_level = 0;  // the score above which an episode opens now
  LearningState state = LearningState::learning;
  std::vector<Deviation> metrics;  // most surprised first, at most 16

  friend bool operator==(const DriftScore&, const DriftScore&) = default;
  static constexpr auto fields =
      std::tuple{field("instance", &DriftScore::instance), field("persona", &DriftScore::persona),
                 field("revision", &DriftScore::revision), field("at", &DriftScore::at),
                 field("score", &DriftScore::score),       field("alarm_level", &DriftScore::alarm_level),
                 field("state", &DriftScore::state),       field("metrics", &DriftScore::metrics)};
};

struct Finding {
  FindingId id;
  InstanceName instance;
  PoolName pool;
  PersonaName persona;
  std::uint64_t revision = 0;
  FindingKind kind = FindingKind::none;
  Severity severity = Severity::low;
  double confidence =
      0;  // (0, 1): 1 - chance that a healthy instance shows this within the false-alarm budget's period
  FindingState state = FindingState::open;
  double score = 0;  // the highest of the episode
  WallTime opened_at;
  WallTime updated_at;
  std::optional<WallTime> resolved_at;
  std::string first_mover;           // the series that left first, as to_text(Series)
  std::vector<Deviation> metrics;    // most to blame first, at most 8
  std::vector<std::string> actions;  // ids
  std::string summary;               // one sentence for people
  std::string comment;               // of whoever acknowledged it
  bool late = false;                 // from evidence that was old on arrival: for the record, neither notifies nor acts

  friend bool operator==(const Finding&, const Finding&) = default;
  static constexpr auto fields = std::tuple{field("id", &Finding::id),
                                            field("instance", &Finding::instance),
                                            field("pool", &Finding::pool),
                                            field("persona", &Finding::persona),
                                            field("revision", &Finding::revision),
                                            field("kind", &Finding::kind),
                                            field("severity", &Finding::severity),
                                            field("confidence", &Finding::confidence),
                                            field("state", &Finding::state),
                                            field("score", &Finding::score),
                                            field("opened_at", &Finding::opened_at),
                                            field("updated_at", &Finding::updated_at),
                                            field("resolved_at", &Finding::resolved_at),
                                            field("first_mover", &Finding::first_mover),
                                            field("metrics", &Finding::metrics),
                                            field("actions", &Finding::actions),
                                            field("summary", &Finding::summary),
                                            field("comment", &Finding::comment),
                                            field("late", &Finding::late)};
};

}  // namespace mien::model
