#include "wire/alias.h"

#include <gtest/gtest.h>

namespace mien::wire {
namespace {

model::Series series(std::string_view metric, model::Attributes attributes) {
  return {.metric = MetricName{std::string(metric)}, .attributes = std::move(attributes), .unit = "x"};
}

std::string renamed(std::string_view metric, model::Attributes attributes, double factor = 1) {
  model::Series one = series(metric, std::move(attributes));
  EXPECT_EQ(canonicalise(one).factor, factor);
  return to_text(one);
}

TEST(alias, all_senders_of_cpu_time_and_disk_traffic_end_at_one_name) {
  std::string cpu = "system.cpu.time{cpu=0,cpu.mode=user}";
  EXPECT_EQ(renamed("node_cpu_seconds_total", {{"cpu", "0"}, {"mode", "user"}}), cpu);
  EXPECT_EQ(renamed("system.cpu.time", {{"cpu", "0"}, {"state", "user"}}), cpu);
  EXPECT_EQ(renamed("system.cpu.time", {{"cpu.logical_number", "0"}, {"cpu.mode", "user"}}), cpu);
  std::string disk = "system.disk.io{device=sda,direction=read}";
  EXPECT_EQ(renamed("node_disk_read_bytes_total", {{"device", "sda"}}), disk);
  EXPECT_EQ(renamed("collectd_disk_disk_octets_read_total", {{"disk", "sda"}}), disk);
  EXPECT_EQ(renamed("system.disk.io", {{"system.device", "sda"}, {"disk.io.direction", "read"}}), disk);
}

TEST(alias, connections_by_state_have_the_conventions_names) {
  std::string listens = "system.network.connection.count{network.connection.state=listen,network.transport=tcp}";
  EXPECT_EQ(renamed("system.network.connections", {{"protocol", "tcp"}, {"state", "LISTEN"}}), listens);
  EXPECT_EQ(renamed("system.network.connection.count",
                    {{"network.transport", "tcp"}, {"network.connection.state", "listen"}}),
            listens);
}

TEST(alias, percentages_become_ratios_and_outgoing_traffic_positive) {
  EXPECT_EQ(renamed("netdata_system_cpu_percentage_average", {{"dimension", "user"}}, 0.01),
            "system.cpu.utilization{cpu.mode=user}");
  EXPECT_EQ(renamed("netdata_system_net_kilobits_persec_average", {{"dimension", "sent"}}, -125),
            "system.network.io{direction=transmit}");
  EXPECT_EQ(renamed("netdata_system_load_load_average", {{"dimension", "load15"}}), "system.cpu.load_average.15m");
}

TEST(alias, a_canonical_series_stays_as_it_is) {
  for (const char* metric : {"system.cpu.utilization", "system.memory.usage", "http.server.request.duration"}) {
    model::Series one = series(metric, {{"cpu.mode", "user"}, {"k", "v"}});
    model::Series before = one;
    EXPECT_EQ(canonicalise(one).factor, 1);
    EXPECT_EQ(one, before);
  }
}

TEST(alias, unknown_names_pass_with_their_unit_and_attributes) {
  model::Series one = series("node_of_another_kind", {{"mode", "user"}});
  model::Series before = one;
  EXPECT_EQ(canonicalise(one).factor, 1);
  EXPECT_EQ(one, before);
}

TEST(alias, doing_it_twice_changes_nothing_more) {
  for (const char* metric :
       {"node_cpu_seconds_total", "system.network.packets", "collectd_memory", "system.cpu.time"}) {
    model::Series once = series(metric, {{"mode", "irq"}, {"state", "wait"}, {"memory", "used"}});
    (void)canonicalise(once).factor;
    model::Series twice = once;
    EXPECT_EQ(canonicalise(twice).factor, 1);
    EXPECT_EQ(once, twice);
  }
}

}  // namespace
}  // namespace mien::wire
