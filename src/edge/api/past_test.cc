#include <gtest/gtest.h>

#include "base/codec.h"
#include "edge/api/testing/fake_manager.h"
#include "edge/crypto/crypto.h"
#include "model/behavior.h"

namespace mien::edge {
namespace {

using testing::Bench;

void add_generation(Bench& bench, std::uint64_t number) {
  model::Resource resource;
  resource.kind = model::ResourceKind::persona;
  resource.metadata.name = "web";
  resource.metadata.generation = number;
  resource.spec = model::Value(model::Value::Map{{"configuration", model::Value(static_cast<std::int64_t>(number))}});
  bench.manager.books
      .entries[{store::Table::generation, node::generation_key(model::ResourceKind::persona, "web", number)}] =
      model::encode_resource(resource);
}

void add_revision(Bench& bench, const std::string& persona, const std::string& instance, std::uint64_t number) {
  model::PersonaRevision revision;
  revision.persona = PersonaName(persona);
  revision.instance = InstanceName(instance);
  revision.number = number;
  revision.samples = 100 * number;
  bench.manager.books
      .entries[{store::Table::revision, node::revision_key(revision.persona, revision.instance, number)}] =
      encode(revision);
}

TEST(Generations, ComeNewestFirstAndPage) {
  Bench bench;
  for (std::uint64_t g = 1; g <= 12; ++g) add_generation(bench, g);
  auto first = Bench::json(bench.get("/api/v1/personas/web/generations?limit=5"));
  ASSERT_EQ(first["items"].size(), 5U);
  EXPECT_EQ(first["items"][0]["metadata"]["generation"], 12);
  EXPECT_EQ(first["next"], "8");
  auto second = Bench::json(bench.get("/api/v1/personas/web/generations?limit=5&after=8"));
  EXPECT_EQ(second["items"][0]["metadata"]["generation"], 7);
  auto last = Bench::json(bench.get("/api/v1/personas/web/generations?limit=5&after=3"));
  EXPECT_EQ(last["items"].size(), 2U);
  EXPECT_TRUE(last["next"].is_null());
}

TEST(Generations, AreThereOneByOne) {
  Bench bench;
  add_generation(bench, 3);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/personas/web/generations/3"))["spec"]["configuration"], 3);
  EXPECT_EQ(bench.get("/api/v1/personas/web/generations/4").status, 404);
  EXPECT_EQ(bench.get("/api/v1/personas/web/generations/x").status, 400);
}

TEST(Rollback, OfAPersonaNamesTheGeneration) {
  Bench bench;
  EXPECT_EQ(bench.send("POST", "/api/v1/personas/web/rollback", R"({"to":3})").status, 200);
  EXPECT_EQ(bench.manager.last<node::RollbackPersona>().to, 3U);
  for (const char* body : {"{}", R"({"to":0})", R"({"to":-3})", R"({"to":"3"})"}) {
    EXPECT_EQ(bench.send("POST", "/api/v1/personas/web/rollback", body).status, 400) << body;
  }
}

TEST(Rollback, OfARevisionNamesTheInstance) {
  Bench bench;
  EXPECT_EQ(bench.send("POST", "/api/v1/revisions/rollback", R"({"persona":"web","instance":"web-01","to":2})").status,
            200);
  EXPECT_EQ(bench.manager.last<node::RollbackInstance>().instance.value, "web-01");
  EXPECT_EQ(bench.send("POST", "/api/v1/revisions/rollback", R"({"persona":"web","to":2})").status, 400);
}

TEST(Rollback, OfWhatEverybodyUsesIsNotForALimitedCaller) {
  Bench bench;
  bench.caller.selector = "role=web";
  EXPECT_EQ(bench.send("POST", "/api/v1/personas/web/rollback", R"({"to":3})").status, 403);
  EXPECT_EQ(bench.send("POST", "/api/v1/revisions/rollback", R"({"persona":"web","instance":"web-01","to":2})").status,
            404);
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST(Revisions, AreListedByPersonaAndInstance) {
  Bench bench;
  add_revision(bench, "web", "web-01", 1);
  add_revision(bench, "web", "web-01", 2);
  add_revision(bench, "web", "web-02", 1);
  add_revision(bench, "web-back", "web-01", 1);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/revisions"))["items"].size(), 4U);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/revisions?persona=web"))["items"].size(), 3U);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/revisions?instance=web-01"))["items"].size(), 3U);
  auto both = Bench::json(bench.get("/api/v1/revisions?persona=web&instance=web-01"));
  ASSERT_EQ(both["items"].size(), 2U);
  EXPECT_EQ(both["items"][1]["name"], "web@web-01/2");
  auto page = Bench::json(bench.get("/api/v1/revisions?limit=3"));
  EXPECT_EQ(
      Bench::json(bench.get("/api/v1/revisions?limit=3&after=" + page["next"].get<std::string>()))["items"].size(), 1U);
}

TEST(Revisions, AreFoundByName) {
  Bench bench;
  add_revision(bench, "web", "nginx.service@web-01", 2);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/revisions/web@nginx.service@web-01/2"))["samples"], 200);
  EXPECT_EQ(bench.get("/api/v1/revisions/web@nginx.service@web-01/3").status, 404);
  for (const char* name : {"web", "web/2", "web@web-01", "web@web-01/x"})
    EXPECT_EQ(bench.get(std::string("/api/v1/revisions/") + name).status, 400) << name;
}

TEST(Revisions, ACandidateIsFoundByItsNumberAndSaysThatItIsOne) {
  Bench bench;
  add_revision(bench, "web", "web-01", 12);
  model::PersonaRevision candidate;
  candidate.persona = PersonaName("web");
  candidate.instance = InstanceName("web-01");
  candidate.number = 13;
  bench.manager.books
      .entries[{store::Table::revision, node::candidate_key(candidate.persona, candidate.instance, 13)}] =
      encode(candidate);
  add_revision(bench, "web", "pool:shop", 1);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/revisions/web@web-01/12"))["candidate"], false);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/revisions/web@web-01/13"))["candidate"], true);
  auto listed = Bench::json(bench.get("/api/v1/revisions?persona=web&instance=web-01"));
  ASSERT_EQ(listed["items"].size(), 2U);
  EXPECT_EQ(listed["items"][0]["candidate"], false);
  EXPECT_EQ(listed["items"][1]["name"], "web@web-01/13");
  EXPECT_EQ(listed["items"][1]["candidate"], true);
  auto prior = Bench::json(bench.get("/api/v1/revisions?instance=pool:shop"));
  ASSERT_EQ(prior["items"].size(), 1U);
  EXPECT_EQ(prior["items"][0]["name"], "web@pool:shop/1");
  EXPECT_EQ(bench.get("/api/v1/revisions/web@pool:shop/1").status, 200);
}

TEST(ActionsOfANewManager, AndItsDecisionsAreEmptyLists) {
  Bench bench;
  for (const char* path : {"/api/v1/actions", "/api/v1/decisions"}) {
    auto list = Bench::json(bench.get(path));
    EXPECT_TRUE(list["items"].is_array() && list["items"].empty());
    EXPECT_TRUE(list["next"].is_null());
  }
}

struct Audit : ::testing::Test {
  Bench bench;
  store::AuditChain chain{sha256, std::nullopt};

  void add(WallTime at, const std::string& verb) {
    model::AuditEvent event;
    event.at = at;
    event.actor = "tester";
    event.verb = verb;
    event.subject = "Persona/web";
    bench.manager.books.rows.push_back(chain.append(event));
  }
  void sign() {
    store::AuditHead head{.sequence = chain.sequence(), .hash = chain.hash(), .at = bench.now, .signature = "sig"};
    bench.manager.books.head = head;
    bench.manager.shown->audit_head = head;
    bench.manager.shown->audit_sequence = chain.sequence();
  }
};

TEST_F(Audit, IsListedInOrderAndPages) {
  for (int i = 0; i < 5; ++i) add(bench.now - std::chrono::minutes(5 - i), "v" + std::to_string(i));
  auto first = Bench::json(bench.get("/api/v1/audit?limit=2"));
  ASSERT_EQ(first["items"].size(), 2U);
  EXPECT_EQ(first["items"][0]["sequence"], 1);
  EXPECT_EQ(first["items"][0]["verb"], "v0");
  EXPECT_EQ(first["next"], "2");
  auto rest = Bench::json(bench.get("/api/v1/audit?after=2"));
  EXPECT_EQ(rest["items"].size(), 3U);
  EXPECT_TRUE(rest["next"].is_null());
  EXPECT_EQ(Bench::json(bench.get("/api/v1/audit?since=-150s"))["items"].size(), 2U);
  EXPECT_EQ(bench.get("/api/v1/audit?after=x").status, 400);
}

TEST_F(Audit, VerifiesTheWholeChain) {
  for (int i = 0; i < 3; ++i) add(bench.now, "v");
  sign();
  auto verdict = Bench::json(bench.get("/api/v1/audit/verify"));
  EXPECT_EQ(verdict["ok"], true);
  EXPECT_EQ(verdict["rows"], 3);
  EXPECT_EQ(verdict["head"]["sequence"], 3);
}

TEST_F(Audit, NamesTheFirstBrokenLink) {
  for (int i = 0; i < 3; ++i) add(bench.now, "v");
  sign();
  bench.manager.books.rows[1].bytes.back() ^= 1;
  auto verdict = Bench::json(bench.get("/api/v1/audit/verify"));
  EXPECT_EQ(verdict["ok"], false);
  EXPECT_NE(verdict["broken"].get<std::string>().find("2"), std::string::npos);
}

TEST_F(Audit, PublishesItsHead) {
  EXPECT_EQ(bench.get("/api/v1/audit/head").status, 404);
  add(bench.now, "v");
  sign();
  auto head = Bench::json(bench.get("/api/v1/audit/head"));
  EXPECT_EQ(head["sequence"], 1);
  EXPECT_EQ(head["hash"].get<std::string>().size(), 64U);
  std::string metrics = bench.get("/metrics").body;
  EXPECT_NE(metrics.find("mien_audit_head{hash=\"" + head["hash"].get<std::string>() + "\",signature=\"736967\"} 1\n"),
            std::string::npos);
}

TEST_F(Audit, IsNotForACallerWhoSeesOnlySomeInstances) {
  bench.caller.selector = "role=web";
  EXPECT_EQ(bench.get("/api/v1/audit").status, 403);
  EXPECT_EQ(bench.get("/api/v1/audit/verify").status, 403);
  EXPECT_EQ(bench.get("/api/v1/backup").status, 403);
}

TEST(BackupRoute, StreamsWhatItIsGiven) {
  Bench bench;
  auto captured = bench.start(Bench::request("GET", "/api/v1/backup"));
  EXPECT_EQ(captured->wait().headers["content-type"], "application/vnd.mien.backup");
  EXPECT_EQ(captured->streamed(), "onetwo");
}

TEST(BackupRoute, SaysWhyThereIsNone) {
  Bench bench;
  ApiOptions options = bench.options();
  options.backup = [](const std::function<bool(std::string_view)>&) -> Status {
    return Error{.code = Code::io, .message = "the disk is gone", .where = {}, .cause = {}};
  };
  Api api(options);
  auto captured = std::make_shared<testing::Captured>();
  api.handle(Bench::request("GET", "/api/v1/backup"), captured);
  EXPECT_EQ(captured->wait().status, 500);
}

}  // namespace
}  // namespace mien::edge
