// Security facts through the API: taken from agents, kept, shown in pages, blanked for who has no token.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "edge/api/testing/fake_manager.h"

namespace mien::edge {
namespace {

using testing::Bench;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

HttpRequest execution_of(const std::string& instance, const std::string& path) {
  HttpRequest made = Bench::request(
      "POST", "/v1/logs",
      cat(R"({"resourceLogs":[{"resource":{"attributes":[{"key":"mien.instance","value":{"stringValue":")", instance,
          R"("}}]},"scopeLogs":[{"logRecords":[{"eventName":"mien.security.execution","attributes":[)",
          R"({"key":"mien.object","value":{"stringValue":")", path, R"("}}]}]}]}]})"));
  made.headers["content-type"] = "application/json";
  made.headers["mien-epoch"] = "1";
  made.headers["mien-sequence"] = "2";
  return made;
}

class Facts : public ::testing::Test {
 protected:
  void as_agent() {
    bench.caller.role = node::Role::agent;
    bench.caller.agent = "web-01";
  }
  void keep(model::FactKind kind, std::string object, Duration ago) {
    model::SecurityFact fact;
    fact.kind = kind;
    fact.at = bench.now - ago;
    fact.object = std::move(object);
    fact.process = "/usr/bin/bash";
    fact.user = "deploy";
    bench.manager.past.facts.push_back(
        {.instance = InstanceName{"web-01"}, .position = ++position, .part = 0, .facts = {fact}});
  }
  Bench bench;
  store::LogPosition position = 0;
};

TEST_F(Facts, AnAgentsNumberedFactsReachTheMachine) {
  as_agent();
  HttpResponse response = bench.start(execution_of("web-01", "/usr/bin/curl"))->wait();
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.body, "{}");
  ASSERT_EQ(bench.manager.taken.size(), 1U);
  EXPECT_TRUE(bench.manager.taken[0].authenticated);
  ASSERT_EQ(bench.manager.taken[0].instances.at(0).facts.size(), 1U);
  EXPECT_EQ(bench.manager.taken[0].instances[0].facts[0].object, "/usr/bin/curl");
}

TEST_F(Facts, WithoutANumberOrOfAnotherHostTheyAreRefusedAndTheAgentIsTold) {
  as_agent();
  HttpRequest unnumbered = execution_of("web-01", "/usr/bin/curl");
  unnumbered.headers.erase("mien-sequence");
  EXPECT_THAT(bench.start(unnumbered)->wait().body, HasSubstr("Mien-Sequence"));
  EXPECT_THAT(bench.start(execution_of("web-02", "/usr/bin/curl"))->wait().body, HasSubstr("not on web-01"));
  EXPECT_TRUE(bench.manager.taken.empty());
}

TEST_F(Facts, WhoIsNoAgentBringsNone) {
  EXPECT_EQ(bench.start(execution_of("web-01", "/usr/bin/curl"))->wait().status, 200);
  for (const auto& delivery : bench.manager.taken)
    for (const auto& instance : delivery.instances) EXPECT_TRUE(instance.facts.empty());
}

TEST_F(Facts, AreShownNewestFirstInPagesByKindAndTime) {
  bench.manager.add_instance("web-01", model::InstanceType::host, 0.1);
  for (int i = 0; i < 5; ++i) keep(model::FactKind::execution, cat("/opt/", i), (i + 1) * 1h);
  keep(model::FactKind::listener, "tcp/443", 90min);
  keep(model::FactKind::listener, "tcp/80", 25h);
  auto page = Bench::json(bench.get("/api/v1/instances/web-01/facts?limit=3"));
  ASSERT_EQ(page["items"].size(), 3U);
  EXPECT_EQ(page["items"][0]["object"], "/opt/0");
  EXPECT_EQ(page["items"][1]["object"], "tcp/443");
  EXPECT_EQ(page["items"][1]["kind"], "listener");
  auto next =
      Bench::json(bench.get(cat("/api/v1/instances/web-01/facts?limit=10&after=", page["next"].get<std::string>())));
  ASSERT_EQ(next["items"].size(), 3U) << "a day, when nobody says";
  EXPECT_EQ(next["items"][2]["object"], "/opt/4");
  EXPECT_TRUE(!next.contains("next") || next["next"].is_null() || next["next"] == "");
  EXPECT_EQ(Bench::json(bench.get("/api/v1/instances/web-01/facts?kind=listener&from=-30d"))["items"].size(), 2U);
}

TEST_F(Facts, WhatIsAskedWronglyIsExplained) {
  bench.manager.add_instance("web-01", model::InstanceType::host, 0.1);
  HttpResponse response = bench.get("/api/v1/instances/web-01/facts?kind=executions");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("sensitive_read"));
  EXPECT_EQ(bench.get("/api/v1/instances/nobody/facts").status, 404);
}

TEST_F(Facts, PathsAndUsersAreBlankedForWhoHasNoToken) {
  bench.manager.add_instance("web-01", model::InstanceType::host, 0.1);
  keep(model::FactKind::execution, "/srv/anna/tool", 1min);
  keep(model::FactKind::listener, "tcp/443", 2min);
  bench.caller.blanked = true;
  std::string body = bench.get("/api/v1/instances/web-01/facts").body;
  EXPECT_EQ(body.find("anna"), std::string::npos);
  EXPECT_EQ(body.find("deploy"), std::string::npos);
  EXPECT_EQ(body.find("bash"), std::string::npos);
  EXPECT_THAT(body, HasSubstr("tcp/443"));
}

TEST_F(Facts, AFindingAboutThemIsBlankedWhereverItIsRead) {
  auto& web = bench.manager.add_instance("web-01", model::InstanceType::host, 0.9);
  model::Finding finding;
  finding.id = FindingId{"f-1-0-1"};
  finding.instance = InstanceName{"web-01"};
  finding.kind = model::FindingKind::security;
  finding.summary = "security: bash (user deploy) ran /srv/anna/tool";
  finding.first_mover = "bash (user deploy) ran /srv/anna/tool";
  model::Deviation deviation;
  deviation.name = MetricName{"mien.security.execution"};
  deviation.attributes = {{"object", "/srv/anna/tool"}, {"user", "deploy"}, {"process", "/bin/bash"}};
  finding.metrics.push_back(std::move(deviation));
  web.findings = {finding};
  std::vector<std::string> readers{
      "/api/v1/findings",       "/api/v1/findings/f-1-0-1",       "/api/v1/drift",
      "/api/v1/explain/web-01", "/api/v1/instances/web-01/drift", "/api/v1/explain/f-1-0-1",
      "/api/v1/why/web-01"};
  for (const std::string& reader : readers) {
    bench.caller.blanked = false;
    std::string open = bench.get(reader).body;
    bench.caller.blanked = true;
    std::string blanked = bench.get(reader).body;
    EXPECT_EQ(blanked.find("anna"), std::string::npos) << reader;
    EXPECT_EQ(blanked.find("deploy"), std::string::npos) << reader;
    if (reader != "/api/v1/why/web-01") {
      EXPECT_NE(open.find("anna"), std::string::npos) << reader;
    }
  }
}

}  // namespace
}  // namespace mien::edge
