// /openapi.json: OpenAPI 3.1 of the route table, so that the two can not disagree.
#include "base/text.h"
#include "edge/api/document.h"
#include "edge/api/route.h"
#include "edge/http/url.h"

namespace mien::edge::api {
namespace {

Json parameter_document(const std::string& name, const char* in, const std::string& summary, const char* type) {
  Json out = Json::object();
  out["name"] = name;
  out["in"] = in;
  out["required"] = std::string_view(in) == "path";
  out["description"] = summary;
  out["schema"] = Json::object({{"type", type}});
  return out;
}

Json content_of(const std::string& types, const std::string& schema_of = {}) {
  Json content = Json::object();
  for (std::string_view type : split(types, ',')) {
    std::string name(trim(type));
    Json schema = Json::object();
    bool text = name != "application/json" && name != "application/yaml";
    schema["type"] = text ? "string" : "object";
    if (!schema_of.empty()) schema = Json::object({{"$ref", "#/components/schemas/" + schema_of}});
    content[name] = Json::object({{"schema", schema}});
  }
  return content;
}

// "GET /api/v1/instances/{name}/drift" -> "get_instances_name_drift": stable names for generated clients.
std::string operation_id(const Route& route) {
  std::string id = to_lower(route.method);
  for (std::string_view part : split(route.path, '/')) {
    if (part.empty() || part == "api" || part == "v1") continue;
    id += '_';
    for (char c : part) {
      bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (plain) id += c;
      else if (c == '.') id += '_';
    }
    while (id.ends_with('_')) id.pop_back();
  }
  return id;
}

// What a PUT writes is described by the schema of its kind.
std::string kind_of(const Route& route) {
  auto kind = route.method == "PUT" ? model::parse_resource_kind(route.tag) : std::nullopt;
  return kind ? std::string(to_text(*kind)) : std::string{};
}

Json operation_of(const Route& route, const std::string& path) {
  Json out = Json::object();
  out["operationId"] = operation_id(route);
  out["summary"] = route.summary;
  out["tags"] = Json::array({route.tag});
  Json parameters = Json::array();
  for (std::string_view part : split(path, '/')) {
    if (part.starts_with('{'))
      parameters.push_back(
          parameter_document(std::string(part.substr(1, part.size() - 2)), "path", "Its name", "string"));
  }
  for (const Parameter& one : route.query)
    parameters.push_back(parameter_document(one.name, "query", one.summary, one.type));
  bool conditional = route.method == "PUT" || route.method == "DELETE";
  if (conditional)
    parameters.push_back(parameter_document("If-Match", "header", "The ETag of what was read", "string"));
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (!route.body.empty())
    out["requestBody"] = Json::object({{"required", true}, {"content", content_of(route.body, kind_of(route))}});
  Json good = Json::object({{"description", "Done"}, {"content", content_of(route.answer)}});
  Json bad = Json::object({{"$ref", "#/components/responses/Problem"}});
  out["responses"] = Json::object({{"200", good}, {"default", bad}});
  if (route.need == Need::open) {
    out["security"] = Json::array();
  } else {
    out["security"] = Json::array({Json::object({{"token", Json::array()}})});
  }
  out["x-mien-needs"] = std::string(name_of(route.need));
  return out;
}

Json problem_schema() {
  Json item = Json::parse(
      R"({"type":"object","properties":{"pointer":{"type":"string"},"detail":{"type":"string"},"suggestion":{"type":"string"}}})");
  Json schema = Json::parse(
      R"({"type":"object","required":["type","title","status","detail"],"properties":{"type":{"type":"string"},
    "title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},"instance":{"type":"string"}}})");
  schema["properties"]["errors"] = Json::object({{"type", "array"}, {"items", item}});
  return schema;
}

}  // namespace

std::string openapi_document(const std::string& version) {
  Json out = Json::object();
  out["openapi"] = "3.1.0";
  out["info"] = Json::object({{"title", "Mien"},
                              {"version", version},
                              {"license", Json::object({{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}})}});
  out["servers"] = Json::array({Json::object({{"url", "/"}})});
  Json paths = Json::object();
  for (const Route& route : routes()) {
    std::string path = route.path;
    if (std::size_t dots = path.find("...}"); dots != std::string::npos) path.replace(dots, 4, "}");
    paths[path][to_lower(route.method)] = operation_of(route, path);
  }
  out["paths"] = std::move(paths);
  Json content = Json::object({{"application/problem+json",
                                Json::object({{"schema", Json::object({{"$ref", "#/components/schemas/Problem"}})}})}});
  Json components = Json::object();
  components["schemas"] = Json::object({{"Problem", problem_schema()}});
  for (model::ResourceKind kind :
       {model::ResourceKind::persona, model::ResourceKind::instance, model::ResourceKind::pool,
        model::ResourceKind::policy, model::ResourceKind::signal}) {
    components["schemas"][std::string(to_text(kind))] = wire::json_schema(kind);
  }
  components["responses"] =
      Json::object({{"Problem", Json::object({{"description", "What went wrong (RFC 9457)"}, {"content", content}})}});
  components["securitySchemes"] = Json::object({{"token", Json::object({{"type", "http"}, {"scheme", "bearer"}})}});
  out["components"] = std::move(components);
  return wire::dump(out);
}

}  // namespace mien::edge::api
