// The verbs against the real API over a manager that remembers: no socket, no process.
#include "app/testing/verbs_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "app/completion.h"
#include "app/help.h"
#include "app/kinds.h"
#include "base/text.h"

namespace mien::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using Verbs = testing::VerbsBench;

constexpr std::string_view web_persona = R"(apiVersion: mien.dev/v1
kind: Persona
metadata: {name: web}
spec:
  behavior:
    system.cpu.utilization: {distribution: normal, mean: 0.35, stddev: 0.1}
)";

TEST_F(Verbs, without_a_server_the_exit_code_is_5_and_the_error_says_what_to_do) {
  reachable = false;
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"drift"}, {"get", "personas"}, {"backup", directory.path() + "/b"}}) {
    Ran ran = run(line);
    EXPECT_EQ(ran.exit, 5) << line.front();
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("start it with `mien up`"));
  }
}

TEST_F(Verbs, wrong_usage_is_2_and_names_the_nearest_verb) {
  Ran ran = run({"--server", "http://localhost:1", "aply", "-f", "x"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("did you mean `apply`?"));
  EXPECT_EQ(run({}).exit, 2);
  EXPECT_EQ(run({"apply"}).exit, 2);
  EXPECT_EQ(run({"drift", "a", "b"}).exit, 2);
  EXPECT_EQ(run({"drift", "-o", "xml"}).exit, 2);
  EXPECT_EQ(run({"get", "gizmos"}).exit, 2);
  EXPECT_EQ(run({"--server", "ftp://x", "drift"}).exit, 2);
}

TEST_F(Verbs, options_stand_before_or_after_the_verb) {
  EXPECT_EQ(run({"-o", "json", "--server", "http://localhost:7171", "findings"}).exit, 0);
  EXPECT_EQ(run({"findings", "--server", "http://localhost:7171", "-o", "json"}).exit, 0);
  environment["MIEN_SERVER"] = "http://localhost:7272";
  EXPECT_EQ(run({"findings"}).exit, 0);
  EXPECT_EQ(targets.at(0).url, "http://localhost:7171");
  EXPECT_EQ(targets.at(1).url, "http://localhost:7171");
  EXPECT_EQ(targets.at(2).url, "http://localhost:7272");
}

TEST_F(Verbs, json_stands_alone_on_standard_output) {
  Ran ran = run({"findings", "-o", "json"});
  EXPECT_EQ(ran.out, "{\"items\":[],\"next\":null}\n");
  EXPECT_EQ(ran.err, "");
  Ran table = run({"findings"});
  EXPECT_EQ(table.out, "");
  EXPECT_THAT(table.err, HasSubstr("nothing is open"));
}

TEST_F(Verbs, a_token_file_is_sent_encrypted_or_to_this_machine_only) {
  std::string token = file("token", "abc\n");
  EXPECT_EQ(run({"findings", "--token-file", token}).exit, 0);
  Ran ran = run({"findings", "--token-file", token, "--server", "http://manager.example:7070"});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("use https"));
  EXPECT_EQ(run({"findings", "--token-file", directory.path() + "/none"}).exit, 3);
  EXPECT_EQ(run({"findings", "--token-file", file("empty", "\n")}).exit, 2);
  EXPECT_THAT(run({"findings", "--server", "https://manager.example:7070"}).err, HasSubstr("--ca-file"));
}

TEST_F(Verbs, apply_sends_each_resource_and_says_what_became_of_it) {
  Ran ran = run({"apply", "-f", file("web.yaml", web_persona)});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("persona/web "));
  ASSERT_EQ(bench.manager.given.size(), 1U);
}

TEST_F(Verbs, apply_with_an_error_sends_nothing_and_points_at_the_line) {
  std::string text =
      cat(web_persona, "---\napiVersion: mien.dev/v1\nkind: Persona\nmetadata: {name: db}\nspec: {behaviour: {}}\n");
  Ran ran = run({"apply", "-f", file("web.yaml", text)});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("web.yaml:11:"));
  EXPECT_THAT(ran.err, HasSubstr("behavior"));
  EXPECT_TRUE(bench.manager.given.empty());
  EXPECT_EQ(run({"apply", "-f", directory.path() + "/none.yaml"}).exit, 3);
}

TEST_F(Verbs, what_is_not_there_is_3) {
  EXPECT_EQ(run({"get", "persona", "nobody"}).exit, 3);
  EXPECT_EQ(run({"drift", "nobody"}).exit, 3);
  EXPECT_EQ(run({"explain", "f-000000000001-1"}).exit, 3);
  EXPECT_EQ(run({"help", "dance"}).exit, 3);
}

TEST_F(Verbs, what_is_denied_is_4) {
  bench.denial = edge::Denial{.status = 403, .detail = "your token may only look"};
  Ran ran = run({"apply", "-f", file("web.yaml", web_persona)});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("your token may only look"));
}

TEST_F(Verbs, explain_describes_a_kind_without_a_server) {
  reachable = false;
  Ran ran = run({"explain", "persona.drift.limits"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("limits"));
  EXPECT_NE(run({"explain", "persona.drift.limts"}).exit, 0);
}

TEST_F(Verbs, enroll_prints_the_join_line_alone) {
  Ran ran = run({"enroll", "--ttl", "15m"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("mien agent --manager https://manager:7070"));
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1);
}

TEST_F(Verbs, a_backup_that_is_not_whole_leaves_no_file) {
  std::string path = directory.path() + "/backup";
  Ran ran = run({"backup", path});  // this manager's backup is no backup
  EXPECT_EQ(ran.exit, 1);
  EXPECT_FALSE(std::ifstream(path).good());
  EXPECT_FALSE(std::ifstream(path + ".partial").good());
}

TEST_F(Verbs, a_live_view_goes_on_until_its_user_has_had_enough) {
  Ran ran = run({"drift", "--watch", "-o", "json"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 3);
}

TEST_F(Verbs, help_knows_every_verb_with_an_example) {
  Ran overview = run({"help"});
  EXPECT_EQ(overview.exit, 0);
  for (const char* verb : {"drift", "apply", "explain", "audit"}) {
    EXPECT_THAT(overview.out, HasSubstr(verb));
    Ran ran = run({"help", verb});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_THAT(ran.out, HasSubstr(cat("  mien ", verb)));
    EXPECT_EQ(run({verb, "--help"}).out, ran.out);
  }
  EXPECT_THAT(overview.out, Not(HasSubstr("__complete")));
  EXPECT_THAT(run({"help", "--markdown"}).out, HasSubstr("### apply"));
}

TEST_F(Verbs, shells_are_told_what_may_stand_at_the_cursor) {
  EXPECT_EQ(run({"__complete", "--", "exp"}).out, "explain\n");
  EXPECT_EQ(run({"__complete", "--", "get", "po"}).out, "policies\npools\n");
  EXPECT_EQ(run({"__complete", "--", "get", "-o", ""}).out, "json\ntable\nyaml\n");
  EXPECT_EQ(run({"__complete", "--", "score", "--output", ""}).out, "");  // a file: the shell knows them
  EXPECT_EQ(run({"__complete", "--", "score", "--format", ""}).out, "csv\nsequence\n");
  EXPECT_THAT(run({"__complete", "--", "apply", "--d"}).out, HasSubstr("--dry-run\n"));
  EXPECT_THAT(run({"completion", "bash"}).out, HasSubstr("complete -F _mien mien"));
  EXPECT_EQ(run({"completion", "csh"}).exit, 2);
}

TEST(kinds, whatever_a_person_types_is_understood) {
  EXPECT_EQ(parse_kind("policies")->collection, "policies");
  EXPECT_EQ(parse_kind("Persona")->collection, "personas");
  EXPECT_EQ(parse_kind("finding")->collection, "findings");
  EXPECT_THAT(parse_kind("persna").error().message, HasSubstr("did you mean `persona`?"));
}

TEST(kinds, personas_are_written_after_those_they_extend) {
  std::string text;
  for (const char* line : {"c: [b]", "a: []", "b: [a]"}) {
    std::string_view name(line, 1);
    text += cat("---\napiVersion: mien.dev/v1\nkind: Persona\nmetadata: {name: ", name,
                "}\nspec: {extends: ", std::string_view(line).substr(3), "}\n");
  }
  text += "---\napiVersion: mien.dev/v1\nkind: Pool\nmetadata: {name: p}\nspec: {selector: {role: web}}\n";
  wire::ParsedResources parsed = wire::parse_resources(text, "x.yaml");
  ASSERT_TRUE(parsed.ok());
  std::rotate(parsed.resources.begin(), parsed.resources.end() - 1, parsed.resources.end());  // the pool first
  order_for_writing(parsed.resources);
  std::vector<std::string> names;
  for (const auto& each : parsed.resources) names.push_back(each.resource.metadata.name);
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "p"));
}

}  // namespace
}  // namespace mien::app
