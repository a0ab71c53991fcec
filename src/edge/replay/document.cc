#include "edge/replay/document.h"

namespace mien::edge {
namespace {

using wire::Document;

// A stored value as its document; null where it is not there or can not be read.
template <class T>
Document stored(const std::string& bytes) {
  if (bytes.empty()) return nullptr;
  Result<T> value = decode<T>(bytes, "entry");
  return value ? wire::to_document(*value) : Document(nullptr);
}

Document side_of(const node::Difference& difference, const std::string& bytes) {
  if (difference.what.starts_with("finding")) return stored<model::Finding>(bytes);
  if (difference.what.starts_with("decision")) return stored<model::Decision>(bytes);
  if (difference.what.starts_with("action")) return stored<model::Action>(bytes);
  if (bytes.empty()) return nullptr;
  Result<model::AuditEvent> event = store::decode_audit_event(bytes);
  return event ? wire::to_document(*event) : Document(nullptr);
}

// Only the field that differs, of both sides, where both can be read.
Document field_of(const Document& side, const std::string& field) {
  if (!side.is_object() || field.empty()) return side;
  auto found = side.find(field);
  return found == side.end() ? Document(nullptr) : *found;
}

}  // namespace

Document replay_document(const node::ReplayLine& line, bool approximate) {
  Document out = Document::object();
  out["type"] = line.type;
  out["at"] = wire::to_document(line.at);
  if (approximate) out["approximate"] = true;
  if (line.after_rehearsed_action) out["after_rehearsed_action"] = true;
  if (line.after_recorded_action) out["after_recorded_action"] = true;
  if (line.finding) out["finding"] = wire::to_document(*line.finding);
  if (line.decision) out["decision"] = wire::to_document(*line.decision);
  if (line.action) out["action"] = wire::to_document(*line.action);
  return out;
}

Document grounds_document(const ReplayGrounds& grounds) {
  Document out = Document::object();
  out["from"] = wire::to_document(grounds.from);
  out["to"] = wire::to_document(grounds.to);
  out["exact"] = grounds.approximate.empty();
  out["exact_from"] = wire::to_document(grounds.exact_from);
  out["approximate"] = wire::to_document(grounds.approximate);
  return out;
}

Document counts_document(const node::ReplayCounts& counts) {
  constexpr double day = 86'400;
  Document out = Document::object();
  out["found"] = counts.found;
  out["decided"] = counts.decided;
  out["acted"] = counts.acted;
  out["records"] = counts.records;
  out["instances"] = counts.instances;
  out["instance_days"] = to_seconds(counts.instance_time) / day;
  return out;
}

Document proof_document(const node::ProofVerdict& verdict) {
  Document out = Document::object();
  out["ok"] = !verdict.difference.has_value();
  out["proven"] = Document{{"findings", verdict.findings},
                           {"decisions", verdict.decisions},
                           {"actions", verdict.actions},
                           {"audit_links", verdict.audit_links}};
  out["span"] = Document{{"first", verdict.from},
                         {"last", verdict.to},
                         {"from", wire::to_document(verdict.from_at)},
                         {"to", wire::to_document(verdict.to_at)},
                         {"records", verdict.records}};
  out["engines"] = verdict.engines;
  out["not_claimed"] = verdict.not_claimed.empty() ? Document(nullptr) : Document(verdict.not_claimed);
  out["difference"] = nullptr;
  if (!verdict.difference) return out;
  const node::Difference& difference = *verdict.difference;
  out["difference"] = Document{{"what", difference.what},
                               {"field", difference.field},
                               {"recorded", field_of(side_of(difference, difference.recorded), difference.field)},
                               {"replayed", field_of(side_of(difference, difference.replayed), difference.field)},
                               {"message", difference.message}};
  return out;
}

}  // namespace mien::edge
