#include "edge/http/http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "base/text.h"
#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

constexpr Duration patience = 30s;  // only says "hung"

// A client that can be rude: bytes in, bytes out.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void say(std::string_view bytes) const { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  [[nodiscard]] bool has_answer() const {
    pollfd wait{socket_, POLLIN, 0};
    return ::poll(&wait, 1, 0) > 0;
  }
  void finish() const { ::shutdown(socket_, SHUT_WR); }
  // Reads until `end` was seen or the server closed.
  std::string hear(std::string_view end = {}) {
    std::string heard;
    std::array<char, 4096> chunk{};
    while (end.empty() || heard.find(end) == std::string::npos) {
      pollfd wait{socket_, POLLIN, 0};
      if (::poll(&wait, 1, 30'000) <= 0) return heard + "<hung>";
      ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), 0);
      if (count <= 0) break;
      heard.append(chunk.data(), static_cast<std::size_t>(count));
    }
    return heard;
  }

 private:
  int socket_;
};

HttpResponse say(std::string body) {
  return HttpResponse{.status = 200, .headers = {{"content-type", "text/plain"}}, .body = std::move(body)};
}

std::unique_ptr<HttpServer> serve(HttpServerOptions options, HttpHandler handler) {
  auto server = HttpServer::start(options, std::move(handler));
  EXPECT_TRUE(server.ok()) << (server ? "" : server.error().to_string());
  return std::move(server).value();
}

std::unique_ptr<HttpServer> serve(HttpHandler handler) {
  return serve(HttpServerOptions{.port = 0}, std::move(handler));
}

void echo(HttpRequest request, const std::shared_ptr<Responder>& responder) {
  std::string text = cat(request.method, ' ', request.path);
  for (const auto& [name, value] : request.query) text += cat(' ', name, '=', value);
  responder->respond(say(cat(text, ' ', request.body)));
}

HttpRequest get(std::string path) { return HttpRequest{.method = "GET", .path = std::move(path)}; }
HttpRequest post(std::string path, std::string body) {
  return HttpRequest{.method = "POST", .path = std::move(path), .body = std::move(body)};
}

std::unique_ptr<HttpClient> client_of(const HttpServer& server) {
  return HttpClient::make(HttpTarget{.url = cat("http://127.0.0.1:", server.port())});
}

TEST(Http, AnswersAGetWithPathAndQueryDecoded) {
  auto server = serve(echo);
  auto request = get("/api/v1/a b");
  request.query = {{"selector", "role=web,tier=a&b"}};
  auto answer = client_of(*server)->send(request, patience);
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers["content-type"], "text/plain");
  EXPECT_EQ(answer->body, "GET /api/v1/a b selector=role=web,tier=a&b ");
}

TEST(Http, TellsTheHandlerWhoAsks) {
  std::promise<Peer> peer;
  auto server = serve([&](HttpRequest request, const auto& responder) {
    peer.set_value(request.peer);
    responder->respond(say(""));
  });
  ASSERT_TRUE(client_of(*server)->send(get("/"), patience).ok());
  Peer seen = peer.get_future().get();
  EXPECT_EQ(seen.address, "127.0.0.1");
  EXPECT_TRUE(seen.loopback);
  EXPECT_FALSE(seen.tls);
  EXPECT_FALSE(seen.uid.has_value());
}

TEST(Http, KeepsOneConnectionForManyRequests) {
  std::atomic<int> requests{0};
  auto server =
      serve(HttpServerOptions{.port = 0, .max_connections = 1}, [&](HttpRequest request, const auto& responder) {
        ++requests;
        responder->respond(say(request.body));
      });
  auto client = client_of(*server);
  for (int i = 0; i < 50; ++i) {
    std::string body(static_cast<std::size_t>(i * 1000), 'x');
    auto answer = client->send(post("/v1/metrics", body), patience);
    ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    ASSERT_EQ(answer->status, 200);
    ASSERT_EQ(answer->body, body);
  }
  EXPECT_EQ(requests, 50);
}

TEST(Http, AnswersPipelinedRequestsInTheirOrder) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Responder>> held;
  std::promise<void> arrived;
  auto server = serve([&](HttpRequest request, const std::shared_ptr<Responder>& responder) {
    if (request.path == "/slow") {
      std::lock_guard lock(mutex);
      held.push_back(responder);
      arrived.set_value();
      return;
    }
    responder->respond(say("quick"));
  });
  RawClient client(server->port());
  client.say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  arrived.get_future().wait();
  std::thread late([&] { held.front()->respond(say("slow")); });
  std::string heard = client.hear();
  late.join();
  EXPECT_LT(heard.find("slow"), heard.find("quick"));
  EXPECT_NE(heard.find("quick"), std::string::npos);
}

TEST(Http, TakesAChunkedBodyAndSaysContinueWhenAsked) {
  auto server = serve(echo);
  RawClient client(server->port());
  client.say(
      "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.hear("\r\n\r\n").find("100 Continue"), std::string::npos);
  client.say("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_NE(client.hear().find("POST /x hello world"), std::string::npos);
}

TEST(Http, RefusesABodyOverTheLimitWithoutReadingIt) {
  std::atomic<int> handled{0};
  auto server = serve(HttpServerOptions{.port = 0, .max_body = Bytes{1000}}, [&](HttpRequest, const auto& responder) {
    ++handled;
    responder->respond(say(""));
  });
  auto answer = client_of(*server)->send(post("/v1/metrics", std::string(30'000'000, 'x')), patience);
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->status, 413);
  EXPECT_NE(answer->body.find("1000 bytes"), std::string::npos);
  EXPECT_EQ(answer->headers["content-type"], "application/problem+json");
  RawClient chunked(server->port());
  chunked.say("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n");
  EXPECT_NE((chunked.say(std::string(4096, 'x')), chunked.hear()).find("413"), std::string::npos);
  EXPECT_EQ(handled, 0);
}

TEST(Http, RefusesHeadersOverTheLimit) {
  auto server = serve(echo);
  auto request = get("/");
  request.headers["x-long"] = std::string(20'000, 'x');
  auto answer = client_of(*server)->send(request, patience);
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->status, 431);
}

TEST(Http, AnswersNonsenseWithAPlain400) {
  auto server = serve(echo);
  for (std::string_view nonsense :
       {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"}) {
    RawClient client(server->port());
    client.say(nonsense);
    std::string heard = client.hear();
    EXPECT_EQ(heard.substr(0, 12), "HTTP/1.1 400") << nonsense << heard;
    EXPECT_NE(heard.find("Connection: close"), std::string::npos);
  }
}

TEST(Http, SaysThatAPlainPortSpeaksNoTls) {
  auto server = serve(echo);
  auto client = HttpClient::make(HttpTarget{.url = cat("https://127.0.0.1:", server->port()), .fetch_ca_only = true});
  auto answer = client->send(get("/"), patience);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::refused);
  EXPECT_NE(answer.error().to_string().find("speaks plain HTTP"), std::string::npos) << answer.error().to_string();
}

TEST(Http, GivesAHeadRequestTheLengthButNoBody) {
  auto server = serve(echo);
  auto request = get("/x");
  request.method = "HEAD";
  auto client = client_of(*server);
  auto answer = client->send(request, patience);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(answer->headers["content-length"], "8");
  EXPECT_EQ(client->send(get("/y"), patience)->body, "GET /y ");
}

TEST(Http, AnswersALongPollFromAnotherThreadLater) {
  std::promise<std::shared_ptr<Responder>> asked;
  auto server = serve([&](HttpRequest, const auto& responder) { asked.set_value(responder); });
  std::thread later([&] { asked.get_future().get()->respond(say("directive")); });
  EXPECT_EQ(client_of(*server)->send(get("/poll"), patience)->body, "directive");
  later.join();
}

TEST(Http, AnswersForAHandlerThatDropsItsResponderOrThrows) {
  auto server = serve([](HttpRequest request, const auto&) {
    if (request.path == "/throw") throw std::runtime_error("deliberate");
  });
  auto client = client_of(*server);
  EXPECT_EQ(client->send(get("/drop"), patience)->status, 500);
  EXPECT_EQ(client->send(get("/throw"), patience)->status, 500);
}

TEST(Http, RefusesToSendAHeaderThatCarriesAnother) {
  auto server = serve([](HttpRequest, const auto& responder) {
    responder->respond(HttpResponse{.status = 200, .headers = {{"location", "/\r\nSet-Cookie: a=b"}}, .body = {}});
  });
  auto answer = client_of(*server)->send(get("/"), patience);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(answer->headers.count("set-cookie"), 0U);
}

TEST(Http, StreamsChunksUntilTheReaderHasEnough) {
  std::promise<void> writer_done;
  std::thread writer;
  auto server = serve([&](HttpRequest, const std::shared_ptr<Responder>& responder) {
    writer = std::thread([responder, &writer_done] {
      responder->begin(
          HttpResponse{.status = 200, .headers = {{"content-type", "text/event-stream"}}, .body = "retry: 1000\n\n"});
      for (int i = 0; responder->write(cat("data: ", i, "\n\n")); ++i) std::this_thread::yield();
      writer_done.set_value();
    });
  });
  std::string heard;
  Status done = client_of(*server)->stream(get("/events"), [&](std::string_view chunk) {
    heard += chunk;
    return heard.find("data: 5\n") == std::string::npos;
  });
  EXPECT_TRUE(done.ok());
  EXPECT_EQ(heard.find("retry: 1000\n\ndata: 0\n\ndata: 1\n\n"), 0U);
  writer_done.get_future().wait();  // the writer learns that the reader is gone
  writer.join();
}

TEST(Http, EndsAStreamThatTheWriterEnds) {
  auto server = serve([&](HttpRequest, const std::shared_ptr<Responder>& responder) {
    responder->begin(HttpResponse{.status = 200, .headers = {}, .body = {}});
    responder->write("one");
    responder->write("two");
    responder->end();
    EXPECT_FALSE(responder->write("three"));
  });
  std::string heard;
  EXPECT_TRUE(
      client_of(*server)->stream(get("/events"), [&](std::string_view chunk) { return heard += chunk, true; }).ok());
  EXPECT_EQ(heard, "onetwo");
  EXPECT_EQ(client_of(*server)->send(get("/"), patience)->body, "onetwo");
}

TEST(Http, TellsAStreamsReaderThatTheRestIsMissing) {
  auto server = serve([&](HttpRequest, const std::shared_ptr<Responder>& responder) {
    responder->begin(HttpResponse{.status = 200, .headers = {}, .body = "half"});
  });
  Status done = client_of(*server)->stream(get("/events"), [](std::string_view) { return true; });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::unknown);
}

TEST(Http, StopsAWriterWhosePeerDoesNotRead) {
  std::promise<std::size_t> written;
  std::promise<std::thread> started;
  auto server = serve([&](HttpRequest, const std::shared_ptr<Responder>& responder) {
    started.set_value(std::thread([responder, &written] {
      responder->begin(HttpResponse{.status = 200, .headers = {}, .body = {}});
      std::size_t chunks = 0;
      while (responder->write(std::string(64U << 10U, 'x'))) ++chunks;
      written.set_value(chunks);
    }));
  });
  RawClient deaf(server->port());
  deaf.say("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  std::thread writer = started.get_future().get();
  writer.join();
  EXPECT_LT(written.get_future().get(), 1000U);  // kernel buffers and a mebibyte, not memory without end
}

TEST(Http, ManyLargeBodiesAtOnceAreRefusedWith429AndSmallOnesAreStillTaken) {
  constexpr std::size_t large = 1U << 20U;
  auto server = serve(
      HttpServerOptions{.port = 0, .max_body = Bytes{large}},
      [](HttpRequest request, const auto& responder) { responder->respond(say(std::to_string(request.body.size()))); });
  auto post = [](std::size_t size) {
    return HttpRequest{.method = "POST", .path = "/", .body = std::string(size, 'x')};
  };
  // Twenty of which one byte never comes: sixteen fit, whichever they are.
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(std::make_unique<RawClient>(server->port()));
    slow.back()->say(
        cat("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ", large, "\r\n\r\n", std::string(large - 1, 'x')));
  }
  auto answered = [](const auto& each) { return each->has_answer(); };
  while (std::count_if(slow.begin(), slow.end(), answered) < 4) std::this_thread::yield();
  auto waiting = std::partition(slow.begin(), slow.end(), answered);
  ASSERT_EQ(slow.end() - waiting, 16);
  for (auto each = slow.begin(); each != waiting; ++each) {
    std::string heard = (*each)->hear();
    EXPECT_NE(heard.find(" 429 "), std::string::npos) << heard;
    EXPECT_NE(heard.find("retry-after: 5\r\n"), std::string::npos) << heard;
  }
  auto small = client_of(*server)->send(post(60'000), patience);
  ASSERT_TRUE(small.ok()) << small.error().to_string();
  EXPECT_EQ(small->body, "60000");
  // Who was slow is answered when it is done, and makes room.
  for (auto each = waiting; each != slow.end(); ++each) (*each)->say("x");
  for (auto each = waiting; each != slow.end(); ++each)
    EXPECT_NE((*each)->hear("1048576").find("200 OK"), std::string::npos);
  EXPECT_EQ(client_of(*server)->send(post(large), patience)->status, 200);
}

TEST(Http, AnswersConnectionsOverTheLimitWith503) {
  std::promise<std::shared_ptr<Responder>> asked;
  auto server = serve(HttpServerOptions{.port = 0, .max_connections = 1},
                      [&](HttpRequest, const auto& responder) { asked.set_value(responder); });
  std::thread first([&] { EXPECT_EQ(client_of(*server)->send(get("/hold"), patience)->body, "held"); });
  auto held = asked.get_future().get();
  auto answer = client_of(*server)->send(get("/"), patience);
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->status, 503);
  held->respond(say("held"));
  first.join();
}

TEST(Http, ClosesConnectionsThatSayNothingAndAnswersThoseThatDoNotFinish) {
  auto server = serve(HttpServerOptions{.port = 0, .header_timeout = 50ms, .idle_timeout = 50ms}, echo);
  RawClient silent(server->port());
  EXPECT_EQ(silent.hear(), "");
  RawClient slow(server->port());
  slow.say("GET / HTT");
  EXPECT_EQ(slow.hear().substr(0, 12), "HTTP/1.1 408");
  RawClient slow_body(server->port());
  slow_body.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  EXPECT_EQ(slow_body.hear().substr(0, 12), "HTTP/1.1 408");
}

TEST(Http, NamesTheAddressWhenItIsTaken) {
  auto first = serve(echo);
  auto second = HttpServer::start(HttpServerOptions{.port = first->port()}, echo);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::io);
  EXPECT_NE(second.error().message.find(cat("127.0.0.1:", first->port(), " is already in use")), std::string::npos)
      << second.error().message;
  EXPECT_NE(second.error().message.find("--listen"), std::string::npos);
}

TEST(Http, StopLetsARunningAnswerFinishAndTakesNoMore) {
  std::promise<std::shared_ptr<Responder>> asked;
  auto server = serve([&](HttpRequest, const auto& responder) { asked.set_value(responder); });
  std::uint16_t port = server->port();
  std::thread waiting([&] { EXPECT_EQ(client_of(*server)->send(get("/"), patience)->body, "finished"); });
  auto held = asked.get_future().get();
  std::thread stopping([&] { server->stop(patience); });
  auto late = HttpClient::make(HttpTarget{.url = cat("http://127.0.0.1:", port)});
  while (true) {  // until the listener is closed
    auto refused = late->send(get("/"), 100ms);
    if (!refused && refused.error().code == Code::unavailable) break;
  }
  held->respond(say("finished"));
  held.reset();
  waiting.join();
  stopping.join();
}

TEST(Http, AResponderMayOutliveItsServer) {
  std::promise<std::shared_ptr<Responder>> asked;
  auto server = serve([&](HttpRequest, const auto& responder) { asked.set_value(responder); });
  std::thread waiting([&] { EXPECT_EQ(client_of(*server)->send(get("/"), patience).error().code, Code::unknown); });
  auto held = asked.get_future().get();
  std::thread stopping([&] { server->stop(Duration{0}); });
  waiting.join();
  stopping.join();
  server.reset();
  held->respond(say("too late"));
}

TEST(HttpClient, SaysUnavailableWhenNobodyListens) {
  auto server = serve(echo);
  auto client = client_of(*server);
  server.reset();
  auto answer = client->send(post("/", "x"), patience);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::unavailable);
}

TEST(HttpClient, SaysUnknownWhenNoAnswerComesInTime) {
  std::promise<std::shared_ptr<Responder>> asked;
  auto server = serve([&](HttpRequest, const auto& responder) { asked.set_value(responder); });
  auto answer = client_of(*server)->send(post("/", "x"), 100ms);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::unknown);
}

TEST(HttpClient, ReconnectsWhenTheKeptConnectionWasClosed) {
  auto server = serve(HttpServerOptions{.port = 0, .header_timeout = 20ms, .idle_timeout = 20ms}, echo);
  auto client = client_of(*server);
  for (int i = 0; i < 5; ++i) {
    auto answer = client->send(get("/"), patience);
    ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    RawClient silent(server->port());
    EXPECT_EQ(silent.hear("never").size(), 0U);  // by then the idle time of the kept one has passed too, or nearly
  }
}

TEST(HttpClient, CancelEndsAWaitFromAnotherThread) {
  std::promise<std::shared_ptr<Responder>> asked;
  auto server = serve([&](HttpRequest, const auto& responder) { asked.set_value(responder); });
  auto client = client_of(*server);
  std::thread other([&] {
    auto held = asked.get_future().get();
    client->cancel();
  });
  EXPECT_FALSE(client->send(get("/poll"), patience).ok());
  EXPECT_FALSE(client->send(get("/poll"), patience).ok());
  other.join();
}

TEST(HttpClient, RefusesAnswersOverItsLimit) {
  auto server = serve([](HttpRequest, const auto& responder) { responder->respond(say(std::string(10'000, 'x'))); });
  auto client =
      HttpClient::make(HttpTarget{.url = cat("http://127.0.0.1:", server->port()), .max_answer = Bytes{1000}});
  EXPECT_EQ(client->send(get("/"), patience).error().code, Code::exhausted);
}

TEST(HttpUnix, ServesOnASocketAndKnowsWhoAsks) {
  testing::TemporaryDirectory home;
  std::string path = home.path() + "/agent.sock";
  std::promise<Peer> peer;
  auto server = serve(HttpServerOptions{.unix_path = path}, [&](HttpRequest request, const auto& responder) {
    peer.set_value(request.peer);
    responder->respond(say("over unix"));
  });
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  auto client = HttpClient::make(HttpTarget{.url = "http://localhost", .unix_path = path});
  EXPECT_EQ(client->send(get("/"), patience)->body, "over unix");
  Peer seen = peer.get_future().get();
  EXPECT_EQ(seen.address, "unix");
  EXPECT_EQ(seen.uid, ::getuid());
  auto second = HttpServer::start(HttpServerOptions{.unix_path = path}, echo);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("in use by another running Mien"), std::string::npos);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HttpUnix, ReplacesASocketThatAKilledProcessLeft) {
  testing::TemporaryDirectory home;
  std::string path = home.path() + "/agent.sock";
  auto first = serve(HttpServerOptions{.unix_path = path}, echo);
  std::filesystem::create_hard_link(path, path + ".kept");
  first.reset();
  std::filesystem::rename(path + ".kept", path);
  auto second = serve(HttpServerOptions{.unix_path = path}, echo);
  auto client = HttpClient::make(HttpTarget{.url = "http://localhost", .unix_path = path});
  EXPECT_EQ(client->send(get("/"), patience)->status, 200);
}

TEST(HttpUnix, SaysWhatIsWrongWithAPath) {
  testing::TemporaryDirectory home;
  auto long_path = HttpServer::start(HttpServerOptions{.unix_path = home.path() + "/" + std::string(200, 'x')}, echo);
  EXPECT_EQ(long_path.error().code, Code::invalid);
  auto client = HttpClient::make(HttpTarget{.url = "http://localhost", .unix_path = home.path() + "/nobody"});
  EXPECT_EQ(client->send(get("/"), patience).error().code, Code::unavailable);
}

}  // namespace
}  // namespace mien::edge
