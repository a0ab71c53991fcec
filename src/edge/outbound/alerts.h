// Findings as Alertmanager's alerts, and what has to be told of them when: pure.
//
// An alert is its labels; they stay the same while the finding is open. It is told again and again with an end a few
// minutes ahead, so that an Alertmanager that hears nothing more ends it by itself, and for a while after its end, so
// that one that was away hears of the end too. `MienAlive` always fires: where it stops, Mien has stopped.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/outbound/notify_budget.h"
#include "node/view.h"

namespace mien::edge {

struct Alert {
  using Labels = std::map<std::string, std::string>;
  Labels labels;
  Labels annotations;
  WallTime starts_at;
  WallTime ends_at;
  std::string generator_url;
  friend bool operator==(const Alert&, const Alert&) = default;
};

struct AlertRules {
  std::string manager;   // the label `mien` of every alert: which manager says so
  std::string url;       // where people look
  Alert::Labels labels;  // added to every alert
  Duration resend = std::chrono::minutes{1};
};

// What of a view is an alert: findings that are open or acknowledged, from fresh evidence and within the budget, which
// the most severe are asked of first.
[[nodiscard]] std::vector<Alert> alerts_of(const node::View& view, const AlertRules& rules, NotifyBudget& budget,
                                           WallTime now);
[[nodiscard]] Alert alive_alert(const AlertRules& rules, WallTime started, WallTime now);

// What one Alertmanager was told. Bounded by the findings that are open.
class AlertMemory {
 public:
  static constexpr Duration tell_of_end = std::chrono::minutes{15};
  static constexpr std::size_t most_ended = 10'000;

  // Everything that is to be told now: what fires, and what has ended lately.
  [[nodiscard]] std::vector<Alert> tell(std::vector<Alert> firing, WallTime now);

 private:
  std::map<Alert::Labels, Alert> firing_;
  std::map<Alert::Labels, Alert> ended_;
};

// The body of POST /api/v2/alerts.
[[nodiscard]] std::string alerts_body(const std::vector<Alert>& alerts);

}  // namespace mien::edge
