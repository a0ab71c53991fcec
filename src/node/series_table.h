// The door's memory: which number each series of each instance has. Numbers are given at first sight and declared once
// in the frame that brings the first sample; after a restart the table is made again from what the manager folded.
//
// Not thread-safe: the door calls it under its own lock, from numbering a delivery until its frame is appended, so that
// declarations stand in the log in the order of their numbers.
#pragma once

#include <map>
#include <vector>

#include "model/telemetry.h"

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

 private:
  struct Known {
    std::map<model::Series, model::SeriesIndex> numbers;
  };
  model::SeriesIndex number_of(Known& known, model::Series series, model::InstanceFrame& frame);

  std::map<InstanceName, Known> instances_;
};

}  // namespace mien::node
