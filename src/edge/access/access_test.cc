#include "edge/access/access.h"

#include <gtest/gtest.h>

#include <map>

#include "base/text.h"
#include "edge/crypto/crypto.h"

namespace mien::edge {
namespace {

constexpr WallTime now{1'800'000'000'000'000'000};

const std::map<std::string, node::Access>& stored() {
  static const std::map<std::string, node::Access> tokens{
      {"token/" + sha256_hex("viewer"), {.role = node::Role::viewer, .name = "wall", .selector = {}, .expires_at = {}}},
      {"token/" + sha256_hex("operator"),
       {.role = node::Role::operator_, .name = "anna", .selector = "role=web", .expires_at = now + 1h}},
      {"token/" + sha256_hex("admin"), {.role = node::Role::admin, .name = "root", .selector = {}, .expires_at = {}}},
      {"token/" + sha256_hex("limited"),
       {.role = node::Role::admin, .name = "team", .selector = "team=a", .expires_at = {}}},
      {"token/" + sha256_hex("agent"), {.role = node::Role::agent, .name = "web-01", .selector = {}, .expires_at = {}}},
      {"token/" + sha256_hex("old"), {.role = node::Role::admin, .name = "old", .selector = {}, .expires_at = now}},
  };
  return tokens;
}

std::optional<node::Access> find(const std::string& key) {
  auto at = stored().find(key);
  return at == stored().end() ? std::nullopt : std::optional(at->second);
}

AccessRules loopback_rules() {
  return AccessRules{.find = find, .local_token_hash = sha256_hex("local"), .loopback = true, .port = 7070};
}
AccessRules network_rules() {
  return AccessRules{.find = find, .local_token_hash = sha256_hex("local"), .loopback = false, .port = 7070};
}

HttpRequest local(std::string method = "GET") {
  return HttpRequest{.method = std::move(method),
                     .path = "/",
                     .headers = {{"host", "127.0.0.1:7070"}},
                     .peer = {.address = "127.0.0.1", .loopback = true}};
}
HttpRequest remote(std::string method = "GET") {
  return HttpRequest{.method = std::move(method),
                     .path = "/",
                     .headers = {{"host", "manager:7070"}},
                     .peer = {.address = "10.0.0.9", .tls = true}};
}
HttpRequest with(HttpRequest request, const std::string& name, std::string value) {
  request.headers[name] = std::move(value);
  return request;
}
HttpRequest with_token(HttpRequest request, std::string_view token) {
  return with(std::move(request), "authorization", cat("Bearer ", token));
}

// 0: let in; otherwise the status.
int outcome(const HttpRequest& request, const AccessRules& rules, Need need) {
  auto asked = authorize(request, rules, need, now);
  if (auto* denial = std::get_if<Denial>(&asked)) {
    EXPECT_GT(denial->detail.size(), 20U);
    return denial->status;
  }
  return 0;
}

TEST(AccessOnLoopback, ReadingAndIngestAreOpenAndBlanked) {
  auto asked = authorize(local(), loopback_rules(), Need::read, now);
  ASSERT_TRUE(std::holds_alternative<Caller>(asked));
  EXPECT_TRUE(std::get<Caller>(asked).blanked);
  EXPECT_EQ(std::get<Caller>(asked).role, node::Role::viewer);
  EXPECT_EQ(outcome(local("POST"), loopback_rules(), Need::ingest), 0);
}

TEST(AccessOnLoopback, EverythingElseNeedsAToken) {
  for (Need need : {Need::write, Need::admin, Need::agent})
    EXPECT_EQ(outcome(local("POST"), loopback_rules(), need), 401);
  EXPECT_EQ(outcome(local("POST"), loopback_rules(), Need::read), 401);
  EXPECT_EQ(outcome(local("GET"), loopback_rules(), Need::admin), 401);
  EXPECT_EQ(outcome(with_token(local("POST"), "local"), loopback_rules(), Need::admin), 0);
}

TEST(AccessOnLoopback, AWrongTokenIsNotNobody) {
  EXPECT_EQ(outcome(with_token(local(), "guess"), loopback_rules(), Need::read), 401);
  EXPECT_EQ(outcome(with(local(), "authorization", "Basic YTpi"), loopback_rules(), Need::read), 401);
  EXPECT_EQ(outcome(with(local(), "authorization", "Bearer"), loopback_rules(), Need::read), 401);
  EXPECT_EQ(outcome(with_token(local(), std::string(600, 'x')), loopback_rules(), Need::read), 401);
}

TEST(AccessOnLoopback, TheHostMustBeOneOfOurs) {
  for (const char* host :
       {"127.0.0.1:7070", "localhost:7070", "[::1]:7070", "LOCALHOST:7070", "127.1.2.3:7070", "mien.localhost:7070"})
    EXPECT_EQ(outcome(with(local(), "host", host), loopback_rules(), Need::read), 0) << host;
  for (const char* host : {"evil.example", "evil.example:7070", "127.0.0.1.evil.example:7070",
                           "localhost.evil.example:7070", "127.0.0.1:7071", "127.0.0.1", "", "10.0.0.1:7070",
                           "[::2]:7070", "127.0.0.1@evil.example:7070", "0.0.0.0:7070"})
    EXPECT_EQ(outcome(with(local(), "host", host), loopback_rules(), Need::read), 421) << host;
  EXPECT_EQ(
      outcome(with_token(with(local("POST"), "host", "evil.example:7070"), "local"), loopback_rules(), Need::write),
      421);
  auto rules = loopback_rules();
  rules.hosts = {"mien.internal"};
  EXPECT_EQ(outcome(with(local(), "host", "mien.internal:7070"), rules, Need::read), 0);
}

TEST(AccessOnLoopback, Ipv6LoopbackIsLoopback) {
  auto request = with(local(), "host", "[::1]:7070");
  request.peer.address = "::1";
  EXPECT_EQ(outcome(request, loopback_rules(), Need::read), 0);
  EXPECT_EQ(outcome(with(request, "origin", "http://[::1]:7070"), loopback_rules(), Need::read), 0);
}

TEST(AccessOnLoopback, AForeignOriginIsRefusedForReadingToo) {
  for (const char* origin :
       {"http://evil.example", "null", "https://127.0.0.1:7070", "http://127.0.0.1:3000", "http://localhost", "file://",
        "http://127.0.0.1:7070.evil.example", "http://evil.example:7070"}) {
    EXPECT_EQ(outcome(with(local(), "origin", origin), loopback_rules(), Need::read), 403) << origin;
    EXPECT_EQ(outcome(with(local("POST"), "origin", origin), loopback_rules(), Need::ingest), 403) << origin;
    EXPECT_EQ(outcome(with_token(with(local("POST"), "origin", origin), "local"), loopback_rules(), Need::write), 403)
        << origin;
  }
  for (const char* origin : {"http://127.0.0.1:7070", "http://localhost:7070"})
    EXPECT_EQ(outcome(with(local(), "origin", origin), loopback_rules(), Need::read), 0) << origin;
}

TEST(AccessOnLoopback, AForeignPagesImageOrScriptIsRefusedButALinkIsFollowed) {
  EXPECT_EQ(outcome(with(local(), "sec-fetch-site", "cross-site"), loopback_rules(), Need::read), 403);
  EXPECT_EQ(outcome(with(local(), "sec-fetch-site", "same-site"), loopback_rules(), Need::read), 403);
  EXPECT_EQ(outcome(with(local(), "sec-fetch-site", "same-origin"), loopback_rules(), Need::read), 0);
  auto link = with(with(with(local(), "sec-fetch-site", "cross-site"), "sec-fetch-mode", "navigate"), "sec-fetch-dest",
                   "document");
  EXPECT_EQ(outcome(link, loopback_rules(), Need::open), 0);
  link.method = "POST";
  EXPECT_EQ(outcome(link, loopback_rules(), Need::ingest), 403);
  auto frame = with(with(with(local(), "sec-fetch-site", "cross-site"), "sec-fetch-mode", "navigate"), "sec-fetch-dest",
                    "iframe");
  EXPECT_EQ(outcome(frame, loopback_rules(), Need::open), 403);
}

TEST(AccessOnLoopback, WhoComesThroughAProxyIsNotLocal) {
  EXPECT_EQ(outcome(with(local(), "x-forwarded-for", "10.0.0.9"), loopback_rules(), Need::read), 401);
  EXPECT_EQ(outcome(with(local("POST"), "forwarded", "for=10.0.0.9"), loopback_rules(), Need::ingest), 401);
}

TEST(AccessOnTheNetwork, EverythingNeedsTlsAndAToken) {
  EXPECT_EQ(outcome(remote(), network_rules(), Need::read), 401);
  EXPECT_EQ(outcome(remote("POST"), network_rules(), Need::ingest), 401);
  EXPECT_EQ(outcome(with_token(remote(), "viewer"), network_rules(), Need::read), 0);
  auto plain = with_token(remote(), "viewer");
  plain.peer.tls = false;
  EXPECT_EQ(outcome(plain, network_rules(), Need::read), 403);
  auto from_here = remote();
  from_here.peer.loopback = true;  // a local process on a listener for the network is asked like everybody
  EXPECT_EQ(outcome(from_here, network_rules(), Need::read), 401);
}

TEST(AccessOnTheNetwork, TheAuthorityHealthAndEnrolmentNeedNoToken) {
  EXPECT_EQ(outcome(remote(), network_rules(), Need::open), 0);
  EXPECT_EQ(outcome(remote("POST"), network_rules(), Need::open), 0);
}

TEST(AccessOnTheNetwork, AForeignOriginIsRefused) {
  EXPECT_EQ(
      outcome(with_token(with(remote(), "origin", "https://evil.example"), "viewer"), network_rules(), Need::read),
      403);
  EXPECT_EQ(
      outcome(with_token(with(remote(), "origin", "https://manager:7070"), "viewer"), network_rules(), Need::read), 0);
}

TEST(AccessRoles, EachMayWhatItsRoleSays) {
  struct Row {
    const char* token;
    int read, write, admin, ingest, agent;
  };
  for (const Row& row :
       {Row{"viewer", 0, 403, 403, 403, 403}, Row{"operator", 0, 0, 403, 0, 403}, Row{"admin", 0, 0, 0, 0, 0},
        Row{"limited", 0, 0, 403, 0, 0}, Row{"agent", 403, 403, 403, 0, 0}, Row{"old", 401, 401, 401, 401, 401},
        Row{"nobody", 401, 401, 401, 401, 401}}) {
    for (const AccessRules& rules : {loopback_rules(), network_rules()}) {
      auto request = with_token(rules.loopback ? local() : remote(), row.token);
      EXPECT_EQ(outcome(request, rules, Need::read), row.read) << row.token;
      EXPECT_EQ(outcome(request, rules, Need::write), row.write) << row.token;
      EXPECT_EQ(outcome(request, rules, Need::admin), row.admin) << row.token;
      EXPECT_EQ(outcome(request, rules, Need::ingest), row.ingest) << row.token;
      EXPECT_EQ(outcome(request, rules, Need::agent), row.agent) << row.token;
    }
  }
}

TEST(AccessRoles, TheCallerCarriesNameSelectorAndAgent) {
  auto anna = std::get<Caller>(authorize(with_token(local(), "operator"), loopback_rules(), Need::read, now));
  EXPECT_EQ(anna.selector, "role=web");
  EXPECT_EQ(anna.actor, "operator (token anna)");
  EXPECT_FALSE(anna.blanked);
  EXPECT_EQ(anna.agent, "");
  auto agent = std::get<Caller>(authorize(with_token(remote(), "agent"), network_rules(), Need::ingest, now));
  EXPECT_EQ(agent.agent, "web-01");
  EXPECT_EQ(agent.actor, "agent web-01");
}

TEST(AccessRoles, ATokenEndsWhenItSays) {
  auto request = with_token(local(), "operator");
  EXPECT_TRUE(std::holds_alternative<Caller>(authorize(request, loopback_rules(), Need::write, now + 1h - 1ns)));
  EXPECT_TRUE(std::holds_alternative<Denial>(authorize(request, loopback_rules(), Need::write, now + 1h)));
}

TEST(AccessRoles, TokensInUrlsAreRefusedEvenWhenRight) {
  auto request = with_token(local(), "admin");
  request.query["token"] = "admin";
  EXPECT_EQ(outcome(request, loopback_rules(), Need::read), 401);
}

TEST(AccessOnUnixSockets, RootAndOurUserAreTheAgent) {
  AccessRules rules{
      .find = find,
      .loopback = true,
      .unix_caller = Caller{.role = node::Role::agent, .actor = "agent here", .agent = "here", .selector = {}},
      .unix_uids = {1000}};
  HttpRequest request{.method = "POST",
                      .path = "/",
                      .headers = {{"host", "localhost"}},
                      .peer = {.address = "unix", .loopback = true, .uid = 0U}};
  auto root = authorize(request, rules, Need::agent, now);
  ASSERT_TRUE(std::holds_alternative<Caller>(root));
  EXPECT_EQ(std::get<Caller>(root).agent, "here");
  EXPECT_EQ(outcome(request, rules, Need::write), 403);
  request.peer.uid = 1000U;
  EXPECT_EQ(outcome(request, rules, Need::ingest), 0);
  request.peer.uid = 1001U;
  EXPECT_EQ(outcome(request, rules, Need::agent), 401);
  EXPECT_EQ(outcome(with_token(request, "admin"), rules, Need::write), 0);
}

}  // namespace
}  // namespace mien::edge
