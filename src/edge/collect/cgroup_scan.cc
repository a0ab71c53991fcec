#include "edge/collect/cgroup_scan.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// One hierarchy's walk. Results are put together over all hierarchies in `found`.
class Walk {
 public:
  Walk(std::string root, bool systemd, ProblemList& problems, std::map<std::string, FoundCgroup>& found)
      : root_(std::move(root)), systemd_(systemd), problems_(problems), found_(found) {}

  void run() { visit_children("", 0); }

 private:
  void visit_children(const std::string& path, int depth) {
    std::string directory = path.empty() ? root_ : root_ + "/" + path;
    std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()), &::closedir);
    if (!handle) {
      if (errno != ENOENT) problems_.add_unreadable(directory, errno, "what runs below it");
      return;  // ENOENT: it ended while we walked
    }
    std::vector<std::string> children;
    while (dirent* entry = ::readdir(handle.get())) {
      std::string_view name = entry->d_name;
      if (name == "." || name == ".." || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)) continue;
      children.emplace_back(name);
    }
    std::sort(children.begin(), children.end());
    for (const std::string& child : children) {
      if (++seen_ > most_cgroups) {
        problems_.add(cat(root_, ": more than ", most_cgroups, " cgroups; the rest is not collected"));
        return;
      }
      visit(path.empty() ? child : path + "/" + child, depth + 1);
    }
  }

  void visit(const std::string& path, int depth) {
    CgroupRole role = classify_cgroup(path);
    if (role.visit == CgroupRole::Visit::skip) return;
    if (role.visit == CgroupRole::Visit::instance) return add(path, std::move(role));
    struct stat info {};
    std::string directory = root_ + "/" + path;
    if (::stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return;
    // A directory's link count is two more than its subdirectories wherever it is counted at all.
    bool leaf = info.st_nlink == 2;
    if (!leaf && depth < deepest_cgroup) {
      std::size_t before = seen_;
      visit_children(path, depth);
      leaf = seen_ == before;
    }
    if (leaf && !systemd_ && has_processes(directory)) {
      role.visit = CgroupRole::Visit::instance;
      role.unit = generic_unit(path);
      add(path, std::move(role));
    }
  }

  void add(const std::string& path, CgroupRole role) {
    std::string unit = role.unit;
    auto [at, added] = found_.emplace(unit, FoundCgroup{.path = path, .role = std::move(role)});
    if (!added && at->second.path != path) {
      problems_.add(cat("two cgroups are called ", unit, ": ", at->second.path, " is collected, ", path, " is not"));
    }
  }

  static bool has_processes(const std::string& directory) {
    ReadBuffer buffer;
    auto text = KernelFile(directory + "/cgroup.procs").read(buffer);
    return text && !text->empty();
  }

  const std::string root_;
  const bool systemd_;
  ProblemList& problems_;
  std::map<std::string, FoundCgroup>& found_;
  std::size_t seen_ = 0;
};

}  // namespace

CgroupMounts find_cgroup_mounts(const std::string& sys_root) {
  const std::string base = sys_root + "/fs/cgroup";
  CgroupMounts mounts;
  if (exists(base + "/cgroup.controllers")) {
    mounts.unified = base;
    return mounts;
  }
  auto first_of = [&](std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (exists(base + "/" + name + "/cgroup.procs")) return base + "/" + name;
    }
    return std::string{};
  };
  mounts.unified = first_of({"unified"});
  mounts.cpuacct = first_of({"cpuacct", "cpu,cpuacct", "cpuacct,cpu"});
  mounts.cpu = first_of({"cpu", "cpu,cpuacct", "cpuacct,cpu"});
  mounts.memory = first_of({"memory"});
  mounts.blkio = first_of({"blkio"});
  mounts.pids = first_of({"pids"});
  mounts.named = first_of({"systemd"});
  return mounts;
}

std::map<std::string, FoundCgroup> scan_cgroups(const CgroupMounts& mounts, ProblemList& problems) {
  std::map<std::string, FoundCgroup> found;
  std::set<std::string> roots;
  for (const std::string* root :
       {&mounts.unified, &mounts.named, &mounts.cpuacct, &mounts.cpu, &mounts.memory, &mounts.blkio, &mounts.pids}) {
    if (!root->empty()) roots.insert(*root);
  }
  bool systemd = std::any_of(roots.begin(), roots.end(), [](const std::string& root) {
    return exists(root + "/system.slice") || exists(root + "/init.scope");
  });
  for (const std::string& root : roots) Walk(root, systemd, problems, found).run();
  return found;
}

}  // namespace mien::edge
