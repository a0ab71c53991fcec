#include "edge/api/outside.h"

#include "base/text.h"
#include "edge/api/handlers.h"

namespace mien::edge::api {

void OutsideBoard::take(const wire::IngestedLogs& logs) {
  Lock lock(mutex_);
  counts_.log_records += logs.accepted;
  counts_.log_records_refused += logs.rejected;
  for (const wire::InstanceLogs& each : logs.instances) {
    if (!logs_.contains(each.instance) && logs_.size() >= wire::log_limits::instances) continue;
    std::deque<wire::LogRecord>& kept = logs_[each.instance];
    kept.insert(kept.end(), each.newest.begin(), each.newest.end());
    while (kept.size() > wire::log_limits::newest) kept.pop_front();
  }
}

void OutsideBoard::take(const wire::IngestedAlerts& alerts) {
  Lock lock(mutex_);
  counts_.alerts += alerts.alerts.size();
  counts_.alerts_refused += alerts.refused;
  for (const wire::ExternalAlert& alert : alerts.alerts) {
    auto& of_instance = firing_[alert.instance];
    bool known = of_instance.contains(alert.fingerprint);
    if (!alert.firing) firing_count_ -= of_instance.erase(alert.fingerprint);
    else if (known) of_instance[alert.fingerprint] = alert;
    else if (firing_count_ < most_firing) {
      of_instance.emplace(alert.fingerprint, alert);
      ++firing_count_;
    }
    if (of_instance.empty()) firing_.erase(alert.instance);
  }
}

std::vector<wire::LogRecord> OutsideBoard::logs(const InstanceName& instance) const {
  Lock lock(mutex_);
  auto known = logs_.find(instance);
  if (known == logs_.end()) return {};
  return {known->second.begin(), known->second.end()};
}

std::vector<wire::ExternalAlert> OutsideBoard::alerts(const InstanceName& instance) const {
  Lock lock(mutex_);
  std::vector<wire::ExternalAlert> all;
  auto known = firing_.find(instance);
  if (known == firing_.end()) return all;
  for (const auto& [fingerprint, alert] : known->second) all.push_back(alert);
  return all;
}

OutsideBoard::Counts OutsideBoard::counts() const {
  Lock lock(mutex_);
  return counts_;
}

// GET /api/v1/instances/{name}/outside
void get_outside(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  InstanceName name{call->path["name"]};
  auto seen = view->instances.find(name);
  if (seen == view->instances.end() || !sees(call->caller, *seen->second))
    return call->not_found("instance", name.value);
  Json out = Json::object();
  out["instance"] = name.value;
  Json alerts = Json::array();
  for (const wire::ExternalAlert& alert : service.outside.alerts(name)) {
    Json one = Json::object();
    one["name"] = alert.name;
    one["severity"] = alert.severity;
    one["summary"] = alert.summary;
    one["since"] = document(alert.since);
    alerts.push_back(std::move(one));
  }
  out["alerts"] = std::move(alerts);
  Json logs = Json::array();
  for (const wire::LogRecord& record : service.outside.logs(name)) {
    Json one = Json::object();
    one["at"] = document(record.at);
    one["severity"] = record.severity;
    one["event"] = record.event;
    // Arguments, user names and paths may stand in these.
    if (!call->caller.blanked) {
      one["body"] = record.body;
      one["attributes"] = document(record.attributes);
      one["left_out"] = record.left_out;
    }
    logs.push_back(std::move(one));
  }
  out["logs"] = std::move(logs);
  call->respond(out);
}

}  // namespace mien::edge::api
