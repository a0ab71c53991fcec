// POST /api/v1/write: what its sender is told.
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "edge/api/testing/fake_manager.h"
#include "wire/snappy.h"

namespace mien::edge {
namespace {

using testing::Bench;

std::string body_of(const std::string& metric, const std::string& instance, std::int64_t ms,
                    const std::map<std::string, std::string>& more = {}) {
  std::string one, sample, body;
  protozero::pbf_writer series{one};
  auto label = [&series](const std::string& name, const std::string& value) {
    std::string bytes;
    protozero::pbf_writer writer{bytes};
    writer.add_string(1, name);
    writer.add_string(2, value);
    series.add_message(1, bytes);
  };
  label("__name__", metric);
  if (!instance.empty()) label("instance", instance);
  for (const auto& [name, value] : more) label(name, value);
  protozero::pbf_writer writer{sample};
  writer.add_double(1, 0.5);
  writer.add_int64(2, ms);
  series.add_message(2, sample);
  protozero::pbf_writer{body}.add_message(1, one);
  return body;
}

HttpRequest write(const std::string& body) {
  HttpRequest made = Bench::request("POST", "/api/v1/write", wire::snap(body));
  made.headers["content-type"] = "application/x-protobuf";
  made.headers["content-encoding"] = "snappy";
  return made;
}

constexpr std::int64_t noon = 1'799'999'999'000;

TEST(RemoteWrite, IsAnsweredWith204AndWhatWasWritten) {
  Bench bench;
  HttpResponse response = bench.start(write(body_of("node_load1", "web-01:9100", noon)))->wait();
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_EQ(response.headers["x-prometheus-remote-write-samples-written"], "1");
  EXPECT_EQ(response.headers["x-prometheus-remote-write-histograms-written"], "0");
  EXPECT_EQ(response.headers["x-prometheus-remote-write-exemplars-written"], "0");
  ASSERT_EQ(bench.manager.taken.size(), 1U);
  EXPECT_EQ(bench.manager.taken[0].instances[0].instance.value, "web-01");
  EXPECT_TRUE(bench.manager.taken[0].authenticated) << "its sender has a token and is no agent";
  EXPECT_TRUE(bench.manager.taken[0].source.empty());
  EXPECT_NE(bench.get("/metrics").body.find("mien_prometheus_samples_total{outcome=\"kept\"} 1"), std::string::npos);
}

TEST(RemoteWrite, NobodyStandsForWhatALocalProcessSends) {
  Bench bench;
  bench.caller.blanked = true;
  ASSERT_EQ(bench.start(write(body_of("node_load1", "web-01:9100", noon)))->wait().status, 204);
  EXPECT_FALSE(bench.manager.taken.at(0).authenticated);
}

TEST(RemoteWrite, ALabelThatExplodesIsNamedInAConditionOfItsInstance) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::external, 0.1);
  std::string body;
  for (int i = 0; i < 1'500; ++i)
    body += body_of("jobs", "web-01", noon, {{"job_id", std::to_string(i)}, {"queue", "a"}});
  HttpResponse response = bench.start(write(body))->wait();
  EXPECT_EQ(response.status, 400) << response.body;
  std::string shown = bench.get("/api/v1/instances/web-01").body;
  EXPECT_NE(shown.find("SeriesLimit: more series are sent"), std::string::npos) << shown;
  EXPECT_NE(shown.find("The label `job_id` has 476 different values"), std::string::npos) << shown;
  EXPECT_NE(bench.get("/metrics")
                .body.find("mien_series_limit_label_values{instance_name=\"web-01\",label=\"job_id\"} 476\n"),
            std::string::npos);
  bench.now = bench.now + CardinalityBoard::lasts + 1s;
  EXPECT_EQ(bench.get("/api/v1/instances/web-01").body.find("SeriesLimit"), std::string::npos);
}

TEST(RemoteWrite, SaysWhatBelongsToNoInstanceAndIsNotAskedAgain) {
  Bench bench;
  HttpResponse response = bench.start(write(body_of("job:errors:rate", "", noon)))->wait();
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("job:errors:rate"), std::string::npos);
  EXPECT_EQ(response.headers["x-prometheus-remote-write-samples-written"], "0");
  EXPECT_TRUE(bench.manager.taken.empty());
}

TEST(RemoteWrite, TakesTheValidPartAndRefusesTheRestForGood) {
  Bench bench;
  std::string body = body_of("node_load1", "web-01:9100", noon) + body_of("node_load5", "web-01:9100", -1);
  HttpResponse response = bench.start(write(body))->wait();
  EXPECT_EQ(response.status, 400) << "a sender repeats 5xx and 429, never this";
  EXPECT_EQ(response.headers["x-prometheus-remote-write-samples-written"], "1");
  EXPECT_EQ(bench.manager.taken.size(), 1U);
}

TEST(RemoteWrite, TellsWhatToDoWithWhatItCanNotRead) {
  Bench bench;
  HttpRequest sent = write(body_of("node_load1", "web-01:9100", noon));
  HttpRequest other = sent;
  other.headers["content-type"] = "application/json";
  EXPECT_EQ(bench.start(other)->wait().status, 415);
  other.headers["content-type"] = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
  EXPECT_EQ(bench.start(other)->wait().status, 400) << "the body is of the first version";
  other = sent;
  other.headers["content-encoding"] = "gzip";
  EXPECT_EQ(bench.start(other)->wait().status, 415);
  other = sent;
  other.body.resize(other.body.size() / 2);
  EXPECT_EQ(bench.start(other)->wait().status, 400);
  other.body = wire::snap(std::string(65U << 20U, 'x'));
  EXPECT_EQ(bench.start(other)->wait().status, 413);
  EXPECT_TRUE(bench.manager.taken.empty());
  EXPECT_EQ(bench.start(sent)->wait().status, 204) << "neighbours are unharmed";
}

TEST(RemoteWrite, AsksToWaitWhereTheManagerIsBehind) {
  Bench bench;
  bench.manager.refuse_delivery =
      Error{.code = Code::exhausted, .message = "the fold is behind", .where = {}, .cause = {}};
  HttpResponse response = bench.start(write(body_of("node_load1", "web-01:9100", noon)))->wait();
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.headers["retry-after"], "1");
  EXPECT_EQ(response.headers["x-prometheus-remote-write-samples-written"], "0");
  EXPECT_NE(bench.get("/metrics").body.find("mien_prometheus_samples_total{outcome=\"kept\"} 0"), std::string::npos);
}

TEST(RemoteWrite, AnAgentWritesForItsOwnHostOnly) {
  Bench bench;
  bench.caller.role = node::Role::agent;
  bench.caller.agent = "web-01";
  EXPECT_EQ(bench.start(write(body_of("node_load1", "web-02:9100", noon)))->wait().status, 400);
  EXPECT_TRUE(bench.manager.taken.empty());
}

}  // namespace
}  // namespace mien::edge
