// One finding by its id, open or over; for the handlers that speak of it.
#pragma once

#include <optional>
#include <string>

#include "edge/api/service.h"

namespace mien::edge::api {

// Nothing: the call has been answered (404, or what the ledger said).
[[nodiscard]] std::optional<model::Finding> find_finding(Service& service, Call& call, const std::string& id);

}  // namespace mien::edge::api
