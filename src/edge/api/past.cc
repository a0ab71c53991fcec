// What was: the generations that people wrote, the revisions that were learned, and the way back to them.
#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"
#include "edge/api/stored.h"
#include "node/revision_view.h"

namespace mien::edge::api {
namespace {

// "000000000012" at the end of a key.
std::uint64_t number_of(const std::string& key) {
  std::size_t slash = key.rfind('/');
  auto number = parse_integer(std::string_view(key).substr(slash == std::string::npos ? 0 : slash + 1));
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

Json revision_document(const model::PersonaRevision& revision, bool candidate) {
  Json out = Json::object();
  out["name"] = cat(revision.persona.value, "@", revision.instance.value, "/", revision.number);
  out["persona"] = revision.persona.value;
  out["instance"] = revision.instance.value;
  out["number"] = revision.number;
  out["generation"] = revision.generation;
  out["created_at"] = document(revision.created_at);
  out["samples"] = revision.samples;
  out["candidate"] = candidate;  // learned beside the one in force; a rollback to it promotes it
  Json series = Json::array();
  for (const auto& one : revision.series) series.push_back(model::to_text(one));
  out["series"] = std::move(series);
  return out;
}

// One revision alone also says what it learned of each series; four digits tell revisions apart and read well.
Json detailed_revision(const model::PersonaRevision& revision, bool candidate) {
  Json out = revision_document(revision, candidate);
  Json behavior = Json::object();
  auto rounded = [](double value) { return parse_double(to_text(value, 4)).value_or(value); };
  for (const node::SeriesSummary& each : node::summarise(revision))
    behavior[each.series] = {{"location", rounded(each.location)},
                             {"scale", rounded(each.scale)},
                             {"low", rounded(each.low)},
                             {"high", rounded(each.high)}};
  out["behavior"] = std::move(behavior);
  return out;
}

// Only a caller who may write everywhere may change what everybody's instances are held against.
bool refuse_limited(Call& call) {
  if (call.caller.selector.empty()) return false;
  call.respond(Problem{
      .code = Code::refused,
      .status = 0,
      .detail = cat("your token is limited to \"", call.caller.selector, "\": this concerns instances beyond it"),
      .errors = {}});
  return true;
}

Result<Json> generation_document(const store::Entry& entry) {
  auto resource = TRY(model::decode_resource(entry.bytes));
  Json out = document(resource);
  out["metadata"]["generation"] = number_of(entry.key);
  return out;
}

}  // namespace

// Newest first; `next` is the last number shown.
void list_generations(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  const std::string& name = call->path.at("name");
  Backwards what{
      .table = store::Table::generation, .prefix = cat("persona/", name, "/"), .before = {}, .limit = page->limit + 1};
  if (!page->after.empty()) {
    auto number = parse_integer(page->after);
    if (!number || *number < 1) return call->invalid(cat("`after` is a number from `next`, not \"", page->after, "\""));
    what.before = node::generation_key(model::ResourceKind::persona, name, static_cast<std::uint64_t>(*number));
  }
  auto entries = scan_backwards(service.port().ledger(), what);
  if (!entries) return call->respond(entries.error());
  Json items = Json::array();
  for (std::size_t i = 0; i < entries->size() && i < page->limit; ++i) {
    auto item = generation_document((*entries)[i]);
    if (!item) return call->respond(item.error().within("generation " + (*entries)[i].key));
    items.push_back(std::move(*item));
  }
  bool more = entries->size() > page->limit;
  Json out = Json::object();
  out["items"] = std::move(items);
  out["next"] = more ? Json(std::to_string(number_of((*entries)[page->limit - 1].key))) : Json(nullptr);
  call->respond(out);
}

void get_generation(Service& service, const CallPtr& call) {
  const std::string& name = call->path.at("name");
  auto number = parse_integer(call->path.at("generation"));
  if (!number || *number < 1)
    return call->invalid(cat("a generation is a number, not \"", call->path.at("generation"), "\""));
  std::string key = node::generation_key(model::ResourceKind::persona, name, static_cast<std::uint64_t>(*number));
  auto found = service.port().ledger().get(store::Table::generation, key);
  if (!found) return call->respond(found.error());
  if (!*found) return call->not_found("generation", cat(name, "/", *number));
  auto json = generation_document({.key = key, .bytes = **found});
  if (!json) return call->respond(json.error());
  call->respond(*json);
}

void rollback_persona(Service& service, const CallPtr& call) {
  if (refuse_limited(*call)) return;
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  auto to = number_member(*body, "to");
  if (!to || *to == 0) return call->invalid("`to` is the generation to return to", "/to");
  give(service, call,
       node::RollbackPersona{.persona = PersonaName(call->path.at("name")), .to = *to, .resource = {}, .revisions = {}},
       answer_written);
}

void list_revisions(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto view = service.port().view();
  std::string persona = call->parameter("persona");
  std::string instance = call->parameter("instance");
  std::string prefix = persona.empty()    ? std::string{}
                       : instance.empty() ? persona + "@"
                                          : cat(persona, "@", instance, "/");
  Listing listing(*page);
  std::string after = page->after;
  for (;;) {
    auto entries = service.port().ledger().scan(store::Table::revision, prefix, after, 1000);
    if (!entries) return call->respond(entries.error());
    for (const auto& entry : *entries) {
      auto revision = stored_revision(entry.bytes);
      if (!revision) return call->respond(revision.error().within("revision " + entry.key));
      if (!instance.empty() && revision->instance.value != instance) continue;
      if (!sees(call->caller, *view, revision->instance)) continue;
      if (!listing.offer(entry.key, [&] { return revision_document(*revision, node::is_candidate_key(entry.key)); }))
        return call->respond(listing.take());
    }
    if (entries->size() < 1000) return call->respond(listing.take());
    after = entries->back().key;
  }
}

void get_revision(Service& service, const CallPtr& call) {
  const std::string& name = call->path.at("name");  // web-frontend@web-01/12, web-frontend@pool:web/3
  std::size_t slash = name.rfind('/');
  std::size_t at = name.find('@');
  std::uint64_t number = number_of(name);
  if (slash == std::string::npos || at == std::string::npos || at > slash || number == 0)
    return call->invalid(cat("a revision is named PERSONA@INSTANCE/NUMBER, not \"", name, "\""));
  PersonaName persona(name.substr(0, at));
  InstanceName instance(name.substr(at + 1, slash - at - 1));
  store::Ledger& ledger = service.port().ledger();
  auto found = ledger.get(store::Table::revision, node::revision_key(persona, instance, number));
  bool candidate = found && !*found;
  if (candidate) found = ledger.get(store::Table::revision, node::candidate_key(persona, instance, number));
  if (!found) return call->respond(found.error());
  if (!*found) return call->not_found("revision", name);
  auto revision = stored_revision(**found);
  if (!revision) return call->respond(revision.error().within("revision " + name));
  if (!sees(call->caller, *service.port().view(), revision->instance)) return call->not_found("revision", name);
  call->respond(detailed_revision(*revision, candidate));
}

void rollback_revision(Service& service, const CallPtr& call) {
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  auto persona = text_member(*body, "persona");
  auto instance = text_member(*body, "instance");
  auto to = number_member(*body, "to");
  if (!persona || persona->empty()) return call->invalid("`persona` is missing", "/persona");
  if (!instance || instance->empty()) return call->invalid("`instance` is missing", "/instance");
  if (!to || *to == 0) return call->invalid("`to` is the revision to return to", "/to");
  if (!sees(call->caller, *service.port().view(), InstanceName(*instance)))
    return call->not_found("instance", *instance);
  give(service, call,
       node::RollbackInstance{
           .persona = PersonaName(*persona), .instance = InstanceName(*instance), .to = *to, .revision = {}},
       answer_written);
}

}  // namespace mien::edge::api
