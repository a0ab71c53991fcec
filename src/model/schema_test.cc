#include "model/schema.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "model/validate.h"

namespace mien::model {
namespace {

// Every node of the schema of every kind, with its path.
void walk(const SchemaNode& node, const std::string& path,
          const std::function<void(const SchemaNode&, const std::string&)>& visit) {
  visit(node, path);
  for (const SchemaNode& each : node.children) walk(each, path + "." + std::string(each.key), visit);
}

void walk_all(const std::function<void(const SchemaNode&, const std::string&)>& visit) {
  for (int kind = 0; kind < 5; ++kind)
    walk(schema_of(static_cast<ResourceKind>(kind)), std::string(to_text(static_cast<ResourceKind>(kind))), visit);
  for (const SchemaNode& verb : verb_schemas()) walk(verb, "verb." + std::string(verb.key), visit);
}

TEST(Schema, DescribesEveryKey) {
  walk_all([](const SchemaNode& node, const std::string& path) {
    EXPECT_FALSE(node.description.empty()) << path;
    EXPECT_EQ(node.type == SchemaType::list || node.type == SchemaType::table,
              node.children.size() == 1 && node.children[0].key == "*")
        << path;
    EXPECT_EQ(node.type == SchemaType::choice, !node.allowed.empty()) << path;
    EXPECT_EQ(node.type == SchemaType::quantity, node.dimensions.bits != 0) << path;
  });
}

TEST(Schema, GivesExamplesThatItTakesItself) {
  walk_all([](const SchemaNode& node, const std::string& path) {
    if (node.type == SchemaType::quantity) {
      EXPECT_TRUE(parse_quantity(node.example, node.dimensions)) << path << ": " << node.example;
    }
    bool literal = node.type == SchemaType::text && !node.example.empty() && node.example.front() != '"' &&
                   node.format != TextFormat::sha256;
    if (literal) {
      EXPECT_EQ(check_format(node.format, node.example), std::nullopt) << path;
    }
  });
}

TEST(Explain, AnswersForEveryPlaceInTheSchema) {
  for (const char* path :
       {"persona", "instances", "Pool", "policy", "signal", "persona.spec", "persona.metadata.labels",
        "persona.drift.limits.max", "persona.spec.behavior.system.cpu.utilization.mean", "policy.ladder.do",
        "policy.ladder.with", "policy.ladder.with.lockdown.level", "pool.size.min", "persona.activation.when",
        "persona.security.listen.allow"})
    EXPECT_TRUE(explain_schema(path)) << path;
}

TEST(Explain, ReadsLikeAPage) {
  EXPECT_EQ(*explain_schema("persona.drift.limits"), R"(persona.drift.limits
  lines that are never crossed for long, whatever was learned

  type:     map from any key to map
  keys:     OpenTelemetry metric name
  example:  limits: {system.memory.utilization: {max: 95%, over: 5m}}

Each key:
  one metric: at least one of min, max and change

  min     below it is a finding
  max     above it is a finding
  change  changing by more than this is a finding
  over    how long min or max must be passed, or what change is measured against
)");
}

TEST(Explain, SuggestsWhatWasMeant) {
  EXPECT_EQ(explain_schema("persona.drift.limts").error().message,
            "persona.drift has no key `limts`; did you mean `limits`?");
  EXPECT_EQ(explain_schema("persna").error().message, "`persna` is not a kind of resource; did you mean persona?");
  EXPECT_EQ(explain_schema("").error().code, Code::not_found);
  EXPECT_EQ(explain_schema("pool.size.min.more").error().code, Code::not_found);
}

TEST(Names, OfInstancesMayNameAServiceOnAHost) {
  for (std::string_view name :
       {"web-01", "nginx.service@web-01", "10.0.0.1:9100", "system-serial\\x2dgetty.slice@h", "[fd00"})
    EXPECT_EQ(check_name(ResourceKind::instance, name).ok(), name[0] != '[') << name;
  for (std::string_view name : {"Web", "web_1", "web@1", "-web", "web-", "a..b", "", "a/b", "a b"})
    EXPECT_FALSE(check_name(ResourceKind::persona, name)) << name;
  EXPECT_TRUE(check_name(ResourceKind::persona, std::string(253, 'a')));
  EXPECT_FALSE(check_name(ResourceKind::persona, std::string(254, 'a')));
}

TEST(Formats, TakeWhatTheContractWrites) {
  for (std::string_view text : {"tcp/80", "udp/53", "tcp/8000-8100", "unix//run/app.sock", "tcp/*"})
    EXPECT_EQ(check_format(TextFormat::listen, text), std::nullopt) << text;
  for (std::string_view text : {"80", "tcp/0", "tcp/70000", "tcp/90-80", "sctp/1", "tcp/"})
    EXPECT_NE(check_format(TextFormat::listen, text), std::nullopt) << text;
  for (std::string_view text : {"10.0.0.0/8:5432", "db.example.org:443", "[fd00::]/8:*", "*:53"})
    EXPECT_EQ(check_format(TextFormat::connect, text), std::nullopt) << text;
  for (std::string_view text : {"10.0.0.0/33:1", "10.0.0.0", ":80", "a b:80", "10.0.0.1:x"})
    EXPECT_NE(check_format(TextFormat::connect, text), std::nullopt) << text;
  EXPECT_EQ(check_format(TextFormat::expression, "time.in('Mon (a') && (load.cpu > 0.6)"), std::nullopt);
  for (std::string_view text : {"", "(a", "a)", "'open"})
    EXPECT_NE(check_format(TextFormat::expression, text), std::nullopt) << text;
}

TEST(Validation, StatesItsLimits) {
  Value::List many;
  for (std::size_t i = 0; i <= limits::list_items; ++i) many.emplace_back("u" + std::to_string(i));
  Value spec(Value::Map{{"security", Value(Value::Map{{"users", Value(Value::Map{{"allow", Value(many)}})}})}});
  auto found = validate_spec(ResourceKind::persona, "p", spec);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].pointer, "/security/users/allow");

  Value::Map wrong;
  for (int i = 0; i < 500; ++i) wrong.emplace("zzzzzz" + std::to_string(i), Value(1));
  found = validate_spec(ResourceKind::persona, "p", Value(wrong));
  ASSERT_EQ(found.size(), max_diagnostics);
  EXPECT_EQ(found.back().message, "401 more are not shown; mend these first");

  Value large(Value::Map{{"unit", Value(std::string(limits::spec_bytes, 'x'))}, {"value", Value(1)}});
  found = validate_spec(ResourceKind::signal, "s", large);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].suggestion, "split it over several resources");
}

}  // namespace
}  // namespace mien::model
