#include "remedy/budget.h"

#include <algorithm>

namespace mien::remedy {
namespace {

std::uint32_t open_actions(const Coordinator::Account& account, Duration steady) {
  std::uint32_t sum = 0;
  for (const Grant& grant : account.open)
    if (grant.expires_at > steady) sum += grant.actions;
  return sum;
}

std::uint32_t spent_within(const Coordinator::Account& account, Duration steady) {
  auto counts = [&](Duration at) { return steady - at < account.budget.per; };
  return static_cast<std::uint32_t>(std::count_if(account.spent.begin(), account.spent.end(), counts));
}

// When at least one action is free: every spent one comes free after `per`, every granted one when the grant lapses.
Duration free_at(const Coordinator::Account& account, Duration steady) {
  std::vector<Duration> frees;
  for (Duration at : account.spent)
    if (steady - at < account.budget.per) frees.push_back(at + account.budget.per);
  for (const Grant& grant : account.open)
    if (grant.expires_at > steady) frees.insert(frees.end(), grant.actions, grant.expires_at);
  if (frees.size() < account.budget.actions) return steady;
  if (account.budget.actions == 0) return steady + account.budget.per;  // never; asking again then does no harm
  std::sort(frees.begin(), frees.end());
  return frees[frees.size() - account.budget.actions];
}

void forget_past(Coordinator::Account& account, Duration steady) {
  while (!account.spent.empty() && steady - account.spent.front() >= account.budget.per) account.spent.pop_front();
  std::erase_if(account.open, [&](const Grant& grant) { return grant.expires_at <= steady; });
}

}  // namespace

void Coordinator::set_budget(const PolicyName& policy, const model::Budget& budget) {
  accounts_[policy].budget = budget;
}

void Coordinator::forget(const PolicyName& policy) { accounts_.erase(policy); }

Grant Coordinator::on(const GrantRequest& request, Duration steady) {
  Grant grant{.policy = request.policy, .shard = request.shard};
  auto found = accounts_.find(request.policy);
  if (found == accounts_.end()) {  // a policy that nobody set a budget for has none
    grant.free_at = steady + grant_lasts;
    return grant;
  }
  Account& account = found->second;
  forget_past(account, steady);
  std::uint32_t taken = spent_within(account, steady) + open_actions(account, steady);
  std::uint32_t left = account.budget.actions > taken ? account.budget.actions - taken : 0;
  grant.actions = std::min(request.actions, left);
  if (grant.actions == 0) {
    grant.free_at = free_at(account, steady);
    return grant;
  }
  grant.number = account.next_number++;
  grant.expires_at = steady + grant_lasts;
  account.open.push_back(grant);
  return grant;
}

void Coordinator::on(const Spent& spent, Duration steady) {
  auto found = accounts_.find(spent.policy);
  if (found == accounts_.end()) return;
  Account& account = found->second;
  for (Grant& grant : account.open)
    if (grant.number == spent.number && grant.actions > 0) --grant.actions;
  std::erase_if(account.open, [](const Grant& grant) { return grant.actions == 0; });
  // Also what was spent from a grant that has lapsed here meanwhile: it was done, so it counts.
  account.spent.insert(std::upper_bound(account.spent.begin(), account.spent.end(), spent.at), spent.at);
  forget_past(account, steady);
}

BudgetView Coordinator::view(const PolicyName& policy, Duration steady) const {
  auto found = accounts_.find(policy);
  if (found == accounts_.end()) return {};
  const Account& account = found->second;
  return {.actions = account.budget.actions,
          .per = account.budget.per,
          .spent = spent_within(account, steady),
          .granted = open_actions(account, steady),
          .free_after = free_at(account, steady) - steady};
}

std::optional<std::uint64_t> Wallet::may_spend(const PolicyName& policy, Duration steady) const {
  auto found = grants_.find(policy);
  if (found == grants_.end()) return std::nullopt;
  for (const Grant& grant : found->second)
    if (grant.actions > 0 && grant.expires_at > steady) return grant.number;
  return std::nullopt;
}

Spent Wallet::spend(const PolicyName& policy, std::uint64_t number, Duration steady) {
  Spent spent{.policy = policy, .number = number, .at = steady};
  auto found = grants_.find(policy);
  if (found == grants_.end()) return spent;
  for (Grant& grant : found->second) {
    if (grant.number != number || grant.actions == 0) continue;
    --grant.actions;
    spent.shard = grant.shard;
  }
  std::erase_if(found->second, [&](const Grant& grant) { return grant.actions == 0 || grant.expires_at <= steady; });
  if (found->second.empty()) grants_.erase(found);
  return spent;
}

void Wallet::on(const Grant& grant) {
  if (grant.actions > 0) grants_[grant.policy].push_back(grant);
}

void Wallet::forget(const PolicyName& policy) { grants_.erase(policy); }

}  // namespace mien::remedy
