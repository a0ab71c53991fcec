#include "model/persona.h"

#include <cmath>

#include "base/math.h"
#include "base/text.h"
#include "model/text_quantity.h"

namespace mien::model {
namespace {

Error invalid(std::string message, std::string where) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = std::move(where), .cause = {}};
}

const Value::Map& members(const Value* value) {
  static const Value::Map none;
  const Value::Map* map = value ? value->map() : nullptr;
  return map ? *map : none;
}

// A map's optional quantity, by key, with its place in the error.
Result<std::optional<TextQuantity>> quantity(const Value& map, std::string_view key, Dimensions wanted,
                                             const std::string& pointer) {
  const Value* value = map.find(key);
  if (!value || value->is_null()) return std::optional<TextQuantity>();
  auto parsed = parse_leaf(*value, wanted);
  if (!parsed) {
    Error error = std::move(parsed).error();
    error.where = pointer_to(pointer, key);
    return error;
  }
  return std::optional<TextQuantity>(*parsed);
}

Result<std::optional<double>> metric_value(const Value& map, std::string_view key, const std::string& pointer) {
  auto parsed = TRY(quantity(map, key, metric_dimensions, pointer));
  if (!parsed) return std::optional<double>();
  return std::optional<double>(to_metric_value(*parsed));
}

Result<double> required_value(const Value& map, std::string_view key, const std::string& pointer,
                              std::string_view distribution) {
  auto value = TRY(metric_value(map, key, pointer));
  if (!value) return invalid(cat("a ", distribution, " distribution needs `", key, "`"), pointer);
  return *value;
}

Result<Duration> duration_or(const Value& map, std::string_view key, Duration otherwise, const std::string& pointer) {
  auto parsed = TRY(quantity(map, key, {Dimension::duration}, pointer));
  return parsed ? to_duration(*parsed) : otherwise;
}

// mean and stddev of the metric itself into those of its logarithm (moments of the lognormal, inverted).
DeclaredDistribution lognormal(double mean, double stddev) {
  double spread = math::log(1 + stddev * stddev / (mean * mean));
  return {.kind = DistributionKind::lognormal, .a = math::log(mean) - spread / 2, .b = std::sqrt(spread)};
}

Result<std::optional<DeclaredDistribution>> distribution(const Value& map, const std::string& pointer) {
  using Answer = std::optional<DeclaredDistribution>;
  const Value* name = map.find("distribution");
  if (!name || name->is_null()) return Answer();
  std::string_view kind = name->text() ? std::string_view(*name->text()) : std::string_view();
  if (kind == "normal" || kind == "lognormal") {
    double mean = TRY(required_value(map, "mean", pointer, kind));
    double stddev = TRY(required_value(map, "stddev", pointer, kind));
    if (!(stddev > 0))
      return invalid("`stddev` must be above 0: what never varies is `distribution: constant`",
                     pointer_to(pointer, "stddev"));
    if (kind == "normal") return Answer({.kind = DistributionKind::normal, .a = mean, .b = stddev});
    if (!(mean > 0))
      return invalid("the `mean` of a lognormal distribution must be above 0", pointer_to(pointer, "mean"));
    return Answer(lognormal(mean, stddev));
  }
  if (kind == "exponential") {
    double mean = TRY(required_value(map, "mean", pointer, kind));
    if (!(mean > 0))
      return invalid("the `mean` of an exponential distribution must be above 0", pointer_to(pointer, "mean"));
    return Answer({.kind = DistributionKind::exponential, .a = mean, .b = 0});
  }
  if (kind == "uniform") {
    double low = TRY(required_value(map, "min", pointer, kind));
    double high = TRY(required_value(map, "max", pointer, kind));
    if (!(low < high)) return invalid("`min` must be below `max`", pointer_to(pointer, "min"));
    return Answer({.kind = DistributionKind::uniform, .a = low, .b = high});
  }
  if (kind == "constant")
    return Answer({
      .kind = DistributionKind::constant, .a = TRY(required_value(map, "value", pointer, kind))
      , .b = 0
    });
  return invalid("`distribution` is one of normal, lognormal, exponential, uniform, constant",
                 pointer_to(pointer, "distribution"));
}

Status declare_behavior(DeclaredMetric& metric, const Value& map, const std::string& pointer) {
  metric.distribution = TRY(distribution(map, pointer));
  metric.peak = TRY(metric_value(map, "peak", pointer));
  auto ratio = TRY(quantity(map, "read_write_ratio", {Dimension::number}, pointer));
  if (ratio) {
    if (!(ratio->value > 0))
      return invalid("`read_write_ratio` must be above 0", pointer_to(pointer, "read_write_ratio"));
    metric.read_write_ratio = ratio->value;
  }
  if (const Value* ignore = map.find("ignore"); ignore && ignore->boolean()) metric.ignore = *ignore->boolean();
  return {};
}

Result<Limit> limit(const Value& map, const std::string& pointer) {
  Limit out;
  out.min = TRY(metric_value(map, "min", pointer));
  out.max = TRY(metric_value(map, "max", pointer));
  auto change = TRY(quantity(map, "change", {Dimension::change}, pointer));
  if (change) out.change = change->value;
  out.over = TRY(duration_or(map, "over", Duration{0}, pointer));
  if (out.min && out.max && *out.min > *out.max)
    return invalid("`min` is above `max`: no value satisfies both", pointer_to(pointer, "min"));
  if (out.change && out.over <= Duration{0})
    return invalid("`change` needs `over`, the time it is measured against: write over: 1h", pointer);
  return out;
}

Status declare_drift(Expectation& expectation, const Value& drift) {
  auto alarms = TRY(quantity(drift, "false_alarms", {Dimension::event_rate}, "/drift"));
  if (alarms) expectation.false_alarms_per_week = to_events_per_week(*alarms);
  if (!(expectation.false_alarms_per_week > 0))
    return invalid("`false_alarms` must be above 0: no detector is never wrong", "/drift/false_alarms");
  auto depart = TRY(quantity(drift, "depart", {Dimension::number}, "/drift"));
  if (depart) expectation.depart = Bits{depart->value};
  for (const auto& [name, unused] : members(drift.find("weights"))) {
    auto weight = TRY(quantity(*drift.find("weights"), name, {Dimension::number}, "/drift/weights"));
    if (weight && !(weight->value >= 0)) return invalid("a weight is not negative", pointer_to("/drift/weights", name));
    if (weight) expectation.weights[name] = weight->value;
  }
  for (const auto& [name, each] : members(drift.find("limits")))
    if (!each.is_null()) expectation.metrics[name].limit = TRY(limit(each, pointer_to("/drift/limits", name)));
  return {};
}

std::vector<std::string> texts_at(const Value& map, std::string_view key) {
  std::vector<std::string> texts;
  const Value* list = map.find(key);
  if (!list || !list->list()) return texts;
  for (const Value& item : *list->list())
    if (item.text()) texts.push_back(*item.text());
  return texts;
}

AllowDeny allow_deny(const Value& security, std::string_view key) {
  const Value* lists = security.find(key);
  if (!lists || lists->is_null()) return {};
  return {.allow = texts_at(*lists, "allow"), .deny = texts_at(*lists, "deny")};
}

// How many security updates may wait is a limit like any other, unless one is drawn already.
void declare_security(Expectation& expectation, const Value& security) {
  DeclaredSecurity& out = expectation.security;
  out.executables = allow_deny(security, "executables");
  out.listen = allow_deny(security, "listen");
  out.connect = allow_deny(security, "connect");
  out.users = allow_deny(security, "users");
  out.system_calls = allow_deny(security, "system_calls");
  if (const Value* files = security.find("files"); files && !files->is_null()) {
    out.deny_write = texts_at(*files, "deny_write");
    out.deny_read = texts_at(*files, "deny_read");
  }
  const Value* updates = security.find("pending_security_updates");
  const Value* max = updates && !updates->is_null() ? updates->find("max") : nullptr;
  if (!max || !max->integer()) return;
  std::optional<Limit>& limit = expectation.metrics[std::string(pending_security_updates)].limit;
  if (!limit) limit = Limit{.min = {}, .max = static_cast<double>(*max->integer()), .change = {}, .over = {}};
}

std::vector<PersonaName> persona_names(const Value* list) {
  std::vector<PersonaName> names;
  if (!list || !list->list()) return names;
  for (const Value& item : *list->list())
    if (item.text()) names.emplace_back(*item.text());
  return names;
}

Result<std::uint32_t> count_at(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  if (!value || value->is_null()) return std::uint32_t{0};
  constexpr std::int64_t most = 1'000'000;
  if (!value->integer() || *value->integer() < 0 || *value->integer() > most)
    return invalid("a number of instances is a whole number from 0 to 1000000", pointer_to("/size", key));
  return static_cast<std::uint32_t>(*value->integer());
}

}  // namespace

std::string_view to_text(DistributionKind kind) {
  switch (kind) {
    case DistributionKind::normal: return "normal";
    case DistributionKind::lognormal: return "lognormal";
    case DistributionKind::exponential: return "exponential";
    case DistributionKind::uniform: return "uniform";
    case DistributionKind::constant: return "constant";
  }
  return "unknown";
}

Result<Expectation> compile_expectation(const PersonaName& name, std::uint64_t generation, const Value& merged) {
  Expectation expectation;
  expectation.persona = name;
  expectation.generation = generation;
  for (const auto& [metric, declared] : members(merged.find("behavior"))) {
    if (declared.is_null()) continue;
    Status status = declare_behavior(expectation.metrics[metric], declared, pointer_to("/behavior", metric));
    if (!status) return std::move(status).error();
  }
  if (const Value* drift = merged.find("drift"); drift && !drift->is_null()) {
    if (Status status = declare_drift(expectation, *drift); !status) return std::move(status).error();
  }
  if (const Value* security = merged.find("security"); security && !security->is_null())
    declare_security(expectation, *security);
  return expectation;
}

Result<std::vector<ActivationRule>> parse_activation(const Value& persona_spec) {
  std::vector<ActivationRule> rules;
  const Value* list = persona_spec.find("activation");
  if (!list || !list->list()) return rules;
  for (std::size_t i = 0; i < list->list()->size(); ++i) {
    const Value& item = (*list->list())[i];
    std::string pointer = pointer_to("/activation", i);
    const Value* when = item.find("when");
    if (!when || !when->text()) return invalid("an activation needs `when`, an expression", pointer);
    rules.push_back({
      .when = *when->text(), .for_ = TRY(duration_or(item, "for", Duration{0}, pointer))
      , .dwell = TRY(duration_or(item, "dwell", Duration{0}, pointer))
      , .lead = TRY(duration_or(item, "lead", Duration{0}, pointer))
    });
  }
  return rules;
}

Result<InstanceSpec> parse_instance_spec(const Value& spec) {
  InstanceSpec out;
  if (const Value* pool = spec.find("pool"); pool && pool->text()) out.pool = PoolName(*pool->text());
  out.personas = persona_names(spec.find("personas"));
  return out;
}

Result<PoolSpec> parse_pool_spec(const Value& spec) {
  PoolSpec out;
  for (const auto& [key, value] : members(spec.find("selector"))) {
    if (!value.text()) return invalid("a selector compares texts: write it in quotes", pointer_to("/selector", key));
    out.selector[key] = *value.text();
  }
  out.personas = persona_names(spec.find("personas"));
  if (const Value* size = spec.find("size")) {
    out.min = TRY(count_at(*size, "min"));
    out.max = TRY(count_at(*size, "max"));
  }
  return out;
}

bool matches(const std::map<std::string, std::string>& selector, const std::map<std::string, std::string>& labels) {
  if (selector.empty()) return false;
  for (const auto& [key, value] : selector) {
    auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

}  // namespace mien::model
