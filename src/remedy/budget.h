// Budgets over time windows as expiring grants. The coordinator holds each policy's budget and cuts it into grants; a
// shard spends only what it was granted, and says what it spent. No grant, no action; what a dead shard held lapses.
//
// Embedded, one shard is both, with the same messages, handled within the step. Sliding window: in any span of `per`
// at most `actions` are spent, counting what is granted and not yet lapsed as spent. Time is `steady` (remedy.h).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/policy.h"

namespace mien::remedy {

// ---- messages ----
struct GrantRequest {
  PolicyName policy;
  std::uint32_t shard = 0;
  std::uint32_t actions = 1;
  static constexpr auto fields =
      std::tuple{field("policy", &GrantRequest::policy), field("shard", &GrantRequest::shard),
                 field("actions", &GrantRequest::actions)};
};
struct Grant {
  PolicyName policy;
  std::uint32_t shard = 0;
  std::uint64_t number = 0;
  std::uint32_t actions = 0;  // 0: nothing is left
  Duration expires_at{};      // steady
  Duration free_at{};         // when nothing is left: when something will be
  static constexpr auto fields = std::tuple{field("policy", &Grant::policy),         field("shard", &Grant::shard),
                                            field("number", &Grant::number),         field("actions", &Grant::actions),
                                            field("expires_at", &Grant::expires_at), field("free_at", &Grant::free_at)};
};
struct Spent {
  PolicyName policy;
  std::uint32_t shard = 0;
  std::uint64_t number = 0;  // of the grant
  Duration at{};
  static constexpr auto fields = std::tuple{field("policy", &Spent::policy), field("shard", &Spent::shard),
                                            field("number", &Spent::number), field("at", &Spent::at)};
};

// For people and /metrics.
struct BudgetView {
  std::uint32_t actions = 0;
  Duration per{};
  std::uint32_t spent = 0;
  std::uint32_t granted = 0;  // and not spent
  Duration free_after{};      // until one more is free; 0: now
};

// Shard 0's part.
class Coordinator {
 public:
  static constexpr Duration grant_lasts = std::chrono::minutes{5};
  void set_budget(const PolicyName& policy, const model::Budget& budget);
  void forget(const PolicyName& policy);
  Grant on(const GrantRequest& request, Duration steady);
  void on(const Spent& spent, Duration steady);
  [[nodiscard]] BudgetView view(const PolicyName& policy, Duration steady) const;

  struct Account {
    model::Budget budget;
    std::deque<Duration> spent;  // when, ascending, of the last `per`
    std::vector<Grant> open;     // granted, neither spent nor lapsed
    std::uint64_t next_number = 1;
  };
  [[nodiscard]] const std::map<PolicyName, Account>& accounts() const { return accounts_; }
  std::map<PolicyName, Account>& accounts() { return accounts_; }

 private:
  std::map<PolicyName, Account> accounts_;
};

// A shard's part.
class Wallet {
 public:
  // The number of the grant that one action may be taken from now.
  [[nodiscard]] std::optional<std::uint64_t> may_spend(const PolicyName& policy, Duration steady) const;
  Spent spend(const PolicyName& policy, std::uint64_t number, Duration steady);
  void on(const Grant& grant);
  void forget(const PolicyName& policy);
  [[nodiscard]] const std::map<PolicyName, std::vector<Grant>>& grants() const { return grants_; }
  std::map<PolicyName, std::vector<Grant>>& grants() { return grants_; }

 private:
  std::map<PolicyName, std::vector<Grant>> grants_;
};

}  // namespace mien::remedy
