// Laws of a door that remembers series: whatever comes, in whatever order, it says what a door says that remembers
// nothing, and the frames that are made of both are the same.
// rooms: wire node
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <bit>
#include <protozero/pbf_writer.hpp>

#include "base/prng.h"
#include "base/text.h"
#include "node/series_table.h"
#include "tests/property/shown_delivery.h"
#include "tests/property/two_otlp_doors.h"
#include "wire/otlp.h"
#include "wire/remote_write.h"

namespace mien {
namespace {

using protozero::pbf_writer;
using wire::RemoteWriteVersion;

constexpr std::int64_t t0 = 1'700'000'000'000;
constexpr std::array<std::string_view, 16> metrics{"app_requests_total",
                                                   "queue_length",
                                                   "odd_name",
                                                   "go_goroutines",
                                                   "process_open_fds",
                                                   "node_load1",
                                                   "node_cpu_seconds_total",
                                                   "node_uname_info",
                                                   "node_memory_MemTotal_bytes",
                                                   "node_memory_MemAvailable_bytes",
                                                   "node_network_receive_bytes_total",
                                                   "up",
                                                   "thing_info",
                                                   "system_share",
                                                   "node_pressure_cpu_waiting_seconds_total",
                                                   "unit_bucket"};
constexpr std::array<std::string_view, 5> instances{"web-01:9100", "web-02:9100", "web-01:8080", "", "[::1]:9100"};

struct OneSeries {
  std::vector<std::pair<std::string, std::string>> labels;
  std::uint32_t type = 0;
  std::string unit;
};

OneSeries any_series(Prng& prng) {
  OneSeries made;
  auto add = [&](std::string_view name, std::string_view value) { made.labels.emplace_back(name, value); };
  if (!prng.chance(0.02)) add("__name__", metrics.at(prng.below(metrics.size())));
  std::string_view instance = instances.at(prng.below(instances.size()));
  if (!instance.empty()) add("instance", instance);
  if (prng.chance(0.8)) add("job", prng.chance(0.7) ? "node" : "app");
  add("cpu", cat(prng.below(3)));
  add("mode", prng.chance(0.5) ? "user" : "idle");
  if (prng.chance(0.5)) add("path", cat("/", prng.below(4)));
  if (prng.chance(0.02)) add("job", "twice");
  if (prng.chance(0.05)) add("le", "0.5");
  if (prng.chance(0.02)) add("long", std::string(300, 'x'));
  if (prng.chance(0.3)) made.type = static_cast<std::uint32_t>(prng.below(9));
  if (prng.chance(0.3)) made.unit = "seconds";
  return made;
}

double any_value(Prng& prng) {
  switch (prng.below(12)) {
    case 0: return std::bit_cast<double>(wire::staleness_marker);
    case 1: return model::missing;
    case 2: return std::numeric_limits<double>::infinity();
    case 3: return 1e308;
    default: return static_cast<double>(prng.below(1000));
  }
}

std::string samples_of(Prng& prng, std::int64_t now) {
  std::string all;
  pbf_writer series{all};
  for (std::uint64_t n = prng.chance(0.9) ? 1 : prng.below(12); n > 0; --n) {
    std::string bytes;
    pbf_writer sample{bytes};
    sample.add_double(1, any_value(prng));
    sample.add_int64(
        2, prng.chance(0.02) ? -5 : now - static_cast<std::int64_t>(prng.chance(0.8) ? 0 : prng.below(15)) * 1000);
    series.add_message(2, bytes);
  }
  return all;
}

std::string v1(Prng& prng, const std::vector<OneSeries>& all, std::int64_t now) {
  std::string body;
  pbf_writer request{body};
  for (const OneSeries& one : all) {
    std::string labels;
    pbf_writer writer{labels};
    for (const auto& [name, value] : one.labels) {
      std::string bytes;
      pbf_writer label{bytes};
      label.add_string(1, name);
      label.add_string(2, value);
      writer.add_message(1, bytes);
    }
    bool labels_last = prng.chance(0.05);
    std::string samples = samples_of(prng, now);
    request.add_message(1, labels_last ? samples + labels : labels + samples);
  }
  if (prng.chance(0.3)) {
    std::string bytes;
    pbf_writer metadata{bytes};
    metadata.add_enum(1, static_cast<int>(prng.below(5)));
    metadata.add_string(2, std::string(metrics.at(prng.below(metrics.size()))));
    request.add_message(3, bytes);
  }
  return body;
}

std::string v2(Prng& prng, const std::vector<OneSeries>& all, std::int64_t now) {
  std::vector<std::string> symbols{""};
  auto symbol = [&symbols](const std::string& text) {
    symbols.push_back(text);
    return static_cast<std::uint32_t>(symbols.size() - 1);
  };
  std::string body;
  pbf_writer request{body};
  for (const OneSeries& one : all) {
    std::vector<std::uint32_t> references;
    for (const auto& [name, value] : one.labels) {
      references.push_back(symbol(name));
      references.push_back(symbol(value));
    }
    std::string series = samples_of(prng, now);
    pbf_writer writer{series};
    writer.add_packed_uint32(1, references.begin(), references.end());
    std::string metadata;
    pbf_writer meta{metadata};
    meta.add_enum(1, static_cast<int>(one.type));
    meta.add_uint32(4, symbol(one.unit));
    writer.add_message(5, metadata);
    request.add_message(5, series);
  }
  for (const std::string& each : symbols) request.add_string(4, each);
  return body;
}

RC_GTEST_PROP(a_door_that_remembers, says_what_one_says_that_does_not, ()) {
  Prng prng{*rc::gen::arbitrary<std::uint64_t>()};
  wire::PrometheusMemory plain;
  wire::PrometheusMemory remembers;
  remembers.remember_series(1);
  node::SeriesTable numbers;
  node::SeriesTable numbers_by_place;
  std::vector<OneSeries> pool;
  for (std::uint64_t n = 1 + prng.below(60); n > 0; --n) pool.push_back(any_series(prng));
  wire::IngestLimits limits;
  if (prng.chance(0.2)) limits.series = 4;
  if (prng.chance(0.1)) limits.instances = 1;
  if (prng.chance(0.1)) limits.samples = 20;
  if (prng.chance(0.1)) limits.cells = 30;

  std::int64_t now = t0;
  for (int round = 0; round < 12; ++round) {
    now += 15'000;
    std::vector<OneSeries> sent;
    for (const OneSeries& one : pool)
      if (prng.chance(0.9)) sent.push_back(one);
    if (prng.chance(0.2)) std::reverse(sent.begin(), sent.end());
    if (prng.chance(0.3)) sent.push_back(any_series(prng));
    RemoteWriteVersion version = prng.chance(0.7) ? RemoteWriteVersion::v1 : RemoteWriteVersion::v2;
    std::string body = version == RemoteWriteVersion::v1 ? v1(prng, sent, now) : v2(prng, sent, now);
    if (prng.chance(0.05)) body.resize(prng.below(body.size() + 1));
    for (int times = prng.chance(0.1) ? 2 : 1; times > 0; --times) {
      WallTime arrived{now * 1'000'000};
      auto expected = decode_remote_write(version, body, {}, arrived, plain, limits);
      auto got = decode_remote_write(version, body, {}, arrived, remembers, limits);
      RC_ASSERT(got.ok() == expected.ok());
      if (!got) {
        RC_ASSERT(got.error().to_string() == expected.error().to_string());
        continue;
      }
      RC_ASSERT(shown(model::spelled_out(got->delivery, got->lists)) == shown(expected->delivery));
      RC_ASSERT(model::spelled_out(got->delivery, got->lists) == expected->delivery);
      RC_ASSERT(got->why == expected->why);
      RC_ASSERT(got->counts == expected->counts);
      RC_ASSERT(got->overflow.size() == expected->overflow.size());
      for (const auto& [instance, spread] : expected->overflow) {
        RC_ASSERT(got->overflow.at(instance).refused() == spread.refused());
        RC_ASSERT(got->overflow.at(instance).widest().label == spread.widest().label);
      }
      model::Frame frame = numbers.number(std::move(expected->delivery));
      model::Frame by_place = numbers_by_place.number(std::move(got->delivery), got->lists);
      RC_ASSERT(by_place == frame);
      if (prng.chance(0.1)) {
        numbers.revert(frame);
        numbers_by_place.revert(by_place);
      }
      if (prng.chance(0.05)) {
        numbers.forget(InstanceName{"web-01"});
        numbers_by_place.forget(InstanceName{"web-01"});
      }
    }
  }
}

// ---- OTLP ----

std::string any_value_of(Prng& prng) {
  std::string bytes;
  pbf_writer value{bytes};
  if (prng.chance(0.03)) value.add_message(5, std::string{});  // a list
  else if (prng.chance(0.2)) value.add_int64(3, static_cast<std::int64_t>(prng.below(3)));
  else value.add_string(1, cat("v", prng.below(3)));
  return bytes;
}

std::string any_point(Prng& prng, std::uint64_t now) {
  std::string bytes;
  pbf_writer point{bytes};
  auto attributes = [&] {
    for (std::uint64_t n = prng.below(3); n > 0; --n) {
      std::string pair;
      pbf_writer writer{pair};
      writer.add_string(1, prng.chance(0.5) ? "state" : "device");
      writer.add_message(2, any_value_of(prng));
      point.add_message(7, pair);
    }
  };
  if (prng.chance(0.05)) attributes();
  if (prng.chance(0.6))
    point.add_fixed64(2, now - 60'000'000'000U + (prng.chance(0.1) ? prng.below(120) * 1'000'000'000U : 0));
  if (!prng.chance(0.03)) point.add_fixed64(3, now - (prng.chance(0.8) ? 0 : prng.below(15) * 1'000'000'000U));
  double number = prng.chance(0.05) ? std::numeric_limits<double>::infinity() : static_cast<double>(prng.below(1000));
  if (prng.chance(0.6)) point.add_double(4, number);
  else if (prng.chance(0.95)) point.add_sfixed64(6, static_cast<std::int64_t>(prng.below(1000)));
  attributes();
  if (prng.chance(0.03)) point.add_uint32(8, static_cast<std::uint32_t>(prng.below(2)));
  return bytes;
}

std::string any_otlp(Prng& prng, std::uint64_t now) {
  constexpr std::array<std::string_view, 6> names{"app.requests",           "system.memory.usage",
                                                  "system.cpu.utilization", "system.cpu.load_average.1m",
                                                  "queue.length",           "system.network.io"};
  std::string body;
  pbf_writer request{body};
  for (std::uint64_t resources = 1 + prng.below(3); resources > 0; --resources) {
    std::string resource, scope;
    pbf_writer attribute{resource};
    std::string pair, value;
    pbf_writer{value}.add_string(1, cat("web-", prng.below(3)));
    pbf_writer writer{pair};
    writer.add_string(1, prng.chance(0.2) ? "mien.instance" : "host.name");
    writer.add_message(2, value);
    if (!prng.chance(0.03)) attribute.add_message(1, pair);
    pbf_writer scopes{scope};
    for (std::uint64_t more = prng.below(6); more > 0; --more) {
      std::string metric, data;
      pbf_writer metric_writer{metric};
      metric_writer.add_string(1, std::string(names.at(prng.below(names.size()))));
      if (prng.chance(0.5)) metric_writer.add_string(3, prng.chance(0.5) ? "By" : "1");
      pbf_writer points{data};
      for (std::uint64_t n = prng.below(5); n > 0; --n) points.add_message(1, any_point(prng, now));
      bool sum = prng.chance(0.5);
      if (sum) {
        points.add_enum(2, static_cast<int>(prng.below(3)));
        points.add_bool(3, prng.chance(0.7));
      }
      metric_writer.add_message(sum ? 7 : 5, data);
      scopes.add_message(2, metric);
    }
    std::string all;
    pbf_writer both{all};
    both.add_message(1, resource);
    both.add_message(2, scope);
    request.add_message(1, all);
  }
  return body;
}

RC_GTEST_PROP(an_otlp_door_that_remembers, says_what_one_says_that_does_not, ()) {
  Prng prng{*rc::gen::arbitrary<std::uint64_t>()};
  TwoOtlpDoors doors;
  wire::IngestLimits limits;
  if (prng.chance(0.1)) limits.samples = 8;
  std::uint64_t now = std::uint64_t{t0} * 1'000'000;
  std::uint64_t seed = prng.below(1'000'000);
  for (int round = 0; round < 12; ++round) {
    now += 15'000'000'000U;
    Prng same{seed + (prng.chance(0.3) ? prng.below(3) : 0)};  // nearly always the same series again
    std::string body = any_otlp(same, now);
    if (prng.chance(0.05)) body.resize(prng.below(body.size() + 1));
    bool trusted = prng.chance(0.3);
    RC_ASSERT(doors.difference(otlp_request(wire::OtlpEncoding::protobuf, body, now, trusted, limits)) == "");
  }
}

}  // namespace
}  // namespace mien
