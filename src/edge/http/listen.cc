#include "edge/http/listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "edge/http/url.h"

namespace mien::edge::detail {
namespace {

constexpr int backlog = 512;

Error io_error(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Error bind_error(const std::string& place, std::uint16_t port, int number) {
  if (number == EADDRINUSE)
    return io_error(Code::io, cat(place, " is already in use by another program (`ss -ltnp 'sport = :", port,
                                  "'` names it): stop that one, or choose another address with --listen HOST:PORT"));
  if (number == EACCES)
    return io_error(
        Code::io, cat("no permission to listen on ", place,
                      ": ports below 1024 need root or CAP_NET_BIND_SERVICE; choose another with --listen HOST:PORT"));
  if (number == EADDRNOTAVAIL)
    return io_error(Code::io, cat(place,
                                  " is not an address of this machine (`ip address` lists them): choose another with "
                                  "--listen HOST:PORT"));
  return io_error(Code::io, cat("cannot listen on ", place, ": ", std::strerror(number)));
}

Result<Listening> listen_tcp(const HttpServerOptions& options) {
  std::string place = to_host_port(options.address, options.port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  std::string service = std::to_string(options.port);
  if (int failed = ::getaddrinfo(options.address.c_str(), service.c_str(), &hints, &found); failed != 0)
    return io_error(Code::invalid, cat("'", options.address, "' is no address to listen on (", ::gai_strerror(failed),
                                       "): write an address of this machine, as in --listen 127.0.0.1:7070"));
  // The first answer is taken alone: listening on the second when the first is taken would hide the clash.
  int descriptor = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  Listening out{.descriptor = descriptor, .family = found->ai_family, .port = 0};
  sockaddr_storage address{};
  socklen_t length = found->ai_addrlen;
  std::memcpy(&address, found->ai_addr, length);
  ::freeaddrinfo(found);
  if (descriptor < 0) return io_error(Code::io, cat("cannot make a socket for ", place, ": ", std::strerror(errno)));
  int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(descriptor, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(descriptor, backlog) != 0) {
    int number = errno;
    ::close(descriptor);
    return bind_error(place, options.port, number);
  }
  length = sizeof address;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  out.port = ntohs(out.family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                          : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  return out;
}

// A socket file is left behind by a process that was killed: nobody accepts on it.
bool is_stale(const sockaddr_un& address) {
  int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  bool refused =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

Result<Listening> listen_unix(const HttpServerOptions& options) {
  const std::string& path = options.unix_path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return io_error(Code::invalid, cat("the socket path '", path, "' is longer than ", sizeof address.sun_path - 1,
                                       " bytes, which is all the kernel takes: choose a shorter data directory"));
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) return io_error(Code::io, cat(path, " exists and is not a socket: move it away"));
    if (!is_stale(address))
      return io_error(Code::io, cat(path, " is in use by another running Mien: stop it first, or use another --data"));
    ::unlink(path.c_str());
  }
  int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return io_error(Code::io, cat("cannot make a socket for ", path, ": ", std::strerror(errno)));
  // Until listen() nobody can connect, so the mode is right before the first caller.
  if (::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), options.unix_mode) != 0 || ::listen(descriptor, backlog) != 0) {
    int number = errno;
    ::close(descriptor);
    return io_error(Code::io, cat("cannot listen on the socket ", path, ": ", std::strerror(number)));
  }
  return Listening{.descriptor = descriptor, .family = AF_UNIX, .port = 0};
}

}  // namespace

Result<Listening> listen_on(const HttpServerOptions& options) {
  return options.unix_path.empty() ? listen_tcp(options) : listen_unix(options);
}

Peer peer_of(int descriptor) {
  Peer peer;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) return peer;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&address)->sin_addr, text.data(), text.size());
    peer.address = text.data();
  } else if (address.ss_family == AF_INET6) {
    const in6_addr& six = reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&six)) ::inet_ntop(AF_INET, &six.s6_addr[12], text.data(), text.size());
    else ::inet_ntop(AF_INET6, &six, text.data(), text.size());
    peer.address = text.data();
  } else {
    peer.address = "unix";
    peer.loopback = true;
    ucred credentials{};
    length = sizeof credentials;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0) peer.uid = credentials.uid;
    return peer;
  }
  peer.loopback = is_loopback_host(peer.address);
  return peer;
}

}  // namespace mien::edge::detail
