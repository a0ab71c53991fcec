#include "edge/collect/hardware.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/text.h"

namespace mien::edge {
namespace {

namespace fs = std::filesystem;
using Kind = MetricSpec::Kind;

constexpr std::array<MetricSpec, 1> temperature_specs{{{"hw.temperature", "", "", "Cel", Kind::gauge}}};
constexpr std::array<MetricSpec, 1> frequency_specs{{{"system.cpu.frequency", "", "", "Hz", Kind::gauge}}};
constexpr double coldest = -100, hottest = 250;  // degrees: what is beyond is a broken sensor
constexpr std::size_t longest_name = 64;

// Of a directory, sorted: the same in every run.
std::vector<std::string> entries(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code failed;
  for (fs::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed))
    out.push_back(at->path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::string line_of(const std::string& path) {
  std::string text = read_text(path).value_or(std::string{});
  return std::string(trim(std::string_view(text).substr(0, std::min(text.find('\n'), longest_name))));
}

std::optional<double> value_of(KernelFile& file, ReadBuffer& buffer) {
  auto text = file.read(buffer);
  return text ? parse_double(trim(*text)) : std::nullopt;
}

}  // namespace

HardwareMetrics::HardwareMetrics(const std::string& sys_root) {
  find_monitors(sys_root + "/class/hwmon");
  if (temperatures_.empty()) find_zones(sys_root + "/class/thermal");
  const std::string policies = sys_root + "/devices/system/cpu/cpufreq";
  for (const std::string& each : entries(policies)) {
    std::string path = cat(policies, "/", each, "/scaling_cur_freq");
    if (frequencies_.size() < most_frequencies && each.starts_with("policy") && read_text(path))
      frequencies_.emplace_back(std::move(path));
  }
}

// Monitors are named by what they sit on ("coretemp", "nvme"), because their numbers change from boot to boot.
void HardwareMetrics::find_monitors(const std::string& root) {
  for (const std::string& monitor : entries(root)) {
    const std::string directory = cat(root, "/", monitor);
    const std::string name = line_of(directory + "/name");
    for (const std::string& file : entries(directory)) {
      if (!file.starts_with("temp") || !file.ends_with("_input")) continue;
      std::string sensor = file.substr(0, file.size() - std::string_view("_input").size());
      std::string label = line_of(cat(directory, "/", sensor, "_label"));
      add_temperature(cat(name.empty() ? monitor : name, "/", label.empty() ? sensor : label),
                      cat(directory, "/", file));
    }
  }
}

void HardwareMetrics::find_zones(const std::string& root) {
  for (const std::string& zone : entries(root)) {
    if (!zone.starts_with("thermal_zone")) continue;
    std::string type = line_of(cat(root, "/", zone, "/type"));
    add_temperature(type.empty() ? zone : type, cat(root, "/", zone, "/temp"));
  }
}

void HardwareMetrics::add_temperature(std::string id, std::string path) {
  if (temperatures_.size() >= most_temperatures || !read_text(path) || !is_utf8(id)) return;
  auto taken = [&](const std::string& name) {
    return std::any_of(temperatures_.begin(), temperatures_.end(),
                       [&](const Temperature& each) { return each.id == name; });
  };
  std::string unique = id;
  for (int i = 2; taken(unique); ++i) unique = cat(id, "#", i);
  temperatures_.push_back({.id = std::move(unique), .file = KernelFile(std::move(path)), .block = {}});
}

void HardwareMetrics::build(std::vector<model::Reading>& readings) {
  for (Temperature& each : temperatures_) each.block = add_block(readings, temperature_specs, {{"hw.id", each.id}});
  if (!frequencies_.empty()) frequency_ = add_block(readings, frequency_specs);
  read_at_.reset();
}

void HardwareMetrics::read(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings) {
  if (read_at_ && now - *read_at_ < hardware_interval) return;
  read_at_ = now;
  for (Temperature& each : temperatures_) {
    double degrees = value_of(each.file, buffer).value_or(model::missing) * 1e-3;
    bool sound = degrees >= coldest && degrees <= hottest;
    readings[each.block.first].value = sound ? degrees : model::missing;
  }
  if (frequencies_.empty()) return;
  double sum = 0;
  for (KernelFile& each : frequencies_) sum += value_of(each, buffer).value_or(model::missing) * 1e3;
  readings[frequency_.first].value = sum / static_cast<double>(frequencies_.size());
}

}  // namespace mien::edge
