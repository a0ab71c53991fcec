// Cost of judging and learning one metric-sample, by how many series an instance has.
// rooms: base stats model learn drift
#include <benchmark/benchmark.h>

#include "base/prng.h"
#include "drift/drift.h"
#include "learn/learn.h"

namespace mien {
namespace {

void judge_and_learn(benchmark::State& state) {
  auto count = static_cast<std::uint32_t>(state.range(0));
  std::vector<model::Series> series;
  model::Batch batch;
  batch.times.resize(1);
  batch.values.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    series.push_back({.metric = MetricName("m" + std::to_string(i)),
                      .attributes = {},
                      .unit = {},
                      .kind = model::SeriesKind::gauge});
    batch.series.push_back(i);
  }
  model::Expectation expectation;
  model::Behavior behavior;
  drift::Watch watch;
  Prng random(1);
  WallTime now{1'700'000'000'000'000'000};
  auto step = [&] {
    for (double& x : batch.values) x = 10 + random.normal();
    batch.times[0] = now;
    drift::Assessment assessment = drift::assess(expectation, behavior, watch, series, batch);
    learn::update(behavior, series, batch, assessment.evidence);
    now = now + 1s;
    return assessment.score.score;
  };
  for (int i = 0; i < 3000; ++i) step();  // ready
  for (auto _ : state) benchmark::DoNotOptimize(step());
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(judge_and_learn)->Arg(1)->Arg(60)->Arg(500);

}  // namespace
}  // namespace mien
