#include "edge/collect/procfs.h"

#include <gtest/gtest.h>

namespace mien::edge {
namespace {

TEST(Procfs, StatSumsNothingItselfAndCountsOnlineCpus) {
  auto stat = parse_stat(
      "cpu  10 20 30 40 50 60 70 80 5 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu3 1 2 3 4 5 6 7 8 0 0\nintr 99 1 2\nctxt 1234\n"
      "btime 1\nprocesses 77\nprocs_running 3\nprocs_blocked 2\nsoftirq 1 2\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->user, 10U);
  EXPECT_EQ(stat->nice, 20U);
  EXPECT_EQ(stat->idle, 40U);
  EXPECT_EQ(stat->steal, 80U);
  EXPECT_EQ(stat->cpus, 2U);
  EXPECT_EQ(stat->context_switches, 1234U);
  EXPECT_EQ(stat->processes_created, 77U);
  EXPECT_EQ(stat->processes_running, 3U);
  EXPECT_EQ(stat->processes_blocked, 2U);
}

TEST(Procfs, StatWithoutCpuLineIsNothing) {
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("ctxt 5\n"));
  EXPECT_FALSE(parse_stat("cpu  1 2 x 4\ncpu0 1 2 3 4\n"));
  EXPECT_FALSE(parse_stat("cpu  1 2 3 99999999999999999999999\ncpu0 1 2 3 4\n"));
}

TEST(Procfs, LoadaverageIsReadAndNonsenseRefused) {
  auto load = parse_loadavg("0.52 1.25 3.00 2/345 6789\n");
  ASSERT_TRUE(load);
  EXPECT_DOUBLE_EQ(load->one, 0.52);
  EXPECT_DOUBLE_EQ(load->fifteen, 3.0);
  EXPECT_EQ(load->threads, 345U);
  EXPECT_FALSE(parse_loadavg("nan 1 1 1/2 3\n"));
  EXPECT_FALSE(parse_loadavg("inf 1 1 1/2 3\n"));
  EXPECT_FALSE(parse_loadavg("0.1 0.2 0.3\n"));
  EXPECT_FALSE(parse_loadavg(""));
}

TEST(Procfs, MeminfoIsInBytesAndEstimatesAvailableOnOldKernels) {
  auto now = parse_meminfo(
      "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 10 kB\nCached: 200 kB\n"
      "SwapTotal: 50 kB\nSwapFree: 20 kB\nDirty: 3 kB\nSReclaimable: 4 kB\nSUnreclaim: 5 kB\n");
  ASSERT_TRUE(now);
  EXPECT_EQ(now->total, 1000U * 1024U);
  EXPECT_EQ(now->available, 400U * 1024U);
  EXPECT_EQ(now->swap_free, 20U * 1024U);
  EXPECT_EQ(now->slab_unreclaimable, 5U * 1024U);
  auto old = parse_meminfo("MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 10 kB\nCached: 200 kB\n");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->available, 310U * 1024U);
  EXPECT_FALSE(parse_meminfo("MemFree: 1 kB\n"));
}

TEST(Procfs, VmstatFindsItsFiveEventsAmongHundreds) {
  auto events =
      parse_vmstat("nr_free_pages 5\npgfault 100\npgmajfault 7\npswpin 1\npswpout 2\npgfaulty 9\noom_kill 4\n");
  ASSERT_TRUE(events);
  EXPECT_EQ(events->faults, 100U);
  EXPECT_EQ(events->major_faults, 7U);
  EXPECT_EQ(events->swapped_out, 2U);
  EXPECT_EQ(events->oom_kills, 4U);
  EXPECT_FALSE(parse_vmstat("nr_free_pages 5\n"));
}

TEST(Procfs, DiskstatsSkipsLinesThatAreTooShort) {
  std::vector<DiskStats> disks;
  parse_diskstats(
      "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n 8 1 sda1 1 2 3\n\n 259 0 nvme0n1 9 0 8 7 6 0 5 4 0 "
      "3 2\n",
      disks);
  ASSERT_EQ(disks.size(), 2U);
  EXPECT_EQ(disks[0].name, "sda");
  EXPECT_EQ(disks[0].reads, 1U);
  EXPECT_EQ(disks[0].sectors_read, 3U);
  EXPECT_EQ(disks[0].sectors_written, 7U);
  EXPECT_EQ(disks[0].busy_ms, 10U);
  EXPECT_EQ(disks[1].name, "nvme0n1");
}

TEST(Procfs, SocketCountsAreFoundByProtocolAndField) {
  constexpr std::string_view text = "sockets: used 14\nTCP: inuse 1 orphan 2 tw 3 alloc 1 mem 0\nUDP: inuse 4 mem 0\n";
  EXPECT_EQ(find_socket_count(text, "TCP:", "tw"), 3U);
  EXPECT_EQ(find_socket_count(text, "UDP:", "inuse"), 4U);
  EXPECT_FALSE(find_socket_count(text, "UDP:", "tw"));
  EXPECT_FALSE(find_socket_count("TCP: inuse many\n", "TCP:", "inuse"));
  EXPECT_FALSE(find_socket_count("TCP: inuse", "TCP:", "inuse"));
}

TEST(Procfs, EstablishedStandsBelowItsName) {
  EXPECT_EQ(parse_established("Ip: A\nIp: 1\nTcp: MaxConn CurrEstab\nTcp: -1 12\n"), 12U);
  EXPECT_FALSE(parse_established("Tcp: MaxConn CurrEstab\nTcp: -1\n"));
  EXPECT_FALSE(parse_established("Tcp: CurrEstab\nUdp: 1\n"));
  EXPECT_FALSE(parse_established("Tcp: CurrEstab\n"));
}

TEST(Procfs, NetDevReadsGluedColonsAndAliases) {
  std::vector<InterfaceStats> devices;
  parse_net_dev(
      "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n  eth0:78398930    1820    1    2    0     0        "
      "  0         0    "
      "86495     992    3    4    0     0       0          0\neth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n bad: 1 "
      "2\n",
      devices);
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0].name, "eth0");
  EXPECT_EQ(devices[0].received_bytes, 78398930U);
  EXPECT_EQ(devices[0].receive_dropped, 2U);
  EXPECT_EQ(devices[0].sent_bytes, 86495U);
  EXPECT_EQ(devices[0].send_errors, 3U);
  EXPECT_EQ(devices[1].name, "eth0:1");
}

TEST(Procfs, PressureNeedsAtLeastOneTotal) {
  auto both = parse_pressure(
      "some avg10=0.86 avg60=0.99 avg300=0.29 total=5476507\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=12\n");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->some_us, 5476507U);
  EXPECT_EQ(both->full_us, 12U);
  EXPECT_TRUE(parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"));  // CPU before Linux 5.13
  EXPECT_FALSE(parse_pressure("some avg10=0.00\n"));
  EXPECT_FALSE(parse_pressure("some total=-1\n"));
}

TEST(Procfs, MountinfoResolvesOctalEscapesAndOptionalFields) {
  auto mounts = parse_mountinfo(
      "25 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw\n"
      "26 25 8:2 /sub /mnt/my\\040disk\\134 ro,nosuid - xfs /dev/sdb ro\nnot a mount\n");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].device, "8:1");
  EXPECT_EQ(mounts[0].type, "ext4");
  EXPECT_FALSE(mounts[0].read_only);
  EXPECT_EQ(mounts[1].root, "/sub");
  EXPECT_EQ(mounts[1].mountpoint, "/mnt/my disk\\");
  EXPECT_EQ(mounts[1].type, "xfs");
  EXPECT_TRUE(mounts[1].read_only);
}

TEST(Procfs, AProcessStateStandsBehindItsNameWhateverThatHolds) {
  EXPECT_EQ(parse_process_state("1 (init) S 0 1"), 'S');
  EXPECT_EQ(parse_process_state("7 (a) Z (x) R 0 1"), 'R');
  EXPECT_EQ(parse_process_state("7 (a\n) T 0"), 'T');
  for (std::string_view text : {"", "7", "7 (a", "7 (a)", "7 (a) ", "7 (a) SS 1"})
    EXPECT_FALSE(parse_process_state(text)) << text;
}

}  // namespace
}  // namespace mien::edge
