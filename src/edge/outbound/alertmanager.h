// Tells every Alertmanager of the settings, each by a thread of its own: at once when a finding opens or ends, and all
// again every `resend`. Nothing is kept on disk: what fires is in the view, and what ended while this was away an
// Alertmanager ends by itself (edge/outbound/alerts.h). A member that does not answer is tried again with back-off and
// holds up no other.
//
// Ownership: the port must outlive it. The destructor breaks off what is under way.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/outbound/alerts.h"
#include "edge/outbound/destination.h"
#include "edge/outbound_meters.h"
#include "node/manager_port.h"

namespace mien::edge {

struct AlertmanagerOptions {
  std::vector<DestinationOptions> members;
  AlertRules rules;
  std::shared_ptr<NotifyBudget> budget;  // never null
  node::ManagerPort* port = nullptr;
  std::function<WallTime()> now;
  std::function<void(std::string_view)> report;
  std::shared_ptr<OutboundMeters> meters;
  Backoff backoff{.first = std::chrono::seconds{1}, .longest = std::chrono::seconds{30}};
};

class Alertmanager {
 public:
  static constexpr std::size_t most_members = 16;
  static constexpr std::size_t most_at_once = 500;  // alerts of one request

  explicit Alertmanager(AlertmanagerOptions options);
  ~Alertmanager();
  Alertmanager(const Alertmanager&) = delete;
  Alertmanager& operator=(const Alertmanager&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mien::edge
