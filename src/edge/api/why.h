// Sentences about what was done and what was not, for `mien why`: each can be understood without the manual. Pure.
#pragma once

#include <string>
#include <vector>

#include "model/action.h"
#include "model/decision.h"

namespace mien::edge::api {

// "it is in force since 09:50:02 and ends by itself at 10:20:02".
[[nodiscard]] std::string state_sentence(const model::Action& action);
// "drift was 0.93 before and 0.21 after; ...": the proof of effect.
[[nodiscard]] std::string effect_sentence(const model::Action& action);
// "cpu.max: max 100000 -> 50000 100000".
[[nodiscard]] std::string change_sentence(const model::Change& change);
// What came of a decision: "contain-hog would have acted, but the guard budget said no: ...".
[[nodiscard]] std::string outcome_sentence(const model::Decision& decision);
// Every rule that was looked at and every guard that was asked, one line each.
[[nodiscard]] std::vector<std::string> rule_lines(const model::Decision& decision, std::size_t most);
[[nodiscard]] std::vector<std::string> guard_lines(const model::Decision& decision);

}  // namespace mien::edge::api
