// What the store costs: samples into log and history, bytes a stored sample, audit rows and commits a second.
// rooms: edge
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/sqlite/sqlite.h"
#include "node/record.h"
#include "store/audit.h"
#include "store/checksum.h"
#include "store/history_codec.h"

namespace {

using namespace mien;

constexpr std::int64_t start = 1'790'000'040'000'000'000;
constexpr std::size_t series_count = 200;
constexpr std::size_t rows = 120;

class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mien-bench-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// What a host sends: ratios of two decimals, integer counters as rates over a second that is not quite one, flat
// gauges, and some that use every bit.
enum class Character { decimals, rates, flat, noise, mixed };

store::Columns host_columns(std::uint64_t seed, std::int64_t from, Character character) {
  Prng prng{seed};
  store::Columns columns{.times = {}, .count = series_count, .values = {}};
  std::vector<double> seconds(rows, 1.0);
  std::int64_t at = from;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto jitter = static_cast<std::int64_t>(prng.below(200'000));
    const std::int64_t before = at;
    at = from + static_cast<std::int64_t>(r) * 1'000'000'000 + jitter;
    columns.times.push_back({at});
    if (r > 0) seconds[r] = to_seconds(Duration{at - before});
  }
  columns.values.reserve(series_count * rows);
  for (std::size_t c = 0; c < series_count; ++c) {
    const Character kind = character == Character::mixed ? static_cast<Character>(c % 4) : character;
    double level = 50 + 10 * prng.normal();
    for (std::size_t r = 0; r < rows; ++r) {
      level += prng.normal();
      switch (kind) {
        case Character::decimals: columns.values.push_back(std::round(level) / 100); break;
        case Character::rates: columns.values.push_back(std::round(std::fabs(level)) / seconds[r]); break;
        case Character::flat: columns.values.push_back(prng.chance(0.02) ? 5.0 : 4.0); break;
        default: columns.values.push_back(level); break;
      }
    }
  }
  return columns;
}

std::vector<model::Series> host_series() {
  std::vector<model::Series> series;
  for (std::size_t c = 0; c < series_count; ++c)
    series.push_back({.metric = MetricName{cat("system.metric.", c)},
                      .attributes = {{"device", "sda"}},
                      .unit = "1",
                      .kind = model::SeriesKind::gauge});
  return series;
}

void count_samples(benchmark::State& state, std::size_t per_iteration) {
  state.counters["samples/s"] = benchmark::Counter(
      static_cast<double>(per_iteration) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void encode_block(benchmark::State& state) {
  const store::Columns columns = host_columns(1, start, static_cast<Character>(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto block = store::encode_columns(columns);
    bytes = block->size();
    benchmark::DoNotOptimize(bytes);
  }
  count_samples(state, columns.values.size());
  state.counters["bytes/sample"] = static_cast<double>(bytes) / static_cast<double>(columns.values.size());
}
BENCHMARK(encode_block)->ArgName("decimals_rates_flat_noise_mixed")->DenseRange(0, 4);

void decode_block(benchmark::State& state) {
  const store::Columns columns = host_columns(1, start, static_cast<Character>(state.range(0)));
  const std::string bytes = store::encode_columns(columns).value();
  for (auto _ : state) benchmark::DoNotOptimize(store::decode_columns(bytes)->values.data());
  count_samples(state, columns.values.size());
}
BENCHMARK(decode_block)->ArgName("decimals_rates_flat_noise_mixed")->DenseRange(0, 4);

// Blocks of 200 series and two minutes, ten instances in a transaction; the file's size is the whole truth.
void history_append(benchmark::State& state) {
  const Scratch scratch;
  auto history = edge::open_history(scratch.path("history.sqlite")).value();
  std::vector<store::HistoryBlock> blocks;
  for (std::uint64_t i = 0; i < 10; ++i) {
    store::Columns columns = host_columns(i, start, Character::mixed);
    blocks.push_back({.instance = InstanceName{cat("host-", i)},
                      .series = host_series(),
                      .batch = {.times = columns.times, .series = {}, .values = columns.values}});
  }
  for (auto _ : state) {
    CHECK(history->append(blocks).ok());
    for (store::HistoryBlock& block : blocks)
      for (WallTime& t : block.batch.times) t = t + Duration{120'000'000'000};
  }
  count_samples(state, series_count * rows * blocks.size());
  const store::HistoryUse use = history->use().value();
  state.counters["bytes/sample"] = static_cast<double>(use.bytes.value) / static_cast<double>(use.samples);
}
BENCHMARK(history_append)->Unit(benchmark::kMillisecond);

// One frame a record: one host's second of 200 series. Synced after each group of `records`.
void log_append(benchmark::State& state) {
  const Scratch scratch;
  auto log = edge::open_log(scratch.path("log")).value();
  Prng prng{1};
  model::InstanceFrame part{.instance = InstanceName{"host-1"},
                            .parent = {},
                            .identities = {},
                            .declared = {},
                            .batch = {},
                            .refused = 0,
                            .facts = {}};
  part.batch.times = {{start}};
  for (std::uint32_t i = 0; i < series_count; ++i) {
    part.batch.series.push_back(i);
    part.batch.values.push_back(prng.normal());
  }
  const std::string record = node::encode_record(node::FrameArrived{
      .frame = {.source = "host-1", .epoch = 1, .sequence = 1, .authenticated = true, .instances = {part}}});
  const std::vector<std::string_view> group(static_cast<std::size_t>(state.range(0)), record);
  for (auto _ : state) {
    CHECK(log->append(0, {start}, group).ok());
    CHECK(log->sync(0).ok());
  }
  count_samples(state, series_count * group.size());
  state.counters["records/s"] = benchmark::Counter(
      static_cast<double>(group.size()) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(log_append)->ArgName("group")->Arg(1)->Arg(64)->UseRealTime();

// Audit rows in transactions of so many, each on the disk before the next.
void audit_commit(benchmark::State& state) {
  const Scratch scratch;
  auto ledger = edge::open_ledger(scratch.path("ledger.sqlite")).value();
  store::Checkpoint owner = ledger->acquire(0).value();
  store::AuditChain chain{&edge::sha256, std::nullopt};
  const model::AuditEvent event{.at = {start},
                                .actor = "admin (token cli)",
                                .verb = "resource.applied",
                                .subject = "Persona/web-frontend",
                                .cause = "log/4711",
                                .detail = "generation 12"};
  for (auto _ : state) {
    store::Transaction t{.shard = 0, .checkpoint = owner, .writes = {}, .audit = {}, .head = {}};
    ++t.checkpoint.position;
    for (std::int64_t i = 0; i < state.range(0); ++i) t.audit.push_back(chain.append(event));
    CHECK(ledger->commit(t).ok());
    owner = t.checkpoint;
  }
  state.counters["rows/s"] = benchmark::Counter(
      static_cast<double>(state.range(0)) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(audit_commit)->ArgName("rows")->Arg(1)->Arg(64)->Arg(1024)->UseRealTime();

void audit_verify(benchmark::State& state) {
  const Scratch scratch;
  auto ledger = edge::open_ledger(scratch.path("ledger.sqlite")).value();
  store::AuditChain chain{&edge::sha256, std::nullopt};
  store::Transaction t{.shard = 0, .checkpoint = ledger->acquire(0).value(), .writes = {}, .audit = {}, .head = {}};
  for (int i = 0; i < 20'000; ++i)
    t.audit.push_back(chain.append({.at = {i},
                                    .actor = "mien",
                                    .verb = "finding.opened",
                                    .subject = "Finding/f-1",
                                    .cause = "log/1",
                                    .detail = "x"}));
  CHECK(ledger->commit(t).ok());
  for (auto _ : state) CHECK(!store::verify_audit(*ledger, &edge::sha256, [](auto, auto) { return true; }, {})->broken);
  state.counters["rows/s"] =
      benchmark::Counter(20'000.0 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(audit_verify)->Unit(benchmark::kMillisecond);

void checksum(benchmark::State& state) {
  const std::string bytes(64 * 1024, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(store::crc32c(bytes));
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
}
BENCHMARK(checksum);

}  // namespace
