#include "model/detail/rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "base/text.h"
#include "model/persona.h"
#include "model/policy.h"

namespace mien::model::detail {
namespace {

using Out = std::vector<Diagnostic>;

void complain(Out& out, std::string pointer, std::string message, std::string suggestion = {}) {
  out.push_back({.gravity = Gravity::error,
                 .pointer = std::move(pointer),
                 .message = std::move(message),
                 .suggestion = std::move(suggestion),
                 .about_key = false});
}

const Value* at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* here = &value;
  for (std::string_view key : path) {
    here = here->find(key);
    if (!here || here->is_null()) return nullptr;
  }
  return here;
}

std::optional<TextQuantity> quantity_at(const Value& value, std::string_view key, Dimensions wanted) {
  const Value* leaf = at(value, {key});
  if (!leaf) return std::nullopt;
  auto parsed = parse_leaf(*leaf, wanted);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::optional<double> metric_at(const Value& value, std::string_view key) {
  auto quantity = quantity_at(value, key, metric_dimensions);
  return quantity ? std::optional(to_metric_value(*quantity)) : std::nullopt;
}

// ---- persona ----

// `allow` and `deny` of the same thing, in any map that has both.
void check_allow_deny(const Value& security, Out& out) {
  for (const auto& [subject, lists] : *security.map()) {
    const Value* allow = at(lists, {"allow"});
    const Value* deny = at(lists, {"deny"});
    if (!allow || !deny || !allow->list() || !deny->list()) continue;
    for (std::size_t i = 0; i < deny->list()->size(); ++i) {
      const Value& item = (*deny->list())[i];
      if (std::find(allow->list()->begin(), allow->list()->end(), item) == allow->list()->end()) continue;
      std::string pointer = pointer_to(pointer_to(pointer_to("/security", subject), "deny"), i);
      complain(out, std::move(pointer),
               cat("`", item.text() ? *item.text() : std::string(), "` is both allowed and denied"),
               "take it out of one of the lists");
    }
  }
}

// A utilization is a share: 95 is meant as 95 %.
void check_utilization(const std::string& metric, const Value& map, const std::string& pointer, Out& out) {
  if (!metric.ends_with(".utilization")) return;
  for (const char* key : {"mean", "min", "max", "value", "peak"}) {
    auto value = metric_at(map, key);
    if (!value || (*value >= 0 && *value <= 1)) continue;
    std::string hint = *value > 1 && *value <= 100 ? cat("write ", to_text(*value), "% or ", to_text(*value / 100))
                                                   : std::string("write a share from 0% to 100%");
    complain(out, pointer_to(pointer, key), cat(metric, " is between 0 and 1; ", to_text(*value), " is never reached"),
             std::move(hint));
  }
}

struct Shape {
  std::string_view distribution;
  std::vector<std::string_view> takes;
};

void check_distribution(const Value& metric, const std::string& pointer, bool inherits, Out& out) {
  static const std::array<Shape, 5> shapes{{{"normal", {"mean", "stddev"}},
                                            {"lognormal", {"mean", "stddev"}},
                                            {"exponential", {"mean"}},
                                            {"uniform", {"min", "max"}},
                                            {"constant", {"value"}}}};
  const Value* name = at(metric, {"distribution"});
  for (std::string_view key : {"mean", "stddev", "min", "max", "value"}) {
    if (!at(metric, {key})) continue;
    if (!name) {
      // A persona that extends another may change one parameter of the distribution it inherits.
      if (!inherits)
        return complain(out, pointer, cat("`", key, "` without `distribution`"),
                        "write distribution: normal beside it");
      continue;
    }
    for (const Shape& shape : shapes) {
      bool taken = std::find(shape.takes.begin(), shape.takes.end(), key) != shape.takes.end();
      if (shape.distribution != *name->text() || taken) continue;
      complain(out, pointer_to(pointer, key), cat("`distribution: ", *name->text(), "` has no `", key, "`"),
               cat("it takes `", shape.takes.front(), shape.takes.size() > 1 ? cat("` and `", shape.takes.back()) : "",
                   "`"));
    }
  }
  auto mean = metric_at(metric, "mean");
  auto peak = metric_at(metric, "peak");
  if (mean && peak && *peak < *mean)
    complain(out, pointer_to(pointer, "peak"), "the `peak` is below the `mean`",
             "a peak is the highest ordinary value");
  auto stddev = metric_at(metric, "stddev");
  if (stddev && !(*stddev > 0))
    complain(out, pointer_to(pointer, "stddev"), "`stddev` must be above 0",
             "what never varies is distribution: constant");
}

void check_limit(const Value& spec, const std::string& metric, const Value& limit, Out& out) {
  std::string pointer = pointer_to("/drift/limits", metric);
  check_utilization(metric, limit, pointer, out);
  auto min = metric_at(limit, "min");
  auto max = metric_at(limit, "max");
  bool change = at(limit, {"change"}) != nullptr;
  if (!min && !max && !change)
    complain(out, pointer, "a limit without min, max or change limits nothing", "write max: 95%");
  if (min && max && *min > *max)
    complain(out, pointer_to(pointer, "min"), "`min` is above `max`: no value satisfies both", "swap them");
  if (change && !at(limit, {"over"}))
    complain(out, pointer, "`change` needs `over`, the time it is measured against", "write over: 1h beside it");
  const Value* behavior = at(spec, {"behavior", metric});
  auto mean = behavior ? metric_at(*behavior, "mean") : std::nullopt;
  if (mean && max && *mean > *max)
    complain(out, pointer_to(pointer, "max"), cat("the limit is below the mean that `behavior` declares for ", metric),
             "one of the two is wrong");
  if (mean && min && *mean < *min)
    complain(out, pointer_to(pointer, "min"), cat("the limit is above the mean that `behavior` declares for ", metric),
             "one of the two is wrong");
}

// Two items of a list that are about the same thing.
void check_keyed_list(const Value* list, std::string_view key, const std::string& pointer, Out& out) {
  if (!list || !list->list()) return;
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < list->list()->size(); ++i) {
    const Value* name = (*list->list())[i].find(key);
    if (!name || !name->text()) continue;
    auto [first, fresh] = seen.emplace(*name->text(), i);
    if (!fresh)
      complain(out, pointer_to(pointer_to(pointer, i), key),
               cat("`", *name->text(), "` stands in this list already, as item ", first->second + 1), "make them one");
  }
}

void check_configuration(const Value& configuration, Out& out) {
  if (const Value* memory = at(configuration, {"memory"})) {
    auto limit = quantity_at(*memory, "limit", {Dimension::bytes});
    auto high = quantity_at(*memory, "high", {Dimension::bytes});
    if (limit && high && high->value > limit->value)
      complain(out, "/configuration/memory/high", "`high` is above `limit`: it would never be reached",
               "write a `high` below the `limit`");
  }
  check_keyed_list(at(configuration, {"software"}), "name", "/configuration/software", out);
  check_keyed_list(at(configuration, {"data"}), "path", "/configuration/data", out);
}

void check_persona(std::string_view name, const Value& spec, Out& out) {
  const Value* extends = at(spec, {"extends"});
  bool inherits = extends && extends->list() && !extends->list()->empty();
  if (inherits) {
    for (std::size_t i = 0; i < extends->list()->size(); ++i)
      if ((*extends->list())[i].text() && *(*extends->list())[i].text() == name)
        complain(out, pointer_to("/extends", i), cat("`", name, "` extends itself"), "take it out");
  }
  if (const Value* configuration = at(spec, {"configuration"})) check_configuration(*configuration, out);
  if (const Value* security = at(spec, {"security"})) check_allow_deny(*security, out);
  if (const Value* behavior = at(spec, {"behavior"})) {
    for (const auto& [metric, each] : *behavior->map()) {
      if (each.is_null()) continue;
      std::string pointer = pointer_to("/behavior", metric);
      check_utilization(metric, each, pointer, out);
      check_distribution(each, pointer, inherits, out);
    }
  }
  if (const Value* each = at(spec, {"drift", "limits"})) {
    for (const auto& [metric, limit] : *each->map())
      if (!limit.is_null()) check_limit(spec, metric, limit, out);
  }
  if (has_errors(out) || inherits) return;
  // Whatever the checks above do not know, the compiler does: it has the last word.
  auto compiled = compile_expectation(PersonaName(std::string(name)), 0, spec);
  if (!compiled) complain(out, compiled.error().where, compiled.error().message);
}

// ---- pool, policy ----

void check_pool(const Value& spec, Out& out) {
  const Value* size = at(spec, {"size"});
  if (!size) return;
  const Value* min = at(*size, {"min"});
  const Value* max = at(*size, {"max"});
  if (min && max && *min->integer() > *max->integer())
    complain(out, "/size/min", cat("`min` is ", *min->integer(), " and `max` is ", *max->integer()), "swap them");
}

void check_positive(const Value& map, std::string_view key, std::string_view pointer, Out& out) {
  auto length = quantity_at(map, key, {Dimension::duration});
  if (length && !(length->value > 0))
    complain(out, pointer_to(pointer, key), cat("`", key, "` of no time makes no sense"), "write something like 30m");
}

void check_lease(const Value& step, const std::string& verb, const std::string& pointer, Out& out) {
  auto parsed = parse_verb(verb);
  if (!parsed || !at(step, {"lease"})) return;
  if (is_reversible(*parsed)) return check_positive(step, "lease", pointer, out);
  out.push_back({.gravity = Gravity::error,
                 .pointer = pointer_to(pointer, "lease"),
                 .message = cat("`", verb, "` can not be taken back, so it has no lease"),
                 .suggestion = "leave the lease out",
                 .about_key = true});
}

void check_step(const Value& step, const std::string& pointer, Out& out) {
  const std::string& verb = *step.find("do")->text();
  const SchemaNode* schema = verb_schema(verb);
  if (!schema) return;
  const Value empty{Value::Map{}};
  const Value* with = step.find("with");
  const Value& given = with && !with->is_null() ? *with : empty;
  std::size_t before = out.size();
  check_against(*schema, given, pointer_to(pointer, "with"), out);
  // What is missing from a `with` that is not there is missing from the step.
  if (!with)
    for (std::size_t i = before; i < out.size(); ++i) out[i].pointer = pointer;
  bool amounts = verb == "scale" || verb == "limit" || verb == "prioritize" || verb == "configure";
  bool any = given.map() && std::any_of(given.map()->begin(), given.map()->end(),
                                        [](const auto& each) { return each.first != "max" && each.first != "target"; });
  if (amounts && !any && out.size() == before)
    complain(out, pointer, cat("`", verb, "` does not say what to ", verb), cat("write with: ", schema->example));
  check_lease(step, verb, pointer, out);
}

// A protecting policy does nothing, all others need something to do.
void check_ladder(const Value& spec, Out& out) {
  const Value* protect = at(spec, {"protect"});
  const Value* ladder = at(spec, {"ladder"});
  if (protect && *protect->boolean()) {
    if (ladder && !ladder->list()->empty())
      out.push_back({.gravity = Gravity::warning,
                     .pointer = "/ladder",
                     .message = "a protecting policy does nothing: its ladder is not used",
                     .suggestion = "take the ladder away, or write protect: false",
                     .about_key = true});
    return;
  }
  if (!ladder)
    complain(out, "", "`ladder` is missing: the policy has nothing to do",
             "write ladder: [{do: alert}], or protect: true");
  else if (ladder->list()->empty())
    complain(out, "/ladder", "a ladder without steps does nothing", "write [{do: alert}]");
}

void check_policy(const Value& spec, Out& out) {
  check_ladder(spec, out);
  const Value* ladder = at(spec, {"ladder"});
  for (std::size_t i = 0; ladder && i < ladder->list()->size(); ++i)
    check_step((*ladder->list())[i], pointer_to("/ladder", i), out);
  if (const Value* guards = at(spec, {"guards"})) {
    auto unavailable = quantity_at(*guards, "max_unavailable", {Dimension::ratio, Dimension::number});
    if (unavailable && unavailable->dimension == Dimension::ratio && unavailable->value > 1)
      complain(out, "/guards/max_unavailable", "more than all of a pool can not be unavailable",
               "write a share up to 100%");
    if (unavailable && unavailable->dimension == Dimension::number &&
        unavailable->value != std::floor(unavailable->value))
      complain(out, "/guards/max_unavailable", "a number of members is a whole number",
               "write a share, like 20%, or a whole number");
    if (const Value* budget = at(*guards, {"budget"})) check_positive(*budget, "per", "/guards/budget", out);
  }
}

}  // namespace

void check_rules(ResourceKind kind, std::string_view name, const Value& spec, std::vector<Diagnostic>& out) {
  switch (kind) {
    case ResourceKind::persona: return check_persona(name, spec, out);
    case ResourceKind::pool: return check_pool(spec, out);
    case ResourceKind::policy: return check_policy(spec, out);
    case ResourceKind::instance:
    case ResourceKind::signal: return;
  }
}

}  // namespace mien::model::detail
