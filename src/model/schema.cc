// The schemas of the other kinds, and the way in.
#include "model/schema.h"

#include <array>

#include "model/detail/schema_build.h"

namespace mien::model {
namespace detail {

SchemaNode driver_schema() {
  std::vector<SchemaNode> drivers;
  drivers.push_back(node("host", SchemaType::free, "through the agent on the machine itself", "{}"));
  drivers.push_back(node("libvirt", SchemaType::free, "virtual machines: uri, domain", "{uri: \"qemu:///system\"}"));
  drivers.push_back(node("lxd", SchemaType::free, "system containers: url, name", "{name: web-01}"));
  drivers.push_back(node("command", SchemaType::free, "a program named in mien.yaml", "{name: my-cloud}"));
  return map("driver", "what changes are made through", "{libvirt: {domain: web-01}}", std::move(drivers));
}

SchemaNode relations_schema(std::vector<std::string_view> words) {
  std::vector<SchemaNode> children;
  for (std::string_view word : words)
    children.push_back(text(word, "name of the other", "db-01", TextFormat::instance_name));
  return list("relations", "how it stands to others; one relation each", "[{same_host: db-01}]",
              map("*", "one relation", "{same_host: db-01}", std::move(children)));
}

namespace {

SchemaNode personas_list() {
  return texts("personas", "in order: the first whose activation holds; the last holds when none before it does",
               "[nightly-backup, web-frontend]", TextFormat::name);
}

SchemaNode instance_schema() {
  return map(
      "spec", "a thing that has a persona of its own; it appears by itself, a file may add to it",
      "{personas: [web-frontend]}",
      {text("pool", "pool it is counted to", "web", TextFormat::name), otherwise(personas_list(), "[linux-server]"),
       driver_schema(), relations_schema({"same_host", "other_host", "depends_on"})});
}

SchemaNode pool_schema() {
  SchemaNode size = map("size", "how many members there may be", "{min: 2, max: 12}",
                        {integer("min", "at least", "2", 0, 1000000), integer("max", "at most", "12", 0, 1000000)});
  return map("spec", "instances that are alike", "{selector: {role: web}}",
             {table("selector", "an instance whose labels have all of these is a member", "{role: web}",
                    text("*", "value of the label", "web", TextFormat::label), TextFormat::label),
              personas_list(), driver_schema(), std::move(size),
              text("base_image", "what a new member is made from", "/var/lib/mien/images/web.qcow2", TextFormat::path),
              relations_schema({"depends_on", "other_host"})});
}

SchemaNode signal_schema() {
  return map("spec", "a value from outside that personas and policies may refer to", "{value: 1200, ttl: 10m}",
             {required(quantity("value", "the value now", "1200", {Dimension::number, Dimension::ratio})),
              otherwise(duration("ttl", "how long it holds without being renewed", "10m"), "10m"),
              text("unit", "unit, for people", "requests/s")});
}

}  // namespace
}  // namespace detail

const SchemaNode* SchemaNode::child(std::string_view name) const {
  for (const SchemaNode& each : children)
    if (each.key == name || each.key == "*") return &each;
  return nullptr;
}

const SchemaNode& schema_of(ResourceKind kind) {
  static const std::array<SchemaNode, 5> schemas{detail::persona_schema(), detail::instance_schema(),
                                                 detail::pool_schema(), detail::policy_schema(),
                                                 detail::signal_schema()};
  return schemas.at(static_cast<std::size_t>(kind));
}

const SchemaNode& metadata_schema() {
  using namespace detail;
  static const SchemaNode schema =
      map("metadata", "what names and describes the resource", "{name: web-01, labels: {role: web}}",
          {required(text("name", "unique among its kind", "web-01")),
           table("labels", "short texts to select by", "{role: web, tier: front}",
                 text("*", "value of the label", "web", TextFormat::label), TextFormat::label),
           table("annotations", "texts for people and tools", "{description: \"nginx in front of the shop\"}",
                 text("*", "any text", "nginx in front of the shop")),
           integer("generation", "when written it must be the present one, so that nobody's change is overwritten", "3",
                   0, 9007199254740992.0),
           text("uid", "set by the server", ""), text("created_at", "set by the server", ""),
           text("created_by", "set by the server", ""), text("updated_at", "set by the server", ""),
           text("managed_by", "set by the server: `files` when it was applied from files", "")});
  return schema;
}

std::string_view to_text(SchemaType type) {
  switch (type) {
    case SchemaType::map: return "map";
    case SchemaType::table: return "map with keys of your own";
    case SchemaType::list: return "list";
    case SchemaType::text: return "text";
    case SchemaType::choice: return "choice";
    case SchemaType::boolean: return "true or false";
    case SchemaType::integer: return "whole number";
    case SchemaType::quantity: return "quantity";
    case SchemaType::scalar: return "text, number, true or false";
    case SchemaType::free: return "anything the driver understands";
  }
  return "value";
}

}  // namespace mien::model
