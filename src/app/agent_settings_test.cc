#include "app/agent_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/lease_keeper.h"

namespace mien::app {
namespace {

using model::Verb;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::string wrong(std::string_view text) {
  Result<AgentSettings> read = parse_agent_settings(text, "agent.yaml");
  return read ? "" : read.error().to_string();
}

TEST(agent_settings, nothing_is_allowed_by_default) {
  Result<AgentSettings> empty = parse_agent_settings("", "agent.yaml");
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->allow.empty());
  EXPECT_EQ(empty->never_touch, node::default_never_touch());
}

TEST(agent_settings, allows_what_is_written_and_adds_to_what_is_never_touched) {
  Result<AgentSettings> read =
      parse_agent_settings("allow: [limit, prioritize]\nnever_touch: [\"postgresql*\"]\n", "agent.yaml");
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  EXPECT_EQ(read->allow, (std::set{Verb::limit, Verb::prioritize}));
  EXPECT_THAT(read->never_touch, IsSupersetOf(node::default_never_touch()));
  EXPECT_THAT(read->never_touch, Contains("postgresql*"));
  EXPECT_TRUE(parse_agent_settings("allow:\nnever_touch: []\n", "agent.yaml").ok());
}

TEST(agent_settings, says_what_was_meant) {
  EXPECT_THAT(wrong("allow: [limt]"), HasSubstr("there is no verb `limt`: did you mean `limit`?"));
  EXPECT_THAT(wrong("allow: [make_coffee]"), HasSubstr("known are scale, limit"));
  EXPECT_THAT(wrong("allow: [alert]"), HasSubstr("needs no permission"));
  EXPECT_THAT(wrong("alow: [limit]"), HasSubstr("did you mean `allow`?"));
  EXPECT_THAT(wrong("allow: limit"), HasSubstr("a list belongs here, like [limit, prioritize]"));
  EXPECT_THAT(wrong("allow: [1]"), HasSubstr("a list of texts"));
  EXPECT_THAT(wrong("never_touch: [\"\"]"), HasSubstr("a pattern has 1 to 256 bytes"));
  EXPECT_THAT(wrong("- allow"), HasSubstr("settings are a map"));
  EXPECT_THAT(wrong("allow: [limit"), HasSubstr("agent.yaml"));
}

TEST(agent_settings, the_command_line_stands_for_the_files_list) {
  AgentSettings settings = *parse_agent_settings("allow: [limit]", "agent.yaml");
  ASSERT_TRUE(allow_instead(settings, {}).ok());
  EXPECT_EQ(settings.allow, std::set{Verb::limit});
  ASSERT_TRUE(allow_instead(settings, {"prioritize"}).ok());
  EXPECT_EQ(settings.allow, std::set{Verb::prioritize});
  Status status = allow_instead(settings, {"lockdwon"});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().to_string(), HasSubstr("did you mean `lockdown`?"));
}

TEST(agent_settings, a_file_that_was_named_must_be_there) {
  EXPECT_EQ(load_agent_settings("/nowhere/agent.yaml").error().code, Code::not_found);
}

TEST(agent_settings, say_what_the_sensors_see) {
  EXPECT_EQ(parse_agent_settings("", "agent.yaml")->collect, edge::SenseSettings{});
  Result<AgentSettings> read = parse_agent_settings(
      "collect: {ebpf: false, writes_below: [/srv], reads_of: [/srv/key*], users: pseudonym, libvirt: off}\n",
      "agent.yaml");
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  EXPECT_TRUE(read->collect.sensors);
  EXPECT_FALSE(read->collect.ebpf);
  EXPECT_EQ(read->collect.writes_below, std::vector<std::string>{"/srv"});
  EXPECT_EQ(read->collect.libvirt, "off");
  EXPECT_TRUE(read->collect.pseudonyms);
  EXPECT_EQ(read->collect.reads_of, std::vector<std::string>{"/srv/key*"});
  EXPECT_THAT(wrong("collect: {ebfp: false}"), HasSubstr("did you mean `ebpf`?"));
  EXPECT_THAT(wrong("collect: {ebpf: maybe}"), HasSubstr("true or false belongs here"));
  EXPECT_THAT(wrong("collect: {writes_below: [etc]}"), HasSubstr("`etc` is no path"));
  EXPECT_THAT(wrong("collect: {users: numbers}"), HasSubstr("name or pseudonym"));
  EXPECT_THAT(wrong("collect: {libvirt: true}"), HasSubstr("qemu:///system"));
  EXPECT_THAT(wrong("collect: [ebpf]"), HasSubstr("a map belongs here"));
}

TEST(agent_settings, say_what_the_agent_may_cost) {
  Result<AgentSettings> read = parse_agent_settings("budget: {cpu: 5%, memory: 40MiB}\n", "agent.yaml");
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  EXPECT_DOUBLE_EQ(read->budget.cpu.value, 0.05);
  EXPECT_EQ(read->budget.memory, Bytes{40U << 20U});
  EXPECT_THAT(wrong("budget: {cpu: 0%}"), HasSubstr("0.1% to 400%"));
  EXPECT_THAT(wrong("budget: {memory: 1kB}"), HasSubstr("16MiB to 4GB"));
  EXPECT_THAT(wrong("budget: {memry: 40MiB}"), HasSubstr("did you mean `memory`?"));
}

}  // namespace
}  // namespace mien::app
