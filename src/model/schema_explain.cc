// `mien explain KIND[.path]`: a node of the schema as text for people.
#include <algorithm>

#include "base/text.h"
#include "model/schema.h"

namespace mien::model {
namespace {

Error not_found(std::string message) {
  return Error{.code = Code::not_found, .message = std::move(message), .where = {}, .cause = {}};
}

std::string type_text(const SchemaNode& node) {
  if (node.type == SchemaType::list && !node.children.empty())
    return cat("list of ", to_text(node.children.front().type));
  if (node.type == SchemaType::table && !node.children.empty())
    return cat("map from any key to ", to_text(node.children.front().type));
  return std::string(to_text(node.type));
}

std::string_view format_text(TextFormat format) {
  switch (format) {
    case TextFormat::any: return {};
    case TextFormat::name: return "lower-case letters, digits, `-` and `.`, at most 253";
    case TextFormat::instance_name: return "name of an instance: a host name, or UNIT@HOST";
    case TextFormat::metric: return "OpenTelemetry metric name";
    case TextFormat::path: return "absolute path; * and ** in patterns";
    case TextFormat::listen: return "tcp/PORT, udp/PORT, tcp/FROM-TO or unix/PATH";
    case TextFormat::connect: return "ADDRESS[/PREFIX]:PORT or NAME:PORT; PORT may be *";
    case TextFormat::expression: return "expression";
    case TextFormat::label: return "short text without comma and equals sign";
    case TextFormat::sha256: return "64 hexadecimal digits";
  }
  return {};
}

void line(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  std::string label = cat("  ", name, ':');
  label.resize(std::max<std::size_t>(label.size() + 1, 12), ' ');
  out += cat(label, text, '\n');
}

void describe_children(std::string& out, const SchemaNode& node) {
  if (node.children.empty()) return;
  out += node.type == SchemaType::list    ? "\nEach item:\n"
         : node.type == SchemaType::table ? "\nEach key:\n"
                                          : "\nKeys:\n";
  const std::vector<SchemaNode>* shown = &node.children;
  // Below a table or list the members of its one child are what people want to see.
  bool single = node.type != SchemaType::map && !node.children.front().children.empty();
  if (single) shown = &node.children.front().children;
  if (single) out += cat("  ", node.children.front().description, "\n\n");
  std::size_t width = 0;
  for (const SchemaNode& each : *shown) width = std::max(width, each.key.size());
  for (const SchemaNode& each : *shown) {
    std::string key(each.key);
    key.resize(width + 2, ' ');
    out += cat("  ", key, each.description, each.required ? " (required)" : "");
    if (!each.otherwise.empty()) out += cat(" (default ", each.otherwise, ')');
    out += '\n';
    if (each.type == SchemaType::choice) {
      std::string words;
      for (std::string_view word : each.allowed) words += cat(words.empty() ? "" : ", ", word);
      out += cat(std::string(width + 4, ' '), "one of ", words, '\n');
    }
  }
}

std::string describe(std::string_view path, const SchemaNode& node) {
  std::string out = cat(path, "\n  ", node.description, "\n\n");
  line(out, "type", type_text(node));
  line(out, node.type == SchemaType::table ? "keys" : "written",
       node.type == SchemaType::quantity ? to_text(node.dimensions) : std::string(format_text(node.format)));
  std::string words;
  for (std::string_view word : node.allowed) words += cat(words.empty() ? "" : ", ", word);
  line(out, "one of", words);
  if (node.min && node.max) line(out, "range", cat(to_text(*node.min), " to ", to_text(*node.max)));
  else if (node.min) line(out, "at least", to_text(*node.min));
  line(out, "default", node.otherwise);
  line(out, "required", node.required ? "yes" : "");
  std::string_view key = node.key == "*" ? std::string_view() : node.key;
  line(out, "example",
       node.example.empty() ? std::string()
       : key.empty()        ? std::string(node.example)
                            : cat(key, ": ", node.example));
  describe_children(out, node);
  return out;
}

// The keys of a table may have dots themselves: they end where a key of its members begins.
std::size_t table_key_end(const SchemaNode& each, const std::vector<std::string_view>& parts, std::size_t from) {
  for (std::size_t i = from + 1; i < parts.size(); ++i)
    for (const SchemaNode& child : each.children)
      if (child.key == parts[i]) return i;
  return parts.size();
}

Error no_such_key(const SchemaNode& node, std::string_view key, std::string_view above) {
  std::vector<std::string_view> known;
  for (const SchemaNode& child : node.children) known.push_back(child.key);
  auto near = nearest(key, known);
  std::string list;
  for (std::string_view each : known) list += cat(list.empty() ? "" : ", ", each);
  return not_found(cat(above, " has no key `", key, "`; ",
                       near ? cat("did you mean `", *near, "`?") : cat("it has ", list.empty() ? "none" : list)));
}

std::string describe_kind(ResourceKind kind) {
  const SchemaNode& spec = schema_of(kind);
  std::string out = cat(to_text(kind), "\n  ", spec.description,
                        "\n\nWritten as:\n  apiVersion: mien.dev/v1\n  kind: ", to_text(kind),
                        "\n  metadata: {name: ...}\n  spec: ", spec.example, "\n");
  describe_children(out, spec);
  return out + cat("\nMore: mien explain ", collection_of(kind), ".KEY\n");
}

std::string describe_verbs() {
  std::string out = "Verbs of a policy's ladder, and what each is given:\n\n";
  for (const SchemaNode& verb : verb_schemas()) {
    std::string name(verb.key);
    name.resize(std::max<std::size_t>(name.size() + 1, 13), ' ');
    out +=
        cat("  ", name, verb.description, verb.example == "{}" ? std::string() : cat("; with: ", verb.example), '\n');
  }
  return out;
}

}  // namespace

Result<std::string> explain_schema(std::string_view path) {
  std::vector<std::string_view> parts = split(path, '.');
  auto kind = parse_resource_kind(parts.front());
  if (!kind) {
    constexpr std::string_view kinds[] = {"persona", "instance", "pool", "policy", "signal"};
    auto near = nearest(parts.front(), kinds);
    return not_found(cat("`", parts.front(), "` is not a kind of resource; ",
                         near ? cat("did you mean ", *near, "?") : "write persona, instance, pool, policy or signal"));
  }
  if (parts.size() == 1) return describe_kind(*kind);
  const SchemaNode* node = &schema_of(*kind);
  std::size_t i = 1;
  if (parts[1] == "spec") i = 2;
  if (parts[1] == "metadata") {
    node = &metadata_schema();
    i = 2;
  }
  std::string above(parts.front());
  while (i < parts.size()) {
    if (node->key == "with" && verb_schema(parts[i])) {
      node = verb_schema(parts[i]);
    } else if (node->type == SchemaType::list) {
      node = &node->children.front();
      continue;
    } else if (node->type == SchemaType::table) {
      std::size_t end = table_key_end(node->children.front(), parts, i);
      node = &node->children.front();
      i = end;
      continue;
    } else {
      const SchemaNode* child = node->child(parts[i]);
      if (!child) return no_such_key(*node, parts[i], above);
      node = child;
    }
    above += cat('.', parts[i]);
    ++i;
  }
  if (node->key == "with") return describe_verbs();
  return describe(path, *node);
}

}  // namespace mien::model
