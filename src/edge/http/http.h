// HTTP as the rest of Mien sees it: plain requests, plain responses, and streams for those that last. Behind it is
// Boost.Beast, in one translation unit each for the server and the client; no Boost type appears here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"

namespace mien::edge {

// Where a request came from, as far as the transport knows.
struct Peer {
  std::string address{};  // "127.0.0.1", or "unix" for a unix socket
  bool loopback = false;
  bool tls = false;
  std::optional<unsigned> uid{};  // of the process behind a unix socket (SO_PEERCRED)
};

struct HttpRequest {
  std::string method{};                          // "GET"
  std::string path{};                            // percent-decoded, without the query: "/api/v1/findings"
  std::map<std::string, std::string> query{};    // percent-decoded
  std::map<std::string, std::string> headers{};  // names in lower case
  std::string body{};                            // as sent: still compressed when content-encoding says so
  Peer peer{};
  [[nodiscard]] std::string_view header(const std::string& name) const {
    auto at = headers.find(name);
    return at == headers.end() ? std::string_view{} : std::string_view(at->second);
  }
};

struct HttpResponse {
  int status = 200;
  std::map<std::string, std::string> headers{};
  std::string body{};
};

// The answer to one request, given once, from any thread, now or later. Dropped unanswered: 500.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void respond(HttpResponse response) = 0;
  // Begins a response of unknown length (server-sent events). write returns false when the peer is gone or does not
  // read (over 1 MiB waiting): then stop.
  virtual void begin(HttpResponse head) = 0;
  virtual bool write(std::string chunk) = 0;
  // Bytes written that the peer has not taken yet: who makes them faster than a peer reads waits while they are many.
  [[nodiscard]] virtual std::size_t waiting() const { return 0; }
  virtual void end() = 0;
};

// Called on the server's io threads, one request of a connection at a time: it must not block. What takes longer keeps
// the Responder and answers from elsewhere. A handler that throws is answered for with 500.
using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<Responder>)>;

struct TlsIdentity {
  std::string certificate_pem{};  // with its chain
  std::string key_pem{};
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 7070;  // 0: any free port
  std::string unix_path{};    // not empty: a unix socket instead of address and port
  unsigned unix_mode = 0600;  // of the socket's file
  std::optional<TlsIdentity> tls{};
  Bytes max_body{16U << 20U};           // larger: 413, the rest is not read
  std::size_t max_header = 16U << 10U;  // request line and headers; larger: 431
  std::size_t max_connections = 1024;   // more: 503 and closed
  Duration header_timeout = 10s;        // from a request's first byte to the end of its headers; TLS handshake
  Duration idle_timeout = 75s;          // between requests; for a whole body; for a peer that does not read
  int threads = 2;
};

class HttpServer {
 public:
  // Listens and serves until destroyed. Errors: io with the address and what to do (port in use, no permission).
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, HttpHandler handler);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Stops accepting, ends streams, lets running answers finish for at most `grace`, closes. Not from a handler. A
  // Responder may outlive the server: what it says then goes nowhere.
  virtual void stop(Duration grace) = 0;
  // New connections get this certificate; present ones keep theirs. Errors: invalid (no such pair; the old one stays).
  virtual Status renew(const TlsIdentity& identity) = 0;
};

struct HttpTarget {
  std::string url{};               // "http://127.0.0.1:7070", "https://manager:7070"
  std::string unix_path{};         // not empty: connect here, url only gives the Host
  std::string ca_pem{};            // https: the only authority that is believed
  bool fetch_ca_only = false;      // https without verification, for fetching the CA whose fingerprint is then checked
  Duration connect_timeout = 10s;  // per attempt, TLS handshake included
  Duration silence_limit = 60s;    // a stream on which nothing comes for so long is taken for lost
  Bytes max_answer{64U << 20U};    // a larger answer is an error (not for streams)
};

// One kept connection to one server; blocking; not thread-safe; reconnects when the kept connection is gone.
class HttpClient {
 public:
  static std::unique_ptr<HttpClient> make(HttpTarget target);
  virtual ~HttpClient() = default;
  // Errors: unavailable (could not connect: nothing was sent), unknown (sent, no answer in time or connection lost),
  // refused (TLS: the server's certificate is not from the given CA; the message says what to do).
  virtual Result<HttpResponse> send(const HttpRequest& request, Duration timeout) = 0;
  // Streams a response's body until on_chunk returns false or the server ends it.
  // Errors as for send; a status other than 2xx is `refused` with the body's beginning in the message.
  virtual Status stream(const HttpRequest& request, const std::function<bool(std::string_view)>& on_chunk) = 0;
  // From any thread: what is under way ends with an error at once, and so does everything after.
  virtual void cancel() = 0;
};

}  // namespace mien::edge
