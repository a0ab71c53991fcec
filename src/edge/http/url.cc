#include "edge/http/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace mien::edge {
namespace {

Error invalid(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

// Only what host names and addresses are written with: neither a NUL, which would end them early for the C library, nor
// a delimiter.
bool is_host_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' || c == ':' || c == '%';
  });
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      auto byte = i + 2 < text.size() ? parse_hex(text.substr(i + 1, 2)) : std::nullopt;
      if (!byte) return std::nullopt;
      out += *byte;
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
    if (plain) out.push_back(c);
    else out += cat('%', to_hex(std::string_view(&c, 1)));
  }
  return out;
}

Result<Target> parse_target(std::string_view target) {
  Target out;
  if (target == "*") {
    out.path = "*";
    return out;
  }
  if (auto scheme = target.find("://"); !target.empty() && target.front() != '/' && scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    auto slash = std::min(target.find_first_of("/?"), target.size());
    out.authority = std::string(target.substr(0, slash));
    target.remove_prefix(slash);
  }
  target = target.substr(0, target.find('#'));
  auto question = target.find('?');
  auto path = target.substr(0, question);
  if (path.empty() && !out.authority.empty()) path = "/";
  if (path.empty() || path.front() != '/') return invalid("the request's path must begin with '/'");
  auto decoded = percent_decode(path, false);
  if (!decoded || decoded->find('\0') != std::string::npos || !is_utf8(*decoded))
    return invalid("the request's path has a broken percent escape or is not UTF-8");
  out.path = std::move(*decoded);
  if (question == std::string_view::npos) return out;
  for (std::string_view pair : split(target.substr(question + 1), '&')) {
    if (pair.empty()) continue;
    auto equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::string{} : percent_decode(pair.substr(equals + 1), true);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value))
      return invalid(cat("the query has a broken percent escape or is not UTF-8 near '", pair.substr(0, 40), "'"));
    out.query[std::move(*name)] = std::move(*value);
  }
  return out;
}

std::string to_target(const std::string& path, const std::map<std::string, std::string>& query) {
  auto encode_word = [](std::string_view word) {
    std::string out;
    for (char c : percent_encode(word)) out += c == '/' ? std::string("%2F") : std::string(1, c);
    return out;
  };
  std::string out = path == "*" ? path : percent_encode(path);
  char separator = '?';
  for (const auto& [name, value] : query) {
    out += cat(separator, encode_word(name), '=', encode_word(value));
    separator = '&';
  }
  return out;
}

Result<HostPort> parse_host_port(std::string_view text) {
  HostPort out;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    auto close = text.find(']');
    if (close == std::string_view::npos)
      return invalid(cat("'", text, "' lacks its closing bracket: write [::1]:7070"));
    out.host = to_lower(text.substr(1, close - 1));
    port = text.substr(close + 1);
  } else {
    auto colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
      return invalid(cat("'", text, "': write an IPv6 address in brackets, as in [::1]:7070"));
    out.host = to_lower(text.substr(0, colon));
    port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (out.host.empty() || !is_host_text(out.host))
    return invalid(cat("'", text, "' names no host: write HOST:PORT, as in 127.0.0.1:7070"));
  if (port.empty()) return out;
  auto number = port.front() == ':' ? parse_integer(port.substr(1)) : std::nullopt;
  if (!number || *number < 0 || *number > 65535)
    return invalid(cat("'", text, "': the port must be a number from 0 to 65535"));
  out.port = static_cast<std::uint16_t>(*number);
  out.port_given = true;
  return out;
}

Result<ServerUrl> parse_server_url(std::string_view url) {
  ServerUrl out;
  auto rest = url;
  if (to_lower(rest.substr(0, 8)) == "https://") {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (to_lower(rest.substr(0, 7)) == "http://") {
    rest.remove_prefix(7);
  } else {
    return invalid(cat("'", url, "' is no server address: write http://HOST:PORT or https://HOST:PORT"));
  }
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find_first_of("/?#@") != std::string_view::npos)
    return invalid(
        cat("'", url, "' has more than a host and port: write ", out.tls ? "https" : "http", "://HOST:PORT"));
  HostPort host = TRY(parse_host_port(rest));
  out.host = host.host;
  out.port = host.port_given ? host.port : static_cast<std::uint16_t>(out.tls ? 443 : 80);
  return out;
}

std::string to_host_port(std::string_view host, std::uint16_t port) {
  return host.find(':') == std::string_view::npos ? cat(host, ':', port) : cat('[', host, "]:", port);
}

bool is_ip_address(std::string_view host) {
  if (!is_host_text(host)) return false;
  std::string name(host);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

bool is_loopback_host(std::string_view host) {
  if (!is_host_text(host)) return false;
  std::string name = to_lower(host);
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  in_addr four{};
  if (::inet_pton(AF_INET, name.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  in6_addr six{};
  if (::inet_pton(AF_INET6, name.c_str(), &six) != 1) return false;
  if (IN6_IS_ADDR_LOOPBACK(&six)) return true;
  return IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127;
}

}  // namespace mien::edge
