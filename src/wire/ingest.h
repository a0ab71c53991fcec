// What every door of telemetry shares: the limits of one request, and what comes out of a decoder.
//
// A body that can not be read is an error and nothing of it is taken. Of a body that can be read, each sample is either
// taken or refused, counted and explained.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/listed.h"
#include "wire/label_spread.h"

namespace mien::wire {

// What one request may bring. Over a limit: refused and counted, the rest is taken.
struct IngestLimits {
  std::size_t samples = 100'000;       // per request
  std::size_t instances = 256;         // per request
  std::size_t series = 1'024;          // per instance
  std::size_t attributes = 32;         // per series
  std::size_t name_length = 255;       // bytes; metric and instance names
  std::size_t attribute_length = 256;  // bytes; keys and values
  std::size_t unit_length = 63;        // bytes
  std::size_t identities = 32;         // per instance
  std::size_t cells = 2'000'000;       // series x times over all instances: thinly filled batches are bounded too
  friend bool operator==(const IngestLimits&, const IngestLimits&) = default;
};

// When each cumulative series began, as far as its sender says: a series that began anew counts from zero again, also
// where its new value is no smaller than the old one. Kept by a door between requests; its owner locks. Bounded.
class StartTimes {
 public:
  static constexpr std::size_t max_series = 200'000;  // more: their resets are seen by a falling value alone
  // Whether the series, by any hash of its name, has another and later start than before.
  [[nodiscard]] bool begins_anew(std::uint64_t series, std::int64_t start_ns) {
    auto known = starts_.find(series);
    if (known == starts_.end()) {
      if (starts_.size() >= max_series) return false;
      changes_.push_back({.series = series, .before = std::nullopt});
      starts_.emplace(series, start_ns);
      return false;
    }
    bool later = start_ns > known->second;
    if (later) changes_.push_back({.series = series, .before = std::exchange(known->second, start_ns)});
    return later;
  }

  // What is changed from here on can be undone: a request that is refused changes nothing.
  void begin_request() { changes_.clear(); }
  void undo() {
    for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
      if (change->before) starts_[change->series] = *change->before;
      else starts_.erase(change->series);
    }
    changes_.clear();
  }

 private:
  struct Change {
    std::uint64_t series = 0;
    std::optional<std::int64_t> before;
  };
  std::unordered_map<std::uint64_t, std::int64_t> starts_;
  std::vector<Change> changes_;
};

struct Ingested {
  // `authenticated` is whether the sender is trusted. `source` is what a trusted sender calls itself: the caller
  // replaces it by the name that the token belongs to.
  model::Delivery delivery;
  std::uint64_t accepted = 0;                      // data points
  std::uint64_t rejected = 0;                      // data points
  std::map<InstanceName, LabelSpread> overflow{};  // of instances that brought more series than they may
  model::SeriesLists lists{};                      // of a door that remembers series; else empty
  std::string why_rejected;  // for people: each reason, how often, and its first place; empty when nothing was
};

}  // namespace mien::wire
