// A tick's security facts made fit to send: what is the same becomes one with a count, texts are cut to their limits,
// and where there are more than a request may hold the least important are shed and counted.
//
// Pure. Facts are in the order of their importance, then of their time: the same facts in any order give the same
// batch. Cost: a sort.
#pragma once

#include <cstdint>
#include <vector>

#include "wire/otlp_facts.h"

namespace mien::node {

struct FactBatch {
  std::vector<wire::InstanceFacts> instances;  // with facts, or with a loss to tell
  std::uint64_t facts = 0;
  std::uint64_t shed = 0;  // single sightings, those that the sensors themselves lost among them
};

namespace fact_limits {
inline constexpr std::size_t object = 1024;   // bytes
inline constexpr std::size_t process = 1024;  // bytes
inline constexpr std::size_t parents = 2048;  // bytes
inline constexpr std::size_t word = 256;      // bytes of a user's name and of a detail
}  // namespace fact_limits

[[nodiscard]] FactBatch batch_facts(const std::vector<wire::InstanceFacts>& seen, std::size_t limit);

// 0 is shed last: what an intruder can not avoid doing comes before what every machine does all day.
[[nodiscard]] int importance(model::FactKind kind);

}  // namespace mien::node
