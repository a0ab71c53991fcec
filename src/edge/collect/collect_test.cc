#include "edge/collect/collect.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "edge/collect/cgroup_metrics.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

using model::InstanceReadings;
using model::Reading;

constexpr MonoTime start{1'000'000'000'000};

// A small host: two CPUs, one disk, one interface, one filesystem, PSI, cgroup version 2.
class FakeHost {
 public:
  FakeHost() {
    cpu(1000, 0);
    tree.write("proc/loadavg", "0.50 0.40 0.30 1/200 999\n");
    tree.write(
        "proc/meminfo",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\nBuffers: 10 kB\nCached: 200 kB\nSwapTotal: 0 kB\n");
    tree.write("proc/vmstat", "pgfault 100\npgmajfault 10\npswpin 1\npswpout 2\noom_kill 0\n");
    disks(
        "   8 0 sda 10 0 20 30 40 0 50 60 0 70 80\n   8 1 sda1 10 0 20 30 40 0 50 60 0 70 80\n   7 0 loop0 1 0 1 1 1 0 "
        "1 1 0 1 1\n");
    net("    lo: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n  eth0: 100 10 1 2 0 0 0 0 200 20 3 4 0 0 0 0\n");
    tree.write("proc/self/mountinfo",
               "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n26 25 8:1 /var /srv rw - ext4 /dev/sda1 rw\n27 25 0:5 / /nfs rw - "
               "nfs4 nas:/ rw\n"
               "28 25 0:6 / /fuse rw - fuse.sshfs x rw\n29 25 0:7 / /run rw - tmpfs tmpfs rw\n");
    for (const char* what : {"cpu", "memory", "io"}) {
      tree.write(std::string("proc/pressure/") + what,
                 "some avg10=0 avg60=0 avg300=0 total=3000000\nfull avg10=0 avg60=0 avg300=0 total=1000000\n");
    }
    tree.write("proc/uptime", "4711.25 900.0\n");
    tree.write("proc/sys/fs/file-nr", "1184\t0\t2466170\n");
    tree.write("proc/net/snmp",
               "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoMin MaxConn CurrEstab InSegs\nTcp: 200 -1 12 77\n");
    tree.write("proc/net/sockstat", "sockets: used 14\nTCP: inuse 3 orphan 0 tw 7 alloc 4 mem 0\nUDP: inuse 2 mem 0\n");
    tree.write("proc/net/sockstat6", "TCP6: inuse 1\nUDP6: inuse 1\n");
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
    tree.make_directory("sys/fs/cgroup/system.slice");
  }
  void cpu(int user, int iowait) {
    tree.write("proc/stat", cat("cpu  ", user, " 0 500 9000 ", iowait,
                                " 10 20 30 0 0\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nctxt 50\nprocesses 60\n"
                                "procs_running 2\nprocs_blocked 1\n"));
  }
  void disks(std::string_view text) { tree.write("proc/diskstats", text); }
  void net(std::string_view text) { tree.write("proc/net/dev", cat("Inter-|\n face |\n", text)); }
  void service(const std::string& path, int usage_us, int memory, int idle_cache = 0) {
    std::string base = "sys/fs/cgroup/" + path + "/";
    tree.write(base + "cpu.stat", cat("usage_usec ", usage_us, "\nuser_usec ", usage_us, "\nsystem_usec 0\n"));
    tree.write(base + "memory.current", cat(memory, '\n'));
    tree.write(base + "memory.stat", cat("anon 1\ninactive_file ", idle_cache, '\n'));
    tree.write(base + "memory.events", "low 0\noom 0\noom_kill 3\n");
    tree.write(base + "io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n");
    tree.write(base + "pids.current", "7\n");
    tree.write(base + "cgroup.procs", "101\n102\n103\n");
  }
  CollectOptions options() {
    return {.host = "web-01",
            .identities = {{"host.id", "abc"}},
            .proc_root = tree.path("proc"),
            .sys_root = tree.path("sys"),
            .filesystem_probe = [this](const std::string& mountpoint) -> std::optional<FilesystemUsage> {
              probed.push_back(mountpoint);
              return FilesystemUsage{.total = 1000, .free = 400, .available = 200, .files = 10, .files_free = 5};
            },
            .socket_probe = [this]() -> std::optional<SocketCounts> {
              ++asked;
              return sockets;
            }};
  }
  std::unique_ptr<HostCollector> open() {
    auto collector = HostCollector::open(options());
    EXPECT_TRUE(collector.ok()) << collector.error().to_string();
    return std::move(collector).value();
  }

  testing::FakeTree tree;
  std::vector<std::string> probed;
  // syn_sent, syn_received, fin_wait_1, fin_wait_2, close_wait, last_ack, closing, listen
  std::optional<SocketCounts> sockets = SocketCounts{.of = {1, 0, 0, 2, 5, 0, 0, 4}, .cut = false};
  int asked = 0;
};

const InstanceReadings* find_instance(const std::vector<InstanceReadings>& all, std::string_view name) {
  for (const InstanceReadings& each : all) {
    if (each.instance.value == name) return &each;
  }
  return nullptr;
}
const Reading* find(const InstanceReadings& instance, std::string_view series) {
  for (const Reading& each : instance.readings) {
    if (model::to_text(each.series) == series) return &each;
  }
  return nullptr;
}
double value(const InstanceReadings& instance, std::string_view series) {
  const Reading* reading = find(instance, series);
  EXPECT_NE(reading, nullptr) << series;
  return reading ? reading->value : model::missing;
}
std::size_t count_metric(const InstanceReadings& instance, std::string_view metric) {
  return static_cast<std::size_t>(std::count_if(instance.readings.begin(), instance.readings.end(),
                                                [&](const Reading& r) { return r.series.metric.value == metric; }));
}

TEST(HostCollector, ReadsTheHostInTheUnitsOfTheConventions) {
  FakeHost host;
  auto collector = host.open();
  const InstanceReadings& web = collector->collect(start).front();
  EXPECT_EQ(web.instance.value, "web-01");
  EXPECT_EQ(web.type, model::InstanceType::host);
  EXPECT_EQ(web.identities.at("host.id"), "abc");
  const Reading* cpu = find(web, "system.cpu.utilization");
  ASSERT_NE(cpu, nullptr);
  EXPECT_EQ(cpu->kind, Reading::Kind::busy);
  EXPECT_EQ(cpu->series.kind, model::SeriesKind::gauge);
  EXPECT_DOUBLE_EQ(cpu->capacity, 2);
  EXPECT_NEAR(cpu->value, 15.3, 1e-9);  // (1000 + 500 + 10 + 20) ticks; neither iowait nor steal
  EXPECT_NEAR(value(web, "system.cpu.time{cpu.mode=steal}"), 0.3, 1e-9);
  EXPECT_DOUBLE_EQ(value(web, "system.cpu.load_average.1m"), 0.5);
  EXPECT_DOUBLE_EQ(value(web, "system.memory.usage{state=used}"), 750 * 1024);
  EXPECT_DOUBLE_EQ(value(web, "system.memory.utilization"), 0.75);
  EXPECT_DOUBLE_EQ(value(web, "system.paging.faults{type=minor}"), 90);
  EXPECT_DOUBLE_EQ(value(web, "system.linux.pressure.memory.full"), 1.0);
  EXPECT_DOUBLE_EQ(value(web, "system.disk.io{device=sda,direction=write}"), 50 * 512);
  EXPECT_NEAR(value(web, "system.disk.io_time{device=sda}"), 0.07, 1e-12);
  EXPECT_DOUBLE_EQ(value(web, "system.network.io{device=eth0,direction=transmit}"), 200);
  EXPECT_DOUBLE_EQ(value(web, "system.network.packet.dropped{device=eth0,direction=receive}"), 2);
  EXPECT_DOUBLE_EQ(value(web, "system.filesystem.usage{mountpoint=/,state=used}"), 600);
  EXPECT_DOUBLE_EQ(value(web, "system.filesystem.utilization{mountpoint=/}"), 0.75);
  EXPECT_DOUBLE_EQ(value(web, "system.filesystem.inodes.utilization{mountpoint=/}"), 0.5);
  EXPECT_TRUE(collector->problems().empty()) << collector->problems().front();
}

TEST(HostCollector, LeavesOutWhatWouldCountTwiceOrCouldHang) {
  FakeHost host;
  auto collector = host.open();
  const InstanceReadings& web = collector->collect(start).front();
  EXPECT_EQ(count_metric(web, "system.disk.io_time"), 1U);     // no partition, no loop
  EXPECT_EQ(count_metric(web, "system.network.io"), 2U);       // no loopback
  EXPECT_EQ(host.probed, std::vector<std::string>{"/"});       // no second mount, NFS, FUSE or tmpfs
  EXPECT_EQ(find(web, "system.paging.utilization"), nullptr);  // no swap
}

TEST(HostCollector, ATickInWhichNothingComesOrGoesChangesOnlyValues) {
  FakeHost host;
  host.service("system.slice/nginx.service", 1000, 5000);
  auto collector = host.open();
  auto series_of = [](const std::vector<InstanceReadings>& all) {
    std::vector<const Reading*> places;
    for (const InstanceReadings& each : all) {
      for (const Reading& reading : each.readings) places.push_back(&reading);
    }
    return places;
  };
  auto places = series_of(collector->collect(start));
  std::vector<model::Series> series;
  for (const Reading* reading : places) series.push_back(reading->series);
  std::uint64_t layout = collector->layout();
  host.cpu(2000, 0);
  const auto& after = collector->collect(start + 1s);
  EXPECT_EQ(series_of(after), places);
  for (std::size_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i]->series, series[i]);
  EXPECT_EQ(collector->layout(), layout);
  EXPECT_NEAR(value(after.front(), "system.cpu.time{cpu.mode=user}"), 20.0, 1e-9);
}

std::string connections(std::string_view state) {
  return cat("system.network.connection.count{network.connection.state=", state, ",network.transport=tcp}");
}

TEST(HostCollector, CountsConnectionsByState) {
  FakeHost host;
  auto collector = host.open();
  const InstanceReadings& web = collector->collect(start).front();
  EXPECT_DOUBLE_EQ(value(web, connections("established")), 7) << "without the five that the other side has closed";
  EXPECT_DOUBLE_EQ(value(web, connections("time_wait")), 7);
  EXPECT_DOUBLE_EQ(value(web, connections("close_wait")), 5);
  EXPECT_DOUBLE_EQ(value(web, connections("syn_sent")), 1);
  EXPECT_DOUBLE_EQ(value(web, connections("listen")), 4);
  EXPECT_DOUBLE_EQ(value(web, "system.network.connection.count{network.transport=udp}"), 3);
  EXPECT_EQ(collector->cut(), 0U);
}

TEST(HostCollector, AsksForSocketsEveryTenSecondsAndCountsWhenThereWereTooMany) {
  FakeHost host;
  auto collector = host.open();
  for (int second = 0; second < 10; ++second) collector->collect(start + second * 1s);
  EXPECT_EQ(host.asked, 1);
  host.sockets = SocketCounts{.of = {20'000, 0, 0, 0, 0, 0, 0, 0}, .cut = true};
  const InstanceReadings& web = collector->collect(start + 10s).front();
  EXPECT_DOUBLE_EQ(value(web, connections("syn_sent")), 20'000);
  EXPECT_EQ(collector->cut(), 1U);
  host.sockets.reset();
  EXPECT_TRUE(std::isnan(value(collector->collect(start + 20s).front(), connections("syn_sent"))));
  EXPECT_DOUBLE_EQ(value(web, connections("established")), 12);
}

TEST(HostCollector, ReadsUptimeDescriptorsAndTheLengthOfADisksQueue) {
  FakeHost host;
  auto collector = host.open();
  const InstanceReadings& web = collector->collect(start).front();
  EXPECT_DOUBLE_EQ(value(web, "system.uptime"), 4711.25);
  EXPECT_DOUBLE_EQ(value(web, "system.linux.file_descriptors"), 1184);
  EXPECT_DOUBLE_EQ(value(web, "system.disk.weighted_io_time{device=sda}"), 0.08);
  host.tree.write("proc/sys/fs/file-nr", "2000\t0\t2466170\n");
  EXPECT_DOUBLE_EQ(value(collector->collect(start + 9s).front(), "system.linux.file_descriptors"), 1184);
  EXPECT_DOUBLE_EQ(value(collector->collect(start + 10s).front(), "system.linux.file_descriptors"), 2000);
}

TEST(HostCollector, ReadsTemperaturesAndFrequencyWhereThereAreSome) {
  FakeHost host;
  EXPECT_EQ(count_metric(host.open()->collect(start).front(), "hw.temperature"), 0U);
  EXPECT_EQ(count_metric(host.open()->collect(start).front(), "system.cpu.frequency"), 0U);
  for (const char* zone : {"thermal_zone0", "thermal_zone1"}) {
    host.tree.write(cat("sys/class/thermal/", zone, "/type"), "acpitz\n");
    host.tree.write(cat("sys/class/thermal/", zone, "/temp"), "27800\n");
  }
  EXPECT_DOUBLE_EQ(value(host.open()->collect(start).front(), "hw.temperature{hw.id=acpitz#2}"), 27.8);
  host.tree.write("sys/class/hwmon/hwmon3/name", "coretemp\n");
  host.tree.write("sys/class/hwmon/hwmon3/temp1_input", "45000\n");
  host.tree.write("sys/class/hwmon/hwmon3/temp1_label", "Package id 0\n");
  host.tree.write("sys/class/hwmon/hwmon3/temp2_input", "-273000\n");
  host.tree.write("sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "1000000\n");
  host.tree.write("sys/devices/system/cpu/cpufreq/policy1/scaling_cur_freq", "3000000\n");
  auto collector = host.open();
  const InstanceReadings& web = collector->collect(start).front();
  EXPECT_DOUBLE_EQ(value(web, "hw.temperature{hw.id=coretemp/Package id 0}"), 45);
  EXPECT_TRUE(std::isnan(value(web, "hw.temperature{hw.id=coretemp/temp2}"))) << "no sensor is that cold";
  EXPECT_EQ(count_metric(web, "hw.temperature"), 2U) << "the zones are the same sensors";
  EXPECT_DOUBLE_EQ(value(web, "system.cpu.frequency"), 2e9);
}

TEST(HostCollector, AFallingIoWaitIsHeldAndDoesNotLookLikeANewStart) {
  FakeHost host;
  host.cpu(1000, 500);
  auto collector = host.open();
  collector->collect(start);
  host.cpu(1000, 480);
  EXPECT_NEAR(value(collector->collect(start + 1s).front(), "system.cpu.time{cpu.mode=iowait}"), 5.0, 1e-9);
  host.cpu(1000, 520);
  EXPECT_NEAR(value(collector->collect(start + 2s).front(), "system.cpu.time{cpu.mode=iowait}"), 5.2, 1e-9);
}

TEST(HostCollector, DisksAndInterfacesComeAndGo) {
  FakeHost host;
  auto collector = host.open();
  collector->collect(start);
  std::uint64_t layout = collector->layout();
  host.disks("   8 0 sda 10 0 20 30 40 0 50 60 0 70 80\n   8 16 sdb 1 0 2 3 4 0 5 6 0 7 8\n");
  host.net("  eth0: 100 10 1 2 0 0 0 0 200 20 3 4 0 0 0 0\n  eth1: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  const InstanceReadings* web = &collector->collect(start + 1s).front();
  EXPECT_GT(collector->layout(), layout);
  EXPECT_DOUBLE_EQ(value(*web, "system.disk.io{device=sdb,direction=read}"), 1024);
  EXPECT_EQ(find(*web, "system.network.io{device=eth1,direction=receive}"), nullptr);  // never moved a byte
  host.net("  eth0: 100 10 1 2 0 0 0 0 200 20 3 4 0 0 0 0\n  eth1: 9 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  host.disks("   8 0 sda 10 0 20 30 40 0 50 60 0 70 80\n");
  web = &collector->collect(start + 2s).front();
  EXPECT_DOUBLE_EQ(value(*web, "system.network.io{device=eth1,direction=receive}"), 9);
  EXPECT_EQ(find(*web, "system.disk.io{device=sdb,direction=read}"), nullptr);
}

TEST(HostCollector, SwapAppearsWhenItIsSwitchedOn) {
  FakeHost host;
  auto collector = host.open();
  collector->collect(start);
  host.tree.write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\nSwapTotal: 100 kB\nSwapFree: 75 kB\n");
  collector->collect(start + 1s);
  EXPECT_DOUBLE_EQ(value(collector->collect(start + 2s).front(), "system.paging.utilization"), 0.25);
}

TEST(HostCollector, NeverMoreThanThirtyTwoDisksAndTheBusiestOnes) {
  FakeHost host;
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += cat("   8 ", i, " sd", static_cast<char>('a' + i / 26), static_cast<char>('a' + i % 26), " 1 0 ", i + 1,
                " 0 0 0 0 0 0 0 0\n");
  host.disks(text);
  auto collector = host.open();
  const InstanceReadings& web = collector->collect(start).front();
  EXPECT_EQ(count_metric(web, "system.disk.io_time"), most_disks);
  EXPECT_EQ(find(web, "system.disk.io_time{device=sdaa}"), nullptr);
  ASSERT_EQ(collector->problems().size(), 1U);
  EXPECT_NE(collector->problems()[0].find("32 disks"), std::string::npos);
}

TEST(HostCollector, UnreadableFilesAreMissingAndSaidOnce) {
  FakeHost host;
  auto collector = host.open();
  collector->collect(start);
  host.tree.write("proc/meminfo", "");
  host.tree.write("proc/stat", "garbage\n");
  const InstanceReadings& web = collector->collect(start + 1s).front();
  EXPECT_TRUE(std::isnan(value(web, "system.memory.utilization")));
  EXPECT_TRUE(std::isnan(value(web, "system.cpu.utilization")));
  EXPECT_DOUBLE_EQ(value(web, "system.cpu.load_average.1m"), 0.5);
  std::size_t problems = collector->problems().size();
  EXPECT_GE(problems, 1U);
  collector->collect(start + 2s);
  EXPECT_EQ(collector->problems().size(), problems);
}

TEST(HostCollector, AHostWithNothingButStatStillWorks) {
  testing::FakeTree tree;
  tree.write("proc/stat", "cpu 1 2 3 4\ncpu0 1 2 3 4\n");
  auto collector = HostCollector::open(
      {.host = "bare", .identities = {}, .proc_root = tree.path("proc"), .sys_root = tree.path("sys")});
  ASSERT_TRUE(collector.ok());
  const auto& all = (*collector)->collect(start);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(std::isnan(value(all.front(), "system.cpu.utilization")));
  EXPECT_TRUE(std::isnan(value(all.front(), "system.memory.utilization")));
  bool told = false;
  for (const std::string& problem : (*collector)->problems())
    told = told || problem.find("no cgroup hierarchy") != std::string::npos;
  EXPECT_TRUE(told);
}

TEST(HostCollector, OpenSaysWhatIsWrong) {
  testing::FakeTree tree;
  auto no_proc = HostCollector::open(
      {.host = "x", .identities = {}, .proc_root = tree.path("proc"), .sys_root = tree.path("sys")});
  ASSERT_FALSE(no_proc.ok());
  EXPECT_EQ(no_proc.error().code, Code::unavailable);
  EXPECT_NE(no_proc.error().message.find("mount -t proc"), std::string::npos);
  auto no_name = HostCollector::open({});
  ASSERT_FALSE(no_name.ok());
  EXPECT_EQ(no_name.error().code, Code::invalid);
}

TEST(Services, AreInstancesOfTheirHost) {
  FakeHost host;
  const std::string id(64, 'b');
  host.service("system.slice/nginx.service", 2'000'000, 5000, 1500);
  host.service("system.slice/docker-" + id + ".scope", 1, 1);
  auto collector = host.open();
  const auto& all = collector->collect(start);
  ASSERT_EQ(all.size(), 3U);
  const InstanceReadings* nginx = find_instance(all, "nginx.service@web-01");
  ASSERT_NE(nginx, nullptr);
  EXPECT_EQ(nginx->type, model::InstanceType::service);
  EXPECT_EQ(nginx->parent.value, "web-01");
  EXPECT_DOUBLE_EQ(value(*nginx, "system.cpu.utilization"), 2.0);
  EXPECT_DOUBLE_EQ(find(*nginx, "system.cpu.utilization")->capacity, 2);
  EXPECT_DOUBLE_EQ(value(*nginx, "system.memory.usage"), 3500);
  EXPECT_DOUBLE_EQ(value(*nginx, "system.memory.oom_kills"), 3);
  EXPECT_DOUBLE_EQ(value(*nginx, "system.disk.io{direction=write}"), 20);
  EXPECT_DOUBLE_EQ(value(*nginx, "system.process.count"), 3);
  EXPECT_DOUBLE_EQ(value(*nginx, "system.linux.threads"), 7);
  EXPECT_EQ(find(*nginx, "system.linux.pressure.cpu.some"), nullptr);  // no such file here: no such series
  const InstanceReadings* container = find_instance(all, "docker-bbbbbbbbbbbb@web-01");
  ASSERT_NE(container, nullptr);
  EXPECT_EQ(container->type, model::InstanceType::container);
  EXPECT_EQ(container->identities.at("container.id"), id);
}

TEST(Services, NewOnesAreFoundAtTheNextScanAndVanishedOnesAreDropped) {
  FakeHost host;
  host.service("system.slice/a.service", 1, 1);
  auto collector = host.open();
  collector->collect(start);
  host.service("system.slice/b.service", 1, 1);
  EXPECT_EQ(find_instance(collector->collect(start + 1s), "b.service@web-01"), nullptr);
  EXPECT_NE(find_instance(collector->collect(start + cgroup_interval), "b.service@web-01"), nullptr);
  host.tree.remove("sys/fs/cgroup/system.slice/a.service");
  const auto& all = collector->collect(start + 2 * cgroup_interval);
  EXPECT_EQ(find_instance(all, "a.service@web-01"), nullptr);
  EXPECT_EQ(all.size(), 2U);
  EXPECT_EQ(collector->ended(), 1U);
}

TEST(Services, OwnWhatHappensInTheirControlGroups) {
  FakeHost host;
  host.service("system.slice/nginx.service", 1000, 4096);
  auto collector = host.open();
  collector->collect(MonoTime{1});
  auto name = [&](std::string_view group) { return collector->owner(group).name.value; };
  EXPECT_EQ(name("system.slice/nginx.service"), "nginx.service@web-01");
  EXPECT_EQ(name("system.slice/nginx.service/worker"), "nginx.service@web-01") << "what is inside belongs to it";
  EXPECT_EQ(name("system.slice/new.service"), "new.service@web-01") << "since the last scan";
  EXPECT_EQ(collector->owner("system.slice/new.service").type, model::InstanceType::service);
  EXPECT_EQ(name(""), "web-01");
  EXPECT_EQ(name("system.slice"), "web-01");
  EXPECT_EQ(name("made/by/hand"), "web-01");
}

TEST(Services, OneThatDoesNotRunKeepsItsMemoryFiguresUntilTheNextScan) {
  FakeHost host;
  host.service("system.slice/a.service", 100, 5000, 1000);
  auto collector = host.open();
  collector->collect(start);
  host.service("system.slice/a.service", 100, 5000, 3000);
  EXPECT_DOUBLE_EQ(value(collector->collect(start + 1s)[1], "system.memory.usage"), 4000);
  host.service("system.slice/a.service", 101, 5000, 3000);  // it ran
  EXPECT_DOUBLE_EQ(value(collector->collect(start + 2s)[1], "system.memory.usage"), 2000);
  host.service("system.slice/a.service", 101, 5000, 0);
  EXPECT_DOUBLE_EQ(value(collector->collect(start + cgroup_interval)[1], "system.memory.usage"), 5000);
}

TEST(Services, AControllerThatIsEnabledLaterAddsItsSeries) {
  FakeHost host;
  host.tree.write("sys/fs/cgroup/system.slice/a.service/cpu.stat", "usage_usec 5\nuser_usec 5\nsystem_usec 0\n");
  auto collector = host.open();
  EXPECT_EQ(count_metric(collector->collect(start)[1], "system.cpu.throttled_time"), 0U);
  host.tree.write("sys/fs/cgroup/system.slice/a.service/cpu.stat",
                  "usage_usec 5\nuser_usec 5\nsystem_usec 0\nthrottled_usec 1\n");
  EXPECT_EQ(count_metric(collector->collect(start + cgroup_interval)[1], "system.cpu.throttled_time"), 1U);
}

TEST(Services, VersionOneHierarchiesAreJoinedByPath) {
  FakeHost host;
  host.tree.remove("sys/fs/cgroup");
  for (const char* controller : {"cpu,cpuacct", "memory", "blkio", "pids", "systemd"}) {
    host.tree.write(cat("sys/fs/cgroup/", controller, "/cgroup.procs"), "1\n");
  }
  host.tree.write("sys/fs/cgroup/cpu,cpuacct/system.slice/db.service/cpuacct.usage", "3000000000\n");
  host.tree.write("sys/fs/cgroup/cpu,cpuacct/system.slice/db.service/cpuacct.stat", "user 200\nsystem 100\n");
  host.tree.write("sys/fs/cgroup/cpu,cpuacct/system.slice/db.service/cpu.stat",
                  "nr_periods 1\nnr_throttled 1\nthrottled_time 500000000\n");
  host.tree.write("sys/fs/cgroup/memory/system.slice/db.service/memory.usage_in_bytes", "9000\n");
  host.tree.write("sys/fs/cgroup/memory/system.slice/db.service/memory.stat",
                  "inactive_file 1\ntotal_inactive_file 4000\n");
  host.tree.write("sys/fs/cgroup/memory/system.slice/db.service/memory.oom_control",
                  "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  host.tree.write("sys/fs/cgroup/blkio/system.slice/db.service/blkio.throttle.io_service_bytes",
                  "8:0 Read 11\n8:0 Write 12\n");
  host.tree.write("sys/fs/cgroup/pids/system.slice/db.service/pids.current", "4\n");
  host.tree.write("sys/fs/cgroup/pids/system.slice/db.service/cgroup.procs", "17\n18\n");
  auto collector = host.open();
  const InstanceReadings* db = find_instance(collector->collect(start), "db.service@web-01");
  ASSERT_NE(db, nullptr);
  EXPECT_DOUBLE_EQ(value(*db, "system.cpu.utilization"), 3.0);
  EXPECT_DOUBLE_EQ(value(*db, "system.cpu.time{cpu.mode=user}"), 2.0);
  EXPECT_DOUBLE_EQ(value(*db, "system.cpu.throttled_time"), 0.5);
  EXPECT_DOUBLE_EQ(value(*db, "system.memory.usage"), 5000);
  EXPECT_DOUBLE_EQ(value(*db, "system.memory.oom_kills"), 2);
  EXPECT_DOUBLE_EQ(value(*db, "system.disk.io{direction=read}"), 11);
  EXPECT_DOUBLE_EQ(value(*db, "system.linux.threads"), 4);
  EXPECT_DOUBLE_EQ(value(*db, "system.process.count"), 2);
}

TEST(Services, WithoutSystemdEveryLeafWithProcessesCounts) {
  FakeHost host;
  host.tree.remove("sys/fs/cgroup/system.slice");
  host.service("jobs/build", 1, 1);
  host.tree.write("sys/fs/cgroup/jobs/build/cgroup.procs", "17\n");
  host.service("jobs/empty", 1, 1);
  host.tree.write("sys/fs/cgroup/jobs/empty/cgroup.procs", "");
  auto collector = host.open();
  const auto& all = collector->collect(start);
  EXPECT_NE(find_instance(all, "jobs-build@web-01"), nullptr);
  EXPECT_EQ(all.size(), 2U);
}

// Seventy services: six too many. s00 is the largest, s69 the smallest.
class ManyServices : public ::testing::Test {
 protected:
  static std::string name(int i) { return cat("s", i < 10 ? "0" : "", i, ".service"); }
  void SetUp() override {
    for (int i = 0; i < 70; ++i) write(i, 0);
  }
  void write(int i, int usage_us) { host.service("system.slice/" + name(i), usage_us, 1'000'000 * (100 - i)); }
  FakeHost host;
};

TEST_F(ManyServices, TheSmallestAreSummedAsOther) {
  auto collector = host.open();
  const auto& all = collector->collect(start);
  ASSERT_EQ(all.size(), 1 + most_shown_cgroups + 1);
  EXPECT_NE(find_instance(all, name(0) + "@web-01"), nullptr);
  EXPECT_EQ(find_instance(all, name(69) + "@web-01"), nullptr);
  const InstanceReadings& other = all.back();
  EXPECT_EQ(other.instance.value, "other@web-01");
  EXPECT_DOUBLE_EQ(value(other, "system.process.count"), 6 * 3);
  EXPECT_DOUBLE_EQ(value(other, "system.linux.threads"), 6 * 7);
  EXPECT_DOUBLE_EQ(value(other, "system.memory.usage"), 1e6 * (36 + 35 + 34 + 33 + 32 + 31));
  EXPECT_TRUE(std::isnan(value(collector->collect(start + 1s).back(), "system.memory.usage")));  // not its turn
}

TEST_F(ManyServices, CountersOfOtherOnlyGrowWhoeverJoinsOrLeaves) {
  auto collector = host.open();
  double before = value(collector->collect(start).back(), "system.cpu.utilization");
  EXPECT_DOUBLE_EQ(before, 0);
  write(69, 2'000'000);
  EXPECT_DOUBLE_EQ(value(collector->collect(start + cgroup_interval).back(), "system.cpu.utilization"), 2);
  host.tree.remove("sys/fs/cgroup/system.slice/" + name(69));
  EXPECT_DOUBLE_EQ(value(collector->collect(start + 2 * cgroup_interval).back(), "system.cpu.utilization"), 2);
  host.service("system.slice/zz.service", 9'000'000, 1);  // comes with a past of its own, which does not count
  EXPECT_DOUBLE_EQ(value(collector->collect(start + 3 * cgroup_interval).back(), "system.cpu.utilization"), 2);
}

TEST_F(ManyServices, MembershipDoesNotFlap) {
  auto collector = host.open();
  collector->collect(start);
  std::uint64_t layout = collector->layout();
  // The largest of the others is now busier than the smallest shown, but not for long, and the dwell is not over.
  int usage = 0;
  MonoTime now = start;
  for (; now < start + cgroup_dwell - 2 * cgroup_interval; now = now + cgroup_interval) {
    usage += 5'000'000;
    write(69, usage);
    collector->collect(now + cgroup_interval);
  }
  EXPECT_EQ(collector->layout(), layout);
  for (int i = 0; i < 4; ++i) {
    usage += 5'000'000;
    write(69, usage);
    now = now + cgroup_interval;
    collector->collect(now + cgroup_interval);
  }
  EXPECT_EQ(collector->layout(), layout + 1);  // one change, once
  EXPECT_NE(find_instance(collector->collect(now + cgroup_interval + 1s), name(69) + "@web-01"), nullptr);
}

TEST(RealKernel, AListenerOfOursIsCounted) {
  std::optional<SocketCounts> before = probe_sockets();
  if (!before) GTEST_SKIP() << "no sock_diag here";
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  ASSERT_EQ(::listen(socket, 1), 0);
  std::optional<SocketCounts> with = probe_sockets();
  ::close(socket);
  ASSERT_TRUE(with);
  EXPECT_GE(with->of[static_cast<std::size_t>(RareState::listen)], 1);
  EXPECT_FALSE(with->cut);
}

TEST(RealKernel, ThisMachineIsReadTwiceAndItsCountersDoNotFall) {
  auto collector = HostCollector::open({.host = "here", .identities = {}});
  ASSERT_TRUE(collector.ok()) << collector.error().to_string();
  std::vector<Reading> before = (*collector)->collect(start).front().readings;
  const std::vector<Reading>& after = (*collector)->collect(start + 1s).front().readings;
  EXPECT_GT(before.size(), 20U);
  for (const Reading& reading : after) {
    for (const Reading& earlier : before) {
      if (earlier.series == reading.series && reading.kind != Reading::Kind::gauge) {
        EXPECT_GE(reading.value, earlier.value) << model::to_text(reading.series);
      }
    }
  }
}

}  // namespace
}  // namespace mien::edge
