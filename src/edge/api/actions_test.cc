#include <gtest/gtest.h>

#include "edge/api/testing/acting.h"

namespace mien::edge {
namespace {

using model::ActionState;
using testing::action_of;
using testing::Bench;
using testing::decision_of;

struct Actions : ::testing::Test {
  Bench bench;
  node::InstanceView* host = &bench.manager.add_instance("web-01", model::InstanceType::host, 0.95);

  std::vector<std::string> ids(const std::string& target) {
    std::vector<std::string> all;
    auto list = Bench::json(bench.get(target));
    for (const auto& item : list["items"]) all.push_back(item["id"]);
    return all;
  }
};

TEST_F(Actions, ComeFromTheBoardAndFromTheLedgerNewestFirstAndOnce) {
  model::Action old = action_of("a-1-1", ActionState::reverted, bench.now - 2h);
  testing::keep(bench.manager, old);
  model::Action running = action_of("a-2-1", ActionState::ordered, bench.now - 1min);
  testing::keep(bench.manager, running);  // as it was written before
  running = action_of("a-2-1", ActionState::applied, bench.now - 1min);
  testing::show(bench.manager, running);
  EXPECT_EQ(ids("/api/v1/actions"), (std::vector<std::string>{"a-2-1", "a-1-1"}));
  EXPECT_EQ(Bench::json(bench.get("/api/v1/actions/a-2-1"))["state"], "applied");
  EXPECT_EQ(Bench::json(bench.get("/api/v1/actions/a-1-1"))["changes"][0]["before"], "max 100000");
  EXPECT_EQ(bench.get("/api/v1/actions/a-9-9").status, 404);
}

TEST_F(Actions, AreFilteredByStateAndInstanceAndComeInPages) {
  testing::keep(bench.manager, action_of("a-1-1", ActionState::reverted, bench.now - 2h));
  testing::show(bench.manager, action_of("a-2-1", ActionState::applied, bench.now - 1min));
  testing::show(bench.manager, action_of("a-3-1", ActionState::proposed, bench.now));
  EXPECT_EQ(ids("/api/v1/actions?state=open"), (std::vector<std::string>{"a-3-1", "a-2-1"}));
  EXPECT_EQ(ids("/api/v1/actions?state=reverted"), (std::vector<std::string>{"a-1-1"}));
  EXPECT_TRUE(ids("/api/v1/actions?instance=db-01").empty());
  EXPECT_EQ(ids("/api/v1/actions?instance=web-01").size(), 3U);
  EXPECT_EQ(bench.get("/api/v1/actions?state=running").status, 400);
  auto first = Bench::json(bench.get("/api/v1/actions?limit=2"));
  EXPECT_EQ(first["items"].size(), 2U);
  std::string next = first["next"];
  EXPECT_EQ(ids("/api/v1/actions?limit=2&after=" + next), (std::vector<std::string>{"a-1-1"}));
}

TEST_F(Actions, AreHiddenFromACallerWhoDoesNotSeeTheirInstance) {
  testing::show(bench.manager, action_of("a-2-1", ActionState::proposed, bench.now));
  bench.caller.selector = "role=db";
  EXPECT_TRUE(ids("/api/v1/actions").empty());
  EXPECT_EQ(bench.get("/api/v1/actions/a-2-1").status, 404);
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-2-1/approve").status, 404);
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST_F(Actions, AreApprovedRejectedAndRevertedByAnOperator) {
  testing::show(bench.manager, action_of("a-2-1", ActionState::proposed, bench.now));
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-2-1/approve").status, 200);
  EXPECT_EQ(bench.asked, Need::write);
  EXPECT_EQ(bench.manager.last<node::ApproveAction>().action.value, "a-2-1");
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-2-1/approve", R"({"comment":"as agreed"})").status, 200);
  EXPECT_EQ(bench.manager.last<node::ApproveAction>().comment, "as agreed");
  std::string endless = R"({"comment":")" + std::string(1001, 'x') + R"("})";
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-2-1/approve", endless).status, 400);
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-2-1/reject", "{}").status, 200);
  EXPECT_EQ(bench.manager.last<node::RejectAction>().action.value, "a-2-1");
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-2-1/revert?dry_run=true").status, 200);
  EXPECT_EQ(bench.manager.last<node::RevertAction>().action.value, "a-2-1");
  EXPECT_TRUE(bench.manager.given.back().rehearsed);
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-9-9/approve").status, 404);
  bench.manager.answer.status = Error{.code = Code::refused, .message = "it is held", .where = {}, .cause = {}};
  EXPECT_EQ(bench.send("POST", "/api/v1/actions/a-2-1/approve").status, 403);
}

TEST_F(Actions, StandBesideHowOftenTheirStepHelped) {
  remedy::RankKey key{.policy = PolicyName("contain-hog"), .step = 0, .persona = PersonaName("linux-server")};
  bench.manager.board().ranks[key] = {.trials = 4, .successes = 3, .demoted = 0};
  auto success = Bench::json(bench.get("/api/v1/actions"))["success"];
  ASSERT_EQ(success.size(), 1U);
  EXPECT_EQ(success[0]["ratio"], 0.75);
  EXPECT_LT(success[0]["low"].get<double>(), 0.75);
  EXPECT_GT(success[0]["high"].get<double>(), 0.75);
}

TEST_F(Actions, ThatAreBrokenInTheLedgerAreSaidToBe) {
  bench.manager.books.entries[{store::Table::action, "a-1-1"}] = "x";
  EXPECT_EQ(bench.get("/api/v1/actions").status, 500);
  EXPECT_EQ(bench.get("/api/v1/actions/a-1-1").status, 500);
}

TEST_F(Actions, HaveDecisionsThatCanBeAskedFor) {
  testing::keep(bench.manager, decision_of("d-1-1", model::Outcome::refused, bench.now - 1min));
  testing::keep(bench.manager, decision_of("d-2-1", model::Outcome::acted, bench.now));
  EXPECT_EQ(ids("/api/v1/decisions"), (std::vector<std::string>{"d-2-1", "d-1-1"}));
  EXPECT_EQ(ids("/api/v1/decisions?finding=f-1&instance=web-01").size(), 2U);
  EXPECT_TRUE(ids("/api/v1/decisions?finding=f-2").empty());
  EXPECT_EQ(Bench::json(bench.get("/api/v1/decisions/d-1-1"))["guards"][1]["guard"], "budget");
  EXPECT_EQ(bench.get("/api/v1/decisions/d-9-9").status, 404);
  bench.caller.selector = "role=db";
  EXPECT_TRUE(ids("/api/v1/decisions").empty());
}

TEST_F(Actions, AreHeldAndResumed) {
  EXPECT_EQ(bench.send("POST", "/api/v1/holds", R"({"instance":"web-01","for":"1h"})").status, 200);
  EXPECT_EQ(bench.manager.last<node::PutHold>().scope.instance.value, "web-01");
  EXPECT_EQ(bench.manager.last<node::PutHold>().lasting, Duration{1h});
  EXPECT_EQ(bench.send("POST", "/api/v1/holds", R"({"learning":true})").status, 200);
  EXPECT_TRUE(bench.manager.last<node::PutHold>().scope.learning);
  EXPECT_EQ(bench.send("POST", "/api/v1/holds/resume").status, 200);
  EXPECT_FALSE(bench.manager.last<node::EndHold>().scope.learning);
  for (const char* body : {R"({"instance":"web-01","pool":"web"})", R"({"for":"soon"})", R"({"for":"0s"})",
                           R"({"instances":["web-01"]})", R"({"learning":"yes"})"})
    EXPECT_EQ(bench.send("POST", "/api/v1/holds", body).status, 400) << body;
  EXPECT_EQ(bench.send("POST", "/api/v1/holds", R"({"instance":"nobody"})").status, 404);
  bench.caller.selector = "role=db";
  EXPECT_EQ(bench.send("POST", "/api/v1/holds").status, 403);
  EXPECT_EQ(bench.send("POST", "/api/v1/holds", R"({"instance":"web-01"})").status, 404);
}

TEST_F(Actions, AreHeldByCommandsAndByTheFileOfAMachine) {
  node::ActionBoard& board = bench.manager.board();
  board.holds[{.instance = {}, .pool = PoolName("web"), .learning = false}] = {.until = bench.now + 1h,
                                                                               .actor = "admin"};
  board.agents["web-01"].held = true;
  auto items = Bench::json(bench.get("/api/v1/holds"))["items"];
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0]["pool"], "web");
  EXPECT_EQ(items[0]["scope"], "pool web");
  EXPECT_EQ(items[1]["instance"], "web-01");
  EXPECT_NE(items[1]["actor"].get<std::string>().find("/run/mien/hold"), std::string::npos);
}

TEST_F(Actions, AreHandedBackForOneInstanceOrForAll) {
  EXPECT_EQ(bench.send("POST", "/api/v1/release", R"({"instance":"web-01"})").status, 200);
  EXPECT_EQ(bench.manager.last<node::ReleaseActions>().instance.value, "web-01");
  EXPECT_EQ(bench.send("POST", "/api/v1/release", R"({"all":true})").status, 200);
  EXPECT_TRUE(bench.manager.last<node::ReleaseActions>().instance.empty());
  for (const char* body : {"", "{}", R"({"all":false})", R"({"all":true,"instance":"web-01"})"})
    EXPECT_EQ(bench.send("POST", "/api/v1/release", body).status, 400) << body;
  EXPECT_EQ(bench.send("POST", "/api/v1/release", R"({"instance":"nobody"})").status, 404);
  bench.caller.selector = "role=db";
  EXPECT_EQ(bench.send("POST", "/api/v1/release", R"({"all":true})").status, 403);
}

TEST_F(Actions, AreCountedAndMeasured) {
  model::Action action = action_of("a-2-1", ActionState::ordered, bench.now);
  testing::tell(bench.manager, "ordered", action, bench.now);
  testing::tell(bench.manager, "ordered", action, bench.now);  // told twice, happened once
  testing::tell(bench.manager, "applied", action_of("a-2-1", ActionState::applied, bench.now), bench.now);
  node::ActionBoard& board = bench.manager.board();
  board.budgets[PolicyName("contain-hog")] = {.actions = 3, .per = 1h, .spent = 1, .granted = 1, .free_after = {}};
  board.ranks[{.policy = PolicyName("contain-hog"), .step = 0, .persona = PersonaName("web")}] = {
      .trials = 2, .successes = 1, .demoted = 1};
  board.problems[PolicyName("odd")] = "when: unknown name";
  std::string text = bench.get("/metrics").body;
  for (const char* line : {"mien_actions_total{state=\"ordered\",verb=\"limit\",effect=\"pending\"} 1\n",
                           "mien_actions_total{state=\"applied\",verb=\"limit\",effect=\"pending\"} 1\n",
                           "mien_open_actions{state=\"applied\"} 1\n", "mien_budget_left{policy=\"contain-hog\"} 1\n",
                           "mien_action_success_ratio{policy=\"contain-hog\",step=\"0\",persona=\"web\"} 0.5\n",
                           "mien_holds{by=\"command\"} 0\n", "mien_policy_problems 1\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST_F(Actions, ThatCanNotBeTakenBackAreAConditionOfTheirInstance) {
  model::Action action = action_of("a-2-1", ActionState::reverting, bench.now);
  action.note = "stuck: cpu.max can not be put back yet";
  testing::show(bench.manager, action);
  bench.manager.board().troubles[InstanceName("web-01")] = {"LeaseStuck: a-2-1: " + action.note};
  for (const char* where : {"/api/v1/instances/web-01/drift", "/api/v1/drift", "/api/v1/instances/web-01",
                            "/api/v1/instances", "/api/v1/why/web-01"})
    EXPECT_NE(bench.get(where).body.find("LeaseStuck: a-2-1: stuck: cpu.max"), std::string::npos) << where;
  EXPECT_NE(bench.get("/metrics").body.find("mien_stuck_actions 1\n"), std::string::npos);
}

TEST_F(Actions, AreEvents) {
  auto stream = bench.start(Bench::request("GET", "/events?type=action"));
  testing::tell(bench.manager, "applied", action_of("a-2-1", ActionState::applied, bench.now), bench.now);
  std::string chunk = stream->chunks().back();
  EXPECT_NE(chunk.find("event: action.applied"), std::string::npos) << chunk;
  EXPECT_EQ((*wire::parse_document(std::string_view(chunk).substr(chunk.find('{'))))["data"]["id"], "a-2-1");
}

// ---- why ----

TEST_F(Actions, AreExplainedFromTheDecisionDownToTheSamples) {
  model::Finding finding;
  finding.id = FindingId("f-1");
  finding.instance = host->name;
  finding.kind = model::FindingKind::level;
  finding.opened_at = bench.now - 2h;
  finding.summary = "cpu is high";
  finding.metrics = {model::Deviation{}};
  finding.metrics[0].name = MetricName("system.cpu.utilization");
  finding.metrics[0].observed = 0.9;
  host->findings = {finding};
  testing::keep(bench.manager, decision_of("d-1-1", model::Outcome::acted, bench.now - 1h));
  testing::keep(bench.manager, action_of("a-1-1", ActionState::reverted, bench.now - 1h));
  auto answer = Bench::json(bench.get("/api/v1/why/a-1-1"));
  EXPECT_EQ(answer["subject"], "Action/a-1-1");
  std::vector<std::string> steps;
  for (const auto& step : answer["walk"]) steps.push_back(step["step"]);
  EXPECT_EQ(steps,
            (std::vector<std::string>{"action", "policy", "decision", "finding", "samples", "changes", "effect"}));
  std::string text = answer.dump();
  for (const char* part :
       {"because its lease was over", "policy contain-hog matched: kind limit", "policy leaks did not match",
        "guard budget allowed it", "cpu.max: max 100000 -> 50000 100000", "drift was 0.93 before and 0.21 after",
        "it helped", "system.cpu.utilization is 0.9"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(Bench::json(bench.get("/api/v1/why/d-1-1"))["subject"], "Decision/d-1-1");
}

TEST_F(Actions, ThatWereRefusedAreExplainedByTheGuardWithItsFigures) {
  model::Finding finding;
  finding.id = FindingId("f-1");
  finding.instance = host->name;
  host->findings = {finding};
  testing::keep(bench.manager, decision_of("d-1-1", model::Outcome::refused, bench.now));
  auto answer = Bench::json(bench.get("/api/v1/why/web-01"));
  EXPECT_TRUE(answer["done"].empty());
  EXPECT_NE(
      answer["reasons"].dump().find("contain-hog would have acted, but the guard `budget` said no: 2 of 2 actions "
                                    "per 1h are spent"),
      std::string::npos)
      << answer["reasons"].dump(1);
}

TEST_F(Actions, ThatNobodyThoughtOfAreExplainedToo) {
  host->drift.score = 0.12;
  host->labels = {{"role", "web"}};
  auto policy = [&](const std::string& name, model::Value::Map match) {
    model::Value::Map spec{{"match", model::Value(std::move(match))},
                           {"mode", model::Value(std::string("enforce"))},
                           {"ladder", model::Value(model::Value::List{model::Value(
                                          model::Value::Map{{"do", model::Value(std::string("alert"))}})})}};
    bench.manager.add_resource(model::ResourceKind::policy, name, 1).spec = model::Value(std::move(spec));
  };
  policy("of-databases", {{"labels", model::Value(model::Value::Map{{"role", model::Value(std::string("db"))}})}});
  policy("of-web", {{"labels", model::Value(model::Value::Map{{"role", model::Value(std::string("web"))}})},
                    {"severity", model::Value(std::string("high"))}});
  bench.manager.board().agents["web-01"].allow = {};
  testing::keep(bench.manager, decision_of("d-1-1", model::Outcome::observed, bench.now - 1h));
  std::string reasons = Bench::json(bench.get("/api/v1/why/web-01"))["reasons"].dump();
  for (const char* part : {"is 0.12; an episode opens above 0.9", "no finding is open", "the last decision, d-1-1",
                           "mode observe: nothing was touched",
                           "policy of-web (enforce) would answer any finding of severity high or more with: alert",
                           "itself allows nothing"})
    EXPECT_NE(reasons.find(part), std::string::npos) << part << "\n" << reasons;
  EXPECT_EQ(reasons.find("of-databases"), std::string::npos) << reasons;
}

}  // namespace
}  // namespace mien::edge
