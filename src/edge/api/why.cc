// Why: from an action back to the samples, and of an instance why something was done, was refused, or was not even
// thought of.
#include "edge/api/why.h"

#include <algorithm>

#include "base/text.h"
#include "edge/api/actions.h"
#include "edge/api/explain.h"
#include "edge/api/findings.h"
#include "edge/api/handlers.h"
#include "edge/api/stored.h"
#include "model/describe.h"
#include "model/policy.h"

namespace mien::edge::api {
namespace {

constexpr std::size_t decisions_shown = 8;
constexpr std::size_t actions_shown = 8;
constexpr std::size_t rules_shown = 8;
constexpr std::size_t misses_shown = 3;  // of a finding that no policy matched
constexpr Duration lately = 24h;         // what was done longer ago is no answer to "why is it so now"

Json lines(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

// ---- of an action ----

std::string arguments_text(const model::Arguments& with) {
  std::string text;
  for (const auto& [key, value] : with) text += cat(text.empty() ? "" : ", ", key, ": ", value);
  return cat("{", text, "}");
}

Json action_step(const model::Action& action) {
  std::string what = action.summary.empty() ? cat(to_text(action.verb), " ", action.target.value) : action.summary;
  Json first = step("action", cat(what, "; ", state_sentence(action)));
  std::vector<std::string> details;
  if (!action.note.empty()) details.push_back(action.note);
  if (!action.approved_by.empty()) details.push_back(cat("a person let it happen: ", action.approved_by));
  first["details"] = lines(details);
  first["action"] = document(action);
  return first;
}

Json policy_step(const model::Action& action) {
  return step("policy",
              cat("policy ", action.policy.value, ", generation ", action.policy_generation, ", asked for it as step ",
                  action.step + 1, " of its ladder: ", to_text(action.verb), " ", arguments_text(action.with),
                  action.lease.count() == 0 ? std::string{} : cat(" for ", to_text(action.lease))));
}

Json decision_step(const model::Decision& decision) {
  std::string metrics;
  for (const auto& metric : decision.metrics) metrics += cat(metrics.empty() ? " in " : ", ", metric);
  Json out =
      step("decision", cat("decided at ", to_rfc3339(decision.at), " (", decision.id.value, ", by ", decision.cause,
                           ") about a finding of kind ", to_text(decision.kind), metrics, ", severity ",
                           to_text(decision.severity), ", confidence ", to_text(decision.confidence, 3), ", score ",
                           to_text(decision.score, 3), ": ", outcome_sentence(decision)));
  std::vector<std::string> details = rule_lines(decision, rules_shown);
  for (std::string& line : guard_lines(decision)) details.push_back(std::move(line));
  out["details"] = lines(details);
  out["decision"] = document(decision);
  return out;
}

void add_finding_steps(Service& service, const model::Finding& finding, Json& walk) {
  Json first = step(
      "finding", cat("finding ", finding.id.value, ": ", to_text(finding.severity), " ", to_text(finding.kind), " on ",
                     finding.instance.value, ", ", to_text(finding.state), " since ", to_rfc3339(finding.opened_at)));
  std::vector<std::string> details;
  if (!finding.summary.empty()) details.push_back(finding.summary);
  for (const auto& deviation : finding.metrics) {
    if (details.size() == 5) break;
    details.push_back(model::describe(finding, deviation));
  }
  first["details"] = lines(details);
  first["finding"] = document(finding);
  walk.push_back(std::move(first));
  Json samples = step("samples", "what was observed, from two minutes before to two minutes after");
  samples["series"] = samples_of(service, finding);
  walk.push_back(std::move(samples));
}

Json change_step(const model::Action& action) {
  if (action.changes.empty()) return step("changes", cat("nothing was written on ", action.host.value));
  Json out = step("changes",
                  cat("on ", action.host.value, " this was written for ", action.target.value, ", before -> after:"));
  std::vector<std::string> details;
  for (const auto& change : action.changes) details.push_back(change_sentence(change));
  out["details"] = lines(details);
  return out;
}

// The finding as it is now, if the caller may see it and it is still kept.
std::optional<model::Finding> finding_of(Service& service, const Caller& caller, const FindingId& id) {
  auto view = service.port().view();
  for (const auto& [name, instance] : view->instances) {
    for (const auto& finding : instance->findings) {
      if (finding.id == id && sees(caller, *instance)) return caller.blanked ? model::blanked(finding) : finding;
    }
  }
  auto stored = service.port().ledger().get(store::Table::finding, id.value);
  if (!stored || !*stored) return std::nullopt;
  auto finding = stored_finding(**stored);
  if (!finding || !sees(caller, *view, finding->instance)) return std::nullopt;
  return caller.blanked ? model::blanked(std::move(*finding)) : std::move(*finding);
}

Json why_action(Service& service, const Caller& caller, const model::Action& action) {
  Json walk = Json::array();
  walk.push_back(action_step(action));
  walk.push_back(policy_step(action));
  auto decision = decision_of(service, caller, action.decision.value);
  if (decision && *decision) walk.push_back(decision_step(**decision));
  else walk.push_back(step("decision", cat("its decision ", action.decision.value, " is no longer kept")));
  if (auto finding = finding_of(service, caller, action.finding)) add_finding_steps(service, *finding, walk);
  else walk.push_back(step("finding", cat("its finding ", action.finding.value, " is no longer kept")));
  walk.push_back(change_step(action));
  walk.push_back(step("effect", effect_sentence(action)));
  Json out = Json::object();
  out["subject"] = "Action/" + action.id.value;
  out["walk"] = std::move(walk);
  out["action"] = document(action);
  return out;
}

// ---- of an instance ----

PoolName pool_of(const node::View& view, const node::InstanceView& seen) {
  auto written = view.resources.find(node::key_of(model::ResourceKind::instance, seen.name.value));
  if (written != view.resources.end()) {
    const model::Value* pool = written->second->spec.find("pool");
    if (pool != nullptr && pool->text() != nullptr) return PoolName(*pool->text());
  }
  for (auto at = view.resources.lower_bound("pool/"); at != view.resources.end() && at->first.starts_with("pool/");
       ++at) {
    const model::Value* selector = at->second->spec.find("selector");
    const model::Value::Map* wanted = selector == nullptr ? nullptr : selector->map();
    if (wanted == nullptr || wanted->empty()) continue;
    bool all = std::all_of(wanted->begin(), wanted->end(), [&seen](const auto& term) {
      auto label = seen.labels.find(term.first);
      return label != seen.labels.end() && term.second.text() != nullptr && label->second == *term.second.text();
    });
    if (all) return PoolName(at->second->metadata.name);
  }
  return {};
}

bool is_about(const model::PolicyMatch& match, const node::InstanceView& seen, const PoolName& pool) {
  auto named = [](const std::set<std::string>& names, const std::string& name) {
    return names.empty() || names.contains(name);
  };
  if (!named(match.pools, pool.value) || !named(match.instances, seen.name.value) ||
      !named(match.personas, seen.persona.value))
    return false;
  return std::all_of(match.labels.begin(), match.labels.end(), [&seen](const auto& label) {
    auto found = seen.labels.find(label.first);
    return found != seen.labels.end() && found->second == label.second;
  });
}

std::string findings_text(const model::PolicyMatch& match) {
  std::string kinds;
  for (model::FindingKind kind : match.kinds) kinds += cat(kinds.empty() ? "" : " or ", to_text(kind));
  std::string text = kinds.empty() ? std::string("any finding") : cat("a finding of kind ", kinds);
  if (match.severity > model::Severity::info) text += cat(" of severity ", to_text(match.severity), " or more");
  if (match.confidence > 0) text += cat(" of confidence ", to_text(match.confidence, 3), " or more");
  std::string metrics;
  for (const std::string& metric : match.metrics) metrics += cat(metrics.empty() ? " in " : " or ", metric);
  return text + metrics;
}

std::string ladder_text(const model::Policy& policy) {
  std::string text;
  for (const auto& rung : policy.ladder) text += cat(text.empty() ? "" : ", then ", to_text(rung.verb));
  return text.empty() ? std::string("nothing") : text;
}

struct Policies {
  Json documents = Json::array();
  std::size_t kept = 0;
  std::size_t about = 0;
  std::vector<std::string> could_act;
};

// Which policies there are, and which of them are about this instance at all.
Policies policies_for(const node::View& view, const node::InstanceView& seen) {
  Policies all;
  PoolName pool = pool_of(view, seen);
  for (auto at = view.resources.lower_bound("policy/"); at != view.resources.end() && at->first.starts_with("policy/");
       ++at) {
    ++all.kept;
    const model::Resource& resource = *at->second;
    PolicyName name(resource.metadata.name);
    Json one = Json::object();
    one["policy"] = name.value;
    auto problem = view.board->problems.find(name);
    auto policy = model::parse_policy(name, resource.metadata.generation, resource.spec);
    if (problem != view.board->problems.end() || !policy) {
      std::string what = problem != view.board->problems.end() ? problem->second : policy.error().to_string();
      one["about_it"] = false;
      one["problem"] = what;
      all.could_act.push_back(cat("policy ", name.value, " is left out, because it is broken: ", what));
      all.documents.push_back(std::move(one));
      continue;
    }
    bool about = is_about(policy->match, seen, pool);
    one["about_it"] = about;
    one["mode"] = std::string(to_text(policy->mode));
    one["protect"] = policy->protect;
    all.documents.push_back(std::move(one));
    if (!about) continue;
    ++all.about;
    if (policy->protect)
      all.could_act.push_back(
          cat("policy ", name.value, " protects it: on ", findings_text(policy->match), " nothing is done"));
    else
      all.could_act.push_back(cat("policy ", name.value, " (", to_text(policy->mode), ") would answer ",
                                  findings_text(policy->match), " with: ", ladder_text(*policy)));
  }
  return all;
}

struct Reasons {
  Json list = Json::array();
  void add(std::string text) {
    if (!text.empty()) list.push_back(std::move(text));
  }
};

void add_decision(Reasons& reasons, const model::Decision& decision) {
  reasons.add(cat("about ", decision.finding.value, " it was decided at ", to_rfc3339(decision.at), " (",
                  decision.id.value, "): ", outcome_sentence(decision)));
  if (decision.outcome == model::Outcome::no_rule) {
    for (std::string& line : rule_lines(decision, misses_shown)) reasons.add("nearly: " + line);
  } else if (decision.outcome == model::Outcome::observed && !decision.summary.empty()) {
    reasons.add(decision.summary);
  }
}

void add_findings(Reasons& reasons, const node::InstanceView& seen, const std::vector<model::Decision>& decisions) {
  if (seen.findings.empty()) {
    reasons.add(seen.drift.score > seen.drift.alarm_level
                    ? "no finding is open, so no policy had anything to match"
                    : "no finding is open, so no policy had anything to match: it "
                      "behaves as its persona says");
  }
  for (const auto& finding : seen.findings) {
    reasons.add(cat("finding ", finding.id.value, " (", to_text(finding.severity), " ", to_text(finding.kind), ") is ",
                    to_text(finding.state),
                    finding.late ? "; its evidence was old on arrival, so it is for the record only" : ""));
    auto newest = std::find_if(decisions.begin(), decisions.end(),
                               [&finding](const auto& decision) { return decision.finding == finding.id; });
    if (newest != decisions.end()) add_decision(reasons, *newest);
  }
  bool open = std::any_of(decisions.begin(), decisions.end(), [&seen](const auto& decision) {
    return std::any_of(seen.findings.begin(), seen.findings.end(),
                       [&decision](const auto& finding) { return finding.id == decision.finding; });
  });
  if (open || decisions.empty()) return;
  const model::Decision& last = decisions.front();
  reasons.add(cat("the last decision, ", last.id.value, " of ", to_rfc3339(last.at), ", was about ", last.finding.value,
                  ": ", outcome_sentence(last)));
}

void add_policies(Reasons& reasons, const Policies& policies) {
  if (policies.kept == 0) return reasons.add("there is no policy: nothing is ever done without one");
  if (policies.about == 0)
    reasons.add(
        cat("of ", policies.kept, policies.kept == 1 ? " policy" : " policies", " none is about this instance"));
  for (const std::string& text : policies.could_act) reasons.add(text);
}

// What stops acting here whatever a policy says: holds, and what the machine itself allows.
void add_brakes(Reasons& reasons, const node::View& view, const node::InstanceView& seen, const Policies& policies) {
  PoolName pool = pool_of(view, seen);
  InstanceName host = seen.parent.empty() ? seen.name : seen.parent;
  for (const auto& [scope, hold] : view.board->holds) {
    bool here = (scope.instance.empty() && scope.pool.empty()) || scope.instance == seen.name ||
                scope.instance == host || (!scope.pool.empty() && scope.pool == pool);
    if (here)
      reasons.add(cat(
          scope.learning ? "learning" : "automatic action", " is held (", remedy::to_text(scope), ") by ", hold.actor,
          hold.until.ns == 0 ? std::string(" until it is resumed") : cat(" until ", to_rfc3339(hold.until))));
  }
  auto agent = view.board->agents.find(host.value);
  if (agent == view.board->agents.end()) return;
  if (agent->second.held) reasons.add(cat("on ", host.value, " the file /run/mien/hold stops automatic action"));
  if (policies.about > 0 && agent->second.allow.empty())
    reasons.add(cat(host.value, " itself allows nothing: `allow` in its /etc/mien/agent.yaml is empty"));
}

Result<Json> why_instance(Service& service, const Caller& caller, const node::View& view,
                          const node::InstanceView& seen) {
  auto decisions = TRY(newest_decisions(service, seen.name, decisions_shown));
  auto actions = TRY(newest_actions(service, seen.name, actions_shown));
  Policies policies = policies_for(view, seen);
  Json done = Json::array();
  for (const auto& action : actions) {
    bool waits = action.state == model::ActionState::proposed;
    bool touched = action.state != model::ActionState::rejected && action.state != model::ActionState::lapsed;
    if (!sees(caller, view, action) || waits || !touched || service.now() - action.created_at > lately) continue;
    done.push_back(
        cat(action.id.value, ": ", action.summary, "; ", state_sentence(action), "; ", effect_sentence(action)));
  }
  Reasons reasons;
  reasons.add(cat("its newest score, of ", to_rfc3339(seen.drift.at), ", is ", to_text(seen.drift.score, 3),
                  "; an episode opens above ", to_text(seen.drift.alarm_level, 3)));
  reasons.add(state_reason(seen.drift.state));
  add_findings(reasons, seen, decisions);
  for (const auto& action : actions) {
    if (action.state == model::ActionState::proposed && sees(caller, view, action))
      reasons.add(cat(action.id.value, ": ", action.summary, "; ", state_sentence(action)));
  }
  add_policies(reasons, policies);
  add_brakes(reasons, view, seen, policies);
  for (const auto& condition : conditions_of(seen, *view.board)) reasons.add(condition);
  Json out = Json::object();
  out["subject"] = "Instance/" + seen.name.value;
  out["done"] = std::move(done);
  out["reasons"] = std::move(reasons.list);
  out["drift"] = drift_document(seen, *view.board, caller.blanked);
  Json list = Json::array();
  for (const auto& decision : decisions) list.push_back(document(decision));
  out["decisions"] = std::move(list);
  out["policies"] = std::move(policies.documents);
  return out;
}

}  // namespace

void why(Service& service, const CallPtr& call) {
  const std::string& name = call->path.at("name");
  auto view = service.port().view();
  auto at = view->instances.find(InstanceName(name));
  if (at != view->instances.end() && sees(call->caller, *at->second)) {
    auto answer = why_instance(service, call->caller, *view, *at->second);
    if (!answer) return call->respond(answer.error());
    return call->respond(*answer);
  }
  auto action = action_of(service, call->caller, name);
  if (!action) return call->respond(action.error());
  if (*action) return call->respond(why_action(service, call->caller, **action));
  auto decision = decision_of(service, call->caller, name);
  if (decision && *decision) {
    Json walk = Json::array();
    walk.push_back(decision_step(**decision));
    if (auto finding = finding_of(service, call->caller, (*decision)->finding))
      add_finding_steps(service, *finding, walk);
    Json out = Json::object();
    out["subject"] = "Decision/" + name;
    out["walk"] = std::move(walk);
    return call->respond(out);
  }
  call->respond(Problem{.code = Code::not_found,
                        .status = 0,
                        .detail = cat("there is no instance, action or decision \"", name, "\""),
                        .errors = {}});
}

}  // namespace mien::edge::api
