// Prometheus' data model on its way to ours: labels and samples, from remote-write or from a scrape, become a
// model::Delivery. Decoders hand in series; this knows instances, kinds, aliases and what is not kept.
//
// * The instance is the label `instance` without its port (`instance_label`, `keep_port`).
// * A counter is what its metadata calls so, or what ends in _total, _count or _sum.
// * Histograms and summaries count by their count and sum; their buckets, and constants (_info, _created), are
//   understood and not kept. So are the series that Prometheus makes about its own scraping, and, of a target that is a
//   node_exporter, what the exporter says about itself.
// * The staleness marker ends a series (model::ended).
//
// A door that remembers series knows what became of one by the bytes of its labels: then its samples cost a look-up,
// and the delivery names its series by place (model/listed.h). What it says is the same.
//
// Ownership: PrometheusMemory is the door's, kept between requests; its owner locks. Limits: wire/ingest.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "wire/derive.h"
#include "wire/ingest.h"

namespace mien::wire {

// NaN with these bits is no number: the series ended.
inline constexpr std::uint64_t staleness_marker = 0x7ff0'0000'0000'0002;

enum class MetricType : std::uint8_t { unknown, counter, gauge, histogram, gauge_histogram, summary, info, state_set };

struct Label {
  std::string_view name;
  std::string_view value;
};

struct PrometheusRules {
  std::string instance_label = "instance";
  bool keep_port = false;
  friend bool operator==(const PrometheusRules&, const PrometheusRules&) = default;
};

// What is remembered between requests.
struct PrometheusMemory {
  static constexpr std::size_t max_types = 20'000;
  static constexpr std::size_t max_targets = 10'000;
  Derivation derivation;
  // By metric family. Only remote-write 1.0 needs it: there types travel apart from the samples.
  std::map<std::string, MetricType, std::less<>> types;
  // By value of the instance label.
  struct Target {
    WallTime first_seen;
    bool is_node_exporter = false;
  };
  std::map<std::string, Target, std::less<>> targets;
  // What a target says of its own process is kept once it has had the time to show that it is no node_exporter.
  static constexpr Duration known_after = 2min;

  // Nothing unless it shall remember series; `door` tells doors of one process apart.
  struct SeriesMemory;
  std::shared_ptr<SeriesMemory> series;
  static constexpr std::size_t max_series = 3'000'000;
  static constexpr std::size_t max_series_bytes = 512U << 20U;  // of labels
  void remember_series(std::uint16_t door);
  struct Remembered {
    std::uint64_t series = 0;
    std::uint64_t bytes = 0;    // of their labels
    std::uint64_t slowly = 0;   // series that were decoded because their labels were not known
    std::uint64_t emptied = 0;  // times that everything was forgotten for want of room
  };
  [[nodiscard]] Remembered remembered() const;

  [[nodiscard]] Target* target_of(std::string_view address, WallTime now);  // null: no room
  [[nodiscard]] static bool tells_of_itself(const Target& target, WallTime now);
  void learn_type(std::string_view family, MetricType type);
  std::uint32_t types_version = 0;  // another when a type is another
};

struct PrometheusCounts {
  std::uint64_t samples = 0;  // taken, also those that are understood and not kept
  std::uint64_t histograms = 0;
  std::uint64_t exemplars = 0;  // seen; not kept
  std::uint64_t ended = 0;      // series that were said to have ended
  std::uint64_t not_kept = 0;   // of `samples`
  std::uint64_t unnamed = 0;    // refused: no instance label
  std::uint64_t invalid = 0;    // refused: labels or values that can not be, or over a limit
  PrometheusCounts& operator+=(const PrometheusCounts& other);
  friend bool operator==(const PrometheusCounts&, const PrometheusCounts&) = default;
};

struct PrometheusIngested {
  model::Delivery delivery;
  PrometheusCounts counts;
  model::SeriesLists lists{};  // of a door that remembers series; else empty
  std::map<InstanceName, LabelSpread> overflow{};
  std::string why;  // for people: what was refused; empty when nothing was
};

// "web-01:9100" -> "web-01", "[::1]:9100" -> "::1"; what is no host and port stays.
[[nodiscard]] std::string_view without_port(std::string_view address);

class PrometheusIntake {
 public:
  PrometheusIntake(const PrometheusRules& rules, WallTime arrived, PrometheusMemory& memory,
                   const IngestLimits& limits = {});
  ~PrometheusIntake();
  PrometheusIntake(const PrometheusIntake&) = delete;
  PrometheusIntake& operator=(const PrometheusIntake&) = delete;

  // The samples that follow belong to this series.
  void begin_series(std::span<const Label> labels, MetricType type, std::string_view unit = {});
  // The same by what the labels are made of: false when it is not known and must be begun by its labels. Then `bytes`
  // will name it, and must stay valid until the next series begins.
  [[nodiscard]] bool begin_known(std::string_view bytes);
  void sample(std::int64_t milliseconds, double value);
  void histogram(std::int64_t milliseconds, double count, double sum);
  void exemplar();
  [[nodiscard]] PrometheusIngested finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mien::wire
