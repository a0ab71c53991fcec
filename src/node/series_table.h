// The door's memory: which number each series of each instance has. Numbers are given at first sight and declared once
// in the frame that brings the first sample; after a restart the table is made again from what the manager folded.
//
// Not thread-safe: the door calls it under its own lock, from numbering a delivery until its frame is appended, so that
// declarations stand in the log in the order of their numbers.
#pragma once

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/telemetry.h"
#include "wire/label_spread.h"

namespace mien::node {

class SeriesTable {
 public:
  static constexpr std::size_t max_series = 1024;  // per instance

  void restore(const InstanceName& instance, const std::vector<model::Series>& series);
  void forget(const InstanceName& instance);
  // Series over the limit are left out and their samples counted as refused. Undo with `revert` if the append failed.
  [[nodiscard]] model::Frame number(model::Delivery delivery);
  // Takes back the declarations of a frame that never reached the log.
  void revert(const model::Frame& frame);
  // Of which instances series were left out since the last time, and which labels they have.
  [[nodiscard]] std::map<InstanceName, wire::LabelSpread> take_overflow() { return std::exchange(overflow_, {}); }

 private:
  // Of name and attributes; what differs in unit or kind alone is rare.
  struct Hash {
    std::size_t operator()(const model::Series& series) const;
  };
  struct Known {
    std::unordered_map<model::Series, model::SeriesIndex, Hash> numbers;
  };
  model::SeriesIndex number_of(Known& known, model::Series series, model::InstanceFrame& frame);

  std::map<InstanceName, Known> instances_;
  std::map<InstanceName, wire::LabelSpread> overflow_;
};

}  // namespace mien::node
