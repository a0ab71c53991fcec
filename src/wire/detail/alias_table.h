// The alias table: what other agents call their series, and what Mien calls them. Data only; wire/alias.h applies it.
//
// `from` is the sender's metric, whole, or with a star at its end: the longest that fits counts. `to` is ours; empty:
// the name stays and only the kind is settled; "-": understood and not kept (constants, clocks, the exporter's own).
// `edits` are words: key>to renames an attribute, key=value sets one, -key drops one; ?key=value is no edit but a
// condition (?key: the attribute is there), so that one metric of the sender becomes several; the first that fits.
// `kind` empty: as the sender says it.
//
// Some of ours are made from several of theirs (wire/derive.h): system.*.limit and system.memory.linux.available are
// steps on that way.
#pragma once

#include <string_view>

namespace mien::wire {

struct AliasRow {
  std::string_view from;
  std::string_view to;
  std::string_view unit = {};
  std::string_view kind = {};  // "gauge", "counter"
  std::string_view edits = {};
  double factor = 1;
};

inline constexpr double mebibyte = 1024.0 * 1024.0;
inline constexpr double gibibyte = 1024.0 * mebibyte;
inline constexpr double kilobit = 125;

inline constexpr AliasRow alias_rows[]{
    // ---- OTel hostmetrics before the conventions settled ----
    {"system.network.packets", "system.network.packet.count", "{packet}"},
    {"system.network.dropped", "system.network.packet.dropped", "{packet}"},
    {"system.network.dropped_packets", "system.network.packet.dropped", "{packet}"},
    {"system.processes.count", "system.process.count", "{process}"},
    {"system.processes.created", "system.process.created", "{process}"},
    {"system.disk.ops", "system.disk.operations", "{operation}"},
    {"system.disk.time", "system.disk.operation_time", "s"},
    {"system.swap.usage", "system.paging.usage", "By"},
    {"system.linux.memory.available", "system.memory.linux.available", "By"},
    {"system.memory.utilization", "system.memory.utilization", "1", "gauge", "?state=used -state"},
    // Its free is what df calls available; what is kept for root has a state of its own.
    {"system.filesystem.usage", "system.filesystem.usage", "By", "gauge", "?state=free state=available"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=SYN_RECV -state protocol>network.transport network.connection.state=syn_received"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=ESTABLISHED -state protocol>network.transport network.connection.state=established"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=TIME_WAIT -state protocol>network.transport network.connection.state=time_wait"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=SYN_SENT -state protocol>network.transport network.connection.state=syn_sent"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=SYN_RECEIVED -state protocol>network.transport network.connection.state=syn_received"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=FIN_WAIT_1 -state protocol>network.transport network.connection.state=fin_wait_1"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=FIN_WAIT_2 -state protocol>network.transport network.connection.state=fin_wait_2"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=CLOSE_WAIT -state protocol>network.transport network.connection.state=close_wait"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=LAST_ACK -state protocol>network.transport network.connection.state=last_ack"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=CLOSING -state protocol>network.transport network.connection.state=closing"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "?state=LISTEN -state protocol>network.transport network.connection.state=listen"},
    {"system.network.connections", "system.network.connection.count", "{connection}", "",
     "protocol>network.transport state>network.connection.state"},

    // ---- node_exporter ----
    {"node_cpu_seconds_total", "system.cpu.time", "s", "counter", "mode>cpu.mode"},
    {"node_load1", "system.cpu.load_average.1m", "{thread}", "gauge"},
    {"node_load5", "system.cpu.load_average.5m", "{thread}", "gauge"},
    {"node_load15", "system.cpu.load_average.15m", "{thread}", "gauge"},
    {"node_procs_running", "system.process.count", "{process}", "gauge", "status=running"},
    {"node_procs_blocked", "system.process.count", "{process}", "gauge", "status=blocked"},
    {"node_forks_total", "system.process.created", "{process}", "counter"},
    {"node_context_switches_total", "system.linux.context_switches", "{switch}", "counter"},
    {"node_processes_threads", "system.linux.threads", "{thread}", "gauge"},
    {"node_filefd_allocated", "system.linux.file_descriptors", "{descriptor}", "gauge"},
    // Becomes system.uptime, which counts up by one a second: as a counter it is calm until the host starts anew.
    {"node_boot_time_seconds", "system.boot_time", "s", "gauge"},
    {"node_memory_MemTotal_bytes", "system.memory.limit", "By", "gauge"},
    {"node_memory_MemAvailable_bytes", "system.memory.linux.available", "By", "gauge"},
    {"node_memory_MemFree_bytes", "system.memory.usage", "By", "gauge", "state=free"},
    {"node_memory_Cached_bytes", "system.memory.usage", "By", "gauge", "state=cached"},
    {"node_memory_Buffers_bytes", "system.memory.usage", "By", "gauge", "state=buffers"},
    {"node_memory_Slab_bytes", "system.memory.linux.slab.usage", "By", "gauge"},
    {"node_memory_Dirty_bytes", "system.memory.linux.dirty", "By", "gauge"},
    {"node_memory_SwapTotal_bytes", "system.paging.limit", "By", "gauge"},
    {"node_memory_SwapFree_bytes", "system.paging.usage", "By", "gauge", "state=free"},
    {"node_vmstat_pgfault", "system.paging.faults", "{fault}", "counter", "type=all"},
    {"node_vmstat_pgmajfault", "system.paging.faults", "{fault}", "counter", "type=major"},
    {"node_vmstat_pswpin", "system.paging.operations", "{operation}", "counter", "direction=in"},
    {"node_vmstat_pswpout", "system.paging.operations", "{operation}", "counter", "direction=out"},
    {"node_vmstat_oom_kill", "system.memory.oom_kills", "{process}", "counter"},
    // Stalled seconds a second are the stalled share of time.
    {"node_pressure_cpu_waiting_seconds_total", "system.linux.pressure.cpu.some", "s", "counter"},
    {"node_pressure_memory_waiting_seconds_total", "system.linux.pressure.memory.some", "s", "counter"},
    {"node_pressure_memory_stalled_seconds_total", "system.linux.pressure.memory.full", "s", "counter"},
    {"node_pressure_io_waiting_seconds_total", "system.linux.pressure.io.some", "s", "counter"},
    {"node_pressure_io_stalled_seconds_total", "system.linux.pressure.io.full", "s", "counter"},
    {"node_disk_read_bytes_total", "system.disk.io", "By", "counter", "direction=read"},
    {"node_disk_written_bytes_total", "system.disk.io", "By", "counter", "direction=write"},
    {"node_disk_reads_completed_total", "system.disk.operations", "{operation}", "counter", "direction=read"},
    {"node_disk_writes_completed_total", "system.disk.operations", "{operation}", "counter", "direction=write"},
    {"node_disk_read_time_seconds_total", "system.disk.operation_time", "s", "counter", "direction=read"},
    {"node_disk_write_time_seconds_total", "system.disk.operation_time", "s", "counter", "direction=write"},
    {"node_disk_io_time_seconds_total", "system.disk.io_time", "s", "counter"},
    {"node_disk_io_time_weighted_seconds_total", "system.disk.weighted_io_time", "s", "counter"},
    {"node_filesystem_size_bytes", "system.filesystem.limit", "By", "gauge", "fstype>type"},
    {"node_filesystem_free_bytes", "system.filesystem.usage", "By", "gauge", "state=free fstype>type"},
    {"node_filesystem_avail_bytes", "system.filesystem.usage", "By", "gauge", "state=available fstype>type"},
    {"node_filesystem_files", "system.filesystem.inodes.limit", "{inode}", "gauge", "fstype>type"},
    {"node_filesystem_files_free", "system.filesystem.inodes.usage", "{inode}", "gauge", "state=free fstype>type"},
    {"node_network_receive_bytes_total", "system.network.io", "By", "counter", "direction=receive"},
    {"node_network_transmit_bytes_total", "system.network.io", "By", "counter", "direction=transmit"},
    {"node_network_receive_packets_total", "system.network.packet.count", "{packet}", "counter", "direction=receive"},
    {"node_network_transmit_packets_total", "system.network.packet.count", "{packet}", "counter", "direction=transmit"},
    {"node_network_receive_errs_total", "system.network.errors", "{error}", "counter", "direction=receive"},
    {"node_network_transmit_errs_total", "system.network.errors", "{error}", "counter", "direction=transmit"},
    {"node_network_receive_drop_total", "system.network.packet.dropped", "{packet}", "counter", "direction=receive"},
    {"node_network_transmit_drop_total", "system.network.packet.dropped", "{packet}", "counter", "direction=transmit"},
    // What node_exporter gives no type, though the kernel counts it up.
    {"node_netstat_*", "", "", "counter"},
    {"node_netstat_Ip_Forwarding", "-"},
    {"node_netstat_Tcp_CurrEstab", "", "", "gauge"},
    {"node_vmstat_*", "", "", "counter"},
    {"node_nf_conntrack_stat_*", "", "", "counter"},
    // Clocks, constants, and how the exporter itself fares.
    {"node_time_*", "-"},
    {"node_os_*", "-"},
    {"node_scrape_*", "-"},
    {"node_exporter_*", "-"},
    {"node_textfile_*", "-"},
    {"node_network_iface_*", "-"},
    {"node_network_address_assign_type", "-"},
    {"node_network_device_id", "-"},
    {"node_network_flags", "-"},
    {"node_network_name_assign_type", "-"},
    {"node_network_net_dev_group", "-"},
    {"node_network_protocol_type", "-"},

    // ---- Netdata, as its Prometheus exporter names them (averages, so gauges) ----
    {"netdata_system_cpu_percentage_average", "system.cpu.utilization", "1", "gauge", "dimension>cpu.mode", 0.01},
    {"netdata_system_load_load_average", "system.cpu.load_average.1m", "{thread}", "gauge",
     "?dimension=load1 -dimension"},
    {"netdata_system_load_load_average", "system.cpu.load_average.5m", "{thread}", "gauge",
     "?dimension=load5 -dimension"},
    {"netdata_system_load_load_average", "system.cpu.load_average.15m", "{thread}", "gauge",
     "?dimension=load15 -dimension"},
    {"netdata_system_ram_MiB_average", "system.memory.usage", "By", "gauge", "dimension>state", mebibyte},
    {"netdata_mem_available_MiB_average", "system.memory.linux.available", "By", "gauge", "-dimension", mebibyte},
    {"netdata_mem_swap_MiB_average", "system.paging.usage", "By", "gauge", "dimension>state", mebibyte},
    {"netdata_system_swap_MiB_average", "system.paging.usage", "By", "gauge", "dimension>state", mebibyte},
    {"netdata_system_io_KiB_persec_average", "system.disk.io", "By/s", "gauge",
     "?dimension=in -dimension direction=read", 1024},
    {"netdata_system_io_KiB_persec_average", "system.disk.io", "By/s", "gauge",
     "?dimension=out -dimension direction=write", -1024},
    {"netdata_system_net_kilobits_persec_average", "system.network.io", "By/s", "gauge",
     "?dimension=received -dimension direction=receive", kilobit},
    {"netdata_system_net_kilobits_persec_average", "system.network.io", "By/s", "gauge",
     "?dimension=InOctets -dimension direction=receive", kilobit},
    {"netdata_system_net_kilobits_persec_average", "system.network.io", "By/s", "gauge",
     "?dimension=sent -dimension direction=transmit", -kilobit},
    {"netdata_system_net_kilobits_persec_average", "system.network.io", "By/s", "gauge",
     "?dimension=OutOctets -dimension direction=transmit", -kilobit},
    {"netdata_net_packets_packets_persec_average", "system.network.packet.count", "{packet}/s", "gauge",
     "?dimension=received -dimension family>device direction=receive"},
    {"netdata_net_packets_packets_persec_average", "system.network.packet.count", "{packet}/s", "gauge",
     "?dimension=sent -dimension family>device direction=transmit", -1},
    {"netdata_net_packets_packets_persec_average", "-"},
    {"netdata_disk_space_GiB_average", "system.filesystem.usage", "By", "gauge",
     "?dimension=avail -dimension family>mountpoint state=available", gibibyte},
    {"netdata_disk_space_GiB_average", "system.filesystem.usage", "By", "gauge",
     "?dimension=used -dimension family>mountpoint state=used", gibibyte},
    {"netdata_disk_space_GiB_average", "-"},
    {"netdata_mem_pgfaults_faults_persec_average", "system.paging.faults", "{fault}/s", "gauge",
     "?dimension=minor -dimension type=minor"},
    {"netdata_mem_pgfaults_faults_persec_average", "system.paging.faults", "{fault}/s", "gauge",
     "?dimension=major -dimension type=major", -1},
    {"netdata_mem_oom_kill_kills_persec_average", "system.memory.oom_kills", "{process}/s", "gauge", "-dimension"},
    {"netdata_system_cpu_some_pressure_stall_time_ms_average", "system.linux.pressure.cpu.some", "1", "gauge",
     "-dimension", 0.001},
    {"netdata_system_memory_some_pressure_stall_time_ms_average", "system.linux.pressure.memory.some", "1", "gauge",
     "-dimension", 0.001},
    {"netdata_system_memory_full_pressure_stall_time_ms_average", "system.linux.pressure.memory.full", "1", "gauge",
     "-dimension", 0.001},
    {"netdata_system_io_some_pressure_stall_time_ms_average", "system.linux.pressure.io.some", "1", "gauge",
     "-dimension", 0.001},
    {"netdata_system_io_full_pressure_stall_time_ms_average", "system.linux.pressure.io.full", "1", "gauge",
     "-dimension", 0.001},
    {"netdata_system_uptime_seconds_average", "system.uptime", "s", "counter", "-dimension"},
    {"netdata_system_processes_processes_average", "system.process.count", "{process}", "gauge", "dimension>status"},
    {"netdata_system_active_processes_processes_average", "system.linux.threads", "{thread}", "gauge", "-dimension"},
    {"netdata_system_ctxt_context_switches_persec_average", "system.linux.context_switches", "{switch}/s", "gauge",
     "-dimension"},
    {"netdata_system_forks_processes_persec_average", "system.process.created", "{process}/s", "gauge", "-dimension"},

    // ---- collectd, as its write_prometheus names them ----
    // With and without ReportByCpu.
    {"collectd_cpu_percent", "system.cpu.utilization", "1", "gauge", "?type type>cpu.mode", 0.01},
    {"collectd_cpu_percent", "system.cpu.utilization", "1", "gauge", "cpu>cpu.mode", 0.01},
    {"collectd_cpu_total", "system.cpu.time", "s", "counter", "?type type>cpu.mode", 0.01},
    {"collectd_cpu_total", "system.cpu.time", "s", "counter", "cpu>cpu.mode", 0.01},
    {"collectd_load_shortterm", "system.cpu.load_average.1m", "{thread}", "gauge"},
    {"collectd_load_midterm", "system.cpu.load_average.5m", "{thread}", "gauge"},
    {"collectd_load_longterm", "system.cpu.load_average.15m", "{thread}", "gauge"},
    {"collectd_memory", "system.memory.usage", "By", "gauge", "memory>state"},
    {"collectd_swap", "system.paging.usage", "By", "gauge", "swap>state"},
    {"collectd_uptime", "system.uptime", "s", "counter"},
    {"collectd_disk_disk_octets_read_total", "system.disk.io", "By", "counter", "disk>device direction=read"},
    {"collectd_disk_disk_octets_write_total", "system.disk.io", "By", "counter", "disk>device direction=write"},
    {"collectd_disk_disk_ops_read_total", "system.disk.operations", "{operation}", "counter",
     "disk>device direction=read"},
    {"collectd_disk_disk_ops_write_total", "system.disk.operations", "{operation}", "counter",
     "disk>device direction=write"},
    {"collectd_disk_disk_time_read_total", "system.disk.operation_time", "s", "counter", "disk>device direction=read",
     0.001},
    {"collectd_disk_disk_time_write_total", "system.disk.operation_time", "s", "counter", "disk>device direction=write",
     0.001},
    {"collectd_interface_if_octets_rx_total", "system.network.io", "By", "counter",
     "interface>device direction=receive"},
    {"collectd_interface_if_octets_tx_total", "system.network.io", "By", "counter",
     "interface>device direction=transmit"},
    {"collectd_interface_if_packets_rx_total", "system.network.packet.count", "{packet}", "counter",
     "interface>device direction=receive"},
    {"collectd_interface_if_packets_tx_total", "system.network.packet.count", "{packet}", "counter",
     "interface>device direction=transmit"},
    {"collectd_interface_if_errors_rx_total", "system.network.errors", "{error}", "counter",
     "interface>device direction=receive"},
    {"collectd_interface_if_errors_tx_total", "system.network.errors", "{error}", "counter",
     "interface>device direction=transmit"},
    {"collectd_interface_if_dropped_rx_total", "system.network.packet.dropped", "{packet}", "counter",
     "interface>device direction=receive"},
    {"collectd_interface_if_dropped_tx_total", "system.network.packet.dropped", "{packet}", "counter",
     "interface>device direction=transmit"},
    {"collectd_disk_disk_io_time_io_time_total", "system.disk.io_time", "s", "counter", "disk>device", 0.001},
    // Its free is what everybody may have; its reserved is for root.
    {"collectd_df_df_complex", "system.filesystem.usage", "By", "gauge",
     "?type=free -type df>mountpoint state=available"},
    {"collectd_df_df_complex", "system.filesystem.usage", "By", "gauge", "?type=used -type df>mountpoint state=used"},
    {"collectd_df_df_complex", "-"},
    {"collectd_contextswitch_total", "system.linux.context_switches", "{switch}", "counter"},
    {"collectd_processes_fork_rate_total", "system.process.created", "{process}", "counter"},
    {"collectd_processes_ps_state", "system.process.count", "{process}", "gauge", "processes>status"},
    {"collectd_vmem_vmpage_io_in_total", "system.paging.operations", "{operation}", "counter",
     "?vmem=swap -vmem direction=in"},
    {"collectd_vmem_vmpage_io_out_total", "system.paging.operations", "{operation}", "counter",
     "?vmem=swap -vmem direction=out"},
    {"collectd_vmem_vmpage_number", "", "", "gauge"},
    {"collectd_vmem_vmpage_faults_majflt_total", "system.paging.faults", "{fault}", "counter", "type=major"},
    {"collectd_vmem_vmpage_faults_minflt_total", "system.paging.faults", "{fault}", "counter", "type=minor"},
};

// Attribute names that the conventions have had for system.*, each to the one that Mien's own collectors write.
struct AttributeName {
  std::string_view metrics;  // prefix of the canonical name
  std::string_view from;
  std::string_view to;
};
inline constexpr AttributeName attribute_names[]{
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
};

// All attributes that a series made from a node_exporter, Netdata or collectd series may have: the sender's other
// labels (job, chart, family, replica) name the sender, not the thing.
inline constexpr std::string_view canonical_attributes[]{"cpu",       "cpu.mode",   "state",  "device",
                                                         "direction", "mountpoint", "status", "type"};

}  // namespace mien::wire
