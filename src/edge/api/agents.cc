// Agents: how they join, and what they are told.
#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/polls.h"
#include "edge/api/query.h"
#include "edge/crypto/crypto.h"
#include "model/validate.h"
#include "wire/directive.h"

namespace mien::edge::api {
namespace {

bool is_hash(const std::string& text) { return text.size() == 64 && parse_hex(text).has_value(); }

}  // namespace

void make_enrollment(Service& service, const CallPtr& call) {
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  Duration ttl = 1h;
  if (body->contains("ttl")) {
    auto parsed = duration_of((*body)["ttl"]);
    if (!parsed) return call->invalid(parsed.error().message, "/ttl");
    ttl = *parsed;
  }
  if (ttl < 1s || ttl > 7 * 24h) return call->invalid("an enrolment lives from 1s to 7d", "/ttl");
  // The secret leaves once, in this answer; only its hash is kept.
  std::string token = random_token();
  node::Access access{.role = node::Role::agent, .name = {}, .selector = {}, .expires_at = service.now() + ttl};
  WallTime expires_at = access.expires_at;
  const ApiOptions& options = service.options;
  // The secret goes through a pipe: an argument can be read by everybody on that host.
  std::string join =
      cat("echo ", token, " | mien agent --manager ", options.url,
          options.ca_fingerprint.empty() ? "" : " --ca-fingerprint ", options.ca_fingerprint, " --token-file -");
  Json out = Json::object();
  out["token"] = token;
  out["expires_at"] = document(expires_at);
  out["manager"] = options.url;
  out["ca_fingerprint"] = options.ca_fingerprint;
  out["join"] = join;
  give(service, call, node::PutAccess{.key = "enrollment/" + sha256_hex(token), .bytes = encode(access)},
       [out](Call& answered, const node::Answer&) { answered.respond(out, 201); });
}

// Open to anybody who can reach it: the one-time token is the right to. An agent that makes its own secret sends only
// its hash, so that an answer that is lost on the way loses nothing.
void redeem_enrollment(Service& service, const CallPtr& call) {
  auto asked = wire::decode_enroll_request(call->request.body);
  if (!asked) return call->respond(asked.error());
  if (asked->token.empty()) return call->invalid("`token` is the one-time token that `mien enroll` printed", "/token");
  if (Status status = model::check_name(model::ResourceKind::instance, asked->agent); !status)
    return call->invalid(status.error().message, "/agent");
  if (!asked->token_hash.empty() && !is_hash(asked->token_hash))
    return call->invalid("`token_hash` is a SHA-256 as 64 hex digits", "/token_hash");
  wire::EnrollAnswer out{.agent = asked->agent, .token = {}, .ca = service.options.ca_pem};
  if (asked->token_hash.empty()) {
    out.token = random_token();
    asked->token_hash = sha256_hex(out.token);
  }
  call->caller.actor = "agent " + asked->agent;
  node::RedeemEnrollment command{
      .enrollment_hash = sha256_hex(asked->token), .token_hash = asked->token_hash, .agent = asked->agent};
  give(service, call, std::move(command), [out = std::move(out)](Call& answered, const node::Answer&) {
    HttpResponse response;
    response.status = 201;
    response.headers["content-type"] = "application/json";
    response.body = wire::encode_json(out);
    answered.respond(std::move(response));
  });
}

void get_authority(Service& service, const CallPtr& call) {
  if (service.options.ca_pem.empty())
    return call->not_found("certificate authority", "here: this manager listens on loopback only");
  HttpResponse response;
  response.headers["content-type"] = "application/x-pem-file";
  response.headers["mien-ca-fingerprint"] = service.options.ca_fingerprint;
  response.body = service.options.ca_pem;
  call->respond(std::move(response));
}

// Only the agent itself says what became of its orders: not even an admin may say it for it.
void take_reports(Service& service, const CallPtr& call) {
  const std::string& name = call->path.at("name");
  if (call->caller.agent != name) {
    return call->respond(Error{.code = Code::refused,
                               .message = call->caller.agent.empty()
                                              ? cat("only the agent ", name, " reports what became of its orders")
                                              : cat("you are the agent ", call->caller.agent, ": report for yourself"),
                               .where = {},
                               .cause = {}});
  }
  auto reports = wire::decode_reports(call->request.body);
  if (!reports) return call->respond(reports.error());
  if (reports->abilities) reports->abilities->agent = name;  // as authenticated, whatever the body says
  std::size_t count = reports->reports.size();
  Status status = service.port().report(node::AgentReported{
      .agent = name, .abilities = std::move(reports->abilities), .reports = std::move(reports->reports)});
  if (!status) return call->respond(status.error());
  Json out = Json::object();
  out["taken"] = count;
  call->respond(out);
}

void poll_directives(Service& service, const CallPtr& call) {
  const std::string& name = call->path.at("name");
  if (!call->caller.agent.empty() && call->caller.agent != name) {
    return call->respond(
        Error{.code = Code::refused,
              .message = cat("you are the agent ", call->caller.agent, ": ask for your own directives"),
              .where = {},
              .cause = {}});
  }
  std::uint64_t after = 0;
  if (std::string text = call->parameter("after"); !text.empty()) {
    auto number = parse_integer(text);
    if (!number || *number < 0) return call->invalid(cat("`after` is a number, not \"", text, "\""));
    after = static_cast<std::uint64_t>(*number);
  }
  auto view = service.port().view();
  if (!view->instances.contains(InstanceName(name))) {
    if (auto full = no_room(service, view->instances.size()))
      return call->respond(Error{.code = Code::exhausted, .message = std::move(*full), .where = {}, .cause = {}});
  }
  if (Status status = service.polls->wait(call, name, after); !status) call->respond(status.error());
}

}  // namespace mien::edge::api
