// The door of edge/api: HTTP requests answered from a running manager's published view, its history and its ledger;
// commands given to it; telemetry taken in; events sent on. Transport-free: HttpServer calls handle(), and so do tests.
//
// Ownership: the Api keeps the options; what they point to must outlive it. Threads: handle() from any thread; answers
// come from that thread, from the manager's, from tick() or from the two worker threads that long reading has.
// Errors: every request is answered exactly once; errors are application/problem+json (RFC 9457).
// Cost: reads take the newest view and never wait for the machine; handle() blocks at most for one append to the log.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/http/http.h"
#include "edge/outbound_meters.h"
#include "edge/prometheus_door.h"
#include "model/resource.h"
#include "model/telemetry.h"
#include "node/manager_port.h"
#include "store/audit.h"

namespace mien::edge {

// What a route asks of its caller.
enum class Need : std::uint8_t { open, ingest, read, agent, write, admin };
[[nodiscard]] std::string_view name_of(Need need);

// Who asks, as authorisation found it.
struct Caller {
  node::Role role = node::Role::viewer;
  std::string actor;     // for the audit: "admin (token cli)"
  std::string agent;     // not empty: the authenticated agent of that name
  std::string selector;  // not empty: sees and changes only instances with these labels
  bool blanked = false;  // local process without a token: arguments, user names and paths are not shown
};

struct Denial {
  int status = 401;    // 401 who are you, 403 not you, 421 not this host
  std::string detail;  // what to do
};

using Authorize = std::function<std::variant<Caller, Denial>(const HttpRequest&, Need, WallTime now)>;

// Writes the backup, chunk by chunk, until it is whole or the sink says false (the peer is gone).
using Backup = std::function<Status(const std::function<bool(std::string_view)>& sink)>;

namespace api {
class Replays;  // edge/api/replays.h
}

struct ApiOptions {
  node::ManagerPort* port = nullptr;
  std::function<WallTime()> now;
  Authorize authorize;
  std::function<bool()> ready;  // recovered and folding
  std::size_t most_instances = node::most_instances;
  std::string version;                      // of the program
  store::VerifySignature verify_signature;  // of audit heads
  std::string url;                          // how agents reach this manager: "https://manager:7070"
  std::string ca_pem;                       // of its own authority; empty: there is none (loopback)
  std::string ca_fingerprint;               // "sha256:..."
  Backup backup;                            // empty: 501
  std::shared_ptr<api::Replays> replays;    // null: 501
  wire::PrometheusRules prometheus;         // how remote-write's series become instances
  std::shared_ptr<PrometheusDoor> prometheus_door = std::make_shared<PrometheusDoor>();  // shared with the scraper
  std::shared_ptr<const OutboundMeters> outbound = std::make_shared<OutboundMeters>();   // of the doors out
};

class Api {
 public:
  explicit Api(ApiOptions options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  void handle(HttpRequest request, std::shared_ptr<Responder> responder);
  // The same for a listener with rules of its own (the unix socket beside the port).
  void handle(HttpRequest request, std::shared_ptr<Responder> responder, const Authorize& authorize);
  // Once a second, from one thread: keep-alives, long polls that are over, streams that are gone.
  void tick();
  // Answers whoever waits for news and ends the streams of events, so that a server that stops need not wait for them.
  void close();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mien::edge
