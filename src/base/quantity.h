// Units in the type: Bytes, Ratio, PValue, Bits; and names of things that are all strings but must not be mixed.
// Mixing them does not compile. `value` is public because a unit is a value, not a resource.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

namespace mien {

template <class Unit, class Representation>
struct Quantity {
  Representation value{};
  friend constexpr auto operator<=>(const Quantity&, const Quantity&) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return {a.value + b.value}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return {a.value - b.value}; }
};

using Bytes = Quantity<struct BytesUnit, std::uint64_t>;
using Ratio = Quantity<struct RatioUnit, double>;    // dimensionless, usually 0..1
using PValue = Quantity<struct PValueUnit, double>;  // (0, 1]: chance of something at least as extreme when healthy
using Bits = Quantity<struct BitsUnit, double>;      // surprise, -log2 of a probability; >= 0

template <class Kind>
struct Name {
  std::string value;
  Name() = default;
  explicit Name(std::string text) : value(std::move(text)) {}
  [[nodiscard]] bool empty() const { return value.empty(); }
  friend auto operator<=>(const Name&, const Name&) = default;
};

using InstanceName = Name<struct InstanceKind>;  // "web-01", "nginx.service@web-01"
using PersonaName = Name<struct PersonaKind>;    // "web-frontend"
using PoolName = Name<struct PoolKind>;
using PolicyName = Name<struct PolicyKind>;
using FindingId = Name<struct FindingKindTag>;  // "f-000000000042-1"
using DecisionId = Name<struct DecisionKindTag>;  // "d-42-1"
using ActionId = Name<struct ActionKindTag>;      // "a-42-1"
using MetricName = Name<struct MetricKind>;     // OpenTelemetry name: "system.cpu.utilization"

}  // namespace mien

template <class Kind>
struct std::hash<mien::Name<Kind>> {
  std::size_t operator()(const mien::Name<Kind>& name) const noexcept { return std::hash<std::string>{}(name.value); }
};
