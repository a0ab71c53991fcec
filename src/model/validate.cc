#include "model/validate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>

#include "base/text.h"
#include "model/detail/rules.h"

namespace mien::model {
namespace {

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 80;
  return text.size() <= longest ? cat('`', text, '`') : cat('`', text.substr(0, longest), "...`");
}

// What a value is, in words, for "a list is wanted here, not ...".
std::string found_text(const Value& value) {
  if (value.is_null()) return "nothing";
  if (value.boolean()) return *value.boolean() ? "`true`" : "`false`";
  if (auto number = value.number()) return cat('`', to_text(*number), '`');
  if (value.text()) return quoted(*value.text());
  return value.list() ? "a list" : "a map";
}

std::vector<std::string_view> keys_of(const SchemaNode& node) {
  std::vector<std::string_view> keys;
  for (const SchemaNode& each : node.children) keys.push_back(each.key);
  return keys;
}

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (std::string_view word : words) out += cat(out.empty() ? "" : ", ", word);
  return out;
}

// Where in the schema a key of that name has its place, when it stands in the wrong one.
std::optional<std::string> home_of(const SchemaNode& node, std::string_view key, const std::string& path) {
  if (node.type != SchemaType::map) return std::nullopt;
  for (const SchemaNode& each : node.children)
    if (each.key == key) return path;
  for (const SchemaNode& each : node.children)
    if (auto found = home_of(each, key, path.empty() ? std::string(each.key) : cat(path, '.', each.key))) return found;
  return std::nullopt;
}

class Checker {
 public:
  Checker(const SchemaNode& root, bool null_removes, std::vector<Diagnostic>& out)
      : root_(root), null_removes_(null_removes), out_(out) {}

  void check(const SchemaNode& node, const Value& value, const std::string& pointer) {
    if (value.is_null()) {
      if (!null_removes_ && node.type != SchemaType::free)
        complain(pointer, "nothing is written here", cat("write ", example_of(node), " or take the key out"));
      return;
    }
    switch (node.type) {
      case SchemaType::map: return check_map(node, value, pointer);
      case SchemaType::table: return check_table(node, value, pointer);
      case SchemaType::list: return check_list(node, value, pointer);
      case SchemaType::text: return check_text(node, value, pointer);
      case SchemaType::choice: return check_choice(node, value, pointer);
      case SchemaType::boolean: return check_boolean(value, pointer);
      case SchemaType::integer: return check_integer(node, value, pointer);
      case SchemaType::quantity: return check_quantity(node, value, pointer);
      case SchemaType::scalar:
        if (value.list() || value.map())
          complain(pointer, cat("a text or number is wanted here, not ", found_text(value)),
                   cat("write ", node.example));
        return;
      case SchemaType::free: return;
    }
  }

 private:
  void complain(const std::string& pointer, std::string message, std::string suggestion = {}) {
    out_.push_back({.gravity = Gravity::error,
                    .pointer = pointer,
                    .message = std::move(message),
                    .suggestion = std::move(suggestion),
                    .about_key = false});
  }
  void complain_key(const std::string& pointer, std::string message, std::string suggestion = {}) {
    complain(pointer, std::move(message), std::move(suggestion));
    out_.back().about_key = true;
  }

  static std::string example_of(const SchemaNode& node) {
    if (node.example.empty()) return cat("a ", to_text(node.type));
    return cat('`', node.key == "*" || node.key.empty() ? "" : cat(node.key, ": "), node.example, '`');
  }

  void wrong_type(const SchemaNode& node, const Value& value, const std::string& pointer) {
    complain(pointer, cat("a ", to_text(node.type), " is wanted here, not ", found_text(value)),
             cat("write ", example_of(node)));
  }

  void check_map(const SchemaNode& node, const Value& value, const std::string& pointer) {
    if (!value.map()) return wrong_type(node, value, pointer);
    for (const auto& [key, member] : *value.map()) {
      const SchemaNode* child = node.child(key);
      if (child) check(*child, member, pointer_to(pointer, key));
      else unknown_key(node, key, pointer_to(pointer, key));
    }
    for (const SchemaNode& each : node.children)
      if (each.required && !value.find(each.key))
        complain(pointer, cat("`", each.key, "` is missing: ", each.description), cat("write ", example_of(each)));
  }

  void unknown_key(const SchemaNode& node, std::string_view key, const std::string& pointer) {
    auto keys = keys_of(node);
    if (auto near = nearest(key, keys))
      return complain_key(pointer, cat("unknown key ", quoted(key)), cat("did you mean `", *near, "`?"));
    if (key == "<<")
      return complain_key(pointer, "merge keys (`<<`) are not part of YAML 1.2",
                          "write the keys out, or let a persona `extends` another");
    auto home = home_of(root_, key, "");
    if (home)
      return complain_key(pointer, cat("unknown key ", quoted(key)),
                          home->empty() ? cat("it belongs one level up, directly under `spec`")
                                        : cat("it belongs under `", *home, "`"));
    complain_key(pointer, cat("unknown key ", quoted(key)),
                 keys.empty() ? std::string("nothing may be written here") : cat("known here: ", joined(keys)));
  }

  void check_table(const SchemaNode& node, const Value& value, const std::string& pointer) {
    if (!value.map()) return wrong_type(node, value, pointer);
    if (value.map()->size() > limits::table_members)
      return complain(pointer, cat(value.map()->size(), " keys; at most ", limits::table_members, " are taken"),
                      "split it over several resources");
    for (const auto& [key, member] : *value.map()) {
      std::string here = pointer_to(pointer, key);
      if (key.empty()) complain_key(here, "a key is empty");
      else if (auto wrong = check_format(node.format, key)) complain_key(here, *wrong);
      else check(node.children.front(), member, here);
    }
  }

  void check_list(const SchemaNode& node, const Value& value, const std::string& pointer) {
    const SchemaNode& each = node.children.front();
    if (!value.list()) {
      bool scalar = !value.map();
      return complain(pointer, cat("a list is wanted here, not ", found_text(value)),
                      scalar && value.text() ? cat("write [", *value.text(), "]") : cat("write ", example_of(node)));
    }
    if (value.list()->size() > limits::list_items)
      return complain(pointer, cat(value.list()->size(), " items; at most ", limits::list_items, " are taken"),
                      "use patterns, or split it over several resources");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.list()->size(); ++i) {
      const Value& item = (*value.list())[i];
      std::string here = pointer_to(pointer, i);
      if (item.is_null()) complain(here, "a list has an empty item", "take the `-` out");
      else check(each, item, here);
      if (node.unique && !seen.insert(encode_value(item)).second)
        complain(here, cat(found_text(item), " stands in this list twice"), "take one out");
    }
  }

  void check_text(const SchemaNode& node, const Value& value, const std::string& pointer) {
    if (!value.text()) {
      std::string suggestion = cat("write ", example_of(node));
      if (value.boolean() || value.number()) suggestion = "put it in quotes, as it is written";
      return complain(pointer, cat("a text is wanted here, not ", found_text(value)), std::move(suggestion));
    }
    if (value.text()->size() > limits::text_bytes && node.format != TextFormat::any)
      return complain(pointer,
                      cat("a text of ", value.text()->size(), " bytes; at most ", limits::text_bytes, " are taken"));
    auto wrong = check_format(node.format, *value.text());
    if (!wrong) return;
    complain(pointer, *wrong, node.example.empty() ? std::string() : cat("write ", example_of(node)));
    // A sum that is not known yet stops nobody: what has none is not fetched.
    if (node.format == TextFormat::sha256) out_.back().gravity = Gravity::warning;
  }

  void check_choice(const SchemaNode& node, const Value& value, const std::string& pointer) {
    std::string_view word = value.text() ? std::string_view(*value.text()) : std::string_view();
    if (std::find(node.allowed.begin(), node.allowed.end(), word) != node.allowed.end()) return;
    auto near = nearest(word, node.allowed);
    complain(pointer, cat(found_text(value), " is none of ", joined(node.allowed)),
             near ? cat("did you mean `", *near, "`?") : std::string());
  }

  void check_boolean(const Value& value, const std::string& pointer) {
    if (value.boolean()) return;
    std::string_view word = value.text() ? std::string_view(*value.text()) : std::string_view();
    constexpr std::array<std::string_view, 6> yes{"yes", "on", "Yes", "On", "YES", "ON"};
    constexpr std::array<std::string_view, 6> no{"no", "off", "No", "Off", "NO", "OFF"};
    std::string suggestion = std::find(yes.begin(), yes.end(), word) != yes.end() ? "write true"
                             : std::find(no.begin(), no.end(), word) != no.end()  ? "write false"
                                                                                  : "write true or false";
    complain(pointer, cat("true or false is wanted here, not ", found_text(value)), std::move(suggestion));
  }

  void check_integer(const SchemaNode& node, const Value& value, const std::string& pointer) {
    std::string range = cat(to_text(node.min.value_or(0)), " to ", to_text(node.max.value_or(0)));
    if (!value.integer())
      return complain(pointer, cat("a whole number is wanted here, not ", found_text(value)),
                      cat("write a number from ", range));
    auto number = static_cast<double>(*value.integer());
    if ((node.min && number < *node.min) || (node.max && number > *node.max))
      complain(pointer, cat(found_text(value), " is out of range"), cat("write a number from ", range));
  }

  void check_quantity(const SchemaNode& node, const Value& value, const std::string& pointer) {
    if (value.boolean() || value.list() || value.map())
      return complain(pointer, cat("a quantity is wanted here, not ", found_text(value)),
                      cat("write ", example_of(node)));
    auto parsed = parse_leaf(value, node.dimensions);
    if (!parsed) return complain(pointer, parsed.error().message, cat("write ", example_of(node)));
    if (node.min && parsed->value < *node.min)
      complain(pointer, cat(found_text(value), " is below ", to_text(*node.min)), cat("write ", example_of(node)));
    if (node.max && parsed->value > *node.max)
      complain(pointer, cat(found_text(value), " is above ", to_text(*node.max)), cat("write ", example_of(node)));
  }

  const SchemaNode& root_;
  bool null_removes_;
  std::vector<Diagnostic>& out_;
};

void cut_to_limit(std::vector<Diagnostic>& out) {
  if (out.size() <= max_diagnostics) return;
  std::size_t more = out.size() - max_diagnostics + 1;
  out.resize(max_diagnostics - 1);
  out.push_back({.gravity = Gravity::error,
                 .pointer = "",
                 .message = cat(more, " more are not shown; mend these first"),
                 .suggestion = {},
                 .about_key = false});
}

}  // namespace

std::string_view to_text(Gravity gravity) { return gravity == Gravity::error ? "error" : "warning"; }

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& each) { return each.gravity == Gravity::error; });
}

namespace detail {

void check_against(const SchemaNode& schema, const Value& value, const std::string& pointer,
                   std::vector<Diagnostic>& out) {
  Checker(schema, false, out).check(schema, value, pointer);
}

}  // namespace detail

std::vector<Diagnostic> validate_spec(ResourceKind kind, std::string_view name, const Value& spec) {
  std::vector<Diagnostic> out;
  const SchemaNode& schema = schema_of(kind);
  const Value empty{Value::Map{}};
  const Value& written = spec.is_null() ? empty : spec;
  // In a persona `null` takes an inherited key away; elsewhere there is nothing to inherit.
  Checker(schema, kind == ResourceKind::persona, out).check(schema, written, "");
  std::size_t bytes = encode_value(spec).size();
  if (bytes > limits::spec_bytes)
    out.push_back({.gravity = Gravity::error,
                   .pointer = "",
                   .message = cat("the spec takes ", bytes, " bytes; at most ", limits::spec_bytes, " are taken"),
                   .suggestion = "split it over several resources",
                   .about_key = false});
  // Rules between keys make sense only where each key does.
  if (!has_errors(out)) detail::check_rules(kind, name, written, out);
  cut_to_limit(out);
  return out;
}

}  // namespace mien::model
