// Remediation rules: findings and their context into an explained decision. Text -> IR (compile) -> evaluator.
//
//   Compiled compiled = policy::compile(policies);          // what is broken is reported and never stops the others
//   Evaluation found = compiled.rules.evaluate(context);    // what matched, what did not and why, in order of priority
//
// Pure; a compiled Rules is immutable and may be read from any thread. evaluate costs one pass over the rules that can
// match at all (they are indexed by kind of finding), and allocates for those that match or are shown.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/decision.h"
#include "model/finding.h"
#include "model/policy.h"
#include "policy/expression.h"

namespace mien::policy {

// What a rule may be asked about. Borrowed for the call.
struct Context {
  WallTime now;
  const model::Finding* finding = nullptr;
  const std::map<std::string, std::string>* labels = nullptr;  // of the instance
  const Variables* variables = nullptr;  // what `when` may look up beside finding.*; nullptr: nothing
};

struct Problem {
  PolicyName policy;
  std::string message;  // with the place: "when: unknown function `forecst`; did you mean `forecast`? (column 12)"
  friend bool operator==(const Problem&, const Problem&) = default;
};

struct Evaluation {
  std::vector<model::RuleVerdict> rules;  // matched first, then the nearest misses; at most 32
  std::uint32_t rules_not_shown = 0;
  std::vector<const model::Policy*> matched;  // acting ones in the order to try: priority, then name
  const model::Policy* protector = nullptr;   // a protecting policy that matched: nothing may be done
};

class Rules {
 public:
  Rules();
  ~Rules();
  Rules(Rules&&) noexcept;
  Rules& operator=(Rules&&) noexcept;

  [[nodiscard]] Evaluation evaluate(const Context& context) const;
  [[nodiscard]] const model::Policy* find(const PolicyName& name) const;
  [[nodiscard]] std::size_t size() const;

 private:
  friend struct Compiled compile(std::vector<model::Policy> policies);
  struct Detail;
  std::unique_ptr<Detail> detail_;
};

struct Compiled {
  Rules rules;
  std::vector<Problem> problems;  // of policies that were left out
};
[[nodiscard]] Compiled compile(std::vector<model::Policy> policies);

}  // namespace mien::policy
