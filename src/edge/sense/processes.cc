#include "edge/sense/processes.h"

#include <unistd.h>

#include <array>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

constexpr int most_parents = 8;

// A program that was replaced on disk still runs: its link ends in this.
constexpr std::string_view deleted = " (deleted)";

}  // namespace

void Processes::remember(std::uint32_t pid, std::string_view program) {
  if (program.empty()) return;
  if (known_.size() >= most) known_.clear();
  known_[pid] = program;
}

const std::string& Processes::program(std::uint32_t pid) {
  if (auto at = asked_.find(pid); at != asked_.end()) return at->second;
  std::array<char, 4096> target{};
  ssize_t length = ::readlink(cat(proc_root_, "/", pid, "/exe").c_str(), target.data(), target.size());
  std::string path;
  if (length > 0) {
    path.assign(target.data(), static_cast<std::size_t>(length));
    if (path.ends_with(deleted)) path.resize(path.size() - deleted.size());
    remember(pid, path);
  } else if (auto known = known_.find(pid); known != known_.end()) {
    path = known->second;
  }
  if (asked_.size() >= most) asked_.clear();
  return asked_.emplace(pid, std::move(path)).first->second;
}

std::string Processes::group(std::uint32_t pid, bool legacy) const {
  std::optional<std::string> text = read_text(cat(proc_root_, "/", pid, "/cgroup"));
  return text ? parse_group(*text, legacy) : std::string{};
}

Processes::Kin Processes::kin(std::uint32_t pid) const {
  Kin out;
  std::optional<std::string> text = read_text(cat(proc_root_, "/", pid, "/status"));
  if (!text) return out;
  std::string_view rest = *text;
  std::string_view line;
  while (next_line(rest, line)) {
    std::string_view key = next_word(line);
    if (key != "PPid:" && key != "Uid:") continue;
    std::optional<std::uint64_t> number = parse_count(next_word(line));
    (key == "Uid:" ? out.uid : out.parent) = static_cast<std::uint32_t>(number.value_or(0));
    if (key == "Uid:") break;
  }
  return out;
}

std::string Processes::parents(std::uint32_t pid) {
  std::string out;
  for (int i = 0; i < most_parents; ++i) {
    pid = kin(pid).parent;
    if (pid == 0) break;
    const std::string& path = program(pid);
    if (!path.empty()) out += cat(out.empty() ? "" : " < ", path);
  }
  return out;
}

std::string parse_group(std::string_view text, bool legacy) {
  std::string_view line;
  while (next_line(text, line)) {
    std::size_t first = line.find(':');
    std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    std::string_view controllers = line.substr(first + 1, second - first - 1);
    bool wanted = legacy ? cat(",", controllers, ",").find(",cpuacct,") != std::string::npos : controllers.empty();
    std::string_view path = line.substr(second + 1);
    if (!wanted || path.empty() || path.front() != '/') continue;
    return std::string(path.substr(1));
  }
  return {};
}

}  // namespace mien::edge
