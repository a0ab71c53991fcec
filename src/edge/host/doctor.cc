#include "edge/host/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "edge/collect/cgroup_scan.h"
#include "edge/collect/kernel_file.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
constexpr double gibibyte = 1024.0 * mebibyte;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
std::string read_line(const std::string& path) { return std::string(trim(read_text(path).value_or(std::string{}))); }
std::string words_of(int error) { return ::strerror(error); }
std::string human(double bytes) {
  return bytes >= gibibyte ? cat(mien::to_text(bytes / gibibyte, 3), " GiB")
                           : cat(mien::to_text(bytes / mebibyte, 3), " MiB");
}

Check works(std::string name, std::string found, std::string meaning) {
  return {.name = std::move(name),
          .status = CheckStatus::works,
          .found = std::move(found),
          .meaning = std::move(meaning),
          .remedy = {}};
}
// What is not as it should be; the remedy says what to install or do.
Check lacks(CheckStatus status, Check check, std::string remedy) {
  check.status = status;
  check.remedy = std::move(remedy);
  return check;
}
Check limited(Check check, std::string remedy) {
  return lacks(CheckStatus::limited, std::move(check), std::move(remedy));
}
Check missing(Check check, std::string remedy) {
  return lacks(CheckStatus::missing, std::move(check), std::move(remedy));
}

// "5.10.0-28-amd64": 5 and 10.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_release(std::string_view release) {
  auto parts = split(release, '.');
  if (parts.size() < 2) return std::nullopt;
  std::string_view minor = parts[1].substr(0, parts[1].find_first_not_of("0123456789"));
  auto first = parse_count(parts[0]);
  auto second = parse_count(minor);
  if (!first || !second) return std::nullopt;
  return std::pair(*first, *second);
}

Check check_kernel(const HostRoots& roots) {
  std::string release = read_line(roots.proc_root + "/sys/kernel/osrelease");
  Check check = works("kernel", release.empty() ? "unknown" : "Linux " + release,
                      "collectors, sensors and limits rest on what the kernel offers");
  auto version = parse_release(release);
  if (!version) return limited(check, "mount the proc filesystem: mount -t proc proc /proc");
  if (*version < std::pair<std::uint64_t, std::uint64_t>(4, 18)) {
    return missing(check, "Linux 4.18 is the oldest that is supported; 5.10 or newer has everything");
  }
  if (*version < std::pair<std::uint64_t, std::uint64_t>(5, 10))
    return limited(check, "Linux 5.10 or newer has everything; older ones lack some sensors");
  return check;
}

Check check_cgroups(const HostRoots& roots) {
  const std::string meaning = "services and containers are seen as instances by their control groups";
  const std::string unify =
      "boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line, or mount -t cgroup2 none "
      "/sys/fs/cgroup";
  CgroupMounts mounts = find_cgroup_mounts(roots.sys_root);
  if (mounts.none()) {
    return missing(works("cgroups", "no hierarchy is mounted", meaning),
                   "mount -t cgroup2 none /sys/fs/cgroup; until then only the host itself is seen");
  }
  bool only_v2 = mounts.unified == roots.sys_root + "/fs/cgroup";
  std::string controllers = mounts.unified.empty() ? std::string{} : read_line(mounts.unified + "/cgroup.controllers");
  if (only_v2) {
    std::string lacking;
    for (const char* wanted : {"cpu", "memory", "io", "pids"}) {
      auto all = split(controllers, ' ');
      if (std::find(all.begin(), all.end(), wanted) == all.end()) lacking += cat(lacking.empty() ? "" : " ", wanted);
    }
    Check check =
        works("cgroups", cat("version 2 (", controllers.empty() ? "no controllers" : controllers, ")"), meaning);
    if (lacking.empty()) return check;
    return limited(check, cat("these controllers are not available here: ", lacking,
                              "; enable them above this control group, or mind cgroup_disable= at boot"));
  }
  std::string found = "version 1 (";
  for (auto [name, path] : {std::pair("cpuacct", &mounts.cpuacct), std::pair("memory", &mounts.memory),
                            std::pair("blkio", &mounts.blkio), std::pair("pids", &mounts.pids)}) {
    if (!path->empty()) found += cat(found.back() == '(' ? "" : " ", name);
  }
  found += mounts.unified.empty() ? ")" : ") beside version 2";
  return limited(works("cgroups", found, meaning + "; version 1 has no pressure and fewer limits"), unify);
}

Check check_pressure(const HostRoots& roots) {
  Check check =
      works("pressure", "PSI is on", "time lost to CPU, memory and I/O shortage is the earliest sign of trouble");
  if (exists(roots.proc_root + "/pressure/cpu") && read_text(roots.proc_root + "/pressure/cpu")) return check;
  check.found = "no /proc/pressure";
  return limited(check, "boot with psi=1 on the kernel command line (kernel built with CONFIG_PSI)");
}

Check check_systemd(const HostRoots& roots) {
  std::string first = read_line(roots.proc_root + "/1/comm");
  Check check = works("systemd", cat("process 1 is ", first.empty() ? "unknown" : first),
                      "services are changed through systemd where it is process 1");
  if (first == "systemd") return check;
  return limited(check,
                 "nothing to do: control groups are used directly; restarting services needs an init that is known");
}

Check check_ebpf(const HostRoots& roots, const KernelAnswers& answers) {
  bool btf = exists(roots.sys_root + "/kernel/btf/vmlinux");
  Check check = works(
      "ebpf",
      cat(answers.bpf_error == 0 ? "bpf works" : "bpf: " + words_of(answers.bpf_error), btf ? ", BTF" : ", no BTF"),
      "system calls, executed programs and connections are watched with eBPF");
  if (answers.bpf_error == EPERM || answers.bpf_error == EACCES) {
    return limited(
        check, "run the agent as root or with CAP_BPF and CAP_PERFMON; inside a container the container needs them");
  }
  if (answers.bpf_error != 0) return limited(check, "a kernel with CONFIG_BPF_SYSCALL is needed for behaviour sensors");
  if (!btf)
    return limited(check,
                   "a kernel with CONFIG_DEBUG_INFO_BTF (Debian 11, Ubuntu 20.10 and newer have it) is needed for "
                   "sensors that fit every kernel");
  return check;
}

Check check_confinement(const KernelAnswers& answers) {
  Check check = works(
      "confinement",
      cat("Landlock ABI ", answers.landlock_abi, ", seccomp ", answers.seccomp_filter ? "filters" : "without filters"),
      "the manager, which reads what comes from outside, locks itself into its data directory");
  if (answers.landlock_abi == 0)
    check.found = cat("no Landlock, seccomp ", answers.seccomp_filter ? "filters" : "without filters");
  if (!answers.seccomp_filter)
    return limited(check, "a kernel with CONFIG_SECCOMP_FILTER is needed, or a container profile that allows it");
  if (answers.landlock_abi == 0)
    return limited(
        check, "add landlock to lsm= on the kernel command line (kernel 5.13 or newer with CONFIG_SECURITY_LANDLOCK)");
  return check;
}

Check check_capabilities(const KernelAnswers& answers) {
  struct Wanted {
    unsigned bit;
    const char* name;
  };
  constexpr std::array<Wanted, 5> wanted{{{2, "CAP_DAC_READ_SEARCH"},
                                          {12, "CAP_NET_ADMIN"},
                                          {19, "CAP_SYS_PTRACE"},
                                          {21, "CAP_SYS_ADMIN"},
                                          {24, "CAP_SYS_RESOURCE"}}};
  std::string lacking;
  for (const Wanted& each : wanted) {
    if ((answers.capabilities >> each.bit & 1U) == 0) lacking += cat(lacking.empty() ? "" : " ", each.name);
  }
  Check check =
      works("privileges",
            cat(answers.root ? "root" : "not root", lacking.empty() ? ", all capabilities" : ", without " + lacking),
            "the agent reads other users' processes and, where it is allowed to, changes limits");
  if (lacking.empty()) return check;
  return limited(check, answers.root ? "this root is confined (a container?): what needs these capabilities is left out"
                                     : "run the agent as root (sudo mien up); without it the host and its services are "
                                       "seen, and nothing can be changed");
}

// The host's hand: which verbs of a policy work on services here, and why the others do not.
Check check_actions(const KernelAnswers& answers) {
  std::string can, lacking;
  for (const node::Hand::Ability& ability : answers.hand) {
    std::string_view verb = model::to_text(ability.verb);
    if (ability.works)
      can += cat(can.empty() ? "" : ", ", verb, ability.verb == model::Verb::lockdown ? " (freeze)" : "");
    else lacking += cat(lacking.empty() ? "" : "; ", verb, ": ", ability.why_not);
  }
  if (!answers.root) can.clear();
  Check check = works("actions", can.empty() ? "nothing can be changed" : can,
                      "what policies may do to the services of this host, and to its kernel settings, where agent.yaml "
                      "allows it");
  if (!answers.root) return limited(check, "run the agent as root (sudo mien up); until then it only watches");
  if (lacking.empty() && !can.empty()) return check;
  return limited(check, lacking.empty() ? "mount the cgroup2 and proc filesystems" : lacking);
}

Check check_watches(const HostRoots& roots, const KernelAnswers& answers) {
  Check check = works("file-watch",
                      cat("inotify ", answers.inotify_error == 0 ? "works" : words_of(answers.inotify_error),
                          ", fanotify ", answers.fanotify_error == 0 ? "works" : words_of(answers.fanotify_error)),
                      "changed programs and configuration files are noticed");
  if (answers.inotify_error != 0) {
    std::string most = read_line(roots.proc_root + "/sys/fs/inotify/max_user_instances");
    return limited(check, cat("raise fs.inotify.max_user_instances",
                              most.empty() ? std::string{} : cat(" (now ", most, ")"), " with sysctl"));
  }
  if (answers.fanotify_error != 0)
    return limited(check, "run the agent as root; single files are watched with inotify until then");
  return check;
}

Check check_kvm(const KernelAnswers& answers) {
  Check check =
      works("kvm", answers.kvm_error == 0 ? "/dev/kvm can be used" : "/dev/kvm: " + words_of(answers.kvm_error),
            "guests run at full speed; without it QEMU emulates");
  if (answers.kvm_error == 0) return check;
  if (answers.kvm_error == EACCES || answers.kvm_error == EPERM)
    return limited(check, "join the group kvm (usermod -aG kvm USER), or run as root");
  return limited(check,
                 "nothing to do unless this host shall run guests: then load kvm_intel or kvm_amd and enable "
                 "virtualisation in the firmware");
}

Check check_hypervisors(const HostRoots& roots) {
  std::string found;
  for (auto [name, path] :
       {std::pair("libvirt", "/run/libvirt/libvirt-sock"),
        std::pair("libvirt (modular)", "/run/libvirt/virtqemud-sock"), std::pair("LXD", "/var/lib/lxd/unix.socket"),
        std::pair("LXD (snap)", "/var/snap/lxd/common/lxd/unix.socket"),
        std::pair("Incus", "/var/lib/incus/unix.socket")}) {
    if (exists(roots.root + path)) found += cat(found.empty() ? "" : ", ", name);
  }
  Check check = works("hypervisor", found.empty() ? "no libvirt, LXD or Incus socket" : found,
                      "guests and system containers are seen and can be treated");
  if (!found.empty()) return check;
  return limited(check,
                 "nothing to do unless this host runs guests: then apt-get install libvirt-daemon-system, or lxd");
}

Check check_nft(const HostRoots& roots) {
  Check check = works("nftables", "", "a lockdown is made of nftables rules that end by themselves");
  for (const char* path : {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"}) {
    if (!exists(roots.root + path)) continue;
    check.found = path;
    return check;
  }
  check.found = "no nft program";
  return limited(check, "apt-get install nftables");
}

Check check_clock(const KernelAnswers& answers) {
  Check check = works("clock", answers.clock_synchronised ? "synchronised" : "not synchronised",
                      "samples are judged by their time, and a fleet's findings are put in order by it");
  if (answers.clock_synchronised) return check;
  return limited(
      check, "apt-get install chrony (or systemd-timesyncd); inside a guest or container the host may do it unseen");
}

Check check_disk(const DoctorOptions& options, const KernelAnswers& answers) {
  Check check = works("data", options.data_dir + ": ", "history, findings and the audit are kept there");
  if (!answers.disk_free || !answers.disk_total) {
    check.found += "cannot be asked";
    return missing(check, "choose another directory with --data DIR");
  }
  double free = static_cast<double>(*answers.disk_free);
  check.found += human(free) + " free" + (answers.data_dir_writable ? "" : ", not writable");
  if (!answers.data_dir_writable)
    return missing(check, "run as root, or choose a directory of your own with --data DIR");
  if (free < 128 * mebibyte)
    return missing(check, "make room: at least 128 MiB, better 3 GiB; or choose another disk with --data DIR");
  if (free < 3 * gibibyte || free < 0.1 * static_cast<double>(*answers.disk_total)) {
    return limited(check,
                   "make room or set store_limit lower: a tenth of the disk is always left free, so history is shorter "
                   "than 48 hours");
  }
  return check;
}

Check check_memory(const HostRoots& roots) {
  auto text = read_text(roots.proc_root + "/meminfo");
  auto memory = text ? parse_meminfo(*text) : std::nullopt;
  Check check =
      works("memory", memory ? human(static_cast<double>(memory->available)) + " available" : "cannot be asked",
            "an agent needs 20 MiB, an embedded manager about 100 MiB");
  if (!memory) return limited(check, "mount the proc filesystem: mount -t proc proc /proc");
  double available = static_cast<double>(memory->available);
  if (available < 32 * mebibyte) return missing(check, "give the host more memory");
  if (available < 128 * mebibyte)
    return limited(check, "run only the agent here (mien agent) and the manager elsewhere");
  return check;
}

Check check_port(const DoctorOptions& options, const KernelAnswers& answers) {
  Check check =
      works("port",
            cat("127.0.0.1:", options.port, answers.port_error == 0 ? " is free" : ": " + words_of(answers.port_error)),
            "the web page, the API and telemetry of others come in there");
  if (answers.port_error == 0) return check;
  if (answers.port_error == EADDRINUSE) {
    return limited(check, cat("fine if it is Mien itself that listens; else see who does (ss -ltnp 'sport = :",
                              options.port, "') or choose another with --listen"));
  }
  return missing(check, "choose another address with --listen; ports below 1024 need root");
}

Check check_run_dir(const DoctorOptions& options, const KernelAnswers& answers) {
  Check check =
      works("run-dir",
            options.run_dir + (answers.run_dir_error == 0 ? " can be written" : ": " + words_of(answers.run_dir_error)),
            "the token of the command line and the socket between agent and manager are there");
  if (answers.run_dir_error == 0) return check;
  return limited(check, "run as root; without it $XDG_RUNTIME_DIR/mien is used, for your own commands only");
}

Check check_descriptors(const KernelAnswers& answers) {
  constexpr std::uint64_t enough = 1024;
  Check check = works("descriptors", cat(answers.descriptors_soft, " files (at most ", answers.descriptors_hard, ")"),
                      "kernel files are kept open: up to nine for each service, one for each connection");
  if (answers.descriptors_soft >= enough) return check;
  if (answers.descriptors_soft < 256)
    return missing(check, "raise the limit: ulimit -n 4096, or LimitNOFILE=4096 in the unit");
  return limited(check, "raise the limit: ulimit -n 4096, or LimitNOFILE=4096 in the unit");
}

Check check_identity(const HostRoots& roots) {
  HostIdentity identity = read_host_identity(roots);
  Check check =
      works("identity",
            cat(identity.name, identity.machine_id.empty() ? ", no machine id" : ", machine id " + identity.machine_id),
            "the host is known again by its machine id after it was renamed, and its guests by their SMBIOS UUID");
  if (identity.machine_id.empty())
    return limited(check,
                   "systemd-machine-id-setup, or dbus-uuidgen --ensure=/etc/machine-id; in an image leave it empty");
  return check;
}

// One check for each sensor: by what it sees here, or why it does not.
void add_sensors(const KernelAnswers& answers, std::vector<Check>& checks) {
  for (const SensorState& each : answers.sensors) {
    Check check{.name = cat("sensor-", each.name),
                .status = CheckStatus::works,
                .found = each.mechanism.empty() ? each.why : each.mechanism,
                .meaning = each.name == "guests" ? "guests without an agent in them are instances"
                                                 : "security facts of this host; sensors only watch",
                .remedy = {}};
    if (each.status != SensorState::Status::works) {
      bool less = each.status == SensorState::Status::limited;
      if (less) check.meaning = each.why;
      check = lacks(less ? CheckStatus::limited : CheckStatus::missing, std::move(check), each.remedy);
    }
    checks.push_back(std::move(check));
  }
}

}  // namespace

std::string_view to_text(CheckStatus status) {
  switch (status) {
    case CheckStatus::works: return "works";
    case CheckStatus::limited: return "limited";
    case CheckStatus::missing: return "missing";
  }
  return "unknown";
}

std::vector<Check> examine(const DoctorOptions& options, const KernelAnswers& answers) {
  const HostRoots& roots = options.roots;
  std::vector<Check> checks{check_kernel(roots),          check_cgroups(roots),         check_pressure(roots),
                            check_systemd(roots),         check_ebpf(roots, answers),   check_confinement(answers),
                            check_capabilities(answers),  check_actions(answers),       check_watches(roots, answers),
                            check_kvm(answers),           check_hypervisors(roots),     check_nft(roots),
                            check_clock(answers),         check_identity(roots),        check_memory(roots),
                            check_disk(options, answers), check_port(options, answers), check_run_dir(options, answers),
                            check_descriptors(answers)};
  add_sensors(answers, checks);
  return checks;
}

bool can_run(const std::vector<Check>& checks) {
  constexpr std::array<std::string_view, 5> needed{"kernel", "memory", "data", "port", "descriptors"};
  return std::none_of(checks.begin(), checks.end(), [&](const Check& check) {
    return check.status == CheckStatus::missing && std::find(needed.begin(), needed.end(), check.name) != needed.end();
  });
}

}  // namespace mien::edge
