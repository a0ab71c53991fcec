#include "wire/otlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <protozero/pbf_writer.hpp>

#include "base/text.h"
#include "wire/zstd.h"

namespace mien::wire {
namespace {

using model::SeriesKind;
using ::testing::HasSubstr;

constexpr WallTime arrived{1'700'000'000'000'000'000};

OtlpRequest json_request(std::string_view body) {
  return {.encoding = OtlpEncoding::json,
          .content_encoding = {},
          .body = body,
          .arrived = arrived,
          .agent = {},
          .limits = {},
          .gzip = {}};
}

OtlpRequest agent_request(std::string_view body) {
  return {.content_encoding = {},
          .body = body,
          .arrived = arrived,
          .trusted = true,
          .agent = "web-01",
          .limits = {},
          .gzip = {}};
}

// One resource named web-01 with these metrics.
std::string of_web_01(std::string_view metrics) {
  return cat(
      R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web-01"}}]},)",
      R"("scopeMetrics":[{"metrics":[)", metrics, "]}]}]}");
}

std::string gauge(std::string_view name, std::string_view points) {
  return cat(R"({"name":")", name, R"(","unit":"1","gauge":{"dataPoints":[)", points, "]}}");
}

Ingested take(const OtlpRequest& request) {
  Result<Ingested> decoded = decode_otlp(request);
  EXPECT_TRUE(decoded.ok()) << decoded.error().to_string();
  return decoded.ok() ? *std::move(decoded) : Ingested{};
}

model::DeliveredInstance web_01(std::size_t series, std::vector<WallTime> times) {
  model::DeliveredInstance made{.instance = InstanceName{"web-01"},
                                .type = model::InstanceType::host,
                                .parent = {},
                                .identities = {{"host.id", "abc"}},
                                .series = {},
                                .batch = {}};
  for (std::size_t i = 0; i < series; ++i) {
    made.series.push_back({.metric = MetricName{cat("metric.", i / 2)},
                           .attributes = {{"cpu", cat(i)}},
                           .unit = "1",
                           .kind = static_cast<SeriesKind>(i / 2 % 3)});
    for (std::size_t row = 0; row < times.size(); ++row)
      made.batch.values.push_back(static_cast<double>(i) + 0.25 * static_cast<double>(row));
  }
  made.batch.times = std::move(times);
  return made;
}

TEST(otlp, what_an_agent_encodes_decodes_to_itself) {
  model::Delivery delivery{.source = "web-01", .epoch = 7, .sequence = 42, .authenticated = true, .instances = {}};
  delivery.instances.push_back(web_01(7, {WallTime{1'000}, WallTime{2'000}, WallTime{5'000}}));
  delivery.instances[0].batch.values[4] = model::missing;
  delivery.instances[0].batch.values[5] = -0.0;
  for (std::size_t row = 0; row < 3; ++row)
    delivery.instances[0].batch.values[6 + row] = model::missing;  // a whole column
  delivery.instances[0].refused = 3;
  delivery.instances.push_back({.instance = InstanceName{"nginx.service@web-01"},
                                .type = model::InstanceType::service,
                                .parent = InstanceName{"web-01"},
                                .identities = {},
                                .series = {},
                                .batch = {}});
  delivery.instances.push_back(web_01(2, {WallTime{9}}));
  delivery.instances[2].instance = InstanceName{"db-01"};
  Ingested decoded = take(agent_request(encode_otlp(delivery)));
  EXPECT_EQ(decoded.delivery, delivery);
  EXPECT_EQ(decoded.accepted, 7U * 3 + 2);
  EXPECT_EQ(decoded.rejected, 0U);
  EXPECT_EQ(decoded.why_rejected, "");
}

TEST(otlp, a_gzip_or_zstd_body_is_unfolded) {
  model::Delivery delivery{
      .source = "web-01", .epoch = 1, .sequence = 1, .authenticated = true, .instances = {web_01(4, {WallTime{5}})}};
  std::string body = gzip(encode_otlp(delivery));
  OtlpRequest request = agent_request(body);
  request.content_encoding = "gzip";
  EXPECT_EQ(take(request).delivery, delivery);
  std::string other = zstd(encode_otlp(delivery));
  request.body = other;
  request.content_encoding = "zstd";
  EXPECT_EQ(take(request).delivery, delivery);
  request.content_encoding = "br";
  EXPECT_EQ(decode_otlp(request).error().code, Code::unsupported);
}

TEST(otlp, marks_of_a_stranger_are_not_believed) {
  model::Delivery delivery{
      .source = "web-01", .epoch = 1, .sequence = 1, .authenticated = true, .instances = {web_01(1, {WallTime{5}})}};
  delivery.instances[0].identities = {{"host.name", "stranger"}};
  std::string body = encode_otlp(delivery);
  OtlpRequest request = agent_request(body);
  request.trusted = false;
  model::Delivery seen = take(request).delivery;
  EXPECT_FALSE(seen.authenticated);
  EXPECT_EQ(seen.source, "");
  EXPECT_EQ(seen.sequence, 0U);
  ASSERT_EQ(seen.instances.size(), 1U);
  EXPECT_EQ(seen.instances[0].instance.value, "stranger");
  EXPECT_EQ(seen.instances[0].type, model::InstanceType::external);
}

TEST(otlp, a_trusted_resource_without_a_mark_is_the_agents_own) {
  std::string body = of_web_01(gauge("a", R"({"timeUnixNano":"5","asDouble":1})"));
  OtlpRequest request = json_request(body);
  request.trusted = true;
  request.agent = "agent-07";
  EXPECT_EQ(take(request).delivery.instances.at(0).instance.value, "agent-07");
}

TEST(otlp, an_instance_is_named_by_the_first_identity_that_is_there) {
  auto named = [](std::string_view attributes) {
    std::string body =
        cat(R"({"resourceMetrics":[{"resource":{"attributes":[)", attributes, R"(]},"scopeMetrics":[{"metrics":[)",
            gauge("a", R"({"timeUnixNano":"5","asDouble":1})"), "]}]}]}");
    Ingested decoded = take(json_request(body));
    return decoded.delivery.instances.empty() ? decoded.why_rejected : decoded.delivery.instances[0].instance.value;
  };
  std::string name = R"({"key":"host.name","value":{"stringValue":"n"}})";
  std::string host = R"({"key":"host.id","value":{"stringValue":"h"}})";
  std::string service = R"({"key":"service.instance.id","value":{"stringValue":"s"}})";
  EXPECT_EQ(named(name + "," + host + "," + service), "s");
  EXPECT_EQ(named(name + "," + host), "h");
  EXPECT_EQ(named(name), "n");
  EXPECT_THAT(named(""), HasSubstr("set the resource attribute service.instance.id, host.id or host.name"));
}

TEST(otlp, sums_become_what_their_temporality_says) {
  auto sum = [](std::string_view rest) {
    return cat(R"({"name":"a","sum":{"dataPoints":[{"timeUnixNano":5,"asInt":"7"}])", rest, "}}");
  };
  auto kind = [&](std::string_view rest) {
    return take(json_request(of_web_01(sum(rest)))).delivery.instances.at(0).series.at(0).kind;
  };
  EXPECT_EQ(kind(R"(,"aggregationTemporality":2,"isMonotonic":true)"), SeriesKind::counter);
  EXPECT_EQ(kind(R"(,"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true)"),
            SeriesKind::counter);
  EXPECT_EQ(kind(R"(,"aggregationTemporality":2)"), SeriesKind::gauge);
  EXPECT_EQ(kind(R"(,"aggregationTemporality":1,"isMonotonic":true)"), SeriesKind::delta);
  Ingested none = take(json_request(of_web_01(sum(""))));
  EXPECT_EQ(none.rejected, 1U);
  EXPECT_THAT(none.why_rejected, HasSubstr("aggregationTemporality is missing"));
}

TEST(otlp, of_a_histogram_the_count_and_the_sum_are_taken) {
  std::string histogram =
      R"({"name":"http.server.request.duration","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
    {"timeUnixNano":"5","count":"12","sum":3.5,"bucketCounts":["4","8"],"explicitBounds":[0.1]}]}},
    {"name":"rpc","unit":"ms","summary":{"dataPoints":[{"timeUnixNano":"5","count":"2","sum":9}]}},
    {"name":"exp","unit":"ms","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"5","count":3}]}})";
  model::DeliveredInstance seen = take(json_request(of_web_01(histogram))).delivery.instances.at(0);
  ASSERT_EQ(seen.series.size(), 5U);
  EXPECT_EQ(seen.series[0].metric.value, "http.server.request.duration.count");
  EXPECT_EQ(seen.series[0].unit, "1");
  EXPECT_EQ(seen.series[1].metric.value, "http.server.request.duration.sum");
  EXPECT_EQ(seen.series[1].unit, "s");
  EXPECT_EQ(seen.series[1].kind, SeriesKind::counter);
  EXPECT_EQ(seen.series[4].metric.value, "exp.count");
  EXPECT_EQ(seen.series[4].kind, SeriesKind::delta);
  EXPECT_EQ(seen.batch.values, (std::vector<double>{12, 3.5, 2, 9, 3}));
}

TEST(otlp, quantiles_of_a_summary_are_gauges_of_their_own) {
  std::string summary =
      R"({"name":"rpc","unit":"ms","summary":{"dataPoints":[{"timeUnixNano":"5","count":"2","sum":9,"quantileValues":[
    {"quantile":0.5,"value":4},{"quantile":0.99,"value":"NaN"},{"quantile":1,"value":5}]}]}})";
  Ingested decoded = take(json_request(of_web_01(summary)));
  const model::DeliveredInstance& seen = decoded.delivery.instances.at(0);
  ASSERT_EQ(seen.series.size(), 4U);
  EXPECT_EQ(to_text(seen.series[2]), "rpc{quantile=0.5}");
  EXPECT_EQ(seen.series[2].kind, SeriesKind::gauge);
  EXPECT_EQ(to_text(seen.series[3]), "rpc{quantile=1}");
  EXPECT_EQ(seen.batch.values, (std::vector<double>{2, 9, 4, 5}));
  EXPECT_EQ(decoded.accepted, 1U) << "it is one data point";
  EXPECT_EQ(decoded.rejected, 0U);
}

TEST(otlp, a_series_that_began_anew_was_zero_when_it_began) {
  StartTimes starts;
  auto offer = [&starts](std::string_view start, std::string_view time, std::string_view value) {
    std::string body = of_web_01(cat(
        R"({"name":"requests","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":")",
        start, R"(","timeUnixNano":")", time, R"(","asInt":")", value, R"("}]}})"));
    OtlpRequest request = json_request(body);
    request.starts = &starts;
    return take(request).delivery.instances.at(0).batch;
  };
  EXPECT_EQ(offer("10", "100", "7").values, (std::vector<double>{7}));
  EXPECT_EQ(offer("10", "200", "9").values, (std::vector<double>{9}));
  model::Batch anew = offer("250", "300", "50");
  EXPECT_EQ(anew.times, (std::vector<WallTime>{WallTime{250}, WallTime{300}})) << "its value alone would not show it";
  EXPECT_EQ(anew.values, (std::vector<double>{0, 50}));
  EXPECT_EQ(offer("250", "400", "60").values, (std::vector<double>{60}));
}

TEST(otlp, points_of_different_times_become_rows) {
  std::string points = R"({"timeUnixNano":"3000000000","asDouble":3},{"timeUnixNano":"1000000000","asDouble":1})";
  std::string body = of_web_01(gauge("a", points) + "," + gauge("b", R"({"timeUnixNano":"2000000000","asDouble":2})"));
  model::Batch batch = take(json_request(body)).delivery.instances.at(0).batch;
  EXPECT_EQ(batch.times, (std::vector<WallTime>{{1'000'000'000}, {2'000'000'000}, {3'000'000'000}}));
  EXPECT_EQ(batch.at(0, 0), 1);
  EXPECT_TRUE(std::isnan(batch.at(0, 1)));
  EXPECT_EQ(batch.at(0, 2), 3);
  EXPECT_TRUE(std::isnan(batch.at(1, 0)));
  EXPECT_EQ(batch.at(1, 1), 2);
}

// As the OpenTelemetry Collector's host metrics come: each source is read a little later than the one before.
TEST(otlp, what_one_round_of_collecting_reads_is_one_row) {
  std::string body = of_web_01(gauge("a", R"({"timeUnixNano":"1000000000","asDouble":1})") + "," +
                               gauge("b", R"({"timeUnixNano":"1040000000","asDouble":2})"));
  model::Batch batch = take(json_request(body)).delivery.instances.at(0).batch;
  EXPECT_EQ(batch.times, (std::vector<WallTime>{{1'000'000'000}}));
  EXPECT_EQ(batch.at(0, 0), 1);
  EXPECT_EQ(batch.at(1, 0), 2);
}

TEST(otlp, of_points_with_the_same_time_the_last_is_taken_and_the_others_are_counted) {
  std::string points = R"({"timeUnixNano":"10","asDouble":1},{"timeUnixNano":"10","asDouble":2})";
  Ingested decoded = take(json_request(of_web_01(gauge("a", points))));
  EXPECT_EQ(decoded.delivery.instances.at(0).batch.values, std::vector<double>{2});
  EXPECT_EQ(decoded.delivery.instances.at(0).refused, 1U);
  EXPECT_EQ(decoded.accepted, 1U);
  EXPECT_EQ(decoded.rejected, 1U);
  EXPECT_THAT(decoded.why_rejected, HasSubstr("the same time"));
}

TEST(otlp, a_point_without_a_time_has_the_time_of_its_arrival) {
  Ingested decoded = take(json_request(of_web_01(gauge("a", R"({"asDouble":1})"))));
  EXPECT_EQ(decoded.delivery.instances.at(0).batch.times, std::vector<WallTime>{arrived});
}

TEST(otlp, nan_and_infinite_samples_are_refused_and_explained) {
  std::string points =
      R"({"timeUnixNano":"1","asDouble":"NaN"},{"timeUnixNano":"2","asDouble":"-Infinity"},{"timeUnixNano":"3","asDouble":1},
    {"timeUnixNano":"4"})";
  Ingested decoded = take(json_request(of_web_01(gauge("a", points))));
  EXPECT_EQ(decoded.delivery.instances.at(0).batch.values, std::vector<double>{1});
  EXPECT_EQ(decoded.delivery.instances.at(0).refused, 3U);
  EXPECT_EQ(decoded.rejected, 3U);
  EXPECT_THAT(decoded.why_rejected,
              HasSubstr("2 data points (first: metric a of web-01): the value is NaN or infinite"));
  EXPECT_THAT(decoded.why_rejected, HasSubstr("the point has no value"));
}

TEST(otlp, nothing_recorded_is_a_missing_sample_and_no_refusal) {
  Ingested decoded =
      take(json_request(of_web_01(gauge("a", R"({"timeUnixNano":"1","flags":1},{"timeUnixNano":"2","asDouble":1})"))));
  EXPECT_EQ(decoded.rejected, 0U);
  EXPECT_TRUE(std::isnan(decoded.delivery.instances.at(0).batch.at(0, 0)));
  EXPECT_EQ(decoded.delivery.instances.at(0).batch.at(0, 1), 1);
}

TEST(otlp, attributes_are_text_whatever_they_were) {
  std::string points =
      R"({"asDouble":1,"attributes":[{"key":"i","value":{"intValue":"5"}},{"key":"b","value":{"boolValue":true}},
    {"key":"d","value":{"doubleValue":0.5}},{"key":"s","value":{"stringValue":"x"}}]},
    {"asDouble":1,"attributes":[{"key":"l","value":{"arrayValue":{"values":[]}}}]})";
  Ingested decoded = take(json_request(of_web_01(gauge("a", points))));
  EXPECT_EQ(decoded.delivery.instances.at(0).series.at(0).attributes,
            (model::Attributes{{"i", "5"}, {"b", "true"}, {"d", "0.5"}, {"s", "x"}}));
  EXPECT_EQ(decoded.rejected, 1U);
  EXPECT_THAT(decoded.why_rejected, HasSubstr("attributes"));
}

TEST(otlp, each_limit_refuses_what_is_over_it_and_takes_the_rest) {
  std::string points =
      R"({"timeUnixNano":"1","asDouble":1},{"timeUnixNano":"2","asDouble":2},{"timeUnixNano":"3","asDouble":3})";
  std::string body = of_web_01(gauge("a", points) + "," + gauge("b", points));
  auto refused = [&](auto change) {
    OtlpRequest request = json_request(body);
    change(request.limits);
    Ingested decoded = take(request);
    EXPECT_EQ(decoded.accepted + decoded.rejected, 6U);
    return decoded.rejected;
  };
  EXPECT_EQ(refused([](IngestLimits&) {}), 0U);
  EXPECT_EQ(refused([](IngestLimits& limits) { limits.samples = 4; }), 2U);
  EXPECT_EQ(refused([](IngestLimits& limits) { limits.series = 1; }), 3U);
  EXPECT_EQ(refused([](IngestLimits& limits) { limits.cells = 3; }), 3U);
  EXPECT_EQ(refused([](IngestLimits& limits) { limits.instances = 0; }), 6U);
  EXPECT_EQ(refused([](IngestLimits& limits) { limits.name_length = 0; }), 6U);
  std::string many = gauge("c", R"({"asDouble":1,"attributes":[{"key":"kk","value":{"stringValue":"v"}}]})");
  body = of_web_01(gauge("a", points) + "," +
                   gauge("b", R"({"timeUnixNano":"1","asDouble":1},{"timeUnixNano":"2","asDouble":1})") + "," + many);
  EXPECT_EQ(refused([](IngestLimits& limits) { limits.attributes = 0; }), 1U);
  EXPECT_EQ(refused([](IngestLimits& limits) { limits.attribute_length = 1; }), 1U);
}

TEST(otlp, thinly_filled_batches_do_not_take_memory_without_limit) {
  OtlpRequest request = json_request({});
  std::string points;
  for (int i = 1; i <= 4'000; ++i) points += cat(i == 1 ? "" : ",", R"({"timeUnixNano":")", i, R"(","asDouble":1})");
  std::string metrics = gauge("long", points);
  for (int i = 0; i < 1'000; ++i) metrics += "," + gauge(cat("m", i), R"({"timeUnixNano":"1","asDouble":1})");
  std::string body = of_web_01(metrics);
  request.body = body;
  Ingested decoded = take(request);
  EXPECT_LE(decoded.delivery.instances.at(0).batch.values.size(), request.limits.cells);
  EXPECT_GT(decoded.rejected, 0U);
  EXPECT_THAT(decoded.why_rejected, HasSubstr("too many different times"));
}

// A counter of 7 that began at second `start`, read ten seconds later.
std::string counter_since(std::int64_t start) {
  return cat(R"({"name":"c","sum":{"dataPoints":[{"startTimeUnixNano":")", start * 1'000'000'000,
             R"(","timeUnixNano":")", (start + 10) * 1'000'000'000,
             R"(","asInt":"7"}],"aggregationTemporality":2,"isMonotonic":true}})");
}

TEST(otlp, a_refused_body_says_nothing_of_starts) {
  for (bool remembers : {false, true}) {
    KnownPoints known{1};
    StartTimes starts;
    auto offer = [&](std::string_view body) {
      OtlpRequest request = json_request(body);
      request.starts = &starts;
      if (remembers) request.known = &known;
      return decode_otlp(request);
    };
    for (int time = 0; time < 4; ++time) EXPECT_TRUE(offer(of_web_01(counter_since(100))).ok());
    std::string later = of_web_01(counter_since(200));
    EXPECT_FALSE(offer(of_web_01(counter_since(200) + R"(,{"name":7})")).ok());
    EXPECT_FALSE(offer(later + later).ok());
    auto rows = [&] { return offer(later)->delivery.instances.at(0).batch.times.size(); };
    EXPECT_EQ(rows(), 2U) << "it began anew, as is told for the first time";
    for (int time = 0; time < 3; ++time) EXPECT_EQ(rows(), 1U);
    EXPECT_EQ(known.json.metrics(), remembers ? 2U : 0U);
  }
}

TEST(otlp, known_text_means_what_it_means_for_its_resource) {
  KnownPoints known{1};
  auto name_of = [&](std::string_view resource) {
    std::string points =
        R"({"attributes":[{"key":"dimension","value":{"stringValue":"in"}}],"timeUnixNano":5,"asInt":7})";
    std::string body = of_web_01(gauge("netdata_system_io_KiB_persec_average", points));
    body.replace(body.find("host.name"), 9, resource);
    OtlpRequest request = agent_request(body);
    request.encoding = OtlpEncoding::json;
    request.known = &known;
    Ingested taken = take(request);
    return model::spelled_out(taken.delivery, taken.lists).instances.at(0).series.at(0).metric.value;
  };
  for (int time = 0; time < 8; ++time) {
    EXPECT_EQ(name_of("host.name"), "system.disk.io");
    if (time < 4) continue;
    EXPECT_EQ(name_of("mien.instance"), "netdata_system_io_KiB_persec_average") << "as its agent says";
  }
}

TEST(otlp, malformed_protobuf_is_named_by_its_byte) {
  model::Delivery delivery{
      .source = "web-01", .epoch = 1, .sequence = 1, .authenticated = true, .instances = {web_01(3, {WallTime{5}})}};
  std::string whole = encode_otlp(delivery);
  for (std::size_t n = 1; n < whole.size(); ++n) {
    Result<Ingested> decoded = decode_otlp(agent_request(std::string_view(whole).substr(0, n)));
    ASSERT_FALSE(decoded.ok()) << n;  // one resource: every cut goes through it
    EXPECT_EQ(decoded.error().code, Code::invalid);
    EXPECT_THAT(decoded.error().message, HasSubstr("at byte "));
  }
}

TEST(otlp, malformed_json_is_named_by_its_byte_and_a_wrong_type_by_its_pointer) {
  Error cut = decode_otlp(json_request(R"({"resourceMetrics":[{]})")).error();
  EXPECT_THAT(cut.message, HasSubstr("not JSON at byte 22"));
  std::string body = of_web_01(R"({"name":"a","gauge":{"dataPoints":[{"asDouble":1},{"asDouble":[]}]}})");
  Error wrong = decode_otlp(json_request(body)).error();
  EXPECT_EQ(wrong.where, "/resourceMetrics/0/scopeMetrics/0/metrics/0/gauge/dataPoints/1/asDouble");
  EXPECT_THAT(wrong.message, HasSubstr("a list where OTLP has a number"));
  std::string unit = of_web_01(R"({"name":"a name that is too long to be kept without memory of its own","unit":{}})");
  EXPECT_EQ(decode_otlp(json_request(unit)).error().where, "/resourceMetrics/0/scopeMetrics/0/metrics/0/unit");
  EXPECT_THAT(decode_otlp(json_request(R"({"resource_metrics":[]})")).error().message, HasSubstr("lowerCamelCase"));
  EXPECT_TRUE(decode_otlp(json_request("{}")).ok());
  EXPECT_FALSE(decode_otlp(json_request("")).ok());
  EXPECT_FALSE(decode_otlp(json_request(std::string(5'000, '['))).ok());
}

TEST(otlp, a_metric_of_an_unknown_kind_is_refused_and_not_silently_lost) {
  Ingested decoded = take(json_request(of_web_01(R"({"name":"a"},{"name":"b","quartile":{}})")));
  EXPECT_EQ(decoded.rejected, 2U);
  EXPECT_EQ(decoded.delivery.instances.at(0).refused, 2U);
}

TEST(otlp, resources_of_one_instance_are_one) {
  std::string one = of_web_01(gauge("a", R"({"timeUnixNano":"1","asDouble":1})"));
  std::string inner = one.substr(one.find('[') + 1, one.rfind(']') - one.find('[') - 1);
  std::string body = cat(R"({"resourceMetrics":[)", inner, ",", inner, "]}");
  Ingested decoded = take(json_request(body));
  ASSERT_EQ(decoded.delivery.instances.size(), 1U);
  EXPECT_EQ(decoded.delivery.instances[0].refused, 1U);
}

// As the host metrics of OpenTelemetry's JavaScript SDK: times and shares of each CPU, of both of which the host's
// share is made.
TEST(otlp, what_two_series_make_alike_is_made_once_and_no_contradiction) {
  KnownPoints known(1);
  Ingested taken;
  for (int second : {1, 2}) {
    std::string times, shares;
    for (const char* mode : {"user", "idle"}) {
      std::string at = cat(R"("timeUnixNano":")", second, R"(000000000","attributes":[)",
                           R"({"key":"cpu","value":{"stringValue":"0"}},)",
                           R"({"key":"cpu.mode","value":{"stringValue":")", mode, R"("}}])");
      times += cat(times.empty() ? "" : ",", R"({"asDouble":)", to_text(0.4 * second), ",", at, "}");
      shares += cat(shares.empty() ? "" : ",", R"({"asDouble":0.25,)", at, "}");
    }
    std::string body = of_web_01(cat(
        R"({"name":"system.cpu.time","unit":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[)",
        times, "]}},", gauge("system.cpu.utilization", shares)));
    OtlpRequest request = json_request(body);
    request.known = &known;
    taken = take(request);
    EXPECT_EQ(taken.rejected, 0U) << taken.why_rejected;
    EXPECT_EQ(taken.accepted, 4U);
  }
  model::Delivery delivery = model::spelled_out(std::move(taken.delivery), taken.lists);
  ASSERT_EQ(delivery.instances.size(), 1U);
  const model::DeliveredInstance& web = delivery.instances[0];
  auto share = std::find_if(web.series.begin(), web.series.end(),
                            [](const auto& each) { return to_text(each) == "system.cpu.utilization"; });
  ASSERT_NE(share, web.series.end());
  EXPECT_DOUBLE_EQ(web.batch.at(static_cast<std::size_t>(share - web.series.begin()), 0), 0.4) << "by the times";
}

// A counter of web-01 as protobuf has it.
std::string counted(std::uint64_t start_s, std::uint64_t at_s, double value) {
  using protozero::pbf_writer;
  std::string body, resource, attribute, text, scope, metric, sum, point;
  pbf_writer{text}.add_string(1, "web-01");
  pbf_writer attribute_writer{attribute};
  attribute_writer.add_string(1, "host.name");
  attribute_writer.add_message(2, text);
  pbf_writer{resource}.add_message(1, attribute);
  pbf_writer point_writer{point};
  point_writer.add_fixed64(2, start_s * 1'000'000'000);
  point_writer.add_fixed64(3, at_s * 1'000'000'000);
  point_writer.add_double(4, value);
  pbf_writer sum_writer{sum};
  sum_writer.add_message(1, point);
  sum_writer.add_enum(2, 2);
  sum_writer.add_bool(3, true);
  pbf_writer metric_writer{metric};
  metric_writer.add_string(1, "app.requests");
  metric_writer.add_message(7, sum);
  pbf_writer{scope}.add_message(2, metric);
  std::string both;
  pbf_writer both_writer{both};
  both_writer.add_message(1, resource);
  both_writer.add_message(2, scope);
  pbf_writer{body}.add_message(1, both);
  return body;
}

TEST(otlp, a_start_that_a_refused_body_told_is_news_when_the_body_comes_again) {
  KnownPoints known(1);
  StartTimes starts;
  auto decode = [&](std::string_view body) {
    OtlpRequest request = json_request(body);
    request.encoding = OtlpEncoding::protobuf;
    request.known = &known;
    request.starts = &starts;
    return decode_otlp(request);
  };
  ASSERT_TRUE(decode(counted(1, 10, 5)).ok());
  ASSERT_TRUE(decode(counted(1, 12, 6)).ok());
  std::string again = counted(13, 14, 2);
  EXPECT_FALSE(decode(again + "\x0a").ok()) << "its end is missing";
  Result<Ingested> taken = decode(again);
  ASSERT_TRUE(taken.ok());
  ASSERT_EQ(taken->delivery.instances.size(), 1U);
  EXPECT_EQ(taken->delivery.instances[0].batch.times.size(), 2U) << "it was zero at its start";
}

TEST(otlp, the_answer_says_what_was_not_taken) {
  EXPECT_EQ(encode_otlp_response(OtlpEncoding::json, 0, ""), "{}");
  EXPECT_EQ(encode_otlp_response(OtlpEncoding::protobuf, 0, ""), "");
  EXPECT_EQ(encode_otlp_response(OtlpEncoding::json, 3, "why"),
            R"({"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"why"}})");
  EXPECT_EQ(encode_otlp_response(OtlpEncoding::protobuf, 3, "why"), std::string("\x0a\x07\x08\x03\x12\x03why"));
}

TEST(otlp, content_types_choose_the_encoding) {
  EXPECT_EQ(otlp_encoding("application/x-protobuf"), OtlpEncoding::protobuf);
  EXPECT_EQ(otlp_encoding("Application/JSON; charset=utf-8"), OtlpEncoding::json);
  EXPECT_EQ(otlp_encoding("text/plain"), std::nullopt);
}

}  // namespace
}  // namespace mien::wire
