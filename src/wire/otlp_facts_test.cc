// Security facts among the log records of agents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "base/text.h"
#include "wire/otlp_facts.h"
#include "wire/otlp_logs.h"

namespace mien::wire {
namespace {

using protozero::pbf_writer;
using ::testing::HasSubstr;

constexpr WallTime arrived{1'700'000'009'000'000'000};

OtlpRequest of_agent(std::string_view body, OtlpEncoding encoding = OtlpEncoding::json) {
  return {.encoding = encoding,
          .content_encoding = {},
          .body = body,
          .arrived = arrived,
          .trusted = true,
          .agent = "web-01",
          .limits = {},
          .gzip = {}};
}

std::string body_of(std::string_view records) {
  return cat(
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"mien.instance","value":{"stringValue":"web-01"}}]},)",
      R"("scopeLogs":[{"logRecords":[)", records, "]}]}]}");
}

std::string record_of(std::string_view event, std::map<std::string, std::string> attributes) {
  std::string out =
      cat(R"({"timeUnixNano":"1700000000000000000","severityNumber":9,"eventName":")", event, R"(","attributes":[)");
  std::string separator;
  for (const auto& [key, value] : attributes) {
    out += cat(separator, R"({"key":")", key, R"(","value":{"stringValue":")", value, R"("}})");
    separator = ",";
  }
  return out + "]}";
}

const std::map<std::string, std::string> curl{{"mien.object", "/usr/bin/curl"},
                                              {"process.executable.path", "/usr/bin/curl"},
                                              {"process.pid", "42"},
                                              {"process.parents", "/usr/bin/bash < /usr/sbin/sshd"},
                                              {"user.name", "deploy"},
                                              {"mien.count", "3"}};

model::SecurityFact curl_fact() {
  model::SecurityFact fact;
  fact.at = WallTime{1'700'000'000'000'000'000};
  fact.object = fact.process = "/usr/bin/curl";
  fact.pid = 42;
  fact.parents = "/usr/bin/bash < /usr/sbin/sshd";
  fact.user = "deploy";
  fact.count = 3;
  return fact;
}

TEST(otlp_facts, an_agents_record_becomes_a_fact_and_is_not_counted_by_severity) {
  auto logs = decode_otlp_logs(of_agent(body_of(record_of("mien.security.execution", curl))));
  ASSERT_TRUE(logs.ok());
  ASSERT_EQ(logs->instances.size(), 1U);
  ASSERT_EQ(logs->instances[0].facts.size(), 1U);
  EXPECT_EQ(logs->instances[0].facts[0], curl_fact());
  EXPECT_TRUE(logs->instances[0].counts.empty());
  EXPECT_TRUE(logs->instances[0].newest.empty());
  model::Delivery delivery = counts_of(*logs, arrived);
  ASSERT_EQ(delivery.instances.size(), 1U);
  EXPECT_EQ(delivery.instances[0].facts.size(), 1U);
  EXPECT_TRUE(delivery.instances[0].batch.times.empty()) << "facts alone are no row of samples";
}

TEST(otlp_facts, protobuf_says_the_same) {
  auto text = [](pbf_writer& into, const std::string& key, const std::string& value, int tag) {
    pbf_writer pair{into, static_cast<protozero::pbf_tag_type>(tag)};
    pair.add_string(1, key);
    pbf_writer any{pair, 2};
    any.add_string(1, value);
  };
  std::string body;
  {
    pbf_writer request{body};
    pbf_writer resource_logs{request, 1};
    {
      pbf_writer resource{resource_logs, 1};
      text(resource, "mien.instance", "web-01", 1);
    }
    pbf_writer scope{resource_logs, 2};
    pbf_writer record{scope, 2};
    record.add_fixed64(1, 1'700'000'000'000'000'000U);
    for (const auto& [key, value] : curl) text(record, key, value, 6);
    record.add_string(12, "mien.security.execution");
  }
  auto logs = decode_otlp_logs(of_agent(body, OtlpEncoding::protobuf));
  ASSERT_TRUE(logs.ok());
  ASSERT_EQ(logs->instances.size(), 1U);
  ASSERT_EQ(logs->instances[0].facts.size(), 1U);
  EXPECT_EQ(logs->instances[0].facts[0], curl_fact());
}

TEST(otlp_facts, who_is_no_agent_only_has_its_records_counted) {
  std::string body = body_of(record_of("mien.security.execution", curl));
  OtlpRequest request = of_agent(body);
  request.trusted = false;
  request.agent.clear();
  auto logs = decode_otlp_logs(request);
  ASSERT_TRUE(logs.ok());
  for (const InstanceLogs& each : logs->instances) EXPECT_TRUE(each.facts.empty());
}

TEST(otlp_facts, kinds_of_a_newer_agent_are_skipped_and_counted) {
  auto logs = decode_otlp_logs(of_agent(
      body_of(cat(record_of("mien.security.teleport", curl), ",", record_of("mien.security.execution", curl)))));
  ASSERT_TRUE(logs.ok());
  EXPECT_EQ(logs->unknown_facts, 1U);
  EXPECT_EQ(logs->accepted, 2U);
  EXPECT_EQ(logs->rejected, 0U);
  EXPECT_EQ(logs->instances[0].facts.size(), 1U);
}

TEST(otlp_facts, what_says_too_little_or_too_much_is_refused_and_told) {
  auto refused = [](std::string_view event, std::map<std::string, std::string> attributes) {
    auto logs = decode_otlp_logs(of_agent(body_of(record_of(event, std::move(attributes)))));
    EXPECT_TRUE(logs.ok());
    EXPECT_EQ(logs->rejected, 1U);
    EXPECT_EQ(logs->accepted, 0U);
    return logs->why_rejected;
  };
  EXPECT_THAT(refused("mien.security.execution", {}), HasSubstr("has no mien.object"));
  EXPECT_THAT(refused("mien.security.write", {{"mien.object", "/etc/passwd"}}), HasSubstr("has no file.path"));
  EXPECT_THAT(refused("mien.security.execution", {{"mien.object", std::string(1025, 'a')}}),
              HasSubstr("more than 1024 bytes"));
  EXPECT_THAT(refused("mien.security.execution", {{"mien.object", "/a"}, {"process.pid", "-1"}}),
              HasSubstr("process.pid is not a whole number"));
  EXPECT_THAT(refused("mien.security.execution", {{"mien.object", "/a"}, {"mien.count", "many"}}),
              HasSubstr("mien.count is not a whole number"));
}

TEST(otlp_facts, what_would_move_the_cursor_is_written_out) {
  auto logs =
      decode_otlp_logs(of_agent(body_of(record_of("mien.security.execution", {{"mien.object", "/tmp/a\\u001b[2Jb"}}))));
  ASSERT_TRUE(logs.ok());
  ASSERT_EQ(logs->instances[0].facts.size(), 1U);
  EXPECT_EQ(logs->instances[0].facts[0].object, "/tmp/a\\x1b[2Jb");
}

TEST(otlp_facts, a_request_brings_so_many_of_an_instance_and_no_more) {
  std::string records;
  for (std::size_t i = 0; i < log_limits::facts + 5; ++i)
    records += cat(i == 0 ? "" : ",", record_of("mien.security.system_call", {{"mien.object", cat("call", i)}}));
  auto logs = decode_otlp_logs(of_agent(body_of(records)));
  ASSERT_TRUE(logs.ok());
  EXPECT_EQ(logs->instances[0].facts.size(), log_limits::facts);
  EXPECT_EQ(logs->rejected, 5U);
  EXPECT_THAT(logs->why_rejected, HasSubstr("put equal ones together"));
}

TEST(otlp_facts, what_an_agent_writes_is_read_as_it_was) {
  InstanceFacts sent{.instance = InstanceName{"web-01"},
                     .type = model::InstanceType::host,
                     .parent = {},
                     .identities = {{"host.id", "abc"}},
                     .facts = {curl_fact()},
                     .refused = 4};
  for (std::size_t kind = 0; kind < model::fact_kinds; ++kind) {
    model::SecurityFact fact;
    fact.kind = static_cast<model::FactKind>(kind);
    fact.at = WallTime{1'700'000'001'000'000'000};
    fact.object = cat("/object/", kind);
    sent.facts.push_back(fact);
  }
  sent.facts.back().detail = "1.2-1 -> 1.3-1";
  std::string body = encode_otlp_facts({.source = "web-01", .epoch = 2, .sequence = 9, .instances = std::vector{sent}});
  Result<IngestedLogs> read = decode_otlp_logs(of_agent(body, OtlpEncoding::protobuf));
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  ASSERT_EQ(read->instances.size(), 1U);
  EXPECT_EQ(read->rejected, 0U) << read->why_rejected;
  EXPECT_EQ(read->instances[0].facts, sent.facts);
  EXPECT_EQ(read->instances[0].identities, sent.identities);
  EXPECT_EQ(counts_of(*read, arrived).instances.at(0).refused, 4U);
}

}  // namespace
}  // namespace mien::wire
