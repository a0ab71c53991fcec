// Trees as YAML and JSON text that reads back to the same tree (wire/yaml.h).
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "wire/detail/scalar.h"
#include "wire/document.h"
#include "wire/yaml.h"

namespace mien::wire {
namespace {

using model::Value;

bool is_plain_character(char c) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || std::string_view("_./-@+%").find(c) != std::string_view::npos;
}

// Texts that need no quotes anywhere: nothing that means something to YAML, and nothing that reads as another type.
bool is_plain(std::string_view text) {
  constexpr std::size_t longest = 120;
  if (text.empty() || text.size() > longest || text[0] == '-' || text[0] == '@' || text[0] == '+' || text[0] == '%' ||
      text == "." || text.starts_with("..."))
    return false;
  for (char c : text)
    if (!is_plain_character(c)) return false;
  return detail::resolve_scalar(text).text() != nullptr;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", byte);
      out += escape.data();
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

std::string text_of(std::string_view text) { return is_plain(text) ? std::string(text) : quoted(text); }

std::string scalar(const Value& value) {
  if (value.boolean()) return *value.boolean() ? "true" : "false";
  if (value.integer()) return std::to_string(*value.integer());
  if (value.real()) {
    std::string number = to_text(*value.real());
    bool whole = number.find_first_of(".einf") == std::string::npos;
    return whole ? number + ".0" : number;
  }
  return value.text() ? text_of(*value.text()) : "null";
}

bool is_scalar(const Value& value) { return !value.list() && !value.map(); }

// [a, b] where it is short and flat; nothing where it is not.
std::optional<std::string> flow_list(const Value::List& list) {
  constexpr std::size_t longest = 100;
  std::string out = "[";
  for (const Value& item : list) {
    if (!is_scalar(item)) return std::nullopt;
    out += cat(out.size() > 1 ? ", " : "", scalar(item));
    if (out.size() > longest) return std::nullopt;
  }
  return out + "]";
}

void emit(std::string& out, const Value& value, std::size_t indent, bool after_dash);

void emit_member(std::string& out, const Value& value, std::size_t indent) {
  if (is_scalar(value)) out += cat(" ", scalar(value), "\n");
  else if (value.list() && value.list()->empty()) out += " []\n";
  else if (value.map() && value.map()->empty()) out += " {}\n";
  else if (auto flow = value.list() ? flow_list(*value.list()) : std::nullopt) out += cat(" ", *flow, "\n");
  else {
    out += '\n';
    emit(out, value, indent, false);
  }
}

void emit(std::string& out, const Value& value, std::size_t indent, bool after_dash) {
  std::string lead(indent, ' ');
  if (const auto* map = value.map(); map && !map->empty()) {
    bool first = after_dash;
    for (const auto& [key, member] : *map) {
      constexpr std::size_t longest_key = 500;  // longer ones are not implicit keys
      std::string name = text_of(key);
      out += cat(first ? "" : lead, name.size() > longest_key ? cat("? ", name, "\n", lead) : name, ":");
      emit_member(out, member, indent + 2);
      first = false;
    }
    return;
  }
  if (const auto* list = value.list(); list && !list->empty()) {
    bool first = after_dash;
    for (const Value& item : *list) {
      out += first ? "-" : cat(lead, "-");
      first = false;
      bool nested =
          (item.map() && !item.map()->empty()) || (item.list() && !item.list()->empty() && !flow_list(*item.list()));
      if (nested) {
        out += ' ';
        emit(out, item, indent + 2, true);
      } else {
        emit_member(out, item, indent + 2);
      }
    }
    return;
  }
  std::string line;
  emit_member(line, value, indent);
  out += line.substr(1);
}

}  // namespace

std::string to_yaml(const Value& value) {
  std::string out;
  emit(out, value, 0, false);
  return out;
}

std::string to_yaml(const model::Resource& resource) { return to_yaml(model::to_document(resource)); }

std::string to_json(const Value& value) { return dump(to_document(value), 2) + "\n"; }

std::string to_json(const model::Resource& resource) { return to_json(model::to_document(resource)); }

}  // namespace mien::wire
