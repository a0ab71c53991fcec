// What the engine costs: score and learn at 200,000 metrics, its state, two shards, learning from history, and peers in
// the same run. Prints one table; figures are kept in RESULTS.md. `engine_bench [metrics]`.
//
// Samples are drawn before the clock starts. Times are of this thread's CPU, state is what the allocator handed out.
// rooms: base stats model learn drift
#include <malloc.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>

#include "base/prng.h"
#include "bench/engine_peers.h"
#include "drift/drift.h"
#include "drift/watch_state.h"
#include "learn/learn.h"

namespace {

// What the allocator has handed out and not got back, its own rounding included.
std::size_t live_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

namespace mien {
namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
double cpu() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

volatile double sink = 0;

constexpr std::size_t a_day = 90'000;  // rows of 1 s

// Rows that every instance replays from its own place on, so that drawing numbers costs nothing while the clock runs.
struct Life {
  static constexpr std::size_t length = 4096;
  std::vector<double> noise;
  explicit Life(std::uint64_t seed) : noise(length + 1024) {
    Prng random(seed);
    double slow = 0;
    for (double& x : noise) {
      slow += 0.3 * (random.normal() - slow);
      x = 10 + slow;
    }
  }
  [[nodiscard]] const double* row(std::size_t instance, std::size_t index) const {
    return noise.data() + (instance * 977 + index * 131) % length;
  }
};

struct One {
  model::Behavior behavior;
  drift::Watch watch;
};

// Instances of `width` series each, driven row by row as a shard does.
struct Fleet {
  std::vector<model::Series> series;
  model::Batch batch;
  model::Expectation expectation;
  std::vector<One> instances;
  WallTime now{1'700'000'000'000'000'000};
  Duration step;
  std::size_t rows = 0;
  Life life;
  double sum = 0;  // of the scores, so that none is left out

  Fleet(std::size_t count, std::size_t width, Duration interval, std::uint64_t seed = 1)
      : instances(count), step(interval), life(seed) {
    for (std::uint32_t i = 0; i < width; ++i) {
      series.push_back({.metric = MetricName("m" + std::to_string(i)),
                        .attributes = {},
                        .unit = {},
                        .kind = model::SeriesKind::gauge});
      batch.series.push_back(i);
    }
    batch.times.resize(1);
    batch.values.resize(width);
  }
  [[nodiscard]] std::size_t metrics() const { return instances.size() * series.size(); }
  void row(std::size_t i) {
    std::memcpy(batch.values.data(), life.row(i, rows), batch.values.size() * sizeof(double));
    batch.times[0] = now;
    One& one = instances[i];
    drift::Assessment assessment = drift::assess(expectation, one.behavior, one.watch, series, batch);
    learn::update(one.behavior, series, batch, assessment.evidence);
    sum += assessment.score.score;
  }
  void advance() {
    now = now + step;
    ++rows;
  }
  void round() {
    for (std::size_t i = 0; i < instances.size(); ++i) row(i);
    advance();
  }
  // One instance is brought up by itself and copied: a fleet of 200,000 metrics would need minutes.
  void ready(std::size_t rows_of_life) {
    for (std::size_t r = 0; r < rows_of_life; ++r) {
      row(0);
      advance();
    }
    std::string watch = instances[0].watch.encode();
    for (std::size_t i = 1; i < instances.size(); ++i) {
      instances[i].behavior = instances[0].behavior;
      instances[i].watch = *drift::Watch::decode(watch);
    }
  }
};

double per_sample(Fleet& fleet, std::size_t rounds) {
  double best = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    double before = cpu();
    for (std::size_t r = 0; r < rounds; ++r) fleet.round();
    best = std::min(best, (cpu() - before) * 1e9 / static_cast<double>(rounds * fleet.metrics()));
  }
  return best;
}

// Nanoseconds to read and write back a byte of state that is in no cache.
double copied_byte() {
  std::vector<double> state(std::size_t{1} << 24, 1.0);  // 128 MiB
  double best = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    double before = cpu();
    for (double& x : state) x += 1;
    best = std::min(best, (cpu() - before) * 1e9 / static_cast<double>(state.size() * sizeof(double)));
  }
  sink = sink + state[5];
  return best;
}

void print(const char* what, double value, const char* unit, double ratio = 0) {
  std::printf("| %-60s | %9.1f %-9s |", what, value, unit);
  if (ratio > 0) std::printf(" %6.2fx |\n", ratio);
  else std::printf("         |\n");
  std::fflush(stdout);
}

template <class Peer, class Step>
double peer(std::vector<Peer> peers, const Life& life, Step step) {
  double best = 1e9;
  for (std::size_t repeat = 0; repeat < 4; ++repeat) {
    double before = cpu();
    constexpr std::size_t rounds = 150;
    for (std::size_t r = 0; r < rounds; ++r) {
      const double* row = life.row(repeat, r);
      for (std::size_t i = 0; i < peers.size(); ++i) step(peers[i], row[i % 1000], static_cast<double>(r));
    }
    if (repeat > 0) best = std::min(best, (cpu() - before) * 1e9 / static_cast<double>(rounds * peers.size()));
  }
  return best;
}

// The same work done twice by one thread, and once by each of two, by elapsed time and by CPU time. The second pair
// says what the processors lose by working at once where they share a core, a cache or the way to memory; what others
// do on the machine shows in the first pair only.
struct Together {
  double elapsed = 0;  // times faster
  double cpu = 0;
};
template <class Work>
Together on_two_threads(Work work) {
  double one = 1e9;
  double two = 1e9;
  double one_cpu = 1e9;
  double two_cpu = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    double start = seconds_of(CLOCK_MONOTONIC);
    double start_cpu = cpu();
    work(0);
    work(1);
    one_cpu = std::min(one_cpu, cpu() - start_cpu);
    double between = seconds_of(CLOCK_MONOTONIC);
    double other_cpu = 0;
    start_cpu = cpu();
    std::thread other([&] {
      double begun = cpu();
      work(1);
      other_cpu = cpu() - begun;
    });
    work(0);
    double own_cpu = cpu() - start_cpu;
    other.join();
    one = std::min(one, between - start);
    two = std::min(two, seconds_of(CLOCK_MONOTONIC) - between);
    two_cpu = std::min(two_cpu, std::max(own_cpu, other_cpu));
  }
  return {.elapsed = one / two, .cpu = one_cpu / two_cpu};
}

// Sums in registers alone, as many at once as a processor takes: whether two processors are two, or share one's parts.
void add_in_registers() {
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  for (std::uint64_t i = 0; i < 300'000'000; ++i) {
    a += b ^ i;
    b += c;
    c ^= d + i;
    d += e;
    e ^= f;
    f += a >> 3;
    __asm__ volatile("" ::"r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));
  }
}

// Beside the engine two that share nothing between their threads either: what the machine allows to what waits for
// memory (k-means) and to what does not (registers).
void two_shards(std::size_t metrics) {
  {
    Fleet a(metrics / 200, 100, 1s, 1);
    Fleet b(metrics / 200, 100, 1s, 2);
    // Of an age at which what happens seldom (a young series is summarised each fortieth row) does not fall into each
    // other measurement, so that one side would pay for all of it.
    a.ready(a_day);
    b.ready(a_day);
    Together shards = on_two_threads([&](int which) {
      for (int r = 0; r < 30; ++r) (which == 0 ? a : b).round();
    });
    print("two shards on two threads, times faster than on one", shards.elapsed, "x");
    print("  the same by CPU time, where others use the machine", shards.cpu, "x");
  }
  Life life(7);
  std::vector<std::vector<peers::KMeans>> halves(2, std::vector<peers::KMeans>(metrics / 2, peers::KMeans(3)));
  std::array<std::size_t, 2> odd{};
  Together means = on_two_threads([&](int which) {
    auto half = static_cast<std::size_t>(which);
    for (std::size_t r = 0; r < 20; ++r) {
      const double* row = life.row(half, r);
      for (std::size_t i = 0; i < halves[half].size(); ++i) odd[half] += halves[half][i].step(row[i % 1000]) ? 1 : 0;
    }
  });
  sink = sink + static_cast<double>(odd[0] + odd[1]);
  print("  k-means on two threads, which mostly waits for memory", means.elapsed, "x");
  print("  the same by CPU time", means.cpu, "x");
  Together registers = on_two_threads([](int) { add_in_registers(); });
  print("  sums in registers on two threads: what the machine allows", registers.elapsed, "x");
  print("  the same by CPU time", registers.cpu, "x");
}

// Twenty series known to be healthy, 2,000 rows in one batch.
double learned_a_microsecond(Duration interval) {
  Fleet fleet(1, 20, interval);
  fleet.ready(2000);
  fleet.instances[0].watch.trust(true);
  model::Batch history;
  history.series = fleet.batch.series;
  constexpr std::size_t rows = 2000;
  for (std::size_t r = 0; r < rows; ++r) history.times.push_back(fleet.now + static_cast<int>(r) * interval);
  for (std::size_t c = 0; c < 20; ++c) {
    for (std::size_t r = 0; r < rows; ++r) history.values.push_back(fleet.life.row(c, r)[0]);
  }
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    double start = cpu();
    One& one = fleet.instances[0];
    drift::Assessment assessment = drift::assess(fleet.expectation, one.behavior, one.watch, fleet.series, history);
    learn::update(one.behavior, fleet.series, history, assessment.evidence);
    best = std::max(best, 20.0 * rows / (cpu() - start) * 1e-6);
    for (WallTime& t : history.times) t = t + static_cast<int>(rows) * interval;
  }
  return best;
}

int run(std::size_t metrics) {
  double byte = copied_byte();
  const std::size_t before = live_bytes();
  double bytes = 0;
  double slow_rows = 0, fast_rows = 0, young_rows = 0;
  {
    Fleet fleet(metrics / 100, 100, 1s);
    fleet.ready(a_day);
    bytes = static_cast<double>(live_bytes() - before) / static_cast<double>(fleet.metrics());
    fast_rows = per_sample(fleet, 10);
  }
  {
    Fleet fleet(metrics / 100, 100, 1s);
    fleet.ready(4000);
    young_rows = per_sample(fleet, 10);
  }
  std::printf("| %-60s | %19s | %7s |\n", "what", "", "against");
  print("state per metric, all in, 100 series", bytes, "B");
  print("score and learn, 100 series, rows of 1 s, a day old", fast_rows, "ns");
  print("  the same an hour old", young_rows, "ns");
  {
    Fleet fleet(metrics / 100, 100, 60s);
    fleet.ready(4000);
    slow_rows = per_sample(fleet, 5);
  }
  print("score and learn, 100 series, rows of 60 s", slow_rows, "ns");
  constexpr std::size_t hot = sizeof(model::Baseline) + sizeof(drift::SeriesWatch);
  double bound = static_cast<double>(hot) * byte;
  std::string label = "  " + std::to_string(hot) + " B, the hot state, read and written at memory speed";
  print(label.c_str(), bound, "ns");
  print("  share of it reached, rows of 1 s", 100 * bound / fast_rows, "%");
  for (std::size_t width : {std::size_t{1}, std::size_t{38}, std::size_t{500}}) {
    Fleet fleet(std::max<std::size_t>(1, 2000 / width), width, 1s);
    fleet.ready(a_day);
    label = "score and learn, " + std::to_string(width) + " series, rows of 1 s, in cache";
    print(label.c_str(), per_sample(fleet, 100), "ns");
  }
  {
    Fleet fleet(1, 38, 60s);
    fleet.ready(3000);
    print("score and learn, 38 series, rows of 60 s, in cache", per_sample(fleet, 2000), "ns");
    Fleet wide(1, 500, 60s);
    wide.ready(3000);
    print("score and learn, 500 series, rows of 60 s, in cache", per_sample(wide, 200), "ns");
  }
  two_shards(metrics);
  print("learning from history, rows of 1 s", learned_a_microsecond(1s), "M/s");
  print("learning from history, rows of 60 s", learned_a_microsecond(60s), "M/s");
  Life life(7);
  std::size_t count = metrics;
  double kmeans = peer(std::vector<peers::KMeans>(count, peers::KMeans(3)), life,
                       [](peers::KMeans& p, double x, double) { sink = sink + (p.step(x) ? 1 : 0); });
  print("peer: k-means, 18 models (netdata's ML), against rows of 1 s", kmeans, "ns", kmeans / fast_rows);
  print("  the same against rows of 60 s", kmeans, "ns", kmeans / slow_rows);
  double spot = peer(std::vector<peers::Spot>(count), life,
                     [](peers::Spot& p, double x, double) { sink = sink + (p.step(x * 0.089) ? 1 : 0); });
  print("peer: peaks over threshold (SPOT)", spot, "ns", spot / fast_rows);
  double kll = peer(std::vector<peers::Kll>(count), life, [](peers::Kll& p, double x, double) { p.step(x); });
  print("peer: KLL sketch, insert only", kll, "ns", kll / fast_rows);
  double digest =
      peer(std::vector<peers::TDigest>(count / 2), life, [](peers::TDigest& p, double x, double) { p.step(x); });
  print("peer: t-digest, insert only", digest, "ns", digest / fast_rows);
  double vpa = peer(std::vector<peers::Vpa>(count), life, [](peers::Vpa& p, double x, double t) { p.step(x, t); });
  print("peer: decaying histogram (VPA), insert only", vpa, "ns", vpa / fast_rows);
  return 0;
}

}  // namespace
}  // namespace mien

// Takes no filter: one that means other benchmarks ends it.
int main(int argc, char** argv) {
  std::string_view asked = argc > 1 ? argv[1] : "200000";
  constexpr std::string_view filter = "--benchmark_filter=";
  if (asked.substr(0, filter.size()) == filter) {
    if (asked.find("engine") == std::string_view::npos) return 0;
    asked = "200000";
  }
  long metrics = std::atol(std::string(asked).c_str());
  if (metrics >= 1000) return mien::run(static_cast<std::size_t>(metrics));
  std::fprintf(stderr, "engine_bench [METRICS]: at least 1000, not '%s'\n", std::string(asked).c_str());
  return 2;
}
