// What was decided about a finding, and why: every rule that was looked at, every guard that was asked, and the outcome.
// Written for every evaluation that could have acted, so that inaction can be explained as well as action.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/finding.h"
#include "model/policy.h"

namespace mien::model {

// One policy against one finding.
struct RuleVerdict {
  PolicyName policy;
  std::uint64_t generation = 0;
  bool matched = false;
  std::string why;  // "kinds: spike is not one of security"; for people
  friend bool operator==(const RuleVerdict&, const RuleVerdict&) = default;
  static constexpr auto fields =
      std::tuple{field("policy", &RuleVerdict::policy), field("generation", &RuleVerdict::generation),
                 field("matched", &RuleVerdict::matched), field("why", &RuleVerdict::why)};
};

// One guard's answer to what a policy would have done.
struct GuardVerdict {
  PolicyName policy;
  std::string guard;  // "mode", "hold", "protect", "busy", "owner", "never_touch", "allow", "telemetry", "cooldown",
                      // "budget", "max_unavailable", "repeats", "approval", "ladder"
  bool allowed = false;
  std::string why;  // with the figures: "2 of 2 actions per 1h are spent; the next is free at 14:03"
  friend bool operator==(const GuardVerdict&, const GuardVerdict&) = default;
  static constexpr auto fields =
      std::tuple{field("policy", &GuardVerdict::policy), field("guard", &GuardVerdict::guard),
                 field("allowed", &GuardVerdict::allowed), field("why", &GuardVerdict::why)};
};

enum class Outcome : std::uint8_t {
  no_rule,   // no policy matched
  observed,  // one would have acted, but only observes
  proposed,  // an action waits for a person
  acted,     // an action was ordered
  refused,   // a guard forbade it
  protected_,  // a protecting policy matched
};
[[nodiscard]] std::string_view to_text(Outcome outcome);

struct Decision {
  DecisionId id;
  WallTime at;
  std::string cause;  // "log/4711"
  FindingId finding;
  InstanceName instance;
  PersonaName persona;
  PoolName pool;
  // The inputs: what the rules were asked about.
  FindingKind kind = FindingKind::none;
  Severity severity = Severity::info;
  double confidence = 0;
  double score = 0;
  std::vector<std::string> metrics;
  std::vector<RuleVerdict> rules;  // those that matched first, then those that nearly did; at most 32
  std::uint32_t rules_not_shown = 0;
  std::vector<GuardVerdict> guards;
  Outcome outcome = Outcome::no_rule;
  PolicyName policy;       // that outcome is about; empty: none
  std::uint32_t step = 0;  // of its ladder, from 0
  Verb verb = Verb::alert;
  InstanceName target;     // what would have been changed
  ActionId action;         // empty: none
  std::string summary;     // one sentence for people

  friend bool operator==(const Decision&, const Decision&) = default;
  static constexpr auto fields = std::tuple{field("id", &Decision::id),
                                            field("at", &Decision::at),
                                            field("cause", &Decision::cause),
                                            field("finding", &Decision::finding),
                                            field("instance", &Decision::instance),
                                            field("persona", &Decision::persona),
                                            field("pool", &Decision::pool),
                                            field("kind", &Decision::kind),
                                            field("severity", &Decision::severity),
                                            field("confidence", &Decision::confidence),
                                            field("score", &Decision::score),
                                            field("metrics", &Decision::metrics),
                                            field("rules", &Decision::rules),
                                            field("rules_not_shown", &Decision::rules_not_shown),
                                            field("guards", &Decision::guards),
                                            field("outcome", &Decision::outcome),
                                            field("policy", &Decision::policy),
                                            field("step", &Decision::step),
                                            field("verb", &Decision::verb),
                                            field("target", &Decision::target),
                                            field("action", &Decision::action),
                                            field("summary", &Decision::summary)};
};

}  // namespace mien::model
