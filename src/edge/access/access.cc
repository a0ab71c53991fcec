#include "edge/access/access.h"

#include <algorithm>

#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/http/url.h"

namespace mien::edge {
namespace {

constexpr std::size_t max_token = 512;

bool is_read(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

std::optional<Denial> check_host(const HttpRequest& request, const AccessRules& rules) {
  if (!rules.loopback || request.peer.uid)
    return {};  // no browser reaches a unix socket, and elsewhere a token is needed
  auto host = parse_host_port(request.header("host"));
  bool ours = host && (is_loopback_host(host->host) ||
                       std::find(rules.hosts.begin(), rules.hosts.end(), host->host) != rules.hosts.end());
  bool our_port = host && (host->port_given ? host->port : request.peer.tls ? 443 : 80) == rules.port;
  if (ours && our_port) return {};
  return Denial{.status = 421,
                .detail = cat("the Host header says '", request.header("host"),
                              "', which is no name of this server: call it ", request.peer.tls ? "https" : "http",
                              "://127.0.0.1:", rules.port, ", or list the name under `names` in mien.yaml")};
}

// "http://127.0.0.1:7070" for a request to Host "127.0.0.1:7070".
bool is_own_origin(std::string_view origin, const HttpRequest& request, const AccessRules& rules) {
  auto parsed = parse_server_url(origin);
  auto host = parse_host_port(request.header("host"));
  if (!parsed || !host) return false;
  std::uint16_t port = host->port_given ? host->port : static_cast<std::uint16_t>(request.peer.tls ? 443 : 80);
  if (parsed->tls != request.peer.tls || parsed->port != port) return false;
  // localhost and 127.0.0.1 are the same server under two names.
  return parsed->host == host->host ||
         (rules.loopback && is_loopback_host(parsed->host) && is_loopback_host(host->host));
}

std::optional<Denial> check_origin(const HttpRequest& request, const AccessRules& rules) {
  std::string_view origin = request.header("origin");
  if (!origin.empty() && !is_own_origin(origin, request, rules))
    return Denial{.status = 403,
                  .detail = cat("a page of '", origin,
                                "' asked for this, and only Mien's own pages may: open the console itself")};
  // A foreign page's images, scripts and simple requests carry no Origin, but say this. Following a link is a person's
  // act.
  std::string_view site = request.header("sec-fetch-site");
  bool followed_link = request.header("sec-fetch-mode") == "navigate" &&
                       request.header("sec-fetch-dest") == "document" && is_read(request);
  if ((site == "cross-site" || site == "same-site") && !followed_link)
    return Denial{
        .status = 403,
        .detail = "a page of another site asked for this, and only Mien's own pages may: open the console itself"};
  return {};
}

std::string_view token_advice(const AccessRules& rules) {
  return rules.loopback
             ? "use `mien` as the user who runs the server, or give --token-file"
             : "give --token-file with a token of this manager, or join with the line that `mien enroll` prints";
}

// The token in the Authorization header; empty without one.
std::variant<std::string, Denial> token_of(const HttpRequest& request) {
  for (const char* name : {"token", "access_token", "api_key"})
    if (request.query.count(name) != 0)
      return Denial{.status = 401,
                    .detail = cat("`", name,
                                  "` stands in the URL, where logs keep it: make a new token, and send it as "
                                  "`Authorization: Bearer TOKEN`")};
  std::string_view header = request.header("authorization");
  if (header.empty()) return std::string{};
  auto space = header.find(' ');
  std::string_view token = space == std::string_view::npos ? std::string_view{} : trim(header.substr(space));
  if (to_lower(header.substr(0, space)) != "bearer" || token.empty() || token.size() > max_token)
    return Denial{.status = 401, .detail = "the Authorization header must read `Bearer TOKEN`"};
  return std::string(token);
}

std::variant<Caller, Denial> caller_of(const std::string& token, const AccessRules& rules, WallTime now) {
  std::string hash = sha256_hex(token);
  if (!rules.local_token_hash.empty() && equal_in_constant_time(hash, rules.local_token_hash))
    return Caller{.role = node::Role::admin, .actor = "admin (local token)", .agent = {}, .selector = {}};
  auto access = rules.find ? rules.find("token/" + hash) : std::nullopt;
  if (!access)
    return Denial{.status = 401,
                  .detail = cat("this token is not known here, or was withdrawn: ", token_advice(rules))};
  if (access->expires_at.ns != 0 && access->expires_at <= now)
    return Denial{
        .status = 401,
        .detail = cat("this token expired at ", to_rfc3339(access->expires_at), ": ask an admin for a new one")};
  bool agent = access->role == node::Role::agent;
  return Caller{
      .role = access->role,
      .actor = agent ? cat("agent ", access->name) : cat(node::to_text(access->role), " (token ", access->name, ')'),
      .agent = agent ? access->name : std::string{},
      .selector = access->selector};
}

bool may(const Caller& caller, Need need) {
  switch (need) {
    case Need::open: return true;
    case Need::ingest: return caller.role == node::Role::agent || caller.role >= node::Role::operator_;
    case Need::agent: return caller.role == node::Role::agent || caller.role == node::Role::admin;
    case Need::read: return caller.role >= node::Role::viewer;
    case Need::write: return caller.role >= node::Role::operator_;
    // What an admin gives out (tokens, a backup) is not limited to labels, so who is limited may not.
    case Need::admin: return caller.role == node::Role::admin && caller.selector.empty();
  }
  return false;
}

std::string_view needed_role(Need need) {
  switch (need) {
    case Need::ingest:
    case Need::agent: return "an agent's token";
    case Need::write: return "a token of role operator or admin";
    case Need::admin: return "a token of role admin that is not limited to a selector";
    default: return "a token of role viewer, operator or admin";
  }
}

std::variant<Caller, Denial> admit(Caller caller, Need need) {
  if (may(caller, need)) return caller;
  return Denial{
      .status = 403,
      .detail = cat("this needs ", needed_role(need), ", and you are ", caller.actor, ": ask an admin for one")};
}

}  // namespace

std::variant<Caller, Denial> authorize(const HttpRequest& request, const AccessRules& rules, Need need, WallTime now) {
  if (auto denial = check_host(request, rules)) return *denial;
  if (auto denial = check_origin(request, rules)) return *denial;
  bool over_unix = request.peer.uid.has_value();
  if (!rules.loopback && !request.peer.tls && !over_unix)
    return Denial{.status = 403, .detail = "on this address only TLS is spoken: use https:// and the manager's CA"};

  auto token = token_of(request);
  if (auto* denial = std::get_if<Denial>(&token)) return *denial;
  if (const auto& text = std::get<std::string>(token); !text.empty()) {
    auto caller = caller_of(text, rules, now);
    if (auto* denial = std::get_if<Denial>(&caller)) return *denial;
    return admit(std::get<Caller>(std::move(caller)), need);
  }

  if (over_unix && rules.unix_caller) {
    unsigned uid = *request.peer.uid;
    if (uid == 0 || std::find(rules.unix_uids.begin(), rules.unix_uids.end(), uid) != rules.unix_uids.end())
      return admit(*rules.unix_caller, need);
  }
  // A proxy on this machine speaks for others, who are not local.
  bool forwarded = !request.header("forwarded").empty() || !request.header("x-forwarded-for").empty();
  bool local = rules.loopback && request.peer.loopback && !forwarded;
  bool open = need == Need::open || (local && (need == Need::ingest || (need == Need::read && is_read(request))));
  if (open)
    return Caller{.role = node::Role::viewer,
                  .actor = local ? "local process" : "anonymous",
                  .agent = {},
                  .selector = {},
                  .blanked = true};
  return Denial{.status = 401, .detail = cat("this needs ", needed_role(need), ": ", token_advice(rules))};
}

Authorize make_authorize(AccessRules rules) {
  return [rules = std::move(rules)](const HttpRequest& request, Need need, WallTime now) {
    return authorize(request, rules, need, now);
  };
}

}  // namespace mien::edge
