// The manager's own certificate authority: made on first start, so that TLS on a network costs nobody any thought.
//
// Under DIR/keys, each file 0600: ca.pem and ca.key (EC P-256, ten years), server.pem and server.key (one year, issued
// from it). An agent believes this authority alone, after comparing its fingerprint with the join line: no public
// authority can vouch for a manager, and no other manager can pose as this one (docs/adr/0021).
//
// Threads: values; nothing here is shared. Cost: a key takes well under a millisecond to make.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/http/http.h"

namespace mien::edge {

class Authority {
 public:
  // Reads the authority, or makes one where there is none. Errors: refused (others may read the key; expired), corrupt
  // (key and certificate do not belong together, or only one is there), io.
  static Result<Authority> load_or_make(const std::string& keys_directory, WallTime now);

  [[nodiscard]] const std::string& certificate_pem() const { return certificate_pem_; }
  [[nodiscard]] std::string fingerprint() const;  // "sha256:" and 64 hex digits

  // The server's certificate for these names and addresses; localhost, 127.0.0.1 and ::1 are always among them. The one
  // on disk is kept while it is ours, names all of them and has more than `renew_before` to live; otherwise a new one
  // is made.
  Result<TlsIdentity> server_identity(const std::vector<std::string>& names, WallTime now) const;
  static constexpr Duration lifetime = 24h * 3653;
  static constexpr Duration server_lifetime = 24h * 365;
  static constexpr Duration renew_before = 24h * 60;

 private:
  std::string keys_directory_;
  std::string certificate_pem_;
  std::string key_pem_;
};

// "sha256:" and the hex digest of the first certificate's DER bytes: what `openssl x509 -fingerprint -sha256` shows.
[[nodiscard]] Result<std::string> ca_fingerprint(std::string_view ca_pem);

// For an agent that joins: asks `url` for its authority (GET /api/v1/ca) over TLS that proves nothing yet, and believes
// what comes only if its fingerprint is the one that the join line gave. Errors: refused (another authority answered),
// invalid (no fingerprint), unavailable.
Result<std::string> fetch_authority(const std::string& url, std::string_view fingerprint, Duration timeout);

}  // namespace mien::edge
