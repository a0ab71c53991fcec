#include "edge/drive/sysctl_fields.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "edge/drive/field_file.h"
#include "edge/drive/request.h"

namespace mien::edge {
namespace {

constexpr std::string_view prefix = "sysctl:";
constexpr std::size_t longest_key = 128;
constexpr std::size_t longest_value = 256;

// What is tuned on servers. The rest of kernel.* and fs.* names programs to run, protects, or can not be undone.
constexpr std::array<std::string_view, 21> allowed{"net.core.",
                                                   "net.ipv4.",
                                                   "net.ipv6.",
                                                   "net.netfilter.",
                                                   "net.unix.",
                                                   "vm.",
                                                   "fs.aio-max-nr",
                                                   "fs.file-max",
                                                   "fs.inotify.",
                                                   "fs.mqueue.",
                                                   "fs.nr_open",
                                                   "kernel.keys.",
                                                   "kernel.msg",
                                                   "kernel.numa_balancing",
                                                   "kernel.perf_event_max_sample_rate",
                                                   "kernel.pid_max",
                                                   "kernel.sched_",
                                                   "kernel.sem",
                                                   "kernel.shm",
                                                   "kernel.threads-max",
                                                   "kernel.timer_migration"};
// Of those: commands rather than settings, protections, and what changes other settings with it.
constexpr std::array<std::string_view, 16> refused_ends{
    "drop_caches",  "compact_memory", "stat_refresh",   "mmap_min_addr",   "mmap_rnd_bits",    "mmap_rnd_compat_bits",
    "panic_on_oom", "route.flush",    "bpf_jit_enable", "bpf_jit_harden",  "bpf_jit_kallsyms", "ip_forward",
    ".forwarding",  "disable_ipv6",   "stable_secret",  "tcp_fastopen_key"};

bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }
bool ends_with(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// "net.core.somaxconn" becomes "sys/net/core/somaxconn".
Result<std::string> path_of(std::string_view name) {
  std::string path = "sys";
  bool good = !name.empty() && name.size() <= longest_key;
  for (std::string_view part : split(name, '.')) {
    good = good && !part.empty() && std::all_of(part.begin(), part.end(), is_word);
    path += cat('/', part);
  }
  if (!good)
    return drive_error(Code::invalid,
                       cat("`", name, "` is no kernel setting: write it with dots, like net.core.somaxconn"));
  auto begins = [&](std::string_view known) { return starts_with(name, known); };
  auto ends = [&](std::string_view known) { return ends_with(name, known); };
  if (std::none_of(allowed.begin(), allowed.end(), begins) ||
      std::any_of(refused_ends.begin(), refused_ends.end(), ends))
    return drive_error(Code::refused, cat(name,
                                          " is never changed by Mien: it protects the machine, is a command rather "
                                          "than a setting, or could not be put back; change it by hand"));
  return path;
}

// The kernel separates by tabs what people write with blanks.
std::string with_single_blanks(std::string_view text) {
  std::string out;
  for (char c : trim(text)) {
    bool blank = c == ' ' || c == '\t' || c == '\n';
    if (!blank) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

bool can_stand(std::string_view value) {
  return !value.empty() && value.size() <= longest_value &&
         std::all_of(value.begin(), value.end(), [](char c) { return is_word(c) || c == ' ' || c == '.' || c == ','; });
}

bool is_numbers(std::string_view value) {
  auto words = split(value, ' ');
  return std::all_of(words.begin(), words.end(), [](std::string_view word) { return parse_integer(word).has_value(); });
}

Error can_not_stand(std::string_view name, std::string_view value) {
  return drive_error(Code::invalid, cat("`", value, "` can not stand in ", name, ": write numbers or a plain word"));
}

}  // namespace

Result<node::Plan> plan_sysctl(const std::string& proc_root, const std::map<std::string, std::string>& settings) {
  node::Plan plan;
  std::string unneeded;
  for (const auto& [name, value] : settings) {
    std::string key = cat(prefix, name);
    std::string before = TRY(read_sysctl(proc_root, key));
    std::string after = with_single_blanks(value);
    if (!can_stand(after) || (is_numbers(before) && !is_numbers(after))) return can_not_stand(name, value);
    if (before == after) unneeded += cat(unneeded.empty() ? "" : ", ", name, " is ", before);
    else plan.fields.push_back({.key = std::move(key), .before = std::move(before), .after = std::move(after)});
  }
  if (plan.fields.empty()) return drive_error(Code::refused, cat("there is nothing to do: ", unneeded, " already"));
  if (!unneeded.empty()) plan.note = cat("left as it is: ", unneeded);
  return plan;
}

Result<std::string> read_sysctl(const std::string& proc_root, std::string_view key) {
  std::string path = TRY(path_of(key.substr(prefix.size())));
  return with_single_blanks(TRY(read_field_file(proc_root, path)));
}

Status write_sysctl(const std::string& proc_root, std::string_view key, std::string_view value) {
  std::string path = TRY(path_of(key.substr(prefix.size())));
  if (!can_stand(value)) return can_not_stand(key.substr(prefix.size()), value);
  return write_field_file(proc_root, path, value);
}

}  // namespace mien::edge
