// A listening socket, made by hand so that its errors can say what to do. No Boost here.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "edge/http/http.h"

namespace mien::edge::detail {

struct Listening {
  int descriptor = -1;     // owned by the caller
  int family = 0;          // AF_INET, AF_INET6 or AF_UNIX
  std::uint16_t port = 0;  // as bound
};

// Binds and listens as the options say. A unix socket gets mode options.unix_mode before it accepts anybody; a socket
// file that nobody answers on any more is replaced, one that is answered on is an error.
Result<Listening> listen_on(const HttpServerOptions& options);

// Who is on the other end of an accepted socket.
Peer peer_of(int descriptor);

}  // namespace mien::edge::detail
