// The door's memory: which number each series of each instance has. Numbers are given at first sight and declared once
// in the frame that brings the first sample; after a restart the table is made again from what the manager folded.
//
// Not thread-safe: the door calls it under its own lock, from numbering a delivery until its frame is appended, so that
// declarations stand in the log in the order of their numbers.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/listed.h"
#include "wire/label_spread.h"
#include "wire/roster.h"

namespace mien::node {

class SeriesTable {
 public:
  static constexpr std::size_t max_series = 1024;  // per instance

  void restore(const InstanceName& instance, const std::vector<model::Series>& series);
  void forget(const InstanceName& instance);
  // Series over the limit are left out and their samples counted as refused. Undo with `revert` if the append failed.
  [[nodiscard]] model::Frame number(model::Delivery delivery, const model::SeriesLists& lists = {});
  // Takes back the declarations of a frame that never reached the log.
  void revert(const model::Frame& frame);
  // Of which instances series were left out since the last time, and which labels they have.
  [[nodiscard]] std::map<InstanceName, wire::LabelSpread> take_overflow() { return std::exchange(overflow_, {}); }

 private:
  // A series of a door's list is shared with it, never copied; it is found by what it is.
  using Shared = std::shared_ptr<const model::Series>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const model::Series& series) const { return wire::hash_of(series); }
    std::size_t operator()(const Shared& series) const { return wire::hash_of(*series); }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const Shared& a, const Shared& b) const { return *a == *b; }
    bool operator()(const model::Series& a, const Shared& b) const { return a == *b; }
    bool operator()(const Shared& a, const model::Series& b) const { return *a == b; }
  };
  // The numbers of a door's list, by place; `none` where not given.
  struct Numbered {
    std::uint64_t list = 0;
    std::vector<model::SeriesIndex> numbers;
  };
  struct Known {
    std::unordered_map<Shared, model::SeriesIndex, Hash, Same> numbers;
    std::vector<Numbered> lists;  // one for each door that brings some, the newest last
  };
  static constexpr std::size_t most_lists = 3;  // per instance; a door that begins a new one leaves the old
  static Numbered& numbered(Known& known, const model::SeriesList& list);
  // `shared`: the same series in its door's list, if it is in one.
  model::SeriesIndex number_of(Known& known, const model::Series& series, model::InstanceFrame& frame,
                               Shared shared = {});

  std::map<InstanceName, Known> instances_;
  std::map<InstanceName, wire::LabelSpread> overflow_;
};

}  // namespace mien::node
