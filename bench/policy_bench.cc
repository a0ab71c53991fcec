// Cost of asking all policies about one finding, by how many there are and how they are spread.
// rooms: base model policy
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/text.h"
#include "policy/policy.h"

namespace mien {
namespace {

class Steady final : public policy::Variables {
 public:
  [[nodiscard]] std::optional<double> value_of(std::string_view) const override { return 0.7; }
  [[nodiscard]] std::optional<double> metric(std::string_view) const override { return 1e9; }
  [[nodiscard]] std::optional<double> signal(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] std::optional<Duration> utc_offset(std::string_view, WallTime) const override { return Duration{}; }
  [[nodiscard]] std::optional<double> forecast(std::string_view, Duration, std::string_view) const override {
    return std::nullopt;
  }
};

// Policies of a large site: most are about a pool of their own, with two kinds and a severity; some for all.
std::vector<model::Policy> site(std::int64_t count) {
  std::vector<model::Policy> policies;
  for (std::int64_t i = 0; i < count; ++i) {
    model::Policy policy;
    policy.name = PolicyName(cat("policy-", i));
    policy.match.kinds = {static_cast<model::FindingKind>(1 + i % 12), model::FindingKind::spike};
    policy.match.severity = static_cast<model::Severity>(i % 4);
    if (i % 50 != 0) policy.match.pools = {cat("pool-", i / 4)};
    if (i % 3 == 0) policy.match.labels = {{"tier", i % 2 == 0 ? "front" : "back"}};
    if (i % 5 == 0) policy.when = "time.in('Mon-Fri 08:00-20:00 Europe/Berlin') && load.cpu > 0.6";
    policy.ladder = {{.verb = model::Verb::alert, .with = {}, .lease = {}}};
    policies.push_back(std::move(policy));
  }
  return policies;
}

model::Finding spike_in(const std::string& pool) {
  model::Finding finding;
  finding.instance = InstanceName("web-01");
  finding.pool = PoolName(pool);
  finding.kind = model::FindingKind::spike;
  finding.severity = model::Severity::medium;
  finding.confidence = 0.99;
  return finding;
}

void evaluate(benchmark::State& state) {
  policy::Compiled compiled = policy::compile(site(state.range(0)));
  CHECK(compiled.problems.empty());
  model::Finding finding = spike_in("pool-2");
  std::map<std::string, std::string> labels{{"tier", "front"}};
  Steady variables;
  policy::Context context{.now = {}, .finding = &finding, .labels = &labels, .variables = &variables};
  for (auto _ : state) benchmark::DoNotOptimize(compiled.rules.evaluate(context));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(evaluate)->Arg(10)->Arg(1000)->Arg(10000)->Unit(benchmark::kMicrosecond);

void compile_all(benchmark::State& state) {
  std::vector<model::Policy> policies = site(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(policy::compile(policies));
}
BENCHMARK(compile_all)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mien
