// Which label makes so many series: the distinct values of each label among series that were refused for want of room.
// Bounded: labels beyond most_labels and values beyond most_values are not told apart. Pure; a look-up a label.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "model/telemetry.h"

namespace mien::wire {

class LabelSpread {
 public:
  static constexpr std::size_t most_labels = 64;
  static constexpr std::size_t most_values = 4'096;  // of a label

  // A series that was refused; its metric's name counts as the label __name__.
  void add(const std::string& metric, const model::Attributes& attributes);
  void merge(const LabelSpread& other);

  struct Widest {
    std::string label;
    std::size_t values = 0;
  };
  // The label with most values; of equals the first by name. Empty where nothing was refused.
  [[nodiscard]] Widest widest() const;
  [[nodiscard]] std::uint64_t refused() const { return refused_; }  // times, not series

 private:
  void add_value(const std::string& label, std::uint64_t value);
  std::map<std::string, std::set<std::uint64_t>> values_;  // hashes
  std::uint64_t refused_ = 0;
};

}  // namespace mien::wire
