// Instances that were sent more series than they may have, and the label that makes them: noted by the doors, shown as
// a condition of the instance and in /metrics while it goes on. From any thread; bounded.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "edge/mutex.h"
#include "wire/label_spread.h"

namespace mien::edge {

class CardinalityBoard {
 public:
  static constexpr std::size_t most_instances = 256;
  static constexpr Duration lasts = std::chrono::minutes{10};  // after the last refusal

  using Overflow = std::map<InstanceName, wire::LabelSpread>;
  struct Offence {
    InstanceName instance;
    wire::LabelSpread::Widest widest;
    std::uint64_t refused = 0;
  };

  void note(const Overflow& overflow, WallTime now) {
    if (overflow.empty()) return;
    Lock lock(mutex_);
    std::erase_if(noted_, [now](const auto& each) { return now - each.second.newest > lasts; });
    for (const auto& [instance, spread] : overflow) {
      if (noted_.size() >= most_instances && !noted_.contains(instance)) continue;
      Noted& noted = noted_[instance];
      noted.spread.merge(spread);
      noted.newest = now;
    }
  }
  [[nodiscard]] std::vector<Offence> offences(WallTime now) const {
    std::vector<Offence> all;
    Lock lock(mutex_);
    for (const auto& [instance, noted] : noted_)
      if (now - noted.newest <= lasts)
        all.push_back({.instance = instance, .widest = noted.spread.widest(), .refused = noted.spread.refused()});
    return all;
  }
  // For people, as a condition of the instance.
  [[nodiscard]] std::optional<std::string> condition(const InstanceName& instance, WallTime now) const {
    Lock lock(mutex_);
    auto known = noted_.find(instance);
    if (known == noted_.end() || now - known->second.newest > lasts) return std::nullopt;
    wire::LabelSpread::Widest widest = known->second.spread.widest();
    return cat(
        "SeriesLimit: more series are sent than an instance may have (1,024), and the rest are refused. The label `",
        widest.label, "` has ", widest.values,
        " different values among them: drop it before it is sent, or the metrics that have it");
  }

 private:
  struct Noted {
    wire::LabelSpread spread;
    WallTime newest;
  };
  mutable Mutex mutex_;
  std::map<InstanceName, Noted> noted_ GUARDED_BY(mutex_);
};

}  // namespace mien::edge
