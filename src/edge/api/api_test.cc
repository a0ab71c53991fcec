#include "edge/api/api.h"

#include <gtest/gtest.h>

#include "edge/api/route.h"
#include "edge/api/testing/fake_manager.h"

namespace mien::edge {
namespace {

using testing::Bench;

TEST(Api, AnswersHealthAlways) {
  Bench bench;
  bench.ready = false;
  HttpResponse response = bench.get("/healthz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(bench.asked, Need::open);
}

TEST(Api, IsReadyOnlyOnceItHasRecovered) {
  Bench bench;
  bench.ready = false;
  HttpResponse before = bench.get("/readyz");
  EXPECT_EQ(before.status, 503);
  EXPECT_TRUE(before.headers.contains("retry-after"));
  bench.ready = true;
  EXPECT_EQ(bench.get("/readyz").status, 200);
}

TEST(Api, SuggestsThePathThatWasMeant) {
  Bench bench;
  HttpResponse response = bench.get("/api/v1/findigs");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers["content-type"], "application/problem+json");
  auto problem = Bench::json(response);
  EXPECT_EQ(problem["type"], "urn:mien:problem:not_found");
  EXPECT_EQ(problem["status"], 404);
  EXPECT_EQ(problem["instance"], "/api/v1/findigs");
  EXPECT_NE(problem["detail"].get<std::string>().find("did you mean /api/v1/findings?"), std::string::npos);
}

TEST(Api, SuggestsThePrefixThatWasForgotten) {
  Bench bench;
  EXPECT_NE(Bench::json(bench.get("/drift"))["detail"].get<std::string>().find("/api/v1/drift"), std::string::npos);
}

TEST(Api, SaysWhichMethodsAPathAnswers) {
  Bench bench;
  HttpResponse response = bench.send("POST", "/api/v1/personas/web");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers["allow"], "GET, PUT, DELETE");
}

TEST(Api, AnswersHeadLikeGetWithoutABody) {
  Bench bench;
  HttpResponse response = bench.send("HEAD", "/healthz");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.empty());
}

TEST(Api, StreamsNothingToHead) {
  Bench bench;
  std::size_t before = bench.manager.subscribers.size();  // the Api itself follows actions
  EXPECT_EQ(bench.send("HEAD", "/events").headers["content-type"], "text/event-stream");
  EXPECT_EQ(bench.manager.subscribers.size(), before);
  EXPECT_EQ(bench.send("HEAD", "/api/v1/backup").status, 200);
}

TEST(Api, AsksForATokenWhenThereIsNone) {
  Bench bench;
  bench.denial = Denial{.status = 401, .detail = "send a token"};
  HttpResponse response = bench.get("/api/v1/drift");
  EXPECT_EQ(response.status, 401);
  EXPECT_TRUE(response.headers.contains("www-authenticate"));
  EXPECT_EQ(Bench::json(response)["detail"], "send a token");
}

TEST(Api, TellsStrangersNothingOfItsPaths) {
  Bench bench;
  bench.denial = Denial{.status = 401, .detail = "send a token"};
  EXPECT_EQ(bench.get("/api/v1/nothing-like-this").status, 401);
  EXPECT_EQ(bench.send("PATCH", "/api/v1/drift").status, 401);
}

TEST(Api, AsksForTheRightThatARouteNeeds) {
  Bench bench;
  struct Case {
    const char* method;
    const char* path;
    Need need;
  };
  for (const Case& one :
       {Case{"GET", "/api/v1/drift", Need::read}, Case{"PUT", "/api/v1/personas/a", Need::write},
        Case{"DELETE", "/api/v1/signals/a", Need::write}, Case{"POST", "/api/v1/enrollments", Need::admin},
        Case{"GET", "/api/v1/backup", Need::admin}, Case{"POST", "/v1/metrics", Need::ingest},
        Case{"POST", "/api/v1/enroll", Need::open}, Case{"GET", "/api/v1/agents/a/directives", Need::agent},
        Case{"POST", "/api/v1/findings/f-1/ack", Need::write}, Case{"GET", "/metrics", Need::read}}) {
    bench.denial = Denial{.status = 403, .detail = "no"};
    bench.send(one.method, one.path);
    EXPECT_EQ(bench.asked, one.need) << one.method << " " << one.path;
  }
}

TEST(Routes, HaveEachMethodAndPathOnce) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& route : api::routes()) {
    EXPECT_TRUE(seen.insert({route.method, route.path}).second) << route.method << " " << route.path;
    EXPECT_FALSE(route.summary.empty()) << route.path;
    EXPECT_NE(route.handle, nullptr) << route.path;
  }
}

TEST(Routes, PreferALiteralToAName) {
  EXPECT_EQ(api::match("POST", "/api/v1/revisions/rollback").route->path, "/api/v1/revisions/rollback");
  auto found = api::match("GET", "/api/v1/revisions/web@web-01/12");
  ASSERT_NE(found.route, nullptr);
  EXPECT_EQ(found.path["name"], "web@web-01/12");
}

TEST(Routes, TakeNoEmptyName) { EXPECT_EQ(api::match("GET", "/api/v1/personas//generations").route, nullptr); }

TEST(Routes, TakeAPathWithASlashTooMany) { EXPECT_NE(api::match("GET", "/api/v1/drift/").route, nullptr); }

TEST(OpenApi, DescribesEveryRoute) {
  Bench bench;
  HttpResponse response = bench.get("/openapi.json");
  ASSERT_EQ(response.status, 200);
  auto document = Bench::json(response);
  EXPECT_EQ(document["openapi"], "3.1.0");
  EXPECT_EQ(document["info"]["version"], "0.1.0");
  std::set<std::string> ids;
  for (const auto& route : api::routes()) {
    std::string path = route.path;
    if (std::size_t dots = path.find("...}"); dots != std::string::npos) path.replace(dots, 4, "}");
    std::string method = route.method == "GET"    ? "get"
                         : route.method == "PUT"  ? "put"
                         : route.method == "POST" ? "post"
                                                  : "delete";
    ASSERT_TRUE(document["paths"][path].contains(method)) << path;
    const auto& operation = document["paths"][path][method];
    EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << operation["operationId"];
    EXPECT_EQ(operation["security"].empty(), route.need == Need::open) << path;
  }
}

TEST(OpenApi, HasTheSchemaOfEveryKind) {
  Bench bench;
  auto schemas = Bench::json(bench.get("/openapi.json"))["components"]["schemas"];
  for (const char* kind : {"Persona", "Instance", "Pool", "Policy", "Signal", "Problem"})
    EXPECT_TRUE(schemas.contains(kind)) << kind;
}

TEST(Api, CountsRequestsByRouteAndNotByWhatStrangersSend) {
  Bench bench;
  bench.get("/healthz");
  bench.get("/healthz");
  bench.get("/made-up-" + std::string(100, 'x'));
  std::string metrics = bench.get("/metrics").body;
  EXPECT_NE(metrics.find("mien_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 2\n"),
            std::string::npos);
  EXPECT_NE(metrics.find("{method=\"other\",route=\"other\",status=\"404\"} 1\n"), std::string::npos);
  EXPECT_EQ(metrics.find("made-up"), std::string::npos);
}

TEST(Page, CarriesAStrictPolicyAndNothingFromOutside) {
  Bench bench;
  for (const char* path : {"/", "/page.js", "/page.css"}) {
    HttpResponse response = bench.get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(bench.asked, Need::open);
    const std::string& policy = response.headers["content-security-policy"];
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(response.headers["x-content-type-options"], "nosniff");
    EXPECT_EQ(response.body.find("https://"), std::string::npos) << path;
  }
  std::string html = bench.get("/").body;
  EXPECT_EQ(html.find("<style"), std::string::npos);
  EXPECT_EQ(html.find("onclick"), std::string::npos);
  EXPECT_EQ(html.find("style="), std::string::npos);
  EXPECT_EQ(bench.get("/page.js").body.find("innerHTML"), std::string::npos);
}

}  // namespace
}  // namespace mien::edge
