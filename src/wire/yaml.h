// Resource files and request bodies: YAML or JSON text into validated resources, and back.
//
// A spec keeps quantities as they were written (`8Gi` stays `8Gi`). What to_yaml and to_json print can be read again
// and gives the same resource. Texts are typed by the core schema of YAML 1.2: `yes` and `on` are texts.
// Pure; any bytes give resources and diagnostics. Limits below; over them is a diagnostic.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/resource.h"
#include "model/value.h"
#include "wire/diagnostic.h"

namespace mien::wire {

namespace limits {
constexpr std::size_t document_bytes = std::size_t{1} << 20;
constexpr std::size_t file_bytes = std::size_t{32} << 20;
constexpr std::size_t documents = 1000;
constexpr std::size_t levels = 32;      // nesting, the same as in stored values
constexpr std::size_t nodes = 100'000;  // of one document, with aliases written out
}  // namespace limits

struct SourcedResource {
  model::Resource resource;
  std::string file;
  std::size_t line = 0;  // where its document starts
};

struct ParsedResources {
  std::vector<SourcedResource> resources;  // those without errors, in order of the file
  std::vector<Diagnostic> diagnostics;     // in order of the file
  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
};

// Several documents in a text, YAML or JSON. A syntax error ends the reading of that text.
[[nodiscard]] ParsedResources parse_resources(std::string_view text, std::string_view file_name);
// One resource as JSON: the body of a PUT. Diagnostics carry JSON pointers and no lines.
[[nodiscard]] ParsedResources parse_resource_json(std::string_view body);

// One document of plain YAML as a tree (settings files, request bodies that are no resources). Errors: invalid, with
// file:line:column in `where`.
[[nodiscard]] Result<model::Value> parse_yaml(std::string_view text, std::string_view file_name);
[[nodiscard]] Result<model::Value> parse_json(std::string_view text);

// apiVersion, kind, metadata, spec: what can be applied again.
[[nodiscard]] std::string to_yaml(const model::Resource& resource);
[[nodiscard]] std::string to_json(const model::Resource& resource);
[[nodiscard]] std::string to_yaml(const model::Value& value);
[[nodiscard]] std::string to_json(const model::Value& value);

}  // namespace mien::wire
