// The audit: what happened, in order, and whether the chain still holds.
#include "store/audit.h"
#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"
#include "edge/crypto/crypto.h"

namespace mien::edge::api {
namespace {

std::string hex(const store::Hash& hash) {
  std::string bytes(hash.begin(), hash.end());
  return to_hex(bytes);
}

Json head_document(const store::AuditHead& head) {
  Json out = Json::object();
  out["sequence"] = head.sequence;
  out["hash"] = hex(head.hash);
  out["at"] = document(head.at);
  out["signature"] = to_hex(head.signature);
  return out;
}

Result<Json> event_document(const store::AuditRow& row, WallTime& at) {
  auto event = TRY(store::decode_audit_event(row.bytes));
  at = event.at;
  Json out = Json::object();
  out["sequence"] = row.sequence;
  for_each_field(event, [&out](const char* name, const auto& member) { out[name] = document(member); });
  out["hash"] = hex(row.hash);
  return out;
}

// The audit speaks of everything: a caller who sees only some instances does not read it.
bool refuse_limited(Call& call) {
  if (call.caller.selector.empty()) return false;
  call.respond(Problem{.code = Code::refused,
                       .status = 0,
                       .detail = "your token is limited to some instances; the audit is of all of them",
                       .errors = {}});
  return true;
}

}  // namespace

void list_audit(Service& service, const CallPtr& call) {
  if (refuse_limited(*call)) return;
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto since = time_parameter(*call, "since", service.now(), WallTime{});
  if (!since) return call->respond(since.error());
  std::uint64_t after = 0;
  if (!page->after.empty()) {
    auto number = parse_integer(page->after);
    if (!number || *number < 0) return call->invalid(cat("`after` is a sequence number, not \"", page->after, "\""));
    after = static_cast<std::uint64_t>(*number);
  }
  Json items = Json::array();
  bool more = false;
  std::uint64_t last = after;
  while (!more) {
    auto rows = service.port().ledger().audit(last, 1000);
    if (!rows) return call->respond(rows.error());
    for (const auto& row : *rows) {
      WallTime at;
      auto event = event_document(row, at);
      if (!event) return call->respond(event.error().within(cat("audit row ", row.sequence)));
      if (at >= *since && items.size() == page->limit) {
        more = true;
        break;
      }
      last = row.sequence;
      if (at >= *since) items.push_back(std::move(*event));
    }
    if (rows->size() < 1000) break;
  }
  Json out = Json::object();
  out["items"] = std::move(items);
  out["next"] = more ? Json(std::to_string(last)) : Json(nullptr);
  call->respond(out);
}

void verify_audit(Service& service, const CallPtr& call) {
  if (refuse_limited(*call)) return;
  auto verdict = store::verify_audit(service.port().ledger(), sha256, service.options.verify_signature, {});
  if (!verdict) return call->respond(verdict.error());
  Json out = Json::object();
  out["ok"] = !verdict->broken;
  out["rows"] = verdict->rows;
  out["broken"] = verdict->broken ? Json(verdict->broken->to_string()) : Json(nullptr);
  auto head = service.port().ledger().audit_head();
  out["head"] = head && *head ? head_document(**head) : Json(nullptr);
  call->respond(out);
}

void get_audit_head(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  if (!view->audit_head) return call->not_found("audit head", "yet: the first is signed within a minute");
  call->respond(head_document(*view->audit_head));
}

}  // namespace mien::edge::api
