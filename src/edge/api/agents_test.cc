#include <gtest/gtest.h>

#include "base/codec.h"
#include "edge/api/testing/acting.h"
#include "edge/crypto/crypto.h"
#include "wire/directive.h"
#include "wire/gzip.h"
#include "wire/otlp.h"

namespace mien::edge {
namespace {

using testing::Bench;

TEST(Enrollment, HandsTheSecretOutOnceAndKeepsItsHash) {
  Bench bench;
  HttpResponse response = bench.send("POST", "/api/v1/enrollments", R"({"ttl":"30m"})");
  ASSERT_EQ(response.status, 201);
  auto json = Bench::json(response);
  std::string token = json["token"];
  EXPECT_EQ(token.size(), 64U);
  const auto& command = bench.manager.last<node::PutAccess>();
  EXPECT_EQ(command.key, "enrollment/" + sha256_hex(token));
  auto access = decode<node::Access>(command.bytes, "access");
  EXPECT_EQ(access->role, node::Role::agent);
  EXPECT_EQ(access->expires_at, bench.now + 30min);
  EXPECT_EQ(command.bytes.find(token), std::string::npos);
  EXPECT_EQ(json["ca_fingerprint"], "sha256:abc");
  std::string join = json["join"];
  for (const std::string& part : {std::string("https://manager:7070"), std::string("sha256:abc"), token})
    EXPECT_NE(join.find(part), std::string::npos);
}

TEST(Enrollment, LivesNeitherForeverNorNever) {
  Bench bench;
  for (const char* ttl : {"0s", "8d", "soon"})
    EXPECT_EQ(bench.send("POST", "/api/v1/enrollments", std::string(R"({"ttl":")") + ttl + "\"}").status, 400) << ttl;
}

TEST(Enrollment, IsRedeemedForATokenOfTheAgentsOwn) {
  Bench bench;
  HttpResponse response = bench.send("POST", "/api/v1/enroll", R"({"token":"secret","agent":"web-01"})");
  ASSERT_EQ(response.status, 201) << response.body;
  auto answer = wire::decode_enroll_answer(response.body);
  ASSERT_TRUE(answer);
  const auto& command = bench.manager.last<node::RedeemEnrollment>();
  EXPECT_EQ(command.enrollment_hash, sha256_hex("secret"));
  EXPECT_EQ(command.token_hash, sha256_hex(answer->token));
  EXPECT_EQ(command.agent, "web-01");
  EXPECT_EQ(bench.manager.given.back().actor, "agent web-01");
  EXPECT_FALSE(answer->ca.empty());
}

TEST(Enrollment, LeavesTheSecretWithTheAgentThatMadeIt) {
  Bench bench;
  wire::EnrollRequest request{.token = "secret", .agent = "web-01", .token_hash = sha256_hex("mine")};
  HttpResponse response = bench.send("POST", "/api/v1/enroll", wire::encode_json(request));
  ASSERT_EQ(response.status, 201) << response.body;
  EXPECT_TRUE(wire::decode_enroll_answer(response.body)->token.empty());
  EXPECT_EQ(bench.manager.last<node::RedeemEnrollment>().token_hash, sha256_hex("mine"));
}

TEST(Enrollment, RefusesWhatIsIncomplete) {
  Bench bench;
  for (const char* body : {"", "{}", R"({"token":"x"})", R"({"agent":"a"})",
                           R"({"token":"x","agent":"a","token_hash":"zz"})", R"({"token":"x","agent":"a/../b\n"})"}) {
    EXPECT_EQ(bench.send("POST", "/api/v1/enroll", body).status, 400) << body;
  }
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST(Authority, IsThereToBeFetched) {
  Bench bench;
  EXPECT_NE(bench.get("/api/v1/ca").body.find("BEGIN CERTIFICATE"), std::string::npos);
}

struct Directives : ::testing::Test {
  Bench bench;
  node::InstanceView* host = nullptr;

  Directives() {
    bench.caller.role = node::Role::agent;
    bench.caller.agent = "web-01";
    host = &bench.manager.add_instance("web-01", model::InstanceType::host, 0);
    bench.manager.add_instance("nginx.service@web-01", model::InstanceType::service, 0).parent = InstanceName("web-01");
    bench.manager.add_instance("db-01", model::InstanceType::host, 0);
    bench.manager.add_resource(model::ResourceKind::persona, "linux-server", 1).spec =
        model::Value(model::Value::Map{{"drift", model::Value(model::Value::Map{})}});
  }
  std::shared_ptr<testing::Captured> poll(std::uint64_t after) {
    return bench.start(Bench::request("GET", "/api/v1/agents/web-01/directives?after=" + std::to_string(after)));
  }
  static wire::DirectiveBatch batch(const std::shared_ptr<testing::Captured>& captured) {
    auto decoded = wire::decode_directives(captured->wait().body);
    EXPECT_TRUE(decoded) << captured->response().body;
    return decoded ? std::move(*decoded) : wire::DirectiveBatch{};
  }
};

TEST_F(Directives, TellAnAgentThePersonasOfItsHostAtOnce) {
  auto told = batch(poll(0));
  ASSERT_EQ(told.directives.size(), 2U);
  std::set<std::string> names;
  for (const auto& directive : told.directives)
    names.insert(std::get<wire::PersonaDirective>(directive.body).instance.value);
  EXPECT_EQ(names, (std::set<std::string>{"nginx.service@web-01", "web-01"}));
  const auto& body = std::get<wire::PersonaDirective>(told.directives[0].body);
  EXPECT_EQ(body.persona.value, "linux-server");
  EXPECT_NE(body.spec.find("drift"), nullptr);
  EXPECT_EQ(told.next, told.directives.back().id);
}

TEST_F(Directives, TellOrdersBeforePersonas) {
  testing::show(bench.manager, testing::action_of("a-1-1", model::ActionState::ordered, bench.now));
  auto told = batch(poll(0));
  ASSERT_EQ(told.directives.size(), 3U);
  const auto& order = std::get<wire::OrderDirective>(told.directives[0].body);
  EXPECT_EQ(order.action.value, "a-1-1");
  EXPECT_EQ(order.lease, Duration{30min});
  EXPECT_FALSE(order.revert);
}

TEST_F(Directives, AnswerWhoWaitsAsSoonAsAnActionIsOrderedOrTakenBack) {
  std::uint64_t next = batch(poll(0)).next;
  auto waiting = poll(next);
  model::Action action = testing::action_of("a-1-1", model::ActionState::ordered, bench.now);
  testing::tell(bench.manager, "ordered", action, bench.now);  // no tick
  auto told = batch(waiting);
  ASSERT_EQ(told.directives.size(), 1U);
  next = told.next;
  waiting = poll(next);
  testing::tell(bench.manager, "verified", action, bench.now);  // nothing that its agent must hear of
  EXPECT_EQ(waiting->answers(), 0);
  action.state = model::ActionState::reverting;
  action.end_reason = model::EndReason::by_hand;
  action.version = 2;
  testing::tell(bench.manager, "reverting", action, bench.now);
  told = batch(waiting);
  ASSERT_EQ(told.directives.size(), 1U);
  EXPECT_GT(told.directives[0].id, next);
  EXPECT_TRUE(std::get<wire::OrderDirective>(told.directives[0].body).revert);
}

TEST_F(Directives, TellAnAgentNothingOfAnotherHostsOrders) {
  auto waiting = poll(batch(poll(0)).next);
  model::Action action = testing::action_of("a-1-1", model::ActionState::ordered, bench.now);
  action.host = action.target = InstanceName("db-01");
  testing::tell(bench.manager, "ordered", action, bench.now);
  bench.api.tick();
  EXPECT_EQ(waiting->answers(), 0);
}

TEST_F(Directives, TellAllOrdersAgainToAnAgentThatStartsAnew) {
  testing::show(bench.manager, testing::action_of("a-1-1", model::ActionState::applied, bench.now));
  EXPECT_EQ(batch(poll(0)).directives.size(), 3U);
  EXPECT_EQ(batch(poll(0)).directives.size(), 3U);
}

TEST_F(Directives, HaveReportsForAnswerThatAreInTheLogOnceTheyAreTaken) {
  wire::AgentReports reports;
  reports.abilities = model::Abilities{
      .agent = "somebody-else", .boot_id = "b", .can = {"limit"}, .allow = {"limit"}, .never_touch = {}, .held = false};
  model::ActionReport report;
  report.action = ActionId("a-1-1");
  report.state = model::ActionState::applied;
  report.at = bench.now;
  reports.reports = {report};
  std::string body = wire::encode_json(reports);
  EXPECT_EQ(bench.send("POST", "/api/v1/agents/web-01/reports", body).status, 200);
  EXPECT_EQ(bench.asked, Need::agent);
  ASSERT_EQ(bench.manager.reports.size(), 1U);
  EXPECT_EQ(bench.manager.reports[0].agent, "web-01");
  EXPECT_EQ(bench.manager.reports[0].abilities->agent, "web-01");
  EXPECT_EQ(bench.manager.reports[0].reports[0].action.value, "a-1-1");
  EXPECT_EQ(bench.send("POST", "/api/v1/agents/db-01/reports", body).status, 403);
  EXPECT_EQ(bench.send("POST", "/api/v1/agents/web-01/reports", "{").status, 400);
  bench.caller.role = node::Role::admin;
  bench.caller.agent.clear();
  EXPECT_EQ(bench.send("POST", "/api/v1/agents/web-01/reports", body).status, 403);
  bench.caller.agent = "web-01";
  bench.manager.refuse_delivery = Error{.code = Code::exhausted, .message = "full", .where = {}, .cause = {}};
  EXPECT_EQ(bench.send("POST", "/api/v1/agents/web-01/reports", body).status, 429);
  EXPECT_EQ(bench.manager.reports.size(), 1U);
}

TEST_F(Directives, WaitUntilThereIsNews) {
  std::uint64_t next = batch(poll(0)).next;
  auto waiting = poll(next);
  bench.api.tick();
  EXPECT_EQ(waiting->answers(), 0);
  auto changed = std::make_shared<node::InstanceView>(*host);
  changed->generation = 2;
  bench.manager.shown->instances.set(InstanceName("web-01"), changed);
  bench.api.tick();
  auto told = batch(waiting);
  ASSERT_EQ(told.directives.size(), 1U);
  EXPECT_EQ(std::get<wire::PersonaDirective>(told.directives[0].body).generation, 2U);
  EXPECT_GT(told.next, next);
}

TEST_F(Directives, EndAPollAfterThirtySecondsWithTheNewestAuditHead) {
  std::uint64_t next = batch(poll(0)).next;
  auto waiting = poll(next);
  bench.manager.shown->audit_head = store::AuditHead{.sequence = 12, .hash = {}, .at = bench.now, .signature = "s"};
  bench.now = bench.now + 29s;
  bench.api.tick();
  EXPECT_EQ(waiting->answers(), 0);
  bench.now = bench.now + 1s;
  bench.api.tick();
  auto told = batch(waiting);
  EXPECT_TRUE(told.directives.empty());
  EXPECT_EQ(told.next, next);
  ASSERT_TRUE(told.audit_head);
  EXPECT_EQ(told.audit_head->sequence, 12U);
  bench.api.tick();
  EXPECT_EQ(waiting->answers(), 1);
}

TEST_F(Directives, AnswerWhoWaitsWhenTheManagerStops) {
  std::uint64_t next = batch(poll(0)).next;
  auto waiting = poll(next);
  bench.api.close();
  ASSERT_EQ(waiting->answers(), 1);
  auto told = batch(waiting);
  EXPECT_TRUE(told.directives.empty());
  EXPECT_EQ(told.next, next);
  auto late = poll(next);
  EXPECT_EQ(late->answers(), 1) << "nobody waits any more";
  EXPECT_EQ(late->response().status, 503);
}

TEST_F(Directives, AreToldAnewByAManagerThatForgotItsNumbers) {
  std::uint64_t ahead = static_cast<std::uint64_t>(bench.now.ns / 1'000'000) + 1'000'000;
  auto told = batch(poll(ahead));
  EXPECT_EQ(told.directives.size(), 2U);
  EXPECT_GT(told.next, ahead);
}

TEST_F(Directives, AreForTheAgentItselfOnly) {
  EXPECT_EQ(bench.get("/api/v1/agents/db-01/directives").status, 403);
  EXPECT_EQ(bench.get("/api/v1/agents/web-01/directives?after=x").status, 400);
}

struct Ingest : ::testing::Test {
  Bench bench;

  static model::Delivery delivery() {
    model::DeliveredInstance instance;
    instance.instance = InstanceName("web-01");
    instance.type = model::InstanceType::host;
    instance.series = {{.metric = MetricName("system.cpu.utilization"),
                        .attributes = {},
                        .unit = "1",
                        .kind = model::SeriesKind::gauge}};
    instance.batch.times = {WallTime{1'799'999'999'000'000'000}};
    instance.batch.values = {0.5};
    model::Delivery made;
    made.source = "web-01";
    made.epoch = 1;
    made.sequence = 1;
    made.instances = {instance};
    return made;
  }
  HttpRequest request() {
    HttpRequest made = Bench::request("POST", "/v1/metrics", wire::encode_otlp(delivery()));
    made.headers["content-type"] = "application/x-protobuf";
    return made;
  }
  void be_agent() {
    bench.caller.role = node::Role::agent;
    bench.caller.agent = "web-01";
  }
};

TEST_F(Ingest, TakesAnAgentsNumbersFromItsHeadersAndItsNameFromItsToken) {
  be_agent();
  HttpRequest sent = request();
  sent.headers["mien-epoch"] = "12";
  sent.headers["mien-sequence"] = "34";
  HttpResponse response = bench.start(sent)->wait();
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.headers["content-type"], "application/x-protobuf");
  ASSERT_EQ(bench.manager.taken.size(), 1U);
  const auto& taken = bench.manager.taken[0];
  EXPECT_EQ(taken.source, "web-01");
  EXPECT_EQ(taken.epoch, 12U);
  EXPECT_EQ(taken.sequence, 34U);
  EXPECT_TRUE(taken.authenticated);
  ASSERT_EQ(taken.instances.size(), 1U);
  EXPECT_EQ(taken.instances[0].instance.value, "web-01");
}

TEST_F(Ingest, LetsAnAgentSpeakForItsOwnMachineOnly) {
  be_agent();
  model::Delivery sent = delivery();
  sent.instances.push_back(sent.instances[0]);
  sent.instances[1].instance = InstanceName("db-01");
  sent.instances.push_back(sent.instances[0]);
  sent.instances[2].instance = InstanceName("nginx.service@web-01");
  sent.instances[2].type = model::InstanceType::service;
  sent.instances[2].parent = InstanceName("web-01");
  HttpRequest made = request();
  made.body = wire::encode_otlp(sent);
  HttpResponse response = bench.start(made)->wait();
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("1 samples of instances that are not on web-01"), std::string::npos);
  ASSERT_EQ(bench.manager.taken.size(), 1U);
  ASSERT_EQ(bench.manager.taken[0].instances.size(), 2U);
  for (const auto& one : bench.manager.taken[0].instances) EXPECT_NE(one.instance.value, "db-01");
}

TEST_F(Ingest, TakesNoNewcomersWhereThereIsNoRoomAndSaysWhatToDo) {
  Bench full(2);
  full.manager.add_instance("web-01", model::InstanceType::host, 0);
  full.caller.role = node::Role::agent;
  full.caller.agent = "web-01";
  model::Delivery sent = delivery();
  for (const char* name : {"a.service@web-01", "b.service@web-01"}) {
    sent.instances.push_back(sent.instances[0]);
    sent.instances.back().instance = InstanceName(name);
    sent.instances.back().type = model::InstanceType::service;
    sent.instances.back().parent = InstanceName("web-01");
  }
  HttpRequest made = request();
  made.body = wire::encode_otlp(sent);
  HttpResponse response = full.start(made)->wait();
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("1 samples of new instances: this manager watches 2 instances"), std::string::npos);
  ASSERT_EQ(full.manager.taken.size(), 1U);
  EXPECT_EQ(full.manager.taken[0].instances.size(), 2U) << "those that are known, and one for which there is room";
  EXPECT_NE(full.get("/metrics").body.find("mien_newcomer_samples_refused_total 1\n"), std::string::npos);
}

TEST_F(Ingest, TellsAnAgentForWhichThereIsNoRoomWhatToDo) {
  Bench full(1);
  full.manager.add_instance("web-01", model::InstanceType::host, 0);
  HttpResponse response = full.get("/api/v1/agents/db-01/directives?after=0");
  EXPECT_EQ(response.status, 429);
  EXPECT_TRUE(response.headers.contains("retry-after"));
  EXPECT_NE(response.body.find("mien delete instance NAME"), std::string::npos);
  EXPECT_EQ(full.get("/api/v1/agents/web-01/directives?after=0").status, 200);
}

TEST_F(Ingest, BelievesNoNumbersOfStrangers) {
  bench.caller.actor = "unauthenticated";
  bench.caller.blanked = true;
  HttpRequest sent = Bench::request(
      "POST", "/v1/metrics",
      R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"other"}}]},
    "scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1799999999000000000","asDouble":1}]}}]}]}]})");
  sent.headers["mien-epoch"] = "12";
  sent.headers["mien-sequence"] = "34";
  HttpResponse response = bench.start(sent)->wait();
  ASSERT_EQ(response.status, 200) << response.body;
  ASSERT_EQ(bench.manager.taken.size(), 1U);
  EXPECT_TRUE(bench.manager.taken[0].source.empty());
  EXPECT_EQ(bench.manager.taken[0].epoch, 0U);
  EXPECT_EQ(bench.manager.taken[0].sequence, 0U);
  EXPECT_FALSE(bench.manager.taken[0].authenticated);
}

TEST_F(Ingest, TakesGzip) {
  be_agent();
  HttpRequest sent = request();
  sent.headers["content-encoding"] = "gzip";
  sent.body = wire::gzip(sent.body);
  EXPECT_EQ(bench.start(sent)->wait().status, 200);
  EXPECT_EQ(bench.manager.taken.size(), 1U);
}

TEST_F(Ingest, TellsTheSenderWhatToDo) {
  be_agent();
  bench.manager.refuse_delivery =
      Error{.code = Code::exhausted, .message = "the queue is full", .where = {}, .cause = {}};
  HttpResponse full = bench.start(request())->wait();
  EXPECT_EQ(full.status, 429);
  EXPECT_TRUE(full.headers.contains("retry-after"));
  bench.manager.refuse_delivery = Error{.code = Code::unavailable, .message = "stopping", .where = {}, .cause = {}};
  HttpResponse stopping = bench.start(request())->wait();
  EXPECT_EQ(stopping.status, 503);
  EXPECT_TRUE(stopping.headers.contains("retry-after"));
}

TEST_F(Ingest, RefusesForGoodWhatCanNeverBeTaken) {
  be_agent();
  HttpRequest sent = request();
  sent.headers["content-type"] = "text/plain";
  EXPECT_EQ(bench.start(sent)->wait().status, 415);
  sent = request();
  sent.body = "\xff\xff\xff";
  EXPECT_EQ(bench.start(sent)->wait().status, 400);
  sent = request();
  sent.headers["content-encoding"] = "br";
  EXPECT_EQ(bench.start(sent)->wait().status, 415);
  sent = request();
  sent.headers["content-encoding"] = "gzip";
  sent.body = wire::gzip(std::string(std::size_t{100} << 20U, '\0'));
  EXPECT_EQ(bench.start(sent)->wait().status, 413);
  sent = request();
  sent.headers["mien-sequence"] = "minus one";
  EXPECT_EQ(bench.start(sent)->wait().status, 400);
  EXPECT_TRUE(bench.manager.taken.empty());
}

}  // namespace
}  // namespace mien::edge
