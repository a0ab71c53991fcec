#include "wire/otlp_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "base/text.h"

namespace mien::wire {
namespace {

using protozero::pbf_writer;
using ::testing::HasSubstr;

constexpr WallTime arrived{1'700'000'009'000'000'000};

OtlpRequest json_request(std::string_view body) {
  return {.encoding = OtlpEncoding::json,
          .content_encoding = {},
          .body = body,
          .arrived = arrived,
          .agent = {},
          .limits = {},
          .gzip = {}};
}

std::string of_web_01(std::string_view records) {
  return cat(R"({"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web-01"}}]},)",
             R"("scopeLogs":[{"logRecords":[)", records, "]}]}]}");
}

IngestedLogs take(const OtlpRequest& request) {
  auto logs = decode_otlp_logs(request);
  EXPECT_TRUE(logs.ok()) << logs.error().to_string();
  return logs ? *std::move(logs) : IngestedLogs{};
}

constexpr std::string_view execution =
    R"({"timeUnixNano":"1700000000000000000","severityNumber":9,"eventName":"process.exec",)"
    R"("body":{"stringValue":"new binary"},"attributes":[{"key":"process.executable.path","value":{"stringValue":"/tmp/x"}},)"
    R"({"key":"process.pid","value":{"intValue":"42"}},{"key":"arguments","value":{"arrayValue":{}}}]})";

TEST(otlp_logs, records_are_counted_by_severity_and_the_newest_kept) {
  std::string error = R"({"severityNumber":17,"body":{"stringValue":"disk full"}})";
  IngestedLogs logs = take(json_request(of_web_01(cat(execution, ",", error, ",", error))));
  ASSERT_EQ(logs.instances.size(), 1U);
  EXPECT_EQ(logs.accepted, 3U);
  EXPECT_EQ(logs.instances[0].counts, (std::map<std::string, std::uint64_t>{{"error", 2}, {"info", 1}}));
  const LogRecord& first = logs.instances[0].newest.at(0);
  EXPECT_EQ(first.event, "process.exec");
  EXPECT_EQ(first.body, "new binary");
  EXPECT_EQ(first.at, WallTime{1'700'000'000'000'000'000});
  EXPECT_EQ(first.attributes, (model::Attributes{{"process.executable.path", "/tmp/x"}, {"process.pid", "42"}}));
  EXPECT_EQ(first.left_out, 1U) << "a list is no text";
  EXPECT_EQ(logs.instances[0].newest.at(1).at, arrived) << "a record without a time is of its arrival";
  model::Delivery delivery = counts_of(logs, arrived);
  ASSERT_EQ(delivery.instances.size(), 1U);
  EXPECT_EQ(to_text(delivery.instances[0].series.at(0)), "log.record.count{severity=error}");
  EXPECT_EQ(delivery.instances[0].series.at(0).kind, model::SeriesKind::delta);
  EXPECT_EQ(delivery.instances[0].batch.values, (std::vector<double>{2, 1}));
}

TEST(otlp_logs, protobuf_says_the_same_as_json) {
  std::string pair, value, resource, record, scope, logs, body;
  pbf_writer{value}.add_string(1, "web-01");
  pbf_writer pair_writer{pair};
  pair_writer.add_string(1, "host.name");
  pair_writer.add_message(2, value);
  pbf_writer{resource}.add_message(1, pair);
  pbf_writer record_writer{record};
  record_writer.add_fixed64(1, 1'700'000'000'000'000'000U);
  record_writer.add_enum(2, 9);
  std::string text;
  pbf_writer{text}.add_string(1, "new binary");
  record_writer.add_message(5, text);
  record_writer.add_string(12, "process.exec");
  pbf_writer{scope}.add_message(2, record);
  pbf_writer logs_writer{logs};
  logs_writer.add_message(1, resource);
  logs_writer.add_message(2, scope);
  pbf_writer{body}.add_message(1, logs);
  OtlpRequest request = json_request(body);
  request.encoding = OtlpEncoding::protobuf;
  IngestedLogs seen = take(request);
  ASSERT_EQ(seen.instances.size(), 1U);
  EXPECT_EQ(seen.instances[0].instance.value, "web-01");
  EXPECT_EQ(seen.instances[0].newest.at(0).event, "process.exec");
  EXPECT_EQ(seen.instances[0].newest.at(0).severity, "info");
  for (std::size_t length = 1; length < body.size(); ++length) {
    request.body = std::string_view(body).substr(0, length);
    auto cut = decode_otlp_logs(request);
    EXPECT_FALSE(cut.ok()) << length;
  }
}

TEST(otlp_logs, are_bounded) {
  std::string many;
  for (int i = 0; i < 200; ++i) many += cat(i == 0 ? "" : ",", R"({"body":{"stringValue":")", i, R"("}})");
  IngestedLogs logs = take(json_request(of_web_01(many)));
  EXPECT_EQ(logs.accepted, 200U);
  ASSERT_EQ(logs.instances[0].newest.size(), log_limits::newest);
  EXPECT_EQ(logs.instances[0].newest.back().body, "199");
  std::string long_text(5000, 'x');
  logs = take(json_request(of_web_01(cat(R"({"body":{"stringValue":")", long_text, R"("}})"))));
  EXPECT_LE(logs.instances[0].newest[0].body.size(), log_limits::body + 3);
  OtlpRequest small = json_request("");
  std::string body = of_web_01(many);
  small.body = body;
  small.limits.samples = 150;
  logs = take(small);
  EXPECT_EQ(logs.accepted, 150U);
  EXPECT_EQ(logs.rejected, 50U);
  EXPECT_THAT(logs.why_rejected, HasSubstr("too many records"));
}

TEST(otlp_logs, a_resource_without_a_name_is_refused_and_said) {
  IngestedLogs logs = take(json_request(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]})"));
  EXPECT_EQ(logs.rejected, 1U);
  EXPECT_THAT(logs.why_rejected, HasSubstr("host.name"));
  EXPECT_THAT(encode_otlp_logs_response(OtlpEncoding::json, 1, logs.why_rejected), HasSubstr("rejectedLogRecords"));
  EXPECT_EQ(encode_otlp_logs_response(OtlpEncoding::json, 0, ""), "{}");
}

TEST(otlp_logs, what_is_no_request_is_invalid) {
  for (const char* body : {"", "[]", "{\"resourceMetrics\":[]}", "{", "null"}) {
    auto logs = decode_otlp_logs(json_request(body));
    ASSERT_FALSE(logs.ok()) << body;
    EXPECT_EQ(logs.error().code, Code::invalid) << body;
  }
  EXPECT_TRUE(decode_otlp_logs(json_request("{}")).ok());
}

}  // namespace
}  // namespace mien::wire
