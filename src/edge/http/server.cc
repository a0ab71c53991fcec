// The HTTP server: Asio moves the bytes, Beast's parser reads the requests, and this file keeps the limits. It is the
// only translation unit that includes Asio, because that costs half a minute of compiling.
//
// Threads: everything of a Session happens on its strand. Responders come in from any thread through Core::post, whose
// gate shuts when the server stops; after that nothing reaches the io_context any more.

#include "edge/http/detail/session.h"

namespace mien::edge {
namespace detail {

// One request's answer. Whoever drops it unanswered has answered 500.
class SessionResponder final : public Responder {
 public:
  SessionResponder(std::shared_ptr<Session> session, std::uint64_t number)
      : session_(std::move(session)), number_(number) {}
  ~SessionResponder() override {
    if (int said = said_.exchange(done); said == nothing) {
      say([number = number_](Session& s) {
        s.answer(number, problem_response(500, "the request was dropped without an answer"));
      });
    } else if (said == streaming) {
      say([number = number_](Session& s) { s.end_stream(number, false); });
    }
  }
  void respond(HttpResponse response) override {
    int expected = nothing;
    if (!said_.compare_exchange_strong(expected, done)) return;
    say([number = number_, r = std::move(response)](Session& s) mutable { s.answer(number, std::move(r)); });
  }
  void begin(HttpResponse head) override {
    int expected = nothing;
    if (!said_.compare_exchange_strong(expected, streaming)) return;
    say([number = number_, h = std::move(head)](Session& s) mutable { s.begin_stream(number, std::move(h)); });
  }
  bool write(std::string chunk) override {
    if (said_ != streaming || session_->gone) return false;
    std::size_t size = chunk.size();
    if (session_->waiting.fetch_add(size) + size > stream_waiting_limit) {
      session_->gone = true;
      said_ = done;
      say([number = number_](Session& s) { s.end_stream(number, false); });
      return false;
    }
    say([number = number_, c = std::move(chunk)](Session& s) mutable { s.stream_chunk(number, std::move(c)); });
    return true;
  }
  std::size_t waiting() const override { return session_->waiting; }
  void end() override {
    int expected = streaming;
    if (said_.compare_exchange_strong(expected, done))
      say([number = number_](Session& s) { s.end_stream(number, true); });
  }

 private:
  static constexpr int nothing = 0, streaming = 1, done = 2;
  template <class Words>
  void say(Words words) {
    if (session_->strand().running_in_this_thread()) return words(*session_);
    session_->core().post(session_->strand(), [session = session_, w = std::move(words)]() mutable { w(*session); });
  }

  const std::shared_ptr<Session> session_;
  const std::uint64_t number_;
  std::atomic<int> said_{nothing};
};

// ---- one connection ----

void Session::start() {
  arm(core_->options.header_timeout);
  tls_context_ = core_->tls();
  if (!tls_context_) return next_request();
  look_at_first_byte();
}

// TLS begins with byte 22. Anything else on a TLS port is somebody who forgot the s in https.
void Session::look_at_first_byte() {
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](const error_code& error) {
    if (error || self->phase_ == Phase::closed) return self->close();
    char first = 0;
    ssize_t seen = ::recv(self->socket_.native_handle(), &first, 1, MSG_PEEK);
    // Asio reuses its record of a descriptor, and an event of the connection that had it before may wake this one.
    if (seen < 0 && (errno == EAGAIN || errno == EINTR)) return self->look_at_first_byte();
    if (seen != 1) return self->close();
    if (first != 0x16) return self->refuse_request(400, "this port speaks TLS: use https:// instead of http://");
    self->tls_.emplace(self->socket_, *self->tls_context_);
    self->tls_->async_handshake(asio::ssl::stream_base::server, [self](const error_code& failed) {
      if (failed || self->phase_ == Phase::closed) return self->close();
      self->peer_.tls = true;
      self->next_request();
    });
  });
}

void Session::next_request() {
  phase_ = Phase::reading;
  ++request_number_;
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(core_->options.max_header));
  parser_->body_limit(core_->options.max_body.value);
  header_bytes_ = 0;
  header_seen_ = false;
  if (request_number_ > 1) arm(in_.empty() ? core_->options.idle_timeout : core_->options.header_timeout);
  parse();
}

void Session::read() {
  if (reading_ || input_ended_ || phase_ == Phase::closed) return;
  reading_ = true;
  auto done = [self = shared_from_this()](const error_code& error, std::size_t count) { self->on_read(error, count); };
  if (tls_) tls_->async_read_some(asio::buffer(chunk_), std::move(done));
  else socket_.async_read_some(asio::buffer(chunk_), std::move(done));
}

void Session::on_read(const error_code& error, std::size_t count) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  if (error) return on_input_end(error == asio::error::eof || error == asio::ssl::error::stream_truncated);
  if (phase_ == Phase::lingering || (phase_ == Phase::finishing && !keep_alive_)) return read();  // thrown away
  if (phase_ == Phase::reading) {
    bool first = in_.empty() && !header_seen_ && header_bytes_ == 0;
    in_.append(chunk_.data(), count);
    if (first && request_number_ > 1) arm(core_->options.header_timeout);
    return parse();
  }
  in_.append(chunk_.data(), count);
  if (in_.size() < read_ahead_limit) read();
}

void Session::on_input_end(bool orderly) {
  input_ended_ = true;
  // Who only half-closes still gets the answer to what was asked; nobody waits for a stream with the line half closed.
  if (orderly && (phase_ == Phase::handling || phase_ == Phase::finishing)) return;
  close();
}

void Session::parse() {
  while (!in_.empty()) {
    if (request_number_ == 1 && header_bytes_ == 0 && !header_seen_ && in_.front() == 0x16)
      return refuse_request(
          400, "this port speaks plain HTTP, and this request began as TLS: use http:// instead of https://");
    error_code error;
    std::size_t taken = parser_->put(asio::buffer(in_), error);
    in_.erase(0, taken);
    if (!header_seen_) header_bytes_ += taken;
    bool starved = error == beast_http::error::need_more;
    if (error == beast_http::error::header_limit ||
        (!parser_->is_header_done() && header_bytes_ + in_.size() > core_->options.max_header))
      return refuse_request(431, cat("request line and headers are longer than ", core_->options.max_header, " bytes"));
    if (error == beast_http::error::body_limit)
      return refuse_request(413, cat("the body is longer than the ", core_->options.max_body.value,
                                     " bytes that are taken here: send it in smaller parts"));
    if (error && !starved) return refuse_request(400, cat("this is no HTTP/1.1 request: ", error.message()));
    if (parser_->is_header_done() && !header_seen_) {
      header_seen_ = true;
      on_header();
      if (phase_ != Phase::reading) return;
    }
    if (header_seen_ && !hold_body(parser_->get().body().size()))
      return refuse_request(
          429, "too many large bodies are on their way in at once: send this again later, or less at a time");
    if (parser_->is_done()) return dispatch();
    if (starved) break;
  }
  read();
}

void Session::on_header() {
  if (refuse_)
    return refuse_request(503, cat("all ", core_->options.max_connections,
                                   " connections that are served at once are taken: try again later"));
  arm(core_->options.idle_timeout);
  if (!parser_->is_done() && to_lower(plain(parser_->get()["Expect"])) == "100-continue")
    send("HTTP/1.1 100 Continue\r\n\r\n");
}

// Counts what this connection keeps of a body, of which `size` bytes are there. False: all together are too many.
bool Session::hold_body(std::size_t size) {
  std::uint64_t counted = size > small_body ? size : 0;
  std::uint64_t before = std::exchange(held_, counted);
  if (counted == before) return true;
  std::uint64_t all = core_->body_bytes += counted - before;
  return counted == 0 || all <= large_bodies_at_once * core_->options.max_body.value;
}

// An answer to what is not a request we take; the connection ends with it.
void Session::refuse_request(int status, std::string_view message) {
  phase_ = Phase::finishing;
  keep_alive_ = false;
  head_only_ = false;
  hold_body(0);
  parser_.reset();
  HttpResponse response = problem_response(status, message);
  if (status == 429 || status == 503) response.headers["retry-after"] = "5";
  send(to_head(response, HeadOptions{.keep_alive = false, .length = response.body.size()}) + response.body);
}

void Session::dispatch() {
  auto message = parser_->release();
  phase_ = Phase::handling;
  disarm();
  keep_alive_ = message.keep_alive();
  head_only_ = message.method() == beast_http::verb::head;
  chunked_ = message.version() >= 11;
  HttpRequest request;
  request.method = std::string(message.method_string());
  Status good = fill_target(request, plain(message.target()));
  for (const auto& header : message) {
    if (!good) break;
    good = add_header(request, plain(header.name_string()), plain(header.value()));
  }
  if (good && message.version() >= 11 && request.headers.count("host") == 0)
    good = Error{.code = Code::invalid,
                 .message = "a request must say in a Host header whom it is for",
                 .where = {},
                 .cause = {}};
  if (!good) return refuse_request(400, good.error().message);
  request.body = std::move(message.body());
  request.peer = peer_;
  read();  // notices a peer that goes away
  auto responder = std::make_shared<SessionResponder>(shared_from_this(), request_number_);
  try {
    core_->handler(std::move(request), responder);
  } catch (const std::exception& thrown) {
    responder->respond(problem_response(500, cat("this is a fault in Mien: ", thrown.what())));
  }
}

void Session::answer(std::uint64_t number, HttpResponse response) {
  if (number != request_number_ || phase_ != Phase::handling) return;
  phase_ = Phase::finishing;
  hold_body(0);
  keep_alive_ = keep_alive_ && !winding_down_ && !input_ended_;
  std::size_t length = response.body.size();
  std::string bytes = to_head(response, HeadOptions{.keep_alive = keep_alive_, .length = length});
  if (!head_only_ && may_have_body(response.status)) bytes += response.body;
  send(std::move(bytes));
}

void Session::begin_stream(std::uint64_t number, HttpResponse head) {
  if (number != request_number_ || phase_ != Phase::handling) return;
  phase_ = Phase::streaming;
  hold_body(0);
  keep_alive_ = keep_alive_ && chunked_ && !winding_down_;
  std::string bytes =
      to_head(head, HeadOptions{.keep_alive = keep_alive_, .length = std::nullopt, .chunked = chunked_});
  std::string first = std::move(head.body);
  send(std::move(bytes));
  if (input_ended_) return close();
  if (!first.empty()) {
    waiting += first.size();
    stream_chunk(number, std::move(first));
  }
  if (head_only_ || winding_down_) end_stream(number, true);
}

void Session::stream_chunk(std::uint64_t number, std::string chunk) {
  std::size_t size = chunk.size();
  bool wanted = number == request_number_ && phase_ == Phase::streaming && !head_only_ && size > 0;
  if (!wanted) waiting -= size;
  else send(chunked_ ? to_chunk(chunk) : std::move(chunk), size);
}

void Session::end_stream(std::uint64_t number, bool whole) {
  if (number != request_number_ || phase_ != Phase::streaming) return;
  if (!whole) return close();  // a cut connection is how HTTP says that the rest is missing
  phase_ = Phase::finishing;
  if (chunked_ && !head_only_) send("0\r\n\r\n");
  else if (!writing_) on_written({});
}

// ---- the way out ----

void Session::send(std::string bytes, std::size_t stream_bytes) {
  out_.push_back(Outgoing{std::move(bytes), stream_bytes});
  if (!writing_) write();
}

void Session::write() {
  writing_ = true;
  if (phase_ != Phase::reading) arm(core_->options.idle_timeout);
  auto done = [self = shared_from_this()](const error_code& error, std::size_t) { self->on_written(error); };
  if (tls_) asio::async_write(*tls_, asio::buffer(out_.front().bytes), std::move(done));
  else asio::async_write(socket_, asio::buffer(out_.front().bytes), std::move(done));
}

void Session::on_written(const error_code& error) {
  if (writing_) {
    waiting -= out_.front().stream_bytes;
    out_.pop_front();
    writing_ = false;
  }
  if (phase_ == Phase::closed) return;
  if (error) return close();
  if (!out_.empty()) return write();
  if (phase_ == Phase::streaming || phase_ == Phase::handling) return disarm();
  if (phase_ != Phase::finishing) return;
  if (keep_alive_ && !winding_down_ && !input_ended_) next_request();
  else linger();
}

// Closing at once with bytes unread would make the kernel throw away our last answer: so the rest is read and thrown
// away for a moment.
void Session::linger() {
  phase_ = Phase::lingering;
  if (input_ended_) return close();
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  arm(linger_time);
  read();
}

void Session::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  gone = true;
  hold_body(0);
  disarm();
  error_code ignored;
  socket_.close(ignored);
}

void Session::wind_down() {
  winding_down_ = true;
  if (phase_ == Phase::streaming) end_stream(request_number_, true);
  if (phase_ == Phase::opening) close();
  if (phase_ == Phase::reading && in_.empty() && !header_seen_ && header_bytes_ == 0) close();
}

void Session::arm(Duration after) {
  deadline_ = std::chrono::steady_clock::now() + after;
  timer_.expires_at(*deadline_);
  timer_.async_wait([self = shared_from_this()](const error_code&) {
    if (self->deadline_ && *self->deadline_ <= std::chrono::steady_clock::now()) self->on_deadline();
  });
}

void Session::on_deadline() {
  disarm();
  bool half_asked = phase_ == Phase::reading && !writing_ && (!in_.empty() || header_seen_ || header_bytes_ > 0);
  if (half_asked) return refuse_request(408, "the request did not arrive in time");
  close();
}

// ---- all connections ----

Status Core::open() {
  listening = TRY(detail::listen_on(options));
  try {
    acceptor.assign(Protocol(listening.family, 0), listening.descriptor);
    if (Status usable = options.tls ? renew(*options.tls) : Status{}; !usable) return usable;
    work_.emplace(context.get_executor());
    for (int i = 0; i < options.threads; ++i) threads_.emplace_back([self = this] { self->context.run(); });
  } catch (const std::exception& thrown) {
    return Error{
        .code = Code::invalid, .message = cat("cannot start the server: ", thrown.what()), .where = {}, .cause = {}};
  }
  asio::post(accept_strand, [self = shared_from_this()] { self->accept(); });
  return {};
}

Status Core::renew(const TlsIdentity& identity) {
  if (!options.tls)
    return Error{.code = Code::invalid, .message = "this listener speaks plain HTTP", .where = {}, .cause = {}};
  try {
    auto fresh = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    ::SSL_CTX_set_min_proto_version(fresh->native_handle(), TLS1_2_VERSION);
    fresh->use_certificate_chain(asio::buffer(identity.certificate_pem));
    fresh->use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
    Lock lock(tls_mutex_);
    tls_ = std::move(fresh);
    return {};
  } catch (const std::exception& thrown) {
    return Error{.code = Code::invalid,
                 .message = cat("this certificate and key cannot be used: ", thrown.what()),
                 .where = {},
                 .cause = {}};
  }
}

void Core::accept() {
  if (!acceptor.is_open()) return;
  Strand strand(context.get_executor());
  acceptor.async_accept(strand, [self = shared_from_this(), strand](const error_code& error, auto socket) {
    if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
    if (error) {  // most likely out of descriptors: waiting is all that helps
      self->accept_pause.expires_after(std::chrono::milliseconds(100));
      self->accept_pause.async_wait([self](const error_code&) { self->accept(); });
      return;
    }
    std::shared_ptr<Session> session;  // outlives the lock: its end takes the lock too
    {
      Lock lock(self->sessions_mutex_);
      std::size_t present = self->sessions_.size();
      if (present < self->options.max_connections + refusals_at_once) {
        asio::basic_stream_socket<Protocol> generic(std::move(socket));
        session = std::make_shared<Session>(self, std::move(generic), strand, present >= self->options.max_connections);
        self->sessions_.emplace(session.get(), session);
      }
    }
    if (session) asio::post(strand, [session] { session->start(); });
    self->accept();
  });
}

void Core::leave(Session* session) {
  Lock lock(sessions_mutex_);
  sessions_.erase(session);
  all_left_.notify_all();
}

std::vector<std::shared_ptr<Session>> Core::sessions() {
  std::vector<std::shared_ptr<Session>> present;
  Lock lock(sessions_mutex_);
  for (auto& [raw, weak] : sessions_)
    if (auto session = weak.lock()) present.push_back(std::move(session));
  return present;
}

void Core::stop(Duration grace) {
  if (threads_.empty()) return;
  asio::post(accept_strand, [self = shared_from_this()] {
    error_code ignored;
    self->acceptor.close(ignored);
    self->accept_pause.cancel();
  });
  if (!options.unix_path.empty()) ::unlink(options.unix_path.c_str());
  for (const auto& session : sessions()) post(session->strand(), [session] { session->wind_down(); });
  auto deadline = std::chrono::steady_clock::now() + grace;
  {
    std::unique_lock<Mutex> lock(sessions_mutex_);
    all_left_.wait_until(lock, deadline,
                         [this]() MIEN_THREAD_ATTRIBUTE(no_thread_safety_analysis) { return sessions_.empty(); });
  }
  // Handlers that still run may open nothing new: the acceptor is closed. What they post after the gate is shut is
  // lost.
  for (const auto& session : sessions()) post(session->strand(), [session] { session->close(); });
  {
    Lock lock(gate_);
    shut_ = true;
  }
  work_.reset();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

class BeastServer final : public HttpServer {
 public:
  explicit BeastServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~BeastServer() override { core_->stop(Duration{0}); }
  [[nodiscard]] std::uint16_t port() const override { return core_->listening.port; }
  void stop(Duration grace) override { core_->stop(grace); }
  Status renew(const TlsIdentity& identity) override { return core_->renew(identity); }

 private:
  const std::shared_ptr<Core> core_;
};

}  // namespace detail

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, HttpHandler handler) {
  CHECK(options.threads > 0 && handler != nullptr);
  auto core = std::make_shared<detail::Core>(options, std::move(handler));
  if (Status opened = core->open(); !opened) {
    core->stop(Duration{0});
    return std::move(opened).error();
  }
  return std::unique_ptr<HttpServer>(std::make_unique<detail::BeastServer>(std::move(core)));
}

}  // namespace mien::edge
