#include "edge/outbound/webhooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/codec.h"
#include "edge/api/testing/acting.h"
#include "edge/api/testing/fake_manager.h"
#include "edge/clock.h"
#include "edge/crypto/crypto.h"
#include "edge/outbound/testing/listener.h"
#include "edge/testing/temporary_directory.h"
#include "tests/support/polling.h"

namespace mien::edge {
namespace {

using ::testing::HasSubstr;

struct Hooks : ::testing::Test {
  testing::TemporaryDirectory directory;
  testing::Listener listener;
  testing::FakeManager manager;
  std::shared_ptr<OutboundMeters> meters = std::make_shared<OutboundMeters>();
  std::mutex mutex;
  std::string reported;

  std::optional<NotifyLimit> limit;

  void SetUp() override { write_secret("topsecret-0123456789"); }
  [[nodiscard]] std::string secret_file() const { return directory.path() + "/hook.secret"; }
  void write_secret(const std::string& secret, unsigned mode = 0600) const {
    std::ofstream(secret_file()) << secret << "\n";
    ::chmod(secret_file().c_str(), mode);
  }
  std::unique_ptr<Webhooks> start(std::vector<std::string> types = {"finding.opened", "finding.resolved", "action"}) {
    WebhookOptions hook{.destination = {.name = "on-call", .url = listener.url() + "/hooks/mien?key=geheim"},
                        .secret_file = secret_file(),
                        .types = std::move(types)};
    auto started = Webhooks::start({.webhooks = {hook},
                                    .directory = directory.path() + "/outbox",
                                    .budget = std::make_shared<NotifyBudget>(limit, meters),
                                    .port = &manager,
                                    .now = wall_now,
                                    .report =
                                        [this](std::string_view line) {
                                          std::lock_guard lock(mutex);
                                          reported += cat(line, "\n");
                                        },
                                    .meters = meters,
                                    .backoff = {.first = 1ms, .longest = 5ms}});
    EXPECT_TRUE(started.ok()) << started.error().to_string();
    return std::move(*started);
  }
  static model::Finding finding(const std::string& id) {
    model::Finding made;
    made.id = FindingId(id);
    made.instance = InstanceName("web-01");
    made.kind = model::FindingKind::level;
    made.opened_at = wall_now();
    return made;
  }
  void tell(const std::string& type, const model::Finding& about) {
    node::Notice notice;
    notice.type = type;
    notice.subject = "Finding/" + about.id.value;
    notice.at = wall_now();
    notice.finding = about;
    manager.publish(notice);
  }
};

TEST_F(Hooks, SendCloudEventsThatAreSigned) {
  auto hooks = start();
  listener.await(1);  // "connected"
  tell("finding.opened", finding("f-1"));
  HttpRequest request = listener.await(2)[1];
  EXPECT_EQ(request.path, "/hooks/mien");
  EXPECT_EQ(request.query.at("key"), "geheim");
  EXPECT_EQ(request.header("content-type"), "application/cloudevents+json; charset=utf-8");
  EXPECT_EQ(request.header("webhook-id"), "f-1.opened");
  auto event = wire::parse_document(request.body);
  ASSERT_TRUE(event.ok());
  EXPECT_EQ((*event)["specversion"], "1.0");
  EXPECT_EQ((*event)["type"], "dev.mien.finding.opened");
  EXPECT_EQ((*event)["id"], "f-1.opened");
  EXPECT_EQ((*event)["data"]["instance"], "web-01");
  std::string stamp(request.header("webhook-timestamp"));
  std::string signature =
      cat("v1,", to_base64(hmac_sha256("topsecret-0123456789", cat("f-1.opened.", stamp, ".", request.body))));
  EXPECT_EQ(request.header("webhook-signature"), signature);
}

TEST_F(Hooks, SendOnlyWhatIsAskedForAndNothingOfOldEvidence) {
  auto hooks = start({"finding.resolved"});
  model::Finding late = finding("f-1");
  late.late = true;
  tell("finding.opened", finding("f-0"));
  tell("finding.resolved", late);
  tell("finding.resolved", finding("f-2"));
  tell("finding.resolved", finding("f-3"));
  std::vector<std::string> ids;
  for (const HttpRequest& each : listener.await(3)) ids.emplace_back(each.header("webhook-id"));
  EXPECT_EQ(std::vector<std::string>(ids.begin() + 1, ids.end()),
            (std::vector<std::string>{"f-2.resolved", "f-3.resolved"}));
}

TEST_F(Hooks, AreToldWithinTheFleetsBudget) {
  limit = NotifyLimit{.findings = 1, .within = std::chrono::hours{24}};
  auto hooks = start();
  tell("finding.opened", finding("f-1"));
  tell("finding.opened", finding("f-2"));
  tell("finding.resolved", finding("f-1"));
  std::vector<std::string> ids;
  for (const HttpRequest& each : listener.await(3)) ids.emplace_back(each.header("webhook-id"));
  EXPECT_EQ(std::vector<std::string>(ids.begin() + 1, ids.end()),
            (std::vector<std::string>{"f-1.opened", "f-1.resolved"}));
  EXPECT_EQ(meters->held_back, 1U);
}

TEST_F(Hooks, TryAgainUntilTheyAreTakenAndKeepTheName) {
  listener.answer(
      [](std::size_t n) { return n < 3 ? HttpResponse{.status = 503, .headers = {}, .body = {}} : HttpResponse{}; });
  auto hooks = start();
  std::vector<HttpRequest> heard = listener.await(4);
  for (const HttpRequest& each : heard) EXPECT_EQ(each.header("webhook-id"), heard[0].header("webhook-id"));
  tell("finding.opened", finding("f-1"));
  EXPECT_EQ(listener.await(5)[4].header("webhook-id"), "f-1.opened");
  hooks.reset();
  EXPECT_THAT(reported, HasSubstr("webhook on-call: answered 503; trying again"));
  EXPECT_THAT(reported, HasSubstr("webhook on-call: works again"));
  auto meter = meters->all().at(0);
  EXPECT_EQ(meter->failed, 3U);
  EXPECT_EQ(meter->delivered + meter->waiting, 2U);
}

TEST_F(Hooks, DropWhatIsRefusedAndGoOn) {
  listener.answer(
      [](std::size_t n) { return n == 0 ? HttpResponse{.status = 400, .headers = {}, .body = {}} : HttpResponse{}; });
  auto hooks = start();
  tell("finding.opened", finding("f-1"));
  EXPECT_EQ(listener.await(2)[1].header("webhook-id"), "f-1.opened");
  hooks.reset();
  EXPECT_EQ(meters->all().at(0)->refused, 1U);
  EXPECT_THAT(reported, HasSubstr("is dropped: answered 400"));
}

TEST_F(Hooks, WhatWasNotTakenLeavesAfterARestart) {
  listener.answer([](std::size_t) { return HttpResponse{.status = 500, .headers = {}, .body = {}}; });
  {
    auto hooks = start();
    listener.await(2);
    tell("finding.opened", finding("f-1"));
  }
  std::size_t before = listener.await(0).size();
  listener.answer([](std::size_t) { return HttpResponse{}; });
  auto hooks = start();
  // The "connected" that the end cut off may be heard only now.
  std::string id;
  for (std::size_t n = before + 2; n <= before + 3 && id != "f-1.opened"; ++n)
    id = listener.await(n)[n - 1].header("webhook-id");
  EXPECT_EQ(id, "f-1.opened");
}

TEST_F(Hooks, WhatTheLedgerHasAndTheOutboxHasNotIsToldAtTheStart) {
  {
    auto hooks = start();
    tell("finding.opened", finding("f-1"));
    // Not only heard: a letter whose answer was not read leaves twice.
    ASSERT_TRUE(mien::testing::poll_until([&] { return meters->all().at(0)->delivered == 2; }));
  }
  // Killed after the ledger's transaction, before the letter: one finding more, one over, and an action.
  model::Finding over = finding("f-1");
  over.state = model::FindingState::resolved;
  over.resolved_at = wall_now();
  manager.books.entries[{store::Table::finding, "f-1"}] = encode(over);
  manager.books.entries[{store::Table::finding, "f-2"}] = encode(finding("f-2"));
  testing::keep(manager, testing::action_of("a-1", model::ActionState::ordered, wall_now()));
  auto hooks = start();
  std::vector<std::string> ids;
  for (const HttpRequest& each : listener.await(5)) ids.emplace_back(each.header("webhook-id"));
  EXPECT_EQ(std::vector<std::string>(ids.begin() + 2, ids.end()),
            (std::vector<std::string>{"f-1.resolved", "f-2.opened", "a-1.ordered.1"}));
}

TEST_F(Hooks, DoNotSendWithASecretThatOthersMayRead) {
  write_secret("topsecret", 0644);
  auto hooks = start();
  for (;;) {
    std::lock_guard lock(mutex);
    if (!reported.empty()) break;
  }
  EXPECT_THAT(reported, HasSubstr("others may read this secret"));
  EXPECT_TRUE(listener.await(0).empty());
  write_secret("topsecret", 0600);  // exchanged while it runs
  listener.await(1);
}

TEST_F(Hooks, NeverSaySecretsOrWhereTheyGo) {
  listener.answer([](std::size_t) { return HttpResponse{.status = 500, .headers = {}, .body = {}}; });
  auto hooks = start();
  listener.await(2);
  hooks.reset();
  for (const char* secret : {"topsecret", "geheim", "/hooks"}) EXPECT_EQ(reported.find(secret), std::string::npos);
}

TEST(WebhookSignature, IsThatOfStandardWebhooks) {
  // The example of the specification (standardwebhooks.com).
  auto signature = webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                     1614265330, R"({"test": 2432232314})");
  ASSERT_TRUE(signature.ok());
  EXPECT_EQ(*signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_FALSE(webhook_signature("whsec_%%%%", "a", 1, "b").ok());
}

}  // namespace
}  // namespace mien::edge
