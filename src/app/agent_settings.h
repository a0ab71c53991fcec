// What /etc/mien/agent.yaml says of a machine: what may be done to it, what is never touched, and what is watched.
// Written by the one who owns the machine; nothing that a manager sends widens it. Unknown keys and verbs are errors
// with a suggestion.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/runtime/budget.h"
#include "edge/sense/sense.h"
#include "model/policy.h"

namespace mien::app {

struct AgentSettings {
  std::set<model::Verb> allow;           // empty: nothing may be done here
  std::vector<std::string> never_touch;  // the defaults, and what the file adds to them
  edge::SenseSettings collect{};         // what the sensors see
  edge::BudgetSettings budget{};         // what the agent itself may cost
};

inline constexpr std::string_view default_agent_settings_file = "/etc/mien/agent.yaml";

// "limit", "prioritize": by name; `alert` needs no permission and is none. Errors: invalid, with what was meant.
[[nodiscard]] Result<model::Verb> parse_allowed(std::string_view name);
// Errors: invalid, with file, line or key, and what to write instead.
[[nodiscard]] Result<AgentSettings> parse_agent_settings(std::string_view text, std::string_view file);
// The file, or the defaults where the default file does not exist.
[[nodiscard]] Result<AgentSettings> load_agent_settings(const std::string& file);
// What the command line allows instead of the file; empty: the file's word stands.
[[nodiscard]] Status allow_instead(AgentSettings& settings, const std::vector<std::string>& verbs);

}  // namespace mien::app
