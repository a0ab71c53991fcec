#include "edge/outbound/alertmanager.h"

#include <gtest/gtest.h>

#include "edge/api/testing/fake_manager.h"
#include "edge/clock.h"
#include "edge/outbound/testing/listener.h"
#include "tests/support/polling.h"

namespace mien::edge {
namespace {

struct Members : ::testing::Test {
  testing::Listener one;
  testing::Listener two;
  testing::FakeManager manager;
  std::shared_ptr<OutboundMeters> meters = std::make_shared<OutboundMeters>();

  std::unique_ptr<Alertmanager> start(Duration resend) {
    return std::make_unique<Alertmanager>(AlertmanagerOptions{
        .members = {{.name = "one", .url = one.url()}, {.name = "two", .url = two.url() + "/alertmanager"}},
        .rules = {.manager = "mien-1", .url = "http://127.0.0.1:7070", .labels = {}, .resend = resend},
        .budget = std::make_shared<NotifyBudget>(std::nullopt, meters),
        .port = &manager,
        .now = wall_now,
        .report = {},
        .meters = meters,
        .backoff = {.first = 1ms, .longest = 5ms}});
  }
  static std::vector<std::string> names(const HttpRequest& request) {
    auto body = wire::parse_document(request.body);
    std::vector<std::string> all;
    if (body)
      for (const auto& alert : *body) all.push_back(alert["labels"]["alertname"].get<std::string>());
    return all;
  }
  void open_finding() {
    auto next = std::make_shared<node::View>(*manager.shown);
    manager.shown = next;
    node::InstanceView& seen = manager.add_instance("web-01", model::InstanceType::host, 0.9);
    seen.findings.resize(1);
    seen.findings[0].id = FindingId("f-1");
    node::Notice notice;
    notice.type = "finding.opened";
    notice.finding = seen.findings[0];
    manager.publish(notice);
  }
};

TEST_F(Members, EachIsToldThatMienIsAliveAgainAndAgain) {
  auto alertmanager = start(5ms);
  for (testing::Listener* each : {&one, &two})
    for (const HttpRequest& request : each->await(3)) EXPECT_EQ(names(request), std::vector<std::string>{"MienAlive"});
  EXPECT_EQ(one.await(1)[0].path, "/api/v2/alerts");
  EXPECT_EQ(two.await(1)[0].path, "/alertmanager/api/v2/alerts");
  EXPECT_EQ(one.await(1)[0].header("content-type"), "application/json");
}

TEST_F(Members, AreToldOfAFindingAtOnce) {
  open_finding();
  auto alertmanager = start(std::chrono::hours{1});
  EXPECT_EQ(names(one.await(1)[0]), (std::vector<std::string>{"MienAlive", "MienFinding"}));
  two.await(1);  // a member that was not told yet would hear both at once
  node::Notice notice;
  notice.type = "finding.updated";
  notice.finding = model::Finding{};
  manager.publish(notice);  // an hour is far, and this is now
  EXPECT_EQ(one.await(2).size(), 2U);
  EXPECT_EQ(two.await(2).size(), 2U);
}

TEST_F(Members, OneThatFailsIsTriedAgainAndHoldsUpNoOther) {
  one.answer(
      [](std::size_t n) { return n < 3 ? HttpResponse{.status = 503, .headers = {}, .body = {}} : HttpResponse{}; });
  auto alertmanager = start(std::chrono::hours{1});
  EXPECT_EQ(two.await(1).size(), 1U);
  one.await(4);
  EXPECT_TRUE(mien::testing::poll_until([&] { return meters->all().at(1)->delivered == 1; }));
  alertmanager.reset();
  EXPECT_GE(meters->all().at(0)->failed, 3U);  // the last may be broken off by the end
  EXPECT_EQ(meters->all().at(1)->failed, 0U);
}

}  // namespace
}  // namespace mien::edge
