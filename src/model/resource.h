// A resource: what people write and keep in Git (CONTRACTS, section 3). The spec stays a tree here; its schema is
// model/schema.h, its meaning model/persona.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/time.h"
#include "model/value.h"

namespace mien::model {

enum class ResourceKind : std::uint8_t { persona = 0, instance = 1, pool = 2, policy = 3, signal = 4 };
[[nodiscard]] std::string_view to_text(ResourceKind kind);        // "Persona"
[[nodiscard]] std::string_view collection_of(ResourceKind kind);  // "personas"
// "persona", "personas", "Persona": whatever a person types.
[[nodiscard]] std::optional<ResourceKind> parse_resource_kind(std::string_view text);

struct Metadata {
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  // Set by the server; ignored on input except generation, which is checked when it is not 0.
  std::string uid;
  std::uint64_t generation = 0;
  WallTime created_at;
  std::string created_by;
  WallTime updated_at;
  std::string managed_by;  // "files" when it was applied from files

  friend bool operator==(const Metadata&, const Metadata&) = default;
  static constexpr auto fields = std::tuple{field("name", &Metadata::name),
                                            field("labels", &Metadata::labels),
                                            field("annotations", &Metadata::annotations),
                                            field("uid", &Metadata::uid),
                                            field("generation", &Metadata::generation),
                                            field("created_at", &Metadata::created_at),
                                            field("created_by", &Metadata::created_by),
                                            field("updated_at", &Metadata::updated_at),
                                            field("managed_by", &Metadata::managed_by)};
};

struct Resource {
  ResourceKind kind = ResourceKind::persona;
  Metadata metadata;
  Value spec;

  friend bool operator==(const Resource&, const Resource&) = default;
};

[[nodiscard]] std::string encode_resource(const Resource& resource);
[[nodiscard]] Result<Resource> decode_resource(std::string_view bytes);

}  // namespace mien::model
