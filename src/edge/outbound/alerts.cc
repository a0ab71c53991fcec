#include "edge/outbound/alerts.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "model/telemetry.h"
#include "wire/document.h"

namespace mien::edge {
namespace {

// Four rounds may be lost before an Alertmanager takes an alert for over, as Prometheus has it.
constexpr int rounds_ahead = 4;

Alert::Labels labelled(const AlertRules& rules, const char* name) {
  Alert::Labels labels = rules.labels;
  labels["alertname"] = name;
  labels["mien"] = rules.manager;
  return labels;
}

std::string percent(double share) { return cat(static_cast<int>(share * 100 + 0.5), " %"); }

Alert alert_of(const node::InstanceView& seen, const model::Finding& finding, const AlertRules& rules, WallTime now) {
  const std::string& name = seen.name.value;
  Alert alert;
  alert.labels = labelled(rules, "MienFinding");
  alert.labels["instance"] = name;
  alert.labels["type"] = to_text(seen.type);
  alert.labels["finding"] = finding.id.value;
  alert.labels["kind"] = to_text(finding.kind);
  alert.labels["severity"] = to_text(finding.severity);
  alert.labels["persona"] = finding.persona.value;
  if (!finding.pool.empty()) alert.labels["pool"] = finding.pool.value;
  alert.annotations["summary"] = finding.summary.empty() ? cat(name, ": ", to_text(finding.kind)) : finding.summary;
  alert.annotations["description"] =
      cat(name, " is not itself: score ", percent(finding.score), ", confidence ", percent(finding.confidence),
          finding.first_mover.empty() ? "" : cat(", first ", finding.first_mover), ". Ask `mien why ", finding.id.value,
          "`.");
  if (!finding.comment.empty()) alert.annotations["acknowledged"] = finding.comment;
  alert.starts_at = finding.opened_at;
  alert.ends_at = now + rounds_ahead * rules.resend;
  alert.generator_url = cat(rules.url, "/api/v1/findings/", finding.id.value);
  return alert;
}

}  // namespace

std::vector<Alert> alerts_of(const node::View& view, const AlertRules& rules, NotifyBudget& budget, WallTime now) {
  std::vector<std::pair<const node::InstanceView*, const model::Finding*>> open;
  for (const auto& [name, seen] : view.instances)
    for (const model::Finding& finding : seen->findings)
      if (!finding.late && finding.state != model::FindingState::resolved) open.emplace_back(seen.get(), &finding);
  std::stable_sort(open.begin(), open.end(),
                   [](const auto& a, const auto& b) { return a.second->severity > b.second->severity; });
  std::vector<Alert> all;
  for (const auto& [seen, finding] : open)
    if (budget.tells(*finding, now)) all.push_back(alert_of(*seen, *finding, rules, now));
  return all;
}

Alert alive_alert(const AlertRules& rules, WallTime started, WallTime now) {
  Alert alert;
  alert.labels = labelled(rules, "MienAlive");
  alert.labels["severity"] = "none";
  alert.annotations["summary"] = cat("Mien watches on ", rules.manager, ": page when this alert is missing");
  alert.starts_at = started;
  alert.ends_at = now + rounds_ahead * rules.resend;
  alert.generator_url = rules.url;
  return alert;
}

std::vector<Alert> AlertMemory::tell(std::vector<Alert> firing, WallTime now) {
  std::map<Alert::Labels, Alert> next;
  for (Alert& alert : firing) {
    ended_.erase(alert.labels);
    next.insert_or_assign(alert.labels, std::move(alert));
  }
  for (auto& [labels, alert] : firing_) {
    if (next.contains(labels) || ended_.size() >= most_ended) continue;
    alert.ends_at = now;
    ended_.emplace(labels, std::move(alert));
  }
  std::erase_if(ended_, [now](const auto& each) { return now - each.second.ends_at > tell_of_end; });
  firing_ = std::move(next);
  std::vector<Alert> all;
  for (const auto& [labels, alert] : firing_) all.push_back(alert);
  for (const auto& [labels, alert] : ended_) all.push_back(alert);
  return all;
}

std::string alerts_body(const std::vector<Alert>& alerts) {
  wire::Document list = wire::Document::array();
  for (const Alert& alert : alerts) {
    wire::Document one = wire::Document::object();
    one["labels"] = wire::to_document(alert.labels);
    one["annotations"] = wire::to_document(alert.annotations);
    one["startsAt"] = to_rfc3339(alert.starts_at);
    one["endsAt"] = to_rfc3339(alert.ends_at);
    if (!alert.generator_url.empty()) one["generatorURL"] = alert.generator_url;
    list.push_back(std::move(one));
  }
  return wire::dump(list);
}

}  // namespace mien::edge
