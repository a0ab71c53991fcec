#include "wire/directive.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "model/policy.h"

namespace mien::wire {
namespace {

using Json = nlohmann::ordered_json;  // members in the order in which the format's page shows them

constexpr int deepest_spec = 32;
constexpr std::uint64_t shortest_interval_ms = 100;
constexpr std::uint64_t longest_interval_ms = 3'600'000;
constexpr std::uint64_t longest_lease_ms = 366ULL * 24 * 3'600'000;
constexpr std::array<std::pair<Arguments, std::string_view>, 3> argument_names{
    {{Arguments::off, "off"}, {Arguments::redacted, "redacted"}, {Arguments::full, "full"}}};

Error wrong(std::string message, std::string where) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = std::move(where), .cause = {}};
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// ---- a spec, both ways ----

Json to_json(const model::Value& value) {
  if (const bool* flag = value.boolean()) return *flag;
  if (const std::int64_t* integer = value.integer()) return *integer;
  if (const double* real = value.real()) return *real;
  if (const std::string* text = value.text()) return *text;
  if (const model::Value::List* list = value.list()) {
    Json out = Json::array();
    for (const model::Value& item : *list) out.push_back(to_json(item));
    return out;
  }
  if (const model::Value::Map* map = value.map()) {
    Json out = Json::object();
    for (const auto& [key, item] : *map) out[key] = to_json(item);
    return out;
  }
  return nullptr;
}

Result<model::Value> to_value(const Json& json, const std::string& where, int depth = 0) {
  if (depth > deepest_spec) return wrong(cat("nested deeper than ", deepest_spec, " levels"), where);
  if (json.is_boolean()) return model::Value{json.get<bool>()};
  if (json.is_number_unsigned() &&
      json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return wrong("a whole number over 9223372036854775807", where);
  }
  if (json.is_number_integer()) return model::Value{json.get<std::int64_t>()};
  if (json.is_number()) return model::Value{json.get<double>()};
  if (json.is_string()) return model::Value{json.get<std::string>()};
  if (json.is_array()) {
    model::Value::List list;
    for (const Json& item : json) list.push_back(TRY(to_value(item, cat(where, '/', list.size()), depth + 1)));
    return model::Value{std::move(list)};
  }
  if (json.is_object()) {
    model::Value::Map map;
    for (const auto& [key, item] : json.items())
      map.insert_or_assign(key, TRY(to_value(item, cat(where, '/', key), depth + 1)));
    return model::Value{std::move(map)};
  }
  return model::Value{};
}

// ---- reading members ----

Result<Json> parse_object(std::string_view text) {
  if (text.size() > largest_agent_body)
    return wrong(cat("the body has ", text.size(), " bytes; at most ", largest_agent_body, " are read"), {});
  Json json;
  try {
    json = Json::parse(text);
  } catch (const nlohmann::json::exception& failure) {
    return wrong(cat("the body is not JSON: ", failure.what()), {});
  }
  if (!json.is_object()) return wrong("the body is not a JSON object", "/");
  return json;
}

// Reads members of one object; the first that is wrong is kept, and everything after it is left alone.
class Members {
 public:
  Members(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  void text(const char* key, std::string& into) {
    if (const Json* value = find(key, &Json::is_string, "text")) into = value->get<std::string>();
  }
  void number(const char* key, std::uint64_t& into) {
    if (const Json* value = find(key, &Json::is_number_unsigned, "a whole number from 0"))
      into = value->get<std::uint64_t>();
  }
  void time(const char* key, WallTime& into) {
    std::string written;
    text(key, written);
    if (written.empty()) return;
    if (std::optional<WallTime> parsed = parse_time(written)) into = *parsed;
    else fail(cat("'", written, "' is not a time such as 2026-11-22T09:53:01.250Z"), key);
  }
  void flag(const char* key, bool& into) {
    if (const Json* value = find(key, &Json::is_boolean, "true or false")) into = value->get<bool>();
  }
  void texts(const char* key, std::vector<std::string>& into) {
    const Json* list = find(key, &Json::is_array, "a list");
    if (list == nullptr) return;
    for (const Json& each : *list) {
      if (each.is_string()) into.push_back(each.get<std::string>());
      else fail("this is not text", cat(key, '/', into.size()));
    }
  }
  // The member if it is there and of that type; null counts as absent.
  const Json* find(const char* key, bool (Json::*is)() const noexcept, std::string_view expected) {
    auto at = object_.find(key);
    if (at == object_.end() || at->is_null() || error_) return nullptr;
    if (((*at).*is)()) return &*at;
    fail(cat("this is not ", expected), key);
    return nullptr;
  }
  void require(const char* key, bool there) {
    if (!there) fail("this is missing or empty", key);
  }
  void fail(std::string message, std::string_view key) {
    if (!error_) error_ = wrong(std::move(message), cat(where_, '/', key));
  }
  [[nodiscard]] Status status() const { return error_ ? Status{*error_} : Status{}; }
  [[nodiscard]] std::string at(std::string_view key) const { return cat(where_, '/', key); }

 private:
  const Json& object_;
  std::string where_;
  std::optional<Error> error_;
};

// ---- orders and what became of them ----

// The value with that name; nothing for a name of a release that this one does not know.
template <class Enum>
std::optional<Enum> named(std::string_view name, Enum last) {
  for (int i = 0; i <= static_cast<int>(last); ++i)
    if (to_text(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  return std::nullopt;
}

std::int64_t to_milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

void put_order(Json& out, const OrderDirective& order) {
  out["type"] = "order";
  out["action"] = order.action.value;
  out["version"] = order.version;
  out["target"] = order.target.value;
  out["verb"] = model::to_text(order.verb);
  out["with"] = order.with;
  out["lease_ms"] = to_milliseconds(order.lease);
  out["valid_until"] = to_rfc3339(order.valid_until);
  if (!order.revert) return;
  out["revert"] = true;
  out["reason"] = model::to_text(order.reason);
}

// A verb of a newer release can not be obeyed; a reason only explains.
Result<decltype(Directive::body)> read_order(Members members) {
  using Body = decltype(Directive::body);
  OrderDirective out;
  std::string verb;
  std::string reason;
  std::uint64_t lease_ms = 0;
  members.text("action", out.action.value);
  members.number("version", out.version);
  members.text("target", out.target.value);
  members.text("verb", verb);
  members.number("lease_ms", lease_ms);
  members.time("valid_until", out.valid_until);
  members.flag("revert", out.revert);
  members.text("reason", reason);
  members.require("action", !out.action.empty());
  members.require("target", !out.target.empty());
  members.require("verb", !verb.empty());
  if (lease_ms > longest_lease_ms) members.fail("a lease is at most 366 days", "lease_ms");
  if (const Json* with = members.find("with", &Json::is_object, "an object")) {
    for (const auto& [key, value] : with->items()) {
      if (value.is_string()) out.with.insert_or_assign(key, value.get<std::string>());
      else members.fail("an argument is text", cat("with/", key));
    }
  }
  TRY(members.status());
  out.lease = std::chrono::milliseconds{lease_ms};
  out.reason = named(reason, model::EndReason::agent_ended).value_or(model::EndReason::none);
  std::optional<model::Verb> known = model::parse_verb(verb);
  if (!known) return Body{UnknownDirective{.type = cat("order to ", verb)}};
  out.verb = *known;
  return Body{std::move(out)};
}

Json to_json(const model::Abilities& abilities) {
  return {{"agent", abilities.agent}, {"boot_id", abilities.boot_id},         {"can", abilities.can},
          {"allow", abilities.allow}, {"never_touch", abilities.never_touch}, {"held", abilities.held}};
}

Result<model::Abilities> read_abilities(Members members) {
  model::Abilities out;
  members.text("agent", out.agent);
  members.text("boot_id", out.boot_id);
  members.texts("can", out.can);
  members.texts("allow", out.allow);
  members.texts("never_touch", out.never_touch);
  members.flag("held", out.held);
  TRY(members.status());
  return out;
}

Json to_json(const model::ActionReport& report) {
  Json out{{"action", report.action.value},
           {"state", model::to_text(report.state)},
           {"reason", model::to_text(report.reason)},
           {"note", report.note},
           {"at", to_rfc3339(report.at)}};
  if (report.expires_at) out["expires_at"] = to_rfc3339(*report.expires_at);
  out["changes"] = Json::array();
  for (const model::Change& change : report.changes) {
    out["changes"].push_back(
        {{"key", change.key}, {"before", change.before}, {"after", change.after}, {"found", change.found}});
  }
  return out;
}

Status read_changes(const Json& list, const std::string& where, std::vector<model::Change>& into) {
  for (const Json& each : list) {
    std::string here = cat(where, '/', into.size());
    if (!each.is_object()) return wrong("a change is an object", here);
    Members members{each, here};
    model::Change change;
    members.text("key", change.key);
    members.text("before", change.before);
    members.text("after", change.after);
    members.text("found", change.found);
    members.require("key", !change.key.empty());
    TRY(members.status());
    into.push_back(std::move(change));
  }
  return {};
}

Result<model::ActionReport> read_report(const Json& json, const std::string& where) {
  if (!json.is_object()) return wrong("a report is an object", where);
  Members members{json, where};
  model::ActionReport out;
  std::string state;
  std::string reason;
  WallTime expires_at;
  members.text("action", out.action.value);
  members.text("state", state);
  members.text("reason", reason);
  members.text("note", out.note);
  members.time("at", out.at);
  members.time("expires_at", expires_at);
  const Json* changes = members.find("changes", &Json::is_array, "a list");
  members.require("action", !out.action.empty());
  std::optional<model::ActionState> known = named(state, model::ActionState::done);
  if (!known) members.fail(cat("`", state, "` is no state of an action"), "state");
  TRY(members.status());
  out.state = *known;
  out.reason = named(reason, model::EndReason::agent_ended).value_or(model::EndReason::none);
  if (json.contains("expires_at") && json["expires_at"].is_string()) out.expires_at = expires_at;
  if (changes != nullptr) TRY(read_changes(*changes, members.at("changes"), out.changes));
  return out;
}

// ---- directives ----

Json to_json(const Directive& directive) {
  Json out{{"id", directive.id}};
  if (const auto* persona = std::get_if<PersonaDirective>(&directive.body)) {
    out["type"] = "persona";
    out["instance"] = persona->instance.value;
    out["persona"] = persona->persona.value;
    out["generation"] = persona->generation;
    out["spec"] = to_json(persona->spec);
  } else if (const auto* collect = std::get_if<CollectDirective>(&directive.body)) {
    out["type"] = "collect";
    out["interval_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(collect->interval).count();
    out["arguments"] = argument_names.at(static_cast<std::size_t>(collect->arguments)).second;
  } else if (const auto* order = std::get_if<OrderDirective>(&directive.body)) {
    put_order(out, *order);
  } else if (const auto* unknown = std::get_if<UnknownDirective>(&directive.body)) {
    out["type"] = unknown->type;
  }
  return out;
}

Result<PersonaDirective> read_persona(const Json& json, Members members) {
  PersonaDirective out;
  members.text("instance", out.instance.value);
  members.text("persona", out.persona.value);
  members.number("generation", out.generation);
  members.require("instance", !out.instance.empty());
  TRY(members.status());
  if (auto spec = json.find("spec"); spec != json.end()) out.spec = TRY(to_value(*spec, members.at("spec")));
  return out;
}

Result<CollectDirective> read_collect(Members members) {
  CollectDirective out;
  std::uint64_t interval_ms = 1000;
  std::string arguments = "off";
  members.number("interval_ms", interval_ms);
  members.text("arguments", arguments);
  bool in_range = interval_ms >= shortest_interval_ms && interval_ms <= longest_interval_ms;
  if (!in_range) members.fail("the interval is not between 100 ms and one hour", "interval_ms");
  bool known = false;
  for (const auto& [value, name] : argument_names) {
    if (name != arguments) continue;
    out.arguments = value;
    known = true;
  }
  if (!known) members.fail("this is one of off, redacted, full", "arguments");
  TRY(members.status());
  out.interval = std::chrono::milliseconds{interval_ms};
  return out;
}

Result<Directive> read_directive(const Json& json, const std::string& where) {
  if (!json.is_object()) return wrong("a directive is an object", where);
  Members members{json, where};
  Directive out;
  std::string type;
  members.number("id", out.id);
  members.text("type", type);
  members.require("type", !type.empty());
  TRY(members.status());
  if (type == "persona") out.body = TRY(read_persona(json, members));
  else if (type == "collect") out.body = TRY(read_collect(members));
  else if (type == "order") out.body = TRY(read_order(members));
  else out.body = UnknownDirective{.type = std::move(type)};
  return out;
}

Status read_directives(const Json& list, std::vector<Directive>& into) {
  if (list.size() > most_directives)
    return wrong(cat("more than ", most_directives, " directives in one batch"), "/directives");
  for (const Json& each : list) {
    std::string where = cat("/directives/", into.size());
    Directive directive = TRY(read_directive(each, where));
    if (!into.empty() && directive.id <= into.back().id) return wrong("ids do not ascend", where + "/id");
    into.push_back(std::move(directive));
  }
  return {};
}

}  // namespace

std::string encode_json(const EnrollRequest& request) {
  Json out{{"token", request.token}, {"agent", request.agent}};
  if (!request.token_hash.empty()) out["token_hash"] = request.token_hash;
  return dump(out);
}

std::string encode_json(const EnrollAnswer& answer) {
  Json out{{"agent", answer.agent}};
  if (!answer.token.empty()) out["token"] = answer.token;
  out["ca"] = answer.ca;
  return dump(out);
}

std::string encode_json(const AgentHello& hello) {
  return dump(Json{{"protocol", hello.protocol},
                   {"agent", hello.agent},
                   {"version", hello.version},
                   {"machine_id", hello.machine_id},
                   {"epoch", hello.epoch},
                   {"can", hello.can}});
}

std::string encode_json(const DirectiveBatch& batch) {
  Json out{{"protocol", batch.protocol}, {"next", batch.next}};
  if (const std::optional<SeenHead>& head = batch.audit_head) {
    out["audit_head"] = {{"sequence", head->sequence},
                         {"hash", head->hash},
                         {"at", to_rfc3339(head->at)},
                         {"signature", head->signature}};
  }
  out["directives"] = Json::array();
  for (const Directive& directive : batch.directives) out["directives"].push_back(to_json(directive));
  return dump(out);
}

std::string encode_json(const AgentReports& reports) {
  Json out{{"protocol", reports.protocol}};
  if (reports.abilities) out["abilities"] = to_json(*reports.abilities);
  out["reports"] = Json::array();
  for (const model::ActionReport& report : reports.reports) out["reports"].push_back(to_json(report));
  return dump(out);
}

Result<EnrollRequest> decode_enroll_request(std::string_view json) {
  Json body = TRY(parse_object(json));
  EnrollRequest out;
  Members members{body, {}};
  members.text("token", out.token);
  members.text("agent", out.agent);
  members.text("token_hash", out.token_hash);
  members.require("token", !out.token.empty());
  members.require("agent", !out.agent.empty());
  TRY(members.status());
  return out;
}

Result<EnrollAnswer> decode_enroll_answer(std::string_view json) {
  Json body = TRY(parse_object(json));
  EnrollAnswer out;
  Members members{body, {}};
  members.text("agent", out.agent);
  members.text("token", out.token);
  members.text("ca", out.ca);
  members.require("agent", !out.agent.empty());
  TRY(members.status());
  return out;
}

Result<AgentHello> decode_hello(std::string_view json) {
  Json body = TRY(parse_object(json));
  AgentHello out;
  Members members{body, {}};
  members.number("protocol", out.protocol);
  members.text("agent", out.agent);
  members.text("version", out.version);
  members.text("machine_id", out.machine_id);
  members.number("epoch", out.epoch);
  members.texts("can", out.can);
  members.require("agent", !out.agent.empty());
  TRY(members.status());
  return out;
}

Result<DirectiveBatch> decode_directives(std::string_view json) {
  Json body = TRY(parse_object(json));
  DirectiveBatch out;
  Members members{body, {}};
  members.number("protocol", out.protocol);
  members.number("next", out.next);
  const Json* head = members.find("audit_head", &Json::is_object, "an object");
  const Json* list = members.find("directives", &Json::is_array, "a list");
  TRY(members.status());
  if (head != nullptr) {
    Members in_head{*head, "/audit_head"};
    SeenHead& seen = out.audit_head.emplace();
    in_head.number("sequence", seen.sequence);
    in_head.text("hash", seen.hash);
    in_head.time("at", seen.at);
    in_head.text("signature", seen.signature);
    TRY(in_head.status());
  }
  if (list != nullptr) TRY(read_directives(*list, out.directives));
  return out;
}

Result<AgentReports> decode_reports(std::string_view json) {
  Json body = TRY(parse_object(json));
  AgentReports out;
  Members members{body, {}};
  members.number("protocol", out.protocol);
  const Json* abilities = members.find("abilities", &Json::is_object, "an object");
  const Json* reports = members.find("reports", &Json::is_array, "a list");
  TRY(members.status());
  if (abilities != nullptr) out.abilities = TRY(read_abilities(Members{*abilities, "/abilities"}));
  if (reports == nullptr) return out;
  if (reports->size() > most_reports) return wrong(cat("more than ", most_reports, " reports at once"), "/reports");
  for (const Json& each : *reports) out.reports.push_back(TRY(read_report(each, cat("/reports/", out.reports.size()))));
  return out;
}

}  // namespace mien::wire
