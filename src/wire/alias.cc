#include "wire/alias.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace mien::wire {
namespace {

// One change of attributes: the attribute `key` becomes `to` ("" = goes), or with an empty key `to` is set to `value`.
struct Edit {
  std::string_view key;
  std::string_view to;
  std::string_view value = {};
};

struct Rule {
  std::string_view from;
  std::string_view to;
  std::string_view unit;
  std::vector<Edit> edits;
  double factor = 1;
  // The rule is for series whose attribute has this value only.
  std::string_view when_key = {};
  std::string_view when_value = {};
};

constexpr Edit reading{{}, "direction", "read"};
constexpr Edit writing{{}, "direction", "write"};
constexpr Edit receiving{{}, "direction", "receive"};
constexpr Edit sending{{}, "direction", "transmit"};
constexpr double mebibyte = 1024.0 * 1024.0;
constexpr double kilobit = 125;

// OTel hostmetrics before the conventions settled.
const std::vector<Rule>& hostmetrics() {
  static const std::vector<Rule> rules{
      {"system.network.packets", "system.network.packet.count", "{packet}", {}},
      {"system.network.dropped", "system.network.packet.dropped", "{packet}", {}},
      {"system.network.dropped_packets", "system.network.packet.dropped", "{packet}", {}},
      {"system.processes.count", "system.process.count", "{process}", {}},
      {"system.processes.created", "system.process.created", "{process}", {}},
      {"system.disk.ops", "system.disk.operations", "{operation}", {}},
      {"system.disk.time", "system.disk.operation_time", "s", {}},
      {"system.swap.usage", "system.paging.usage", "By", {}},
  };
  return rules;
}

const std::vector<Rule>& node_exporter() {
  static const std::vector<Rule> rules{
      {"node_cpu_seconds_total", "system.cpu.time", "s", {{"mode", "cpu.mode"}}},
      {"node_load1", "system.cpu.load_average.1m", "{thread}", {}},
      {"node_load5", "system.cpu.load_average.5m", "{thread}", {}},
      {"node_load15", "system.cpu.load_average.15m", "{thread}", {}},
      {"node_memory_MemFree_bytes", "system.memory.usage", "By", {{{}, "state", "free"}}},
      {"node_memory_Cached_bytes", "system.memory.usage", "By", {{{}, "state", "cached"}}},
      {"node_memory_Buffers_bytes", "system.memory.usage", "By", {{{}, "state", "buffers"}}},
      {"node_memory_Slab_bytes", "system.memory.linux.slab.usage", "By", {}},
      {"node_memory_Dirty_bytes", "system.memory.linux.dirty", "By", {}},
      {"node_disk_read_bytes_total", "system.disk.io", "By", {reading}},
      {"node_disk_written_bytes_total", "system.disk.io", "By", {writing}},
      {"node_disk_reads_completed_total", "system.disk.operations", "{operation}", {reading}},
      {"node_disk_writes_completed_total", "system.disk.operations", "{operation}", {writing}},
      {"node_disk_read_time_seconds_total", "system.disk.operation_time", "s", {reading}},
      {"node_disk_write_time_seconds_total", "system.disk.operation_time", "s", {writing}},
      {"node_disk_io_time_seconds_total", "system.disk.io_time", "s", {}},
      {"node_network_receive_bytes_total", "system.network.io", "By", {receiving}},
      {"node_network_transmit_bytes_total", "system.network.io", "By", {sending}},
      {"node_network_receive_packets_total", "system.network.packet.count", "{packet}", {receiving}},
      {"node_network_transmit_packets_total", "system.network.packet.count", "{packet}", {sending}},
      {"node_network_receive_errs_total", "system.network.errors", "{error}", {receiving}},
      {"node_network_transmit_errs_total", "system.network.errors", "{error}", {sending}},
      {"node_network_receive_drop_total", "system.network.packet.dropped", "{packet}", {receiving}},
      {"node_network_transmit_drop_total", "system.network.packet.dropped", "{packet}", {sending}},
      {"node_filesystem_free_bytes", "system.filesystem.usage", "By", {{{}, "state", "free"}, {"fstype", "type"}}},
      {"node_context_switches_total", "system.linux.context_switches", "{switch}", {}},
      {"node_forks_total", "system.process.created", "{process}", {}},
      {"node_procs_running", "system.process.count", "{process}", {{{}, "status", "running"}}},
      {"node_procs_blocked", "system.process.count", "{process}", {{{}, "status", "blocked"}}},
      {"node_vmstat_pgmajfault", "system.paging.faults", "{fault}", {{{}, "type", "major"}}},
      {"node_vmstat_pswpin", "system.paging.operations", "{operation}", {{{}, "direction", "in"}}},
      {"node_vmstat_pswpout", "system.paging.operations", "{operation}", {{{}, "direction", "out"}}},
      {"node_vmstat_oom_kill", "system.memory.oom_kills", "{process}", {}},
      // Stalled seconds a second are the stalled share of time.
      {"node_pressure_cpu_waiting_seconds_total", "system.linux.pressure.cpu.some", "s", {}},
      {"node_pressure_memory_waiting_seconds_total", "system.linux.pressure.memory.some", "s", {}},
      {"node_pressure_memory_stalled_seconds_total", "system.linux.pressure.memory.full", "s", {}},
      {"node_pressure_io_waiting_seconds_total", "system.linux.pressure.io.some", "s", {}},
      {"node_pressure_io_stalled_seconds_total", "system.linux.pressure.io.full", "s", {}},
  };
  return rules;
}

// As its Prometheus exporter names them (averages, so gauges).
const std::vector<Rule>& netdata() {
  static const std::vector<Rule> rules{
      {"netdata_system_cpu_percentage_average", "system.cpu.utilization", "1", {{"dimension", "cpu.mode"}}, 0.01},
      {"netdata_system_ram_MiB_average", "system.memory.usage", "By", {{"dimension", "state"}}, mebibyte},
      {"netdata_mem_swap_MiB_average", "system.paging.usage", "By", {{"dimension", "state"}}, mebibyte},
      {"netdata_system_load_load_average",
       "system.cpu.load_average.1m",
       "{thread}",
       {{"dimension", ""}},
       1,
       "dimension",
       "load1"},
      {"netdata_system_load_load_average",
       "system.cpu.load_average.5m",
       "{thread}",
       {{"dimension", ""}},
       1,
       "dimension",
       "load5"},
      {"netdata_system_load_load_average",
       "system.cpu.load_average.15m",
       "{thread}",
       {{"dimension", ""}},
       1,
       "dimension",
       "load15"},
      {"netdata_system_io_KiB_persec_average",
       "system.disk.io",
       "By/s",
       {{"dimension", ""}, reading},
       1024,
       "dimension",
       "in"},
      {"netdata_system_io_KiB_persec_average",
       "system.disk.io",
       "By/s",
       {{"dimension", ""}, writing},
       -1024,
       "dimension",
       "out"},
      {"netdata_system_net_kilobits_persec_average",
       "system.network.io",
       "By/s",
       {{"dimension", ""}, receiving},
       kilobit,
       "dimension",
       "received"},
      {"netdata_system_net_kilobits_persec_average",
       "system.network.io",
       "By/s",
       {{"dimension", ""}, sending},
       -kilobit,
       "dimension",
       "sent"},
      {"netdata_system_processes_processes_average", "system.process.count", "{process}", {{"dimension", "status"}}},
      {"netdata_system_ctxt_context_switches_persec_average",
       "system.linux.context_switches",
       "{switch}/s",
       {{"dimension", ""}}},
      {"netdata_system_forks_processes_persec_average", "system.process.created", "{process}/s", {{"dimension", ""}}},
  };
  return rules;
}

// As its write_prometheus names them.
const std::vector<Rule>& collectd() {
  static const std::vector<Rule> rules{
      {"collectd_cpu_percent", "system.cpu.utilization", "1", {{"type", "cpu.mode"}}, 0.01},
      {"collectd_load_shortterm", "system.cpu.load_average.1m", "{thread}", {}},
      {"collectd_load_midterm", "system.cpu.load_average.5m", "{thread}", {}},
      {"collectd_load_longterm", "system.cpu.load_average.15m", "{thread}", {}},
      {"collectd_memory", "system.memory.usage", "By", {{"memory", "state"}}},
      {"collectd_swap", "system.paging.usage", "By", {{"swap", "state"}}},
      {"collectd_disk_disk_octets_read_total", "system.disk.io", "By", {{"disk", "device"}, reading}},
      {"collectd_disk_disk_octets_write_total", "system.disk.io", "By", {{"disk", "device"}, writing}},
      {"collectd_disk_disk_ops_read_total", "system.disk.operations", "{operation}", {{"disk", "device"}, reading}},
      {"collectd_disk_disk_ops_write_total", "system.disk.operations", "{operation}", {{"disk", "device"}, writing}},
      {"collectd_interface_if_octets_rx_total", "system.network.io", "By", {{"interface", "device"}, receiving}},
      {"collectd_interface_if_octets_tx_total", "system.network.io", "By", {{"interface", "device"}, sending}},
      {"collectd_interface_if_packets_rx_total",
       "system.network.packet.count",
       "{packet}",
       {{"interface", "device"}, receiving}},
      {"collectd_interface_if_packets_tx_total",
       "system.network.packet.count",
       "{packet}",
       {{"interface", "device"}, sending}},
      {"collectd_interface_if_errors_rx_total",
       "system.network.errors",
       "{error}",
       {{"interface", "device"}, receiving}},
      {"collectd_interface_if_errors_tx_total", "system.network.errors", "{error}", {{"interface", "device"}, sending}},
      {"collectd_df_df_complex", "system.filesystem.usage", "By", {{"df", "mountpoint"}, {"type", "state"}}},
      {"collectd_contextswitch", "system.linux.context_switches", "{switch}", {}},
      {"collectd_processes_fork_rate_total", "system.process.created", "{process}", {}},
  };
  return rules;
}

// Attribute names that the conventions have had for system.*, each to the one that Mien's own collectors write.
struct AttributeName {
  std::string_view metrics;  // prefix of the canonical name
  std::string_view from;
  std::string_view to;
};
constexpr std::array<AttributeName, 16> attribute_names{{
    {"system.cpu.", "state", "cpu.mode"},
    {"system.cpu.", "system.cpu.state", "cpu.mode"},
    {"system.cpu.", "cpu.logical_number", "cpu"},
    {"system.cpu.", "system.cpu.logical_number", "cpu"},
    {"system.memory.", "system.memory.state", "state"},
    {"system.paging.", "system.paging.state", "state"},
    {"system.paging.", "system.paging.type", "type"},
    {"system.paging.", "system.paging.fault.type", "type"},
    {"system.paging.", "system.paging.direction", "direction"},
    {"system.disk.", "disk.io.direction", "direction"},
    {"system.network.", "network.io.direction", "direction"},
    {"system.network.", "network.interface.name", "device"},
    {"system.filesystem.", "system.filesystem.state", "state"},
    {"system.filesystem.", "system.filesystem.mountpoint", "mountpoint"},
    {"system.process", "process.state", "status"},
    {"system.", "system.device", "device"},
}};

bool applies(const Rule& rule, const model::Series& series) {
  if (rule.from != series.metric.value) return false;
  if (rule.when_key.empty()) return true;
  auto at = series.attributes.find(std::string(rule.when_key));
  return at != series.attributes.end() && at->second == rule.when_value;
}

const Rule* rule_for(const model::Series& series) {
  const std::string& name = series.metric.value;
  const std::vector<Rule>* rules = name.starts_with("system.")     ? &hostmetrics()
                                   : name.starts_with("node_")     ? &node_exporter()
                                   : name.starts_with("netdata_")  ? &netdata()
                                   : name.starts_with("collectd_") ? &collectd()
                                                                   : nullptr;
  if (rules == nullptr) return nullptr;
  auto at = std::find_if(rules->begin(), rules->end(), [&](const Rule& rule) { return applies(rule, series); });
  return at == rules->end() ? nullptr : &*at;
}

void rename(model::Attributes& attributes, std::string_view from, std::string_view to) {
  auto node = attributes.extract(std::string(from));
  if (node.empty() || to.empty()) return;
  node.key() = std::string(to);
  attributes.insert(std::move(node));
}

void settle_cpu_mode(model::Attributes& attributes) {
  auto mode = attributes.find("cpu.mode");
  if (mode == attributes.end()) return;
  if (mode->second == "irq" || mode->second == "interrupts") mode->second = "interrupt";
  if (mode->second == "wait") mode->second = "iowait";
}

}  // namespace

double canonicalise(model::Series& series) {
  double factor = 1;
  if (const Rule* rule = rule_for(series)) {
    series.metric = MetricName{std::string(rule->to)};
    if (!rule->unit.empty()) series.unit = std::string(rule->unit);
    for (const Edit& edit : rule->edits) {
      if (edit.key.empty()) series.attributes.insert_or_assign(std::string(edit.to), std::string(edit.value));
      else rename(series.attributes, edit.key, edit.to);
    }
    factor = rule->factor;
  }
  if (!series.metric.value.starts_with("system.")) return factor;
  for (const AttributeName& name : attribute_names) {
    if (series.metric.value.starts_with(name.metrics)) rename(series.attributes, name.from, name.to);
  }
  settle_cpu_mode(series.attributes);
  return factor;
}

}  // namespace mien::wire
