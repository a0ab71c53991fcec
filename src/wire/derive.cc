#include "wire/derive.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace mien::wire {
namespace {

using Formula = Derivation::Formula;
using Inputs = std::map<std::string, double>;
using model::SeriesKind;

struct Input {
  Formula formula;
  std::string slot;
  bool kept = false;  // it is a series of its own as well
};

std::string_view attribute(const model::Series& series, const char* key) {
  auto at = series.attributes.find(key);
  return at == series.attributes.end() ? std::string_view{} : std::string_view(at->second);
}

std::optional<Input> input_of(const model::Series& series) {
  std::string_view name = series.metric.value;
  if (!name.starts_with("system.")) return std::nullopt;
  std::string_view state = attribute(series, "state");
  if (name == "system.cpu.time" && !attribute(series, "cpu").empty())
    return Input{Formula::cpu_time, cat(attribute(series, "cpu"), '/', attribute(series, "cpu.mode"))};
  if (name == "system.cpu.time" && !attribute(series, "cpu.mode").empty())
    return Input{Formula::cpu_total, cat('/', attribute(series, "cpu.mode")), true};
  if (name == "system.cpu.utilization" && !attribute(series, "cpu.mode").empty())
    return Input{Formula::cpu_share, cat(attribute(series, "cpu"), '/', attribute(series, "cpu.mode"))};
  if (name == "system.memory.limit") return Input{Formula::memory, "limit"};
  if (name == "system.memory.linux.available") return Input{Formula::memory, "available"};
  if (name == "system.paging.limit") return Input{Formula::paging, "limit"};
  if (name == "system.paging.usage" && state == "free") return Input{Formula::paging, "free"};
  if (name == "system.filesystem.limit") return Input{Formula::filesystem, "limit"};
  if (name == "system.filesystem.usage" && (state == "free" || state == "available"))
    return Input{Formula::filesystem, std::string(state)};
  if (name == "system.filesystem.usage" && state == "used") return Input{Formula::filesystem, "used", true};
  if (name == "system.filesystem.inodes.limit") return Input{Formula::inodes, "limit"};
  if (name == "system.filesystem.inodes.usage") return Input{Formula::inodes, "free"};
  if (name == "system.paging.faults" && attribute(series, "type") == "all") return Input{Formula::faults, "all"};
  if (name == "system.paging.faults" && attribute(series, "type") == "major")
    return Input{Formula::faults, "major", true};
  if (name.starts_with("system.linux.pressure.") && series.kind == SeriesKind::counter)
    return Input{Formula::stalled, "seconds"};
  if (name == "system.boot_time") return Input{Formula::uptime, "boot"};
  return std::nullopt;
}

// How many inputs make a group whole; 0: as many as the moment before had.
std::size_t inputs_of(Formula formula) {
  switch (formula) {
    case Formula::cpu_time:
    case Formula::cpu_total:
    case Formula::cpu_share: return 0;
    case Formula::filesystem: return 3;
    case Formula::stalled:
    case Formula::uptime: return 1;
    default: return 2;
  }
}

// As our own collector sums the modes of the kernel; nothing for idle time and for time that a guest had, which the
// kernel counts as the user's already.
std::string_view mode_of(std::string_view slot) {
  std::string_view mode = slot.substr(slot.find('/') + 1);
  if (mode == "user" || mode == "nice") return "user";
  if (mode == "system") return "system";
  if (mode == "interrupt" || mode == "softirq") return "interrupt";
  if (mode == "iowait" || mode == "steal") return mode;
  return {};
}

bool works(std::string_view mode) { return mode == "user" || mode == "system" || mode == "interrupt"; }

// CPUs among the slots, which stand in order.
std::size_t cpus_of(const Inputs& inputs) {
  std::size_t cpus = 0;
  std::string_view last;
  for (const auto& [slot, value] : inputs) {
    std::string_view cpu = std::string_view(slot).substr(0, slot.find('/'));
    if (cpus == 0 || cpu != last) ++cpus;
    last = cpu;
  }
  return cpus;
}

double find(const Inputs& inputs, const char* slot) {
  auto at = inputs.find(slot);
  return at == inputs.end() ? model::missing : at->second;
}

double share(double part, double whole) { return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : model::missing; }

// Cumulative busy seconds of what is a rate.
double busy_of(Formula formula, const Inputs& inputs) {
  if (formula == Formula::stalled) return find(inputs, "seconds");
  double busy = 0;
  for (const auto& [slot, value] : inputs) busy += works(mode_of(slot)) ? value : 0;
  return busy;
}

// Cumulative seconds of all modes: what a guest had is among the user's.
double total_of(const Inputs& inputs) {
  double total = 0;
  for (const auto& [slot, value] : inputs) total += slot.starts_with("/guest") ? 0 : value;
  return total;
}

}  // namespace

struct Derivation::Piece {
  Input input;
  std::uint64_t forgotten = 0;  // as Derivation's, when these were found
  Instance* instance = nullptr;
  Group* group = nullptr;
};

std::shared_ptr<Derivation::Piece> Derivation::piece_of(const model::Series& series) {
  std::optional<Input> input = input_of(series);
  return input ? std::make_shared<Piece>(Piece{.input = *std::move(input)}) : nullptr;
}

void Derivation::tell(Group& group, const Emit& emit) {
  group.told = true;
  const Inputs& inputs = group.inputs;
  bool over = !inputs.empty() && group.ended.size() >= inputs.size();
  auto put = [&](const char* metric, model::Attributes more, const char* unit, SeriesKind kind, double value) {
    if (over) value = model::ended;
    else if (!std::isfinite(value)) return;
    more.insert(group.attributes.begin(), group.attributes.end());
    emit({.metric = MetricName{metric}, .attributes = std::move(more), .unit = unit, .kind = kind}, group.at, value);
  };
  auto rate_of = [&](double whole) {
    bool fits = group.base_at.ns != 0 && group.at > group.base_at && group.base_inputs == inputs.size();
    double added = busy_of(group.formula, inputs) - group.base_busy;
    return fits && added >= 0 ? share(added, whole) : model::missing;
  };
  auto rate = [&](double capacity) { return rate_of(to_seconds(group.at - group.base_at) * capacity); };
  switch (group.formula) {
    case Formula::cpu_time: {
      std::map<std::string_view, double> modes;
      for (const auto& [slot, value] : inputs)
        if (std::string_view mode = mode_of(slot); !mode.empty()) modes[mode] += value;
      for (const auto& [mode, value] : modes)
        put("system.cpu.time", {{"cpu.mode", std::string(mode)}}, "s", SeriesKind::counter, value);
      return put("system.cpu.utilization", {}, "1", SeriesKind::gauge, rate(static_cast<double>(cpus_of(inputs))));
    }
    case Formula::cpu_total:  // of all CPUs together, however many they are
      return put("system.cpu.utilization", {}, "1", SeriesKind::gauge, rate_of(total_of(inputs) - group.base_total));
    case Formula::cpu_share:
      return put("system.cpu.utilization", {}, "1", SeriesKind::gauge,
                 share(busy_of(group.formula, inputs), static_cast<double>(cpus_of(inputs))));
    case Formula::memory: {
      double limit = find(inputs, "limit");
      double used = std::max(0.0, limit - find(inputs, "available"));
      put("system.memory.usage", {{"state", "used"}}, "By", SeriesKind::gauge, used);
      return put("system.memory.utilization", {}, "1", SeriesKind::gauge, share(used, limit));
    }
    case Formula::paging: {
      double limit = find(inputs, "limit");
      if (limit == 0) return;  // no swap: our own collector has no such series either
      double used = limit - find(inputs, "free");
      put("system.paging.usage", {{"state", "used"}}, "By", SeriesKind::gauge, used);
      return put("system.paging.utilization", {}, "1", SeriesKind::gauge, share(used, limit));
    }
    case Formula::filesystem: {
      bool told_used = inputs.contains("used");
      double used = told_used ? find(inputs, "used") : find(inputs, "limit") - find(inputs, "free");
      if (!told_used) put("system.filesystem.usage", {{"state", "used"}}, "By", SeriesKind::gauge, used);
      // As df shows it: of what is not kept for root.
      return put("system.filesystem.utilization", {}, "1", SeriesKind::gauge,
                 share(used, used + find(inputs, "available")));
    }
    case Formula::inodes: {
      double limit = find(inputs, "limit");
      return put("system.filesystem.inodes.utilization", {}, "1", SeriesKind::gauge,
                 share(limit - find(inputs, "free"), limit));
    }
    case Formula::faults:
      return put("system.paging.faults", {{"type", "minor"}}, "{fault}", SeriesKind::counter,
                 find(inputs, "all") - find(inputs, "major"));
    case Formula::stalled: return put(group.metric.c_str(), {}, "1", SeriesKind::gauge, rate(1));
    case Formula::uptime:
      return put("system.uptime", {}, "s", SeriesKind::counter,
                 static_cast<double>(group.at.ns) * 1e-9 - find(inputs, "boot"));
  }
}

void Derivation::begin_moment(Group& group, WallTime at, const Emit& emit) {
  if (!group.inputs.empty()) {
    if (!group.told) tell(group, emit);
    group.expected = group.inputs.size();
    if (group.formula == Formula::cpu_time || group.formula == Formula::cpu_total ||
        group.formula == Formula::stalled) {
      group.base_at = group.at;
      group.base_busy = busy_of(group.formula, group.inputs);
      group.base_total = total_of(group.inputs);
      group.base_inputs = group.inputs.size();
    }
  }
  group.inputs.clear();
  group.told = false;
  group.at = at;
}

// Leaves the group null where there is no room.
void Derivation::find_group(Piece& piece, const std::string& instance, const model::Series& series, WallTime at) {
  piece.group = nullptr;
  piece.instance = nullptr;
  Formula formula = piece.input.formula;
  auto known = instances_.find(instance);
  if (known == instances_.end()) {
    if (instances_.size() >= max_instances &&
        std::erase_if(instances_, [&](const auto& each) { return at - each.second.newest > forgotten_after; }) > 0)
      ++forgotten_;
    if (instances_.size() >= max_instances) return;
    known = instances_.emplace(instance, Instance{}).first;
  }
  piece.forgotten = forgotten_;
  piece.instance = &known->second;
  std::map<std::string, Group>& groups = known->second.groups;
  // All inputs of a filesystem have its mountpoint, those of the rest nothing that tells groups apart.
  std::string_view place = attribute(series, "mountpoint");
  std::string key = cat(static_cast<int>(formula), ' ', formula == Formula::stalled ? series.metric.value : place);
  auto found = groups.find(key);
  if (found == groups.end()) {
    if (groups.size() >= max_groups) return;
    Group group;
    group.formula = formula;
    group.metric = series.metric.value;
    if (!place.empty()) group.attributes.emplace("mountpoint", place);
    found = groups.emplace(std::move(key), std::move(group)).first;
  }
  piece.group = &found->second;
}

bool Derivation::take(const std::string& instance, const model::Series& series, WallTime at, double value,
                      const Emit& emit) {
  std::optional<Input> input = input_of(series);
  if (!input) return true;
  Piece piece{.input = *std::move(input)};
  return take(piece, instance, series, at, value, emit);
}

bool Derivation::take(Piece& piece, const std::string& instance, const model::Series& series, WallTime at, double value,
                      const Emit& emit) {
  const Input* input = &piece.input;
  if (piece.group == nullptr || piece.forgotten != forgotten_) find_group(piece, instance, series, at);
  if (piece.instance != nullptr) piece.instance->newest = std::max(piece.instance->newest, at);
  Group* group = piece.group;
  if (group == nullptr) return true;
  if (model::is_ended(value)) {
    if (!group->inputs.contains(input->slot) || at <= group->at) return input->kept;
    group->ended.insert(input->slot);
    if (group->ended.size() < group->inputs.size()) return input->kept;
    group->at = at;
    tell(*group, emit);
    group->inputs.clear();
    group->ended.clear();
    group->base_at = WallTime{};
    return input->kept;
  }
  if (std::isnan(value) || at < group->at) return input->kept;
  if (at > group->at) begin_moment(*group, at, emit);
  group->ended.erase(input->slot);
  if (group->inputs.size() >= max_inputs && !group->inputs.contains(input->slot)) return true;
  group->inputs[input->slot] = value;
  std::size_t whole = inputs_of(group->formula);
  if (group->formula == Formula::filesystem && group->inputs.contains("used")) whole = 2;
  if (whole == 0) whole = group->expected;
  if (whole == 0 || group->inputs.size() < whole) return input->kept;
  if (!group->told) group->last_slot = input->slot;
  if (group->last_slot == input->slot) tell(*group, emit);
  return input->kept;
}

}  // namespace mien::wire
