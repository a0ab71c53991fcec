// What a Policy resource says, as types: which findings it is about, how far it may go, what it does, and its guards.
// Made from a resource's spec; the schema (model/schema.h) has already said that every value has the right form.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"
#include "model/finding.h"
#include "model/value.h"

namespace mien::model {

enum class Verb : std::uint8_t {
  alert,
  scale,
  limit,
  prioritize,
  configure,
  lockdown,
  snapshot,
  rollback,
  soft_reset,
  full_reset,
  evict,
  replace,
  activate,
  preload,
  scale_pool,
  run,
};
[[nodiscard]] std::string_view to_text(Verb verb);  // "soft_reset"
[[nodiscard]] std::optional<Verb> parse_verb(std::string_view text);

// observe: a decision is recorded and nothing is touched. propose: an action waits for a person. enforce: it happens.
enum class Mode : std::uint8_t { observe, propose, enforce };
[[nodiscard]] std::string_view to_text(Mode mode);

// Which findings. Everything that is written must hold; an empty list holds for all.
struct PolicyMatch {
  std::set<std::string> pools;
  std::set<std::string> instances;
  std::set<std::string> personas;
  std::map<std::string, std::string> labels;
  std::set<FindingKind> kinds;
  std::set<std::string> metrics;  // one of the finding's metrics is one of these
  Severity severity = Severity::info;  // at least
  double confidence = 0;               // at least, [0, 1]
  friend bool operator==(const PolicyMatch&, const PolicyMatch&) = default;
};

// What a verb is given, as written: {"cpu": "50%", "target": "offender"}. The schema of the verb has checked each.
using Arguments = std::map<std::string, std::string>;

// One rung of the ladder.
struct PolicyStep {
  Verb verb = Verb::alert;
  Arguments with;
  Duration lease{};  // how long it holds before it is taken back by itself; of verbs that can be taken back
  friend bool operator==(const PolicyStep&, const PolicyStep&) = default;
};

struct Budget {
  std::uint32_t actions = 3;
  Duration per = std::chrono::hours{1};
  friend bool operator==(const Budget&, const Budget&) = default;
  static constexpr auto fields = std::tuple{field("actions", &Budget::actions), field("per", &Budget::per)};
};

// What holds when a policy says nothing: every guard is on.
struct Guards {
  Budget budget;
  std::optional<double> unavailable_share;         // of a pool's members, rounded down, at least one
  std::uint32_t unavailable_count = 1;             // where no share is said
  Duration cooldown = std::chrono::minutes{10};    // rest between two actions on one target
  Duration settle = std::chrono::minutes{2};       // how long an action may take to show its effect
  Duration dwell = std::chrono::minutes{1};        // how long an action stands at least, unless a person takes it back
  Duration approve_within = std::chrono::hours{1}; // an approval that comes later finds nothing to approve
  std::uint32_t repeats = 3;                       // actions on one target within a day before a person must decide
  std::set<Verb> approval;                         // verbs that wait for a person even in `enforce`
  friend bool operator==(const Guards&, const Guards&) = default;
};

constexpr Duration default_lease = std::chrono::minutes{30};

struct Policy {
  PolicyName name;
  std::uint64_t generation = 0;
  PolicyMatch match;
  Mode mode = Mode::observe;
  bool protect = false;   // what it matches is left alone by every policy: protecting beats acting
  std::int32_t priority = 0;  // of several that match, the highest goes first; then by name
  std::string when;       // expression that must hold as well; empty: always
  std::vector<PolicyStep> ladder;
  Guards guards;
  friend bool operator==(const Policy&, const Policy&) = default;
};

// Errors: invalid, with the place as a JSON pointer in `where`.
[[nodiscard]] Result<Policy> parse_policy(const PolicyName& name, std::uint64_t generation, const Value& spec);

// Whether a verb changes something that a lease can give back.
[[nodiscard]] bool is_reversible(Verb verb);
// Whether an instance does less of its work, or none, while this holds: what `max_unavailable` counts.
[[nodiscard]] bool makes_unavailable(const PolicyStep& step);

}  // namespace mien::model
