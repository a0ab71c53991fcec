// The one schema of all resources. Validation, `mien explain KIND[.path]` and the JSON Schema in /openapi.json all
// walk these nodes, so they can not disagree.
//
// A node describes the value under one key. Tables (free keys) and lists have one child, `*`, that describes every
// member. Built once, immutable afterwards; may be read from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/resource.h"
#include "model/text_quantity.h"

namespace mien::model {

enum class SchemaType : std::uint8_t {
  map,       // known keys only
  table,     // any key, every value alike
  list,      // every item alike
  text,      // a text, of `format`
  choice,    // one of `allowed`
  boolean,   // true or false
  integer,   // a whole number in min..max
  quantity,  // a number with a unit, of one of `dimensions`
  scalar,    // a text, number or boolean, taken as it stands
  free,      // anything: its meaning belongs to a driver
};
[[nodiscard]] std::string_view to_text(SchemaType type);

// What a text must look like.
enum class TextFormat : std::uint8_t {
  any,
  name,           // of a persona, pool, policy or signal
  instance_name,  // of an instance: also `nginx.service@web-01`
  metric,         // an OpenTelemetry metric name
  path,           // an absolute path, with * and ** in patterns
  listen,         // tcp/80, udp/53, tcp/8000-8100
  connect,        // 10.0.0.0/8:5432, db.example.org:443
  expression,     // an activation or policy expression
  label,          // a label's key or value
  sha256,         // 64 hexadecimal digits
};

struct SchemaNode {
  std::string_view key;
  SchemaType type = SchemaType::map;
  std::string_view description;
  std::string_view example;
  std::string_view otherwise;  // what holds when it is not written; empty: nothing
  bool required = false;
  TextFormat format = TextFormat::any;  // of text, and of a table's keys
  Dimensions dimensions;                // of quantity
  std::optional<double> min;            // of integer and quantity, in the quantity's unit
  std::optional<double> max;
  std::vector<std::string_view> allowed;  // of choice
  bool unique = false;                    // of list: no item twice
  std::vector<SchemaNode> children;

  // The child of that key, or `*`, or nullptr.
  [[nodiscard]] const SchemaNode* child(std::string_view name) const;
};

// The schema of a kind's spec.
[[nodiscard]] const SchemaNode& schema_of(ResourceKind kind);
// Of metadata, the same for all kinds.
[[nodiscard]] const SchemaNode& metadata_schema();
// Of one policy verb's `with`; nullptr for a word that is no verb.
[[nodiscard]] const SchemaNode* verb_schema(std::string_view verb);
[[nodiscard]] const std::vector<SchemaNode>& verb_schemas();

// "persona", "persona.spec.drift.limits", "personas.behavior.system.cpu.utilization.mean" (a leading `spec` may be
// left out): description, unit, default, example and children, for people. Errors: not_found with a suggestion.
[[nodiscard]] Result<std::string> explain_schema(std::string_view path);

// Limits on what is taken in; over them is an error, never a cut.
namespace limits {
constexpr std::size_t name_bytes = 253;
constexpr std::size_t labels = 64;
constexpr std::size_t label_key_bytes = 128;
constexpr std::size_t label_value_bytes = 256;
constexpr std::size_t annotation_value_bytes = std::size_t{16} << 10;
constexpr std::size_t spec_bytes = std::size_t{256} << 10;  // canonical bytes
constexpr std::size_t list_items = 4096;
constexpr std::size_t table_members = 4096;
constexpr std::size_t text_bytes = 4096;
}  // namespace limits

}  // namespace mien::model
