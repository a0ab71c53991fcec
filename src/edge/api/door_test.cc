// The API through a real server and client: what only a socket shows.
#include <gtest/gtest.h>

#include "edge/access/access.h"
#include "edge/api/testing/fake_manager.h"
#include "edge/crypto/crypto.h"

namespace mien::edge {
namespace {

using testing::Bench;

struct Door : ::testing::Test {
  Bench bench;
  std::string token = random_token();
  std::unique_ptr<HttpServer> server;
  Authorize authorize;

  void SetUp() override {
    HttpServerOptions options;
    options.port = 0;
    auto started = HttpServer::start(options, [this](HttpRequest request, std::shared_ptr<Responder> responder) {
      bench.api.handle(std::move(request), std::move(responder), authorize);
    });
    ASSERT_TRUE(started) << started.error().to_string();
    server = std::move(*started);
    AccessRules rules;
    rules.find = [](const std::string&) { return std::nullopt; };
    rules.local_token_hash = sha256_hex(token);
    rules.port = server->port();
    authorize = make_authorize(rules);
  }
  void TearDown() override { server->stop(1s); }

  std::unique_ptr<HttpClient> client() {
    HttpTarget target;
    target.url = "http://127.0.0.1:" + std::to_string(server->port());
    return HttpClient::make(target);
  }
  HttpResponse send(const HttpRequest& request) {
    auto response = client()->send(request, 60s);
    EXPECT_TRUE(response) << response.error().to_string();
    return response ? std::move(*response) : HttpResponse{};
  }
};

TEST_F(Door, IsOpenToLocalReadersWithoutAToken) {
  bench.manager.add_instance("web-01", model::InstanceType::host, 0.5);
  HttpResponse response = send(Bench::request("GET", "/api/v1/drift"));
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Bench::json(response)["items"][0]["instance"], "web-01");
  EXPECT_EQ(send(Bench::request("GET", "/")).status, 200);
}

TEST_F(Door, RefusesAWriteWithoutATokenAndAForeignOrigin) {
  HttpRequest erase = Bench::request("DELETE", "/api/v1/personas/web");
  EXPECT_EQ(send(erase).status, 401);
  erase.headers["authorization"] = "Bearer " + token;
  EXPECT_EQ(send(erase).status, 200);
  erase.headers["origin"] = "https://evil.example";
  EXPECT_EQ(send(erase).status, 403);
  EXPECT_EQ(bench.manager.given.size(), 1U);
}

TEST_F(Door, StreamsEventsWhileTheyHappen) {
  // Published from the server's side once the stream is there; the client stops at the first event it sees.
  auto follower = client();
  std::string heard;
  bench.manager.kept.resize(1);
  bench.manager.kept[0].type = "drift";
  bench.manager.kept[0].subject = "Instance/web-01";
  bench.manager.kept.resize(2, bench.manager.kept[0]);
  HttpRequest request = Bench::request("GET", "/events");
  request.headers["last-event-id"] = "1";
  Status status = follower->stream(request, [&heard](std::string_view chunk) {
    heard += chunk;
    return heard.find("id: 2\n") == std::string::npos;
  });
  EXPECT_TRUE(status) << status.error().to_string();
  EXPECT_NE(heard.find("event: drift"), std::string::npos);
}

}  // namespace
}  // namespace mien::edge
