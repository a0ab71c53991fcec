#include "edge/drive/unit_fields.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/collect/procfs.h"
#include "edge/drive/cgroup_fields.h"
#include "edge/drive/field_file.h"

namespace mien::edge {
namespace {

constexpr std::string_view prefix = "unit:";
constexpr std::string_view runtime = " (runtime)";
constexpr std::string_view no_weight = "[not set]";

enum class Form : std::uint8_t { count, weight, devices, freezer };

struct Known {
  std::string_view property;
  std::string_view drop_in;  // 50-NAME.conf; empty for what is no property of the unit file
  Form form = Form::count;
};

constexpr std::array<Known, 9> known_properties{{
    {"CPUQuotaPerSecUSec", "CPUQuota", Form::count},
    {"CPUWeight", "CPUWeight", Form::weight},
    {"MemoryHigh", "MemoryHigh", Form::count},
    {"MemoryMax", "MemoryMax", Form::count},
    {"TasksMax", "TasksMax", Form::count},
    {"IOWeight", "IOWeight", Form::weight},
    {"IOReadBandwidthMax", "IOReadBandwidthMax", Form::devices},
    {"IOWriteBandwidthMax", "IOWriteBandwidthMax", Form::devices},
    {"FreezerState", "", Form::freezer},
}};

Result<Known> find_property(std::string_view key) {
  std::string_view name = key.substr(std::min(prefix.size(), key.size()));
  for (const Known& known : known_properties) {
    if (known.property == name) return known;
  }
  return drive_error(Code::unsupported, cat("`", key, "` is no property that this hand knows"));
}

bool ends_with(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

// systemd keeps runtime properties of ordinary units in the first, of those made at run time in the second.
std::array<std::string, 2> drop_in_files(const std::string& unit, std::string_view name) {
  std::string file = cat(unit, ".d/50-", name, ".conf");
  return {cat("systemd/system.control/", file), cat("systemd/transient/", file)};
}

bool has_drop_in(const Units& units, const std::string& unit, std::string_view name) {
  auto files = drop_in_files(unit, name);
  return std::any_of(files.begin(), files.end(),
                     [&](const std::string& file) { return is_there(units.run_root, file); });
}

Status remove_drop_ins(const Units& units, const std::string& unit, std::string_view name) {
  bool removed = false;
  for (const std::string& file : drop_in_files(unit, name)) {
    if (!is_there(units.run_root, file)) continue;
    std::string path = cat(units.run_root, '/', file);
    if (::unlink(path.c_str()) != 0) return drive_error(Code::io, std::strerror(errno), path);
    ::rmdir(path.substr(0, path.rfind('/')).c_str());  // fails, as it should, while others' drop-ins are in it
    removed = true;
  }
  if (!removed) return {};
  return units.bus.reload();
}

// "/dev/vda 1000, /dev/vdb 5" as a map, and back; "none" when there is nothing.
std::map<std::string, std::string> parse_devices(std::string_view text) {
  std::map<std::string, std::string> devices;
  for (std::string_view each : split(text, ',')) {
    auto words = split(trim(each), ' ');
    if (words.size() == 2) devices.emplace(words[0], words[1]);
  }
  return devices;
}
std::string to_text(const std::map<std::string, std::string>& devices) {
  std::string text;
  for (const auto& [device, limit] : devices) text += cat(text.empty() ? "" : ", ", device, ' ', limit);
  return text.empty() ? "none" : text;
}

bool is_device_list(std::string_view value) {
  if (value == "none") return true;
  auto devices = parse_devices(value);
  return !devices.empty() && to_text(devices) == value &&
         std::all_of(devices.begin(), devices.end(), [](const auto& each) {
           return each.first.substr(0, 5) == "/dev/" && each.first.find("..") == std::string::npos &&
                  parse_count(each.second).has_value();
         });
}

bool fits(Form form, std::string_view value) {
  auto number = parse_count(value);
  switch (form) {
    case Form::count: return value == "infinity" || number.has_value();
    case Form::weight: return value == no_weight || (number && *number <= 10000);
    case Form::devices: return is_device_list(value);
    case Form::freezer: return value == "frozen" || value == "running";
  }
  return false;
}

std::string_view without_runtime(std::string_view text) {
  if (ends_with(text, runtime)) text.remove_suffix(runtime.size());
  return text;
}

// ---- planning ----

struct Draft {
  const Units& units;
  const Place& place;
  std::string unit;
  node::Plan plan;
  std::string unneeded;

  Result<std::string> read(std::string_view property) const { return read_unit(units, unit, cat(prefix, property)); }
  [[nodiscard]] std::uint64_t usage(std::string_view property) const {
    Result<std::string> text = units.bus.get(unit, property);
    return text ? parse_count(*text).value_or(0) : 0;
  }
  void add(std::string_view property, std::string before, std::string_view after) {
    plan.fields.push_back({.key = cat(prefix, property), .before = std::move(before), .after = cat(after, runtime)});
  }
  void leave(std::string_view property, std::string_view now) {
    unneeded += cat(unneeded.empty() ? "" : ", ", property, " is ", without_runtime(now));
  }
  void say(std::string_view text) { plan.note += cat(plan.note.empty() ? "" : "; ", text); }
};

Status plan_upper(Draft& draft, std::string_view property, std::uint64_t wanted) {
  std::string before = TRY(draft.read(property));
  auto now = parse_count(without_runtime(before));
  if (now && *now <= wanted) draft.leave(property, before);
  else draft.add(property, before, cat(wanted));
  return {};
}

Status plan_weight(Draft& draft, std::string_view property, std::uint64_t wanted) {
  std::string before = TRY(draft.read(property));
  if (without_runtime(before) == cat(wanted)) draft.leave(property, before);
  else draft.add(property, before, cat(wanted));
  return {};
}

Status plan_memory(Draft& draft, std::uint64_t wanted) {
  if (draft.place.in.mounts.unified != draft.units.sys_root + "/fs/cgroup")
    return drive_error(Code::unsupported,
                       "memory: systemd reclaims before it kills on cgroup version 2 only; boot with "
                       "systemd.unified_cgroup_hierarchy=1");
  MemoryLimits limits = memory_limits(wanted, draft.usage("MemoryCurrent"));
  if (!limits.note.empty()) draft.say(limits.note);
  TRY(plan_upper(draft, "MemoryHigh", limits.high));
  return plan_upper(draft, "MemoryMax", limits.max);
}

// systemd wants the device's file where the kernel has its number.
std::optional<std::string> device_file(const std::string& sys_root, const std::string& number) {
  std::string text = read_text(cat(sys_root, "/dev/block/", number, "/uevent")).value_or("");
  constexpr std::string_view name = "DEVNAME=";
  for (std::string_view line : split(text, '\n')) {
    if (line.substr(0, name.size()) == name) return cat("/dev/", line.substr(name.size()));
  }
  return std::nullopt;
}

Status plan_io(Draft& draft, std::uint64_t wanted) {
  const CgroupMounts& mounts = draft.place.in.mounts;
  std::vector<std::string> numbers;
  if (auto used = read_text(cat(mounts.unified, '/', draft.place.path, "/io.stat"))) numbers = devices_in(*used);
  if (numbers.empty()) numbers = whole_disks(draft.units.sys_root);
  for (std::string_view property : {"IOReadBandwidthMax", "IOWriteBandwidthMax"}) {
    std::string before = TRY(draft.read(property));
    auto devices = parse_devices(without_runtime(before));
    bool changed = false;
    for (const std::string& number : numbers) {
      std::optional<std::string> file = device_file(draft.units.sys_root, number);
      if (!file) continue;
      std::string& limit = devices[*file];
      auto now = parse_count(limit);
      if (now && *now <= wanted) continue;
      limit = cat(wanted);
      changed = true;
    }
    if (devices.empty()) return drive_error(Code::unsupported, "io: there is no disk here to limit");
    if (changed) draft.add(property, before, to_text(devices));
    else draft.leave(property, before);
  }
  return {};
}

Status plan_freeze(Draft& draft) {
  draft.plan.outlives_nothing = true;
  std::string before = TRY(draft.read("FreezerState"));
  if (before == "frozen") draft.leave("FreezerState", before);
  else draft.plan.fields.push_back({.key = "unit:FreezerState", .before = "running", .after = "frozen"});
  return {};
}

Status plan_all(Draft& draft, const Request& request) {
  constexpr std::uint64_t percent = 10000;  // systemd writes the quota down in whole percent of a second
  if (request.cpu) {
    auto wanted = static_cast<std::uint64_t>(*request.cpu * 100 + 0.5);
    TRY(plan_upper(draft, "CPUQuotaPerSecUSec", std::max<std::uint64_t>(wanted, 1) * percent));
  }
  if (request.memory) TRY(plan_memory(draft, *request.memory));
  if (request.io) TRY(plan_io(draft, *request.io));
  if (request.pids) {
    if (std::uint64_t now = draft.usage("TasksCurrent"); now > *request.pids && now != UINT64_MAX)
      draft.say(cat(now, " processes and threads run already; they stay, and no more begin"));
    TRY(plan_upper(draft, "TasksMax", *request.pids));
  }
  if (request.cpu_weight) TRY(plan_weight(draft, "CPUWeight", *request.cpu_weight));
  if (request.io_weight) TRY(plan_weight(draft, "IOWeight", *request.io_weight));
  if (request.freeze) TRY(plan_freeze(draft));
  return {};
}

}  // namespace

bool is_unit_name(std::string_view name) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":_.\\@-").find(c) != std::string_view::npos;
  };
  bool ends = ends_with(name, ".service") || ends_with(name, ".scope");
  return ends && name.size() < 256 && name[0] != '.' && std::all_of(name.begin(), name.end(), good) &&
         name.find("..") == std::string_view::npos;
}

Result<std::string> unit_of(const Place& place) {
  std::string name = place.path.substr(place.path.rfind('/') + 1);  // npos + 1 is 0
  if (is_unit_name(name)) return name;
  return drive_error(Code::unsupported, cat(place.unit, " runs in ", place.path,
                                            ", which is no unit of systemd: what "
                                            "made it (a container engine) must change it"));
}

Result<node::Plan> plan_unit(const Units& units, const Place& place, const Request& request) {
  Draft draft {
    .units = units, .place = place, .unit = TRY(unit_of(place))
    , .plan = {}, .unneeded = {}
  };
  if (TRY(units.bus.get(draft.unit, "ControlGroup")) != "/" + place.path)
    return drive_error(Code::unsupported,
                       cat(place.unit, " is not the system's but a user's own: only that user's systemd changes it"));
  TRY(plan_all(draft, request));
  if (draft.plan.fields.empty())
    return drive_error(Code::refused, cat("there is nothing to do for ", place.unit, ": ", draft.unneeded,
                                          " already, as much as asked or more"));
  if (!draft.unneeded.empty()) draft.say(cat("left as it is: ", draft.unneeded));
  return std::move(draft.plan);
}

Result<std::string> read_unit(const Units& units, const std::string& unit, std::string_view key) {
  Known known = TRY(find_property(key));
  std::string value = TRY(units.bus.get(unit, known.property));
  if (known.form == Form::weight && value == "infinity") value = no_weight;
  if (!known.drop_in.empty() && has_drop_in(units, unit, known.drop_in)) value += runtime;
  return value;
}

Status write_unit(const Units& units, const std::string& unit, std::string_view key, std::string_view text) {
  Known known = TRY(find_property(key));
  std::string_view value = without_runtime(text);
  if (!fits(known.form, value) || (known.drop_in.empty() && value != text))
    return drive_error(Code::invalid, cat("`", text, "` can not stand in ", key, ": nothing is written"));
  TRY(units.bus.set(unit, known.property, value == no_weight ? "infinity" : value));
  if (known.drop_in.empty() || value != text) return {};
  return remove_drop_ins(units, unit, known.drop_in);
}

}  // namespace mien::edge
