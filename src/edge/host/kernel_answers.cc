#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "edge/collect/kernel_file.h"
#include "edge/collect/procfs.h"
#include "edge/drive/host_hand.h"
#include "edge/guests/guests.h"
#include "edge/host/doctor.h"
#include "edge/sense/sense.h"

namespace mien::edge {
namespace {

// landlock_create_ruleset(2) with this flag answers the version of the interface; older headers lack both.
constexpr long landlock_create_ruleset = 444;
constexpr unsigned long landlock_version = 1;

// The errno of opening something that is closed again at once.
int error_of(long descriptor) {
  if (descriptor < 0) return errno;
  ::close(static_cast<int>(descriptor));
  return 0;
}

// The smallest thing that needs bpf(2): a map of one number.
int try_bpf() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 8;
  attributes.max_entries = 1;
  return error_of(::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

int try_port(std::uint16_t port) {
  int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  int reuse = 1;  // as the server does: connections that are still closing do not count
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int error = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  ::close(descriptor);
  return error;
}

// The directory, or the nearest one above it that exists.
std::string nearest_existing(std::string path) {
  while (path.size() > 1 && ::access(path.c_str(), F_OK) != 0) {
    std::size_t slash = path.rfind('/');
    path = slash == std::string::npos ? "." : path.substr(0, slash);
    if (path.empty()) path = "/";
  }
  return path;
}

int try_write(const std::string& path) {
  return ::access(nearest_existing(path).c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

std::uint64_t effective_capabilities() {
  std::string status = read_text("/proc/self/status").value_or(std::string{});
  std::string_view text = status;
  std::string_view line;
  while (next_line(text, line)) {
    constexpr std::string_view key = "CapEff:";
    if (line.substr(0, key.size()) != key) continue;
    line.remove_prefix(key.size());
    std::string_view word = next_word(line);
    std::uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value, 16);
    return value;
  }
  return 0;
}

}  // namespace

KernelAnswers ask_kernel(const DoctorOptions& options) {
  KernelAnswers out;
  out.bpf_error = try_bpf();
  long abi = ::syscall(landlock_create_ruleset, nullptr, 0UL, landlock_version);
  out.landlock_abi = abi > 0 ? static_cast<int>(abi) : 0;
  // Fails with EFAULT where filters exist (the null program is what it minds), with EINVAL where they do not.
  out.seccomp_filter = ::prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, nullptr, 0, 0) != 0 && errno == EFAULT;
  out.inotify_error = error_of(::inotify_init1(IN_CLOEXEC));
  out.fanotify_error = error_of(::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY));
  out.kvm_error = error_of(::open((options.roots.root + "/dev/kvm").c_str(), O_RDWR | O_CLOEXEC));
  out.port_error = try_port(options.port);
  out.run_dir_error = try_write(options.run_dir);
  timex time{};
  out.clock_synchronised = ::adjtimex(&time) >= 0 && (time.status & STA_UNSYNC) == 0;
  out.root = ::geteuid() == 0;
  out.capabilities = effective_capabilities();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.descriptors_soft = limit.rlim_cur;
    out.descriptors_hard = limit.rlim_max;
  }
  struct statvfs disk {};
  if (::statvfs(nearest_existing(options.data_dir).c_str(), &disk) == 0) {
    out.disk_total = disk.f_blocks * disk.f_frsize;
    out.disk_free = disk.f_bavail * disk.f_frsize;
  }
  out.data_dir_writable = try_write(options.data_dir) == 0;
  out.hand = make_host_hand({.host = "localhost",
                             .sys_root = options.roots.sys_root,
                             .proc_root = options.roots.proc_root,
                             .run_root = options.roots.root + "/run"})
                 ->abilities();
  out.sensors = probe_sensors({.host = "localhost",
                               .identities = {},
                               .settings = {},
                               .proc_root = options.roots.proc_root,
                               .sys_root = options.roots.sys_root});
  out.sensors.push_back(probe_guests({.host = "localhost", .run_root = options.roots.root + "/run"}));
  return out;
}

}  // namespace mien::edge
