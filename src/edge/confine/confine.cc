#include "edge/confine/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "edge/confine/landlock.h"
#include "edge/confine/syscalls.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MIEN_LEAK_CHECK 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MIEN_LEAK_CHECK 1
#endif

#if defined(MIEN_LEAK_CHECK)
namespace {
bool confined = false;
}
// The leak check at the end of a sanitised program needs ptrace and a process of its own: a confined one has neither.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return confined ? 1 : 0; }
#endif

namespace mien::edge {
namespace {

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Error system_failure(std::string_view doing) {
  return failure(Code::io, cat("cannot ", doing, ": ", std::strerror(errno)));
}

std::size_t count_threads() {
  std::size_t count = 0;
  std::error_code failed;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task", failed)) ++count;
  return count;
}

// The new user must be able to write what root began.
Status give_tree(const std::string& directory, uid_t uid, gid_t gid) {
  std::error_code failed;
  if (::lchown(directory.c_str(), uid, gid) != 0) return system_failure(cat("give ", directory, " to another user"));
  for (auto it = std::filesystem::recursive_directory_iterator(directory, failed);
       !failed && it != std::filesystem::recursive_directory_iterator(); it.increment(failed))
    if (::lchown(it->path().c_str(), uid, gid) != 0)
      return system_failure(cat("give ", it->path().string(), " to another user"));
  return failed ? Status(failure(Code::io, cat(directory, ": ", failed.message()))) : Status{};
}

Status become(const std::string& name, const ConfineOptions& options, Confinement& out) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) {
    out.lacking.push_back(cat("there is no user '", name,
                              "', so the manager runs as root without capabilities: `adduser --system --group ", name,
                              "` makes one"));
    return {};
  }
  uid_t uid = entry->pw_uid;
  gid_t gid = entry->pw_gid;
  if (Status given = give_tree(options.data_directory, uid, gid); !given) return given;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0)
    return system_failure(cat("become the user ", name));
  return {};
}

// First from the bounding set, as long as we may: nothing that is ever executed can bring them back.
Status drop_bounding_set(Confinement& out) {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno != EPERM) return system_failure("shrink the bounding set");
    // Without CAP_SETPCAP, so without root: no_new_privileges has the same effect.
    if (::geteuid() == 0)
      out.lacking.emplace_back("the bounding set of capabilities stays: this root has no CAP_SETPCAP");
    break;
  }
  return {};
}

Status drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> nothing{};
  if (::syscall(SYS_capset, &header, nothing.data()) != 0) return system_failure("drop capabilities");
  return {};
}

}  // namespace

const std::vector<std::string>& default_read_paths() {
  static const std::vector<std::string> paths{"/etc/mien",
                                              "/usr/share/mien",
                                              "/etc/ssl",
                                              "/usr/share/ca-certificates",
                                              "/etc/localtime",
                                              "/usr/share/zoneinfo",
                                              "/etc/resolv.conf",
                                              "/etc/hosts",
                                              "/etc/host.conf",
                                              "/etc/nsswitch.conf",
                                              "/etc/gai.conf",
                                              "/etc/services",
                                              "/etc/protocols",
                                              "/etc/ld.so.cache",
                                              "/usr/lib",
                                              "/usr/lib64",
                                              "/lib",
                                              "/lib64",
                                              "/proc/self",
                                              "/proc/meminfo",
                                              "/proc/stat",
                                              "/proc/loadavg",
                                              "/proc/sys/kernel/random",
                                              "/sys/devices/system/cpu",
                                              "/sys/fs/cgroup",
                                              "/dev/urandom",
                                              "/dev/random"};
  return paths;
}

int landlock_version() { return detail::landlock_abi(); }
bool has_seccomp() { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

Result<Confinement> confine_manager(const ConfineOptions& options) {
  if (count_threads() > 1) return failure(Code::invalid, "a process is confined before it starts threads");
  std::error_code failed;
  std::filesystem::create_directories(options.data_directory, failed);
  if (failed)
    return failure(Code::io, cat("cannot make the data directory ", options.data_directory, ": ", failed.message()));

  Confinement out;
  // Changing the user makes the kernel forget with whose death we die.
  int death_signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
  pid_t parent = ::getppid();

  if (Status done = drop_bounding_set(out); !done) return std::move(done).error();
  if (::geteuid() == 0 && !options.user.empty())
    if (Status done = become(options.user, options, out); !done) return std::move(done).error();
  if (Status done = drop_capabilities(); !done) return std::move(done).error();
  out.capabilities_dropped = true;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_failure("give up new privileges");
  out.no_new_privileges = true;
  if (death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
    if (::getppid() != parent) ::raise(death_signal);
  }

  const passwd* self = ::getpwuid(::geteuid());
  out.user = self != nullptr ? self->pw_name : std::to_string(::geteuid());
  if (detail::landlock_abi() > 0) {
    std::vector<std::string> readable = default_read_paths();
    readable.insert(readable.end(), options.read_paths.begin(), options.read_paths.end());
    std::vector<std::string> writable = options.write_paths;
    writable.push_back(options.data_directory);
    writable.emplace_back("/dev/null");
    if (Status done = detail::landlock_restrict(readable, writable); !done) return std::move(done).error();
    out.landlock_version = detail::landlock_abi();
  } else {
    out.lacking.emplace_back(cat("Landlock is not there, so the manager can reach whatever files the user ", out.user,
                                 " can: it needs Linux 5.13 or newer with `landlock` in the kernel's lsm= list"));
  }
  if (has_seccomp()) {
    if (Status done = detail::deny_system_calls(); !done) return std::move(done).error();
    out.seccomp = true;
  } else {
    out.lacking.emplace_back(
        "seccomp is not there, so every system call is open: it needs a kernel with CONFIG_SECCOMP_FILTER");
  }
#if defined(MIEN_LEAK_CHECK)
  confined = true;
#endif
  return out;
}

}  // namespace mien::edge
