// One policy, one finding, one machine with its agent, and time that passes when a test says so.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "remedy/remedy.h"

namespace mien::remedy::testing {

using namespace std::chrono_literals;

// Drift as a test wants it: one level before a moment, another from then on.
class FakeObserver : public Observer {
 public:
  struct Level {
    double before = 0.8;
    double after = 0.8;
    double variance = 0.0004;
    std::uint32_t count = 12;
  };
  std::map<InstanceName, Level> levels;
  std::vector<InstanceName> untreated;
  bool lost = false;
  WallTime changes_at{};

  [[nodiscard]] std::optional<Trace> trace(const InstanceName& name, WallTime from, WallTime) const override {
    auto found = levels.find(name);
    if (found == levels.end()) return std::nullopt;
    const Level& level = found->second;
    return Trace{
        .mean = from >= changes_at ? level.after : level.before, .variance = level.variance, .count = level.count};
  }
  [[nodiscard]] std::vector<InstanceName> peers(const model::Action&) const override { return untreated; }
  [[nodiscard]] bool telemetry_lost(const InstanceName&) const override { return lost; }
};

inline model::PolicyStep limit_cpu(const std::string& value = "50%") {
  return {.verb = model::Verb::limit, .with = {{"cpu", value}, {"target", "offender"}}, .lease = 30min};
}
inline model::PolicyStep alert() { return {.verb = model::Verb::alert, .with = {}, .lease = {}}; }

struct Stage {
  Moment at{.now = WallTime{} + 480'000h + 13h, .steady = 1h, .position = 7};
  Remedy remedy;
  Effects out;
  FakeObserver observer;
  model::Policy policy;
  model::Finding finding;
  Target target;
  std::vector<const model::Policy*> others;  // matched after `policy`
  const model::Policy* protector = nullptr;
  std::string unresolved;  // why the target can not be found; empty: it can
  std::uint64_t decisions = 0;

  explicit Stage(Limits limits = {}) : remedy(limits) {
    policy.name = PolicyName{"contain"};
    policy.generation = 1;
    policy.mode = model::Mode::enforce;
    policy.ladder = {limit_cpu()};
    finding = finding_named("f-1-1", "web-01");
    target = {.name = InstanceName{"nginx.service@web-01"},
              .host = InstanceName{"web-01"},
              .persona = PersonaName{"web"},
              .pool = PoolName{"web"},
              .pool_members = 4,
              .authenticated = true,
              .telemetry_lost = false};
    remedy.on_abilities(at, abilities(), out);
    observer.levels[InstanceName{"web-01"}] = {};
  }

  [[nodiscard]] model::Finding finding_named(const std::string& id, const std::string& instance) const {
    model::Finding made;
    made.id = FindingId{id};
    made.instance = InstanceName{instance};
    made.pool = PoolName{"web"};
    made.persona = PersonaName{"web"};
    made.kind = model::FindingKind::level;
    made.severity = model::Severity::high;
    made.score = 0.8;
    made.opened_at = at.now - 10min;
    return made;
  }
  [[nodiscard]] model::Abilities abilities(const std::string& host = "web-01") const {
    return {.agent = host,
            .boot_id = "b",
            .can = {"limit", "prioritize", "lockdown"},
            .allow = {"limit", "lockdown"},
            .never_touch = {"sshd.service", "systemd-*"},
            .held = false};
  }

  void pass(Duration d) {
    at.now = at.now + d;
    at.steady += d;
    ++at.position;
  }
  void tick() { remedy.on_tick(at, observer, out); }
  // Time passes in ticks of ten seconds.
  void live(Duration d) {
    for (Duration gone{}; gone < d; gone += 10s) {
      pass(10s);
      tick();
    }
  }

  double distance = 0.8;  // of the instance, when it is decided

  struct Said {
    model::Decision decision;
    bool written = false;
  };
  Said decide() {
    Wish wish{.finding = &finding, .matched = {&policy}, .protector = protector, .distance = distance, .resolve = {}};
    wish.matched.insert(wish.matched.end(), others.begin(), others.end());
    wish.resolve = [this](const model::PolicyStep&) -> Result<Target> {
      if (unresolved.empty()) return target;
      return Error{.code = Code::not_found, .message = unresolved, .where = {}, .cause = {}};
    };
    Said said;
    said.decision.id = DecisionId{"d-" + std::to_string(++decisions)};
    said.decision.finding = finding.id;
    said.written = remedy.decide(at, wish, said.decision, out);
    return said;
  }
  // Decides, and gives the newest action.
  const model::Action& act() {
    ActionId id = decide().decision.action;
    return remedy.unfinished().at(id);
  }
  void report(const ActionId& id, model::ActionState state, model::EndReason reason = model::EndReason::none) {
    remedy.on_report(at, "web-01",
                     {.action = id,
                      .state = state,
                      .reason = reason,
                      .note = {},
                      .at = at.now,
                      .expires_at = {},
                      .changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = {}}}},
                     out);
  }
  // From decision to applied.
  ActionId applied() {
    ActionId id = act().id;
    pass(1s);
    report(id, model::ActionState::applied);
    observer.changes_at = at.now;
    return id;
  }
  [[nodiscard]] std::vector<std::string> audited() const {
    std::vector<std::string> verbs;
    for (const model::AuditEvent& event : out.audit) verbs.push_back(event.verb);
    return verbs;
  }
  [[nodiscard]] std::string detail_of(const std::string& verb) const {
    for (auto event = out.audit.rbegin(); event != out.audit.rend(); ++event)
      if (event->verb == verb) return event->detail;
    return "no such event";
  }
  [[nodiscard]] const model::Action* newest(const ActionId& id) const {
    for (auto action = out.changed.rbegin(); action != out.changed.rend(); ++action)
      if (action->id == id) return &*action;
    return nullptr;
  }
};

// The answer of a guard in a decision; "not asked" where it was not.
inline std::string said_by(const model::Decision& decision, const std::string& guard) {
  for (const model::GuardVerdict& verdict : decision.guards)
    if (verdict.guard == guard) return (verdict.allowed ? "yes: " : "no: ") + verdict.why;
  return "not asked";
}

}  // namespace mien::remedy::testing
