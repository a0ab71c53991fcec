// What several verbs show of acting: actions, how often they helped, decisions, holds.
#pragma once

#include <string>

#include "app/cli.h"

namespace mien::app {

[[nodiscard]] Table actions_table(const Session& session, const wire::Document& list);
// How often each step helped; no rows where nothing was judged yet.
[[nodiscard]] Table success_table(const wire::Document& list);
[[nodiscard]] Table decisions_table(const Session& session, const wire::Document& list);
[[nodiscard]] Table holds_table(const Session& session, const wire::Document& list);
// "helped: 0.93 -> 0.21".
[[nodiscard]] std::string effect_text(const wire::Document& action);
// The table of actions with what stands below it; what to say on standard error when there is none.
void print_actions(Session& session, const wire::Document& answer, const std::string& none);

}  // namespace mien::app
