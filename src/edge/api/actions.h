// One action or decision by its id, and the newest of an instance; for the handlers that speak of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edge/api/service.h"
#include "model/action.h"
#include "model/decision.h"

namespace mien::edge::api {

// Whether the caller may see it: both whom it is about and what it changes.
[[nodiscard]] bool sees(const Caller& caller, const node::View& view, const model::Action& action);
// As it is now: from the board, else from the ledger. Nothing: there is none, or it is not the caller's to see.
[[nodiscard]] Result<std::optional<model::Action>> action_of(Service& service, const Caller& caller,
                                                             const std::string& id);
[[nodiscard]] Result<std::optional<model::Decision>> decision_of(Service& service, const Caller& caller,
                                                                 const std::string& id);
// Newest first, at most `limit`. Costs a pass over the table.
[[nodiscard]] Result<std::vector<model::Decision>> newest_decisions(Service& service, const InstanceName& instance,
                                                                    std::size_t limit);
[[nodiscard]] Result<std::vector<model::Action>> newest_actions(Service& service, const InstanceName& instance,
                                                                std::size_t limit);

}  // namespace mien::edge::api
