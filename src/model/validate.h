// Is this tree a resource, and does it make sense? Every complaint carries a JSON pointer, what is wrong, and what to
// write instead; wire/yaml.h adds file, line and column.
//
// Pure and total: any tree gives a list of diagnostics. Whether the personas named in `extends` exist is asked later,
// by merge_persona, where the others are known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/resource.h"
#include "model/schema.h"
#include "model/value.h"

namespace mien::model {

enum class Gravity : std::uint8_t { error, warning };
[[nodiscard]] std::string_view to_text(Gravity gravity);

struct Diagnostic {
  Gravity gravity = Gravity::error;
  std::string pointer;     // JSON pointer of the value, or of the key when `about_key`
  std::string message;     // what is wrong, one sentence without a full stop
  std::string suggestion;  // what to write instead; may be empty
  bool about_key = false;

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
  static constexpr auto fields =
      std::tuple{field("gravity", &Diagnostic::gravity), field("pointer", &Diagnostic::pointer),
                 field("message", &Diagnostic::message), field("suggestion", &Diagnostic::suggestion),
                 field("about_key", &Diagnostic::about_key)};
};
[[nodiscard]] bool has_errors(const std::vector<Diagnostic>& diagnostics);

// At most this many are reported for one resource; the last one says that there are more.
constexpr std::size_t max_diagnostics = 100;

// Checks a spec against its kind's schema and for contradictions. Pointers are relative to the spec ("/drift/depart").
[[nodiscard]] std::vector<Diagnostic> validate_spec(ResourceKind kind, std::string_view name, const Value& spec);

// A whole document {apiVersion, kind, metadata, spec[, status]} as a resource. The resource is there when there is no
// error among the diagnostics; `status` and server-set metadata are left out, `generation` is kept.
struct ReadResource {
  std::optional<Resource> resource;
  std::vector<Diagnostic> diagnostics;
};
[[nodiscard]] ReadResource read_resource(const Value& document);

// The document that a resource is written as: read_resource(to_document(r)) gives r without server-set metadata.
[[nodiscard]] Value to_document(const Resource& resource);

// Status of a name by itself, for the doors that take one from a URL or command line.
[[nodiscard]] Status check_name(ResourceKind kind, std::string_view name);
// Whether a text has a format; nothing when it has, else what is wrong with it.
[[nodiscard]] std::optional<std::string> check_format(TextFormat format, std::string_view text);

constexpr std::string_view api_version = "mien.dev/v1";

}  // namespace mien::model
