#include "wire/remote_write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <protozero/pbf_writer.hpp>

#include "base/text.h"

namespace mien::wire {
namespace {

using protozero::pbf_writer;
using ::testing::HasSubstr;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t t0 = 1'700'000'000'000;
constexpr WallTime arrived{t0 * 1'000'000};
const double marker = std::bit_cast<double>(staleness_marker);

struct At {
  std::int64_t ms;
  double value;
};

std::string series_v1(const Labels& labels, const std::vector<At>& samples) {
  std::string body;
  pbf_writer request{body};
  std::string one;
  pbf_writer series{one};
  for (const auto& [name, value] : labels) {
    std::string bytes;
    pbf_writer label{bytes};
    label.add_string(1, name);
    label.add_string(2, value);
    series.add_message(1, bytes);
  }
  for (const At& at : samples) {
    std::string bytes;
    pbf_writer sample{bytes};
    sample.add_double(1, at.value);
    sample.add_int64(2, at.ms);
    series.add_message(2, bytes);
  }
  request.add_message(1, one);
  return body;
}

Labels of_node(const std::string& name, Labels more = {}) {
  Labels labels{{"__name__", name}, {"instance", "web-01:9100"}, {"job", "node"}};
  labels.insert(labels.end(), more.begin(), more.end());
  return labels;
}

struct Door {
  PrometheusMemory memory;
  PrometheusRules rules;
  WallTime now = arrived;
  PrometheusIngested take(const std::string& body, RemoteWriteVersion version = RemoteWriteVersion::v1) {
    auto decoded = decode_remote_write(version, body, rules, now, memory);
    EXPECT_TRUE(decoded.ok()) << decoded.error().to_string();
    return decoded ? *std::move(decoded) : PrometheusIngested{};
  }
};

// "series = value value ..." for each, in order of their names.
std::string shown(const model::Delivery& delivery) {
  std::map<std::string, std::string> lines;
  for (const auto& instance : delivery.instances) {
    for (std::size_t c = 0; c < instance.series.size(); ++c) {
      std::string line = cat(instance.instance.value, " ", to_text(instance.series[c]), " ",
                             instance.series[c].kind == model::SeriesKind::counter ? "counter" : "gauge", " =");
      for (std::size_t r = 0; r < instance.batch.times.size(); ++r) {
        double value = instance.batch.at(c, r);
        line += model::is_ended(value) ? " ended" : std::isnan(value) ? " -" : cat(" ", to_text(value));
      }
      lines[line] = "";
    }
  }
  std::string text;
  for (const auto& [line, nothing] : lines) text += line + "\n";
  return text;
}

TEST(remote_write, a_gauge_of_node_exporter_arrives_under_its_canonical_name) {
  Door door;
  auto taken = door.take(series_v1(of_node("node_load1", {{"cluster", "a"}}), {{t0, 0.5}, {t0 + 15'000, 0.75}}));
  EXPECT_EQ(shown(taken.delivery), "web-01 system.cpu.load_average.1m gauge = 0.5 0.75\n");
  EXPECT_EQ(taken.counts.samples, 2U);
  EXPECT_EQ(taken.why, "");
  EXPECT_FALSE(taken.delivery.authenticated);
  EXPECT_EQ(taken.delivery.instances[0].identities.at("host.name"), "web-01");
}

TEST(remote_write, a_series_of_its_own_keeps_its_labels_and_is_a_counter_by_its_name) {
  Door door;
  auto taken = door.take(series_v1(of_node("http_requests_total", {{"code", "200"}}), {{t0, 7}}) +
                         series_v1(of_node("queue_length"), {{t0, 3}}));
  EXPECT_EQ(shown(taken.delivery),
            "web-01 http_requests_total{code=200,instance=web-01:9100,job=node} counter = 7\n"
            "web-01 queue_length{instance=web-01:9100,job=node} gauge = 3\n");
}

TEST(remote_write, metadata_that_came_before_settles_what_is_a_counter) {
  Door door;
  std::string metadata;
  {
    pbf_writer request{metadata};
    std::string bytes;
    pbf_writer one{bytes};
    one.add_enum(1, 1);
    one.add_string(2, "legacy_requests");
    request.add_message(3, bytes);
  }
  EXPECT_TRUE(door.take(metadata).delivery.instances.empty());
  EXPECT_THAT(shown(door.take(series_v1(of_node("legacy_requests"), {{t0, 7}})).delivery), HasSubstr(" counter = 7"));
}

TEST(remote_write, the_times_of_all_cpus_become_those_of_the_host_also_when_a_request_ends_between_them) {
  Door door;
  auto cpu = [&](const char* number, const char* mode, std::int64_t at, double value) {
    return series_v1(of_node("node_cpu_seconds_total", {{"cpu", number}, {"mode", mode}}), {{at, value}});
  };
  auto moment = [&](std::int64_t at, double user) {
    return std::pair{
        cpu("0", "idle", at, 100) + cpu("0", "user", at, user) + cpu("0", "nice", at, 1),
        cpu("1", "idle", at, 100) + cpu("1", "user", at, user) + cpu("1", "irq", at, 2) + cpu("1", "softirq", at, 1)};
  };
  auto [first, second] = moment(t0, 10);
  EXPECT_EQ(shown(door.take(first).delivery), "");
  EXPECT_EQ(shown(door.take(second).delivery), "");  // how many there are is not known yet
  auto [third, fourth] = moment(t0 + 10'000, 15);
  EXPECT_EQ(shown(door.take(third).delivery),
            "web-01 system.cpu.time{cpu.mode=interrupt} counter = 3\n"
            "web-01 system.cpu.time{cpu.mode=user} counter = 21\n");
  std::string whole =
      "web-01 system.cpu.time{cpu.mode=interrupt} counter = 3\n"
      "web-01 system.cpu.time{cpu.mode=user} counter = 31\n"
      "web-01 system.cpu.utilization gauge = 0.5\n";
  EXPECT_EQ(shown(door.take(fourth).delivery), whole);
  EXPECT_EQ(shown(door.take(fourth).delivery), whole) << "sent again, it says the same";
}

TEST(remote_write, memory_and_filesystems_are_used_as_our_own_agent_counts_them) {
  Door door;
  Labels disk{{"device", "/dev/sda1"}, {"fstype", "ext4"}, {"mountpoint", "/"}};
  Labels tmpfs{{"device", "tmpfs"}, {"fstype", "tmpfs"}, {"mountpoint", "/run"}};
  auto taken = door.take(series_v1(of_node("node_memory_MemTotal_bytes"), {{t0, 1000}}) +
                         series_v1(of_node("node_memory_MemAvailable_bytes"), {{t0, 400}}) +
                         series_v1(of_node("node_filesystem_size_bytes", disk), {{t0, 100}}) +
                         series_v1(of_node("node_filesystem_free_bytes", disk), {{t0, 40}}) +
                         series_v1(of_node("node_filesystem_avail_bytes", disk), {{t0, 20}}) +
                         series_v1(of_node("node_filesystem_size_bytes", tmpfs), {{t0, 100}}) +
                         series_v1(of_node("node_memory_SwapTotal_bytes"), {{t0, 0}}) +
                         series_v1(of_node("node_memory_SwapFree_bytes"), {{t0, 0}}));
  EXPECT_EQ(shown(taken.delivery),
            "web-01 system.filesystem.usage{mountpoint=/,state=used} gauge = 60\n"
            "web-01 system.filesystem.utilization{mountpoint=/} gauge = 0.75\n"
            "web-01 system.memory.usage{state=used} gauge = 600\n"
            "web-01 system.memory.utilization gauge = 0.6\n");
  EXPECT_EQ(taken.counts.samples, 8U);
}

TEST(remote_write, the_staleness_marker_ends_a_series_and_what_was_made_of_it) {
  Door door;
  std::string load = series_v1(of_node("node_load1"), {{t0, 0.5}, {t0 + 1000, marker}});
  EXPECT_EQ(shown(door.take(load).delivery), "web-01 system.cpu.load_average.1m gauge = 0.5 ended\n");
  (void)door.take(series_v1(of_node("node_memory_MemTotal_bytes"), {{t0, 1000}}) +
                  series_v1(of_node("node_memory_MemAvailable_bytes"), {{t0, 400}}));
  auto over = door.take(series_v1(of_node("node_memory_MemTotal_bytes"), {{t0 + 1000, marker}}) +
                        series_v1(of_node("node_memory_MemAvailable_bytes"), {{t0 + 1000, marker}}));
  EXPECT_EQ(shown(over.delivery),
            "web-01 system.memory.usage{state=used} gauge = ended\n"
            "web-01 system.memory.utilization gauge = ended\n");
  EXPECT_EQ(over.counts.ended, 2U);
}

TEST(remote_write, what_prometheus_says_of_its_scraping_keeps_no_instance_alive) {
  Door door;
  auto taken =
      door.take(series_v1(of_node("up"), {{t0, 0}}) + series_v1(of_node("scrape_duration_seconds"), {{t0, 0.1}}) +
                series_v1(of_node("app_info"), {{t0, 1}}) +
                series_v1(of_node("rpc_seconds_bucket", {{"le", "+Inf"}}), {{t0, 1}}));
  EXPECT_TRUE(taken.delivery.instances.empty());
  EXPECT_EQ(taken.counts.samples, 4U);
  EXPECT_EQ(taken.counts.not_kept, 4U);
  EXPECT_EQ(taken.why, "");
}

TEST(remote_write, the_exporters_own_process_is_not_the_hosts) {
  Door door;
  (void)door.take(series_v1(of_node("node_load1"), {{t0, 1}}));
  EXPECT_EQ(shown(door.take(series_v1(of_node("go_goroutines"), {{t0, 8}})).delivery), "");
  Labels of_shop{{"__name__", "go_goroutines"}, {"instance", "web-01:8080"}, {"job", "shop"}};
  EXPECT_EQ(shown(door.take(series_v1(of_shop, {{t0, 8}})).delivery), "") << "whose it is is not known yet";
  door.now = door.now + PrometheusMemory::known_after;
  EXPECT_THAT(shown(door.take(series_v1(of_shop, {{t0, 8}})).delivery), HasSubstr("go_goroutines{"));
  EXPECT_EQ(shown(door.take(series_v1(of_node("go_goroutines"), {{t0, 8}})).delivery), "");
}

TEST(remote_write, series_without_an_instance_are_counted_and_explained_and_the_rest_is_taken) {
  Door door;
  auto taken = door.take(series_v1({{"__name__", "job:errors:rate5m"}}, {{t0, 1}}) +
                         series_v1(of_node("node_load1"), {{t0, 1}}));
  EXPECT_EQ(taken.counts.unnamed, 1U);
  EXPECT_EQ(taken.counts.samples, 1U);
  EXPECT_THAT(taken.why, HasSubstr("job:errors:rate5m"));
  EXPECT_THAT(taken.why, HasSubstr("write_relabel_configs"));
}

TEST(remote_write, labels_that_can_not_be_are_refused_one_series_at_a_time) {
  Door door;
  auto taken = door.take(
      series_v1(of_node("a", {{"x", "1"}, {"x", "2"}}), {{t0, 1}}) + series_v1({{"instance", "web-01"}}, {{t0, 1}}) +
      series_v1(of_node("b", {{"", "1"}}), {{t0, 1}}) + series_v1(of_node("c", {{"x", "\xff"}}), {{t0, 1}}) +
      series_v1(of_node("d"), {{-5, 1}}) + series_v1(of_node("node_load1"), {{t0, 1}}));
  EXPECT_EQ(taken.counts.invalid, 5U);
  EXPECT_EQ(shown(taken.delivery), "web-01 system.cpu.load_average.1m gauge = 1\n");
  EXPECT_THAT(taken.why, HasSubstr("a label stands twice"));
}

TEST(remote_write, the_same_sample_twice_in_a_request_is_no_contradiction) {
  Door door;
  std::string one = series_v1(of_node("node_load1"), {{t0, 1}});
  auto taken = door.take(one + one);
  EXPECT_EQ(taken.counts.invalid, 0U);
  EXPECT_EQ(shown(taken.delivery), "web-01 system.cpu.load_average.1m gauge = 1\n");
}

// ---- 2.0 ----

struct SecondVersion {
  std::string body;
  std::vector<std::string> symbols{""};
  std::string series;

  std::uint32_t symbol(const std::string& text) {
    symbols.push_back(text);
    return static_cast<std::uint32_t>(symbols.size() - 1);
  }
  void add(const Labels& labels, int type, const std::vector<At>& samples, const std::string& histogram = {}) {
    std::string one;
    pbf_writer writer{one};
    std::vector<std::uint32_t> references;
    for (const auto& [name, value] : labels) {
      references.push_back(symbol(name));
      references.push_back(symbol(value));
    }
    writer.add_packed_uint32(1, references.begin(), references.end());
    for (const At& at : samples) {
      std::string bytes;
      pbf_writer sample{bytes};
      sample.add_double(1, at.value);
      sample.add_int64(2, at.ms);
      writer.add_message(2, bytes);
    }
    if (!histogram.empty()) writer.add_message(3, histogram);
    std::string metadata;
    pbf_writer{metadata}.add_enum(1, type);
    writer.add_message(5, metadata);
    pbf_writer{series}.add_message(5, one);
  }
  std::string done() {
    std::string out;
    pbf_writer writer{out};
    for (const std::string& text : symbols) writer.add_string(4, text);
    return out + series;
  }
};

TEST(remote_write, version_two_has_its_labels_in_symbols_and_its_types_beside_the_samples) {
  Door door;
  SecondVersion request;
  request.add(of_node("legacy_requests"), 1, {{t0, 7}});
  request.add(of_node("made_up_total"), 2, {{t0, 3}});
  auto taken = door.take(request.done(), RemoteWriteVersion::v2);
  EXPECT_EQ(shown(taken.delivery),
            "web-01 legacy_requests{instance=web-01:9100,job=node} counter = 7\n"
            "web-01 made_up_total{instance=web-01:9100,job=node} gauge = 3\n");
}

TEST(remote_write, of_a_native_histogram_count_and_sum_are_taken) {
  Door door;
  SecondVersion request;
  std::string histogram;
  pbf_writer writer{histogram};
  writer.add_uint64(1, 3);
  writer.add_double(3, 1.5);
  writer.add_sint32(4, 3);
  writer.add_int64(15, t0);
  request.add(of_node("rpc_seconds"), 3, {}, histogram);
  auto taken = door.take(request.done(), RemoteWriteVersion::v2);
  EXPECT_EQ(shown(taken.delivery),
            "web-01 rpc_seconds_count{instance=web-01:9100,job=node} counter = 3\n"
            "web-01 rpc_seconds_sum{instance=web-01:9100,job=node} counter = 1.5\n");
  EXPECT_EQ(taken.counts.histograms, 1U);
  EXPECT_EQ(taken.counts.samples, 0U);
}

TEST(remote_write, a_symbol_that_is_not_there_spoils_the_request) {
  Door door;
  SecondVersion request;
  request.add(of_node("node_load1"), 2, {{t0, 7}});
  request.symbols.resize(3);
  auto decoded = decode_remote_write(RemoteWriteVersion::v2, request.done(), {}, arrived, door.memory);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, Code::invalid);
}

TEST(remote_write, a_body_of_one_version_under_the_name_of_the_other_is_refused) {
  Door door;
  SecondVersion request;
  request.add(of_node("node_load1"), 2, {{t0, 7}});
  EXPECT_FALSE(decode_remote_write(RemoteWriteVersion::v1, request.done(), {}, arrived, door.memory).ok());
  std::string first = series_v1(of_node("node_load1"), {{t0, 7}});
  EXPECT_FALSE(decode_remote_write(RemoteWriteVersion::v2, first, {}, arrived, door.memory).ok());
}

TEST(remote_write, a_body_cut_anywhere_is_an_error_or_a_whole_number_of_series) {
  Door door;
  std::string body = series_v1(of_node("node_load1"), {{t0, 7}}) + series_v1(of_node("node_load5"), {{t0, 7}});
  for (std::size_t length = 0; length < body.size(); ++length) {
    auto decoded = decode_remote_write(RemoteWriteVersion::v1, body.substr(0, length), {}, arrived, door.memory);
    EXPECT_LE(decoded ? decoded->counts.samples : 0, 1U);
  }
}

TEST(remote_write, a_request_of_a_million_tiny_parts_is_refused_as_a_whole) {
  Door door;
  std::string body;
  for (int i = 0; i < 1'000'001; ++i) body += std::string_view("\x0a\x00", 2);
  auto decoded = decode_remote_write(RemoteWriteVersion::v1, body, {}, arrived, door.memory);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, Code::exhausted);
}

TEST(remote_write, the_content_type_says_which_version) {
  EXPECT_EQ(remote_write_version("application/x-protobuf"), RemoteWriteVersion::v1);
  EXPECT_EQ(remote_write_version("application/x-protobuf;proto=prometheus.WriteRequest"), RemoteWriteVersion::v1);
  EXPECT_EQ(remote_write_version("Application/X-Protobuf; proto=\"io.prometheus.write.v2.Request\""),
            RemoteWriteVersion::v2);
  EXPECT_EQ(remote_write_version("application/x-protobuf;proto=io.prometheus.write.v3.Request"), std::nullopt);
  EXPECT_EQ(remote_write_version("application/json"), std::nullopt);
  EXPECT_EQ(remote_write_version(""), std::nullopt);
}

TEST(remote_write, bodies_are_snappy_and_nothing_else) {
  std::string text(1000, 'x');
  EXPECT_EQ(*unfold_remote_write("snappy", snap(text)), text);
  EXPECT_EQ(*unfold_remote_write("", snap(text)), text);
  EXPECT_EQ(unfold_remote_write("gzip", snap(text)).error().code, Code::unsupported);
  EXPECT_EQ(unfold_remote_write("snappy", "no snappy at all").error().code, Code::invalid);
  std::string cut = snap(text);
  cut.pop_back();
  EXPECT_EQ(unfold_remote_write("snappy", cut).error().code, Code::invalid);
  EXPECT_EQ(unsnap(snap(text), Bytes{999}).error().code, Code::exhausted);
  // A length of 48 MB, and nothing behind it.
  EXPECT_EQ(unsnap(std::string_view("\x80\x80\x80\x17", 4)).error().code, Code::invalid);
}

TEST(remote_write, the_port_goes_and_what_is_no_address_stays) {
  EXPECT_EQ(without_port("web-01:9100"), "web-01");
  EXPECT_EQ(without_port("10.0.0.7:9100"), "10.0.0.7");
  EXPECT_EQ(without_port("[2001:db8::1]:9100"), "2001:db8::1");
  for (const char* same : {"web-01", "2001:db8::1", "https://shop.example:443", "a:b", ":9100", "web-01:", ""})
    EXPECT_EQ(without_port(same), same);
  Door door;
  door.rules = {.instance_label = "node", .keep_port = true};
  auto taken = door.take(series_v1({{"__name__", "x"}, {"node", "a:1"}, {"instance", "b:2"}}, {{t0, 1}}));
  EXPECT_EQ(shown(taken.delivery), "a:1 x{instance=b:2} gauge = 1\n");
}

}  // namespace
}  // namespace mien::wire
