#include "edge/host/doctor.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/fake_tree.h"
#include "wire/document.h"

namespace mien::edge {
namespace {

const Check* find(const std::vector<Check>& checks, std::string_view name) {
  for (const Check& check : checks) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

// A host on which everything works; tests take things away.
class Doctor : public ::testing::Test {
 protected:
  Doctor() {
    tree.write("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
    tree.write("proc/sys/kernel/hostname", "web-01\n");
    tree.write("proc/1/comm", "systemd\n");
    tree.write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\n");
    tree.write("proc/pressure/cpu", "some avg10=0 avg60=0 avg300=0 total=0\n");
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    tree.write("sys/kernel/btf/vmlinux", "BTF");
    tree.write("run/libvirt/libvirt-sock", "");
    tree.write("usr/sbin/nft", "");
    tree.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    options.roots = {.root = tree.path(), .proc_root = tree.path("proc"), .sys_root = tree.path("sys")};
    answers.landlock_abi = 4;
    answers.seccomp_filter = true;
    answers.clock_synchronised = true;
    answers.root = true;
    answers.capabilities = ~std::uint64_t{0};
    answers.descriptors_soft = 1024;
    answers.descriptors_hard = 524288;
    answers.disk_total = std::uint64_t{100} << 30U;
    answers.disk_free = std::uint64_t{50} << 30U;
    answers.data_dir_writable = true;
    for (model::Verb verb : {model::Verb::limit, model::Verb::lockdown})
      answers.hand.push_back({.verb = verb, .works = true, .why_not = {}});
  }
  Check check(std::string_view name) {
    std::vector<Check> checks = examine(options, answers);
    const Check* found = find(checks, name);
    EXPECT_NE(found, nullptr) << name;
    return found ? *found : Check{};
  }
  void expect(std::string_view name, CheckStatus status, std::string_view in_remedy) {
    Check found = check(name);
    EXPECT_EQ(to_text(found.status), to_text(status)) << name << ": " << found.found;
    EXPECT_NE(found.remedy.find(in_remedy), std::string::npos) << name << ": " << found.remedy;
  }
  testing::FakeTree tree;
  DoctorOptions options;
  KernelAnswers answers;
};

TEST_F(Doctor, FindsNothingToDoOnAGoodHost) {
  for (const Check& each : examine(options, answers)) {
    EXPECT_EQ(to_text(each.status), "works") << each.name << ": " << each.found;
    EXPECT_TRUE(each.remedy.empty()) << each.name;
    EXPECT_FALSE(each.found.empty()) << each.name;
    EXPECT_FALSE(each.meaning.empty()) << each.name;
  }
  EXPECT_TRUE(can_run(examine(options, answers)));
}

TEST_F(Doctor, OldKernelsAreLimitedOrRefused) {
  tree.write("proc/sys/kernel/osrelease", "5.4.0-1-generic\n");
  expect("kernel", CheckStatus::limited, "5.10");
  tree.write("proc/sys/kernel/osrelease", "3.10.0-1160.el7\n");
  expect("kernel", CheckStatus::missing, "4.18");
  EXPECT_FALSE(can_run(examine(options, answers)));
  tree.write("proc/sys/kernel/osrelease", "garbage\n");
  expect("kernel", CheckStatus::limited, "mount");
}

TEST_F(Doctor, CgroupsAreVersionTwoOrSaidWhatToDo) {
  tree.write("sys/fs/cgroup/cgroup.controllers", "cpu pids\n");
  expect("cgroups", CheckStatus::limited, "memory io");
  tree.remove("sys/fs/cgroup");
  expect("cgroups", CheckStatus::missing, "mount -t cgroup2");
  EXPECT_TRUE(can_run(examine(options, answers)));
  tree.write("sys/fs/cgroup/memory/cgroup.procs", "1\n");
  tree.write("sys/fs/cgroup/unified/cgroup.procs", "1\n");
  expect("cgroups", CheckStatus::limited, "systemd.unified_cgroup_hierarchy=1");
  EXPECT_EQ(check("cgroups").found, "version 1 (memory) beside version 2");
}

TEST_F(Doctor, SaysWhatTheKernelDoesNotOffer) {
  tree.remove("proc/pressure");
  expect("pressure", CheckStatus::limited, "psi=1");
  tree.write("proc/1/comm", "init\n");
  expect("systemd", CheckStatus::limited, "control groups");
  answers.bpf_error = EPERM;
  expect("ebpf", CheckStatus::limited, "CAP_BPF");
  answers.bpf_error = ENOSYS;
  expect("ebpf", CheckStatus::limited, "CONFIG_BPF_SYSCALL");
  answers.bpf_error = 0;
  tree.remove("sys/kernel/btf/vmlinux");
  expect("ebpf", CheckStatus::limited, "BTF");
  answers.landlock_abi = 0;
  expect("confinement", CheckStatus::limited, "lsm=");
  answers.seccomp_filter = false;
  expect("confinement", CheckStatus::limited, "SECCOMP");
}

TEST_F(Doctor, SaysWhatThisProcessMayNotDo) {
  answers.root = false;
  answers.capabilities = 0;
  expect("privileges", CheckStatus::limited, "sudo mien up");
  answers.root = true;
  answers.capabilities = ~(std::uint64_t{1} << 21U);
  expect("privileges", CheckStatus::limited, "container");
  EXPECT_EQ(check("privileges").found, "root, without CAP_SYS_ADMIN");
  answers.fanotify_error = EPERM;
  expect("file-watch", CheckStatus::limited, "root");
  answers.inotify_error = EMFILE;
  expect("file-watch", CheckStatus::limited, "max_user_instances");
  answers.run_dir_error = EACCES;
  expect("run-dir", CheckStatus::limited, "XDG_RUNTIME_DIR");
  answers.kvm_error = EACCES;
  expect("kvm", CheckStatus::limited, "group kvm");
}

TEST_F(Doctor, SaysWhatTheAgentCanChangeAndWhyNot) {
  EXPECT_EQ(check("actions").found, "limit, lockdown (freeze)");
  answers.hand[0] = {.verb = model::Verb::limit, .works = false, .why_not = "no controller is mounted"};
  expect("actions", CheckStatus::limited, "limit: no controller is mounted");
  EXPECT_EQ(check("actions").found, "lockdown (freeze)");
  answers.root = false;
  expect("actions", CheckStatus::limited, "as root");
  EXPECT_EQ(check("actions").found, "nothing can be changed");
}

TEST_F(Doctor, NamesTheWayOfEachSensorAndWhyNotABetterOne) {
  using enum SensorState::Status;
  answers.sensors = {
      {.name = "executions", .status = works, .mechanism = "eBPF exec", .why = {}, .remedy = {}},
      {.name = "writes", .status = limited, .mechanism = "fanotify", .why = "no BTF", .remedy = "another kernel"},
      {.name = "logins", .status = missing, .mechanism = {}, .why = "no log", .remedy = "install rsyslog"}};
  Check good = check("sensor-executions");
  EXPECT_EQ(good.status, CheckStatus::works);
  EXPECT_EQ(good.found, "eBPF exec");
  EXPECT_TRUE(good.remedy.empty());
  Check less = check("sensor-writes");
  EXPECT_EQ(less.status, CheckStatus::limited);
  EXPECT_EQ(less.found, "fanotify");
  EXPECT_EQ(less.meaning, "no BTF");
  EXPECT_EQ(less.remedy, "another kernel");
  Check none = check("sensor-logins");
  EXPECT_EQ(none.status, CheckStatus::missing);
  EXPECT_EQ(none.found, "no log");
  EXPECT_TRUE(can_run(examine(options, answers))) << "mien up runs without sensors";
}

TEST_F(Doctor, SaysWhatToInstall) {
  tree.remove("usr/sbin/nft");
  expect("nftables", CheckStatus::limited, "apt-get install nftables");
  tree.remove("run/libvirt");
  expect("hypervisor", CheckStatus::limited, "apt-get install libvirt-daemon-system");
  answers.clock_synchronised = false;
  expect("clock", CheckStatus::limited, "chrony");
  answers.kvm_error = ENOENT;
  expect("kvm", CheckStatus::limited, "nothing to do");
}

TEST_F(Doctor, RoomForTheDataIsAskedFor) {
  answers.disk_free = std::uint64_t{1} << 30U;
  expect("data", CheckStatus::limited, "store_limit");
  answers.disk_free = std::uint64_t{1} << 20U;
  expect("data", CheckStatus::missing, "--data");
  answers.data_dir_writable = false;
  expect("data", CheckStatus::missing, "--data");
  EXPECT_FALSE(can_run(examine(options, answers)));
  tree.write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 65536 kB\n");
  expect("memory", CheckStatus::limited, "mien agent");
  tree.write("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 1024 kB\n");
  expect("memory", CheckStatus::missing, "more memory");
}

TEST_F(Doctor, APortInUseIsNoReasonToPanic) {
  answers.port_error = EADDRINUSE;
  expect("port", CheckStatus::limited, "ss -ltnp");
  EXPECT_TRUE(can_run(examine(options, answers)));
  answers.port_error = EACCES;
  expect("port", CheckStatus::missing, "--listen");
  EXPECT_FALSE(can_run(examine(options, answers)));
  answers.descriptors_soft = 512;
  expect("descriptors", CheckStatus::limited, "ulimit");
  answers.descriptors_soft = 64;
  expect("descriptors", CheckStatus::missing, "ulimit");
}

TEST_F(Doctor, RendersForPeopleAndForPrograms) {
  answers.clock_synchronised = false;
  tree.write("proc/sys/kernel/osrelease", "6.1.0\x1b[2J\n");
  std::vector<Check> checks = examine(options, answers);
  std::string plain = render(checks, Colour::none);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(plain.find("limited  clock"), std::string::npos) << plain;
  EXPECT_NE(plain.find("-> apt-get install chrony"), std::string::npos);
  EXPECT_NE(plain.find("18 work, 1 limited, 0 missing: mien up runs here."), std::string::npos) << plain;
  EXPECT_NE(render(checks, Colour::ansi).find("\x1b[33mlimited\x1b[0m"), std::string::npos);
  auto document = wire::parse_document(to_json(checks));
  ASSERT_TRUE(document.ok());
  EXPECT_EQ((*document)["checks"].size(), checks.size());
  EXPECT_EQ((*document)["checks"][0]["name"], "kernel");
  EXPECT_EQ((*document)["checks"][0]["status"], "works");
  EXPECT_EQ((*document)["can_run"], true);
}

TEST(DoctorHere, AsksThisKernelWithoutLeavingTraces) {
  testing::FakeTree tree;
  DoctorOptions options;
  options.data_dir = tree.path("data/deeper");
  options.run_dir = tree.path("run");
  options.port = 0;
  std::vector<Check> checks = examine(options);
  EXPECT_GE(checks.size(), 15U);
  EXPECT_EQ(to_text(find(checks, "port")->status), "works");
  EXPECT_NE(to_text(find(checks, "kernel")->status), "missing");
  EXPECT_FALSE(std::filesystem::exists(tree.path("data")));
  EXPECT_FALSE(std::filesystem::exists(tree.path("run")));
}

}  // namespace
}  // namespace mien::edge
