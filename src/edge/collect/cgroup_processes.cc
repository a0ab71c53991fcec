#include "edge/collect/cgroup_processes.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <memory>
#include <vector>

#include "base/text.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

constexpr int deepest_inside = 4;  // groups within a group
constexpr std::size_t most_inside = 64;

struct Processes {
  std::uint64_t count = 0;
  std::size_t groups = 0;            // within
  std::vector<std::string> numbers;  // of the first ones
};

// False where the kernel does not say.
bool list(const std::string& group, int depth, ReadBuffer& buffer, Processes& out) {
  auto text = KernelFile(group + "/cgroup.procs", short_records).read(buffer);
  if (!text) return false;
  std::string_view line;
  while (next_line(*text, line)) {
    if (++out.count <= most_counted_descriptors) out.numbers.emplace_back(line);
  }
  struct stat info {};
  // A directory's link count is two more than its subdirectories wherever it is counted at all.
  if (::stat(group.c_str(), &info) != 0 || info.st_nlink == 2 || depth == deepest_inside) return true;
  std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(group.c_str()), &::closedir);
  while (dirent* entry = handle ? ::readdir(handle.get()) : nullptr) {
    std::string_view name = entry->d_name;
    if (name == "." || name == ".." || entry->d_type != DT_DIR) continue;
    if (++out.groups > most_inside) break;
    list(cat(group, "/", name), depth + 1, buffer, out);
  }
  return true;
}

// The size of the directory, since Linux 6.2; before, and of a process that has ended, 0.
std::uint64_t descriptors_of(const std::string& proc_root, std::string_view process) {
  struct stat info {};
  if (::stat(cat(proc_root, "/", process, "/fd").c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace

CgroupProcesses::CgroupProcesses(const CgroupMounts& mounts, const std::string& path, std::string proc_root)
    : proc_root_(std::move(proc_root)) {
  for (const std::string* root : {&mounts.unified, &mounts.pids, &mounts.named, &mounts.cpuacct, &mounts.memory}) {
    std::string group = cat(*root, "/", path);
    if (root->empty() || ::access((group + "/cgroup.procs").c_str(), R_OK) != 0) continue;
    group_ = std::move(group);
    return;
  }
}

// Threads are told by one number, processes by a list: it is not asked for where there can be no news in it.
const CgroupProcesses::Counts& CgroupProcesses::look(double threads, ReadBuffer& buffer) {
  if (group_.empty()) return counts_;
  bool due = std::isnan(counts_.processes) || ++looks_ > most_looks_between;
  if (!due && threads == threads_) return counts_;
  threads_ = threads;
  Processes found;
  bool told = list(group_, 0, buffer, found);
  counts_.processes = told ? static_cast<double>(found.count) : model::missing;
  if (!due) return counts_;
  looks_ = 0;
  counts_.descriptors = model::missing;
  if (!told) return counts_;
  // This process has some: where the kernel says none of it, it says none of any.
  if (found.count > most_counted_descriptors || descriptors_of(proc_root_, "self") == 0) return counts_;
  std::uint64_t descriptors = 0;
  for (const std::string& each : found.numbers) descriptors += descriptors_of(proc_root_, each);
  counts_.descriptors = static_cast<double>(descriptors);
  return counts_;
}

}  // namespace mien::edge
