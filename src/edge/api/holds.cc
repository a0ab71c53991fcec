// Holding still, and handing back: what stops acting or learning, and what ends every lease.
#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"

namespace mien::edge::api {
namespace {

Json hold_document(const remedy::HoldScope& scope, const remedy::Hold& hold) {
  Json out = Json::object();
  out["scope"] = remedy::to_text(scope);
  out["instance"] = scope.instance.value;
  out["pool"] = scope.pool.value;
  out["learning"] = scope.learning;
  out["until"] = document(hold.until);
  out["actor"] = hold.actor;
  return out;
}

// A machine with a hold file holds by itself; no command ends that.
Json hold_file_document(const std::string& agent) {
  remedy::HoldScope scope{.instance = InstanceName(agent), .pool = {}, .learning = false};
  return hold_document(scope, {.until = {}, .actor = cat("the file /run/mien/hold on ", agent)});
}

bool refuse_limited(Call& call, std::string_view what) {
  if (call.caller.selector.empty()) return false;
  call.respond(Error{.code = Code::refused,
                     .message = cat("your token is limited to \"", call.caller.selector, "\": ", what,
                                    " concerns instances beyond it; name one instance"),
                     .where = {},
                     .cause = {}});
  return true;
}

// Whom the body is about, where the caller may say so; nothing: the call has been answered.
std::optional<remedy::HoldScope> scope_of(Service& service, Call& call, const Json& body) {
  for (const auto& [key, value] : body.items()) {
    if (key != "instance" && key != "pool" && key != "learning" && key != "for") {
      call.invalid("a hold has the keys instance or pool, learning, and for", "/" + key);
      return std::nullopt;
    }
  }
  remedy::HoldScope scope;
  scope.instance = InstanceName(text_member(body, "instance").value_or(""));
  scope.pool = PoolName(text_member(body, "pool").value_or(""));
  if (auto learning = body.find("learning"); learning != body.end()) {
    if (!learning->is_boolean()) {
      call.invalid("`learning` is true or false", "/learning");
      return std::nullopt;
    }
    scope.learning = learning->get<bool>();
  }
  if (!scope.instance.empty() && !scope.pool.empty()) {
    call.invalid("hold one instance or one pool, not both", "/pool");
    return std::nullopt;
  }
  if (!scope.instance.empty()) {
    auto view = service.port().view();
    bool known = view->instances.find(scope.instance) != view->instances.end();
    if (known && sees(call.caller, *view, scope.instance)) return scope;
    call.not_found("instance", scope.instance.value);
    return std::nullopt;
  }
  if (refuse_limited(call, "this hold")) return std::nullopt;
  return scope;
}

}  // namespace

void list_holds(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  Json items = Json::array();
  for (const auto& [scope, hold] : view->board->holds) {
    bool seen = call->caller.selector.empty() ||
                (!scope.instance.empty() && sees(call->caller, *view, scope.instance)) ||
                (scope.instance.empty() && scope.pool.empty());
    if (seen) items.push_back(hold_document(scope, hold));
  }
  for (const auto& [name, agent] : view->board->agents) {
    if (agent.held && sees(call->caller, *view, InstanceName(name))) items.push_back(hold_file_document(name));
  }
  Json out = Json::object();
  out["items"] = std::move(items);
  out["next"] = nullptr;
  call->respond(out);
}

void put_hold(Service& service, const CallPtr& call) {
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  Duration lasting{};
  if (body->contains("for")) {
    auto parsed = duration_of((*body)["for"]);
    if (!parsed) return call->invalid(parsed.error().message, "/for");
    if (*parsed <= Duration{})
      return call->invalid("a hold lasts longer than nothing; leave `for` out for \"until resumed\"", "/for");
    lasting = *parsed;
  }
  auto scope = scope_of(service, *call, *body);
  if (scope) give(service, call, node::PutHold{.scope = *scope, .lasting = lasting}, answer_written);
}

void end_hold(Service& service, const CallPtr& call) {
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  auto scope = scope_of(service, *call, *body);
  if (scope) give(service, call, node::EndHold{.scope = *scope}, answer_written);
}

void release(Service& service, const CallPtr& call) {
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  std::string instance = text_member(*body, "instance").value_or("");
  bool all = body->contains("all") && (*body)["all"] == true;
  if (all == !instance.empty()) return call->invalid("say either {\"instance\": NAME} or {\"all\": true}", "/instance");
  if (all && refuse_limited(*call, "releasing everything")) return;
  if (!instance.empty()) {
    auto view = service.port().view();
    InstanceName name(instance);
    if (view->instances.find(name) == view->instances.end() || !sees(call->caller, *view, name))
      return call->not_found("instance", instance);
  }
  give(service, call, node::ReleaseActions{.instance = InstanceName(instance)}, answer_written);
}

}  // namespace mien::edge::api
