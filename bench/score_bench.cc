// Cost of judging and learning one metric-sample, by how many series an instance has, how many seconds lie between
// rows, and whether an autoencoder judges too; and of training one. rooms: base stats model learn drift
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
    now = now + std::chrono::seconds(state.range(1));
    return assessment.score.score;
  };
  if (state.range(2) != 0) watch.learn_interplay(1, false);
  for (int i = 0; i < 3000; ++i) step();  // ready
  if (state.range(2) != 0) {
    drift::InterplayTraining training = watch.train_interplay(2);
    while (training.step()) {
    }
    watch.use_interplay(training.result());
  }
  for (auto _ : state) benchmark::DoNotOptimize(step());
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(judge_and_learn)
    ->ArgNames({"series", "seconds", "autoencoder"})
    ->Args({1, 1, 0})
    ->Args({60, 1, 0})
    ->Args({500, 1, 0})
    ->Args({38, 1, 0})
    ->Args({38, 1, 1})
    ->Args({38, 60, 0})
    ->Args({38, 60, 1});

// Items are rows of 38 series, each four blocks wide, once through.
void train_autoencoder(benchmark::State& state) {
  constexpr std::size_t inputs = 38 * drift::InterplayModel::window;
  constexpr std::size_t rows = drift::Interplay::most_kept;
  Prng random(1);
  std::vector<float> values(inputs * rows);
  for (float& x : values) x = static_cast<float>(random.normal());
  std::int64_t learned = 0;
  for (auto _ : state) {
    drift::InterplayTraining training(inputs, values, 1, 1);
    training.step();
    benchmark::DoNotOptimize(training.held_out());
    learned += rows;
  }
  state.SetItemsProcessed(learned);
}
BENCHMARK(train_autoencoder);

}  // namespace
}  // namespace mien
