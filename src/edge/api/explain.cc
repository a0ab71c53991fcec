// Explaining: from a finding or an instance back to the samples.
#include "edge/api/explain.h"

#include "base/text.h"
#include "edge/api/findings.h"
#include "edge/api/handlers.h"
#include "model/describe.h"

namespace mien::edge::api {
namespace {

constexpr Duration around = 2min;          // samples shown before an episode opened, and after its newest evidence
constexpr std::size_t most_samples = 240;  // per series
constexpr std::size_t most_series = 4;

// The samples that a deviation was judged by, from history and the newest window.
Json samples_of(Service& service, const InstanceName& instance, const model::Deviation& deviation, WallTime from,
                WallTime to) {
  Json out = Json::object();
  out["metric"] = deviation.name.value;
  out["attributes"] = document(deviation.attributes);
  Json points = Json::array();
  store::HistoryQuery query{
      .instance = instance, .metric = deviation.name.value, .from = from, .to = to, .max_points = most_samples};
  auto read = service.port().history().read(query);
  if (!read) {
    out["problem"] = read.error().to_string();
    read = std::vector<store::HistorySeries>{};
  }
  for (const auto& one : *read) {
    if (one.series.attributes != deviation.attributes) continue;
    for (const auto& point : one.points) points.push_back(Json::array({document(point.at), document(point.mean)}));
  }
  while (points.size() > most_samples) points.erase(points.begin());
  out["samples"] = std::move(points);
  return out;
}

// The samples of the first few of them, in one list.
Json series_of(Service& service, const InstanceName& instance, const std::vector<model::Deviation>& deviations,
               WallTime from, WallTime to) {
  Json series = Json::array();
  for (const auto& deviation : deviations) {
    if (series.size() == most_series) break;
    series.push_back(samples_of(service, instance, deviation, from, to));
  }
  return series;
}

Json explain_finding(Service& service, const model::Finding& finding) {
  Json walk = Json::array();
  Json first =
      step("finding", cat(to_text(finding.severity), " ", to_text(finding.kind), " on ", finding.instance.value, ", ",
                          to_text(finding.state), " since ", to_rfc3339(finding.opened_at),
                          finding.summary.empty() ? "" : ": ", finding.summary));
  first["finding"] = document(finding);
  walk.push_back(std::move(first));
  if (!finding.first_mover.empty())
    walk.push_back(step("first_mover", finding.kind == model::FindingKind::security
                                           ? cat("first: ", finding.first_mover)
                                           : cat(finding.first_mover, " left its expectation first")));
  for (const auto& deviation : finding.metrics) {
    Json entry = step("deviation", model::describe(finding, deviation));
    entry["deviation"] = document(deviation);
    walk.push_back(std::move(entry));
  }
  walk.push_back(step(
      "persona", finding.revision == 0
                     ? cat("judged by what ", finding.persona.value, " declares; nothing was learned yet")
                     : cat("judged by ", finding.persona.value, "@", finding.instance.value, "/", finding.revision)));
  Json last = step("samples", "what was observed, from two minutes before to two minutes after");
  last["series"] = samples_of(service, finding);
  walk.push_back(std::move(last));
  Json out = Json::object();
  out["subject"] = "Finding/" + finding.id.value;
  out["walk"] = std::move(walk);
  return out;
}

Json explain_instance(Service& service, const node::InstanceView& seen, bool blanked) {
  Json walk = Json::array();
  Json first = step("score", cat(seen.name.value, " scores ", to_text(seen.drift.score, 3), "; an episode opens above ",
                                 to_text(seen.drift.alarm_level, 3), "; it is ", to_text(seen.drift.state)));
  walk.push_back(std::move(first));
  walk.push_back(step("persona", cat("its persona is ", seen.persona.value, seen.persona_reason.empty() ? "" : ": ",
                                     seen.persona_reason)));
  for (const auto& finding : seen.findings)
    walk.push_back(
        step("finding", cat(finding.id.value, ": ", blanked ? model::blanked(finding).summary : finding.summary)));
  std::size_t most = walk.size() + 12;
  for (const auto& deviation : seen.drift.metrics) {
    Json entry = step("deviation", model::describe(deviation));
    entry["deviation"] = document(deviation);
    walk.push_back(std::move(entry));
    if (walk.size() > most) break;
  }
  for (const node::SecurityKnown& known : seen.security) {
    Json entry =
        step("security", cat(to_text(known.kind), ": ", known.objects, " known since ", to_rfc3339(known.since),
                             "; the next one is new with probability ", to_text(known.probability, 2)));
    entry["known"] = document(known);
    walk.push_back(std::move(entry));
  }
  Json last = step("samples", "the newest two minutes");
  last["series"] = series_of(service, seen.name, seen.drift.metrics, seen.last_seen - around, seen.last_seen + 1s);
  walk.push_back(std::move(last));
  Json out = Json::object();
  out["subject"] = "Instance/" + seen.name.value;
  out["walk"] = std::move(walk);
  return out;
}

}  // namespace

std::string state_reason(model::LearningState state) {
  switch (state) {
    case model::LearningState::learning:
      return "it is still learning: only declared expectations, limits and deny lists open findings until there is "
             "enough healthy history";
    case model::LearningState::ready: return "it is ready: learned behaviour is judged too";
    case model::LearningState::stale: return "it is stale: no fresh telemetry, so nothing is judged";
    case model::LearningState::suspect: return "it is suspect: too much of its recent past was anomalous to learn from";
  }
  return {};
}

Json step(const char* what, std::string text) {
  Json out = Json::object();
  out["step"] = what;
  out["text"] = std::move(text);
  return out;
}

Json samples_of(Service& service, const model::Finding& finding) {
  WallTime until = finding.resolved_at.value_or(finding.updated_at);
  return series_of(service, finding.instance, finding.metrics, finding.opened_at - around, until + around);
}

void explain(Service& service, const CallPtr& call) {
  const std::string& name = call->path.at("name");
  auto view = service.port().view();
  auto at = view->instances.find(InstanceName(name));
  if (at != view->instances.end() && sees(call->caller, *at->second))
    return call->respond(explain_instance(service, *at->second, call->caller.blanked));
  if (auto finding = find_finding(service, *call, name)) call->respond(explain_finding(service, *finding));
}

}  // namespace mien::edge::api
