#include "edge/api/document.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace mien::edge::api {

Json to_json(WallTime t) { return t.ns == 0 ? Json(nullptr) : Json(to_rfc3339(t)); }

Json to_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const model::Value& value) {
  if (const auto* boolean = value.boolean()) return *boolean;
  if (const auto* integer = value.integer()) return *integer;
  if (const auto* real = value.real()) return to_json(*real);
  if (const auto* text = value.text()) return *text;
  if (const auto* list = value.list()) {
    Json out = Json::array();
    for (const auto& item : *list) out.push_back(to_json(item));
    return out;
  }
  if (const auto* map = value.map()) {
    Json out = Json::object();
    for (const auto& [key, member] : *map) out[key] = to_json(member);
    return out;
  }
  return nullptr;
}

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

namespace {

Json envelope(const model::Resource& resource) {
  Json out = Json::object();
  out["apiVersion"] = "mien.dev/v1";
  out["kind"] = std::string(to_text(resource.kind));
  Json metadata = document(resource.metadata);
  for (const char* optional : {"annotations", "labels", "managed_by", "created_by", "uid"}) {
    if (metadata[optional].empty() || metadata[optional] == "") metadata.erase(optional);
  }
  out["metadata"] = std::move(metadata);
  out["spec"] = resource.spec.is_null() ? Json::object() : to_json(resource.spec);
  return out;
}

Json status_of(const node::InstanceView& seen) {
  Json status = Json::object();
  status["type"] = std::string(to_text(seen.type));
  status["parent"] = seen.parent.empty() ? Json(nullptr) : Json(seen.parent.value);
  status["identities"] = document(seen.identities);
  status["persona"] = seen.persona.value;
  status["persona_reason"] = seen.persona_reason;
  status["generation"] = seen.generation;
  status["state"] = std::string(to_text(seen.drift.state));
  status["score"] = to_json(seen.drift.score);
  status["alarm_level"] = to_json(seen.drift.alarm_level);
  status["revision"] = seen.drift.revision;
  status["first_seen"] = to_json(seen.first_seen);
  status["last_seen"] = to_json(seen.last_seen);
  status["samples"] = seen.samples;
  status["samples_refused"] = seen.samples_refused;
  Json findings = Json::array();
  for (const auto& finding : seen.findings) findings.push_back(finding.id.value);
  status["findings"] = std::move(findings);
  status["conditions"] = document(seen.conditions);
  return status;
}

}  // namespace

Json to_json(const model::Resource& resource) { return envelope(resource); }

Json instance_document(const model::Resource* written, const node::InstanceView* seen) {
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
    out["status"] = status_of(*seen);
  }
  return out;
}

Json drift_document(const node::InstanceView& seen) {
  Json out = document(seen.drift);
  out["instance"] = seen.name.value;  // also before the first score
  out["persona"] = seen.persona.value;
  out["type"] = std::string(to_text(seen.type));
  out["parent"] = seen.parent.empty() ? Json(nullptr) : Json(seen.parent.value);
  out["persona_reason"] = seen.persona_reason;
  out["last_seen"] = to_json(seen.last_seen);
  out["samples"] = seen.samples;
  Json findings = Json::array();
  for (const auto& finding : seen.findings) findings.push_back(document(finding));
  out["findings"] = std::move(findings);
  out["conditions"] = document(seen.conditions);
  return out;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Result<Json> parse_json(std::string_view text) {
  auto invalid = [](std::string message) {
    return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
  };
  constexpr int deepest = 64;
  bool too_deep = false;
  auto bound = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > deepest;
    return !too_deep;
  };
  try {
    Json json = Json::parse(text, bound);
    if (too_deep) return invalid(cat("the JSON is nested deeper than ", deepest, " levels"));
    return json;
  } catch (const nlohmann::json::parse_error& failure) {
    return invalid(cat("the body is not JSON at byte ", failure.byte, ": ", failure.what()));
  } catch (const std::exception& failure) {
    return invalid(cat("the body is not JSON: ", failure.what()));
  }
}

}  // namespace mien::edge::api
