// Who may: CONTRACTS, section 4. One pure decision per request, from what the transport knows, the headers and the need
// of the route; no socket, file or clock is touched here.
//
// The rules, in their order:
//  1. Where the listener is on loopback, the Host must be one of its own names (against DNS rebinding: 421).
//  2. A request that a browser sends for a foreign page is refused (Origin, Sec-Fetch-Site: 403), whatever it asks for.
//  3. On any address but loopback, everything needs TLS and a token; routes with Need::open need TLS only.
//  4. A token, where one is given, decides alone: a wrong or expired one is 401, never a fall back to "nobody".
//  5. Root and our own user on a unix socket are whoever the rules say: the agent of this host.
//  6. Without a token, local processes may read and deliver telemetry; they see it blanked.
// Tokens come in the Authorization header only: URLs end up in logs and histories.
//
// Threads: authorize may be called from any thread at once; `find` must allow that. Cost: one SHA-256 and a look-up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "edge/api/api.h"
#include "edge/http/http.h"
#include "node/record.h"

namespace mien::edge {

// For one listener.
struct AccessRules {
  // What is stored for a key, as View.access holds it: "token/<sha256 hex>".
  std::function<std::optional<node::Access>(const std::string& key)> find{};
  std::string local_token_hash{};       // sha256_hex of the token in the local file: admin; empty: there is none
  bool loopback = true;                 // the listener is bound to a loopback address, or is a unix socket
  std::uint16_t port = 0;               // of the listener
  std::vector<std::string> hosts{};     // further names by which a loopback listener may be called
  std::optional<Caller> unix_caller{};  // who root and `unix_uids` are on a unix socket; nothing: they need tokens too
  std::vector<unsigned> unix_uids{};    // besides 0
};

[[nodiscard]] std::variant<Caller, Denial> authorize(const HttpRequest& request, const AccessRules& rules, Need need,
                                                     WallTime now);
// The same, as the Api wants it.
[[nodiscard]] Authorize make_authorize(AccessRules rules);

}  // namespace mien::edge
