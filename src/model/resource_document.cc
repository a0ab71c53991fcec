// A written document as a resource, and back (validate.h).
#include <array>

#include "base/text.h"
#include "model/detail/rules.h"
#include "model/validate.h"

namespace mien::model {
namespace {

constexpr std::array<std::string_view, 5> kind_names{"Persona", "Instance", "Pool", "Policy", "Signal"};
constexpr std::array<std::string_view, 5> document_keys{"apiVersion", "kind", "metadata", "spec", "status"};

void complain(std::vector<Diagnostic>& out, std::string pointer, std::string message, std::string suggestion = {}) {
  out.push_back({.gravity = Gravity::error,
                 .pointer = std::move(pointer),
                 .message = std::move(message),
                 .suggestion = std::move(suggestion),
                 .about_key = false});
}

std::string_view text_at(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value && value->text() ? std::string_view(*value->text()) : std::string_view();
}

void check_top(const Value& document, std::vector<Diagnostic>& out) {
  for (const auto& [key, unused] : *document.map()) {
    auto near = nearest(key, document_keys);
    if (near && *near == key) continue;
    complain(out, pointer_to("", key), cat("unknown key `", key, "`"),
             near ? cat("did you mean `", *near, "`?") : std::string("known here: apiVersion, kind, metadata, spec"));
    out.back().about_key = true;
  }
  if (!document.find("apiVersion"))
    complain(out, "", "`apiVersion` is missing", cat("write apiVersion: ", api_version));
  else if (text_at(document, "apiVersion") != api_version)
    complain(out, "/apiVersion", cat("this program reads ", api_version, " only"),
             cat("write apiVersion: ", api_version));
}

std::optional<ResourceKind> read_kind(const Value& document, std::vector<Diagnostic>& out) {
  if (!document.find("kind")) {
    complain(out, "", "`kind` is missing", "write kind: Persona, Instance, Pool, Policy or Signal");
    return std::nullopt;
  }
  std::string_view word = text_at(document, "kind");
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    if (word == kind_names[i]) return static_cast<ResourceKind>(i);
  auto typed = parse_resource_kind(word);
  auto near = typed ? std::optional(to_text(*typed)) : nearest(word, kind_names);
  complain(out, "/kind", cat("`", word, "` is not a kind of resource"),
           near ? cat("did you mean ", *near, "?") : std::string("write Persona, Instance, Pool, Policy or Signal"));
  return typed;  // `persona` is wrong, but the rest can be judged
}

std::map<std::string, std::string> texts_of(const Value* table) {
  std::map<std::string, std::string> out;
  if (table && table->map())
    for (const auto& [key, value] : *table->map())
      if (value.text()) out.emplace(key, *value.text());
  return out;
}

void check_metadata_limits(const Value& metadata, std::vector<Diagnostic>& out) {
  for (std::string_view table : {"labels", "annotations"}) {
    const Value* members = metadata.find(table);
    if (!members || !members->map()) continue;
    std::string pointer = pointer_to("/metadata", table);
    if (members->map()->size() > limits::labels)
      complain(out, pointer, cat(members->map()->size(), " ", table, "; at most ", limits::labels, " are taken"));
    for (const auto& [key, value] : *members->map()) {
      if (key.size() > limits::label_key_bytes)
        complain(out, pointer_to(pointer, key),
                 cat("a key of ", key.size(), " bytes; at most ", limits::label_key_bytes));
      if (value.text() && table == "annotations" && value.text()->size() > limits::annotation_value_bytes)
        complain(out, pointer_to(pointer, key),
                 cat("an annotation of ", value.text()->size(), " bytes; at most ", limits::annotation_value_bytes));
    }
  }
}

Metadata read_metadata(const Value& document, std::optional<ResourceKind> kind, std::vector<Diagnostic>& out) {
  Metadata metadata;
  const Value* written = document.find("metadata");
  if (!written) {
    complain(out, "", "`metadata` is missing", "write metadata: {name: ...}");
    return metadata;
  }
  // What the server set is not ours to judge: another version may write more of it.
  Value checked = *written;
  if (checked.map())
    for (const char* server : {"uid", "created_at", "created_by", "updated_at", "managed_by"})
      checked.map()->erase(server);
  std::size_t before = out.size();
  detail::check_against(metadata_schema(), checked, "/metadata", out);
  check_metadata_limits(checked, out);
  if (out.size() != before) return metadata;
  metadata.name = text_at(*written, "name");
  if (kind) {
    if (Status status = check_name(*kind, metadata.name); !status)
      complain(out, "/metadata/name", status.error().message);
  }
  metadata.labels = texts_of(written->find("labels"));
  metadata.annotations = texts_of(written->find("annotations"));
  if (const Value* generation = written->find("generation"); generation && generation->integer())
    metadata.generation = static_cast<std::uint64_t>(*generation->integer());
  return metadata;
}

Value table_of(const std::map<std::string, std::string>& texts) {
  Value::Map out;
  for (const auto& [key, value] : texts) out.emplace(key, Value(value));
  return Value(std::move(out));
}

}  // namespace

ReadResource read_resource(const Value& document) {
  ReadResource read;
  if (!document.map()) {
    complain(read.diagnostics, "", "a resource is a map with apiVersion, kind, metadata and spec");
    return read;
  }
  check_top(document, read.diagnostics);
  auto kind = read_kind(document, read.diagnostics);
  Metadata metadata = read_metadata(document, kind, read.diagnostics);
  const Value* spec = document.find("spec");
  Value written = spec && !spec->is_null() ? *spec : Value(Value::Map{});
  if (kind) {
    for (Diagnostic& each : validate_spec(*kind, metadata.name, written)) {
      each.pointer = cat("/spec", each.pointer);
      read.diagnostics.push_back(std::move(each));
    }
  }
  if (kind && !has_errors(read.diagnostics))
    read.resource = Resource{.kind = *kind, .metadata = std::move(metadata), .spec = std::move(written)};
  return read;
}

Value to_document(const Resource& resource) {
  const Metadata& from = resource.metadata;
  Value::Map metadata{{"name", Value(from.name)}};
  if (!from.labels.empty()) metadata.emplace("labels", table_of(from.labels));
  if (!from.annotations.empty()) metadata.emplace("annotations", table_of(from.annotations));
  if (!from.uid.empty()) metadata.emplace("uid", Value(from.uid));
  if (from.generation != 0) metadata.emplace("generation", Value(static_cast<std::int64_t>(from.generation)));
  if (from.created_at.ns != 0) metadata.emplace("created_at", Value(to_rfc3339(from.created_at)));
  if (!from.created_by.empty()) metadata.emplace("created_by", Value(from.created_by));
  if (from.updated_at.ns != 0) metadata.emplace("updated_at", Value(to_rfc3339(from.updated_at)));
  if (!from.managed_by.empty()) metadata.emplace("managed_by", Value(from.managed_by));
  return Value(Value::Map{{"apiVersion", Value(std::string(api_version))},
                          {"kind", Value(std::string(to_text(resource.kind)))},
                          {"metadata", Value(std::move(metadata))},
                          {"spec", resource.spec.is_null() ? Value(Value::Map{}) : resource.spec}});
}

}  // namespace mien::model
