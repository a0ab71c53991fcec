// Addresses and request targets taken apart: pure text, no look-ups. Everything here is given by outsiders, so every
// function is total.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::edge {

[[nodiscard]] std::string to_lower(std::string_view text);  // ASCII

// "%41+b": nothing when an escape is broken. `plus_is_space` for queries.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
[[nodiscard]] std::string percent_encode(std::string_view text);  // all but unreserved characters and '/'

struct Target {
  std::string path;                          // decoded, begins with '/' (or is "*")
  std::map<std::string, std::string> query;  // decoded; the last of equal names wins
  std::string authority;                     // of an absolute target "http://host/path"; empty otherwise
};
// A request line's target. Errors: invalid.
[[nodiscard]] Result<Target> parse_target(std::string_view target);
// The same, back: "/api/v1/findings?all=true".
[[nodiscard]] std::string to_target(const std::string& path, const std::map<std::string, std::string>& query);

struct HostPort {
  std::string host;  // without brackets, lower case: "::1", "web-01"
  std::uint16_t port = 0;
  bool port_given = false;
};
// "127.0.0.1:7070", "[::1]:7070", "web-01". Errors: invalid.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

struct ServerUrl {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
};
// "http://127.0.0.1:7070", "https://manager"; a path other than "/" is refused. Default ports 80 and 443 as everywhere.
[[nodiscard]] Result<ServerUrl> parse_server_url(std::string_view url);

// "127.0.0.1:7070", "[::1]:7070".
[[nodiscard]] std::string to_host_port(std::string_view host, std::uint16_t port);
// "192.0.2.1", "2001:db8::1": without brackets.
[[nodiscard]] bool is_ip_address(std::string_view host);
// Whether a host (name or address, without brackets) can only mean this machine: localhost, *.localhost, 127/8, ::1.
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace mien::edge
