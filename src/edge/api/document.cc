#include "edge/api/document.h"

#include "base/text.h"
#include "model/describe.h"

namespace mien::edge::api {

namespace {

std::string_view name_of(model::DistributionKind kind) {
  switch (kind) {
    case model::DistributionKind::normal: return "normal";
    case model::DistributionKind::lognormal: return "lognormal";
    case model::DistributionKind::exponential: return "exponential";
    case model::DistributionKind::uniform: return "uniform";
    case model::DistributionKind::constant: return "constant";
  }
  return "normal";
}

Json envelope(const model::Resource& resource) {
  Json out = Json::object();
  out["apiVersion"] = "mien.dev/v1";
  out["kind"] = std::string(to_text(resource.kind));
  Json metadata = document(resource.metadata);
  for (const char* optional : {"annotations", "labels", "managed_by", "created_by", "uid"}) {
    if (metadata[optional].empty() || metadata[optional] == "") metadata.erase(optional);
  }
  out["metadata"] = std::move(metadata);
  out["spec"] = resource.spec.is_null() ? Json::object() : document(resource.spec);
  return out;
}

Json status_of(const node::InstanceView& seen, const Beside& beside) {
  Json status = Json::object();
  status["type"] = std::string(to_text(seen.type));
  status["parent"] = seen.parent.empty() ? Json(nullptr) : Json(seen.parent.value);
  status["identities"] = document(seen.identities);
  status["persona"] = seen.persona.value;
  status["persona_reason"] = seen.persona_reason;
  status["generation"] = seen.generation;
  status["state"] = std::string(to_text(seen.drift.state));
  status["score"] = document(seen.drift.score);
  status["alarm_level"] = document(seen.drift.alarm_level);
  status["revision"] = seen.drift.revision;
  status["first_seen"] = document(seen.first_seen);
  status["last_seen"] = document(seen.last_seen);
  status["samples"] = seen.samples;
  status["samples_refused"] = seen.samples_refused;
  Json findings = Json::array();
  for (const auto& finding : seen.findings) findings.push_back(finding.id.value);
  status["findings"] = std::move(findings);
  status["conditions"] = document(conditions_of(seen, beside));
  return status;
}

}  // namespace

Json document(const model::Resource& resource) { return envelope(resource); }

Json document(const model::DeclaredMetric& declared) {
  Json out = Json::object();
  if (declared.distribution) {
    out["distribution"] = std::string(name_of(declared.distribution->kind));
    out["a"] = document(declared.distribution->a);
    out["b"] = document(declared.distribution->b);
  }
  if (declared.peak) out["peak"] = document(*declared.peak);
  if (declared.read_write_ratio) out["read_write_ratio"] = document(*declared.read_write_ratio);
  if (declared.limit) out["limit"] = document(*declared.limit);
  if (declared.ignore) out["ignore"] = true;
  return out;
}

Json instance_document(const model::Resource* written, const node::InstanceView* seen, const Beside& beside) {
  Json out;
  if (written != nullptr) {
    out = envelope(*written);
  } else {
    model::Resource empty;
    empty.kind = model::ResourceKind::instance;
    empty.metadata.name = seen->name.value;
    empty.metadata.created_at = seen->first_seen;
    out = envelope(empty);
  }
  if (seen != nullptr) {
    if (!seen->labels.empty()) out["metadata"]["labels"] = document(seen->labels);
    out["status"] = status_of(*seen, beside);
  }
  return out;
}

Json document(const node::SlowView& slow) {
  Json out = Json::object();
  out["metrics"] = document(slow.metrics);
  out["departure_bits"] = document(slow.departure_bits);
  out["departure_of"] = slow.departure_of.empty() ? Json(nullptr) : Json(slow.departure_of);
  return out;
}

Json candidate_document(const node::InstanceView& seen) {
  if (!seen.candidate) return nullptr;
  Json out = Json::object();
  out["began"] = document(seen.candidate->began);
  out["revision"] = seen.candidate->number == 0
                        ? Json(nullptr)
                        : Json(cat(seen.persona.value, "@", seen.name.value, "/", seen.candidate->number));
  return out;
}

std::vector<std::string> conditions_of(const node::InstanceView& seen, const Beside& beside) {
  std::vector<std::string> all = seen.conditions;
  if (auto troubles = beside.board.troubles.find(seen.name); troubles != beside.board.troubles.end())
    all.insert(all.end(), troubles->second.begin(), troubles->second.end());
  if (auto more = beside.cardinality ? beside.cardinality->condition(seen.name, beside.now) : std::nullopt)
    all.push_back(*std::move(more));
  return all;
}

Json finding_document(const model::Finding& finding, bool blanked) {
  return blanked ? document(model::blanked(finding)) : document(finding);
}

Json drift_document(const node::InstanceView& seen, const Beside& beside, bool blanked) {
  Json out = document(seen.drift);
  out["instance"] = seen.name.value;  // also before the first score
  out["persona"] = seen.persona.value;
  out["type"] = std::string(to_text(seen.type));
  out["parent"] = seen.parent.empty() ? Json(nullptr) : Json(seen.parent.value);
  out["persona_reason"] = seen.persona_reason;
  out["last_seen"] = document(seen.last_seen);
  out["samples"] = seen.samples;
  Json findings = Json::array();
  for (const auto& finding : seen.findings) findings.push_back(finding_document(finding, blanked));
  out["findings"] = std::move(findings);
  out["security"] = document(seen.security);
  out["slow"] = document(*seen.slow);
  out["candidate"] = candidate_document(seen);
  out["conditions"] = document(conditions_of(seen, beside));
  return out;
}

}  // namespace mien::edge::api
