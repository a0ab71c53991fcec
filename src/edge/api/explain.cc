// Explaining: from a finding or an instance back to the samples.
#include "edge/api/explain.h"

#include <cmath>

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

std::string percent(double ratio) { return cat(ratio >= 0 ? "+" : "", to_text(100 * ratio, 2), " %"); }

// What no single sample shows. Only what is out of its own ordinary: on most days nothing.
void add_slow(const node::InstanceView& seen, Json& walk) {
  auto add = [&walk](std::string text, const node::SlowMetric& slow) {
    Json entry = step("slow", std::move(text));
    entry["slow"] = document(slow);
    walk.push_back(std::move(entry));
  };
  for (const node::SlowMetric& slow : seen.slow->metrics) {
    std::string name =
        model::to_text(model::Series{.metric = slow.name, .attributes = slow.attributes, .unit = {}, .kind = {}});
    if (slow.moving)
      add(cat(name, " moves by ", to_text(slow.per_day, 3), " a day",
              std::isnan(slow.per_day_ratio) ? "" : cat(" (", percent(slow.per_day_ratio), ")"), " for ", slow.days,
              " days: ", to_text(slow.moved_scales, 2), " of its usual deviations so far"),
          slow);
    if (slow.unlike)
      add(cat("the values of ", name, " were spread otherwise within the last hour than in any of its own: ",
              to_text(slow.hour_bits, 2), " bits from healthy hours (0 alike, 1 nothing in common), usually ",
              to_text(slow.usual_bits, 2), ", at most ", to_text(slow.most_bits, 2)),
          slow);
  }
  if (seen.slow->departure_bits > 0)
    walk.push_back(
        step("departure", cat("what was learned of ", seen.slow->departure_of, " is ",
                              to_text(seen.slow->departure_bits, 2), " bits away from what is declared; above ",
                              to_text(seen.expectation.depart.value, 2), " it is a finding")));
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
  add_slow(seen, walk);
  if (seen.candidate)
    walk.push_back(
        step("candidate", seen.candidate->number == 0
                              ? cat("it has behaved otherwise since before ", to_rfc3339(seen.candidate->began),
                                    "; another baseline is learned beside the one in force")
                              : cat("what it does since ", to_rfc3339(seen.candidate->began),
                                    " is ordinary to the candidate revision ", seen.persona.value, "@", seen.name.value,
                                    "/", seen.candidate->number, "; if that is right, mien rollback ",
                                    seen.persona.value, "@", seen.name.value, " --to ", seen.candidate->number)));
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
