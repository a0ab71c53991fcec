// What a step of the manager asks of the world. The driver carries it out in this order: history and ledger first, then
// answers and notices leave: durable before it is sent.
#pragma once

#include <vector>

#include "model/audit.h"
#include "node/view.h"
#include "store/history.h"
#include "store/ledger.h"

namespace mien::node {

struct Effects {
  std::vector<model::AuditEvent> audit;
  std::vector<store::Write> writes;
  std::vector<store::HistoryBlock> history;
  std::vector<store::FactBlock> facts;  // goes with history
  std::vector<Answer> answers;
  std::vector<Notice> notices;
};

}  // namespace mien::node
