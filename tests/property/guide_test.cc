// What docs/guide/write-a-policy.md shows is taken as it stands there: every resource, every expression, every default.
// rooms: wire policy model
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/text_quantity.h"
#include "policy/policy.h"
#include "wire/yaml.h"

namespace mien {
namespace {

std::string page() {
  std::ifstream file(MIEN_GUIDE_DIR "/write-a-policy.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The indented blocks of a page, without their indentation.
std::vector<std::string> blocks_of(const std::string& text) {
  std::vector<std::string> out;
  bool inside = false;
  for (std::string_view line : split(text, '\n')) {
    bool indented = line.starts_with("    ");
    if (indented && !inside) out.emplace_back();
    if (indented) out.back() += cat(line.substr(4), "\n");
    inside = indented;
  }
  return out;
}

TEST(WriteAPolicy, ShowsPoliciesThatAreTakenAsTheyStand) {
  std::vector<model::Policy> policies;
  for (const std::string& block : blocks_of(page())) {
    if (!block.starts_with("apiVersion:")) continue;
    wire::ParsedResources parsed = wire::parse_resources(block, "write-a-policy.md");
    EXPECT_TRUE(parsed.diagnostics.empty()) << wire::render(parsed.diagnostics, wire::Colour::never);
    ASSERT_EQ(parsed.resources.size(), 1U) << block;
    const model::Resource& resource = parsed.resources[0].resource;
    auto policy = model::parse_policy(PolicyName(resource.metadata.name), 1, resource.spec);
    ASSERT_TRUE(policy) << policy.error().to_string();
    policies.push_back(*policy);
  }
  EXPECT_EQ(policies.size(), 3U);
  policy::Compiled compiled = policy::compile(policies);
  EXPECT_TRUE(compiled.problems.empty());
  EXPECT_EQ(compiled.rules.size(), policies.size());
}

TEST(WriteAPolicy, ShowsConditionsThatAreRead) {
  std::size_t count = 0;
  for (const std::string& block : blocks_of(page())) {
    if (!block.starts_with("when:")) continue;
    for (std::string_view line : split(trim(block), '\n')) {
      auto tree = wire::parse_yaml(line, "write-a-policy.md");
      ASSERT_TRUE(tree) << line;
      const model::Value* when = tree->find("when");
      ASSERT_TRUE(when && when->text()) << line;
      auto parsed = policy::Expression::parse(*when->text());
      EXPECT_TRUE(parsed) << line << ": " << parsed.error().to_string();
      ++count;
    }
  }
  EXPECT_EQ(count, 5U);
}

TEST(WriteAPolicy, NamesTheDefaultsThatHold) {
  std::string text = page();
  model::Guards guards;
  auto duration = [](Duration d) {
    return model::to_text(
        model::TextQuantity{.dimension = model::Dimension::duration, .value = to_seconds(d), .per = {}});
  };
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"budget", cat("{actions: ", guards.budget.actions, ", per: ", duration(guards.budget.per), "}")},
           {"max_unavailable", std::to_string(guards.unavailable_count)},
           {"cooldown", duration(guards.cooldown)},
           {"settle", duration(guards.settle)},
           {"dwell", duration(guards.dwell)},
           {"approve_within", duration(guards.approve_within)},
           {"repeats", std::to_string(guards.repeats)}}) {
    EXPECT_NE(text.find(cat("| `", key, "` | `", value, "` |")), std::string::npos) << key << ": " << value;
    // The schema says the same.
    std::string wanted = key == "budget" ? cat(guards.budget.actions, " in ", duration(guards.budget.per)) : value;
    const model::SchemaNode* node = model::schema_of(model::ResourceKind::policy).child("guards")->child(key);
    ASSERT_NE(node, nullptr) << key;
    EXPECT_EQ(node->otherwise, wanted) << key;
  }
  EXPECT_NE(text.find(cat("`lease`, ", duration(model::default_lease), " when nothing is said")), std::string::npos);
}

}  // namespace
}  // namespace mien
