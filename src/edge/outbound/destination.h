// One address outside that is told something: where, with which secret, believed by which authority, and what an answer
// means. Used by one thread; cancel() from any.
//
// Secrets are read from their file each time, so that one that is exchanged works at once; a file that others may read
// is refused. No secret, path or query of an address appears in an error: some services put their secret there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/prng.h"
#include "base/result.h"
#include "base/time.h"
#include "edge/http/http.h"

namespace mien::edge {

struct DestinationOptions {
  std::string name{};  // in counts and reports
  std::string url{};   // "https://alerts.example.net/hooks/mien"
  std::string token_file{};
  std::string ca_file{};  // https: the only authority that is believed; empty: those that the system believes
  Duration timeout = std::chrono::seconds{10};
  friend bool operator==(const DestinationOptions&, const DestinationOptions&) = default;
};

inline constexpr std::string_view system_authorities = "/etc/ssl/certs/ca-certificates.crt";

struct DestinationUrl {
  std::string server;  // "https://alerts.example.net:443"
  std::string path;    // "/hooks/mien"
  std::map<std::string, std::string> query;
};
// Errors: invalid: no http(s), a user or password in it, a fragment.
[[nodiscard]] Result<DestinationUrl> parse_destination(std::string_view url);

// A file that holds a secret: trimmed, not empty, at most 16 KiB, readable by its owner alone.
[[nodiscard]] Result<std::string> read_secret(const std::string& path);

enum class Outcome : std::uint8_t { delivered, again, refused };

struct Told {
  Outcome outcome = Outcome::delivered;
  Duration not_before{};  // of `again`: what Retry-After asked for
  std::string why{};      // for people: "answered 503"
};

// Full jitter between half and the whole of first * 2^(attempt - 1), at most `longest` (Brooker 2015, "Exponential
// backoff and jitter").
struct Backoff {
  Duration first = std::chrono::seconds{1};
  Duration longest = std::chrono::minutes{5};
  [[nodiscard]] Duration after(std::uint32_t attempt, Prng& chance) const;
};

class Destination {
 public:
  explicit Destination(DestinationOptions options);
  ~Destination();
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;
  [[nodiscard]] const DestinationOptions& options() const { return options_; }

  // Posts `body` under the address's path and `below` it. 2xx is delivered; no answer, 408, 425, 429 and 5xx are
  // `again`; whatever else is refused.
  [[nodiscard]] Told post(std::string_view below, std::string body, std::map<std::string, std::string> headers);
  void cancel();

 private:
  DestinationOptions options_;
  DestinationUrl url_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace mien::edge
