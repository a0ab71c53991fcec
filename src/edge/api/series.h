// Samples of the newest window, which are not in the history yet.
#pragma once

#include <vector>

#include "node/view.h"
#include "store/history.h"

namespace mien::edge::api {

// Adds to what the history answered what the view knows beyond it.
void add_recent(const node::InstanceView& seen, const store::HistoryQuery& query, std::vector<store::HistorySeries>& into);

}  // namespace mien::edge::api
