#include "edge/api/polls.h"

#include "base/text.h"

namespace mien::edge::api {
namespace {

// What an agent is told now. Its number grows when anything in it does: the audit's head moves each minute, a
// generation when somebody writes.
struct Told {
  std::uint64_t number = 0;
  Json json;
};

Told told(const node::View& view, const std::string& agent) {
  Told out;
  out.json = Json::object();
  auto at = view.instances.find(InstanceName(agent));
  std::uint64_t generation = at == view.instances.end() ? 0 : at->second->generation;
  std::uint64_t head = view.audit_head ? view.audit_head->sequence : 0;
  out.number = head + generation;
  out.json["number"] = out.number;
  out.json["persona"] = at == view.instances.end() ? "" : at->second->persona.value;
  out.json["generation"] = generation;
  return out;
}

}  // namespace

Status PollHub::wait(const CallPtr& call, const std::string& agent, std::uint64_t after) {
  Told now = told(*service_.port().view(), agent);
  if (now.number > after) {
    call->respond(now.json);
    return {};
  }
  Lock lock(mutex_);
  if (polls_.size() >= most_polls) {
    return Error{.code = Code::exhausted, .message = cat("more than ", most_polls, " agents wait already: try again later"), .where = {}, .cause = {}};
  }
  polls_.push_back({.call = call, .agent = agent, .after = after, .until = service_.now() + longest_poll});
  return {};
}

void PollHub::tick(WallTime now) {
  auto view = service_.port().view();
  std::vector<std::pair<CallPtr, Json>> answers;
  {
    Lock lock(mutex_);
    std::erase_if(polls_, [&](const Poll& poll) {
      Told what = told(*view, poll.agent);
      if (what.number <= poll.after && now < poll.until) return false;
      answers.emplace_back(poll.call, std::move(what.json));
      return true;
    });
  }
  for (auto& [call, json] : answers) call->respond(json);
}

}  // namespace mien::edge::api
