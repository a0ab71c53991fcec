// The HTTP client: Beast's parser over a Connection. The agent uses nothing else to reach its manager (docs/adr/0020).
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/http/connection.h"
#include "edge/http/http.h"
#include "edge/http/url.h"

namespace mien::edge {
namespace {

namespace beast_http = boost::beast::http;
using Parser = beast_http::response_parser<beast_http::string_body>;

constexpr std::uint32_t max_answer_header = 64U << 10U;

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

std::string_view plain(boost::beast::string_view text) { return {text.data(), text.size()}; }

Code code_of_status(int status) {
  switch (status) {
    case 400:
    case 422: return Code::invalid;
    case 404: return Code::not_found;
    case 409:
    case 412: return Code::conflict;
    case 413:
    case 429:
    case 507: return Code::exhausted;
    case 503: return Code::unavailable;
    default: return Code::refused;
  }
}

// How long the next wait may take: up to a deadline for the whole exchange, or so much silence.
struct Limits {
  std::optional<MonoTime> whole;
  Duration silence{};
  [[nodiscard]] MonoTime now() const { return whole ? *whole : mono_now() + silence; }
};

class BeastClient final : public HttpClient {
 public:
  explicit BeastClient(HttpTarget target)
      : target_(std::move(target)), cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~BeastClient() override { ::close(cancel_); }
  BeastClient(const BeastClient&) = delete;
  BeastClient& operator=(const BeastClient&) = delete;

  Result<HttpResponse> send(const HttpRequest& request, Duration timeout) override {
    MonoTime deadline = mono_now() + timeout;
    HttpResponse response;
    bool reused = false;
    std::size_t heard = 0;
    auto take_body = [&](Parser& parser) {
      response.body += parser.get().body();
      return true;
    };
    Status done = exchange(request, deadline, take_body, response, reused, heard);
    // A kept connection may be closed by the server just as we use it again. What changes nothing may be asked twice.
    bool harmless = request.method == "GET" || request.method == "HEAD";
    if (!done && done.error().code == Code::unknown && reused && heard == 0 && harmless && mono_now() < deadline) {
      response = {};
      done = exchange(request, deadline, take_body, response, reused, heard);
    }
    if (!done) return std::move(done).error().within(cat(request.method, ' ', target_.url, request.path));
    return response;
  }

  Status stream(const HttpRequest& request, const std::function<bool(std::string_view)>& on_chunk) override {
    connection_.reset();
    HttpResponse head;
    bool reused = false;
    std::size_t heard = 0;
    auto take_body = [&](Parser& parser) {
      if (auto status = parser.get().result_int(); status < 200 || status > 299) {
        head.body += std::string(parser.get().body()).substr(0, 4096);
        return head.body.size() < 4096;
      }
      return on_chunk(parser.get().body());
    };
    Status done = exchange(request, std::nullopt, take_body, head, reused, heard);
    connection_.reset();
    if (done && (head.status < 200 || head.status > 299))
      done = failure(code_of_status(head.status), cat("the server answered ", head.status, ": ", trim(head.body)));
    if (!done) return std::move(done).error().within(cat(request.method, ' ', target_.url, request.path));
    return {};
  }

  void cancel() override {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t ignored = ::write(cancel_, &one, sizeof one);
  }

 private:
  using TakeBody = std::function<bool(Parser&)>;  // false: enough

  // One request and its answer. Without a deadline (a stream) every silence is limited instead.
  Status exchange(const HttpRequest& request, std::optional<MonoTime> deadline, const TakeBody& take_body,
                  HttpResponse& response, bool& reused, std::size_t& heard) {
    Limits limits{.whole = deadline, .silence = target_.silence_limit};
    reused = connection_ != nullptr && connection_->is_fresh();
    if (!reused) {
      connection_.reset();
      auto opened =
          detail::Connection::open(target_, cancel_, std::min(limits.now(), mono_now() + target_.connect_timeout));
      if (!opened) {
        Error error = std::move(opened).error();
        if (error.code == Code::unknown) error.code = Code::unavailable;  // nothing was sent yet
        return error;
      }
      connection_ = std::move(opened).value();
    }
    auto connection = std::move(connection_);  // kept again only after a whole answer
    std::size_t sent = 0;
    Status asked = connection->send(write_request(request), limits.now(), sent);
    // The other side may refuse early and close: its words come before our complaint.
    Result<bool> kept = read_answer(*connection, request, limits, take_body, response, heard);
    if (!kept) {
      if (!asked && heard == 0) return failure(sent == 0 ? Code::unavailable : Code::unknown, asked.error().message);
      return std::move(kept).error();
    }
    if (*kept && asked) connection_ = std::move(connection);
    return {};
  }

  // Whether the connection can be kept.
  Result<bool> read_answer(detail::Connection& connection, const HttpRequest& request, const Limits& limits,
                           const TakeBody& take_body, HttpResponse& response, std::size_t& heard) const {
    std::optional<Parser> parser;
    auto begin = [&] {
      parser.emplace();
      parser->eager(true);
      parser->header_limit(max_answer_header);
      parser->body_limit(boost::none);
      parser->skip(request.method == "HEAD");
    };
    begin();
    std::string in;
    std::array<char, 16U << 10U> chunk;
    std::uint64_t body_size = 0;
    bool told = false;
    while (true) {
      std::size_t count = TRY(connection.receive(chunk.data(), chunk.size(), limits.now()));
      heard += count;
      in.append(chunk.data(), count);
      boost::system::error_code error;
      if (count == 0 && parser->is_header_done()) parser->put_eof(error);
      else if (count == 0) return failure(Code::unknown, "the server closed the connection without an answer");
      while (!in.empty() && !error) {
        std::size_t taken = parser->put(boost::asio::buffer(in), error);
        in.erase(0, taken);
        if (error == beast_http::error::need_more) {
          error = {};
          break;
        }
        if (!error && parser->is_done() && parser->get().result_int() == 100) begin();  // go on: the answer follows
        else if (parser->is_done()) break;
      }
      if (error) return failure(Code::unknown, cat("the answer is not HTTP or is cut short: ", error.message()));
      if (!parser->is_header_done()) continue;
      if (!told) {
        told = true;
        response.status = static_cast<int>(parser->get().result_int());
        for (const auto& header : parser->get())
          response.headers[to_lower(plain(header.name_string()))] = std::string(plain(header.value()));
      }
      body_size += parser->get().body().size();
      if (limits.whole && body_size > target_.max_answer.value)
        return failure(Code::exhausted, cat("the answer is longer than ", target_.max_answer.value, " bytes"));
      bool enough = !parser->get().body().empty() && !take_body(*parser);
      parser->get().body().clear();
      if (parser->is_done()) return parser->get().keep_alive() && in.empty() && count > 0;
      if (enough) return false;
      if (count == 0) return failure(Code::unknown, "the connection ended in the middle of the answer");
    }
  }

  [[nodiscard]] std::string host_header() const {
    auto url = parse_server_url(target_.url);
    return url ? to_host_port(url->host, url->port) : "localhost";
  }

  [[nodiscard]] std::string write_request(const HttpRequest& request) const {
    std::string out = cat(request.method, ' ', to_target(request.path, request.query), " HTTP/1.1\r\n");
    if (request.headers.count("host") == 0) out += cat("Host: ", host_header(), "\r\n");
    for (const auto& [name, value] : request.headers)
      if (name != "content-length" && name != "connection") out += cat(name, ": ", value, "\r\n");
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
      out += cat("Content-Length: ", request.body.size(), "\r\n");
    return cat(out, "\r\n", request.body);
  }

  const HttpTarget target_;
  const int cancel_;
  std::unique_ptr<detail::Connection> connection_;
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::make(HttpTarget target) {
  return std::make_unique<BeastClient>(std::move(target));
}

}  // namespace mien::edge
