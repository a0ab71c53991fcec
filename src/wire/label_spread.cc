#include "wire/label_spread.h"

#include <string_view>

namespace mien::wire {
namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace

void LabelSpread::add_value(const std::string& label, std::uint64_t value) {
  auto known = values_.find(label);
  if (known == values_.end()) {
    if (values_.size() >= most_labels) return;
    known = values_.emplace(label, std::set<std::uint64_t>{}).first;
  }
  if (known->second.size() < most_values) known->second.insert(value);
}

void LabelSpread::add(const std::string& metric, const model::Attributes& attributes) {
  ++refused_;
  add_value("__name__", fnv1a(metric));
  for (const auto& [label, value] : attributes) add_value(label, fnv1a(value));
}

void LabelSpread::merge(const LabelSpread& other) {
  refused_ += other.refused_;
  for (const auto& [label, values] : other.values_)
    for (std::uint64_t value : values) add_value(label, value);
}

LabelSpread::Widest LabelSpread::widest() const {
  Widest widest;
  for (const auto& [label, values] : values_)
    if (values.size() > widest.values) widest = {.label = label, .values = values.size()};
  return widest;
}

}  // namespace mien::wire
