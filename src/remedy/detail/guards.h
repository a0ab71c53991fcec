// The guards, one function each: may this step be done to this target now, and why (not). Pure looks at the state.
#pragma once

#include <optional>
#include <string>

#include "model/policy.h"
#include "remedy/detail/state.h"
#include "remedy/remedy.h"

namespace mien::remedy {

struct Answer {
  bool allowed = false;
  std::string why;                   // with the figures
  std::optional<Duration> again_in;  // of a refusal: when asking again may give another answer
};

// One step on one target, whether it is still a wish or already a proposal that waits.
struct Question {
  PolicyName policy;
  FindingId finding;
  InstanceName instance;  // that the finding is about
  InstanceName target;
  InstanceName host;
  PoolName pool;
  model::PolicyStep step;
  Duration cooldown{};
  std::uint32_t unavailable_most = 1;
  ActionId self;  // of a proposal: it is not in its own way
};

[[nodiscard]] Answer ask_hold(const State& state, const Moment& at, const Question& question);
[[nodiscard]] Answer ask_never_touch(const State& state, const Question& question);
[[nodiscard]] Answer ask_allow(const State& state, const Question& question);
[[nodiscard]] Answer ask_can(const State& state, const Question& question);
[[nodiscard]] Answer ask_busy(const State& state, const Question& question);
[[nodiscard]] Answer ask_owner(const State& state, const Question& question);
[[nodiscard]] Answer ask_cooldown(const State& state, const Moment& at, const Question& question);
[[nodiscard]] Answer ask_unavailable(const State& state, const Question& question);
[[nodiscard]] Answer ask_budget(const State& state, const Moment& at, const Question& question);
[[nodiscard]] Answer ask_repeats(const State& state, const Moment& at, const Question& question, std::uint32_t most);

// How many members of a pool may be unavailable at once.
[[nodiscard]] std::uint32_t unavailable_most(const model::Guards& guards, std::uint32_t pool_members);

}  // namespace mien::remedy
