#include "model/policy.h"

#include <array>
#include <limits>

#include "base/text.h"
#include "model/text_quantity.h"

namespace mien::model {
namespace {

constexpr std::array<std::string_view, 16> verb_texts{
    "alert",      "scale",      "limit", "prioritize", "configure", "lockdown", "snapshot",   "rollback",
    "soft_reset", "full_reset", "evict", "replace",    "activate",  "preload",  "scale_pool", "run"};

constexpr std::array<std::string_view, 3> mode_texts{"observe", "propose", "enforce"};

Error invalid(std::string message, std::string where) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = std::move(where), .cause = {}};
}

// A member that is there and not null.
const Value* member(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value && !value->is_null() ? value : nullptr;
}

Result<std::optional<TextQuantity>> quantity(const Value& map, std::string_view key, Dimensions wanted,
                                             std::string_view pointer) {
  const Value* value = member(map, key);
  if (!value) return std::optional<TextQuantity>();
  auto parsed = parse_leaf(*value, wanted);
  if (!parsed) {
    Error error = std::move(parsed).error();
    error.where = pointer_to(pointer, key);
    return error;
  }
  return std::optional<TextQuantity>(*parsed);
}

Result<Duration> duration_or(const Value& map, std::string_view key, Duration otherwise, std::string_view pointer) {
  auto parsed = TRY(quantity(map, key, {Dimension::duration}, pointer));
  return parsed ? to_duration(*parsed) : otherwise;
}

Result<std::int64_t> whole_or(const Value& map, std::string_view key, std::int64_t otherwise,
                              std::string_view pointer) {
  const Value* value = member(map, key);
  if (!value) return otherwise;
  if (!value->integer()) return invalid(cat("`", key, "` is a whole number"), pointer_to(pointer, key));
  return *value->integer();
}

Result<std::uint32_t> count_or(const Value& map, std::string_view key, std::uint32_t otherwise,
                               std::string_view pointer) {
  std::int64_t count = TRY(whole_or(map, key, otherwise, pointer));
  if (count < 0 || count > std::numeric_limits<std::uint32_t>::max())
    return invalid(cat("`", key, "` is a whole number from 0"), pointer_to(pointer, key));
  return static_cast<std::uint32_t>(count);
}

Result<std::set<std::string>> texts(const Value& map, std::string_view key, std::string_view pointer) {
  std::set<std::string> out;
  const Value* value = member(map, key);
  if (!value) return out;
  std::string place = pointer_to(pointer, key);
  if (!value->list()) return invalid(cat("`", key, "` is a list"), place);
  for (std::size_t i = 0; i < value->list()->size(); ++i) {
    const std::string* text = (*value->list())[i].text();
    if (!text) return invalid("a text is wanted here", pointer_to(place, i));
    out.insert(*text);
  }
  return out;
}

std::optional<FindingKind> parse_kind(std::string_view text) {
  for (auto i = static_cast<unsigned>(FindingKind::spike); i <= static_cast<unsigned>(FindingKind::silence); ++i)
    if (to_text(static_cast<FindingKind>(i)) == text) return static_cast<FindingKind>(i);
  return std::nullopt;
}

std::optional<Severity> parse_severity(std::string_view text) {
  for (unsigned i = 0; i <= static_cast<unsigned>(Severity::critical); ++i)
    if (to_text(static_cast<Severity>(i)) == text) return static_cast<Severity>(i);
  return std::nullopt;
}

std::optional<Mode> parse_mode(std::string_view text) {
  for (std::size_t i = 0; i < mode_texts.size(); ++i)
    if (mode_texts[i] == text) return static_cast<Mode>(i);
  return std::nullopt;
}

Result<PolicyMatch> parse_match(const Value& map) {
  PolicyMatch out;
  out.pools = TRY(texts(map, "pools", "/match"));
  out.instances = TRY(texts(map, "instances", "/match"));
  out.personas = TRY(texts(map, "personas", "/match"));
  out.metrics = TRY(texts(map, "metrics", "/match"));
  for (const std::string& text : TRY(texts(map, "kinds", "/match"))) {
    auto kind = parse_kind(text);
    if (!kind) return invalid(cat("`", text, "` is not a kind of finding"), "/match/kinds");
    out.kinds.insert(*kind);
  }
  if (const Value* labels = member(map, "labels")) {
    if (!labels->map()) return invalid("labels are keys with texts", "/match/labels");
    for (const auto& [key, value] : *labels->map()) {
      if (!value.text()) return invalid("a label is a text: write it in quotes", pointer_to("/match/labels", key));
      out.labels[key] = *value.text();
    }
  }
  if (const Value* severity = member(map, "severity")) {
    auto parsed = severity->text() ? parse_severity(*severity->text()) : std::nullopt;
    if (!parsed) return invalid("a severity is info, low, medium, high or critical", "/match/severity");
    out.severity = *parsed;
  }
  auto confidence = TRY(quantity(map, "confidence", {Dimension::ratio, Dimension::number}, "/match"));
  if (confidence) out.confidence = confidence->value;
  if (!(out.confidence >= 0 && out.confidence <= 1))
    return invalid("a confidence is between 0 and 1", "/match/confidence");
  return out;
}

// As written: what the driver reads is what the operator wrote.
Result<std::string> argument(const Value& value, const std::string& pointer) {
  if (const auto* text = value.text()) return *text;
  if (const auto* whole = value.integer()) return std::to_string(*whole);
  if (const auto* real = value.real()) return to_text(*real);
  if (const auto* yes = value.boolean()) return std::string(*yes ? "true" : "false");
  return invalid("a text, a number or true or false is wanted here", pointer);
}

Result<PolicyStep> parse_step(const Value& map, const std::string& pointer) {
  PolicyStep out;
  const Value* verb = member(map, "do");
  auto parsed = verb && verb->text() ? parse_verb(*verb->text()) : std::nullopt;
  if (!parsed) return invalid("a step needs `do`, a verb like limit", pointer_to(pointer, "do"));
  out.verb = *parsed;
  if (const Value* with = member(map, "with")) {
    std::string place = pointer_to(pointer, "with");
    if (!with->map()) return invalid("`with` is keys and values", place);
    for (const auto& [key, value] : *with->map())
      if (!value.is_null()) out.with[key] = TRY(argument(value, pointer_to(place, key)));
  }
  if (is_reversible(out.verb)) {
    out.lease = TRY(duration_or(map, "lease", default_lease, pointer));
    if (out.lease <= Duration{0}) return invalid("a lease of no time does nothing", pointer_to(pointer, "lease"));
  } else if (member(map, "lease")) {
    return invalid(cat("`", to_text(out.verb), "` can not be taken back, so it has no lease"),
                   pointer_to(pointer, "lease"));
  }
  return out;
}

Result<std::vector<PolicyStep>> parse_ladder(const Value& spec) {
  std::vector<PolicyStep> out;
  const Value* ladder = member(spec, "ladder");
  if (!ladder) return out;
  if (!ladder->list()) return invalid("a ladder is a list of steps", "/ladder");
  for (std::size_t i = 0; i < ladder->list()->size(); ++i)
    out.push_back(TRY(parse_step((*ladder->list())[i], pointer_to("/ladder", i))));
  return out;
}

Status parse_unavailable(const Value& map, Guards& out) {
  auto limit = TRY(quantity(map, "max_unavailable", {Dimension::ratio, Dimension::number}, "/guards"));
  if (!limit) return {};
  if (limit->dimension == Dimension::ratio) {
    if (!(limit->value >= 0 && limit->value <= 1))
      return invalid("a share of a pool is between 0% and 100%", "/guards/max_unavailable");
    out.unavailable_share = limit->value;
    return {};
  }
  constexpr double most = 1'000'000;
  auto count = limit->value >= 0 && limit->value <= most ? static_cast<std::uint32_t>(limit->value) : 0;
  if (static_cast<double>(count) != limit->value)
    return invalid("a number of members is a whole number up to 1000000", "/guards/max_unavailable");
  out.unavailable_count = count;
  return {};
}

Result<Guards> parse_guards(const Value& map) {
  Guards out;
  if (const Value* budget = member(map, "budget")) {
    out.budget.actions = TRY(count_or(*budget, "actions", out.budget.actions, "/guards/budget"));
    out.budget.per = TRY(duration_or(*budget, "per", out.budget.per, "/guards/budget"));
    if (out.budget.per <= Duration{0}) return invalid("a budget per no time limits nothing", "/guards/budget/per");
  }
  if (Status status = parse_unavailable(map, out); !status) return std::move(status).error();
  out.cooldown = TRY(duration_or(map, "cooldown", out.cooldown, "/guards"));
  out.settle = TRY(duration_or(map, "settle", out.settle, "/guards"));
  out.dwell = TRY(duration_or(map, "dwell", out.dwell, "/guards"));
  out.approve_within = TRY(duration_or(map, "approve_within", out.approve_within, "/guards"));
  out.repeats = TRY(count_or(map, "repeats", out.repeats, "/guards"));
  if (const Value* approval = member(map, "approval")) {
    for (const std::string& text : TRY(texts(*approval, "required_for", "/guards/approval"))) {
      auto verb = parse_verb(text);
      if (!verb) return invalid(cat("`", text, "` is not a verb"), "/guards/approval/required_for");
      out.approval.insert(*verb);
    }
  }
  return out;
}

// "-50%": less than there is.
bool takes_away(const Arguments& with, std::string_view key) {
  auto found = with.find(std::string(key));
  return found != with.end() && found->second.starts_with('-');
}

}  // namespace

std::string_view to_text(Verb verb) {
  auto index = static_cast<std::size_t>(verb);
  return index < verb_texts.size() ? verb_texts[index] : std::string_view("unknown");
}

std::optional<Verb> parse_verb(std::string_view text) {
  for (std::size_t i = 0; i < verb_texts.size(); ++i)
    if (verb_texts[i] == text) return static_cast<Verb>(i);
  return std::nullopt;
}

std::string_view to_text(Mode mode) {
  auto index = static_cast<std::size_t>(mode);
  return index < mode_texts.size() ? mode_texts[index] : std::string_view("unknown");
}

Result<Policy> parse_policy(const PolicyName& name, std::uint64_t generation, const Value& spec) {
  Policy out;
  out.name = name;
  out.generation = generation;
  if (!spec.map()) return invalid("a policy's spec is keys and values", "");
  if (const Value* match = member(spec, "match")) out.match = TRY(parse_match(*match));
  if (const Value* mode = member(spec, "mode")) {
    auto parsed = mode->text() ? parse_mode(*mode->text()) : std::nullopt;
    if (!parsed) return invalid("a mode is observe, propose or enforce", "/mode");
    out.mode = *parsed;
  }
  if (const Value* protect = member(spec, "protect")) {
    if (!protect->boolean()) return invalid("`protect` is true or false", "/protect");
    out.protect = *protect->boolean();
  }
  std::int64_t priority = TRY(whole_or(spec, "priority", 0, ""));
  if (priority < -1'000'000 || priority > 1'000'000)
    return invalid("a priority is a whole number from -1000000 to 1000000", "/priority");
  out.priority = static_cast<std::int32_t>(priority);
  if (const Value* when = member(spec, "when")) {
    if (!when->text()) return invalid("`when` is an expression, in quotes", "/when");
    out.when = *when->text();
  }
  out.ladder = TRY(parse_ladder(spec));
  if (out.ladder.empty() && !out.protect) return invalid("a policy needs a `ladder`, or `protect: true`", "/ladder");
  if (const Value* guards = member(spec, "guards")) out.guards = TRY(parse_guards(*guards));
  return out;
}

bool is_reversible(Verb verb) {
  switch (verb) {
    case Verb::scale:
    case Verb::limit:
    case Verb::prioritize:
    case Verb::configure:
    case Verb::lockdown:
    case Verb::activate:
    case Verb::scale_pool: return true;
    case Verb::alert:
    case Verb::snapshot:
    case Verb::rollback:
    case Verb::soft_reset:
    case Verb::full_reset:
    case Verb::evict:
    case Verb::replace:
    case Verb::preload:
    case Verb::run: return false;
  }
  return false;
}

bool makes_unavailable(const PolicyStep& step) {
  switch (step.verb) {
    case Verb::lockdown:
    case Verb::rollback:
    case Verb::soft_reset:
    case Verb::full_reset:
    case Verb::evict:
    case Verb::replace:
    case Verb::run: return true;  // what a command does is not known here
    case Verb::limit: {
      // Holding the program to blame back leaves the rest of the instance at work.
      auto target = step.with.find("target");
      return target != step.with.end() && target->second == "instance";
    }
    case Verb::scale:
      return takes_away(step.with, "cpu") || takes_away(step.with, "memory") || takes_away(step.with, "disk") ||
             takes_away(step.with, "network");
    case Verb::scale_pool: return takes_away(step.with, "by");
    case Verb::alert:
    case Verb::prioritize:
    case Verb::configure:
    case Verb::snapshot:
    case Verb::activate:
    case Verb::preload: return false;
  }
  return false;
}

}  // namespace mien::model
