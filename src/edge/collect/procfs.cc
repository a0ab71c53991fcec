#include "edge/collect/procfs.h"

#include <array>
#include <charconv>
#include <span>

#include "base/text.h"

namespace mien::edge {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Fills `out` from the next words of `line`; how many were numbers before the first that was not.
std::size_t take_counts(std::string_view& line, std::span<std::uint64_t* const> out) {
  std::size_t taken = 0;
  for (std::uint64_t* each : out) {
    auto number = parse_count(next_word(line));
    if (!number) break;
    *each = *number;
    ++taken;
  }
  return taken;
}

bool starts_cpu_line(std::string_view word) {
  return word.size() > 3 && word.substr(0, 3) == "cpu" && word[3] >= '0' && word[3] <= '9';
}

std::string unescape_octal(std::string_view text) {
  auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      int value = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      out.push_back(static_cast<char>(value & 0xff));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// "12 kB" behind the colon, in bytes.
std::optional<std::uint64_t> parse_kib(std::string_view rest) {
  auto number = parse_count(next_word(rest));
  if (!number || *number > (UINT64_MAX >> 10U)) return std::nullopt;
  return *number << 10U;
}

}  // namespace

bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  std::size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

std::string_view next_word(std::string_view& line) {
  std::size_t first = 0;
  while (first < line.size() && is_blank(line[first])) ++first;
  std::size_t last = first;
  while (last < line.size() && !is_blank(line[last])) ++last;
  std::string_view word = line.substr(first, last - first);
  line.remove_prefix(last);
  return word;
}

std::optional<std::uint64_t> parse_count(std::string_view word) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<CpuTimes> parse_stat(std::string_view text) {
  CpuTimes out;
  bool found = false;
  std::string_view line;
  while (next_line(text, line)) {
    std::string_view word = next_word(line);
    if (word == "cpu") {
      const std::array<std::uint64_t*, 8> fields{&out.user,   &out.nice, &out.system,  &out.idle,
                                                 &out.iowait, &out.irq,  &out.softirq, &out.steal};
      found = take_counts(line, fields) >= 4;  // the last four came with Linux 2.6
    } else if (starts_cpu_line(word)) {
      ++out.cpus;
    } else if (word == "ctxt") {
      out.context_switches = parse_count(next_word(line)).value_or(0);
    } else if (word == "processes") {
      out.processes_created = parse_count(next_word(line)).value_or(0);
    } else if (word == "procs_running") {
      out.processes_running = parse_count(next_word(line)).value_or(0);
    } else if (word == "procs_blocked") {
      out.processes_blocked = parse_count(next_word(line)).value_or(0);
    }
  }
  if (!found || out.cpus == 0) return std::nullopt;
  return out;
}

std::optional<char> parse_process_state(std::string_view text) {
  std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  std::string_view state = next_word(text);
  if (state.size() != 1) return std::nullopt;
  return state.front();
}

std::optional<LoadAverage> parse_loadavg(std::string_view text) {
  std::string_view line;
  if (!next_line(text, line)) return std::nullopt;
  auto one = parse_double(next_word(line));
  auto five = parse_double(next_word(line));
  auto fifteen = parse_double(next_word(line));
  std::string_view entities = next_word(line);
  std::size_t slash = entities.find('/');
  if (!one || !five || !fifteen || slash == std::string_view::npos) return std::nullopt;
  auto threads = parse_count(entities.substr(slash + 1));
  if (!threads || !(*one >= 0 && *one < 1e9 && *five >= 0 && *five < 1e9 && *fifteen >= 0 && *fifteen < 1e9))
    return std::nullopt;
  return LoadAverage{.one = *one, .five = *five, .fifteen = *fifteen, .threads = *threads};
}

std::optional<MemoryInfo> parse_meminfo(std::string_view text) {
  MemoryInfo out;
  bool has_available = false;
  std::string_view line;
  while (next_line(text, line)) {
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view key = line.substr(0, colon);
    auto set = [rest = line.substr(colon + 1)](std::uint64_t& field) {
      auto bytes = parse_kib(rest);
      if (bytes) field = *bytes;
      return bytes.has_value();
    };
    if (key == "MemTotal") set(out.total);
    else if (key == "MemFree") set(out.free);
    else if (key == "MemAvailable") has_available = set(out.available);
    else if (key == "Buffers") set(out.buffers);
    else if (key == "Cached") set(out.cached);
    else if (key == "Dirty") set(out.dirty);
    else if (key == "SReclaimable") set(out.slab_reclaimable);
    else if (key == "SUnreclaim") set(out.slab_unreclaimable);
    else if (key == "SwapTotal") set(out.swap_total);
    else if (key == "SwapFree") set(out.swap_free);
  }
  if (out.total == 0) return std::nullopt;
  if (!has_available) out.available = out.free + out.buffers + out.cached;
  return out;
}

std::optional<VmEvents> parse_vmstat(std::string_view text) {
  VmEvents out;
  bool found = false;
  std::string_view line;
  while (next_line(text, line)) {
    if (line.empty() || (line[0] != 'p' && line[0] != 'o')) continue;
    std::string_view key = next_word(line);
    if (key == "pgfault") {
      out.faults = parse_count(next_word(line)).value_or(0);
      found = true;
    } else if (key == "pgmajfault") {
      out.major_faults = parse_count(next_word(line)).value_or(0);
    } else if (key == "pswpin") {
      out.swapped_in = parse_count(next_word(line)).value_or(0);
    } else if (key == "pswpout") {
      out.swapped_out = parse_count(next_word(line)).value_or(0);
    } else if (key == "oom_kill") {
      out.oom_kills = parse_count(next_word(line)).value_or(0);
    }
  }
  if (!found) return std::nullopt;
  return out;
}

void parse_diskstats(std::string_view text, std::vector<DiskStats>& out) {
  out.clear();
  std::string_view line;
  while (next_line(text, line)) {
    next_word(line);
    next_word(line);
    DiskStats disk;
    disk.name = next_word(line);
    std::uint64_t merged_reads = 0;
    std::uint64_t merged_writes = 0;
    std::uint64_t in_flight = 0;
    const std::array<std::uint64_t*, 11> fields{&disk.reads,  &merged_reads,  &disk.sectors_read,    &disk.read_ms,
                                                &disk.writes, &merged_writes, &disk.sectors_written, &disk.write_ms,
                                                &in_flight,   &disk.busy_ms,  &disk.queued_ms};
    if (disk.name.empty() || take_counts(line, fields) != fields.size()) continue;
    out.push_back(disk);
  }
}

void parse_net_dev(std::string_view text, std::vector<InterfaceStats>& out) {
  out.clear();
  std::string_view line;
  while (next_line(text, line)) {
    // The name may hold a colon itself (an alias), the counters behind it never do.
    std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) continue;
    InterfaceStats device;
    device.name = trim(line.substr(0, colon));
    line.remove_prefix(colon + 1);
    std::uint64_t unused = 0;
    const std::array<std::uint64_t*, 12> fields{&device.received_bytes,
                                                &device.received_packets,
                                                &device.receive_errors,
                                                &device.receive_dropped,
                                                &unused,
                                                &unused,
                                                &unused,
                                                &unused,
                                                &device.sent_bytes,
                                                &device.sent_packets,
                                                &device.send_errors,
                                                &device.send_dropped};
    if (device.name.empty() || take_counts(line, fields) != fields.size()) continue;
    out.push_back(device);
  }
}

std::optional<std::uint64_t> find_socket_count(std::string_view text, std::string_view protocol,
                                               std::string_view field) {
  std::string_view line;
  while (next_line(text, line)) {
    if (next_word(line) != protocol) continue;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line))
      if (word == field) return parse_count(next_word(line));
  }
  return std::nullopt;
}

// A line of names, then one of values, both begin with the protocol.
std::optional<std::uint64_t> parse_established(std::string_view text) {
  std::string_view names, values;
  while (next_line(text, names)) {
    if (next_word(names) != "Tcp:") continue;
    if (!next_line(text, values) || next_word(values) != "Tcp:") return std::nullopt;
    for (std::string_view name = next_word(names); !name.empty(); name = next_word(names)) {
      std::string_view value = next_word(values);
      if (name == "CurrEstab") return parse_count(value);
    }
  }
  return std::nullopt;
}

std::optional<Pressure> parse_pressure(std::string_view text) {
  Pressure out;
  bool found = false;
  std::string_view line;
  while (next_line(text, line)) {
    std::string_view kind = next_word(line);
    if (kind != "some" && kind != "full") continue;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      constexpr std::string_view key = "total=";
      if (word.substr(0, key.size()) != key) continue;
      auto total = parse_count(word.substr(key.size()));
      if (!total) return std::nullopt;
      (kind == "some" ? out.some_us : out.full_us) = *total;
      found = true;
    }
  }
  if (!found) return std::nullopt;
  return out;
}

std::vector<Mount> parse_mountinfo(std::string_view text) {
  constexpr std::size_t most = 16384;
  std::vector<Mount> out;
  std::string_view line;
  while (next_line(text, line) && out.size() < most) {
    next_word(line);
    next_word(line);
    Mount mount;
    mount.device = next_word(line);
    mount.root = unescape_octal(next_word(line));
    mount.mountpoint = unescape_octal(next_word(line));
    std::string_view options = next_word(line);
    mount.read_only = options == "ro" || options.substr(0, 3) == "ro,";
    // Optional fields, ended by a dash.
    std::string_view word = next_word(line);
    while (!word.empty() && word != "-") word = next_word(line);
    mount.type = next_word(line);
    if (!mount.type.empty()) out.push_back(std::move(mount));
  }
  return out;
}

}  // namespace mien::edge
