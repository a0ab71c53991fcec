#include "edge/api/polls.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "model/persona.h"

namespace mien::edge::api {
namespace {

// What a persona declares, with all that it extends; as it was written where that does not merge.
model::Value spec_of(const node::View& view, const PersonaName& persona) {
  auto find = [&view](std::string_view name) -> const model::Value* {
    auto at = view.resources.find(node::key_of(model::ResourceKind::persona, name));
    return at == view.resources.end() ? nullptr : &at->second->spec;
  };
  const model::Value* written = find(persona.value);
  if (written == nullptr) return {};
  auto merged = model::merge_persona(persona, *written, {.find = find, .names = {}});
  return merged ? std::move(*merged) : *written;
}

std::optional<wire::SeenHead> head_of(const node::View& view) {
  if (!view.audit_head) return std::nullopt;
  const store::AuditHead& head = *view.audit_head;
  return wire::SeenHead{.sequence = head.sequence,
                        .hash = to_hex(std::string(head.hash.begin(), head.hash.end())),
                        .at = head.at,
                        .signature = to_hex(head.signature)};
}

void answer(Call& call, const wire::DirectiveBatch& batch) {
  HttpResponse response;
  response.headers["content-type"] = "application/json";
  response.body = wire::encode_json(batch);
  call.respond(std::move(response));
}

}  // namespace

// An agent speaks for its host and for what runs on it.
std::vector<PollHub::Seen> PollHub::of_agent(const node::View& view, const std::string& agent) {
  std::vector<Seen> found;
  for (const auto& [name, seen] : view.instances) {
    if ((seen->parent.empty() ? name.value : seen->parent.value) == agent) found.push_back(seen);
  }
  return found;
}

PollHub::ByHost PollHub::by_host(const node::View& view) {
  ByHost hosts;
  for (const auto& [name, seen] : view.instances)
    hosts[seen->parent.empty() ? name.value : seen->parent.value].push_back(seen);
  return hosts;
}

void PollHub::begin(const std::string& agent, std::uint64_t after) {
  if (last_id_ == 0) last_id_ = static_cast<std::uint64_t>(service_.now().ns / 1'000'000);
  if (after > last_id_) {  // told by a manager whose clock was ahead: everything again, above its numbers
    last_id_ = after;
    told_.erase(agent);
  }
}

void PollHub::take_orders(ToldAgent& told, const std::vector<model::Order>& orders) {
  std::map<ActionId, ToldOrder> kept;
  for (const model::Order& order : orders) {
    auto before = told.orders.find(order.action);
    bool same = before != told.orders.end() && before->second.order == order;
    kept[order.action] = same ? before->second : ToldOrder{.order = order, .id = ++last_id_};
  }
  told.orders = std::move(kept);
}

void PollHub::take_personas(ToldAgent& told, const std::vector<Seen>& instances) {
  std::map<InstanceName, Told> kept;
  for (const Seen& seen : instances) {
    auto before = told.personas.find(seen->name);
    bool same = before != told.personas.end() && before->second.persona == seen->persona &&
                before->second.generation == seen->generation;
    kept[seen->name] =
        same ? before->second : Told{.persona = seen->persona, .generation = seen->generation, .id = ++last_id_};
  }
  told.personas = std::move(kept);
}

wire::DirectiveBatch PollHub::batch_of(const node::View& view, const ToldAgent& told, std::uint64_t after) {
  wire::DirectiveBatch batch;
  batch.next = after;
  batch.audit_head = head_of(view);
  struct News {
    const model::Order* order = nullptr;
    const std::pair<const InstanceName, Told>* persona = nullptr;
  };
  std::map<std::uint64_t, News> newer;  // in the order of their numbers
  for (const auto& one : told.personas) {
    if (one.second.id > after) newer[one.second.id].persona = &one;
  }
  for (const auto& [action, one] : told.orders) {
    if (one.id > after) newer[one.id].order = &one.order;
  }
  for (const auto& [id, what] : newer) {
    if (batch.directives.size() == wire::most_directives) break;  // the rest with the next poll
    if (what.order != nullptr) {
      batch.directives.push_back({.id = id, .body = *what.order});
    } else {
      const auto& [name, one] = *what.persona;
      wire::PersonaDirective body{
          .instance = name, .persona = one.persona, .generation = one.generation, .spec = spec_of(view, one.persona)};
      batch.directives.push_back({.id = id, .body = std::move(body)});
    }
    batch.next = id;
  }
  return batch;
}

wire::DirectiveBatch PollHub::news(const node::View& view, const std::vector<Seen>& instances, const std::string& agent,
                                   std::uint64_t after) {
  begin(agent, after);
  ToldAgent& told = told_[agent];
  // The newest board, whatever view the caller holds: two threads must not tell an order's versions in turn.
  take_orders(told, node::orders_of(*service_.port().view()->board, InstanceName(agent)));
  take_personas(told, instances);
  wire::DirectiveBatch batch = batch_of(view, told, after);
  // Names that are nobody's must not be remembered.
  if (told.personas.empty() && told.orders.empty()) told_.erase(agent);
  return batch;
}

Status PollHub::wait(const CallPtr& call, const std::string& agent, std::uint64_t after) {
  auto view = service_.port().view();
  std::vector<Seen> instances = of_agent(*view, agent);
  Lock lock(mutex_);
  wire::DirectiveBatch batch = news(*view, instances, agent, after);
  if (!batch.directives.empty()) {
    answer(*call, batch);
    return {};
  }
  if (closed_) return Error{.code = Code::unavailable, .message = "the manager stops", .where = {}, .cause = {}};
  if (polls_.size() >= most_polls) {
    return Error{.code = Code::exhausted,
                 .message = cat("more than ", most_polls, " agents wait already: try again later"),
                 .where = {},
                 .cause = {}};
  }
  polls_.push_back({.call = call, .agent = agent, .after = after, .until = service_.now() + longest_poll});
  return {};
}

void PollHub::tick(WallTime now) {
  auto view = service_.port().view();
  {
    Lock lock(mutex_);
    if (polls_.empty()) return;
  }
  ByHost hosts = by_host(*view);  // outside the lock: orders shall not wait for it
  std::vector<std::pair<CallPtr, wire::DirectiveBatch>> answers;
  {
    Lock lock(mutex_);
    std::vector<Poll> waiting;
    for (Poll& poll : polls_) {
      wire::DirectiveBatch batch = news(*view, hosts[poll.agent], poll.agent, poll.after);
      if (batch.directives.empty() && now < poll.until) {
        waiting.push_back(std::move(poll));
      } else {
        answers.emplace_back(std::move(poll.call), std::move(batch));
      }
    }
    polls_ = std::move(waiting);
  }
  for (const auto& [call, batch] : answers) answer(*call, batch);
}

void PollHub::on_action(const InstanceName& host) {
  std::vector<std::pair<CallPtr, wire::DirectiveBatch>> answers;
  {
    Lock lock(mutex_);
    auto waits = [&host](const Poll& poll) { return poll.agent == host.value; };
    if (std::none_of(polls_.begin(), polls_.end(), waits)) return;
    auto view = service_.port().view();
    ToldAgent& told = told_[host.value];
    take_orders(told, node::orders_of(*view->board, host));
    std::vector<Poll> waiting;
    for (Poll& poll : polls_) {
      wire::DirectiveBatch batch = waits(poll) ? batch_of(*view, told, poll.after) : wire::DirectiveBatch{};
      if (batch.directives.empty()) {
        waiting.push_back(std::move(poll));
      } else {
        answers.emplace_back(std::move(poll.call), std::move(batch));
      }
    }
    polls_ = std::move(waiting);
    if (told.personas.empty() && told.orders.empty()) told_.erase(host.value);
  }
  for (const auto& [call, batch] : answers) answer(*call, batch);
}

void PollHub::close() {
  std::vector<Poll> waiting;
  {
    Lock lock(mutex_);
    closed_ = true;
    waiting = std::exchange(polls_, {});
  }
  auto view = service_.port().view();
  for (const Poll& poll : waiting) answer(*poll.call, batch_of(*view, {}, poll.after));
}

}  // namespace mien::edge::api
