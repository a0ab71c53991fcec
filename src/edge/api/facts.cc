// Security facts as they were kept, newest first, a page at a time.
#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"

namespace mien::edge::api {
namespace {

constexpr const char* hidden = "(hidden)";

Json fact_document(const model::SecurityFact& fact, bool blanked) {
  using model::FactKind;
  Json out = Json::object();
  out["at"] = document(fact.at);
  out["kind"] = std::string(to_text(fact.kind));
  bool is_public = fact.kind == FactKind::listener || fact.kind == FactKind::connection ||
                   fact.kind == FactKind::kernel_module || fact.kind == FactKind::system_call ||
                   fact.kind == FactKind::package;
  out["object"] = blanked && !is_public ? hidden : fact.object;
  out["process"] = blanked && !fact.process.empty() ? hidden : fact.process;
  out["pid"] = fact.pid;
  out["parents"] = blanked && !fact.parents.empty() ? hidden : fact.parents;
  out["user"] = blanked && !fact.user.empty() ? hidden : fact.user;
  out["detail"] = blanked && !fact.detail.empty() ? hidden : fact.detail;
  out["count"] = fact.count;
  return out;
}

Result<std::optional<model::FactKind>> kind_parameter(const Call& call) {
  std::string wanted = call.parameter("kind");
  if (wanted.empty()) return std::optional<model::FactKind>{};
  std::string known;
  for (std::size_t i = 0; i < model::fact_kinds; ++i) {
    auto kind = static_cast<model::FactKind>(i);
    if (to_text(kind) == wanted) return std::optional(kind);
    known += cat(known.empty() ? "" : ", ", to_text(kind));
  }
  return Error{.code = Code::invalid,
               .message = cat("there is no kind of security fact `", wanted, "`: ", known),
               .where = {},
               .cause = {}};
}

}  // namespace

void list_facts(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto view = service.port().view();
  InstanceName name{call->path.at("name")};
  auto seen = view->instances.find(name);
  if (seen == view->instances.end() || !sees(call->caller, *seen->second))
    return call->not_found("instance", name.value);
  WallTime now = service.now();
  auto from = time_parameter(*call, "from", now, now - std::chrono::hours{24});
  if (!from) return call->respond(from.error());
  auto to = time_parameter(*call, "to", now, now + std::chrono::minutes{5});
  if (!to) return call->respond(to.error());
  if (!(*from < *to)) return call->invalid("`from` must be before `to`");
  auto kind = kind_parameter(*call);
  if (!kind) return call->respond(kind.error());
  auto facts = service.port().history().read_facts(
      {.instance = name, .kind = *kind, .from = *from, .to = *to, .after = page->after, .limit = page->limit + 1});
  if (!facts) return call->respond(facts.error());
  Listing listing(*page);
  for (const store::StoredFact& one : *facts) {
    if (!listing.offer(one.key, [&] { return fact_document(one.fact, call->caller.blanked); })) break;
  }
  call->respond(listing.take());
}

}  // namespace mien::edge::api
