// Findings: those that are open from the view, those that are over from the ledger.
#include "edge/api/findings.h"
#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"
#include "edge/api/stored.h"
#include "model/describe.h"

namespace mien::edge::api {
namespace {

bool is_wanted(const Call& call, const node::View& view, const model::Finding& finding) {
  auto asks = [&call](const char* name, std::string_view value) {
    std::string wanted = call.parameter(name);
    return wanted.empty() || wanted == value;
  };
  if (!asks("instance", finding.instance.value) || !asks("kind", to_text(finding.kind)) ||
      !asks("state", to_text(finding.state)) || !asks("severity", to_text(finding.severity))) {
    return false;
  }
  if (!sees(call.caller, view, finding.instance)) return false;
  std::string selector = call.parameter("selector");
  if (selector.empty()) return true;
  auto at = view.instances.find(finding.instance);
  return at != view.instances.end() && matches(selector, at->second->labels);
}

std::string newest_first(const model::Finding& finding) {
  return api::newest_first(finding.opened_at, finding.id.value);
}

using Found = std::map<std::string, model::Finding>;

void take_open(const Call& call, const node::View& view, Found& found) {
  for (const auto& [name, instance] : view.instances) {
    for (const auto& finding : instance->findings) {
      if (is_wanted(call, view, finding)) found.emplace(newest_first(finding), finding);
    }
  }
}

Status take_resolved(const Call& call, Service& service, const node::View& view, const Page& page, Found& found) {
  auto offer = [&](const store::Entry& entry) -> Result<std::optional<Wanted<model::Finding>>> {
    auto finding = stored_finding(entry.bytes);
    if (!finding) return finding.error().within("finding " + entry.key);
    if (!is_wanted(call, view, *finding)) return std::optional<Wanted<model::Finding>>{};
    std::string key = newest_first(*finding);
    return std::optional<Wanted<model::Finding>>{{.key = std::move(key), .value = std::move(*finding)}};
  };
  return take_newest(service.port().ledger(), store::Table::finding, page, found, offer);
}

}  // namespace

void list_findings(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto view = service.port().view();
  Found found;
  take_open(*call, *view, found);
  if (!page->after.empty()) std::erase_if(found, [&page](const auto& item) { return item.first <= page->after; });
  if (call->flag("all") || call->parameter("state") == "resolved") {
    if (Status status = take_resolved(*call, service, *view, *page, found); !status)
      return call->respond(status.error());
  }
  Listing listing(*page);
  for (const auto& [key, finding] : found) {
    if (!listing.offer(key, [&finding = finding, &call] { return finding_document(finding, call->caller.blanked); }))
      break;
  }
  call->respond(listing.take());
}

std::optional<model::Finding> find_finding(Service& service, Call& call, const std::string& id) {
  auto view = service.port().view();
  for (const auto& [name, instance] : view->instances) {
    for (const auto& finding : instance->findings) {
      if (finding.id.value == id && sees(call.caller, *instance))
        return call.caller.blanked ? model::blanked(finding) : finding;
    }
  }
  auto stored = service.port().ledger().get(store::Table::finding, id);
  if (!stored) {
    call.respond(stored.error());
    return std::nullopt;
  }
  if (*stored) {
    auto finding = stored_finding(**stored);
    if (!finding) {
      call.respond(finding.error().within("finding " + id));
      return std::nullopt;
    }
    if (sees(call.caller, *view, finding->instance))
      return call.caller.blanked ? model::blanked(std::move(*finding)) : std::move(*finding);
  }
  call.not_found("finding", id);
  return std::nullopt;
}

void get_finding(Service& service, const CallPtr& call) {
  if (auto finding = find_finding(service, *call, call->path.at("id"))) call->respond(document(*finding));
}

void acknowledge(Service& service, const CallPtr& call) {
  auto finding = find_finding(service, *call, call->path.at("id"));
  if (!finding) return;
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  std::string comment = text_member(*body, "comment").value_or("");
  if (comment.size() > most_comment)
    return call->invalid(cat("a comment has at most ", most_comment, " bytes"), "/comment");
  give(service, call, node::AcknowledgeFinding{.finding = finding->id, .comment = std::move(comment)}, answer_written);
}

}  // namespace mien::edge::api
