#include "edge/collect/cgroup_metrics.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

using Kind = model::Reading::Kind;

// Names of the places in a CgroupSample.
enum Value : std::size_t {
  cpu_busy,
  cpu_user,
  cpu_system,
  throttled,
  memory_usage,
  oom_kills,
  read_bytes,
  written_bytes,
  reads,
  writes,
  processes,
  threads,
  descriptors,
  cpu_some,
  memory_some,
  memory_full,
  io_some
};
constexpr std::array<MetricSpec, cgroup_values> specs{{
    {"system.cpu.utilization", "", "", "1", Kind::busy},
    {"system.cpu.time", "cpu.mode", "user", "s", Kind::counter},
    {"system.cpu.time", "cpu.mode", "system", "s", Kind::counter},
    {"system.cpu.throttled_time", "", "", "s", Kind::counter},
    {"system.memory.usage", "", "", "By", Kind::gauge},
    {"system.memory.oom_kills", "", "", "{process}", Kind::counter},
    {"system.disk.io", "direction", "read", "By", Kind::counter},
    {"system.disk.io", "direction", "write", "By", Kind::counter},
    {"system.disk.operations", "direction", "read", "{operation}", Kind::counter},
    {"system.disk.operations", "direction", "write", "{operation}", Kind::counter},
    {"system.process.count", "", "", "{process}", Kind::gauge},
    {"system.linux.threads", "", "", "{thread}", Kind::gauge},
    {"system.linux.file_descriptors", "", "", "{descriptor}", Kind::gauge},
    {"system.linux.pressure.cpu.some", "", "", "1", Kind::busy},
    {"system.linux.pressure.memory.some", "", "", "1", Kind::busy},
    {"system.linux.pressure.memory.full", "", "", "1", Kind::busy},
    {"system.linux.pressure.io.some", "", "", "1", Kind::busy},
}};

constexpr double smoothing = 0.1;  // of the size, per scan: about a minute
constexpr double clearly_larger = 1.5;
constexpr double worth_a_change = 0.002;  // of the host

double number(std::uint64_t value) { return static_cast<double>(value); }
bool is_gauge(std::size_t value) { return specs[value].kind == Kind::gauge; }

KernelFile file_if_exists(const std::string& root, const std::string& path, std::initializer_list<const char*> names) {
  if (root.empty()) return {};
  for (const char* name : names) {
    std::string full = root + "/" + path + "/" + name;
    if (::access(full.c_str(), R_OK) == 0) return KernelFile(std::move(full));
  }
  return {};
}

}  // namespace

CgroupFiles::CgroupFiles(const CgroupMounts& mounts, const std::string& path, const std::string& proc_root) {
  cpu_ = file_if_exists(mounts.unified, path, {"cpu.stat"});
  unified_cpu_ = cpu_.named();
  if (!unified_cpu_) {
    cpu_ = file_if_exists(mounts.cpuacct, path, {"cpuacct.usage"});
    cpu_split_ = file_if_exists(mounts.cpuacct, path, {"cpuacct.stat"});
  }
  throttle_ = file_if_exists(mounts.cpu, path, {"cpu.stat"});
  memory_ = file_if_exists(mounts.unified, path, {"memory.current"});
  unified_memory_ = memory_.named();
  if (!unified_memory_) memory_ = file_if_exists(mounts.memory, path, {"memory.usage_in_bytes"});
  const std::string& memory_root = unified_memory_ ? mounts.unified : mounts.memory;
  memory_stat_ = file_if_exists(memory_root, path, {"memory.stat"});
  oom_ = file_if_exists(memory_root, path, {"memory.events", "memory.oom_control"});
  io_ = file_if_exists(mounts.unified, path, {"io.stat"});
  unified_io_ = io_.named();
  if (!unified_io_) {
    io_ = file_if_exists(mounts.blkio, path,
                         {"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"});
    operations_ =
        file_if_exists(mounts.blkio, path, {"blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"});
  }
  pids_ = file_if_exists(mounts.unified, path, {"pids.current"});
  if (!pids_.named()) pids_ = file_if_exists(mounts.pids, path, {"pids.current"});
  processes_ = CgroupProcesses(mounts, path, proc_root);
  cpu_pressure_ = file_if_exists(mounts.unified, path, {"cpu.pressure"});
  memory_pressure_ = file_if_exists(mounts.unified, path, {"memory.pressure"});
  io_pressure_ = file_if_exists(mounts.unified, path, {"io.pressure"});
}

void CgroupFiles::close() {
  for (KernelFile* file : {&cpu_, &cpu_split_, &throttle_, &memory_, &memory_stat_, &oom_, &io_, &operations_, &pids_,
                           &cpu_pressure_, &memory_pressure_, &io_pressure_}) {
    file->close();
  }
}

namespace {

std::optional<std::string_view> text_of(KernelFile& file, ReadBuffer& buffer) {
  return file.named() ? file.read(buffer) : std::nullopt;
}

}  // namespace

bool CgroupFiles::read(ReadDepth depth, ReadBuffer& buffer, CgroupSample& sample) {
  const CgroupSample before = sample;
  sample.fill(model::missing);
  read_cpu(buffer, sample);
  auto memory = text_of(memory_, buffer);
  auto usage = memory ? parse_single(*memory) : std::nullopt;
  // Missing is not equal to itself: a cgroup without CPU accounting is always read whole.
  bool still = sample[cpu_busy] == before[cpu_busy] && usage == memory_before_;
  memory_before_ = usage;
  if (depth == ReadDepth::what_moved && still) {
    for (Value each : {memory_usage, oom_kills, threads}) sample[each] = before[each];
  } else {
    read_memory(usage, buffer, sample);
  }
  if (depth == ReadDepth::all) {
    const CgroupProcesses::Counts& counts = processes_.look(sample[threads], buffer);
    sample[processes] = counts.processes;
    sample[descriptors] = counts.descriptors;
  } else {
    for (Value each : {processes, descriptors}) sample[each] = before[each];
  }
  read_io(buffer, sample);
  read_pressure(buffer, sample);
  return std::any_of(sample.begin(), sample.end(), [](double v) { return !std::isnan(v); });
}

void CgroupFiles::read_cpu(ReadBuffer& buffer, CgroupSample& sample) {
  if (auto text = text_of(cpu_, buffer)) {
    if (unified_cpu_) {
      if (auto cpu = parse_cpu_stat(*text)) {
        sample[cpu_busy] = number(cpu->usage_us) * 1e-6;
        sample[cpu_user] = number(cpu->user_us) * 1e-6;
        sample[cpu_system] = number(cpu->system_us) * 1e-6;
        if (cpu->throttled_us) sample[throttled] = number(*cpu->throttled_us) * 1e-6;
      }
    } else if (auto usage = parse_single(*text)) {
      sample[cpu_busy] = number(*usage) * 1e-9;
    }
  }
  if (auto text = text_of(cpu_split_, buffer)) {
    static const double tick_s = 1.0 / static_cast<double>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
    if (auto user = find_count(*text, "user")) sample[cpu_user] = number(*user) * tick_s;
    if (auto system = find_count(*text, "system")) sample[cpu_system] = number(*system) * tick_s;
  }
  if (auto text = text_of(throttle_, buffer)) {
    if (auto time = find_count(*text, "throttled_time")) sample[throttled] = number(*time) * 1e-9;
  }
}

void CgroupFiles::read_memory(std::optional<std::uint64_t> usage, ReadBuffer& buffer, CgroupSample& sample) {
  if (usage) {
    // The working set: without page cache that has not been used lately and goes at the first need.
    std::uint64_t idle_cache = 0;
    if (auto stat = text_of(memory_stat_, buffer)) {
      idle_cache = find_count(*stat, unified_memory_ ? "inactive_file" : "total_inactive_file").value_or(0);
    }
    sample[memory_usage] = number(*usage > idle_cache ? *usage - idle_cache : 0);
  }
  if (auto events = text_of(oom_, buffer)) {
    if (auto kills = find_count(*events, "oom_kill")) sample[oom_kills] = number(*kills);
  }
  if (auto text = text_of(pids_, buffer)) {
    if (auto count = parse_single(*text)) sample[threads] = number(*count);
  }
}

void CgroupFiles::read_io(ReadBuffer& buffer, CgroupSample& sample) {
  if (auto text = text_of(io_, buffer)) {
    if (unified_io_) {
      CgroupIo io = parse_io_stat(*text);
      sample[read_bytes] = number(io.read_bytes);
      sample[written_bytes] = number(io.written_bytes);
      sample[reads] = number(io.reads);
      sample[writes] = number(io.writes);
    } else {
      BlkioTotals bytes = parse_blkio(*text);
      sample[read_bytes] = number(bytes.read);
      sample[written_bytes] = number(bytes.write);
    }
  }
  if (auto text = text_of(operations_, buffer)) {
    BlkioTotals operations = parse_blkio(*text);
    sample[reads] = number(operations.read);
    sample[writes] = number(operations.write);
  }
}

void CgroupFiles::read_pressure(ReadBuffer& buffer, CgroupSample& sample) {
  auto pressure_of = [&](KernelFile& file) {
    auto text = text_of(file, buffer);
    return text ? parse_pressure(*text) : std::nullopt;
  };
  if (auto cpu = pressure_of(cpu_pressure_)) sample[cpu_some] = number(cpu->some_us) * 1e-6;
  if (auto memory = pressure_of(memory_pressure_)) {
    sample[memory_some] = number(memory->some_us) * 1e-6;
    sample[memory_full] = number(memory->full_us) * 1e-6;
  }
  if (auto io = pressure_of(io_pressure_)) sample[io_some] = number(io->some_us) * 1e-6;
}

CgroupMetrics::CgroupMetrics(const Roots& roots, std::string host, ProblemList& problems)
    : mounts_(find_cgroup_mounts(roots.sys)), proc_root_(roots.proc), host_(std::move(host)), problems_(problems) {
  if (mounts_.none())
    problems_.add(roots.sys + "/fs/cgroup: no cgroup hierarchy is mounted; services and containers are not collected");
  memory_total_ = static_cast<double>(std::max(1L, ::sysconf(_SC_PHYS_PAGES))) *
                  static_cast<double>(std::max(1L, ::sysconf(_SC_PAGESIZE)));
}

bool CgroupMetrics::read(MonoTime now, unsigned cpus, ReadBuffer& buffer,
                         std::vector<model::InstanceReadings>& instances) {
  if (mounts_.none()) return false;
  bool scanned = !scanned_ || now - *scanned_ >= cgroup_interval;
  for (Member* member : shown_)
    member->files.read(scanned ? ReadDepth::all : ReadDepth::what_moved, buffer, member->sample);
  bool changed = scanned && scan(now, cpus, buffer);
  if (changed) build(instances);

  for (std::size_t i = 0; i < shown_.size(); ++i) {
    const Member& member = *shown_[i];
    auto& readings = instances[1 + i].readings;
    std::size_t at = 0;
    for (std::size_t v = 0; v < cgroup_values; ++v) {
      if (member.has[v]) readings[at++].value = member.sample[v];
    }
    if (member.has[cpu_busy]) readings[0].capacity = cpus;
  }
  if (other_exists_) {
    auto& readings = instances.back().readings;
    std::size_t at = 0;
    for (std::size_t v = 0; v < cgroup_values; ++v) {
      if (other_has_[v]) readings[at++].value = scanned ? other_[v] : model::missing;
    }
    if (other_has_[cpu_busy]) readings[0].capacity = cpus;
  }
  return changed;
}

bool CgroupMetrics::scan(MonoTime now, unsigned cpus, ReadBuffer& buffer) {
  double seconds = scanned_ ? to_seconds(now - *scanned_) : 0;
  scanned_ = now;
  bool changed = false;
  auto found = scan_cgroups(mounts_, problems_);
  for (auto at = members_.begin(); at != members_.end();) {
    auto same = found.find(at->first);
    if (same != found.end() && same->second.path == at->second.found.path) {
      ++at;
      continue;
    }
    ++ended_;
    changed = changed || at->second.shown;
    std::erase(shown_, &at->second);
    at = members_.erase(at);
  }
  for (std::size_t v = 0; v < cgroup_values; ++v) {
    if (is_gauge(v)) other_[v] = 0;
  }
  for (auto& [unit, cgroup] : found) {
    auto [at, added] = members_.try_emplace(unit);
    Member& member = at->second;
    if (added) {
      member.found = std::move(cgroup);
      member.files = CgroupFiles(mounts_, member.found.path, proc_root_);
    }
    if (!member.shown) {
      member.files.read(ReadDepth::all, buffer, member.sample);
      member.files.close();  // descriptors are for those that are read each tick
    }
    for (std::size_t v = 0; v < cgroup_values; ++v) {
      if (member.has[v] || std::isnan(member.sample[v])) continue;
      member.has[v] = true;
      changed = changed || member.shown;
    }
    update_size(member, seconds, cpus);
  }
  if (choose_shown(now)) changed = true;
  for (auto& [unit, member] : members_) {
    if (!member.shown) {
      sum_other(member);
      for (std::size_t v = 0; v < cgroup_values; ++v) {
        if (!member.has[v] || other_has_[v]) continue;
        other_has_[v] = true;
        changed = true;
      }
    }
    member.before = member.sample;
    member.fresh = false;
  }
  return changed;
}

void CgroupMetrics::update_size(Member& member, double seconds, unsigned cpus) {
  double memory = std::isnan(member.sample[memory_usage]) ? 0 : member.sample[memory_usage] / memory_total_;
  double cpu = 0;
  if (!member.fresh && seconds > 0) {
    double busy = member.sample[cpu_busy] - member.before[cpu_busy];
    if (busy > 0) cpu = busy / seconds / std::max(1U, cpus);
  }
  double size = memory + cpu;
  member.size = member.fresh ? size : member.size + smoothing * (size - member.size);
}

// INVARIANT: the counters of `other` only grow, whoever joins or leaves: what counts is what a member added while it
// was one.
void CgroupMetrics::sum_other(const Member& member) {
  for (std::size_t v = 0; v < cgroup_values; ++v) {
    double now = member.sample[v];
    if (std::isnan(now)) continue;
    if (is_gauge(v)) {
      other_[v] += now;
    } else if (!member.fresh) {
      double before = member.before[v];
      if (!std::isnan(before)) other_[v] += now >= before ? now - before : now;
    }
  }
}

bool CgroupMetrics::choose_shown(MonoTime now) {
  std::vector<Member*> hidden;
  std::size_t shown = 0;
  Member* smallest = nullptr;
  for (auto& [unit, member] : members_) {
    if (!member.shown) {
      hidden.push_back(&member);
      continue;
    }
    ++shown;
    if (now - member.shown_since >= cgroup_dwell && (smallest == nullptr || member.size < smallest->size))
      smallest = &member;
  }
  std::stable_sort(hidden.begin(), hidden.end(), [](const Member* a, const Member* b) { return a->size > b->size; });
  auto show = [now](Member& member) {
    member.shown = true;
    member.shown_since = now;
  };
  bool changed = false;
  std::size_t next = 0;
  for (; next < hidden.size() && shown < most_shown_cgroups; ++next, ++shown, changed = true) show(*hidden[next]);
  // One change of places a scan, and only for a clear difference.
  if (next < hidden.size() && smallest != nullptr &&
      hidden[next]->size > clearly_larger * smallest->size + worth_a_change) {
    smallest->shown = false;
    smallest->files.close();
    smallest->before = smallest->sample;  // what it added until now was shown as its own
    show(*hidden[next]);
    changed = true;
  }
  return changed;
}

void CgroupMetrics::build(std::vector<model::InstanceReadings>& instances) {
  instances.resize(1);
  shown_.clear();
  auto add = [&](const std::string& unit, model::InstanceType type, const std::array<bool, cgroup_values>& has) {
    model::InstanceReadings& instance = instances.emplace_back();
    instance.instance = InstanceName(cat(unit, '@', host_));
    instance.type = type;
    instance.parent = InstanceName(host_);
    for (std::size_t v = 0; v < cgroup_values; ++v) {
      if (has[v]) add_block(instance.readings, std::span(&specs[v], 1));
    }
  };
  for (auto& [unit, member] : members_) {
    if (!member.shown) continue;
    shown_.push_back(&member);
    add(unit, member.found.role.type, member.has);
    if (!member.found.role.container_id.empty())
      instances.back().identities.emplace("container.id", member.found.role.container_id);
  }
  // Once it is there it stays: that it is empty now and then is no news.
  other_exists_ = std::find(other_has_.begin(), other_has_.end(), true) != other_has_.end();
  if (other_exists_) add("other", model::InstanceType::service, other_has_);
}

CgroupMetrics::Unit CgroupMetrics::unit_of(std::string_view path) const {
  Unit fresh;
  while (!path.empty()) {
    for (const auto& [name, member] : members_) {
      if (member.found.path != path) continue;
      if (member.shown) return {.name = name, .type = member.found.role.type};
      return {.name = "other", .type = model::InstanceType::service};
    }
    CgroupRole role = classify_cgroup(path);
    bool room = members_.size() < most_shown_cgroups && !members_.contains(role.unit);
    if (role.visit == CgroupRole::Visit::instance && room)
      fresh = {.name = std::move(role.unit), .type = role.type};  // the outermost: what is inside belongs to it
    std::size_t slash = path.rfind('/');
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  return fresh;
}

}  // namespace mien::edge
