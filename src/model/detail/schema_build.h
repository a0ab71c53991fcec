// Short words to write schema tables with, and the pieces that several kinds share.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "model/schema.h"

namespace mien::model::detail {

using Nodes = std::vector<SchemaNode>;

inline SchemaNode node(std::string_view key, SchemaType type, std::string_view description, std::string_view example) {
  SchemaNode out;
  out.key = key;
  out.type = type;
  out.description = description;
  out.example = example;
  return out;
}

inline SchemaNode map(std::string_view key, std::string_view description, std::string_view example, Nodes children) {
  SchemaNode out = node(key, SchemaType::map, description, example);
  out.children = std::move(children);
  return out;
}

// `format` is of the keys.
inline SchemaNode table(std::string_view key, std::string_view description, std::string_view example, SchemaNode each,
                        TextFormat format = TextFormat::any) {
  SchemaNode out = node(key, SchemaType::table, description, example);
  out.format = format;
  out.children.push_back(std::move(each));
  return out;
}

inline SchemaNode list(std::string_view key, std::string_view description, std::string_view example, SchemaNode each) {
  SchemaNode out = node(key, SchemaType::list, description, example);
  out.unique = true;
  out.children.push_back(std::move(each));
  return out;
}

inline SchemaNode text(std::string_view key, std::string_view description, std::string_view example,
                       TextFormat format = TextFormat::any) {
  SchemaNode out = node(key, SchemaType::text, description, example);
  out.format = format;
  return out;
}

inline SchemaNode choice(std::string_view key, std::string_view description, std::vector<std::string_view> allowed) {
  SchemaNode out = node(key, SchemaType::choice, description, allowed.front());
  out.allowed = std::move(allowed);
  return out;
}

inline SchemaNode boolean(std::string_view key, std::string_view description) {
  return node(key, SchemaType::boolean, description, "true");
}

inline SchemaNode integer(std::string_view key, std::string_view description, std::string_view example, double min,
                          double max) {
  SchemaNode out = node(key, SchemaType::integer, description, example);
  out.min = min;
  out.max = max;
  return out;
}

inline SchemaNode quantity(std::string_view key, std::string_view description, std::string_view example,
                           Dimensions dimensions) {
  SchemaNode out = node(key, SchemaType::quantity, description, example);
  out.dimensions = dimensions;
  return out;
}

inline SchemaNode duration(std::string_view key, std::string_view description, std::string_view example) {
  return quantity(key, description, example, {Dimension::duration});
}

inline SchemaNode required(SchemaNode out) {
  out.required = true;
  return out;
}
inline SchemaNode otherwise(SchemaNode out, std::string_view value) {
  out.otherwise = value;
  return out;
}
inline SchemaNode at_least(SchemaNode out, double min) {
  out.min = min;
  return out;
}

inline SchemaNode up_to(SchemaNode out, double max) {
  out.max = max;
  return out;
}

// A list of texts of one format: `{allow: [...]}` and kin.
inline SchemaNode texts(std::string_view key, std::string_view description, std::string_view example,
                        TextFormat format) {
  return list(key, description, example, text("*", "one of them", "", format));
}

// Which machinery changes an instance or pool; its settings belong to the driver.
[[nodiscard]] SchemaNode driver_schema();
[[nodiscard]] SchemaNode relations_schema(std::vector<std::string_view> words);

[[nodiscard]] SchemaNode persona_schema();
[[nodiscard]] SchemaNode policy_schema();

}  // namespace mien::model::detail
