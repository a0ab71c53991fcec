// What a persona declares about behaviour, compiled: the priors and bounds the score works with.
// Made from a Persona resource and what it extends by model/persona.h; never learned, never learned away.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"

namespace mien::model {

enum class DistributionKind : std::uint8_t { normal, lognormal, exponential, uniform, constant };
[[nodiscard]] std::string_view to_text(DistributionKind kind);

// normal: a = mean, b = standard deviation. lognormal: a, b of the logarithm. exponential: a = mean.
// uniform: a = lowest, b = highest. constant: a. In the unit of the metric (ratios as 0..1, rates per second).
struct DeclaredDistribution {
  DistributionKind kind = DistributionKind::normal;
  double a = 0;
  double b = 0;
  friend bool operator==(const DeclaredDistribution&, const DeclaredDistribution&) = default;
  static constexpr auto fields = std::tuple{field("kind", &DeclaredDistribution::kind),
                                            field("a", &DeclaredDistribution::a), field("b", &DeclaredDistribution::b)};
};

// A line that is never crossed for long: value above max or below min, or changed by more than `change` (a ratio:
// 0.5 is +50 %, negative means falling) against the time `over` ago.
struct Limit {
  std::optional<double> min;
  std::optional<double> max;
  std::optional<double> change;
  Duration over{};
  friend bool operator==(const Limit&, const Limit&) = default;
  static constexpr auto fields = std::tuple{field("min", &Limit::min), field("max", &Limit::max),
                                            field("change", &Limit::change), field("over", &Limit::over)};
};

// All that is declared of one metric (every series of it, whatever its attributes, unless `attributes` narrows it).
struct DeclaredMetric {
  std::optional<DeclaredDistribution> distribution;
  std::optional<double> peak;  // highest value expected in ordinary operation
  std::optional<double> read_write_ratio;
  std::optional<Limit> limit;
  bool ignore = false;  // declared to be of no interest: learned, shown, never a finding
  friend bool operator==(const DeclaredMetric&, const DeclaredMetric&) = default;
  static constexpr auto fields =
      std::tuple{field("distribution", &DeclaredMetric::distribution), field("peak", &DeclaredMetric::peak),
                 field("read_write_ratio", &DeclaredMetric::read_write_ratio), field("limit", &DeclaredMetric::limit),
                 field("ignore", &DeclaredMetric::ignore)};
};

// What is expected of one kind of security fact, as patterns (drift/security_lists.h has their language).
struct AllowDeny {
  std::vector<std::string> allow;  // anything else is a finding; empty: nothing is said
  std::vector<std::string> deny;   // always a finding
  friend bool operator==(const AllowDeny&, const AllowDeny&) = default;
  static constexpr auto fields = std::tuple{field("allow", &AllowDeny::allow), field("deny", &AllowDeny::deny)};
};

struct DeclaredSecurity {
  AllowDeny executables;
  AllowDeny listen;
  AllowDeny connect;
  AllowDeny users;
  AllowDeny system_calls;
  std::vector<std::string> deny_write;
  std::vector<std::string> deny_read;
  friend bool operator==(const DeclaredSecurity&, const DeclaredSecurity&) = default;
  static constexpr auto fields = std::tuple{
      field("executables", &DeclaredSecurity::executables),   field("listen", &DeclaredSecurity::listen),
      field("connect", &DeclaredSecurity::connect),           field("users", &DeclaredSecurity::users),
      field("system_calls", &DeclaredSecurity::system_calls), field("deny_write", &DeclaredSecurity::deny_write),
      field("deny_read", &DeclaredSecurity::deny_read)};
};

struct Expectation {
  PersonaName persona;
  std::uint64_t generation = 0;
  std::map<std::string, DeclaredMetric> metrics;  // by metric name
  std::map<std::string, double> weights;  // by metric name, subsystem prefix ("system.disk") or "security"; default 1
  double false_alarms_per_week = 1;
  Bits depart{1};             // how far a learned baseline may leave its prior before that is a finding
  DeclaredSecurity security;  // not among `fields`: stored behind what was stored before there was any

  friend bool operator==(const Expectation&, const Expectation&) = default;
  static constexpr auto fields = std::tuple{field("persona", &Expectation::persona),
                                            field("generation", &Expectation::generation),
                                            field("metrics", &Expectation::metrics),
                                            field("weights", &Expectation::weights),
                                            field("false_alarms_per_week", &Expectation::false_alarms_per_week),
                                            field("depart", &Expectation::depart)};
};

}  // namespace mien::model
