// What verbs show of a manager that has something to say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/testing/verbs_bench.h"
#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "store/audit.h"

namespace mien::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;

model::Deviation cpu_deviation() {
  return {.name = MetricName{"system.cpu.utilization"},
          .attributes = {},
          .observed = 0.93,
          .expected = 0.2,
          .low = 0.1,
          .high = 0.4,
          .bits = Bits{14},
          .weight = 1,
          .direction = model::Direction::up};
}

// web-01 with an open finding, and quiet-01 without.
class Shown : public testing::VerbsBench {
 protected:
  Shown() {
    node::InstanceView& web = bench.manager.add_instance("web-01", model::InstanceType::host, 0.97);
    web.last_seen = bench.now - 3s;
    web.labels = {{"role", "web"}};
    web.drift.state = model::LearningState::ready;
    web.drift.at = bench.now - 3s;
    web.drift.metrics = {cpu_deviation()};
    model::Finding finding;
    finding.id = FindingId{"f-000000000042-1"};
    finding.instance = web.name;
    finding.persona = web.persona;
    finding.kind = model::FindingKind::limit;
    finding.severity = model::Severity::high;
    finding.confidence = 0.999;
    finding.score = 0.97;
    finding.opened_at = bench.now - 2min;
    finding.updated_at = bench.now - 3s;
    finding.first_mover = "system.cpu.utilization";
    finding.metrics = {cpu_deviation()};
    finding.summary = "system.cpu.utilization is over its limit";
    web.findings = {finding};
    bench.manager.add_instance("quiet-01", model::InstanceType::host, 0.05).last_seen = bench.now;
    store::HistorySeries history{
        .series = {.metric = MetricName{"system.cpu.utilization"}, .attributes = {}, .unit = "1"}, .points = {}};
    for (int i = 0; i < 60; ++i) {
      double value = i < 30 ? 0.2 : 0.93;
      history.points.push_back(
          {.at = bench.now - std::chrono::seconds{180 - 3 * i}, .min = value, .max = value, .mean = value, .count = 1});
    }
    bench.manager.past.series = {history};
  }

  // Generation `number` of the persona web, with so many cores.
  void add_generation(std::uint64_t number, std::int64_t cores) {
    model::Resource& web = bench.manager.add_resource(model::ResourceKind::persona, "web", number);
    web.spec = model::Value{model::Value::Map{
        {"configuration",
         model::Value{model::Value::Map{{"cpu", model::Value{model::Value::Map{{"cores", model::Value{cores}}}}}}}}}};
    std::string key = node::generation_key(model::ResourceKind::persona, "web", number);
    bench.manager.books.entries[{store::Table::generation, key}] = model::encode_resource(web);
  }
};

TEST_F(Shown, drift_lists_the_most_drifted_first_with_the_reason) {
  Ran ran = run({"drift"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_LT(ran.out.find("web-01"), ran.out.find("quiet-01"));
  EXPECT_THAT(ran.out, HasSubstr("system.cpu.utilization 0.93, limit 0.4"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b[")));
}

TEST_F(Shown, drift_of_one_instance_shows_finding_deviation_and_samples) {
  Ran ran = run({"drift", "web-01"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("score 0.97"), HasSubstr("f-000000000042-1"), HasSubstr("0.1 to 0.4"), HasSubstr("●")));
}

TEST_F(Shown, a_live_view_remembers_the_scores_it_has_seen) {
  Ran ran = run({"drift", "--watch"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("LATELY"), HasSubstr("▁▁▁")));
}

TEST_F(Shown, findings_are_a_table_or_the_documents_of_the_api) {
  EXPECT_THAT(run({"findings"}).out,
              AllOf(HasSubstr("f-000000000042-1"), HasSubstr("high"), HasSubstr("2m"), HasSubstr("over its limit")));
  wire::Document json = *wire::parse_document(run({"findings", "-o", "json"}).out);
  EXPECT_EQ(text_at(json["items"][0], "/instance"), "web-01");
  EXPECT_EQ(run({"ack", "f-000000000042-1", "--comment", "known"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::AcknowledgeFinding>().comment, "known");
}

TEST_F(Shown, explain_walks_from_the_finding_to_the_samples_and_says_what_next) {
  Ran ran = run({"explain", "f-000000000042-1"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("left its expectation first"), HasSubstr("is 0.93; limit 0.4 (+13"),
                             HasSubstr("newest 0.93, limit 0.4"), HasSubstr("░"), HasSubstr("●")));
  EXPECT_THAT(ran.out, Not(HasSubstr("surprise"))) << "a limit is a line that people drew, no probability";
  EXPECT_THAT(ran.out, AllOf(HasSubstr("confidence 0.999"), HasSubstr("mien ack f-000000000042-1"),
                             HasSubstr("persona.drift.limits")));
  EXPECT_THAT(run({"explain", "web-01"}).out, HasSubstr("Instance/web-01"));
}

TEST_F(Shown, why_explains_that_nothing_was_done_now_and_then) {
  store::AuditChain chain{edge::sha256, std::nullopt};
  bench.manager.books.rows.push_back(chain.append({.at = bench.now - 2min,
                                                   .actor = "mien",
                                                   .verb = "finding.opened",
                                                   .subject = "Finding/f-000000000042-1",
                                                   .cause = "log/4711",
                                                   .detail = "web-01: limit"}));
  Ran now = run({"why", "web-01"});
  EXPECT_EQ(now.exit, 0) << now.err;
  EXPECT_THAT(now.out,
              AllOf(HasSubstr("nothing was done, because"), HasSubstr("there is no policy"), HasSubstr("log/4711")));
  Ran before = run({"why", "web-01", "--at", to_rfc3339(bench.now - 10min)});
  EXPECT_THAT(before.out, HasSubstr("no finding was open then"));
  EXPECT_EQ(run({"why", "web-01", "--at", "yesterday"}).exit, 2);
  EXPECT_EQ(run({"why", "nobody"}).exit, 3);
}

TEST_F(Shown, get_shows_instances_and_yaml_that_can_be_applied_again) {
  EXPECT_THAT(run({"get", "instances"}).out, AllOf(HasSubstr("web-01"), HasSubstr("role=web"), HasSubstr("0.97")));
  add_generation(3, 4);
  Ran yaml = run({"get", "persona", "web", "-o", "yaml"});
  EXPECT_THAT(yaml.out, AllOf(HasSubstr("kind: Persona"), HasSubstr("cores: 4")));
  EXPECT_EQ(run({"apply", "-f", file("again.yaml", yaml.out)}).exit, 0);
  EXPECT_THAT(run({"describe", "instance", "web-01"}).out, AllOf(HasSubstr("METRIC"), HasSubstr("f-000000000042-1")));
}

TEST_F(Shown, get_watch_shows_each_change_once) {
  Ran ran = run({"get", "instances", "-w", "-o", "json"});
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 2);  // two instances, three looks
}

TEST_F(Shown, diff_compares_generations_and_files) {
  add_generation(1, 2);
  add_generation(2, 4);
  EXPECT_THAT(run({"diff", "web"}).out, HasSubstr("~ /configuration/cpu/cores: 2 -> 4"));
  EXPECT_THAT(run({"diff", "web", "--from", "2", "--to", "1"}).out, HasSubstr("4 -> 2"));
  std::string path =
      file("web.yaml",
           "apiVersion: mien.dev/v1\nkind: Persona\nmetadata: {name: web}\nspec: {configuration: {cpu: {cores: 8}}}\n");
  EXPECT_THAT(run({"diff", "-f", path}).out, HasSubstr("4 -> 8"));
  EXPECT_EQ(run({"diff", "nobody"}).exit, 3);
  EXPECT_EQ(run({"diff"}).exit, 2);
}

TEST_F(Shown, by_hand_means_the_command_of_that_name) {
  add_generation(1, 2);
  EXPECT_EQ(run({"activate", "web", "--instance", "web-01", "--for", "2h"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::Activate>().lasting, Duration{2h});
  EXPECT_EQ(run({"deactivate", "--instance", "web-01"}).exit, 0);
  EXPECT_EQ(run({"rollback", "web", "--to", "1"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::RollbackPersona>().to, 1U);
  EXPECT_EQ(run({"rollback", "web@web-01", "--to", "12"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::RollbackInstance>().instance.value, "web-01");
  EXPECT_EQ(run({"delete", "persona", "web"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::DeleteResource>().name, "web");
}

TEST_F(Shown, an_audit_that_is_broken_is_1_and_names_the_link) {
  store::AuditChain chain{edge::sha256, std::nullopt};
  for (int i = 0; i < 3; ++i)
    bench.manager.books.rows.push_back(chain.append({.at = bench.now,
                                                     .actor = "admin",
                                                     .verb = "resource.applied",
                                                     .subject = "Persona/web",
                                                     .cause = "log/1",
                                                     .detail = ""}));
  EXPECT_THAT(run({"audit"}).out, HasSubstr("resource.applied"));
  EXPECT_EQ(run({"audit", "--verify"}).exit, 0);
  bench.manager.books.rows[1].bytes.back() = static_cast<char>(bench.manager.books.rows[1].bytes.back() ^ 1);
  Ran ran = run({"audit", "--verify"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("2"));
}

}  // namespace
}  // namespace mien::app
