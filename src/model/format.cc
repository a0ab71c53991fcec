// The formats of texts: names, labels, sockets, paths, expressions.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/validate.h"

namespace mien::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

using Wrong = std::optional<std::string>;

Wrong check_plain_name(std::string_view text) {
  if (text.empty()) return "a name is empty";
  if (text.size() > limits::name_bytes)
    return cat("a name of ", text.size(), " characters; at most ", limits::name_bytes);
  bool good =
      std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '.'; });
  bool ends = (is_lower(text.front()) || is_digit(text.front())) && (is_lower(text.back()) || is_digit(text.back()));
  if (good && ends && text.find("..") == std::string_view::npos) return std::nullopt;
  return cat("`", text,
             "` is not a name: lower-case letters, digits, `-` and `.`, starting and ending with a letter or digit");
}

// Host names, `UNIT@HOST`, and what other senders call themselves: no space, slash or control character.
Wrong check_instance_name(std::string_view text) {
  if (text.empty()) return "a name is empty";
  if (text.size() > limits::name_bytes)
    return cat("a name of ", text.size(), " characters; at most ", limits::name_bytes);
  bool good = std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("-._@:+\\").find(c) != std::string_view::npos;
  });
  if (good && (is_letter(text.front()) || is_digit(text.front()))) return std::nullopt;
  return cat(
      "`", text,
      "` is not the name of an instance: letters, digits and any of - . _ @ : + \\, starting with a letter or digit");
}

Wrong check_metric(std::string_view text) {
  bool good = text.size() <= limits::name_bytes && !text.empty() && is_letter(text.front()) &&
              std::all_of(text.begin(), text.end(), [](char c) {
                return is_letter(c) || is_digit(c) || std::string_view("._-/:").find(c) != std::string_view::npos;
              });
  if (good) return std::nullopt;
  return cat("`", text, "` is not a metric name: write it as OpenTelemetry does, like system.cpu.utilization");
}

Wrong check_label(std::string_view text) {
  bool good = text.size() <= limits::label_value_bytes && is_utf8(text) &&
              std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  bool selectable = text.find_first_of(",=") == std::string_view::npos;
  if (good && selectable) return std::nullopt;
  return good
             ? cat("`", text, "`: a label has no comma and no equals sign, they separate labels in a selector")
             : cat("a label is a short text without control characters, at most ", limits::label_value_bytes, " bytes");
}

Wrong check_path(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "a path has a zero byte";
  if (text.starts_with('/')) return std::nullopt;
  return cat("`", text, "` is not an absolute path");
}

bool is_port(std::string_view text) {
  auto port = parse_integer(text);
  return port && *port >= 1 && *port <= 65535 && is_digit(text.front());
}

bool is_port_range(std::string_view text) {
  std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return text == "*" || is_port(text);
  std::string_view low = text.substr(0, dash);
  std::string_view high = text.substr(dash + 1);
  return is_port(low) && is_port(high) && *parse_integer(low) <= *parse_integer(high);
}

Wrong check_listen(std::string_view text) {
  if ((text.starts_with("tcp/") || text.starts_with("udp/")) && is_port_range(text.substr(4))) return std::nullopt;
  if (text.starts_with("unix/") && text.size() > 5) return std::nullopt;
  return cat("`", text, "` is not a listening socket: write tcp/80, udp/53, tcp/8000-8100 or unix//run/app.sock");
}

// ADDRESS[/PREFIX]:PORT, NAME:PORT, [IPV6]/PREFIX:PORT; the port may be a range or *.
Wrong check_connect(std::string_view text) {
  std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && colon > 0 && is_port_range(text.substr(colon + 1))) {
    std::string_view host = text.substr(0, colon);
    std::size_t slash = host.find('/');
    auto prefix =
        slash == std::string_view::npos ? std::optional<std::int64_t>(0) : parse_integer(host.substr(slash + 1));
    std::string_view address = host.substr(0, slash);
    std::int64_t most = address.find(':') == std::string_view::npos ? 32 : 128;
    bool good = !address.empty() && std::all_of(address.begin(), address.end(), [](char c) {
      return is_letter(c) || is_digit(c) || std::string_view(".-*:[]_").find(c) != std::string_view::npos;
    });
    if (good && prefix && *prefix >= 0 && *prefix <= most) return std::nullopt;
  }
  return cat("`", text, "` is not a destination: write 10.0.0.0/8:5432, db.example.org:443 or [fd00::]/8:*");
}

// Light: brackets and quotes close, and something stands there. What it means is the business of whoever evaluates it.
Wrong check_expression(std::string_view text) {
  if (trim(text).empty()) return "an expression is empty";
  std::string open;
  char quote = 0;
  for (char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      open.push_back(')');
    } else if (c == ')') {
      if (open.empty()) return "an expression closes a bracket that it never opened";
      open.pop_back();
    }
  }
  if (quote != 0) return cat("an expression opens a text with ", quote, " and never closes it");
  if (!open.empty()) return "an expression opens a bracket and never closes it";
  return std::nullopt;
}

Wrong check_sha256(std::string_view text) {
  if (text.size() == 64 && parse_hex(text)) return std::nullopt;
  return "a SHA-256 sum has 64 hexadecimal digits";
}

}  // namespace

std::optional<std::string> check_format(TextFormat format, std::string_view text) {
  switch (format) {
    case TextFormat::any: return std::nullopt;
    case TextFormat::name: return check_plain_name(text);
    case TextFormat::instance_name: return check_instance_name(text);
    case TextFormat::metric: return check_metric(text);
    case TextFormat::path: return check_path(text);
    case TextFormat::listen: return check_listen(text);
    case TextFormat::connect: return check_connect(text);
    case TextFormat::expression: return check_expression(text);
    case TextFormat::label: return check_label(text);
    case TextFormat::sha256: return check_sha256(text);
  }
  return std::nullopt;
}

Status check_name(ResourceKind kind, std::string_view name) {
  auto wrong = check_format(kind == ResourceKind::instance ? TextFormat::instance_name : TextFormat::name, name);
  if (!wrong) return {};
  return Error{.code = Code::invalid, .message = std::move(*wrong), .where = {}, .cause = {}};
}

}  // namespace mien::model
