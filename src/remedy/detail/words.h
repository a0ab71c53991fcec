// How moments, lists and steps are said to people.
#pragma once

#include <string>

#include "model/policy.h"
#include "remedy/remedy.h"

namespace mien::remedy {

using mien::to_text;

// "14:03 UTC"; with the date where it is more than a day from now.
[[nodiscard]] std::string clock_text(WallTime when, WallTime now);
// A steady time as people's time.
[[nodiscard]] std::string clock_text(Duration steady, const Moment& at);
// "limit cpu of nginx.service@web-01 to 50% for 30m".
[[nodiscard]] std::string step_text(const model::PolicyStep& step, const InstanceName& target);
[[nodiscard]] std::string hold_text(const HoldScope& scope, const Hold& hold, WallTime now);
// "2 actions", "1 action".
[[nodiscard]] std::string counted(std::uint64_t n, const char* one, const char* many);
// A share as people read it: "0.42".
[[nodiscard]] std::string score_text(double score);
[[nodiscard]] std::string reason_text(model::EndReason reason);
// `*` stands for any run of characters.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace mien::remedy
