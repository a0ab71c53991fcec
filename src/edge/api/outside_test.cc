// Log records and other people's alerts: taken in, counted, shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "edge/api/testing/fake_manager.h"
#include "wire/otlp_logs.h"

namespace mien::edge {
namespace {

using testing::Bench;
using ::testing::HasSubstr;

HttpRequest posted(const std::string& path, std::string body) {
  HttpRequest made = Bench::request("POST", path, std::move(body));
  made.headers["content-type"] = "application/json";
  return made;
}

HttpRequest logs_of(const std::string& host) {
  return posted("/v1/logs",
                cat(R"({"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":")", host,
                    R"("}}]},"scopeLogs":[{"logRecords":[{"severityNumber":17,"eventName":"process.exec",)",
                    R"("body":{"stringValue":"a secret path"}}]}]}]})"));
}

HttpRequest alert_of(const std::string& instance, const std::string& status) {
  return posted("/api/v1/alerts",
                cat(R"({"alerts":[{"status":")", status, R"(","labels":{"alertname":"Full","instance":")", instance,
                    R"(:9100"},"annotations":{"summary":"soon"},"fingerprint":"f"}]})"));
}

TEST(Outside, LogRecordsAreCountedAsASeriesAndTheNewestShown) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::external, 0.1);
  HttpResponse response = bench.start(logs_of("web-01"))->wait();
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.body, "{}");
  ASSERT_EQ(bench.manager.taken.size(), 1U);
  EXPECT_EQ(to_text(bench.manager.taken[0].instances.at(0).series.at(0)), "log.record.count{severity=error}");
  auto shown = Bench::json(bench.get("/api/v1/instances/web-01/outside"));
  EXPECT_EQ(shown["logs"][0]["event"], "process.exec");
  EXPECT_EQ(shown["logs"][0]["body"], "a secret path");
  bench.caller.blanked = true;
  EXPECT_EQ(bench.get("/api/v1/instances/web-01/outside").body.find("secret"), std::string::npos);
  EXPECT_THAT(bench.get("/metrics").body, HasSubstr("mien_log_records_total{outcome=\"taken\"} 1"));
  EXPECT_EQ(bench.get("/api/v1/instances/nobody/outside").status, 404);
}

TEST(Outside, AnInstanceOfAnAgentIsNotOfferedWhatOthersCount) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0.1);
  EXPECT_EQ(bench.start(logs_of("web-01"))->wait().status, 200);
  EXPECT_EQ(bench.start(alert_of("web-01", "firing"))->wait().status, 200);
  EXPECT_TRUE(bench.manager.taken.empty());
  auto shown = Bench::json(bench.get("/api/v1/instances/web-01/outside"));
  EXPECT_EQ(shown["logs"].size(), 1U);
  EXPECT_EQ(shown["alerts"].size(), 1U);
}

TEST(Outside, AnAgentsRecordsAreItsOwnHostsAndCountedWhenNumbered) {
  Bench bench;
  bench.caller.role = node::Role::agent;
  bench.caller.agent = "web-01";
  HttpRequest foreign = logs_of("web-02");
  foreign.body =
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"mien.instance","value":{"stringValue":"web-02"}}]},
    "scopeLogs":[{"logRecords":[{}]}]}]})";
  EXPECT_THAT(bench.start(foreign)->wait().body, HasSubstr("rejectedLogRecords"));
  EXPECT_TRUE(bench.manager.taken.empty());
  EXPECT_EQ(bench.start(logs_of("web-01"))->wait().status, 200);
  EXPECT_TRUE(bench.manager.taken.empty()) << "without a number it would count twice when sent twice";
  HttpRequest numbered = logs_of("web-01");
  numbered.headers["mien-epoch"] = "1";
  numbered.headers["mien-sequence"] = "2";
  EXPECT_EQ(bench.start(numbered)->wait().status, 200);
  ASSERT_EQ(bench.manager.taken.size(), 1U);
  EXPECT_EQ(bench.manager.taken[0].source, "web-01");
}

TEST(Outside, AnAlertStandsBesideItsInstanceUntilItIsResolved) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::external, 0.1);
  auto answer = Bench::json(bench.start(alert_of("web-01", "firing"))->wait());
  EXPECT_EQ(answer["taken"], 1);
  EXPECT_EQ(bench.manager.taken.at(0).instances.at(0).batch.values.at(0), 1);
  auto shown = Bench::json(bench.get("/api/v1/instances/web-01/outside"));
  EXPECT_EQ(shown["alerts"][0]["name"], "Full");
  EXPECT_EQ(shown["alerts"][0]["summary"], "soon");
  EXPECT_EQ(bench.start(alert_of("web-01", "resolved"))->wait().status, 200);
  EXPECT_EQ(bench.manager.taken.at(1).instances.at(0).batch.values.at(0), 0);
  EXPECT_TRUE(Bench::json(bench.get("/api/v1/instances/web-01/outside"))["alerts"].empty());
}

TEST(Outside, AnAlertOfMiensOwnIsNoEvidence) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::external, 0.1);
  HttpRequest own = alert_of("web-01", "firing");
  own.body.replace(own.body.find("Full"), 4, "MienFinding");
  EXPECT_EQ(Bench::json(bench.start(own)->wait())["taken"], 0);
  EXPECT_TRUE(bench.manager.taken.empty());
}

TEST(Outside, AnAlertMakesNoInstance) {
  Bench bench;
  auto answer = Bench::json(bench.start(alert_of("nobody", "firing"))->wait());
  EXPECT_EQ(answer["taken"], 0);
  EXPECT_EQ(answer["refused"], 1);
  EXPECT_TRUE(bench.manager.taken.empty());
  EXPECT_EQ(bench.start(posted("/api/v1/alerts", "{}"))->wait().status, 400);
}

TEST(Outside, AClientThatSpeaksProtobufIsRefusedInProtobuf) {
  Bench bench;
  for (const char* path : {"/v1/logs", "/v1/metrics"}) {
    HttpRequest sent = posted(path, "\xff\xff\xff");
    sent.headers["content-type"] = "application/x-protobuf";
    HttpResponse response = bench.start(sent)->wait();
    EXPECT_EQ(response.status, 400) << path;
    EXPECT_EQ(response.headers["content-type"], "application/x-protobuf") << path;
    EXPECT_EQ(response.body.substr(0, 1), "\x12") << "the message of a Status";
    sent.headers["content-type"] = "application/json";
    EXPECT_EQ(bench.start(sent)->wait().headers["content-type"], "application/problem+json") << path;
  }
}

}  // namespace
}  // namespace mien::edge
