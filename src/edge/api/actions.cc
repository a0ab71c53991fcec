// Actions and decisions: what was done or was not, and what a person says about it.
#include "edge/api/actions.h"

#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"
#include "edge/api/stored.h"
#include "remedy/rank.h"

namespace mien::edge::api {
namespace {

using ActionsFound = std::map<std::string, model::Action>;
using DecisionsFound = std::map<std::string, model::Decision>;

std::string newest_first(const model::Action& action) { return api::newest_first(action.created_at, action.id.value); }

bool is_about(const model::Action& action, std::string_view instance) {
  return action.instance.value == instance || action.target.value == instance || action.host.value == instance;
}

bool is_wanted(const Call& call, const node::View& view, const model::Action& action) {
  std::string state = call.parameter("state");
  if (state == "open" ? model::is_finished(action.state) : !state.empty() && state != to_text(action.state))
    return false;
  std::string instance = call.parameter("instance");
  return (instance.empty() || is_about(action, instance)) && sees(call.caller, view, action);
}

bool is_state(std::string_view text) {
  return text.empty() || text == "open" || wire::parse_enum<model::ActionState>(text).has_value();
}

// From the ledger what the board has no more; the board's are newer.
Status take_stored(const Call& call, Service& service, const node::View& view, const Page& page, ActionsFound& found) {
  auto offer = [&](const store::Entry& entry) -> Result<std::optional<Wanted<model::Action>>> {
    std::optional<Wanted<model::Action>> wanted;
    if (view.board->actions.contains(ActionId(entry.key))) return wanted;
    auto action = stored_action(entry.bytes);
    if (!action) return action.error().within("action " + entry.key);
    if (is_wanted(call, view, *action)) {
      std::string key = newest_first(*action);
      wanted = Wanted<model::Action>{.key = std::move(key), .value = std::move(*action)};
    }
    return wanted;
  };
  return take_newest(service.port().ledger(), store::Table::action, page, found, offer);
}

// How often each step helped, by policy, step and persona: with the first page of actions.
Json success_document(const node::ActionBoard& board) {
  Json list = Json::array();
  for (const auto& [key, rank] : board.ranks) {
    if (rank.trials == 0) continue;
    remedy::Interval interval = remedy::success_interval(rank);
    Json one = Json::object();
    one["policy"] = key.policy.value;
    one["step"] = key.step;
    one["persona"] = key.persona.value;
    one["trials"] = rank.trials;
    one["successes"] = rank.successes;
    one["ratio"] = document(static_cast<double>(rank.successes) / static_cast<double>(rank.trials));
    one["low"] = document(interval.low);
    one["high"] = document(interval.high);
    list.push_back(std::move(one));
  }
  return list;
}

// Answers 404, or what the ledger said, where there is nothing.
std::optional<model::Action> find_action(Service& service, Call& call) {
  const std::string& id = call.path.at("id");
  auto found = action_of(service, call.caller, id);
  if (!found) call.respond(found.error());
  else if (!*found) call.not_found("action", id);
  return found && *found ? std::move(*found) : std::nullopt;
}

// An approval or a rejection, with the comment of the body where there is one.
template <class Command>
void give_commented(Service& service, const CallPtr& call) {
  auto action = find_action(service, *call);
  if (!action) return;
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  std::string comment = text_member(*body, "comment").value_or("");
  if (comment.size() > most_comment)
    return call->invalid(cat("a comment has at most ", most_comment, " bytes"), "/comment");
  give(service, call, Command{.action = action->id, .comment = std::move(comment)}, answer_written);
}

}  // namespace

bool sees(const Caller& caller, const node::View& view, const model::Action& action) {
  return sees(caller, view, action.instance) && sees(caller, view, action.target);
}

Result<std::optional<model::Action>> action_of(Service& service, const Caller& caller, const std::string& id) {
  auto view = service.port().view();
  std::optional<model::Action> found;
  if (auto at = view->board->actions.find(ActionId(id)); at != view->board->actions.end()) {
    found = at->second;
  } else if (auto stored = TRY(service.port().ledger().get(store::Table::action, id))) {
    auto action = stored_action(*stored);
    if (!action) return action.error().within("action " + id);
    found = std::move(*action);
  }
  if (found && !sees(caller, *view, *found)) found.reset();
  return found;
}

Result<std::optional<model::Decision>> decision_of(Service& service, const Caller& caller, const std::string& id) {
  std::optional<model::Decision> found;
  auto stored = TRY(service.port().ledger().get(store::Table::decision, id));
  if (!stored) return found;
  auto decision = stored_decision(*stored);
  if (!decision) return decision.error().within("decision " + id);
  if (sees(caller, *service.port().view(), decision->instance)) found = std::move(*decision);
  return found;
}

Result<std::vector<model::Decision>> newest_decisions(Service& service, const InstanceName& instance,
                                                      std::size_t limit) {
  DecisionsFound found;
  auto offer = [&](const store::Entry& entry) -> Result<std::optional<Wanted<model::Decision>>> {
    std::optional<Wanted<model::Decision>> wanted;
    auto decision = stored_decision(entry.bytes);
    if (!decision) return decision.error().within("decision " + entry.key);
    if (decision->instance == instance || decision->target == instance) {
      std::string key = newest_first(decision->at, decision->id.value);
      wanted = Wanted<model::Decision>{.key = std::move(key), .value = std::move(*decision)};
    }
    return wanted;
  };
  TRY(take_newest(service.port().ledger(), store::Table::decision, Page{.limit = limit, .after = {}}, found, offer));
  std::vector<model::Decision> newest;
  for (auto& [key, decision] : found) {
    if (newest.size() < limit) newest.push_back(std::move(decision));
  }
  return newest;
}

Result<std::vector<model::Action>> newest_actions(Service& service, const InstanceName& instance, std::size_t limit) {
  auto view = service.port().view();
  ActionsFound found;
  for (const auto& [id, action] : view->board->actions) {
    if (is_about(action, instance.value)) found.emplace(newest_first(action), action);
  }
  auto offer = [&](const store::Entry& entry) -> Result<std::optional<Wanted<model::Action>>> {
    std::optional<Wanted<model::Action>> wanted;
    if (view->board->actions.contains(ActionId(entry.key))) return wanted;
    auto action = stored_action(entry.bytes);
    if (!action) return action.error().within("action " + entry.key);
    if (is_about(*action, instance.value)) {
      std::string key = newest_first(*action);
      wanted = Wanted<model::Action>{.key = std::move(key), .value = std::move(*action)};
    }
    return wanted;
  };
  TRY(take_newest(service.port().ledger(), store::Table::action, Page{.limit = limit, .after = {}}, found, offer));
  std::vector<model::Action> newest;
  for (auto& [key, action] : found) {
    if (newest.size() < limit) newest.push_back(std::move(action));
  }
  return newest;
}

void list_actions(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  std::string state = call->parameter("state");
  if (!is_state(state)) {
    return call->invalid(
        cat("`state` is open, proposed, ordered, applied, reverting, reverted, conflicted, failed, "
            "rejected, lapsed or done, not \"",
            state, "\""));
  }
  auto view = service.port().view();
  ActionsFound found;
  for (const auto& [id, action] : view->board->actions) {
    std::string key = newest_first(action);
    if (is_wanted(*call, *view, action) && (page->after.empty() || key > page->after)) found.emplace(key, action);
  }
  if (state != "open") {  // all that are open stand on the board
    if (Status status = take_stored(*call, service, *view, *page, found); !status) return call->respond(status.error());
  }
  Listing listing(*page);
  for (const auto& [key, action] : found) {
    if (!listing.offer(key, [&action = action] { return document(action); })) break;
  }
  Json out = listing.take();
  if (page->after.empty()) out["success"] = success_document(*view->board);
  call->respond(out);
}

void get_action(Service& service, const CallPtr& call) {
  if (auto action = find_action(service, *call)) call->respond(document(*action));
}

void approve_action(Service& service, const CallPtr& call) { give_commented<node::ApproveAction>(service, call); }
void reject_action(Service& service, const CallPtr& call) { give_commented<node::RejectAction>(service, call); }
void revert_action(Service& service, const CallPtr& call) {
  auto action = find_action(service, *call);
  if (action) give(service, call, node::RevertAction{.action = action->id}, answer_written);
}

void list_decisions(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto view = service.port().view();
  std::string instance = call->parameter("instance");
  std::string finding = call->parameter("finding");
  DecisionsFound found;
  auto offer = [&](const store::Entry& entry) -> Result<std::optional<Wanted<model::Decision>>> {
    std::optional<Wanted<model::Decision>> wanted;
    auto decision = stored_decision(entry.bytes);
    if (!decision) return decision.error().within("decision " + entry.key);
    if (!instance.empty() && decision->instance.value != instance && decision->target.value != instance) return wanted;
    if (!finding.empty() && decision->finding.value != finding) return wanted;
    if (!sees(call->caller, *view, decision->instance)) return wanted;
    std::string key = newest_first(decision->at, decision->id.value);
    wanted = Wanted<model::Decision>{.key = std::move(key), .value = std::move(*decision)};
    return wanted;
  };
  Status status = take_newest(service.port().ledger(), store::Table::decision, *page, found, offer);
  if (!status) return call->respond(status.error());
  Listing listing(*page);
  for (const auto& [key, decision] : found) {
    if (!listing.offer(key, [&decision = decision] { return document(decision); })) break;
  }
  call->respond(listing.take());
}

void get_decision(Service& service, const CallPtr& call) {
  const std::string& id = call->path.at("id");
  auto found = decision_of(service, call->caller, id);
  if (!found) return call->respond(found.error());
  if (!*found) return call->not_found("decision", id);
  call->respond(document(**found));
}

}  // namespace mien::edge::api
