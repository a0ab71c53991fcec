// Replay in instance-days a second: an hour of instances that send each second, folded again as it was recorded (from
// the log's bytes), and rehearsed with a policy that was not there, which makes time of its own. rooms: node
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "base/text.h"
#include "node/replay.h"
#include "node/series_table.h"

namespace mien {
namespace {

constexpr WallTime start{1'790'000'000'000'000'000};
constexpr std::size_t instances = 8;
constexpr int seconds = 3600;
constexpr double day = 86'400;

model::Resource resource(model::ResourceKind kind, std::string name, model::Value::Map spec) {
  model::Resource made;
  made.kind = kind;
  made.metadata.name = std::move(name);
  made.spec = model::Value{std::move(spec)};
  return made;
}

struct Recorded {
  WallTime at;
  std::string bytes;
};

// Ordinary life, and a minute in ten above a declared limit.
std::vector<Recorded> record(std::size_t series) {
  std::vector<Recorded> log;
  Prng random{1};
  node::SeriesTable numbers;
  model::Value::Map limit{{"max", 0.9}};
  model::Value::Map limits{{"system.memory.utilization", std::move(limit)}};
  model::Value::Map drift{{"limits", std::move(limits)}};
  model::Resource persona = resource(model::ResourceKind::persona, "linux-server", {{"drift", std::move(drift)}});
  node::CommandBody put = node::PutResource{.resource = model::encode_resource(persona), .from_files = false};
  log.push_back({.at = start,
                 .bytes = node::encode_record(
                     node::CommandGiven{.command = {.request = 1, .actor = "bench", .body = std::move(put)}})});
  for (int second = 1; second <= seconds; ++second) {
    WallTime now = start + second * Duration{1s};
    for (std::size_t i = 0; i < instances; ++i) {
      model::DeliveredInstance part;
      part.instance = InstanceName{cat("sender-", i)};
      for (std::size_t s = 0; s < series; ++s) {
        part.series.push_back(
            {.metric = MetricName{s == 0 ? std::string("system.memory.utilization") : cat("app.metric.", s)},
             .attributes = {},
             .unit = "1",
             .kind = model::SeriesKind::gauge});
        double memory = second % 600 < 60 ? 0.97 : 0.5;
        part.batch.values.push_back(s == 0 ? memory : 10 + random.normal());
      }
      part.batch.times = {now};
      model::Delivery delivery{.source = part.instance.value,
                               .epoch = 1,
                               .sequence = static_cast<std::uint64_t>(second),
                               .authenticated = true,
                               .instances = {}};
      delivery.instances.push_back(std::move(part));
      node::Record record = node::FrameArrived{.frame = numbers.number(std::move(delivery))};
      log.push_back({.at = now, .bytes = node::encode_record(record)});
    }
  }
  return log;
}

node::ReplayOptions options(bool rehearse) {
  node::ReplayOptions made{.builtin = {resource(model::ResourceKind::persona, "linux-server", {})},
                           .rehearse = rehearse,
                           .policies = {},
                           .mode = {},
                           .instance = {},
                           .from = {}};
  if (!rehearse) return made;
  model::Value::Map step{{"do", "limit"}, {"with", model::Value::Map{{"cpu", "50%"}}}, {"lease", "5m"}};
  made.policies = {resource(model::ResourceKind::policy, "contain",
                            {{"mode", "enforce"}, {"ladder", model::Value::List{model::Value{std::move(step)}}}})};
  return made;
}

void replay(benchmark::State& state, bool rehearse) {
  std::vector<Recorded> log = record(static_cast<std::size_t>(state.range(0)));
  double days = 0;
  std::uint64_t acted = 0;
  for (auto _ : state) {
    node::Replay machine{options(rehearse)};
    store::LogPosition position = 0;
    for (const Recorded& each : log) {
      auto lines = machine.step(each.at, ++position, node::decode_record(each.bytes).value());
      CHECK(lines.ok());
    }
    days += to_seconds(machine.counts().instance_time) / day;
    acted += machine.counts().acted;
  }
  if (rehearse && acted == 0) state.SkipWithError("the policy never acted");
  state.counters["instance_days"] = benchmark::Counter(days, benchmark::Counter::kIsRate);
}
void as_it_was(benchmark::State& state) { replay(state, false); }
void rehearsed(benchmark::State& state) { replay(state, true); }
BENCHMARK(as_it_was)->ArgName("series")->Arg(10)->Arg(60)->Unit(benchmark::kMillisecond);
BENCHMARK(rehearsed)->ArgName("series")->Arg(10)->Arg(60)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mien

BENCHMARK_MAIN();
