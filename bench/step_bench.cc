// What the manager's machine takes for one batch, by how many series the instance has: score, learn, decide, and what
// it takes to open a finding. No disk and no thread: the share of "batch arrival to finding" that is ours to think
// about. rooms: node
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "base/prng.h"
#include "base/text.h"
#include "node/manager.h"
#include "node/series_table.h"
#include "wire/otlp.h"

namespace mien {
namespace {

constexpr WallTime start{1'790'000'000'000'000'000};
constexpr std::size_t senders = 256;

model::Resource resource(model::ResourceKind kind, std::string name, model::Value::Map spec) {
  model::Resource made;
  made.kind = kind;
  made.metadata.name = std::move(name);
  made.spec = model::Value{std::move(spec)};
  return made;
}

// A manager with a persona that limits memory, and instances that have it from the start.
class World {
 public:
  explicit World(std::size_t series) : series_(series) {
    model::Value::Map limit{{"max", 0.9}};
    model::Value::Map limits{{"system.memory.utilization", std::move(limit)}};
    model::Value::Map drift{{"limits", std::move(limits)}};
    put(resource(model::ResourceKind::persona, "limited", {{"drift", std::move(drift)}}));
    for (std::size_t i = 0; i < senders; ++i)
      put(resource(model::ResourceKind::instance, name(i), {{"personas", model::Value::List{"limited"}}}));
  }

  node::Effects take(std::size_t sender, double memory) { return step(frame(sender, memory)); }
  // Each sender once, a second later than before.
  void second(double memory) {
    now_ = now_ + 1s;
    for (std::size_t i = 0; i < senders; ++i) benchmark::DoNotOptimize(take(i, memory).audit.data());
  }
  void advance() { now_ = now_ + 1s; }

  node::Record frame(std::size_t sender, double memory) {
    model::DeliveredInstance part;
    part.instance = InstanceName{name(sender)};
    for (std::size_t s = 0; s < series_; ++s) {
      part.series.push_back(
          {.metric = MetricName{s == 0 ? std::string("system.memory.utilization") : cat("app.metric.", s)},
           .attributes = {},
           .unit = "1",
           .kind = model::SeriesKind::gauge});
      part.batch.values.push_back(s == 0 ? memory : 10 + random_.normal());
    }
    part.batch.times = {now_};
    model::Delivery delivery;
    delivery.instances.push_back(std::move(part));
    return node::FrameArrived{.frame = numbers_.number(std::move(delivery))};
  }
  node::Effects step(const node::Record& record) { return manager_.step(now_, ++position_, record); }

 private:
  static std::string name(std::size_t sender) { return cat("sender-", sender); }
  void put(const model::Resource& written) {
    node::Effects done = step(node::CommandGiven{
        .command = {.request = 1,
                    .actor = "bench",
                    .body = node::PutResource{.resource = model::encode_resource(written), .from_files = false}}});
    CHECK(done.answers.size() == 1 && done.answers.front().status.ok());
  }

  std::size_t series_;
  Prng random_{1};
  WallTime now_ = start;
  store::LogPosition position_ = 0;
  node::SeriesTable numbers_;
  node::Manager manager_{{.builtin = {resource(model::ResourceKind::persona, "linux-server", {})}, .limits = {}}};
};

// A sample every instance sends each second, once it is ready: the ordinary case.
void batch_of_a_ready_instance(benchmark::State& state) {
  World world(static_cast<std::size_t>(state.range(0)));
  for (int i = 0; i < 400; ++i) world.second(0.5);
  std::size_t sender = senders;
  node::Record record;
  for (auto _ : state) {
    state.PauseTiming();
    if (sender == senders) {
      world.advance();
      sender = 0;
    }
    record = world.frame(sender++, 0.5);
    state.ResumeTiming();
    benchmark::DoNotOptimize(world.step(record).audit.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(batch_of_a_ready_instance)->ArgName("series")->Arg(60)->Arg(200)->Unit(benchmark::kMicrosecond);

// The fourth sample above a declared limit: a finding opens, with its audit event, entry and notice.
void batch_that_opens_a_finding(benchmark::State& state) {
  std::unique_ptr<World> world;
  std::size_t sender = senders;
  std::size_t opened = 0;
  node::Record record;
  for (auto _ : state) {
    state.PauseTiming();
    if (sender == senders) {
      world = std::make_unique<World>(static_cast<std::size_t>(state.range(0)));
      for (int i = 0; i < 3; ++i) world->second(0.97);
      world->advance();
      sender = 0;
    }
    record = world->frame(sender++, 0.97);
    state.ResumeTiming();
    node::Effects effects = world->step(record);
    for (const node::Notice& notice : effects.notices) opened += notice.type == "finding.opened" ? 1 : 0;
  }
  if (opened != static_cast<std::size_t>(state.iterations())) state.SkipWithError("not every batch opened a finding");
}
BENCHMARK(batch_that_opens_a_finding)->ArgName("series")->Arg(60)->Arg(200)->Unit(benchmark::kMicrosecond);

// What stands before the step: the record's way through the log's bytes.
void record_to_bytes_and_back(benchmark::State& state) {
  World world(static_cast<std::size_t>(state.range(0)));
  world.second(0.5);
  node::Record record = world.frame(0, 0.5);
  for (auto _ : state) benchmark::DoNotOptimize(node::decode_record(node::encode_record(record)).ok());
}
BENCHMARK(record_to_bytes_and_back)->ArgName("series")->Arg(60)->Arg(200)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mien

BENCHMARK_MAIN();
