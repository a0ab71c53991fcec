#include <gtest/gtest.h>

#include "edge/api/testing/fake_manager.h"

namespace mien::edge {
namespace {

using testing::Bench;

constexpr const char* persona = R"({"apiVersion":"mien.dev/v1","kind":"Persona","metadata":{"name":"web"},"spec":{}})";

model::Resource written(const Bench& bench) {
  return model::decode_resource(bench.manager.last<node::PutResource>().resource).value();
}

TEST(Resources, ListsOneKindInOrderOfName) {
  Bench bench;
  bench.manager.add_resource(model::ResourceKind::persona, "b", 1);
  bench.manager.add_resource(model::ResourceKind::persona, "a", 2);
  bench.manager.add_resource(model::ResourceKind::pool, "c", 1);
  auto list = Bench::json(bench.get("/api/v1/personas"));
  ASSERT_EQ(list["items"].size(), 2U);
  EXPECT_EQ(list["items"][0]["metadata"]["name"], "a");
  EXPECT_EQ(list["items"][0]["metadata"]["generation"], 2);
  EXPECT_EQ(list["items"][0]["kind"], "Persona");
  EXPECT_TRUE(list["next"].is_null());
}

TEST(Resources, PagesWithoutLosingOrRepeating) {
  Bench bench;
  for (int i = 0; i < 7; ++i) bench.manager.add_resource(model::ResourceKind::policy, "p" + std::to_string(i), 1);
  std::vector<std::string> names;
  std::string after;
  for (int pages = 0; pages < 10; ++pages) {
    auto list = Bench::json(bench.get("/api/v1/policies?limit=3" + (after.empty() ? "" : "&after=" + after)));
    for (const auto& item : list["items"]) names.push_back(item["metadata"]["name"]);
    if (list["next"].is_null()) break;
    after = list["next"];
  }
  EXPECT_EQ(names, (std::vector<std::string>{"p0", "p1", "p2", "p3", "p4", "p5", "p6"}));
}

TEST(Resources, RefusesALimitThatIsNone) {
  Bench bench;
  for (const char* limit : {"0", "-1", "many", "5001"})
    EXPECT_EQ(bench.get(std::string("/api/v1/pools?limit=") + limit).status, 400) << limit;
}

TEST(Resources, SelectsByLabels) {
  Bench bench;
  bench.manager.add_resource(model::ResourceKind::pool, "front", 1).metadata.labels = {{"role", "web"}};
  bench.manager.add_resource(model::ResourceKind::pool, "back", 1).metadata.labels = {{"role", "db"}};
  EXPECT_EQ(Bench::json(bench.get("/api/v1/pools?selector=role=web"))["items"].size(), 1U);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/pools?selector=role!=web"))["items"][0]["metadata"]["name"], "back");
  EXPECT_EQ(Bench::json(bench.get("/api/v1/pools?selector=tier"))["items"].size(), 0U);
  EXPECT_EQ(bench.get("/api/v1/pools?selector==web").status, 400);
}

TEST(Resources, AnswersWithTheGenerationAsETag) {
  Bench bench;
  bench.manager.add_resource(model::ResourceKind::persona, "web", 12);
  HttpResponse response = bench.get("/api/v1/personas/web");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers["etag"], "\"12\"");
  EXPECT_EQ(bench.get("/api/v1/personas/other").status, 404);
}

TEST(Resources, WritesWhatIsPut) {
  Bench bench;
  HttpResponse response = bench.send("PUT", "/api/v1/personas/web", persona);
  EXPECT_EQ(response.status, 201) << response.body;
  EXPECT_EQ(response.headers["etag"], "\"7\"");
  ASSERT_EQ(bench.manager.given.size(), 1U);
  EXPECT_EQ(bench.manager.given[0].actor, "tester");
  EXPECT_EQ(written(bench).metadata.name, "web");
  EXPECT_FALSE(bench.manager.last<node::PutResource>().from_files);
}

TEST(Resources, SaysWhetherItWasThereBefore) {
  Bench bench;
  bench.manager.add_resource(model::ResourceKind::persona, "web", 6);
  EXPECT_EQ(bench.send("PUT", "/api/v1/personas/web", persona).status, 200);
}

TEST(Resources, ReadsYamlToo) {
  Bench bench;
  HttpRequest request = Bench::request("PUT", "/api/v1/personas/web?from=files",
                                       "apiVersion: mien.dev/v1\nkind: Persona\nmetadata: {name: web}\nspec: {}\n");
  request.headers["content-type"] = "application/yaml; charset=utf-8";
  EXPECT_EQ(bench.start(request)->wait().status, 201);
  EXPECT_TRUE(bench.manager.last<node::PutResource>().from_files);
}

TEST(Resources, RefusesOtherMediaTypes) {
  Bench bench;
  HttpRequest request = Bench::request("PUT", "/api/v1/personas/web", persona);
  request.headers["content-type"] = "text/html";
  EXPECT_EQ(bench.start(request)->wait().status, 415);
}

TEST(Resources, PassesIfMatchOn) {
  Bench bench;
  bench.manager.add_resource(model::ResourceKind::persona, "web", 6);
  HttpRequest request = Bench::request("PUT", "/api/v1/personas/web", persona);
  request.headers["if-match"] = "\"6\"";
  EXPECT_EQ(bench.start(request)->wait().status, 200);
  EXPECT_EQ(written(bench).metadata.generation, 6U);
}

TEST(Resources, AnswersAFailedPreconditionWith412AndAConflictWith409) {
  Bench bench;
  bench.manager.answer.status =
      Error{.code = Code::conflict, .message = "it is at generation 8", .where = {}, .cause = {}};
  HttpRequest request = Bench::request("PUT", "/api/v1/personas/web", persona);
  EXPECT_EQ(bench.start(request)->wait().status, 409);
  request.headers["if-match"] = "\"6\"";
  HttpResponse response = bench.start(request)->wait();
  EXPECT_EQ(response.status, 412);
  EXPECT_EQ(Bench::json(response)["type"], "urn:mien:problem:conflict");
}

TEST(Resources, ReplacesOnlyWhatIsThereForIfMatchStar) {
  Bench bench;
  HttpRequest request = Bench::request("PUT", "/api/v1/personas/web", persona);
  request.headers["if-match"] = "*";
  EXPECT_EQ(bench.start(request)->wait().status, 412);
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST(Resources, RefusesAnIfMatchThatIsNoGeneration) {
  Bench bench;
  HttpRequest request = Bench::request("PUT", "/api/v1/personas/web", persona);
  request.headers["if-match"] = "\"abc\"";
  EXPECT_EQ(bench.start(request)->wait().status, 400);
}

TEST(Resources, PointsAtWhatIsWrong) {
  Bench bench;
  HttpResponse response =
      bench.send("PUT", "/api/v1/personas/web",
                 R"({"apiVersion":"mien.dev/v1","kind":"Persona","metadata":{"name":"web"},"spec":{"behaviour":{}}})");
  EXPECT_EQ(response.status, 400);
  auto problem = Bench::json(response);
  ASSERT_EQ(problem["errors"].size(), 1U) << response.body;
  EXPECT_EQ(problem["errors"][0]["pointer"], "/spec/behaviour");
  EXPECT_NE(problem["errors"][0]["suggestion"].get<std::string>().find("behavior"), std::string::npos);
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST(Resources, RefusesWhatIsNotJson) {
  Bench bench;
  EXPECT_EQ(bench.send("PUT", "/api/v1/personas/web", "{\"kind\":").status, 400);
  EXPECT_EQ(bench.send("PUT", "/api/v1/personas/web", "").status, 400);
}

TEST(Resources, HoldsTheNameAndTheKindAgainstThePath) {
  Bench bench;
  auto problem = Bench::json(bench.send("PUT", "/api/v1/personas/other", persona));
  EXPECT_EQ(problem["errors"][0]["pointer"], "/metadata/name");
  problem = Bench::json(bench.send("PUT", "/api/v1/pools/web", persona));
  EXPECT_EQ(problem["errors"][0]["pointer"], "/kind");
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST(Resources, OnlyRehearsesADryRun) {
  Bench bench;
  HttpResponse response = bench.send("PUT", "/api/v1/personas/web?dry_run=true", persona);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(bench.manager.given.at(0).rehearsed);
  EXPECT_EQ(Bench::json(response)["dry_run"], true);
}

TEST(Resources, DeletesWithItsCondition) {
  Bench bench;
  HttpRequest request = Bench::request("DELETE", "/api/v1/signals/rps");
  request.headers["if-match"] = "\"3\"";
  EXPECT_EQ(bench.start(request)->wait().status, 200);
  const auto& command = bench.manager.last<node::DeleteResource>();
  EXPECT_EQ(command.kind, model::ResourceKind::signal);
  EXPECT_EQ(command.name, "rps");
  EXPECT_EQ(command.if_generation, 3U);
}

TEST(Resources, PassesTheManagersRefusalsOn) {
  Bench bench;
  struct Case {
    Code code;
    int status;
  };
  for (const Case& one :
       {Case{Code::invalid, 400}, Case{Code::not_found, 404}, Case{Code::refused, 403}, Case{Code::exhausted, 429},
        Case{Code::unavailable, 503}, Case{Code::unsupported, 501}, Case{Code::unknown, 504}, Case{Code::io, 500}}) {
    bench.manager.answer.status = Error{.code = one.code, .message = "because", .where = {}, .cause = {}};
    HttpResponse response = bench.send("DELETE", "/api/v1/personas/web");
    EXPECT_EQ(response.status, one.status);
    EXPECT_EQ(Bench::json(response)["detail"], "because");
    EXPECT_EQ(response.headers.contains("retry-after"), one.status == 429 || one.status == 503);
  }
}

TEST(Resources, HideFromALimitedCallerWhatItsSelectorDoesNotMatch) {
  Bench bench;
  bench.caller.selector = "role=web";
  bench.manager.add_resource(model::ResourceKind::pool, "front", 1).metadata.labels = {{"role", "web"}};
  bench.manager.add_resource(model::ResourceKind::pool, "back", 1);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/pools"))["items"].size(), 1U);
  EXPECT_EQ(bench.get("/api/v1/pools/back").status, 404);
  EXPECT_EQ(bench.send("DELETE", "/api/v1/pools/back").status, 403);
  EXPECT_EQ(bench.send("PUT", "/api/v1/personas/web", persona).status, 403);
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST(Resources, LetNoLimitedCallerTakeAnInstanceByItsLabels) {
  Bench bench;
  bench.caller.selector = "role=web";
  bench.manager.add_instance("db-01", model::InstanceType::host, 0).labels = {{"role", "db"}};
  HttpResponse response = bench.send(
      "PUT", "/api/v1/instances/db-01",
      R"({"apiVersion":"mien.dev/v1","kind":"Instance","metadata":{"name":"db-01","labels":{"role":"web"}},"spec":{}})");
  EXPECT_EQ(response.status, 403);
  EXPECT_TRUE(bench.manager.given.empty());
}

}  // namespace
}  // namespace mien::edge
