#include "wire/document.h"

#include "base/text.h"
#include "model/validate.h"

namespace mien::wire {
namespace {

Document list_of(const std::vector<std::string_view>& words) {
  Document list = Document::array();
  for (std::string_view word : words) list.push_back(std::string(word));
  return list;
}

Document any_of(std::initializer_list<std::string_view> types) {
  Document list = Document::array();
  for (std::string_view type : types) list.push_back(std::string(type));
  return list;
}

Document schema_document(const model::SchemaNode& node);

Document properties_of(const model::SchemaNode& node, Document out) {
  out["type"] = "object";
  out["additionalProperties"] = false;
  Document properties = Document::object();
  Document required = Document::array();
  for (const model::SchemaNode& each : node.children) {
    properties[std::string(each.key)] = schema_document(each);
    if (each.required) required.push_back(std::string(each.key));
  }
  out["properties"] = std::move(properties);
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

Document schema_document(const model::SchemaNode& node) {
  Document out = Document::object();
  if (!node.description.empty()) out["description"] = std::string(node.description);
  // As text: a default of another type would have to be of that type in JSON Schema.
  bool textual = node.type == model::SchemaType::text || node.type == model::SchemaType::choice ||
                 node.type == model::SchemaType::quantity || node.type == model::SchemaType::scalar;
  if (!node.otherwise.empty() && textual) out["default"] = std::string(node.otherwise);
  switch (node.type) {
    case model::SchemaType::map: return properties_of(node, std::move(out));
    case model::SchemaType::table:
      out["type"] = "object";
      out["additionalProperties"] = schema_document(node.children.front());
      break;
    case model::SchemaType::list:
      out["type"] = "array";
      out["items"] = schema_document(node.children.front());
      if (node.unique) out["uniqueItems"] = true;
      break;
    case model::SchemaType::text: out["type"] = "string"; break;
    case model::SchemaType::choice:
      out["type"] = "string";
      out["enum"] = list_of(node.allowed);
      break;
    case model::SchemaType::boolean: out["type"] = "boolean"; break;
    case model::SchemaType::integer:
      out["type"] = "integer";
      if (node.min) out["minimum"] = static_cast<std::int64_t>(*node.min);
      if (node.max) out["maximum"] = static_cast<std::int64_t>(*node.max);
      break;
    case model::SchemaType::quantity: out["type"] = any_of({"string", "number"}); break;
    case model::SchemaType::scalar: out["type"] = any_of({"string", "number", "boolean"}); break;
    case model::SchemaType::free: break;
  }
  if (!node.example.empty()) out["examples"] = Document::array({std::string(node.example)});
  return out;
}

}  // namespace

std::string dump(const Document& document, int indent) {
  return document.dump(indent, ' ', false, Document::error_handler_t::replace);
}

Result<Document> parse_document(std::string_view text) {
  constexpr std::size_t longest = std::size_t{64} << 20;
  constexpr int deepest = 64;
  auto invalid = [](std::string message) {
    return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
  };
  if (text.size() > longest) return invalid("the JSON text is longer than 64 MiB");
  bool too_deep = false;
  auto callback = [&too_deep](int depth, Document::parse_event_t, Document&) {
    too_deep = too_deep || depth > deepest;
    return !too_deep;  // what is deeper is dropped while it is read
  };
  Document document = Document::parse(text, callback, false);
  if (too_deep) return invalid("the JSON text is nested deeper than 64 levels");
  if (document.is_discarded()) return invalid("this is not JSON");
  return document;
}

Document to_document(const model::Value& value) {
  if (value.boolean()) return *value.boolean();
  if (value.integer()) return *value.integer();
  if (value.real()) return *value.real();
  if (value.text()) return *value.text();
  if (value.list()) {
    Document list = Document::array();
    for (const model::Value& item : *value.list()) list.push_back(to_document(item));
    return list;
  }
  if (value.map()) {
    Document map = Document::object();
    for (const auto& [key, member] : *value.map()) map[key] = to_document(member);
    return map;
  }
  return nullptr;
}

Document to_document(const model::Resource& resource) { return to_document(model::to_document(resource)); }

Document json_schema(model::ResourceKind kind) {
  Document metadata = schema_document(model::metadata_schema());
  Document properties = Document::object();
  properties["apiVersion"] = {{"type", "string"}, {"const", std::string(model::api_version)}};
  properties["kind"] = {{"type", "string"}, {"const", std::string(model::to_text(kind))}};
  properties["metadata"] = std::move(metadata);
  properties["spec"] = schema_document(model::schema_of(kind));
  properties["status"] = {{"type", "object"}, {"readOnly", true}};
  Document out = Document::object();
  out["type"] = "object";
  out["properties"] = std::move(properties);
  out["required"] = any_of({"apiVersion", "kind", "metadata"});
  out["additionalProperties"] = false;
  return out;
}

namespace detail {

Error wrong_type(std::string_view wanted, const Document& found) {
  return Error{.code = Code::invalid,
               .message = cat(wanted, " is wanted here, not ", found.type_name()),
               .where = {},
               .cause = {}};
}

Error below(Error error, std::string_view key) {
  error.where = model::pointer_to("", key) + error.where;
  return error;
}

}  // namespace detail
}  // namespace mien::wire
