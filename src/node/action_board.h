// What readers see of acting: part of the published View, made anew only when something of it changed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/action.h"
#include "remedy/remedy.h"

namespace mien::node {

struct ActionBoard {
  std::map<ActionId, model::Action> actions;  // unfinished ones, and the newest finished (most_finished)
  std::map<remedy::HoldScope, remedy::Hold> holds;
  std::map<std::string, model::Abilities> agents;  // by agent
  std::map<remedy::RankKey, remedy::Rank> ranks;
  std::map<PolicyName, remedy::BudgetView> budgets;
  std::map<PolicyName, std::string> problems;                 // policies that were left out, and why
  std::map<InstanceName, std::vector<model::Order>> orders;   // by host: what shall be in force there
  std::map<InstanceName, std::vector<std::string>> troubles;  // of targets and hosts: what can not be taken back
  static constexpr std::size_t most_finished = 256;
};

[[nodiscard]] inline std::vector<model::Order> orders_of(const ActionBoard& board, const InstanceName& host) {
  auto orders = board.orders.find(host);
  return orders == board.orders.end() ? std::vector<model::Order>{} : orders->second;
}

}  // namespace mien::node
