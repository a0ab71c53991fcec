#include "policy/policy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mien::policy {
namespace {

using model::FindingKind;
using model::Severity;

model::Policy acting(std::string name) {
  model::Policy out;
  out.name = PolicyName(std::move(name));
  out.generation = 1;
  out.ladder = {{.verb = model::Verb::alert, .with = {}, .lease = {}}};
  return out;
}

struct Scene {
  model::Finding finding;
  std::map<std::string, std::string> labels{{"tier", "back"}};

  Scene() {
    finding.instance = InstanceName("web-01");
    finding.pool = PoolName("web");
    finding.persona = PersonaName("web-frontend");
    finding.kind = FindingKind::spike;
    finding.severity = Severity::low;
    finding.confidence = 0.95;
    model::Deviation cpu;
    cpu.name = MetricName("system.cpu.utilization");
    finding.metrics = {cpu};
  }
  [[nodiscard]] Context context() const {
    return {.now = {}, .finding = &finding, .labels = &labels, .variables = nullptr};
  }
};

std::string why(const model::Policy& policy) {
  Compiled compiled = compile({policy});
  EXPECT_TRUE(compiled.problems.empty());
  Scene scene;
  Evaluation found = compiled.rules.evaluate(scene.context());
  EXPECT_EQ(found.rules.size(), 1U);
  if (found.rules.empty()) return {};
  EXPECT_EQ(found.rules[0].matched, !found.matched.empty() || found.protector != nullptr);
  return (found.rules[0].matched ? "+ " : "- ") + found.rules[0].why;
}

std::string names(const Evaluation& found) {
  std::string out;
  for (const auto& rule : found.rules) out += (rule.matched ? "+" : "-") + rule.policy.value + " ";
  return out;
}

TEST(Evaluate, SaysWhyAPolicyMatched) {
  model::Policy policy = acting("p");
  EXPECT_EQ(why(policy), "+ it is about every finding");
  policy.match.kinds = {FindingKind::spike, FindingKind::security};
  policy.match.severity = Severity::low;
  policy.match.pools = {"web"};
  policy.match.labels = {{"tier", "back"}};
  policy.match.metrics = {"system.cpu.utilization"};
  policy.when = "finding.confidence > 0.9";
  EXPECT_EQ(why(policy),
            "+ kind is spike; severity is low, at least low; pool is web; label tier is back; one of its metrics is "
            "named; when: finding.confidence is 0.95, above 0.9");
}

TEST(Evaluate, SaysWhatKeptAPolicyFromMatching) {
  auto with = [](auto change) {
    model::Policy policy = acting("p");
    change(policy.match);
    return why(policy);
  };
  EXPECT_EQ(with([](auto& m) { m.kinds = {FindingKind::security}; }), "- kinds: spike is not one of security");
  EXPECT_EQ(with([](auto& m) { m.severity = Severity::high; }), "- severity: low is below high");
  EXPECT_EQ(with([](auto& m) { m.confidence = 0.99; }), "- confidence: 0.95 is below 0.99");
  EXPECT_EQ(with([](auto& m) { m.pools = {"db"}; }), "- pools: web is not one of db");
  EXPECT_EQ(with([](auto& m) {
              m.instances = {"a", "b", "c", "d", "e"};
            }),
            "- instances: web-01 is not one of a, b, c, d and 1 more");
  EXPECT_EQ(with([](auto& m) { m.personas = {"db"}; }), "- personas: web-frontend is not one of db");
  EXPECT_EQ(with([](auto& m) { m.labels = {{"tier", "front"}}; }), "- labels: tier is back, not front");
  EXPECT_EQ(with([](auto& m) { m.labels = {{"env", "prod"}}; }), "- labels: there is no env; prod is wanted");
  EXPECT_EQ(with([](auto& m) { m.metrics = {"system.memory.usage"}; }),
            "- metrics: none of the finding's is one of system.memory.usage");
  EXPECT_EQ(with([](auto& m) {
              m.severity = Severity::high;
              m.kinds = {FindingKind::security};
            }),
            "- kinds: spike is not one of security; severity: low is below high");
}

TEST(Evaluate, DoesNotActOnWhatIsUnknownButProtectsOnIt) {
  model::Policy policy = acting("p");
  policy.when = "load.cpu > 0.5";
  EXPECT_EQ(why(policy), "- when: load.cpu is unknown");
  policy.protect = true;
  EXPECT_EQ(why(policy), "+ protects: when: load.cpu is unknown");
}

TEST(Evaluate, TriesTheHighestPriorityFirstAndThenByName) {
  model::Policy late = acting("late");
  late.priority = -1;
  model::Policy early = acting("zulu");
  early.priority = 5;
  Compiled compiled = compile({late, acting("b"), early, acting("a")});
  Scene scene;
  Evaluation found = compiled.rules.evaluate(scene.context());
  EXPECT_EQ(names(found), "+zulu +a +b +late ");
  ASSERT_EQ(found.matched.size(), 4U);
  EXPECT_EQ(found.matched[0]->name.value, "zulu");
  EXPECT_EQ(found.protector, nullptr);
}

TEST(Evaluate, NamesTheProtectorWhateverPriorityActs) {
  model::Policy guard = acting("guard");
  guard.protect = true;
  guard.ladder.clear();
  guard.priority = -10;
  model::Policy other = acting("other-guard");
  other.protect = true;
  other.match.pools = {"db"};
  Compiled compiled = compile({acting("a"), other, guard});
  Scene scene;
  Evaluation found = compiled.rules.evaluate(scene.context());
  ASSERT_NE(found.protector, nullptr);
  EXPECT_EQ(found.protector->name.value, "guard");
  EXPECT_EQ(names(found), "+guard +a -other-guard ");
  ASSERT_EQ(found.matched.size(), 1U);  // what it would have been, for the record
}

TEST(Evaluate, ShowsTheNearestMissesFirst) {
  model::Policy one = acting("z-one");
  one.match.severity = Severity::high;
  model::Policy two = acting("b-two");
  two.match.severity = Severity::high;
  two.match.pools = {"db"};
  model::Policy many = acting("a-many");
  many.match = two.match;
  many.match.kinds = {FindingKind::security};
  many.match.personas = {"db"};
  model::Policy asks = acting("zz-asks");
  asks.when = "finding.confidence > 0.99";
  Compiled compiled = compile({two, many, one, asks});
  Scene scene;
  EXPECT_EQ(names(compiled.rules.evaluate(scene.context())), "-zz-asks -z-one -b-two -a-many ");
}

TEST(Evaluate, ShowsAtMostThirtyTwoAndCountsTheRest) {
  std::vector<model::Policy> policies;
  for (int i = 0; i < 130; ++i) {
    policies.push_back(acting("p" + std::to_string(1000 + i)));
    if (i % 2 == 0) policies.back().match.pools = {"db"};
  }
  Compiled compiled = compile(policies);
  Scene scene;
  Evaluation found = compiled.rules.evaluate(scene.context());
  EXPECT_EQ(found.matched.size(), 65U);
  EXPECT_EQ(found.rules.size(), 32U);
  EXPECT_EQ(found.rules_not_shown, 98U);
  EXPECT_TRUE(std::all_of(found.rules.begin(), found.rules.end(), [](const auto& rule) { return rule.matched; }));
}

TEST(Evaluate, AnswersWithNothingWhereThereIsNothing) {
  Scene scene;
  EXPECT_TRUE(Rules().evaluate(scene.context()).rules.empty());
  Compiled compiled = compile({acting("a")});
  Context context = scene.context();
  context.finding = nullptr;
  EXPECT_TRUE(compiled.rules.evaluate(context).matched.empty());
  context = scene.context();
  context.labels = nullptr;
  EXPECT_EQ(compiled.rules.evaluate(context).matched.size(), 1U);
}

TEST(Compile, LeavesOutWhatIsBrokenAndSaysWhy) {
  model::Policy bad_when = acting("bad-when");
  bad_when.when = "forecst('a', 5m) > 1";
  bad_when.protect = true;
  model::Policy idle = acting("idle");
  idle.ladder.clear();
  model::Policy lease = acting("lease");
  lease.ladder[0].lease = 30min;
  model::Policy verb = acting("verb");
  verb.ladder[0].verb = static_cast<model::Verb>(200);
  Compiled compiled = compile({verb, bad_when, acting("good"), idle, lease});
  EXPECT_EQ(compiled.problems,
            (std::vector<Problem>{
                {PolicyName("bad-when"),
                 "when: unknown function `forecst`; did you mean `forecast`? (column 1); nothing is protected by it"},
                {PolicyName("idle"), "it has no ladder and protects nothing"},
                {PolicyName("lease"), "ladder step 1: `alert` can not be taken back, so it has no lease"},
                {PolicyName("verb"), "ladder step 1: unknown verb"},
            }));
  EXPECT_EQ(compiled.rules.size(), 1U);
  ASSERT_NE(compiled.rules.find(PolicyName("good")), nullptr);
  EXPECT_EQ(compiled.rules.find(PolicyName("idle")), nullptr);
}

TEST(Compile, TakesNeitherOfTwoThatHaveOneName) {
  model::Policy other = acting("twice");
  other.mode = model::Mode::enforce;
  Compiled compiled = compile({acting("twice"), acting("once"), other});
  EXPECT_EQ(compiled.rules.size(), 1U);
  ASSERT_EQ(compiled.problems.size(), 2U);
  EXPECT_EQ(compiled.problems[0].message, "2 policies have this name, and none of them is taken");
}

}  // namespace
}  // namespace mien::policy
