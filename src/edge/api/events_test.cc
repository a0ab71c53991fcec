#include "edge/api/events.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "edge/api/testing/fake_manager.h"

namespace mien::edge {
namespace {

using testing::Bench;
using testing::Captured;

struct Events : ::testing::Test {
  Bench bench;

  node::Notice opened(const std::string& instance) {
    node::Notice notice;
    notice.type = "finding.opened";
    notice.subject = "Finding/f-1";
    notice.at = bench.now;
    notice.finding = model::Finding{};
    notice.finding->id = FindingId("f-1");
    notice.finding->instance = InstanceName(instance);
    return notice;
  }
  node::Notice drift(const std::string& instance) {
    node::Notice notice;
    notice.type = "drift";
    notice.subject = "Instance/" + instance;
    notice.at = bench.now;
    notice.drift = model::DriftScore{};
    notice.drift->instance = InstanceName(instance);
    return notice;
  }
  std::shared_ptr<Captured> follow(const std::string& query = {}, const std::string& last = {}) {
    HttpRequest request = Bench::request("GET", "/events" + query);
    if (!last.empty()) request.headers["last-event-id"] = last;
    return bench.start(request);
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  }
};

TEST_F(Events, AreCloudEventsOverServerSentEvents) {
  auto stream = follow();
  EXPECT_EQ(stream->response().headers["content-type"], "text/event-stream");
  bench.manager.publish(opened("web-01"));
  std::string chunk = stream->chunks().back();
  EXPECT_TRUE(chunk.starts_with("id: 1\nevent: finding.opened\ndata: {")) << chunk;
  EXPECT_TRUE(chunk.ends_with("}\n\n"));
  auto event = *wire::parse_document(std::string_view(chunk).substr(chunk.find('{')));
  EXPECT_EQ(event["specversion"], "1.0");
  EXPECT_EQ(event["id"], "1");
  EXPECT_EQ(event["source"], "/mien");
  EXPECT_EQ(event["type"], "dev.mien.finding.opened");
  EXPECT_EQ(event["subject"], "Finding/f-1");
  EXPECT_EQ(event["time"], "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(event["data"]["instance"], "web-01");
}

TEST_F(Events, BeginNowForWhoResumesNothing) {
  node::Notice old = opened("web-01");
  old.at = bench.now - 1h;
  bench.manager.publish(old);
  bench.manager.shown->at = bench.now;
  auto stream = follow();
  EXPECT_EQ(stream->streamed().find("finding.opened"), std::string::npos);
  bench.manager.publish(opened("web-01"));
  EXPECT_EQ(count(stream->streamed(), "id: "), 1U);
}

TEST_F(Events, ResumeAfterTheLastThatWasSeen) {
  for (int i = 0; i < 4; ++i) bench.manager.publish(drift("web-01"));
  auto stream = follow({}, "2");
  EXPECT_EQ(count(stream->streamed(), "id: "), 2U);
  EXPECT_NE(stream->streamed().find("id: 3\n"), std::string::npos);
  EXPECT_EQ(stream->streamed().find("event: gap"), std::string::npos);
}

TEST_F(Events, SayWhatIsNoLongerKept) {
  for (int i = 0; i < 6; ++i) bench.manager.publish(drift("web-01"));
  bench.manager.forgotten = 4;
  auto stream = follow({}, "2");
  std::string text = stream->streamed();
  EXPECT_NE(text.find("event: gap"), std::string::npos);
  EXPECT_NE(text.find("\"from\":3,\"to\":4"), std::string::npos) << text;
  EXPECT_EQ(count(text, "id: "), 2U);
}

TEST_F(Events, AreFilteredByType) {
  auto stream = follow("?type=finding");
  bench.manager.publish(drift("web-01"));
  bench.manager.publish(opened("web-01"));
  EXPECT_EQ(count(stream->streamed(), "id: "), 1U);
  EXPECT_NE(stream->streamed().find("finding.opened"), std::string::npos);
}

TEST_F(Events, OfOtherInstancesAreNotForALimitedCaller) {
  bench.manager.add_instance("web-01", model::InstanceType::host, 0).labels = {{"role", "web"}};
  bench.manager.add_instance("db-01", model::InstanceType::host, 0).labels = {{"role", "db"}};
  bench.caller.selector = "role=web";
  auto stream = follow();
  bench.manager.publish(drift("db-01"));
  bench.manager.publish(opened("db-01"));
  bench.manager.publish(drift("web-01"));
  EXPECT_EQ(count(stream->streamed(), "id: "), 1U);
  EXPECT_EQ(stream->streamed().find("db-01"), std::string::npos);
  EXPECT_EQ(stream->streamed().find("event: gap"), std::string::npos);
}

TEST_F(Events, AreKeptAliveWhenNothingHappens) {
  auto stream = follow();
  std::size_t before = stream->chunks().size();
  bench.now = bench.now + 14s;
  bench.api.tick();
  EXPECT_EQ(stream->chunks().size(), before);
  bench.now = bench.now + 1s;
  bench.api.tick();
  ASSERT_EQ(stream->chunks().size(), before + 1);
  EXPECT_TRUE(stream->chunks().back().starts_with(":"));
}

TEST_F(Events, ForgetAPeerThatIsGone) {
  std::size_t before = bench.manager.subscribers.size();  // the Api itself follows actions
  auto stream = follow();
  EXPECT_EQ(bench.manager.subscribers.size(), before + 1);
  stream->peer_gone = true;
  bench.now = bench.now + api::keep_alive;
  bench.api.tick();
  EXPECT_EQ(bench.manager.subscribers.size(), before);
}

TEST_F(Events, EndWhenTheManagerStops) {
  std::size_t before = bench.manager.subscribers.size();
  auto stream = follow();
  bench.api.close();
  EXPECT_TRUE(stream->ended());
  EXPECT_EQ(bench.manager.subscribers.size(), before);
  EXPECT_EQ(follow()->response().status, 503);
}

TEST_F(Events, RefuseOneFollowerTooMany) {
  std::vector<std::shared_ptr<Captured>> all;
  for (std::size_t i = 0; i < api::most_streams; ++i) all.push_back(follow());
  EXPECT_EQ(all.back()->response().status, 200);
  EXPECT_EQ(follow()->response().status, 429);
  all[0]->peer_gone = true;
  bench.now = bench.now + api::keep_alive;
  bench.api.tick();
  EXPECT_EQ(follow()->response().status, 200);
}

TEST_F(Events, RefuseALastEventIdThatIsNone) { EXPECT_EQ(follow({}, "abc")->response().status, 400); }

TEST(Metrics, AreCorrectInBothFormats) {
  Bench bench;
  auto& seen = bench.manager.add_instance("we\"ird\\na\nme", model::InstanceType::host, 0.25);
  seen.findings.resize(2);
  bench.manager.shown->counters.samples = 1234;
  HttpResponse plain = bench.get("/metrics");
  EXPECT_EQ(plain.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(plain.body.find("# TYPE mien_samples_total counter\nmien_samples_total 1234\n"), std::string::npos);
  EXPECT_NE(plain.body.find("mien_instance_findings{instance_name=\"we\\\"ird\\\\na\\nme\"} 2\n"), std::string::npos);
  EXPECT_NE(plain.body.find("mien_build_info{version=\"0.1.0\"} 1\n"), std::string::npos);
  EXPECT_EQ(plain.body.find("# EOF"), std::string::npos);
  HttpRequest request = Bench::request("GET", "/metrics");
  request.headers["accept"] = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
  HttpResponse open = bench.start(request)->wait();
  EXPECT_TRUE(open.headers["content-type"].starts_with("application/openmetrics-text"));
  EXPECT_NE(open.body.find("# TYPE mien_samples counter\n"), std::string::npos);
  EXPECT_NE(open.body.find("\nmien_samples_total 1234\n"), std::string::npos);
  EXPECT_TRUE(open.body.ends_with("# EOF\n"));
}

model::Finding finding_of(const std::string& id, model::FindingKind kind, WallTime opened_at) {
  model::Finding finding;
  finding.id = FindingId(id);
  finding.instance = InstanceName("web-01");
  finding.kind = kind;
  finding.severity = model::Severity::high;
  finding.opened_at = opened_at;
  return finding;
}

TEST(Metrics, HoldTheFindingsOfAWeekAgainstWhatWasPromised) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0.25).expectation.false_alarms_per_week = 3;
  auto publish = [&](const std::string& id, model::FindingKind kind, WallTime at, bool late) {
    node::Notice notice;
    notice.type = "finding.opened";
    notice.finding = finding_of(id, kind, at);
    notice.finding->late = late;
    bench.manager.publish(notice);
  };
  publish("f-1", model::FindingKind::level, bench.now - 8 * std::chrono::hours{24}, false);
  publish("f-2", model::FindingKind::level, bench.now, false);
  publish("f-2", model::FindingKind::level, bench.now, false);  // told again: the same finding
  publish("f-3", model::FindingKind::limit, bench.now, false);  // declared, not judged
  publish("f-4", model::FindingKind::spike, bench.now, true);   // for the record only
  std::string text = bench.get("/metrics").body;
  EXPECT_NE(text.find("mien_false_alarms_promised{instance_name=\"web-01\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("mien_false_alarms_measured{instance_name=\"web-01\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("mien_false_alarms_left{instance_name=\"web-01\"} 2\n"), std::string::npos);
}

TEST(Metrics, CountFindingsByKindAndSeverity) {
  Bench bench;
  auto& seen = bench.manager.add_instance("web-01", model::InstanceType::host, 0.25);
  seen.findings = {finding_of("f-1", model::FindingKind::level, bench.now),
                   finding_of("f-2", model::FindingKind::level, bench.now)};
  EXPECT_NE(bench.get("/metrics").body.find("mien_findings{kind=\"level\",severity=\"high\"} 2\n"), std::string::npos);
}

TEST(Metrics, ShowABoundedNumberOfInstancesAndSayHowManyAreNotShown) {
  Bench bench;
  for (int i = 0; i < 2'003; ++i) bench.manager.add_instance(cat("i-", i), model::InstanceType::host, 0.25);
  std::string text = bench.get("/metrics").body;
  EXPECT_NE(text.find("mien_instances_not_shown 3\n"), std::string::npos);
  EXPECT_NE(text.find("mien_instances 2003\n"), std::string::npos);
  std::size_t scores = 0;
  for (std::size_t at = text.find("mien_drift_score{"); at != std::string::npos;
       at = text.find("mien_drift_score{", at + 1))
    ++scores;
  EXPECT_EQ(scores, 2'000U);
}

}  // namespace
}  // namespace mien::edge
