#include "wire/identity.h"

#include <gtest/gtest.h>

namespace mien::wire {
namespace {

IdentityRules trusted(std::string agent) { return {.trusted = true, .agent = std::move(agent)}; }

TEST(identity, an_agent_names_its_instances_itself) {
  Result<Identity> identity = identify({{"mien.instance", "nginx.service@web-01"},
                                        {"mien.type", "service"},
                                        {"mien.parent", "web-01"},
                                        {"host.id", "abc"},
                                        {"whatever", "it sends"}},
                                       trusted("web-01"));
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity->instance.value, "nginx.service@web-01");
  EXPECT_EQ(identity->type, model::InstanceType::service);
  EXPECT_EQ(identity->parent.value, "web-01");
  EXPECT_TRUE(identity->marked);
  EXPECT_EQ(identity->identities, (std::map<std::string, std::string>{{"host.id", "abc"}, {"whatever", "it sends"}}));
}

TEST(identity, an_outsider_can_not_take_an_agents_place_by_its_marks) {
  model::Attributes resource{{"mien.instance", "web-01"}, {"host.name", "mallory"}};
  EXPECT_EQ(identify(resource, {.agent = {}})->instance.value, "mallory");
  EXPECT_FALSE(identify({{"mien.instance", "web-01"}}, {.agent = {}}).ok());
}

TEST(identity, of_an_outsider_only_known_identities_are_kept) {
  Result<Identity> identity =
      identify({{"host.id", "h"}, {"host.name", "n"}, {"process.command_line", "secret"}}, {.agent = {}});
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity->identities, (std::map<std::string, std::string>{{"host.id", "h"}, {"host.name", "n"}}));
}

TEST(identity, names_that_could_not_be_shown_are_refused) {
  EXPECT_FALSE(identify({{"host.name", "a\nb"}}, {.agent = {}}).ok());
  EXPECT_FALSE(identify({{"host.name", std::string(256, 'a')}}, {.agent = {}}).ok());
  EXPECT_FALSE(identify({{"host.name", "\xff\xfe"}}, {.agent = {}}).ok());
  EXPECT_FALSE(identify({{"mien.instance", ""}}, trusted("a")).ok());
  EXPECT_FALSE(identify({{"mien.instance", "a"}, {"mien.type", "toaster"}}, trusted("a")).ok());
  EXPECT_TRUE(identify({{"host.name", std::string(255, 'a')}}, {.agent = {}}).ok());
}

}  // namespace
}  // namespace mien::wire
