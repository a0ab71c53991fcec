#include "policy/policy.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "policy/detail/index.h"

namespace mien::policy {
namespace detail {

struct Rule {
  model::Policy policy;
  std::optional<Expression> when;
};

}  // namespace detail
namespace {

constexpr std::size_t most_shown = 32;

// What a caller knows, and what the finding itself says.
class WithFinding final : public Variables {
 public:
  explicit WithFinding(const Context& context) : known_(context.variables), finding_(*context.finding) {}

  [[nodiscard]] std::optional<double> value_of(std::string_view name) const override {
    if (name == "finding.severity") return static_cast<double>(finding_.severity);
    if (name == "finding.confidence") return finding_.confidence;
    return known_ ? known_->value_of(name) : std::nullopt;
  }
  [[nodiscard]] std::optional<double> metric(std::string_view name) const override {
    return known_ ? known_->metric(name) : std::nullopt;
  }
  [[nodiscard]] std::optional<double> signal(std::string_view name) const override {
    return known_ ? known_->signal(name) : std::nullopt;
  }
  [[nodiscard]] std::optional<Duration> utc_offset(std::string_view zone, WallTime at) const override {
    return known_ ? known_->utc_offset(zone, at) : std::nullopt;
  }
  [[nodiscard]] std::optional<double> forecast(std::string_view metric, Duration ahead,
                                               std::string_view quantile) const override {
    return known_ ? known_->forecast(metric, ahead, quantile) : std::nullopt;
  }

 private:
  const Variables* known_;
  const model::Finding& finding_;
};

using detail::Rule;

// Protecting is doing nothing, so what is not known protects; acting is the opposite.
bool holds(const Rule& rule, const Context& context, const Variables& variables) {
  if (!rule.when) return true;
  Truth truth = rule.when->truth(context.now, variables);
  return truth == Truth::yes || (truth == Truth::unknown && rule.policy.protect);
}

// The highest priority first; then by name.
bool goes_before(const model::Policy& a, const model::Policy& b) {
  if (a.priority != b.priority) return a.priority > b.priority;
  return a.name < b.name;
}

template <class Items, class ToText>
std::string listed(const Items& items, ToText text_of) {
  constexpr std::size_t most = 4;
  std::string out;
  std::size_t count = 0;
  for (const auto& item : items) {
    if (count == most) return cat(out, " and ", items.size() - most, " more");
    out += cat(count == 0 ? "" : ", ", text_of(item));
    ++count;
  }
  return out;
}

std::string_view as_it_is(const std::string& text) { return text; }
std::string_view kind_text(model::FindingKind kind) { return model::to_text(kind); }

// "pool: db is not one of web"; nothing when it is one, or any will do.
void check_member(std::string_view what, const std::set<std::string>& wanted, const std::string& found,
                  std::vector<std::string>& out) {
  if (wanted.empty() || wanted.contains(found)) return;
  out.push_back(found.empty() ? cat(what, ": there is none; ", listed(wanted, as_it_is), " is wanted")
                              : cat(what, ": ", found, " is not one of ", listed(wanted, as_it_is)));
}

void check_labels(const std::map<std::string, std::string>& wanted, const std::map<std::string, std::string>* found,
                  std::vector<std::string>& out) {
  for (const auto& [key, value] : wanted) {
    auto label = found ? found->find(key) : decltype(found->end())();
    if (!found || label == found->end()) out.push_back(cat("labels: there is no ", key, "; ", value, " is wanted"));
    else if (label->second != value) out.push_back(cat("labels: ", key, " is ", label->second, ", not ", value));
  }
}

bool any_metric(const std::set<std::string>& wanted, const model::Finding& finding) {
  return std::any_of(finding.metrics.begin(), finding.metrics.end(),
                     [&](const model::Deviation& each) { return wanted.contains(each.name.value); });
}

// What is written in `match` and does not hold, each as a sentence for people.
std::vector<std::string> objections(const model::PolicyMatch& match, const Context& context) {
  std::vector<std::string> out;
  const model::Finding& finding = *context.finding;
  if (!match.kinds.empty() && !match.kinds.contains(finding.kind))
    out.push_back(cat("kinds: ", to_text(finding.kind), " is not one of ", listed(match.kinds, kind_text)));
  if (finding.severity < match.severity)
    out.push_back(cat("severity: ", to_text(finding.severity), " is below ", to_text(match.severity)));
  if (!(finding.confidence >= match.confidence))
    out.push_back(cat("confidence: ", to_text(finding.confidence, 3), " is below ", to_text(match.confidence)));
  check_member("pools", match.pools, finding.pool.value, out);
  check_member("instances", match.instances, finding.instance.value, out);
  check_member("personas", match.personas, finding.persona.value, out);
  check_labels(match.labels, context.labels, out);
  if (!match.metrics.empty() && !any_metric(match.metrics, finding))
    out.push_back(cat("metrics: none of the finding's is one of ", listed(match.metrics, as_it_is)));
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += cat(out.empty() ? "" : "; ", part);
  return out;
}

std::string why_matched(const Rule& rule, const Context& context, const Variables& variables) {
  const model::PolicyMatch& match = rule.policy.match;
  const model::Finding& finding = *context.finding;
  std::vector<std::string> parts;
  if (!match.kinds.empty()) parts.push_back(cat("kind is ", to_text(finding.kind)));
  if (match.severity > model::Severity::info)
    parts.push_back(cat("severity is ", to_text(finding.severity), ", at least ", to_text(match.severity)));
  if (match.confidence > 0)
    parts.push_back(cat("confidence is ", to_text(finding.confidence, 3), ", at least ", to_text(match.confidence)));
  if (!match.pools.empty()) parts.push_back(cat("pool is ", finding.pool.value));
  if (!match.instances.empty()) parts.push_back(cat("instance is ", finding.instance.value));
  if (!match.personas.empty()) parts.push_back(cat("persona is ", finding.persona.value));
  for (const auto& [key, value] : match.labels) parts.push_back(cat("label ", key, " is ", value));
  if (!match.metrics.empty()) parts.push_back("one of its metrics is named");
  if (rule.when) parts.push_back(cat("when: ", rule.when->evaluate(context.now, variables).why));
  std::string why = parts.empty() ? std::string("it is about every finding") : joined(parts);
  return rule.policy.protect ? cat("protects: ", why) : why;
}

model::RuleVerdict verdict_of(const Rule& rule, bool matched, std::string why) {
  return {.policy = rule.policy.name, .generation = rule.policy.generation, .matched = matched, .why = std::move(why)};
}

}  // namespace

struct Rules::Detail {
  std::vector<detail::Rule> rules;  // in the order in which they are tried
  std::map<PolicyName, std::size_t> by_name;
  detail::Index index;
};

Rules::Rules() : detail_(std::make_unique<Detail>()) {}
Rules::~Rules() = default;
Rules::Rules(Rules&&) noexcept = default;
Rules& Rules::operator=(Rules&&) noexcept = default;

std::size_t Rules::size() const { return detail_->rules.size(); }

const model::Policy* Rules::find(const PolicyName& name) const {
  auto found = detail_->by_name.find(name);
  return found == detail_->by_name.end() ? nullptr : &detail_->rules[found->second].policy;
}

Evaluation Rules::evaluate(const Context& context) const {
  const std::vector<Rule>& rules = detail_->rules;
  Evaluation out;
  if (rules.empty() || !context.finding) return out;
  const WithFinding variables(context);
  detail::Misses misses = detail_->index.ask(*context.finding, context.labels);

  std::vector<std::size_t> acting;
  std::vector<std::size_t> protecting;
  std::vector<std::size_t> only_when;  // everything else of these holds: the nearest misses
  misses.for_each(0, [&](std::size_t i) {
    if (!holds(rules[i], context, variables)) only_when.push_back(i);
    else (rules[i].policy.protect ? protecting : acting).push_back(i);
    return true;
  });
  if (!protecting.empty()) out.protector = &rules[protecting.front()].policy;
  for (std::size_t i : acting) out.matched.push_back(&rules[i].policy);

  auto room = [&] { return out.rules.size() < most_shown; };
  for (const auto* group : {&protecting, &acting})
    for (std::size_t i = 0; i < group->size() && room(); ++i)
      out.rules.push_back(verdict_of(rules[(*group)[i]], true, why_matched(rules[(*group)[i]], context, variables)));
  for (std::size_t i = 0; i < only_when.size() && room(); ++i) {
    const Rule& rule = rules[only_when[i]];
    out.rules.push_back(verdict_of(rule, false, cat("when: ", rule.when->evaluate(context.now, variables).why)));
  }
  for (std::size_t count = 1; count <= detail::Misses::most && room(); ++count)
    misses.for_each(count, [&](std::size_t i) {
      out.rules.push_back(verdict_of(rules[i], false, joined(objections(rules[i].policy.match, context))));
      return room();
    });
  out.rules_not_shown = static_cast<std::uint32_t>(rules.size() - out.rules.size());
  return out;
}

namespace {

// What keeps a policy from being a rule; empty: nothing.
std::string complaint(const model::Policy& policy) {
  if (policy.ladder.empty() && !policy.protect) return "it has no ladder and protects nothing";
  if (!(policy.match.confidence >= 0 && policy.match.confidence <= 1))
    return "match.confidence: it must be between 0 and 1";
  for (std::size_t i = 0; i < policy.ladder.size(); ++i) {
    const model::PolicyStep& step = policy.ladder[i];
    if (!model::parse_verb(to_text(step.verb))) return cat("ladder step ", i + 1, ": unknown verb");
    if (step.lease > Duration{0} && !model::is_reversible(step.verb))
      return cat("ladder step ", i + 1, ": `", to_text(step.verb), "` can not be taken back, so it has no lease");
  }
  return {};
}

}  // namespace

Compiled compile(std::vector<model::Policy> policies) {
  Compiled out;
  std::map<PolicyName, std::size_t> named;
  for (const model::Policy& policy : policies) ++named[policy.name];
  Rules::Detail& detail = *out.rules.detail_;
  for (model::Policy& policy : policies) {
    auto leave_out = [&](std::string message) {
      // A protection that is not there must be seen by a person.
      if (policy.protect) message += "; nothing is protected by it";
      out.problems.push_back({.policy = policy.name, .message = std::move(message)});
    };
    std::size_t same = named[policy.name];
    if (same > 1) {
      leave_out(cat(same, " policies have this name, and none of them is taken"));
      continue;
    }
    if (std::string message = complaint(policy); !message.empty()) {
      leave_out(std::move(message));
      continue;
    }
    Rule rule;
    if (!trim(policy.when).empty()) {
      auto when = Expression::parse(policy.when);
      if (!when) {
        leave_out(cat("when: ", when.error().message, " (", when.error().where, ")"));
        continue;
      }
      rule.when = std::move(when).value();
    }
    rule.policy = std::move(policy);
    detail.rules.push_back(std::move(rule));
  }
  std::sort(detail.rules.begin(), detail.rules.end(),
            [](const Rule& a, const Rule& b) { return goes_before(a.policy, b.policy); });
  std::sort(out.problems.begin(), out.problems.end(), [](const Problem& a, const Problem& b) {
    return a.policy != b.policy ? a.policy < b.policy : a.message < b.message;
  });
  std::vector<const model::PolicyMatch*> matches;
  for (std::size_t i = 0; i < detail.rules.size(); ++i) {
    detail.by_name[detail.rules[i].policy.name] = i;
    matches.push_back(&detail.rules[i].policy.match);
  }
  detail.index = detail::Index(matches);
  return out;
}

}  // namespace mien::policy
