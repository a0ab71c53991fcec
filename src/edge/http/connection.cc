#include "edge/http/connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/http/url.h"
#include "edge/tls/openssl.h"

namespace mien::edge::detail {
namespace {

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

// Waits until `events` hold on the socket. unavailable when cancelled, unknown when the deadline passed.
Result<short> wait_for(int descriptor, short events, int cancel, MonoTime deadline) {
  while (true) {
    std::array<pollfd, 2> waits{pollfd{descriptor, events, 0}, pollfd{cancel, POLLIN, 0}};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - mono_now()).count();
    if (left < 0) left = 0;
    int ready = ::poll(waits.data(), cancel >= 0 ? 2 : 1,
                       static_cast<int>(std::min<long>(left, std::numeric_limits<int>::max())));
    if (ready < 0 && errno != EINTR) return failure(Code::io, cat("poll: ", std::strerror(errno)));
    if (waits[1].revents != 0) return failure(Code::unavailable, "cancelled: this client is shutting down");
    if (waits[0].revents != 0) return waits[0].revents;
    if (ready == 0 && mono_now() >= deadline) return failure(Code::unknown, "no answer in time");
  }
}

Status connect_one(const Descriptor& socket, const sockaddr* address, socklen_t length, int cancel, MonoTime deadline) {
  if (::connect(socket.get(), address, length) == 0) return {};
  if (errno != EINPROGRESS) return failure(Code::unavailable, std::strerror(errno));
  if (auto ready = wait_for(socket.get(), POLLOUT, cancel, deadline); !ready) return std::move(ready).error();
  int number = 0;
  socklen_t size = sizeof number;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &number, &size);
  if (number != 0) return failure(Code::unavailable, std::strerror(number));
  return {};
}

Result<Descriptor> connect_unix(const std::string& path, int cancel, MonoTime deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return failure(Code::invalid, cat("the socket path '", path, "' is too long for the kernel"));
  std::memcpy(address.sun_path, path.data(), path.size());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Status connected = connect_one(socket, reinterpret_cast<sockaddr*>(&address), sizeof address, cancel, deadline);
  if (!connected)
    return failure(Code::unavailable, cat("no server answers on the socket ", path, " (", connected.error().message,
                                          "): is `mien up` running?"));
  return socket;
}

Result<Descriptor> connect_tcp(const ServerUrl& url, int cancel, MonoTime deadline) {
  std::string place = to_host_port(url.host, url.port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int failed = ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found); failed != 0)
    return failure(Code::unavailable, cat("the name '", url.host, "' leads nowhere: ", ::gai_strerror(failed)));
  std::string reasons;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Descriptor socket(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    Status connected = connect_one(socket, at->ai_addr, at->ai_addrlen, cancel, deadline);
    if (connected) {
      int on = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::freeaddrinfo(found);
      return socket;
    }
    if (reasons.find(connected.error().message) == std::string::npos)
      reasons += cat(reasons.empty() ? "" : ", ", connected.error().message);
  }
  ::freeaddrinfo(found);
  return failure(Code::unavailable, cat("no server answers on ", place, " (", reasons, ")"));
}

class PlainConnection final : public Connection {
 public:
  PlainConnection(Descriptor socket, int cancel) : socket_(std::move(socket)), cancel_(cancel) {}

  Status send(std::string_view bytes, MonoTime deadline, std::size_t& sent) override {
    while (sent < bytes.size()) {
      ssize_t count = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
      } else if (errno == EAGAIN) {
        short ready = TRY(wait_for(socket_.get(), POLLIN | POLLOUT, cancel_, deadline));
        if ((ready & POLLIN) != 0) return {};  // it answers already: a refusal, most likely
      } else if (errno != EINTR) {
        return failure(Code::unknown, cat("the connection broke while sending: ", std::strerror(errno)));
      }
    }
    return {};
  }

  Result<std::size_t> receive(char* into, std::size_t size, MonoTime deadline) override {
    while (true) {
      ssize_t count = ::recv(socket_.get(), into, size, 0);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno == EAGAIN) TRY(wait_for(socket_.get(), POLLIN, cancel_, deadline));
      else if (errno != EINTR) return failure(Code::unknown, cat("the connection broke: ", std::strerror(errno)));
    }
  }

  bool is_fresh() override {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
  }

 private:
  Descriptor socket_;
  int cancel_;
};

// ---- TLS ----

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL, and a library must not raise SIGPIPE in its program.
int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto count = ::send(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))), bytes,
                      static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}
int bio_read(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto count = ::recv(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))), bytes,
                      static_cast<std::size_t>(size), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}
long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* make_bio_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  return method;
}

BIO* make_bio(int descriptor) {
  static BIO_METHOD* const method = make_bio_method();  // immutable, for the life of the program
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
  BIO_set_init(bio, 1);
  return bio;
}

Error verification_error(long result, const std::string& place, const std::string& host) {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return failure(Code::refused, cat("the certificate of ", place,
                                        " has expired: restart its manager, which renews it, and check both clocks"));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return failure(Code::refused,
                     cat("the certificate of ", place, " is not valid yet: compare the clocks of both machines"));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return failure(Code::refused, cat("the certificate of ", place, " does not name '", host,
                                        "': use a name that the manager was started with, or add this one to `tls: "
                                        "{names: [...]}` in mien.yaml"));
    default:
      return failure(
          Code::refused,
          cat("the certificate of ", place, " is not from the CA that this side trusts (",
              ::X509_verify_cert_error_string(result),
              "): this is another manager, or somebody in between; if the manager was set up anew, join again with a "
              "line that `mien enroll` prints there"));
  }
}

class TlsConnection final : public Connection {
 public:
  TlsConnection(Descriptor socket, int cancel) : socket_(std::move(socket)), cancel_(cancel) {}

  Status handshake(const HttpTarget& target, const ServerUrl& url, MonoTime deadline) {
    std::string place = to_host_port(url.host, url.port);
    context_.reset(::SSL_CTX_new(::TLS_client_method()));
    ::SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    if (!target.fetch_ca_only) {
      if (target.ca_pem.empty())
        return failure(Code::refused, cat("no CA is known for ", place,
                                          ": join with the line that `mien enroll` prints on the manager"));
      auto authorities = TRY(read_certificates(target.ca_pem));
      for (const auto& authority : authorities)
        ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context_.get()), authority.get());
      ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    }
    ssl_.reset(::SSL_new(context_.get()));
    BIO* bio = make_bio(socket_.get());
    ::SSL_set_bio(ssl_.get(), bio, bio);
    bool numeric = is_ip_address(url.host);
    if (numeric) ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_.get()), url.host.c_str());
    else ::SSL_set1_host(ssl_.get(), url.host.c_str());
    // The macro for this casts the old way.
    if (!numeric)
      ::SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(url.host.c_str()));
    while (true) {
      ::ERR_clear_error();
      int result = ::SSL_connect(ssl_.get());
      if (result == 1) return {};
      Status waited = wait_again(result, deadline);
      if (waited) continue;
      if (waited.error().code != Code::corrupt) {
        return failure(Code::unavailable, cat(place, " did not finish the TLS handshake: ", waited.error().message));
      }
      long verified = ::SSL_get_verify_result(ssl_.get());
      if (!target.fetch_ca_only && verified != X509_V_OK) return verification_error(verified, place, url.host);
      return handshake_error(place);
    }
  }

  Status send(std::string_view bytes, MonoTime deadline, std::size_t& sent) override {
    while (sent < bytes.size()) {
      ::ERR_clear_error();
      auto size = static_cast<int>(std::min<std::size_t>(bytes.size() - sent, 16384));
      int result = ::SSL_write(ssl_.get(), bytes.data() + sent, size);
      if (result > 0) {
        sent += static_cast<std::size_t>(result);
        continue;
      }
      // An early answer shows as a readable socket while the other side takes no more.
      bool full = ::SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE;
      if (full) {
        short ready = TRY(wait_for(socket_.get(), POLLIN | POLLOUT, cancel_, deadline));
        if ((ready & POLLIN) != 0 && (ready & POLLOUT) == 0) return {};
      } else if (Status waited = wait_again(result, deadline); !waited) {
        return failure(waited.error().code == Code::corrupt ? Code::unknown : waited.error().code,
                       waited.error().message);
      }
    }
    return {};
  }

  Result<std::size_t> receive(char* into, std::size_t size, MonoTime deadline) override {
    while (true) {
      ::ERR_clear_error();
      int result = ::SSL_read(ssl_.get(), into, static_cast<int>(size));
      if (result > 0) return static_cast<std::size_t>(result);
      if (::SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      if (Status waited = wait_again(result, deadline); !waited)
        return failure(waited.error().code == Code::corrupt ? Code::unknown : waited.error().code,
                       waited.error().message);
    }
  }

  bool is_fresh() override {
    char byte = 0;
    if (::SSL_pending(ssl_.get()) > 0) return false;
    // Session tickets may lie unread between requests: they are not an answer, so they are taken in first.
    ::ERR_clear_error();
    int result = ::SSL_peek(ssl_.get(), &byte, 1);
    return result <= 0 && ::SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
  }

 private:
  // corrupt: TLS itself failed; unknown: deadline; unavailable: cancelled or gone.
  Status wait_again(int result, MonoTime deadline) {
    int number = errno;
    int why = ::SSL_get_error(ssl_.get(), result);
    short events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
      auto ready = wait_for(socket_.get(), events, cancel_, deadline);
      if (!ready) return std::move(ready).error();
      return {};
    }
    unsigned long queued = ::ERR_peek_error();
    if (why == SSL_ERROR_SYSCALL && queued == 0)
      return failure(Code::unknown, number != 0 ? std::strerror(number) : "the connection was closed");
    reason_ = ERR_GET_REASON(queued);
    words_ = openssl_words();
    return failure(Code::corrupt, words_);
  }

  [[nodiscard]] Error handshake_error(const std::string& place) const {
    int reason = reason_;
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
      return failure(Code::refused,
                     cat(place,
                         " speaks plain HTTP, not TLS: use http:// instead of https:// (on this machine only), "
                         "or start the manager with TLS"));
    return failure(Code::refused, cat("TLS with ", place, " failed: ", words_));
  }

  Descriptor socket_;
  int cancel_;
  int reason_ = 0;  // of the last failure of TLS itself
  std::string words_;
  OpensslPointer<SSL_CTX, ::SSL_CTX_free> context_;
  OpensslPointer<SSL, ::SSL_free> ssl_;
};

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const HttpTarget& target, int cancel, MonoTime deadline) {
  ServerUrl url;
  if (target.unix_path.empty() || !target.url.empty()) url = TRY(parse_server_url(target.url));
  auto connected =
      target.unix_path.empty() ? connect_tcp(url, cancel, deadline) : connect_unix(target.unix_path, cancel, deadline);
  Descriptor socket = TRY(std::move(connected));
  if (!url.tls) return std::unique_ptr<Connection>(std::make_unique<PlainConnection>(std::move(socket), cancel));
  auto tls = std::make_unique<TlsConnection>(std::move(socket), cancel);
  if (Status shaken = tls->handshake(target, url, deadline); !shaken) return std::move(shaken).error();
  return std::unique_ptr<Connection>(std::move(tls));
}

}  // namespace mien::edge::detail
