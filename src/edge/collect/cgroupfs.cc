#include "edge/collect/cgroupfs.h"

#include <algorithm>

#include "base/text.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

using Visit = CgroupRole::Visit;
constexpr std::size_t short_id = 12;
constexpr std::size_t longest_unit = 128;

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }
bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}
bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_container_id(std::string_view text) { return text.size() >= 32 && text.size() <= 64 && is_hex(text); }

// "docker-<id>", "libpod-<id>", "cri-containerd-<id>": what stands before the id, and the id.
std::optional<std::pair<std::string_view, std::string_view>> split_container(std::string_view name) {
  std::size_t dash = name.rfind('-');
  std::string_view id = dash == std::string_view::npos ? name : name.substr(dash + 1);
  if (!is_container_id(id)) return std::nullopt;
  return std::pair(dash == std::string_view::npos ? std::string_view{} : name.substr(0, dash), id);
}

// systemd writes "-" inside a name part as "\x2d".
std::string unescape_unit(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::optional<std::string> byte;
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x') byte = parse_hex(text.substr(i + 2, 2));
    if (byte) i += 3;
    out += byte ? *byte : std::string(1, text[i]);
  }
  return out;
}

// Names become part of instance names: printable, without '/' and of bounded length.
std::string clean(std::string name) {
  for (char& c : name) {
    auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '/') c = '-';
  }
  if (name.size() > longest_unit) name.resize(longest_unit);
  if (!is_utf8(name))
    std::replace_if(
        name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '-');
  return name;
}

CgroupRole without_instance(Visit visit) {
  return {.visit = visit, .unit = {}, .type = model::InstanceType::service, .container_id = {}};
}
CgroupRole instance(std::string unit, model::InstanceType type, std::string_view id = {}) {
  if (unit.empty()) return without_instance(Visit::skip);
  return {.visit = Visit::instance, .unit = clean(std::move(unit)), .type = type, .container_id = std::string(id)};
}
CgroupRole container(std::string_view prefix, std::string_view id) {
  return instance(cat(prefix.empty() ? "container" : prefix, '-', id.substr(0, short_id)),
                  model::InstanceType::container, id);
}

// "qemu-3-web" (libvirt) is the guest web; the number grows with each start, so it is no part of the name.
CgroupRole machine(std::string_view name) {
  if (starts_with(name, "qemu-")) {
    std::string_view rest = name.substr(5);
    std::size_t dash = rest.find('-');
    if (dash != std::string_view::npos && parse_count(rest.substr(0, dash))) rest.remove_prefix(dash + 1);
    return instance(cat("qemu-", rest), model::InstanceType::guest);
  }
  return instance(std::string(name), model::InstanceType::container);
}

CgroupRole classify_scope(std::string_view name) {
  name.remove_suffix(std::string_view(".scope").size());
  if (auto parts = split_container(name)) return container(parts->first, parts->second);
  if (starts_with(name, "machine-")) return machine(unescape_unit(name.substr(8)));
  return without_instance(Visit::skip);  // init, login sessions and other passing things: the host's readings have them
}

}  // namespace

std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key) {
  std::string_view line;
  while (next_line(text, line)) {
    if (line.size() > key.size() && line[key.size()] == ' ' && starts_with(line, key)) {
      return parse_count(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_single(std::string_view text) {
  std::string_view line;
  if (!next_line(text, line)) return std::nullopt;
  return parse_count(trim(line));
}

std::optional<CgroupCpu> parse_cpu_stat(std::string_view text) {
  auto usage = find_count(text, "usage_usec");
  if (!usage) return std::nullopt;
  return CgroupCpu{.usage_us = *usage,
                   .user_us = find_count(text, "user_usec").value_or(0),
                   .system_us = find_count(text, "system_usec").value_or(0),
                   .throttled_us = find_count(text, "throttled_usec")};
}

CgroupIo parse_io_stat(std::string_view text) {
  CgroupIo out;
  std::string_view line;
  while (next_line(text, line)) {
    next_word(line);  // device
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      std::size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      std::string_view key = word.substr(0, equals);
      std::uint64_t value = parse_count(word.substr(equals + 1)).value_or(0);
      if (key == "rbytes") out.read_bytes += value;
      else if (key == "wbytes") out.written_bytes += value;
      else if (key == "rios") out.reads += value;
      else if (key == "wios") out.writes += value;
    }
  }
  return out;
}

BlkioTotals parse_blkio(std::string_view text) {
  BlkioTotals out;
  std::string_view line;
  while (next_line(text, line)) {
    next_word(line);  // device
    std::string_view direction = next_word(line);
    std::uint64_t value = parse_count(next_word(line)).value_or(0);
    if (direction == "Read") out.read += value;
    else if (direction == "Write") out.write += value;
  }
  return out;
}

CgroupRole classify_cgroup(std::string_view path) {
  std::size_t slash = path.rfind('/');
  std::string_view name = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  std::string_view above = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  std::string_view parent = above.substr(above.rfind('/') + 1);  // npos + 1 is 0

  if (path == "user.slice" || starts_with(path, "user.slice/")) {
    // What people run belongs to the host; only the containers they run are looked at.
    if (ends_with(name, ".scope")) {
      CgroupRole role = classify_scope(name);
      return role.container_id.empty() ? without_instance(Visit::skip) : role;
    }
    return without_instance(Visit::descend);
  }
  if (ends_with(name, ".service")) {
    // systemd-run without --unit makes up a new name each time: nothing to learn from.
    if (starts_with(name, "run-")) return without_instance(Visit::skip);
    bool nspawn = starts_with(name, "systemd-nspawn@");
    return instance(std::string(name), nspawn ? model::InstanceType::container : model::InstanceType::service);
  }
  if (ends_with(name, ".scope")) return classify_scope(name);
  if (ends_with(name, ".slice")) return without_instance(Visit::descend);
  if (ends_with(name, ".mount") || ends_with(name, ".socket") || ends_with(name, ".swap"))
    return without_instance(Visit::skip);
  if (starts_with(name, "lxc.monitor")) return without_instance(Visit::skip);
  if (starts_with(name, "lxc.payload.")) return instance(cat("lxc-", name.substr(12)), model::InstanceType::container);
  if (parent == "lxc") return instance(cat("lxc-", name), model::InstanceType::container);
  if (ends_with(name, ".libvirt-qemu"))
    return machine(name.substr(0, name.size() - std::string_view(".libvirt-qemu").size()));
  if (auto parts = split_container(name)) {
    if (!parts->first.empty()) return container(parts->first, parts->second);
    if (parent == "docker") return container("docker", parts->second);
    if (path.find("kubepods") != std::string_view::npos) return container("cri", parts->second);
  }
  return without_instance(Visit::descend);
}

std::string generic_unit(std::string_view path) {
  std::string unit;
  for (std::string_view part : split(path, '/')) {
    if (!unit.empty()) unit += '-';
    unit += is_container_id(part) ? part.substr(0, short_id) : part;
  }
  return clean(std::move(unit));
}

}  // namespace mien::edge
