// The alias table against what real collectors say.
// rooms: wire
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>

#include "base/text.h"
#include "wire/exposition.h"
#include "wire/otlp.h"

namespace mien::wire {
namespace {

using ::testing::IsSupersetOf;

constexpr std::int64_t t0 = 1'795'383'000'000;

std::string capture(const std::string& file_name) {
  std::ifstream file(std::string(MIEN_CAPTURES_DIR) + "/" + file_name);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_FALSE(text.empty()) << file_name;
  return text;
}

std::string replaced_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

struct Seen {
  std::map<std::string, double> values;  // by series; the newest
  std::map<std::string, model::SeriesKind> kinds;
  PrometheusCounts counts;
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, value] : values) all.push_back(name);
    return all;
  }
};

// As a scraper hands it over, twice: what is a rate needs two moments.
Seen scraped(const std::string& name) {
  std::string text = capture(name + ".txt");
  PrometheusMemory memory;
  Seen seen;
  for (std::int64_t at : {t0, t0 + 1000}) {
    PrometheusIntake intake{{}, WallTime{at * 1'000'000}, memory};
    Status status = read_exposition(text, false, {}, [&](const ExposedSample& sample) {
      std::vector<Label> labels;
      for (const Label& label : sample.labels)
        if (label.name != "instance") labels.push_back(label);
      labels.push_back({.name = "instance", .value = "web-01:9100"});
      intake.begin_series(labels, sample.type);
      intake.sample(at, sample.value);
    });
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    PrometheusIngested taken = intake.finish();
    EXPECT_EQ(taken.counts.invalid, 0U) << taken.why;
    seen.counts += taken.counts;
    for (const model::DeliveredInstance& instance : taken.delivery.instances) {
      EXPECT_EQ(instance.instance.value, "web-01");
      for (std::size_t c = 0; c < instance.series.size(); ++c) {
        double value = instance.batch.at(c, instance.batch.times.size() - 1);
        if (std::isnan(value)) continue;
        seen.values[to_text(instance.series[c])] = value;
        seen.kinds[to_text(instance.series[c])] = instance.series[c].kind;
      }
    }
  }
  return seen;
}

// What our own agent has of every Linux host with a disk and a network.
const std::vector<std::string>& of_our_agent() {
  static const std::vector<std::string> series{
      "system.cpu.utilization",
      "system.cpu.time{cpu.mode=user}",
      "system.cpu.time{cpu.mode=system}",
      "system.cpu.time{cpu.mode=interrupt}",
      "system.cpu.time{cpu.mode=iowait}",
      "system.cpu.time{cpu.mode=steal}",
      "system.process.count{status=running}",
      "system.process.count{status=blocked}",
      "system.process.created",
      "system.linux.context_switches",
      "system.cpu.load_average.1m",
      "system.cpu.load_average.5m",
      "system.cpu.load_average.15m",
      "system.memory.usage{state=used}",
      "system.memory.usage{state=free}",
      "system.memory.usage{state=cached}",
      "system.memory.usage{state=buffers}",
      "system.memory.utilization",
      "system.memory.linux.slab.usage",
      "system.memory.linux.dirty",
      "system.memory.oom_kills",
      "system.paging.faults{type=minor}",
      "system.paging.faults{type=major}",
      "system.paging.operations{direction=in}",
      "system.paging.operations{direction=out}",
      "system.linux.pressure.cpu.some",
      "system.linux.pressure.memory.some",
      "system.linux.pressure.memory.full",
      "system.linux.pressure.io.some",
      "system.linux.pressure.io.full",
      "system.disk.io{device=vda,direction=read}",
      "system.disk.io{device=vda,direction=write}",
      "system.disk.operations{device=vda,direction=read}",
      "system.disk.operation_time{device=vda,direction=write}",
      "system.disk.io_time{device=vda}",
      "system.network.io{device=eth0,direction=receive}",
      "system.network.packet.count{device=eth0,direction=transmit}",
      "system.network.packet.dropped{device=eth0,direction=receive}",
      "system.network.errors{device=eth0,direction=transmit}",
      "system.filesystem.usage{mountpoint=/,state=used}",
      "system.filesystem.utilization{mountpoint=/}",
      "system.filesystem.inodes.utilization{mountpoint=/}",
  };
  return series;
}

TEST(captures, node_exporter_has_all_that_our_agent_has) {
  Seen seen = scraped("node_exporter");
  EXPECT_THAT(seen.names(), IsSupersetOf(of_our_agent()));
  // Nothing of a single CPU, a loopback or the exporter itself is among it.
  for (const auto& [name, value] : seen.values) {
    EXPECT_EQ(name.find("device=lo"), std::string::npos) << name;
    EXPECT_EQ(name.find("cpu=0"), std::string::npos) << name;
    EXPECT_FALSE(name.starts_with("go_")) << name;
    bool connections = name.starts_with("node_netstat_Tcp_");
    EXPECT_TRUE(!connections ||
                (seen.kinds[name] == model::SeriesKind::gauge) == name.starts_with("node_netstat_Tcp_CurrEstab"))
        << name;
  }
  EXPECT_EQ(seen.kinds["system.cpu.time{cpu.mode=user}"], model::SeriesKind::counter);
  EXPECT_EQ(seen.kinds["system.cpu.utilization"], model::SeriesKind::gauge);
  EXPECT_EQ(seen.values["system.cpu.utilization"], 0) << "the same counts a second later: nothing worked";
}

TEST(captures, collectd_has_cpu_load_memory_disks_and_network) {
  Seen seen = scraped("collectd");
  EXPECT_THAT(
      seen.names(),
      IsSupersetOf({"system.cpu.utilization", "system.cpu.load_average.1m", "system.memory.usage{state=free}",
                    "system.memory.usage{state=buffers}", "system.disk.io{device=vda,direction=read}",
                    "system.disk.io_time{device=vda}", "system.network.io{device=eth0,direction=receive}",
                    "system.network.packet.dropped{device=eth0,direction=transmit}",
                    "system.filesystem.usage{mountpoint=/,state=used}", "system.filesystem.utilization{mountpoint=/}",
                    "system.linux.context_switches", "system.process.created", "system.process.count{status=running}",
                    "system.uptime", "system.paging.faults{type=minor}", "system.paging.operations{direction=in}"}));
  double working = seen.values["system.cpu.utilization"];
  EXPECT_GT(working, 0);
  EXPECT_LE(working, 1);
  for (const auto& [name, value] : seen.values) EXPECT_EQ(name.find("mountpoint=/dev"), std::string::npos) << name;
}

TEST(captures, netdata_has_cpu_memory_pressure_and_traffic) {
  Seen seen = scraped("netdata");
  EXPECT_THAT(
      seen.names(),
      IsSupersetOf({"system.cpu.utilization", "system.memory.usage{state=used}", "system.disk.io{direction=read}",
                    "system.disk.io{direction=write}", "system.network.io{direction=receive}",
                    "system.linux.context_switches", "system.process.created", "system.process.count{status=running}",
                    "system.linux.pressure.cpu.some", "system.linux.pressure.io.full",
                    "system.filesystem.usage{mountpoint=/,state=used}", "system.filesystem.utilization{mountpoint=/}",
                    "system.paging.faults{type=major}"}));
  EXPECT_GT(seen.values["system.disk.io{direction=write}"], 0) << "what goes out is positive here";
  EXPECT_LE(seen.values["system.cpu.utilization"], 1);
}

// Its host metrics receiver stamps each of its sources with a time of its own, and says whose they are once for each.
TEST(captures, the_opentelemetry_collector_has_cpu_load_memory_disks_and_network_in_one_row) {
  std::string text = capture("hostmetrics.json");
  std::string before = replaced_all(text, "\"1795425773", "\"1795425772");  // the same a second earlier
  KnownPoints known(1);
  std::map<std::string, double> values;
  for (const std::string& body : {before, text}) {
    Result<Ingested> taken = decode_otlp({.encoding = OtlpEncoding::json,
                                          .content_encoding = {},
                                          .body = body,
                                          .arrived = WallTime{t0 * 1'000'000},
                                          .agent = {},
                                          .limits = {},
                                          .gzip = {},
                                          .known = &known});
    ASSERT_TRUE(taken.ok()) << taken.error().to_string();
    EXPECT_EQ(taken->rejected, 0U) << taken->why_rejected;
    model::Delivery delivery = model::spelled_out(std::move(taken->delivery), taken->lists);
    ASSERT_EQ(delivery.instances.size(), 1U);
    const model::DeliveredInstance& web = delivery.instances[0];
    EXPECT_EQ(web.instance.value, "web-01");
    EXPECT_EQ(web.batch.times.size(), 1U);
    for (std::size_t c = 0; c < web.series.size(); ++c) values[to_text(web.series[c])] = web.batch.at(c, 0);
  }
  for (const char* name :
       {"system.cpu.time{cpu.mode=user}", "system.cpu.load_average.1m", "system.memory.usage{state=used}",
        "system.memory.usage{state=buffers}", "system.memory.utilization", "system.disk.io{device=vda,direction=read}",
        "system.disk.operations{device=vda,direction=write}", "system.disk.operation_time{device=vda,direction=read}",
        "system.disk.io_time{device=vda}", "system.network.io{device=eth0,direction=receive}",
        "system.network.packet.count{device=eth0,direction=transmit}",
        "system.network.packet.dropped{device=eth0,direction=receive}",
        "system.network.errors{device=eth0,direction=transmit}", "system.filesystem.usage{mountpoint=/,state=used}",
        "system.filesystem.utilization{mountpoint=/}", "system.process.count{status=running}", "system.process.created",
        "system.network.connection.count{network.connection.state=established,network.transport=tcp}"})
    EXPECT_TRUE(values.contains(name)) << name;
  EXPECT_NEAR(values["system.cpu.utilization"], 1, 1e-9) << "its shares of user, nice and system";
  EXPECT_NEAR(values["system.memory.utilization"], 0.0857583, 1e-6);
  EXPECT_NEAR(values["system.filesystem.utilization{mountpoint=/}"], 0.636623, 1e-6);
}

}  // namespace
}  // namespace mien::wire
