#include "model/persona.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mien::model {
namespace {

using Map = Value::Map;
using List = Value::List;

Value map(Map members) { return Value(std::move(members)); }
Value extends(List parents, Map rest = {}) {
  rest.emplace("extends", Value(std::move(parents)));
  return Value(std::move(rest));
}
// spec: drift.depart = x
Value depart(Value x, Map rest = {}) {
  rest.emplace("drift", map({{"depart", std::move(x)}}));
  return Value(std::move(rest));
}

struct Catalogue {
  std::map<std::string, Value, std::less<>> specs;
  [[nodiscard]] Result<Value> merged(const std::string& name) const {
    PersonaSource source;
    source.find = [this](std::string_view wanted) {
      auto found = specs.find(wanted);
      return found == specs.end() ? nullptr : &found->second;
    };
    for (const auto& [each, unused] : specs) source.names.push_back(each);
    return merge_persona(PersonaName(name), specs.at(name), source);
  }
};

TEST(MergePersona, TakesWhatItExtendsAndKeepsItsOwnWord) {
  Catalogue all{{{"base", map({{"drift", map({{"depart", Value(1)}, {"false_alarms", Value("1/week")}})}})},
                 {"child", extends({"base"}, {{"drift", map({{"depart", Value(2)}})}})}}};
  auto merged = all.merged("child");
  ASSERT_TRUE(merged) << merged.error().to_string();
  EXPECT_EQ(*merged, map({{"drift", map({{"depart", Value(2)}, {"false_alarms", Value("1/week")}})}}));
}

TEST(MergePersona, NamesBothParentsThatContradictEachOther) {
  Catalogue all{{{"a", depart(1)}, {"b", depart(2)}, {"child", extends({"a", "b"})}}};
  auto refused = all.merged("child");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().to_string(),
            "/drift/depart: a says `1` and b says `2` for /drift/depart; say which one you mean in the persona that "
            "extends both");
}

TEST(MergePersona, LetsTheChildSettleAContradiction) {
  Catalogue all{
      {{"a", depart(1)}, {"b", depart(2)}, {"child", extends({"a", "b"}, {{"drift", map({{"depart", Value(3)}})}})}}};
  auto merged = all.merged("child");
  ASSERT_TRUE(merged) << merged.error().to_string();
  EXPECT_EQ(*merged, depart(3));
}

TEST(MergePersona, PrefersAParentThatOverrodeTheCommonAncestor) {
  Catalogue all{{{"base", depart(1)},
                 {"plain", extends({"base"})},
                 {"strict", extends({"base"}, {{"drift", map({{"depart", Value(9)}})}})},
                 {"one", extends({"plain", "strict"})},
                 {"two", extends({"strict", "plain"})}}};
  for (const char* name : {"one", "two"}) {
    auto merged = all.merged(name);
    ASSERT_TRUE(merged) << merged.error().to_string();
    EXPECT_EQ(*merged, depart(9)) << name;
  }
}

TEST(MergePersona, UnitesLists) {
  auto allow = [](List items) {
    return map({{"security", map({{"users", map({{"allow", Value(std::move(items))}})}})}});
  };
  Catalogue all{{{"a", allow({"root", "deploy"})}, {"b", allow({"deploy", "backup"})}, {"child", extends({"a", "b"})}}};
  all.specs["child"].map()->emplace("security", *allow({"root", "me"}).find("security"));
  auto merged = all.merged("child");
  ASSERT_TRUE(merged) << merged.error().to_string();
  EXPECT_EQ(*merged, allow({"root", "deploy", "backup", "me"}));
}

TEST(MergePersona, TakesAnInheritedKeyAwayByNull) {
  Catalogue all{{{"a", depart(1)}, {"child", extends({"a"}, {{"drift", map({{"depart", Value()}})}})}}};
  EXPECT_EQ(*all.merged("child"), map({{"drift", map({})}}));
}

TEST(MergePersona, ReplacesADistributionAsAWhole) {
  auto behavior = [](Map metric) { return map({{"m", Value(std::move(metric))}}); };
  Catalogue all{
      {{"a", map({{"behavior", behavior({{"distribution", "normal"}, {"mean", 1}, {"stddev", 2}, {"peak", 5}})}})},
       {"child", extends({"a"}, {{"behavior", behavior({{"distribution", "constant"}, {"value", 3}})}})}}};
  EXPECT_EQ(*all.merged("child"),
            map({{"behavior", behavior({{"distribution", "constant"}, {"value", 3}, {"peak", 5}})}}));
}

TEST(MergePersona, DoesNotInheritWhenItsParentApplies) {
  Catalogue all{
      {{"a", map({{"activation", Value(List{map({{"when", "load.cpu > 0.5"}})})}})}, {"child", extends({"a"})}}};
  EXPECT_EQ(*all.merged("child"), map({}));
  EXPECT_EQ(*all.merged("a"), all.specs["a"]);
}

TEST(MergePersona, RefusesACircleAndShowsIt) {
  Catalogue all{{{"a", extends({"b"})}, {"b", extends({"c"})}, {"c", extends({"a"})}}};
  auto refused = all.merged("a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "personas extend each other in a circle: a -> b -> c -> a; take one of them out");
}

TEST(MergePersona, SuggestsTheParentThatWasMeant) {
  Catalogue all{{{"linux-server", map({})}, {"child", extends({"linux-sever"})}}};
  auto refused = all.merged("child");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::not_found);
  EXPECT_EQ(refused.error().message,
            "persona child extends linux-sever, which does not exist; did you mean linux-server?");
}

TEST(MergePersona, StaysCheapWhereEveryLevelHasTwoPaths) {
  Catalogue all{{{"p0", depart(1)}}};
  for (int i = 1; i < 14; ++i) {
    std::string below = std::to_string(i - 1);
    all.specs["q" + std::to_string(i)] = extends({Value("p" + below)});
    all.specs["p" + std::to_string(i)] =
        i == 1 ? extends({"p0", "q1"}) : extends({Value("p" + below), Value("q" + below)});
  }
  auto merged = all.merged("p13");
  ASSERT_TRUE(merged) << merged.error().to_string();
  EXPECT_EQ(*merged, depart(1));
}

TEST(MergePersona, StatesItsLimits) {
  Catalogue deep;
  deep.specs["p0"] = map({});
  for (int i = 1; i < 20; ++i) deep.specs["p" + std::to_string(i)] = extends({Value("p" + std::to_string(i - 1))});
  EXPECT_TRUE(deep.merged("p15"));
  EXPECT_FALSE(deep.merged("p16"));
  List many;
  for (int i = 0; i < 17; ++i) many.emplace_back("p" + std::to_string(i));
  deep.specs["wide"] = extends(many);
  EXPECT_FALSE(deep.merged("wide"));
  deep.specs["twice"] = extends({"p0", "p0"});
  EXPECT_FALSE(deep.merged("twice"));
}

Result<Expectation> compiled(Value spec) { return compile_expectation(PersonaName("p"), 4, spec); }

TEST(CompileExpectation, GivesValuesInTheUnitOfTheMetric) {
  auto expectation = compiled(
      map({{"behavior",
            map({{"system.cpu.utilization", map({{"distribution", "normal"}, {"mean", "35%"}, {"stddev", 0.1}})},
                 {"system.disk.io", map({{"read_write_ratio", 4}, {"peak", "150MB/s"}})},
                 {"system.network.io", map({{"peak", "8Mbit"}})},
                 {"boring", map({{"ignore", true}})}})},
           {"drift", map({{"false_alarms", "2/day"},
                          {"depart", 2},
                          {"weights", map({{"security", 5}})},
                          {"limits", map({{"system.memory.utilization", map({{"max", "95%"}, {"over", "5m"}})},
                                          {"system.disk.io", map({{"change", "+50%"}, {"over", "1h"}})}})}})}}));
  ASSERT_TRUE(expectation) << expectation.error().to_string();
  EXPECT_EQ(expectation->persona.value, "p");
  EXPECT_EQ(expectation->generation, 4U);
  EXPECT_EQ(expectation->metrics["system.cpu.utilization"].distribution,
            (DeclaredDistribution{.kind = DistributionKind::normal, .a = 0.35, .b = 0.1}));
  EXPECT_EQ(expectation->metrics["system.disk.io"].peak, 150e6);
  EXPECT_EQ(expectation->metrics["system.disk.io"].read_write_ratio, 4);
  EXPECT_EQ(expectation->metrics["system.network.io"].peak, 1e6);
  EXPECT_TRUE(expectation->metrics["boring"].ignore);
  EXPECT_EQ(expectation->metrics["system.memory.utilization"].limit->max, 0.95);
  EXPECT_EQ(expectation->metrics["system.memory.utilization"].limit->over, 5min);
  EXPECT_EQ(expectation->metrics["system.disk.io"].limit->change, 0.5);
  EXPECT_EQ(expectation->false_alarms_per_week, 14);
  EXPECT_EQ(expectation->depart.value, 2);
  EXPECT_EQ(expectation->weights["security"], 5);
}

TEST(CompileExpectation, TurnsALognormalsMeanIntoThatOfItsLogarithm) {
  auto expectation =
      compiled(map({{"behavior", map({{"m", map({{"distribution", "lognormal"}, {"mean", 10}, {"stddev", 5}})}})}}));
  ASSERT_TRUE(expectation) << expectation.error().to_string();
  DeclaredDistribution found = *expectation->metrics["m"].distribution;
  // The moments of the lognormal, the other way round.
  EXPECT_NEAR(std::exp(found.a + found.b * found.b / 2), 10, 1e-9);
  EXPECT_NEAR(std::sqrt(std::exp(found.b * found.b) - 1) * 10, 5, 1e-9);
}

TEST(CompileExpectation, SaysWhereItDoesNotMakeSense) {
  auto where = [](Map metric) {
    auto refused = compiled(map({{"behavior", map({{"m", Value(std::move(metric))}})}}));
    return refused ? std::string("taken") : refused.error().where;
  };
  EXPECT_EQ(where({{"distribution", "normal"}, {"mean", 1}}), "/behavior/m");
  EXPECT_EQ(where({{"distribution", "normal"}, {"mean", 1}, {"stddev", 0}}), "/behavior/m/stddev");
  EXPECT_EQ(where({{"distribution", "uniform"}, {"min", 2}, {"max", 1}}), "/behavior/m/min");
  EXPECT_EQ(where({{"distribution", "lognormal"}, {"mean", -1}, {"stddev", 1}}), "/behavior/m/mean");
  EXPECT_EQ(where({{"distribution", "bell"}}), "/behavior/m/distribution");
  EXPECT_EQ(where({{"peak", "fast"}}), "/behavior/m/peak");
  EXPECT_FALSE(compiled(map({{"drift", map({{"false_alarms", "0/week"}})}})));
  EXPECT_FALSE(compiled(map({{"drift", map({{"limits", map({{"m", map({{"min", 2}, {"max", 1}})}})}})}})));
}

TEST(CompileExpectation, OfNothingIsTheDefault) {
  auto expectation = compiled(map({}));
  ASSERT_TRUE(expectation);
  EXPECT_TRUE(expectation->metrics.empty());
  EXPECT_EQ(expectation->false_alarms_per_week, 1);
  EXPECT_EQ(expectation->depart.value, 1);
}

TEST(PoolSpec, SaysWhoIsAMember) {
  auto pool = parse_pool_spec(map({{"selector", map({{"role", "web"}})},
                                   {"personas", Value(List{"web-frontend"})},
                                   {"size", map({{"min", 2}, {"max", 12}})}}));
  ASSERT_TRUE(pool) << pool.error().to_string();
  EXPECT_EQ(pool->personas.front().value, "web-frontend");
  EXPECT_EQ(pool->max, 12U);
  EXPECT_TRUE(matches(pool->selector, {{"role", "web"}, {"tier", "front"}}));
  EXPECT_FALSE(matches(pool->selector, {{"role", "db"}}));
  EXPECT_FALSE(matches({}, {{"role", "db"}}));
}

TEST(InstanceSpec, KeepsTheOrderOfItsPersonas) {
  auto spec = parse_instance_spec(map({{"pool", "web"}, {"personas", Value(List{"nightly-backup", "web-frontend"})}}));
  ASSERT_TRUE(spec);
  EXPECT_EQ(*spec, (InstanceSpec{.pool = PoolName("web"),
                                 .personas = {PersonaName("nightly-backup"), PersonaName("web-frontend")}}));
}

TEST(Activation, IsReadWithItsDurations) {
  auto rules = parse_activation(
      map({{"activation", Value(List{map({{"when", "load.cpu > 0.6"}, {"for", "5m"}, {"lead", "10m"}})})}}));
  ASSERT_TRUE(rules) << rules.error().to_string();
  EXPECT_EQ(*rules,
            (std::vector<ActivationRule>{{.when = "load.cpu > 0.6", .for_ = 5min, .dwell = {}, .lead = 10min}}));
}

TEST(CompileExpectation, TakesTheSecurityListsAndTheLimitOnUpdatesThatWait) {
  auto security = compiled(map({{"security", map({{"executables", map({{"allow", Value(List{Value("/usr/bin/*")})},
                                                                       {"deny", Value(List{Value("/tmp/**")})}})},
                                                  {"listen", map({{"allow", Value(List{Value("tcp/443")})}})},
                                                  {"files", map({{"deny_write", Value(List{Value("/etc/**")})},
                                                                 {"deny_read", Value(List{Value("/etc/shadow")})}})},
                                                  {"users", map({{"deny", Value(List{Value("guest")})}})},
                                                  {"pending_security_updates", map({{"max", Value(10)}})}})}}));
  ASSERT_TRUE(security.ok()) << security.error().to_string();
  EXPECT_EQ(security->security.executables, (AllowDeny{.allow = {"/usr/bin/*"}, .deny = {"/tmp/**"}}));
  EXPECT_EQ(security->security.listen.allow, std::vector<std::string>{"tcp/443"});
  EXPECT_EQ(security->security.deny_write, std::vector<std::string>{"/etc/**"});
  EXPECT_EQ(security->security.deny_read, std::vector<std::string>{"/etc/shadow"});
  EXPECT_EQ(security->security.users.deny, std::vector<std::string>{"guest"});
  const std::optional<Limit>& limit = security->metrics.at("mien.pending_security_updates").limit;
  ASSERT_TRUE(limit.has_value());
  EXPECT_EQ(limit->max, 10);
}

}  // namespace
}  // namespace mien::model
