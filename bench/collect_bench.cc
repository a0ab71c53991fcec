// rooms: edge
// What one tick of the collector costs: this whole host, and a host of sixty-four services on files of its own.
// The goal is 200 microseconds a tick at one tick a second.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "edge/collect/collect.h"

namespace {

using mien::edge::HostCollector;
using namespace std::chrono_literals;

std::size_t readings_of(const std::vector<mien::model::InstanceReadings>& instances) {
  std::size_t count = 0;
  for (const auto& each : instances) count += each.readings.size();
  return count;
}

// One iteration is one second of the collector's time, so that scans and filesystems take their part.
void run(benchmark::State& state, mien::edge::CollectOptions options) {
  auto collector = HostCollector::open(std::move(options));
  if (!collector) return state.SkipWithError(collector.error().to_string().c_str());
  mien::MonoTime now{};
  std::size_t readings = 0;
  for (auto _ : state) {
    now = now + 1s;
    readings = readings_of((*collector)->collect(now));
  }
  state.counters["readings"] = static_cast<double>(readings);
}

void this_host(benchmark::State& state) { run(state, {.host = "here", .identities = {}}); }
BENCHMARK(this_host)->Unit(benchmark::kMicrosecond);

void this_host_without_services(benchmark::State& state) {
  run(state, {.host = "here", .identities = {}, .proc_root = "/proc", .sys_root = "/nowhere"});
}
BENCHMARK(this_host_without_services)->Unit(benchmark::kMicrosecond);

// Plain files cost less than the kernel's, which are written at each read: this shows our own share.
void sixty_four_services(benchmark::State& state) {
  std::string root = (std::filesystem::temp_directory_path() / "mien-bench-XXXXXX").string();
  if (::mkdtemp(root.data()) == nullptr) return state.SkipWithError("no temporary directory");
  std::filesystem::path base = std::filesystem::path(root) / "fs/cgroup";
  auto write = [](const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  };
  write(base / "cgroup.controllers", "cpu io memory pids\n");
  std::string memory_stat;
  for (int i = 0; i < 48; ++i) memory_stat += "some_counter_" + std::to_string(i) + " 123456789\n";
  for (int i = 0; i < 64; ++i) {
    std::filesystem::path service = base / "system.slice" / ("s" + std::to_string(i) + ".service");
    write(service / "cpu.stat",
          "usage_usec 1234567\nuser_usec 234567\nsystem_usec 34567\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
    write(service / "memory.current", "123456789\n");
    write(service / "memory.stat", memory_stat + "inactive_file 4096\n");
    write(service / "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n");
    write(service / "io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n");
    write(service / "pids.current", "3\n");
    for (const char* what : {"cpu.pressure", "memory.pressure", "io.pressure"}) {
      write(service / what,
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    }
  }
  run(state, {.host = "here", .identities = {}, .proc_root = "/proc", .sys_root = root});
  std::filesystem::remove_all(root);
}
BENCHMARK(sixty_four_services)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
