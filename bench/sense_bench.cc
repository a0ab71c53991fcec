// rooms: edge
// What the sensors cost those who are watched and the agent: a system call that raises no event, with and without the
// hook in the kernel; an open for writing that is watched; and a look at a quiet host. Needs root for eBPF.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "edge/clock.h"
#include "edge/sense/sense.h"

namespace {

using namespace mien::edge;

std::unique_ptr<Senses> start(benchmark::State& state, const std::string& watched) {
  auto senses = Senses::start({.host = "here",
                               .identities = {},
                               .settings = {.sensors = true, .ebpf = true, .writes_below = {watched}, .reads_of = {}}});
  for (const SensorState& each : senses->states())
    if (each.name == "system-calls" && each.status != SensorState::Status::works) state.SkipWithError(each.why.c_str());
  return senses;
}

void look(Senses& senses) {
  auto owner = [](std::string_view) {
    return Owner{.name = mien::InstanceName("here"), .type = mien::model::InstanceType::host};
  };
  benchmark::DoNotOptimize(senses.look(wall_now(), mono_now(), owner).size());
}

void call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(::syscall(SYS_getppid));
}
void system_call_unwatched(benchmark::State& state) { call(state); }
BENCHMARK(system_call_unwatched);
void system_call_watched(benchmark::State& state) {
  auto senses = start(state, "/nowhere");
  call(state);
}
BENCHMARK(system_call_watched);

void open_for_writing(benchmark::State& state, bool sensors) {
  std::string directory = "/tmp/mien-bench-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return state.SkipWithError("mkdtemp");
  auto senses = sensors ? start(state, directory) : nullptr;
  std::string path = directory + "/file";
  for (auto _ : state) ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}
void open_for_writing_unwatched(benchmark::State& state) { open_for_writing(state, false); }
BENCHMARK(open_for_writing_unwatched);
void open_for_writing_watched(benchmark::State& state) { open_for_writing(state, true); }
BENCHMARK(open_for_writing_watched);

void look_at_a_quiet_host(benchmark::State& state) {
  auto senses = start(state, "/nowhere");
  for (int i = 0; i < 3; ++i) look(*senses);
  for (auto _ : state) look(*senses);
}
BENCHMARK(look_at_a_quiet_host)->Unit(benchmark::kMicrosecond);

}  // namespace
