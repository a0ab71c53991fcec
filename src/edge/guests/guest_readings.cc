#include "edge/guests/guest_readings.h"

#include <algorithm>

#include "base/text.h"
#include "edge/http/url.h"

namespace mien::edge {
namespace {

using Kind = model::Reading::Kind;
using Readings = std::vector<model::Reading>;

constexpr double kibibyte = 1024;
constexpr double nanosecond = 1e-9;
constexpr double page = 4096;
constexpr double running = 1;  // VIR_DOMAIN_RUNNING

class Fields {
 public:
  explicit Fields(const GuestStats& stats) : stats_(stats) {}
  [[nodiscard]] double operator()(std::string_view name) const {
    auto at = stats_.numbers.find(name);
    return at == stats_.numbers.end() ? model::missing : at->second;
  }
  [[nodiscard]] bool has(std::string_view name) const { return stats_.numbers.contains(name); }
  [[nodiscard]] std::string text(std::string_view name) const {
    auto at = stats_.texts.find(name);
    return at == stats_.texts.end() ? std::string{} : at->second;
  }
  [[nodiscard]] std::size_t count(std::string_view name) const {
    double number = has(name) ? (*this)(name) : 0;
    return number > 0 ? std::min(static_cast<std::size_t>(number), most_guest_devices) : 0;
  }

 private:
  const GuestStats& stats_;
};

void add(Readings& out, Kind kind, std::string metric, model::Attributes attributes, std::string unit, double value,
         double capacity = 1) {
  bool counted = kind == Kind::counter;
  out.push_back({.series = {.metric = MetricName(std::move(metric)),
                            .attributes = std::move(attributes),
                            .unit = std::move(unit),
                            .kind = counted ? model::SeriesKind::counter : model::SeriesKind::gauge},
                 .kind = kind,
                 .value = value,
                 .capacity = capacity});
}

void add_cpu(const Fields& of, Readings& out) {
  double vcpus = of.has("vcpu.current") && of("vcpu.current") >= 1 ? of("vcpu.current") : 1;
  if (of.has("cpu.time")) add(out, Kind::busy, "system.cpu.utilization", {}, "1", of("cpu.time") * nanosecond, vcpus);
  auto time = [&](const char* mode, double nanoseconds) {
    add(out, Kind::counter, "system.cpu.time", {{"cpu.mode", mode}}, "s", nanoseconds * nanosecond);
  };
  if (of.has("cpu.user")) time("user", of("cpu.user"));
  if (of.has("cpu.system")) time("system", of("cpu.system"));
  // Ready to run and kept waiting by the host: what the guest itself calls stolen.
  if (!of.has("vcpu.0.delay")) return;
  double delay = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::min(vcpus, 1024.0)); ++i)
    if (std::string name = cat("vcpu.", i, ".delay"); of.has(name)) delay += of(name);
  time("steal", delay);
}

// What the balloon knows of the inside, where the guest has its driver; and what the guest holds of the host.
void add_memory(const Fields& of, Readings& out) {
  auto bytes = [&](const char* metric, model::Attributes attributes, double kibibytes) {
    add(out, Kind::gauge, metric, std::move(attributes), "By", kibibytes * kibibyte);
  };
  if (of.has("balloon.usable") && of.has("balloon.available") && of("balloon.available") > 0) {
    double used = std::max(0.0, of("balloon.available") - of("balloon.usable"));
    bytes("system.memory.usage", {{"state", "used"}}, used);
    add(out, Kind::gauge, "system.memory.utilization", {}, "1", std::min(1.0, used / of("balloon.available")));
  }
  if (of.has("balloon.unused")) bytes("system.memory.usage", {{"state", "free"}}, of("balloon.unused"));
  if (of.has("balloon.disk_caches")) bytes("system.memory.usage", {{"state", "cached"}}, of("balloon.disk_caches"));
  if (of.has("balloon.current")) bytes("mien.guest.memory.limit", {}, of("balloon.current"));
  if (of.has("balloon.rss")) bytes("mien.guest.memory.resident", {}, of("balloon.rss"));
  auto count = [&](const char* metric, const char* key, const char* value, const char* unit, double number) {
    add(out, Kind::counter, metric, {{key, value}}, unit, number);
  };
  if (of.has("balloon.minor_fault") && of.has("balloon.major_fault")) {
    count("system.paging.faults", "type", "minor", "{fault}", of("balloon.minor_fault"));
    count("system.paging.faults", "type", "major", "{fault}", of("balloon.major_fault"));
  }
  if (of.has("balloon.swap_in") && of.has("balloon.swap_out")) {
    count("system.paging.operations", "direction", "in", "{operation}", of("balloon.swap_in") * kibibyte / page);
    count("system.paging.operations", "direction", "out", "{operation}", of("balloon.swap_out") * kibibyte / page);
  }
}

struct DeviceField {
  const char* field;
  const char* metric;
  const char* direction;
  const char* unit;
  double factor = 1;
};
constexpr DeviceField disk_fields[]{
    {"rd.bytes", "system.disk.io", "read", "By"},
    {"wr.bytes", "system.disk.io", "write", "By"},
    {"rd.reqs", "system.disk.operations", "read", "{operation}"},
    {"wr.reqs", "system.disk.operations", "write", "{operation}"},
    {"rd.times", "system.disk.operation_time", "read", "s", nanosecond},
    {"wr.times", "system.disk.operation_time", "write", "s", nanosecond},
};
constexpr DeviceField interface_fields[]{
    {"rx.bytes", "system.network.io", "receive", "By"},
    {"tx.bytes", "system.network.io", "transmit", "By"},
    {"rx.pkts", "system.network.packet.count", "receive", "{packet}"},
    {"tx.pkts", "system.network.packet.count", "transmit", "{packet}"},
    {"rx.errs", "system.network.errors", "receive", "{error}"},
    {"tx.errs", "system.network.errors", "transmit", "{error}"},
    {"rx.drop", "system.network.packet.dropped", "receive", "{packet}"},
    {"tx.drop", "system.network.packet.dropped", "transmit", "{packet}"},
};

// A disk is named as the guest's configuration does (vda); an interface by its place, because the host gives it another
// name with each start.
template <std::size_t N>
void add_devices(const Fields& of, std::string_view group, const DeviceField (&fields)[N], Readings& out) {
  std::size_t devices = of.count(cat(group, ".count"));
  for (std::size_t i = 0; i < devices; ++i) {
    std::string prefix = cat(group, ".", i, ".");
    std::string device = group == "net" ? cat("net", i) : of.text(cat(prefix, "name"));
    if (device.empty() || !is_utf8(device)) continue;
    for (const DeviceField& field : fields)
      if (std::string name = cat(prefix, field.field); of.has(name))
        add(out, Kind::counter, field.metric, {{"device", device}, {"direction", field.direction}}, field.unit,
            of(name) * field.factor);
  }
}

// Names that the manager takes: what else stands in one becomes a low line.
std::string plain(std::string_view name) {
  std::string out(name.substr(0, 128));
  for (char& c : out) {
    bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (!fits) c = '_';
  }
  return out;
}

}  // namespace

model::InstanceReadings readings_of_guest(const GuestStats& stats, std::string_view driver, const std::string& host) {
  Fields of(stats);
  model::InstanceReadings out{.instance = InstanceName(cat(plain(to_lower(driver)), "-", plain(stats.name), "@", host)),
                              .type = model::InstanceType::guest,
                              .parent = InstanceName(host),
                              .identities = {},
                              .readings = {}};
  if (stats.uuid.size() == 36) out.identities.emplace("host.uuid", to_lower(stats.uuid));
  if (of.has("state.state"))
    add(out.readings, Kind::gauge, "mien.guest.running", {}, "1", of("state.state") == running ? 1 : 0);
  add_cpu(of, out.readings);
  add_memory(of, out.readings);
  add_devices(of, "block", disk_fields, out.readings);
  add_devices(of, "net", interface_fields, out.readings);
  return out;
}

}  // namespace mien::edge
