// Webhooks: what happens is posted to the addresses that the settings name, as CloudEvents 1.0 (structured, JSON),
// signed as Standard Webhooks has it (webhook-id, webhook-timestamp, webhook-signature: HMAC-SHA256 over
// id.timestamp.body), at least once and in order, from an outbox of its own for each. The id of an event is the same
// each time it is sent.
//
// A manager that was killed between writing a finding down and putting it into the outbox finds it again at its start:
// the ledger is compared with what is in the outbox. Threads: one that fills, one for each webhook.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/outbound/destination.h"
#include "edge/outbound/notify_budget.h"
#include "edge/outbound_meters.h"
#include "node/manager_port.h"

namespace mien::edge {

struct WebhookOptions {
  DestinationOptions destination;
  std::string secret_file;                                                         // signed with what it holds
  std::vector<std::string> types{"finding.opened", "finding.resolved", "action"};  // "action" takes "action.ordered"
  friend bool operator==(const WebhookOptions&, const WebhookOptions&) = default;
};

// "v1,<base64 of HMAC-SHA256(secret, id.timestamp.body)>"; a secret "whsec_..." is base64 of the key, any other is it.
[[nodiscard]] Result<std::string> webhook_signature(std::string_view secret, std::string_view id,
                                                    std::int64_t timestamp, std::string_view body);

// The name of what a notice tells: the same whenever it is told. Empty: it has none, and is not sent.
[[nodiscard]] std::string stable_event_id(const node::Notice& notice);

struct WebhooksOptions {
  std::vector<WebhookOptions> webhooks;
  std::string directory;                 // of the outboxes
  std::shared_ptr<NotifyBudget> budget;  // never null
  node::ManagerPort* port = nullptr;
  std::function<WallTime()> now;
  std::function<void(std::string_view)> report;
  std::shared_ptr<OutboundMeters> meters;
  Backoff backoff{};
};

class Webhooks {
 public:
  static constexpr std::size_t most_webhooks = 16;
  static constexpr std::size_t longest_queue = 10'000;  // notices between the manager's thread and the disk

  // Errors: those of the outboxes.
  static Result<std::unique_ptr<Webhooks>> start(WebhooksOptions options);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

 private:
  struct State;
  explicit Webhooks(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mien::edge
