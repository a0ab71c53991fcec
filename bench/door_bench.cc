// What one sample costs on its way in, step by step, for a body as Prometheus sends it: 500 series of one host, one
// sample each. Each step includes those before it.
// rooms: node wire
#include <benchmark/benchmark.h>

#include <protozero/pbf_reader.hpp>

#include "base/text.h"
#include "node/record.h"
#include "node/series_table.h"
#include "wire/otlp.h"
#include "wire/remote_write.h"
#include "wire/remote_write_encode.h"

namespace mien {
namespace {

constexpr int series_count = 500;
constexpr WallTime now{1'800'000'000'000'000'000};

std::string folded() {
  std::vector<wire::WrittenSeries> all;
  for (int i = 0; i < series_count; ++i)
    all.push_back({.labels = {{"__name__", cat("app_requests_", i % 20, "_total")},
                              {"instance", "web-01:9100"},
                              {"job", "node"},
                              {"path", cat("/api/v1/thing/", i)},
                              {"replica", "a"}},
                   .samples = {{.milliseconds = now.ns / 1'000'000, .value = static_cast<double>(i)}}});
  return wire::snap(wire::encode_remote_write(all));
}

void per_sample(benchmark::State& state) { state.SetItemsProcessed(state.iterations() * series_count); }

void remote_write_unfold(benchmark::State& state) {
  std::string body = folded();
  for (auto _ : state) benchmark::DoNotOptimize(wire::unfold_remote_write("snappy", body));
  per_sample(state);
}

void remote_write_walk(benchmark::State& state) {
  std::string body = folded();
  for (auto _ : state) {
    std::string plain = *wire::unfold_remote_write("snappy", body);
    std::size_t bytes = 0;
    for (protozero::pbf_reader request(plain); request.next();) {
      for (protozero::pbf_reader series = request.get_message(); series.next();) bytes += series.get_view().size();
    }
    benchmark::DoNotOptimize(bytes);
  }
  per_sample(state);
}

// By a door that remembers what it made of the series: what the program does.
void remote_write_known(benchmark::State& state) {
  std::string body = folded();
  wire::PrometheusMemory memory;
  memory.remember_series(1);
  for (auto _ : state) {
    std::string plain = *wire::unfold_remote_write("snappy", body);
    benchmark::DoNotOptimize(wire::decode_remote_write(wire::RemoteWriteVersion::v1, plain, {}, now, memory));
  }
  per_sample(state);
}

void remote_write_known_record(benchmark::State& state) {
  std::string body = folded();
  wire::PrometheusMemory memory;
  memory.remember_series(1);
  node::SeriesTable table;
  for (auto _ : state) {
    std::string plain = *wire::unfold_remote_write("snappy", body);
    auto taken = wire::decode_remote_write(wire::RemoteWriteVersion::v1, plain, {}, now, memory);
    node::Record record = node::FrameArrived{.frame = table.number(std::move(taken->delivery), taken->lists)};
    benchmark::DoNotOptimize(node::encode_record(record));
  }
  per_sample(state);
}

void remote_write_decode(benchmark::State& state) {
  std::string body = folded();
  wire::PrometheusMemory memory;
  for (auto _ : state) {
    std::string plain = *wire::unfold_remote_write("snappy", body);
    benchmark::DoNotOptimize(wire::decode_remote_write(wire::RemoteWriteVersion::v1, plain, {}, now, memory));
  }
  per_sample(state);
}

void remote_write_number(benchmark::State& state) {
  std::string body = folded();
  wire::PrometheusMemory memory;
  node::SeriesTable table;
  for (auto _ : state) {
    std::string plain = *wire::unfold_remote_write("snappy", body);
    auto taken = wire::decode_remote_write(wire::RemoteWriteVersion::v1, plain, {}, now, memory);
    benchmark::DoNotOptimize(table.number(std::move(taken->delivery)));
  }
  per_sample(state);
}

void remote_write_record(benchmark::State& state) {
  std::string body = folded();
  wire::PrometheusMemory memory;
  node::SeriesTable table;
  for (auto _ : state) {
    std::string plain = *wire::unfold_remote_write("snappy", body);
    auto taken = wire::decode_remote_write(wire::RemoteWriteVersion::v1, plain, {}, now, memory);
    node::Record record = node::FrameArrived{.frame = table.number(std::move(taken->delivery))};
    benchmark::DoNotOptimize(node::encode_record(record));
  }
  per_sample(state);
}

// 500 gauges and counters of one host, ten points a metric, three attributes each, as an SDK sends them.
model::DeliveredInstance otlp_host() {
  model::DeliveredInstance host;
  host.instance = InstanceName{"web-01"};
  host.identities = {{"host.name", "web-01"}, {"service.name", "shop"}};
  host.batch.times = {now};
  for (int i = 0; i < series_count; ++i) {
    host.series.push_back(
        {.metric = MetricName{cat("app.requests.", i / 10)},
         .attributes = {{"http.route", cat("/api/v1/thing/", i % 10)}, {"http.method", "GET"}, {"replica", "a"}},
         .unit = "{request}",
         .kind = i / 10 % 2 == 0 ? model::SeriesKind::counter : model::SeriesKind::gauge});
    host.batch.values.push_back(static_cast<double>(i));
  }
  return host;
}

std::string otlp_protobuf() { return wire::encode_otlp({.source = {}, .instances = {otlp_host()}}); }

// The same, in the order in which the OpenTelemetry collector writes it. Of each round the times and values are others:
// whole numbers, short ones and such as need all digits of a double.
std::string otlp_json(int round) {
  model::DeliveredInstance host = otlp_host();
  std::string body =
      R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web-01"}},)"
      R"({"key":"service.name","value":{"stringValue":"shop"}}]},"scopeMetrics":[{"scope":{"name":"bench"},"metrics":[)";
  for (std::size_t i = 0; i < host.series.size(); ++i) {
    const model::Series& series = host.series[i];
    bool counter = series.kind == model::SeriesKind::counter;
    if (i % 10 == 0)
      body += cat(i == 0 ? "" : ",", R"({"name":")", series.metric.value, R"(","unit":"{request}",")",
                  counter ? "sum" : "gauge", R"(":{"dataPoints":[)");
    body += cat(i % 10 == 0 ? "" : ",", R"({"attributes":[)");
    for (const auto& [key, value] : series.attributes)
      body += cat(body.back() == '[' ? "" : ",", R"({"key":")", key, R"(","value":{"stringValue":")", value, R"("}})");
    body += "],";
    if (counter) body += cat(R"("startTimeUnixNano":")", now.ns - 86'400'000'000'000, R"(",)");
    std::string value =
        i % 3 == 0 ? to_text(static_cast<double>(i) * 1.1 / (round + 3)) : cat(i * 37, i % 3 == 1 ? "" : ".5");
    body += cat(R"("timeUnixNano":")", now.ns + round * 15'000'000'000, R"(","asDouble":)", value, "}");
    if (i % 10 == 9) body += counter ? R"(],"aggregationTemporality":2,"isMonotonic":true}})" : "]}}";
  }
  return body + "]}]}]}";
}

void otlp(benchmark::State& state, wire::OtlpEncoding encoding, wire::KnownPoints* known) {
  constexpr std::size_t rounds = 16;
  std::vector<std::string> bodies;
  for (std::size_t round = 0; round < rounds; ++round)
    bodies.push_back(encoding == wire::OtlpEncoding::json ? otlp_json(static_cast<int>(round)) : otlp_protobuf());
  std::size_t next = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(wire::decode_otlp({.encoding = encoding,
                                                .content_encoding = {},
                                                .body = bodies[next++ % rounds],
                                                .arrived = now,
                                                .agent = {},
                                                .limits = {},
                                                .gzip = {},
                                                .known = known}));
  per_sample(state);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bodies.front().size()));
}
void otlp_protobuf_decode(benchmark::State& state) { otlp(state, wire::OtlpEncoding::protobuf, nullptr); }
void otlp_protobuf_known(benchmark::State& state) {
  wire::KnownPoints known{2};
  otlp(state, wire::OtlpEncoding::protobuf, &known);
}
void otlp_json_decode(benchmark::State& state) { otlp(state, wire::OtlpEncoding::json, nullptr); }
void otlp_json_known(benchmark::State& state) {
  wire::KnownPoints known{2};
  otlp(state, wire::OtlpEncoding::json, &known);
}

BENCHMARK(otlp_protobuf_decode);
BENCHMARK(otlp_protobuf_known);
BENCHMARK(otlp_json_decode);
BENCHMARK(otlp_json_known);
BENCHMARK(remote_write_unfold);
BENCHMARK(remote_write_walk);
BENCHMARK(remote_write_known);
BENCHMARK(remote_write_known_record);
BENCHMARK(remote_write_decode);
BENCHMARK(remote_write_number);
BENCHMARK(remote_write_record);

}  // namespace
}  // namespace mien
