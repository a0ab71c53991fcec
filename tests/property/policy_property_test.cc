// Laws of policies: three-valued logic against its tables, matching against the obvious loop, and what must change
// nothing: the order in which policies are given, and a broken one among them.
// rooms: policy model
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "base/text.h"
#include "model/validate.h"
#include "policy/check.h"
#include "policy/policy.h"

namespace mien::policy {
namespace {

// ---- expressions ----

// load.cpu makes an atom true, load.disk false, load.memory leaves it unknown.
class ThreeValues final : public Variables {
 public:
  [[nodiscard]] std::optional<double> value_of(std::string_view name) const override {
    if (name == "load.memory") return std::nullopt;
    return name == "load.cpu" ? 1 : 0;
  }
  [[nodiscard]] std::optional<double> metric(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] std::optional<double> signal(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] std::optional<Duration> utc_offset(std::string_view, WallTime) const override { return std::nullopt; }
  [[nodiscard]] std::optional<double> forecast(std::string_view, Duration, std::string_view) const override {
    return std::nullopt;
  }
};

struct Formula {
  std::string text;
  Truth expected = Truth::unknown;
};

// Kleene's strong tables, as he wrote them (Introduction to Metamathematics, 1952, section 64).
Truth table_and(Truth a, Truth b) {
  constexpr std::array<std::array<Truth, 3>, 3> table{{{Truth::no, Truth::no, Truth::no},
                                                       {Truth::no, Truth::yes, Truth::unknown},
                                                       {Truth::no, Truth::unknown, Truth::unknown}}};
  return table[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
}
Truth table_not(Truth a) {
  constexpr std::array<Truth, 3> table{Truth::yes, Truth::no, Truth::unknown};
  return table[static_cast<std::size_t>(a)];
}
Truth table_or(Truth a, Truth b) { return table_not(table_and(table_not(a), table_not(b))); }

rc::Gen<Formula> any_formula(int levels) {
  auto atom =
      rc::gen::element(Formula{"load.cpu > 0.5", Truth::yes}, Formula{"load.disk > 0.5", Truth::no},
                       Formula{"load.memory > 0.5", Truth::unknown}, Formula{"metric('a.b') < 3MB", Truth::unknown},
                       Formula{"load.cpu/load.disk<1", Truth::unknown});
  if (levels == 0) return atom;
  auto below = any_formula(levels - 1);
  auto joined = rc::gen::map(
      rc::gen::tuple(rc::gen::nonEmpty(rc::gen::resize(4, rc::gen::container<std::vector<Formula>>(below))),
                     rc::gen::arbitrary<bool>()),
      [](const std::tuple<std::vector<Formula>, bool>& drawn) {
        const auto& [parts, all] = drawn;
        Formula out{"(" + parts[0].text, parts[0].expected};
        for (std::size_t i = 1; i < parts.size(); ++i) {
          out.text += (all ? " && " : " || ") + parts[i].text;
          out.expected = all ? table_and(out.expected, parts[i].expected) : table_or(out.expected, parts[i].expected);
        }
        out.text += ")";
        return out;
      });
  auto inverted = rc::gen::map(below, [](const Formula& f) {
    return Formula{"!(" + f.text + ")", table_not(f.expected)};
  });
  return rc::gen::oneOf(atom, joined, inverted);
}

RC_GTEST_PROP(Expression, FollowsKleenesTables, ()) {
  Formula formula = *any_formula(4);
  auto parsed = Expression::parse(formula.text);
  // Too many parts is the one thing that may be wrong with it.
  RC_PRE(parsed.ok() || formula.text.size() > 1000);
  if (!parsed) return;
  ThreeValues variables;
  auto answer = parsed->evaluate({}, variables);
  RC_ASSERT(answer.truth == formula.expected);
  RC_ASSERT(parsed->truth({}, variables) == formula.expected);
  RC_ASSERT(!answer.why.empty());
}

struct Sum {
  std::string text;
  double expected = 0;
};
rc::Gen<Sum> any_sum(int levels) {
  auto number = rc::gen::map(rc::gen::inRange(0, 1000), [](int n) { return Sum{to_text(n / 8.0), n / 8.0}; });
  if (levels == 0) return number;
  auto below = any_sum(levels - 1);
  auto joined = rc::gen::map(rc::gen::tuple(below, below, rc::gen::element('+', '-', '*', '/')),
                             [](const std::tuple<Sum, Sum, char>& drawn) {
                               const auto& [a, b, sign] = drawn;
                               double value = sign == '+'   ? a.expected + b.expected
                                              : sign == '-' ? a.expected - b.expected
                                              : sign == '*' ? a.expected * b.expected
                                                            : a.expected / b.expected;
                               return Sum{cat("(", a.text, sign, b.text, ")"), value};
                             });
  return rc::gen::oneOf(number, joined);
}

RC_GTEST_PROP(Expression, CountsAsArithmeticDoes, ()) {
  Sum sum = *any_sum(4);
  ThreeValues variables;
  auto parsed = Expression::parse(sum.text + " >= 10");
  RC_ASSERT(parsed.ok());
  Truth truth = parsed->truth({}, variables);
  // An inf or nan on the way may cancel out again for the oracle; here it stays unknown.
  if (truth != Truth::unknown) RC_ASSERT(truth == (sum.expected >= 10 ? Truth::yes : Truth::no));
  else RC_ASSERT(sum.text.find('/') != std::string::npos);
}

RC_GTEST_PROP(Expression, AnswersToAnyBytes, (const std::string& bytes)) {
  auto parsed = Expression::parse(bytes);
  if (!parsed) RC_ASSERT(parsed.error().where.starts_with("column "));
}

// ---- policies ----

rc::Gen<std::set<std::string>> some_of(std::vector<std::string> words) {
  return rc::gen::map(
      rc::gen::resize(3, rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::move(words)))),
      [](const std::vector<std::string>& drawn) { return std::set<std::string>(drawn.begin(), drawn.end()); });
}

rc::Gen<model::Policy> any_policy() {
  return rc::gen::exec([] {
    model::Policy out;
    out.match.pools = *some_of({"web", "db"});
    out.match.personas = *some_of({"web-frontend", "db"});
    out.match.instances = *some_of({"web-01", "web-02", "db-01"});
    out.match.metrics = *some_of({"a.b", "c.d", "e.f"});
    for (const std::string& key : *some_of({"tier", "env"}))
      out.match.labels[key] = *rc::gen::element<std::string>("x", "y");
    for (int kind : *rc::gen::resize(3, rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 13))))
      out.match.kinds.insert(static_cast<model::FindingKind>(kind));
    out.match.severity = static_cast<model::Severity>(*rc::gen::inRange(0, 5));
    out.match.confidence = *rc::gen::element(0.0, 0.5, 0.9);
    out.protect = *rc::gen::inRange(0, 8) == 0;
    out.priority = *rc::gen::inRange(-1, 2);
    out.when = *rc::gen::element<std::string>("", "", "load.cpu > 0.5", "load.disk > 0.5", "load.memory > 0.5");
    out.ladder = {{.verb = model::Verb::alert, .with = {}, .lease = {}}};
    return out;
  });
}

rc::Gen<std::vector<model::Policy>> any_policies() {
  return rc::gen::map(rc::gen::scale(0.7, rc::gen::container<std::vector<model::Policy>>(any_policy())),
                      [](std::vector<model::Policy> policies) {
                        for (std::size_t i = 0; i < policies.size(); ++i)
                          policies[i].name = PolicyName(cat("p", (i * 7919) % 1009));
                        return policies;
                      });
}

struct Scene {
  model::Finding finding;
  std::map<std::string, std::string> labels;
  ThreeValues variables;
  [[nodiscard]] Context context() const {
    return {.now = {}, .finding = &finding, .labels = &labels, .variables = &variables};
  }
};

rc::Gen<Scene> any_scene() {
  return rc::gen::exec([] {
    Scene out;
    out.finding.instance = InstanceName(*rc::gen::element<std::string>("web-01", "db-01", "other"));
    out.finding.pool = PoolName(*rc::gen::element<std::string>("web", "db", ""));
    out.finding.persona = PersonaName(*rc::gen::element<std::string>("web-frontend", "db", "other"));
    out.finding.kind = static_cast<model::FindingKind>(*rc::gen::inRange(0, 13));
    out.finding.severity = static_cast<model::Severity>(*rc::gen::inRange(0, 5));
    out.finding.confidence = *rc::gen::element(0.4, 0.5, 0.99, std::nan(""));
    for (const std::string& metric : *some_of({"a.b", "c.d", "x.y"})) {
      model::Deviation deviation;
      deviation.name = MetricName(metric);
      out.finding.metrics.push_back(deviation);
    }
    for (const std::string& key : *some_of({"tier", "env", "zone"}))
      out.labels[key] = *rc::gen::element<std::string>("x", "y");
    return out;
  });
}

// The obvious way: how many conditions of a policy do not hold; `when` counts as one, and last.
struct Obvious {
  std::size_t misses = 0;
  bool when = true;
};
Obvious ask_obviously(const model::Policy& policy, const Scene& scene) {
  const model::PolicyMatch& m = policy.match;
  const model::Finding& f = scene.finding;
  auto misses = [](const auto& set, const auto& value) { return !set.empty() && set.count(value) == 0; };
  Obvious out;
  out.misses += misses(m.pools, f.pool.value) + misses(m.instances, f.instance.value) +
                misses(m.personas, f.persona.value) + misses(m.kinds, f.kind);
  out.misses += f.severity < m.severity;
  out.misses += m.confidence > 0 && !(f.confidence >= m.confidence);
  for (const auto& [key, value] : m.labels) {
    auto found = scene.labels.find(key);
    out.misses += found == scene.labels.end() || found->second != value;
  }
  bool named = m.metrics.empty();
  for (const model::Deviation& each : f.metrics) named = named || m.metrics.count(each.name.value) > 0;
  out.misses += !named;
  if (policy.when == "load.disk > 0.5") out.when = false;
  if (policy.when == "load.memory > 0.5") out.when = policy.protect;
  return out;
}

bool same(const Evaluation& a, const Evaluation& b) {
  auto name = [](const model::Policy* policy) { return policy ? policy->name : PolicyName(); };
  return a.rules == b.rules && a.rules_not_shown == b.rules_not_shown && name(a.protector) == name(b.protector) &&
         std::equal(a.matched.begin(), a.matched.end(), b.matched.begin(), b.matched.end(),
                    [](const auto* x, const auto* y) { return *x == *y; });
}

RC_GTEST_PROP(Rules, MatchWhatTheObviousLoopMatches, ()) {
  std::vector<model::Policy> policies = *any_policies();
  Scene scene = *any_scene();
  Compiled compiled = compile(policies);
  RC_ASSERT(compiled.problems.empty());
  Evaluation found = compiled.rules.evaluate(scene.context());

  std::sort(policies.begin(), policies.end(), [](const auto& a, const auto& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.name < b.name;
  });
  std::vector<PolicyName> expected;
  PolicyName protector;
  for (const model::Policy& policy : policies) {
    Obvious obvious = ask_obviously(policy, scene);
    if (obvious.misses > 0 || !obvious.when) continue;
    if (!policy.protect) expected.push_back(policy.name);
    else if (protector.empty()) protector = policy.name;
  }
  std::vector<PolicyName> matched;
  for (const model::Policy* policy : found.matched) matched.push_back(policy->name);
  RC_ASSERT(matched == expected);
  RC_ASSERT((found.protector ? found.protector->name : PolicyName()) == protector);

  // The verdicts: matched ones, then misses that are never nearer than those before.
  RC_ASSERT(found.rules.size() + found.rules_not_shown == policies.size());
  std::size_t nearest = 0;
  for (const model::RuleVerdict& verdict : found.rules) {
    const model::Policy* policy = compiled.rules.find(verdict.policy);
    RC_ASSERT(policy != nullptr);
    Obvious obvious = ask_obviously(*policy, scene);
    RC_ASSERT(verdict.matched == (obvious.misses == 0 && obvious.when));
    RC_ASSERT(!verdict.why.empty());
    std::size_t distance = verdict.matched ? 0 : obvious.misses == 0 ? 1 : 1 + std::min<std::size_t>(obvious.misses, 3);
    RC_ASSERT(distance >= nearest);
    nearest = distance;
  }
}

RC_GTEST_PROP(Rules, DoNotDependOnTheOrderInWhichPoliciesAreGiven, ()) {
  std::vector<model::Policy> policies = *any_policies();
  Scene scene = *any_scene();
  std::vector<model::Policy> turned = policies;
  std::reverse(turned.begin(), turned.end());
  if (!turned.empty())
    std::rotate(turned.begin(), turned.begin() + *rc::gen::inRange<int>(0, static_cast<int>(turned.size())),
                turned.end());
  Compiled one = compile(policies);
  Compiled other = compile(turned);
  RC_ASSERT(one.problems == other.problems);
  RC_ASSERT(same(one.rules.evaluate(scene.context()), other.rules.evaluate(scene.context())));
}

RC_GTEST_PROP(Rules, AreNotTouchedByABrokenPolicy, ()) {
  std::vector<model::Policy> policies = *any_policies();
  Scene scene = *any_scene();
  model::Policy broken = *any_policy();
  broken.name = PolicyName("broken");
  if (*rc::gen::arbitrary<bool>())
    broken.when = *rc::gen::element<std::string>("load.cpu >", "a.b > 1", "(((", "load.cpu");
  else {
    broken.ladder.clear();
    broken.protect = false;
  }
  std::vector<model::Policy> with_broken = policies;
  with_broken.insert(with_broken.begin() + *rc::gen::inRange<int>(0, static_cast<int>(policies.size()) + 1), broken);
  Compiled one = compile(policies);
  Compiled other = compile(with_broken);
  RC_ASSERT(other.problems.size() == 1);
  RC_ASSERT(other.problems[0].policy == broken.name);
  RC_ASSERT(same(one.rules.evaluate(scene.context()), other.rules.evaluate(scene.context())));
}

// ---- specs ----

using model::Value;

// A key, most often with the first choice, which belongs there.
void put(Value::Map& map, const char* key, std::vector<Value> choices) {
  bool ordinary = *rc::gen::inRange(0, 4) > 0;
  int drawn = ordinary ? 0 : *rc::gen::inRange<int>(-1, static_cast<int>(choices.size()));
  if (drawn >= 0) map[key] = choices[static_cast<std::size_t>(drawn)];
}
Value map_of(Value::Map map) { return Value(std::move(map)); }
Value list_of(Value::List list) { return Value(std::move(list)); }

Value any_step() {
  Value::Map step;
  put(step, "do", {"limit", "alert", "replace", "configure", "lockdown", "scale_pool", "scale", "explode", 3});
  put(step, "with",
      {map_of({{"cpu", "50%"}, {"pids", 512}}), map_of({{"level", "egress"}}), map_of({{"by", -2}}),
       map_of({{"a.b", 0.5}, {"c", true}, {"d", "x"}}), map_of({{"cpu", Value()}}), map_of({}), Value(), "text"});
  put(step, "lease", {"30m", "0s", "1d", 5, Value(), "-1m"});
  return map_of(std::move(step));
}

Value any_match() {
  Value::Map match;
  put(match, "pools", {list_of({"web"}), list_of({}), list_of({Value()}), Value(), "web"});
  put(match, "kinds", {list_of({"spike"}), list_of({"none"}), list_of({1})});
  put(match, "labels", {map_of({{"tier", "front"}}), map_of({{"tier", 1}}), map_of({{"tier", Value()}})});
  put(match, "severity", {"high", "severe", Value()});
  put(match, "confidence", {"99%", 0.5, 1, 2, -1, "half", Value()});
  return map_of(std::move(match));
}

Value any_guards() {
  Value::Map guards;
  put(guards, "budget",
      {map_of({{"actions", 2}, {"per", "1h"}}), map_of({{"actions", 0}, {"per", "0s"}}), map_of({}), Value()});
  put(guards, "max_unavailable", {"20%", 2, 1.5, "120%", -1, 1e7, "500m", Value()});
  put(guards, "cooldown", {"15m", "0s", 3, Value()});
  put(guards, "dwell", {"1m", Value()});
  put(guards, "repeats", {0, 1000, 1001, -1, 1.5, Value()});
  put(guards, "approval", {map_of({{"required_for", list_of({"replace"})}}), map_of({}), Value()});
  return map_of(std::move(guards));
}

Value any_spec() {
  Value::Map spec;
  put(spec, "match", {any_match(), Value()});
  put(spec, "guards", {any_guards(), Value()});
  put(spec, "mode", {"enforce", "act", Value()});
  put(spec, "when", {"load.cpu > 0.6", "", "((", 3, Value()});
  put(spec, "protect", {true, false, "yes", Value()});
  put(spec, "priority", {-1000000, 7, 1000001, "high", Value()});
  put(spec, "ladder", {list_of({any_step()}), list_of({any_step(), any_step()}), list_of({}), Value()});
  return map_of(std::move(spec));
}

RC_GTEST_PROP(Specs, ThatTheSchemaTakesAreParsed, ()) {
  Value spec = any_spec();
  bool taken = !has_errors(model::validate_spec(model::ResourceKind::policy, "p", spec));
  RC_CLASSIFY(taken);
  auto policy = model::parse_policy(PolicyName("p"), 1, spec);
  if (!policy) {
    if (taken) RC_FAIL(policy.error().to_string());
    RC_ASSERT(!policy.error().message.empty());
    return;
  }
  // And what is parsed compiles, unless its condition can not be read.
  if (taken && check_expressions(model::ResourceKind::policy, spec).empty())
    RC_ASSERT(compile({*policy}).problems.empty());
}

}  // namespace
}  // namespace mien::policy
