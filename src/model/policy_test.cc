#include "model/policy.h"

#include <gtest/gtest.h>

#include "model/action.h"
#include "model/decision.h"
#include "model/validate.h"

namespace mien::model {
namespace {

using Map = Value::Map;
using List = Value::List;

Value map(Map members) { return Value(std::move(members)); }
Value list(List items) { return Value(std::move(items)); }
Value ladder(Map step) { return list({map(std::move(step))}); }
const Value an_alert = ladder({{"do", Value("alert")}});

Result<Policy> parse(Map spec) { return parse_policy(PolicyName("p"), 7, Value(std::move(spec))); }
std::string complaint(Map spec) {
  auto parsed = parse(std::move(spec));
  return parsed ? "read" : parsed.error().to_string();
}
// What the schema and its rules say, as `pointer: message`.
std::string said(Map spec) {
  std::string out;
  for (const Diagnostic& each : validate_spec(ResourceKind::policy, "p", Value(std::move(spec))))
    out += each.pointer + ": " + each.message + "\n";
  return out;
}

TEST(ParsePolicy, HasEveryGuardOnWhenNothingIsSaid) {
  auto policy = parse({{"ladder", an_alert}});
  ASSERT_TRUE(policy) << policy.error().to_string();
  EXPECT_EQ(policy->name.value, "p");
  EXPECT_EQ(policy->generation, 7U);
  EXPECT_EQ(policy->mode, Mode::observe);
  EXPECT_EQ(policy->guards, Guards{});
  EXPECT_EQ(policy->match, PolicyMatch{});
  EXPECT_FALSE(policy->protect);
}

TEST(ParsePolicy, ReadsAllThatCanBeWritten) {
  Map spec{{"mode", Value("enforce")},
           {"priority", Value(-3)},
           {"when", Value("load.cpu > 0.6")},
           {"match", map({{"pools", list({Value("web")})},
                          {"kinds", list({Value("spike"), Value("silence")})},
                          {"labels", map({{"tier", Value("front")}})},
                          {"metrics", list({Value("system.cpu.utilization")})},
                          {"severity", Value("high")},
                          {"confidence", Value("99%")}})},
           {"ladder", list({map({{"do", Value("limit")},
                                 {"with", map({{"cpu", Value("50%")}, {"pids", Value(512)}})},
                                 {"lease", Value("10m")}}),
                            map({{"do", Value("configure")},
                                 {"with", map({{"net.core.somaxconn", Value(4096)}, {"vm.swappiness", Value(0.5)}})}}),
                            map({{"do", Value("replace")}})})},
           {"guards", map({{"budget", map({{"actions", Value(2)}, {"per", Value("2h")}})},
                           {"max_unavailable", Value("20%")},
                           {"cooldown", Value("15m")},
                           {"settle", Value("3m")},
                           {"dwell", Value("0s")},
                           {"approve_within", Value("1d")},
                           {"repeats", Value(0)},
                           {"approval", map({{"required_for", list({Value("replace")})}})}})}};
  EXPECT_EQ(said(spec), "");
  auto policy = parse(spec);
  ASSERT_TRUE(policy) << policy.error().to_string();
  EXPECT_EQ(policy->mode, Mode::enforce);
  EXPECT_EQ(policy->priority, -3);
  EXPECT_EQ(policy->when, "load.cpu > 0.6");
  EXPECT_EQ(policy->match.kinds, (std::set<FindingKind>{FindingKind::spike, FindingKind::silence}));
  EXPECT_EQ(policy->match.severity, Severity::high);
  EXPECT_EQ(policy->match.confidence, 0.99);
  ASSERT_EQ(policy->ladder.size(), 3U);
  EXPECT_EQ(policy->ladder[0].with, (Arguments{{"cpu", "50%"}, {"pids", "512"}}));
  EXPECT_EQ(policy->ladder[0].lease, 10min);
  EXPECT_EQ(policy->ladder[1].with, (Arguments{{"net.core.somaxconn", "4096"}, {"vm.swappiness", "0.5"}}));
  EXPECT_EQ(policy->ladder[1].lease, default_lease);
  EXPECT_EQ(policy->ladder[2].lease, Duration{0});
  EXPECT_EQ(policy->guards.budget, (Budget{.actions = 2, .per = 2h}));
  EXPECT_EQ(policy->guards.unavailable_share, 0.2);
  EXPECT_EQ(policy->guards.dwell, Duration{0});
  EXPECT_EQ(policy->guards.approve_within, 24h);
  EXPECT_EQ(policy->guards.repeats, 0U);
  EXPECT_EQ(policy->guards.approval, std::set<Verb>{Verb::replace});
}

TEST(ParsePolicy, NeedsNothingToDoWhenItProtects) {
  auto policy = parse({{"protect", Value(true)}});
  ASSERT_TRUE(policy) << policy.error().to_string();
  EXPECT_TRUE(policy->protect);
  EXPECT_EQ(said({{"protect", Value(true)}}), "");
  EXPECT_EQ(said({{"protect", Value(true)}, {"ladder", an_alert}}),
            "/ladder: a protecting policy does nothing: its ladder is not used\n");
  EXPECT_EQ(said({}), ": `ladder` is missing: the policy has nothing to do\n");
  EXPECT_EQ(complaint({}), "/ladder: a policy needs a `ladder`, or `protect: true`");
}

TEST(ParsePolicy, RefusesALeaseOnWhatCanNotBeTakenBack) {
  Map spec{{"ladder", ladder({{"do", Value("replace")}, {"lease", Value("5m")}})}};
  EXPECT_EQ(said(spec), "/ladder/0/lease: `replace` can not be taken back, so it has no lease\n");
  EXPECT_EQ(complaint(spec), "/ladder/0/lease: `replace` can not be taken back, so it has no lease");
  Map no_time{
      {"ladder", ladder({{"do", Value("limit")}, {"with", map({{"cpu", Value("50%")}})}, {"lease", Value("0s")}})}};
  EXPECT_EQ(said(no_time), "/ladder/0/lease: `lease` of no time makes no sense\n");
}

TEST(ParsePolicy, RefusesStepsThatDoNotSayWhatToChange) {
  EXPECT_EQ(said({{"ladder", ladder({{"do", Value("limit")}, {"with", map({{"target", Value("instance")}})}})}}),
            "/ladder/0: `limit` does not say what to limit\n");
  EXPECT_EQ(said({{"ladder", ladder({{"do", Value("configure")}})}}),
            "/ladder/0: `configure` does not say what to configure\n");
}

TEST(ParsePolicy, RefusesFiguresThatMakeNoSense) {
  auto guards = [](Map members) { return Map{{"ladder", an_alert}, {"guards", map(std::move(members))}}; };
  EXPECT_NE(said(guards({{"max_unavailable", Value(1.5)}})), "");
  EXPECT_NE(complaint(guards({{"max_unavailable", Value(1.5)}})), "read");
  EXPECT_NE(said(guards({{"max_unavailable", Value("120%")}})), "");
  EXPECT_NE(complaint(guards({{"max_unavailable", Value("120%")}})), "read");
  EXPECT_NE(said(guards({{"repeats", Value(1001)}})), "");
  EXPECT_NE(said(guards({{"budget", map({{"actions", Value(1)}, {"per", Value("0s")}})}})), "");
  EXPECT_NE(complaint(guards({{"budget", map({{"actions", Value(1)}, {"per", Value("0s")}})}})), "read");
  EXPECT_NE(said({{"ladder", an_alert}, {"match", map({{"confidence", Value(2)}})}}), "");
  EXPECT_NE(complaint({{"ladder", an_alert}, {"match", map({{"confidence", Value(2)}})}}), "read");
}

TEST(ParsePolicy, ReadsANumberOfMembersThatMayBeMissing) {
  auto policy = parse({{"ladder", an_alert}, {"guards", map({{"max_unavailable", Value(2)}})}});
  ASSERT_TRUE(policy) << policy.error().to_string();
  EXPECT_EQ(policy->guards.unavailable_count, 2U);
  EXPECT_EQ(policy->guards.unavailable_share, std::nullopt);
}

TEST(Verbs, ReadBackFromTheirTexts) {
  for (const SchemaNode& each : verb_schemas()) {
    auto verb = parse_verb(each.key);
    ASSERT_TRUE(verb) << each.key;
    EXPECT_EQ(to_text(*verb), each.key);
  }
  EXPECT_EQ(parse_verb("explode"), std::nullopt);
}

TEST(Verbs, SayWhatTheyCostAPool) {
  auto costs = [](Verb verb, Arguments with = {}) {
    return makes_unavailable({.verb = verb, .with = std::move(with), .lease = {}});
  };
  EXPECT_FALSE(costs(Verb::limit, {{"cpu", "50%"}}));
  EXPECT_FALSE(costs(Verb::limit, {{"cpu", "50%"}, {"target", "offender"}}));
  EXPECT_TRUE(costs(Verb::limit, {{"cpu", "50%"}, {"target", "instance"}}));
  EXPECT_FALSE(costs(Verb::scale, {{"cpu", "+50%"}}));
  EXPECT_TRUE(costs(Verb::scale, {{"memory", "-50%"}}));
  EXPECT_TRUE(costs(Verb::scale_pool, {{"by", "-1"}}));
  EXPECT_FALSE(costs(Verb::scale_pool, {{"by", "1"}}));
  EXPECT_TRUE(costs(Verb::lockdown, {{"level", "egress"}}));
  EXPECT_TRUE(costs(Verb::soft_reset));
  EXPECT_FALSE(costs(Verb::alert));
}

TEST(Actions, AreFinishedWhenNothingMoreWillBeDoneAboutThem) {
  for (ActionState state : {ActionState::proposed, ActionState::ordered, ActionState::applied, ActionState::reverting})
    EXPECT_FALSE(is_finished(state)) << to_text(state);
  for (ActionState state : {ActionState::reverted, ActionState::conflicted, ActionState::failed, ActionState::rejected,
                            ActionState::lapsed, ActionState::done})
    EXPECT_TRUE(is_finished(state)) << to_text(state);
}

TEST(Actions, HaveATextForEveryWordTheyUse) {
  EXPECT_EQ(to_text(Outcome::protected_), "protected");
  EXPECT_EQ(to_text(EndReason::agent_ended), "agent_ended");
  EXPECT_EQ(to_text(EffectVerdict::no_effect), "no_effect");
  EXPECT_EQ(to_text(static_cast<ActionState>(99)), "unknown");
}

}  // namespace
}  // namespace mien::model
