// From a finding and the policies that matched it to one decision: every guard is asked in a fixed order, and its
// answer is kept.
#include <algorithm>

#include "base/text.h"
#include "remedy/detail/guards.h"
#include "remedy/detail/state.h"
#include "remedy/detail/words.h"

namespace mien::remedy {
namespace {

using model::Mode;
using model::Outcome;
using model::Verb;

constexpr std::size_t most_asked = 32;  // policies per decision whose guards are asked

struct Considered {
  const model::Policy* policy = nullptr;
  std::optional<std::uint32_t> place;  // of the step; none: the ladder gave none
  Target target;
  bool may_act = false;
  bool observed = false;     // it would, if it did not only observe
  std::string needs_person;  // why; empty: it needs none
  bool repeated = false;     // too often on this target
  bool exhausted = false;    // every step was tried
  std::string guard;         // the first that refused
  std::string why;
  std::optional<Duration> again_in;

  [[nodiscard]] const model::PolicyStep* step() const { return place ? &policy->ladder[*place] : nullptr; }
};

// Asks one policy's guards, in order, up to the first that refuses.
class Asking {
 public:
  Asking(const State& state, const Moment& at, const Wish& wish, const model::Policy& policy,
         std::vector<model::GuardVerdict>& verdicts)
      : state_(state), at_(at), wish_(wish), policy_(policy), verdicts_(verdicts) {
    considered_.policy = &policy;
  }

  Considered ask() {
    considered_.may_act = ask_all() && policy_.mode != Mode::observe;
    return std::move(considered_);
  }

 private:
  bool note(const char* guard, Answer answer) {
    verdicts_.push_back({.policy = policy_.name, .guard = guard, .allowed = answer.allowed, .why = answer.why});
    if (answer.allowed || !considered_.guard.empty()) return answer.allowed;
    considered_.guard = guard;
    considered_.why = std::move(answer.why);
    considered_.again_in = answer.again_in;
    return false;
  }
  bool note(const char* guard, bool allowed, std::string why, std::optional<Duration> again_in = {}) {
    return note(guard, Answer{.allowed = allowed, .why = std::move(why), .again_in = again_in});
  }

  bool ask_all() {
    note("protect", true, "no protecting policy matched");
    if (policy_.mode == Mode::observe) {  // and the others are asked too: would it have acted?
      verdicts_.push_back(
          {.policy = policy_.name, .guard = "mode", .allowed = false, .why = "it only observes: nothing is touched"});
    } else {
      note("mode", true, policy_.mode == Mode::propose ? "it may propose" : "it may act");
    }
    Answer rung = choose_rung();
    Result<Target> target = considered_.place ? wish_.resolve(*considered_.step()) : Result<Target>(Target{});
    if (target) considered_.target = *target;
    const Question question = make_question();
    if (!note("hold", ask_hold(state_, at_, question))) return false;
    if (!note("ladder", std::move(rung))) return false;
    if (!target) return note("target", false, target.error().to_string(), std::chrono::minutes{1});
    note("target", true, question.target.value);
    return ask_about_target(question) && ask_about_time(question) && settle_approval(question);
  }

  // The ladder's next step: of those that were not tried, the one that has fallen behind least, then the first.
  Answer choose_rung() {
    const Ladder* ladder = state_.ladder(wish_.finding->id, policy_);
    if (ladder && !ladder->stopped.empty())
      return {
          .allowed = false, .why = cat(ladder->stopped, ": nothing more is done about this finding"), .again_in = {}};
    if (policy_.ladder.empty()) return {.allowed = false, .why = "it has no step", .again_in = {}};
    if (ladder && ladder->next_at > at_.steady)
      return {.allowed = false,
              .why = cat("what was done may take until ", clock_text(ladder->next_at, at_), " to show"),
              .again_in = ladder->next_at - at_.steady};
    std::optional<std::pair<std::uint32_t, std::uint32_t>> best;
    std::string tried;
    for (std::uint32_t place = 0; place < policy_.ladder.size(); ++place) {
      if (ladder && ladder->tried.contains(place)) {
        tried += cat(tried.empty() ? "" : ", ", model::to_text(policy_.ladder[place].verb), " (",
                     to_text(ladder->tried.at(place)), ")");
        continue;
      }
      std::pair candidate{state_.demoted({.policy = policy_.name, .step = place, .persona = wish_.finding->persona}),
                          place};
      if (!best || candidate < *best) best = candidate;
    }
    if (!best) {
      considered_.exhausted = true;
      return {.allowed = false, .why = cat("every step was tried: ", tried, "; a person must decide"), .again_in = {}};
    }
    considered_.place = best->second;
    return {.allowed = true,
            .why = cat("step ", best->second + 1, " of ", policy_.ladder.size(),
                       tried.empty() ? std::string{} : cat("; tried: ", tried)),
            .again_in = {}};
  }

  static std::string_view to_text(Tried tried) {
    switch (tried) {
      case Tried::done: return "done";
      case Tried::failed: return "failed";
      case Tried::no_effect: return "did not help";
      case Tried::worse: return "made things worse";
    }
    return "done";
  }

  Question make_question() const {
    Question question{.policy = policy_.name,
                      .finding = wish_.finding->id,
                      .instance = wish_.finding->instance,
                      .target = considered_.target.name,
                      .host = considered_.target.host,
                      .pool = considered_.target.pool.empty() ? wish_.finding->pool : considered_.target.pool,
                      .step = {},
                      .cooldown = policy_.guards.cooldown,
                      .unavailable_most = unavailable_most(policy_.guards, considered_.target.pool_members),
                      .self = {}};
    if (const model::PolicyStep* step = considered_.step()) question.step = *step;
    if (question.target.empty()) question.target = wish_.finding->instance;
    return question;
  }

  bool is_alert() const { return considered_.step()->verb == Verb::alert; }

  bool ask_about_target(const Question& question) {
    const Target& target = considered_.target;
    if (!note("authenticated", target.authenticated,
              target.authenticated
                  ? cat(target.name.value, " is heard of by an agent or token that is known")
                  : cat("what arrives about ", target.name.value, " is not authenticated: it is only observed"),
              std::chrono::minutes{1}))
      return false;
    if (!is_alert() &&
        !note("telemetry", !target.telemetry_lost,
              target.telemetry_lost ? cat("nothing is heard of ", target.name.value, ": what is blind is left as it is")
                                    : cat(target.name.value, " is heard of"),
              std::chrono::minutes{1}))
      return false;
    if (!note("late", !wish_.finding->late,
              wish_.finding->late ? "its evidence was old on arrival: it is for the record only"
                                  : "its evidence was fresh"))
      return false;
    if (is_alert()) return true;  // it touches nothing
    return note("never_touch", ask_never_touch(state_, question)) && note("allow", ask_allow(state_, question)) &&
           note("can", ask_can(state_, question));
  }

  bool ask_about_time(const Question& question) {
    if (is_alert()) return true;
    if (!note("busy", ask_busy(state_, question)) || !note("owner", ask_owner(state_, question)) ||
        !note("cooldown", ask_cooldown(state_, at_, question)))
      return false;
    Answer repeats = ask_repeats(state_, at_, question, policy_.guards.repeats);
    if (!repeats.allowed) {  // not refused: it becomes a person's to decide
      considered_.needs_person = repeats.why;
      considered_.repeated = true;
    }
    verdicts_.push_back(
        {.policy = policy_.name, .guard = "repeats", .allowed = repeats.allowed, .why = std::move(repeats.why)});
    return note("max_unavailable", ask_unavailable(state_, question)) &&
           note("budget", ask_budget(state_, at_, question));
  }

  bool settle_approval(const Question& question) {
    bool named = policy_.guards.approval.contains(question.step.verb);
    if (considered_.needs_person.empty() && named)
      considered_.needs_person = cat(model::to_text(question.step.verb), " needs a person's approval");
    if (considered_.needs_person.empty() && policy_.mode == Mode::propose && !is_alert())
      considered_.needs_person = "it only proposes";
    bool free = considered_.needs_person.empty();
    verdicts_.push_back({.policy = policy_.name,
                         .guard = "approval",
                         .allowed = free,
                         .why = free ? "it needs no person"
                                     : cat(considered_.needs_person, "; it waits for one until ",
                                           clock_text(at_.now + policy_.guards.approve_within, at_.now))});
    considered_.observed = policy_.mode == Mode::observe;
    return true;
  }

  const State& state_;
  const Moment& at_;
  const Wish& wish_;
  const model::Policy& policy_;
  std::vector<model::GuardVerdict>& verdicts_;
  Considered considered_;
};

// The action that a decision makes, as it is before it is proposed or ordered.
model::Action make_action(State& state, const Moment& at, const Wish& wish, const Considered& considered,
                          const model::Decision& decision) {
  const model::Policy& policy = *considered.policy;
  const model::PolicyStep& step = *considered.step();
  const Target& target = considered.target;
  model::Action action;
  action.id = state.next_id(at.position);
  action.decision = decision.id;
  action.finding = wish.finding->id;
  action.policy = policy.name;
  action.policy_generation = policy.generation;
  action.step = *considered.place;
  action.instance = wish.finding->instance;
  action.target = target.name;
  action.host = target.host;
  action.persona = wish.finding->persona;
  action.pool = target.pool.empty() ? wish.finding->pool : target.pool;
  action.verb = step.verb;
  action.with = step.with;
  action.summary = step_text(step, target.name);
  action.lease = step.lease;
  action.settle = policy.guards.settle;
  action.dwell = policy.guards.dwell;
  action.created_at = at.now;
  return action;
}

void act(State& state, const Moment& at, const Wish& wish, const Considered& considered, model::Decision& decision,
         Effects& out) {
  const model::Policy& policy = *considered.policy;
  const std::string cause = cat("Decision/", decision.id.value);
  model::Action& action = state.add(make_action(state, at, wish, considered, decision));
  decision.action = action.id;
  Running& running = state.running[action.id];
  running.since = at.steady;
  running.approve_until = at.steady + policy.guards.approve_within;
  running.cooldown = policy.guards.cooldown;
  running.unavailable_most = unavailable_most(policy.guards, considered.target.pool_members);
  running.opened_at = wish.finding->opened_at;
  running.distance = wish.distance;
  if (!considered.needs_person.empty()) {
    decision.outcome = Outcome::proposed;
    action.approve_by = at.now + policy.guards.approve_within;
    action.note = considered.needs_person;
    out.audit.push_back(audit_of(at, action, "mien", "action.proposed", cause, action.note));
    out.changed.push_back(action);
    decision.summary = cat(policy.name.value, " proposes to ", action.summary, "; it waits for a person until ",
                           clock_text(*action.approve_by, at.now));
    return;
  }
  decision.outcome = Outcome::acted;
  decision.summary = cat(policy.name.value, " acts: ", action.summary);
  if (action.verb == Verb::alert) return finish_alert(state, at, action.id, "mien", cause, out);
  order(state, at, action, cause, out);
}

void escalate(State& state, const Moment& at, const Wish& wish, const Considered& considered,
              const model::Decision& decision, const std::string& why, Effects& out) {
  Ladder& ladder = state.ladder(wish.finding->id, considered.policy->name, considered.policy->generation, at.steady);
  if (ladder.escalated) return;
  ladder.escalated = true;
  out.audit.push_back({.at = at.now,
                       .actor = "mien",
                       .verb = "finding.escalated",
                       .subject = cat("Finding/", wish.finding->id.value),
                       .cause = cat("Decision/", decision.id.value),
                       .detail = cat(considered.policy->name.value, " on ", wish.finding->instance.value, ": ", why)});
}

void describe(const Considered& considered, const Wish& wish, model::Decision& decision) {
  decision.policy = considered.policy->name;
  decision.target = considered.target.name.empty() ? wish.finding->instance : considered.target.name;
  if (!considered.place) return;
  decision.step = *considered.place;
  decision.verb = considered.step()->verb;
}

// Nothing was done: by the first policy that was refused, else by the first that only observes.
void conclude(const Wish& wish, const std::optional<Considered>& refused, const std::optional<Considered>& observed,
              model::Decision& decision) {
  const bool by_guard = refused && (refused->policy->mode != Mode::observe || !observed);
  const Considered& chosen = by_guard ? *refused : *observed;
  describe(chosen, wish, decision);
  std::string name = chosen.policy->name.value;
  std::string what = chosen.step() ? step_text(*chosen.step(), decision.target) : std::string{};
  if (!by_guard) {
    decision.outcome = Outcome::observed;
    decision.summary = cat(name, " would ", what, ", but it only observes");
    return;
  }
  decision.outcome = Outcome::refused;
  decision.summary = what.empty() ? cat(name, " does nothing (", chosen.guard, "): ", chosen.why)
                                  : cat(name, " would ", what, ", but does not (", chosen.guard, "): ", chosen.why);
}

// Whether the decision says anything that the one before it did not.
bool keep_if_new(State& state, const Moment& at, const FindingId& finding, const model::Decision& decision,
                 std::string guard) {
  LastDecision now{
      .outcome = decision.outcome, .policy = decision.policy, .step = decision.step, .guard = std::move(guard)};
  auto found = state.findings.find(finding);
  bool acted = decision.outcome == Outcome::acted || decision.outcome == Outcome::proposed;
  if (!acted && found != state.findings.end() && found->second.last == now) return false;
  state.remember(finding, at.steady).last = std::move(now);
  return true;
}

void protect(const Wish& wish, model::Decision& decision) {
  const model::Policy& protector = *wish.protector;
  decision.outcome = Outcome::protected_;
  decision.policy = protector.name;
  decision.target = wish.finding->instance;
  std::string why =
      cat(protector.name.value, " protects ", wish.finding->instance.value, ": nothing may be done to it");
  decision.guards.push_back({.policy = protector.name, .guard = "protect", .allowed = false, .why = why});
  for (std::size_t i = 0; i < wish.matched.size() && i < most_asked; ++i)
    decision.guards.push_back({.policy = wish.matched[i]->name, .guard = "protect", .allowed = false, .why = why});
  decision.summary = std::move(why);
}

}  // namespace

bool Remedy::decide(const Moment& at, const Wish& wish, model::Decision& decision, Effects& out) {
  State& state = *state_;
  const FindingId& finding = wish.finding->id;
  if (wish.protector) {
    protect(wish, decision);
    return keep_if_new(state, at, finding, decision, "protect");
  }
  if (wish.matched.empty()) {
    decision.outcome = Outcome::no_rule;
    decision.target = wish.finding->instance;
    decision.summary = "no policy is about this";
    return keep_if_new(state, at, finding, decision, "");
  }

  std::optional<Considered> refused;
  std::optional<Considered> observed;
  std::optional<Duration> again_in;
  for (std::size_t i = 0; i < wish.matched.size(); ++i) {
    const model::Policy& policy = *wish.matched[i];
    if (i >= most_asked) {
      decision.guards.push_back(
          {.policy = policy.name,
           .guard = "busy",
           .allowed = false,
           .why = cat(wish.matched.size() - i, " more policies matched; only the first ", most_asked, " are asked")});
      break;
    }
    if (state.set_budget(policy)) state.changed = true;
    Considered considered = Asking(state, at, wish, policy, decision.guards).ask();
    if (considered.may_act) {
      describe(considered, wish, decision);
      act(state, at, wish, considered, decision, out);
      if (considered.repeated) escalate(state, at, wish, considered, decision, considered.needs_person, out);
      for (std::size_t k = i + 1; k < wish.matched.size() && k < most_asked; ++k)
        decision.guards.push_back({.policy = wish.matched[k]->name,
                                   .guard = "busy",
                                   .allowed = false,
                                   .why = cat(policy.name.value, " acts first")});
      keep_if_new(state, at, finding, decision, "");
      return true;
    }
    if (considered.exhausted && policy.mode != Mode::observe)
      escalate(state, at, wish, considered, decision, considered.why, out);
    if (policy.mode != Mode::observe && considered.again_in && (!again_in || *considered.again_in < *again_in))
      again_in = considered.again_in;
    std::optional<Considered>& kept = considered.observed ? observed : refused;
    bool better = !kept || (kept->policy->mode == Mode::observe && policy.mode != Mode::observe);
    if (better) kept = std::move(considered);
  }
  conclude(wish, refused, observed, decision);
  bool is_new =
      keep_if_new(state, at, finding, decision, decision.outcome == Outcome::refused ? refused->guard : "mode");
  if (again_in) state.due(finding, at.steady + *again_in, at.steady);
  return is_new;
}

}  // namespace mien::remedy
