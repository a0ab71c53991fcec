#include "wire/directive.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace mien::wire {
namespace {

using Json = nlohmann::ordered_json;  // members in the order in which the format's page shows them

constexpr int deepest_spec = 32;
constexpr std::uint64_t shortest_interval_ms = 100;
constexpr std::uint64_t longest_interval_ms = 3'600'000;
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
  if (const Json* can = members.find("can", &Json::is_array, "a list")) {
    for (const Json& ability : *can) {
      if (ability.is_string()) out.can.push_back(ability.get<std::string>());
      else members.fail("an ability is text", cat("can/", out.can.size()));
    }
  }
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

}  // namespace mien::wire
