#include "edge/confine/syscalls.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace mien::edge::detail {
namespace {

// A list of what is denied, not of what is allowed: an allow-list breaks with each new libc, and a monitor that dies of
// an update is worse than none. What is here is what turns a bug in a parser into a foothold. By name: a name that this
// architecture or library does not know is skipped.
constexpr std::array denied{
    // other programs
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
    "pidfd_getfd", "kcmp",
    // the mount tree and other namespaces
    "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
    "fspick", "mount_setattr", "setns", "unshare", "name_to_handle_at", "open_by_handle_at",
    // the kernel itself
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "bpf", "perf_event_open",
    "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "syslog", "lookup_dcookie", "fanotify_init",
    "iopl", "ioperm", "modify_ldt", "personality", "vmsplice", "uselib",
    // keys, accounting, the machine's clock and name
    "keyctl", "add_key", "request_key", "acct", "quotactl", "quotactl_fd", "swapon", "swapoff", "settimeofday",
    "clock_settime", "clock_adjtime", "adjtimex", "stime", "sethostname", "setdomainname", "vhangup"};

constexpr std::array<scmp_datum_t, 8> denied_families{0, 3, 4, 5, 6, 7, 8, 9};  // all below AF_INET6 but unix and IPv4
constexpr std::array<scmp_datum_t, 7> namespace_flags{CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                                      CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ALLOW)) {}
  ~Filter() {
    if (context_ != nullptr) ::seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void deny(int call, int number = EPERM) {
    note(::seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(static_cast<unsigned>(number)), call, 0, nullptr));
  }
  void deny_when(int call, const std::array<scmp_arg_cmp, 1>& one) { add(call, one.data(), 1); }
  void deny_when(int call, const std::array<scmp_arg_cmp, 2>& both) { add(call, both.data(), 2); }

  Status load() {
    if (context_ == nullptr) return failed("seccomp_init", ENOMEM);
    if (problem_ != 0) return failed("seccomp_rule_add", problem_);
    note(::seccomp_attr_set(context_, SCMP_FLTATR_CTL_NNP, 0));  // set before, and by ourselves
    if (int result = ::seccomp_load(context_); result != 0) return failed("seccomp_load", -result);
    return {};
  }

 private:
  void add(int call, const scmp_arg_cmp* comparisons, unsigned count) {
    note(::seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(EPERM), call, count, comparisons));
  }
  void note(int result) {
    if (result != 0 && problem_ == 0) problem_ = -result;
  }
  static Status failed(std::string_view what, int number) {
    return Error{
        .code = Code::io, .message = cat("seccomp: ", what, ": ", std::strerror(number)), .where = {}, .cause = {}};
  }

  scmp_filter_ctx context_;
  int problem_ = 0;
};

scmp_arg_cmp compare(unsigned argument, scmp_compare how, scmp_datum_t a, scmp_datum_t b = 0) {
  return scmp_arg_cmp{.arg = argument, .op = how, .datum_a = a, .datum_b = b};
}

}  // namespace

Status deny_system_calls() {
  Filter filter;
  for (const char* name : denied)
    if (int call = ::seccomp_syscall_resolve_name(name); call != __NR_SCMP_ERROR && call >= 0) filter.deny(call);
  // Threads, yes; processes and namespaces, no. The flags of clone3 lie in memory where a filter cannot see them: libc
  // is told that there is none, and takes clone.
  filter.deny(SCMP_SYS(clone3), ENOSYS);
  filter.deny_when(SCMP_SYS(clone), std::array{compare(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)});
  for (scmp_datum_t flag : namespace_flags)
    filter.deny_when(SCMP_SYS(clone), std::array{compare(0, SCMP_CMP_MASKED_EQ, flag, flag)});
  // Sockets: unix, IPv4 and IPv6, and routing information, which the resolver asks for.
  for (scmp_datum_t family : denied_families)
    filter.deny_when(SCMP_SYS(socket), std::array{compare(0, SCMP_CMP_EQ, family)});
  for (scmp_datum_t family = AF_INET6 + 1; family < AF_NETLINK; ++family)
    filter.deny_when(SCMP_SYS(socket), std::array{compare(0, SCMP_CMP_EQ, family)});
  filter.deny_when(SCMP_SYS(socket), std::array{compare(0, SCMP_CMP_GT, AF_NETLINK)});
  filter.deny_when(SCMP_SYS(socket), std::array{compare(0, SCMP_CMP_EQ, AF_NETLINK), compare(2, SCMP_CMP_NE, 0)});
  // Pushing input into the terminal that started us.
  filter.deny_when(SCMP_SYS(ioctl), std::array{compare(1, SCMP_CMP_EQ, 0x5412)});  // TIOCSTI
  return filter.load();
}

}  // namespace mien::edge::detail
