// Request targets, Host headers and server addresses: any text is taken apart or refused; what was taken apart can be
// put together and taken apart again, with the same parts.
// rooms: edge
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/text.h"
#include "edge/http/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  CHECK(edge::percent_decode(edge::percent_encode(text), false) == text);
  (void)edge::percent_decode(text, true);
  if (edge::is_loopback_host(text) || edge::is_ip_address(text)) CHECK(edge::parse_host_port(cat('[', text, ']')).ok());
  if (auto target = edge::parse_target(text)) {
    CHECK(target->path == "*" || target->path.front() == '/');
    CHECK(is_utf8(target->path) && target->path.find('\0') == std::string::npos);
    auto again = edge::parse_target(edge::to_target(target->path, target->query));
    CHECK(again.ok() && again->path == target->path && again->query == target->query && again->authority.empty());
  }
  if (auto host = edge::parse_host_port(text)) {
    CHECK(!host->host.empty());
    auto again = edge::parse_host_port(edge::to_host_port(host->host, host->port));
    CHECK(again.ok() && again->host == host->host && again->port == host->port && again->port_given);
  }
  if (auto server = edge::parse_server_url(text)) {
    std::string url = cat(server->tls ? "https://" : "http://", edge::to_host_port(server->host, server->port));
    auto again = edge::parse_server_url(url);
    CHECK(again.ok() && again->tls == server->tls && again->host == server->host && again->port == server->port);
  }
  return 0;
}
