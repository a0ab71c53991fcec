// What the server is made of inside: the core that all connections share, and one connection. Included by server.cc
// alone, which has what they do; nothing else may include Asio (it costs half a minute of compiling).
#pragma once

// ThreadSanitizer does not know Asio's fences; the scheduler's own lock orders everything as well.
#if defined(__SANITIZE_THREAD__)
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#endif

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <thread>
#include <unordered_map>

#include "base/text.h"
#include "edge/http/http.h"
#include "edge/http/listen.h"
#include "edge/http/message.h"
#include "edge/http/url.h"
#include "edge/mutex.h"

namespace mien::edge::detail {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Strand = asio::strand<asio::io_context::executor_type>;

constexpr std::size_t read_ahead_limit = 64U << 10U;     // of requests sent before the present one is answered
constexpr std::size_t stream_waiting_limit = 1U << 20U;  // of chunks that the peer has not read
constexpr std::size_t refusals_at_once = 64;             // connections over the limit that still get their 503
// Bodies that are on their way in at once: together at most this many of the largest. Small ones are always taken, so
// that senders of large or slow bodies never keep others out.
constexpr std::uint64_t large_bodies_at_once = 16;
constexpr std::size_t small_body = 64U << 10U;
constexpr auto linger_time = std::chrono::seconds(1);

std::string_view plain(boost::beast::string_view text) { return {text.data(), text.size()}; }

class Session;

// What all sessions share; lives until the last Responder is gone.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(HttpServerOptions chosen, HttpHandler chosen_handler)
      : options(std::move(chosen)),
        handler(std::move(chosen_handler)),
        context(options.threads),
        accept_strand(context.get_executor()),
        acceptor(accept_strand),
        accept_pause(accept_strand) {}

  Status open();
  void stop(Duration grace);
  void leave(Session* session);
  // Runs `work` on the strand unless the server has stopped.
  template <class Work>
  void post(const Strand& strand, Work work) {
    Lock lock(gate_);
    if (!shut_) asio::post(strand, std::move(work));
  }

  const HttpServerOptions options;
  const HttpHandler handler;
  std::atomic<std::uint64_t> body_bytes{0};  // of large bodies that sessions hold
  detail::Listening listening;
  asio::io_context context;
  // Nothing on a plain listener.
  std::shared_ptr<asio::ssl::context> tls() {
    Lock lock(tls_mutex_);
    return tls_;
  }
  Status renew(const TlsIdentity& identity);

 private:
  void accept();
  std::vector<std::shared_ptr<Session>> sessions();

  Strand accept_strand;
  asio::basic_socket_acceptor<Protocol> acceptor;
  asio::steady_timer accept_pause;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::thread> threads_;
  Mutex tls_mutex_;
  std::shared_ptr<asio::ssl::context> tls_ GUARDED_BY(tls_mutex_);
  Mutex gate_;
  bool shut_ GUARDED_BY(gate_) = false;
  Mutex sessions_mutex_;
  Condition all_left_;
  std::unordered_map<Session*, std::weak_ptr<Session>> sessions_ GUARDED_BY(sessions_mutex_);
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Core> core, asio::basic_stream_socket<Protocol> socket, Strand strand, bool refuse)
      : core_(std::move(core)),
        strand_(std::move(strand)),
        socket_(std::move(socket)),
        timer_(strand_),
        refuse_(refuse),
        peer_(detail::peer_of(socket_.native_handle())) {}
  ~Session() {
    hold_body(0);
    core_->leave(this);
  }

  void start();
  void wind_down();
  void close();
  // What a Responder says, on the strand; `number` is the request it belongs to.
  void answer(std::uint64_t number, HttpResponse response);
  void begin_stream(std::uint64_t number, HttpResponse head);
  void stream_chunk(std::uint64_t number, std::string chunk);
  void end_stream(std::uint64_t number, bool whole);

  Core& core() { return *core_; }
  const Strand& strand() { return strand_; }
  std::atomic<bool> gone{false};        // nothing more can be sent
  std::atomic<std::size_t> waiting{0};  // bytes of chunks not yet handed to the kernel

 private:
  // finishing: the answer is complete and on its way out; lingering: it is out, and the connection ends.
  enum class Phase { opening, reading, handling, streaming, finishing, lingering, closed };

  void look_at_first_byte();
  void next_request();
  void read();
  void on_read(const error_code& error, std::size_t count);
  void on_input_end(bool orderly);
  void parse();
  void on_header();
  void refuse_request(int status, std::string_view message);
  void dispatch();
  bool hold_body(std::size_t size);
  void send(std::string bytes, std::size_t stream_bytes = 0);
  void write();
  void on_written(const error_code& error);
  void linger();
  void arm(Duration after);
  void disarm() {
    deadline_.reset();
    timer_.cancel();
  }
  void on_deadline();

  const std::shared_ptr<Core> core_;
  const Strand strand_;
  asio::basic_stream_socket<Protocol> socket_;
  std::shared_ptr<asio::ssl::context> tls_context_;
  std::optional<asio::ssl::stream<asio::basic_stream_socket<Protocol>&>> tls_;
  asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  const bool refuse_;
  Peer peer_;

  Phase phase_ = Phase::opening;
  std::optional<beast_http::request_parser<beast_http::string_body>> parser_;
  std::array<char, 16U << 10U> chunk_;
  std::string in_;
  std::size_t header_bytes_ = 0;  // of the present request, already taken by the parser
  bool header_seen_ = false;
  std::uint64_t held_ = 0;  // of the core's body_bytes
  bool reading_ = false;
  bool input_ended_ = false;
  bool winding_down_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool chunked_ = true;
  std::uint64_t request_number_ = 0;

  struct Outgoing {
    std::string bytes;
    std::size_t stream_bytes = 0;
  };
  std::deque<Outgoing> out_;
  bool writing_ = false;
};

}  // namespace mien::edge::detail
