#include "edge/drive/cgroup_fields.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "edge/collect/procfs.h"
#include "edge/drive/field_file.h"

namespace mien::edge {
namespace {

enum class Form : std::uint8_t { cpu_max, count_or_max, io_max, weight, count, signed_count, flag, freezer_state };

struct Known {
  std::string_view file;
  std::string Hierarchies::*freezer = nullptr;  // set: this hierarchy, else `mount`
  std::string CgroupMounts::*mount = nullptr;
  Form form = Form::count;
  bool per_device = false;
};

constexpr std::array<Known, 19> known_files{{
    {"cpu.max", nullptr, &CgroupMounts::unified, Form::cpu_max},
    {"cpu.weight", nullptr, &CgroupMounts::unified, Form::weight},
    {"memory.high", nullptr, &CgroupMounts::unified, Form::count_or_max},
    {"memory.max", nullptr, &CgroupMounts::unified, Form::count_or_max},
    {"io.max", nullptr, &CgroupMounts::unified, Form::io_max, true},
    {"io.weight", nullptr, &CgroupMounts::unified, Form::weight},
    {"io.bfq.weight", nullptr, &CgroupMounts::unified, Form::weight},
    {"cgroup.freeze", nullptr, &CgroupMounts::unified, Form::flag},
    {"pids.max", nullptr, &CgroupMounts::pids, Form::count_or_max},
    {"pids.max", nullptr, &CgroupMounts::unified, Form::count_or_max},
    {"cpu.cfs_quota_us", nullptr, &CgroupMounts::cpu, Form::signed_count},
    {"cpu.shares", nullptr, &CgroupMounts::cpu, Form::count},
    {"memory.soft_limit_in_bytes", nullptr, &CgroupMounts::memory, Form::count},
    {"memory.limit_in_bytes", nullptr, &CgroupMounts::memory, Form::count},
    {"blkio.throttle.read_bps_device", nullptr, &CgroupMounts::blkio, Form::count, true},
    {"blkio.throttle.write_bps_device", nullptr, &CgroupMounts::blkio, Form::count, true},
    {"blkio.weight", nullptr, &CgroupMounts::blkio, Form::weight},
    {"blkio.bfq.weight", nullptr, &CgroupMounts::blkio, Form::weight},
    {"freezer.state", &Hierarchies::freezer, nullptr, Form::freezer_state},
}};

// A key's file as it stands in one control group.
struct Field {
  const Known* known = nullptr;
  std::string root;
  std::string file;    // below the root
  std::string device;  // of per_device
};

const std::string& root_of(const Known& known, const Hierarchies& in) {
  return known.mount != nullptr ? in.mounts.*known.mount : in.*known.freezer;
}

bool is_device(std::string_view text) { return devices_in(text) == std::vector<std::string>{std::string(text)}; }

Result<Field> find_field(const Place& place, std::string_view key) {
  std::size_t colon = key.find(':');
  std::string_view file = key.substr(0, colon);
  std::string_view device = colon == std::string_view::npos ? std::string_view{} : key.substr(colon + 1);
  bool spelled = false;
  for (const Known& known : known_files) {
    if (known.file != file || known.per_device != (colon != std::string_view::npos)) continue;
    if (known.per_device && !is_device(device)) break;
    spelled = true;
    const std::string& root = root_of(known, place.in);
    std::string below = cat(place.path, '/', file);
    if (!root.empty() && is_there(root, below))
      return Field{.known = &known, .root = root, .file = below, .device = std::string(device)};
  }
  if (!spelled) return drive_error(Code::unsupported, cat("`", key, "` is no field that this hand knows"));
  return drive_error(Code::not_found, cat(place.unit, " has no ", file, " here"));
}

bool is_count(std::string_view text) { return parse_count(text).has_value() && text.size() <= 20; }

bool is_io_max(std::string_view value) {
  auto words = split(value, ' ');
  constexpr std::array<std::string_view, 4> names{"rbps=", "wbps=", "riops=", "wiops="};
  if (words.size() != names.size()) return false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (words[i].substr(0, names[i].size()) != names[i]) return false;
    std::string_view number = words[i].substr(names[i].size());
    if (number != "max" && !is_count(number)) return false;
  }
  return true;
}

bool fits(Form form, std::string_view value) {
  switch (form) {
    case Form::cpu_max: {
      auto words = split(value, ' ');
      return words.size() == 2 && (words[0] == "max" || is_count(words[0])) && is_count(words[1]);
    }
    case Form::count_or_max: return value == "max" || is_count(value);
    case Form::io_max: return is_io_max(value);
    case Form::weight: return is_count(value) && *parse_count(value) >= 1 && *parse_count(value) <= 10000;
    case Form::count: return is_count(value);
    case Form::signed_count: return value == "-1" || is_count(value);
    case Form::flag: return value == "0" || value == "1";
    case Form::freezer_state: return value == "FROZEN" || value == "THAWED";
  }
  return false;
}

std::string read_io_max(std::string_view text, std::string_view device) {
  for (std::string_view line : split(text, '\n')) {
    if (line.substr(0, line.find(' ')) == device) return std::string(trim(line.substr(device.size())));
  }
  return "rbps=max wbps=max riops=max wiops=max";  // the kernel leaves out a device without limits
}

std::string read_device_count(std::string_view text, std::string_view device) {
  for (std::string_view line : split(text, '\n')) {
    if (line.substr(0, line.find(' ')) == device) return std::string(trim(line.substr(device.size())));
  }
  return "0";
}

std::string read_default_weight(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  constexpr std::string_view word = "default ";
  if (line.substr(0, word.size()) == word) line.remove_prefix(word.size());
  return std::string(trim(line));
}

// Version 1 freezes bit by bit: the state says FREEZING until the last process stands.
void wait_until_settled(const Field& field) {
  constexpr int tries = 500;
  for (int i = 0; i < tries; ++i) {
    Result<std::string> state = read_field_file(field.root, field.file);
    if (!state || *state != "FREEZING") return;
    timespec pause{.tv_sec = 0, .tv_nsec = 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

// ---- planning ----

struct Draft {
  const Place& place;
  node::Plan plan;
  std::string unneeded;  // what is there already, in words

  void add(std::string key, std::string before, std::string after) {
    plan.fields.push_back({.key = std::move(key), .before = std::move(before), .after = std::move(after)});
  }
  void leave(std::string_view key, std::string_view now) {
    unneeded += cat(unneeded.empty() ? "" : ", ", key, " is ", now);
  }
  void say(std::string_view text) { plan.note += cat(plan.note.empty() ? "" : "; ", text); }
  [[nodiscard]] bool has(std::string_view key) const { return find_field(place, key).ok(); }
  Result<std::string> read(std::string_view key) const { return read_cgroup(place, key); }
  [[nodiscard]] std::uint64_t usage(const std::string& root, std::string_view file) const {
    Result<std::string> text = read_field_file(root, cat(place.path, '/', file));
    return text ? parse_count(*text).value_or(0) : 0;
  }
  Error lacks(std::string_view what, std::string_view controller) const {
    return drive_error(
        Code::unsupported,
        cat(what, " of ", place.unit, " can not be changed: its control group has no ", controller,
            " controller; mount it, or write +", controller, " to cgroup.subtree_control of the group above it"));
  }
};

// Infinity is larger than every number.
std::uint64_t count_or_most(std::string_view text) { return parse_count(text).value_or(UINT64_MAX); }

void add_upper(Draft& draft, std::string_view key, const std::string& before, std::uint64_t wanted) {
  if (count_or_most(before) <= wanted) draft.leave(key, before);
  else draft.add(std::string(key), before, cat(wanted));
}

Status plan_cpu(Draft& draft, double cores) {
  constexpr std::uint64_t period = 100000;
  constexpr std::uint64_t least = 1000;
  if (draft.has("cpu.max")) {
    std::string before = TRY(draft.read("cpu.max"));
    auto quota = std::max(least, static_cast<std::uint64_t>(cores * static_cast<double>(period) + 0.5));
    auto words = split(before, ' ');
    auto now = parse_count(words[0]);
    double now_period = words.size() > 1 ? static_cast<double>(parse_count(words[1]).value_or(period)) : double{period};
    if (now && static_cast<double>(*now) / now_period <= cores) draft.leave("cpu.max", before);
    else draft.add("cpu.max", before, cat(quota, ' ', period));
    return {};
  }
  if (!draft.has("cpu.cfs_quota_us")) return draft.lacks("cpu", "cpu");
  std::string before = TRY(draft.read("cpu.cfs_quota_us"));
  std::uint64_t usual = draft.usage(draft.place.in.mounts.cpu, "cpu.cfs_period_us");
  if (usual == 0) usual = period;
  auto quota = std::max(least, static_cast<std::uint64_t>(cores * static_cast<double>(usual) + 0.5));
  auto now = parse_integer(before);
  if (now && *now >= 0 && static_cast<std::uint64_t>(*now) <= quota) draft.leave("cpu.cfs_quota_us", before);
  else draft.add("cpu.cfs_quota_us", before, cat(quota));
  return {};
}

Status plan_memory(Draft& draft, std::uint64_t wanted) {
  struct Way {
    std::string_view soft, hard, use;
    const std::string* root;
  };
  const std::array<Way, 2> ways{{{"memory.high", "memory.max", "memory.current", &draft.place.in.mounts.unified},
                                 {"memory.soft_limit_in_bytes", "memory.limit_in_bytes", "memory.usage_in_bytes",
                                  &draft.place.in.mounts.memory}}};
  for (const Way& way : ways) {
    if (!draft.has(way.soft) || !draft.has(way.hard)) continue;
    MemoryLimits limits = memory_limits(wanted, draft.usage(*way.root, way.use));
    if (!limits.note.empty()) draft.say(limits.note);
    if (way.root == &draft.place.in.mounts.memory)
      draft.say("version 1 reclaims at the soft limit only when the host runs short, so the hard one may be met first");
    add_upper(draft, way.soft, TRY(draft.read(way.soft)), limits.high);
    add_upper(draft, way.hard, TRY(draft.read(way.hard)), limits.max);
    return {};
  }
  return draft.lacks("memory", "memory");
}

std::vector<std::string> devices_of(const Draft& draft, const std::string& root, std::string_view file,
                                    const std::string& sys_root) {
  Result<std::string> text = read_field_file(root, cat(draft.place.path, '/', file));
  std::vector<std::string> devices = text ? devices_in(*text) : std::vector<std::string>{};
  return devices.empty() ? whole_disks(sys_root) : devices;
}

// Bytes each way; the operations stay as they are.
std::string tighter_io_max(std::string_view before, std::uint64_t wanted) {
  std::string after;
  for (std::string_view word : split(before, ' ')) {
    std::size_t equals = word.find('=');
    std::string_view name = word.substr(0, equals);
    std::uint64_t now = equals == std::string_view::npos ? UINT64_MAX : count_or_most(word.substr(equals + 1));
    bool bytes = name == "rbps" || name == "wbps";
    after += after.empty() ? "" : " ";
    after += bytes && now > wanted ? cat(name, '=', wanted) : std::string(word);
  }
  return after;
}

Status plan_io(Draft& draft, std::uint64_t wanted, const std::string& sys_root) {
  const CgroupMounts& mounts = draft.place.in.mounts;
  bool unified = is_there(mounts.unified, draft.place.path + "/io.max");
  if (!unified && !is_there(mounts.blkio, draft.place.path + "/blkio.throttle.read_bps_device"))
    return draft.lacks("io", "io");
  std::vector<std::string> devices = unified
                                         ? devices_of(draft, mounts.unified, "io.stat", sys_root)
                                         : devices_of(draft, mounts.blkio, "blkio.throttle.io_service_bytes", sys_root);
  if (devices.empty()) return drive_error(Code::unsupported, "io: there is no disk here to limit");
  for (const std::string& device : devices) {
    if (unified) {
      std::string key = "io.max:" + device;
      std::string before = TRY(draft.read(key));
      std::string after = tighter_io_max(before, wanted);
      if (after == before) draft.leave(key, before);
      else draft.add(key, before, after);
      continue;
    }
    for (std::string_view way : {"read", "write"}) {
      std::string key = cat("blkio.throttle.", way, "_bps_device:", device);
      std::string before = TRY(draft.read(key));
      std::uint64_t now = parse_count(before).value_or(0);
      if (now != 0 && now <= wanted) draft.leave(key, before);
      else draft.add(key, before, cat(wanted));
    }
  }
  return {};
}

Status plan_pids(Draft& draft, std::uint64_t wanted) {
  Result<Field> field = find_field(draft.place, "pids.max");
  if (!field) return draft.lacks("pids", "pids");
  std::uint64_t now = draft.usage(field->root, "pids.current");
  if (now > wanted) draft.say(cat(now, " processes and threads run already; they stay, and no more begin"));
  add_upper(draft, "pids.max", TRY(draft.read("pids.max")), wanted);
  return {};
}

Status plan_weight(Draft& draft, std::string_view key, std::uint64_t value) {
  std::string before = TRY(draft.read(key));
  if (before == cat(value)) draft.leave(key, before);
  else draft.add(std::string(key), before, cat(value));
  return {};
}

Status plan_cpu_weight(Draft& draft, std::uint64_t weight) {
  if (draft.has("cpu.weight")) return plan_weight(draft, "cpu.weight", weight);
  if (!draft.has("cpu.shares")) return draft.lacks("cpu_weight", "cpu");
  // 100 is to version 2 what 1024 is to version 1.
  return plan_weight(draft, "cpu.shares", std::clamp<std::uint64_t>(weight * 1024 / 100, 2, 262144));
}

// BFQ knows 1 to 1000 around 100, blkio 10 to 1000 around 500; both sides of the middle are stretched (as systemd
// does).
std::uint64_t stretch(std::uint64_t weight, std::uint64_t least, std::uint64_t middle) {
  if (weight <= 100) return middle - (100 - weight) * (middle - least) / 99;
  return middle + (weight - 100) * (1000 - middle) / 9900;
}

Status plan_io_weight(Draft& draft, std::uint64_t weight) {
  if (draft.has("io.weight")) return plan_weight(draft, "io.weight", weight);
  if (draft.has("io.bfq.weight")) return plan_weight(draft, "io.bfq.weight", stretch(weight, 1, 100));
  if (draft.has("blkio.bfq.weight")) return plan_weight(draft, "blkio.bfq.weight", stretch(weight, 1, 100));
  if (draft.has("blkio.weight")) return plan_weight(draft, "blkio.weight", stretch(weight, 10, 500));
  return drive_error(Code::unsupported,
                     cat("io_weight of ", draft.place.unit,
                         " can not be changed: no disk here shares by weight; use the bfq scheduler "
                         "(echo bfq > /sys/block/DISK/queue/scheduler) or io.cost, or write limit with io"));
}

Status plan_freeze(Draft& draft) {
  draft.plan.outlives_nothing = true;
  for (auto [key, frozen] : {std::pair("cgroup.freeze", "1"), std::pair("freezer.state", "FROZEN")}) {
    if (!draft.has(key)) continue;
    std::string before = TRY(draft.read(key));
    if (before == frozen) draft.leave(key, before);
    else draft.add(key, before == "FREEZING" ? "THAWED" : before, frozen);
    return {};
  }
  return draft.lacks("the running", "freezer");
}

Status plan_all(Draft& draft, const Request& request, const std::string& sys_root) {
  if (request.cpu) TRY(plan_cpu(draft, *request.cpu));
  if (request.memory) TRY(plan_memory(draft, *request.memory));
  if (request.io) TRY(plan_io(draft, *request.io, sys_root));
  if (request.pids) TRY(plan_pids(draft, *request.pids));
  if (request.cpu_weight) TRY(plan_cpu_weight(draft, *request.cpu_weight));
  if (request.io_weight) TRY(plan_io_weight(draft, *request.io_weight));
  if (request.freeze) TRY(plan_freeze(draft));
  return {};
}

}  // namespace

MemoryLimits memory_limits(std::uint64_t wanted, std::uint64_t in_use) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  MemoryLimits limits;
  limits.high = wanted / page * page;
  std::uint64_t base = std::max(wanted, in_use);
  limits.max = (base + base / 10 + page - 1) / page * page;
  if (in_use > wanted)
    limits.note =
        cat(in_use, " bytes are in use, more than asked: they are reclaimed down to ", limits.high,
            ", and the hard limit stays a tenth above what is in use, at ", limits.max, ", so that nothing is killed");
  return limits;
}

Result<node::Plan> plan_cgroup(const Place& place, const Request& request, const std::string& sys_root) {
  Draft draft{.place = place, .plan = {}, .unneeded = {}};
  TRY(plan_all(draft, request, sys_root));
  if (draft.plan.fields.empty())
    return drive_error(Code::refused, cat("there is nothing to do for ", place.unit, ": ", draft.unneeded,
                                          " already, as much as asked or more"));
  if (!draft.unneeded.empty()) draft.say(cat("left as it is: ", draft.unneeded));
  return std::move(draft.plan);
}

Result<std::string> read_cgroup(const Place& place, std::string_view key) {
  Field field = TRY(find_field(place, key));
  std::string text = TRY(read_field_file(field.root, field.file));
  if (field.known->form == Form::io_max) return read_io_max(text, field.device);
  if (field.known->per_device) return read_device_count(text, field.device);
  if (field.known->form == Form::weight) return read_default_weight(text);
  return text;
}

Status write_cgroup(const Place& place, std::string_view key, std::string_view value) {
  Field field = TRY(find_field(place, key));
  if (!fits(field.known->form, value))
    return drive_error(Code::invalid, cat("`", value, "` can not stand in ", key, ": nothing is written"));
  std::string line(value);
  if (field.known->per_device) line = cat(field.device, ' ', value);
  if (field.known->file == "io.weight") line = cat("default ", value);
  TRY(write_field_file(field.root, field.file, line));
  if (field.known->form == Form::freezer_state) wait_until_settled(field);
  return {};
}

std::optional<std::string> why_not_by_cgroup(const Hierarchies& in, model::Verb verb) {
  const CgroupMounts& m = in.mounts;
  std::string controllers;
  if (!m.unified.empty()) controllers = read_field_file(m.unified, "cgroup.controllers").value_or("");
  auto unified = [&](std::string_view wanted) {
    auto all = split(controllers, ' ');
    return std::find(all.begin(), all.end(), wanted) != all.end();
  };
  bool some = false;
  switch (verb) {
    case model::Verb::limit:
      some = !m.cpu.empty() || !m.memory.empty() || !m.blkio.empty() || !m.pids.empty() || unified("cpu") ||
             unified("memory") || unified("io") || unified("pids");
      return some ? std::nullopt : std::optional<std::string>("no cpu, memory, io or pids controller is mounted here");
    case model::Verb::prioritize:
      some = !m.cpu.empty() || unified("cpu") || unified("io");
      return some ? std::nullopt : std::optional<std::string>("no cpu or io controller is mounted here");
    case model::Verb::lockdown:
      some = !in.freezer.empty() || !m.unified.empty();
      return some ? std::nullopt : std::optional<std::string>("no control group with a freezer is mounted here");
    default: return "not a matter of control groups";
  }
}

}  // namespace mien::edge
