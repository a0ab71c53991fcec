#include <gtest/gtest.h>

#include <limits>

#include "edge/api/testing/fake_manager.h"

namespace mien::edge {
namespace {

using testing::Bench;

model::Deviation deviation(const std::string& name, double observed, double bits) {
  model::Deviation made;
  made.name = MetricName(name);
  made.attributes = {{"state", "used"}};
  made.observed = observed;
  made.expected = 1;
  made.low = 0.5;
  made.high = 1.5;
  made.bits = Bits{bits};
  made.direction = model::Direction::up;
  return made;
}

TEST(Instances, ListsHostsFirst) {
  Bench bench;
  bench.manager.add_instance("a.service@z-host", model::InstanceType::service, 0.9).parent = InstanceName("z-host");
  bench.manager.add_instance("z-host", model::InstanceType::host, 0.1);
  bench.manager.add_resource(model::ResourceKind::instance, "announced", 1);
  auto items = Bench::json(bench.get("/api/v1/instances"))["items"];
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0]["metadata"]["name"], "z-host");
  EXPECT_EQ(items[1]["metadata"]["name"], "a.service@z-host");
  EXPECT_EQ(items[1]["status"]["parent"], "z-host");
  EXPECT_EQ(items[2]["metadata"]["name"], "announced");
  EXPECT_FALSE(items[2].contains("status"));
}

TEST(Instances, PageInTheSameOrder) {
  Bench bench;
  for (int i = 0; i < 5; ++i) bench.manager.add_instance("s" + std::to_string(i), model::InstanceType::service, 0);
  bench.manager.add_instance("host", model::InstanceType::host, 0);
  std::vector<std::string> names;
  std::string after;
  do {
    auto list = Bench::json(bench.get("/api/v1/instances?limit=2" + (after.empty() ? "" : "&after=" + after)));
    for (const auto& item : list["items"]) names.push_back(item["metadata"]["name"]);
    after = list["next"].is_null() ? "" : list["next"].get<std::string>();
  } while (!after.empty() && names.size() < 20);
  EXPECT_EQ(names, (std::vector<std::string>{"host", "s0", "s1", "s2", "s3", "s4"}));
}

TEST(Instances, ShowWhatWasWrittenAndWhatIsKnown) {
  Bench bench;
  auto& seen = bench.manager.add_instance("web-01", model::InstanceType::host, 0.25);
  seen.identities = {{"host.id", "abc"}};
  seen.samples = 12;
  seen.conditions = {"DuplicateIdentity: two senders"};
  bench.manager.add_resource(model::ResourceKind::instance, "web-01", 3).metadata.annotations = {{"note", "mine"}};
  HttpResponse response = bench.get("/api/v1/instances/web-01");
  EXPECT_EQ(response.headers["etag"], "\"3\"");
  auto json = Bench::json(response);
  EXPECT_EQ(json["metadata"]["annotations"]["note"], "mine");
  EXPECT_EQ(json["status"]["identities"]["host.id"], "abc");
  EXPECT_EQ(json["status"]["score"], 0.25);
  EXPECT_EQ(json["status"]["state"], "learning");
  EXPECT_EQ(json["status"]["samples"], 12);
  EXPECT_EQ(json["status"]["persona"], "linux-server");
  EXPECT_EQ(json["status"]["conditions"][0], "DuplicateIdentity: two senders");
}

TEST(Instances, OnlyDeclaredAreListedAndSaidToHaveNotReportedYet) {
  Bench bench;
  bench.manager.add_resource(model::ResourceKind::instance, "web-09", 1).metadata.labels = {{"role", "web"}};
  EXPECT_EQ(Bench::json(bench.get("/api/v1/instances"))["items"][0]["metadata"]["name"], "web-09");
  for (const char* path : {"/api/v1/instances/web-09/drift", "/api/v1/instances/web-09/series"}) {
    HttpResponse response = bench.get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(Bench::json(response)["detail"], "instance \"web-09\" is declared but has not reported yet") << path;
  }
  bench.caller.selector = "role=db";
  EXPECT_EQ(Bench::json(bench.get("/api/v1/instances/web-09/drift"))["detail"], "there is no instance \"web-09\"");
}

TEST(Instances, AreHiddenFromALimitedCaller) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0).labels = {{"role", "web"}};
  bench.manager.add_instance("db-01", model::InstanceType::host, 0).labels = {{"role", "db"}};
  bench.caller.selector = "role=web";
  EXPECT_EQ(Bench::json(bench.get("/api/v1/instances"))["items"].size(), 1U);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/drift"))["items"].size(), 1U);
  for (const char* path : {"/api/v1/instances/db-01", "/api/v1/instances/db-01/drift", "/api/v1/instances/db-01/series",
                           "/api/v1/why/db-01", "/api/v1/explain/db-01"}) {
    EXPECT_EQ(bench.get(path).status, 404) << path;
  }
  EXPECT_EQ(bench.send("POST", "/api/v1/instances/db-01/activate", R"({"persona":"linux-server"})").status, 404);
  EXPECT_EQ(bench.get("/metrics").body.find("db-01"), std::string::npos);
}

TEST(Drift, PutsTheWorstFirst) {
  Bench bench;
  bench.manager.add_instance("calm", model::InstanceType::host, 0.1);
  bench.manager.add_instance("wild", model::InstanceType::service, 0.99);
  auto& sick = bench.manager.add_instance("sick", model::InstanceType::service, 0.5);
  sick.findings.push_back(model::Finding{});
  bench.manager.add_instance("odd", model::InstanceType::service, std::numeric_limits<double>::quiet_NaN());
  auto items = Bench::json(bench.get("/api/v1/drift"))["items"];
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0]["instance"], "sick");
  EXPECT_EQ(items[1]["instance"], "odd");
  EXPECT_TRUE(items[1]["score"].is_null());
  EXPECT_EQ(items[2]["instance"], "wild");
  EXPECT_EQ(items[3]["instance"], "calm");
}

TEST(Drift, PagesAndFiltersByType) {
  Bench bench;
  for (int i = 0; i < 5; ++i)
    bench.manager.add_instance("s" + std::to_string(i), model::InstanceType::service, 0.1 * i);
  bench.manager.add_instance("host", model::InstanceType::host, 0.45);
  auto first = Bench::json(bench.get("/api/v1/drift?limit=4"));
  auto second = Bench::json(bench.get("/api/v1/drift?limit=4&after=" + first["next"].get<std::string>()));
  EXPECT_EQ(first["items"][0]["instance"], "host");
  EXPECT_EQ(first["items"][1]["instance"], "s4");
  ASSERT_EQ(second["items"].size(), 2U);
  EXPECT_EQ(second["items"][1]["instance"], "s0");
  EXPECT_TRUE(second["next"].is_null());
  EXPECT_EQ(Bench::json(bench.get("/api/v1/drift?type=host"))["items"].size(), 1U);
}

TEST(Drift, CarriesTheDocumentOfTheContract) {
  Bench bench;
  auto& seen = bench.manager.add_instance("web-01", model::InstanceType::host, 0.97);
  seen.drift.at = bench.now;
  seen.drift.state = model::LearningState::ready;
  seen.drift.revision = 4;
  seen.drift.metrics = {deviation("system.memory.usage", 9, 12)};
  auto json = Bench::json(bench.get("/api/v1/instances/web-01/drift"));
  for (const char* key : {"instance", "persona", "revision", "at", "score", "alarm_level", "state", "metrics"})
    EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_EQ(json["at"], "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(json["state"], "ready");
  EXPECT_EQ(json["metrics"][0]["name"], "system.memory.usage");
  EXPECT_EQ(json["metrics"][0]["bits"], 12.0);
  EXPECT_EQ(json["metrics"][0]["direction"], "up");
  EXPECT_EQ(bench.get("/api/v1/instances/nobody/drift").status, 404);
}

TEST(Series, AnswersWhatWasObservedWithTheBandThatIsExpected) {
  Bench bench;
  auto& seen = bench.manager.add_instance("web-01", model::InstanceType::host, 0.97);
  seen.drift.metrics = {deviation("system.memory.usage", 9, 12)};
  seen.expectation.metrics["system.memory.usage"].limit = model::Limit{.min = {}, .max = 8, .change = {}, .over = {}};
  store::HistorySeries one;
  one.series = {.metric = MetricName("system.memory.usage"),
                .attributes = {{"state", "used"}},
                .unit = "By",
                .kind = model::SeriesKind::gauge};
  one.points = {{.at = bench.now - 2s, .min = 1, .max = 2, .mean = 1.5, .count = 3}};
  bench.manager.past.series = {one};
  HttpResponse response = bench.get("/api/v1/instances/web-01/series?metric=system.memory.usage&from=-5m");
  ASSERT_EQ(response.status, 200) << response.body;
  auto json = Bench::json(response);
  ASSERT_EQ(json["series"].size(), 1U);
  EXPECT_EQ(json["series"][0]["mean"][0], 1.5);
  EXPECT_EQ(json["series"][0]["at"][0], (bench.now - 2s).ns / 1'000'000);
  EXPECT_EQ(json["series"][0]["expected"]["high"], 1.5);
  EXPECT_EQ(json["series"][0]["expected"]["declared"]["limit"]["max"], 8.0);
  ASSERT_EQ(bench.manager.past.asked.size(), 1U);
  EXPECT_EQ(bench.manager.past.asked[0].from, bench.now - 5min);
  EXPECT_EQ(bench.manager.past.asked[0].to, bench.now);
}

TEST(Series, ReadsTimesAsPeopleWriteThem) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0);
  struct Case {
    const char* from;
    WallTime time;
  };
  for (const Case& one :
       {Case{"2027-01-15T07:00:00Z", bench.now - 1h}, Case{"2027-01-15T09:00:00 02:00", bench.now - 1h},
        Case{"1799996400", bench.now - 1h}, Case{"-1h", bench.now - 1h}, Case{"1h30m", bench.now - 90min}}) {
    EXPECT_EQ(bench.get(std::string("/api/v1/instances/web-01/series?from=") + one.from).status, 200) << one.from;
    EXPECT_EQ(bench.manager.past.asked.back().from, one.time) << one.from;
  }
  for (const char* wrong : {"yesterday", "-", "1e400", "nan", "-5x"}) {
    EXPECT_EQ(bench.get(std::string("/api/v1/instances/web-01/series?from=") + wrong).status, 400) << wrong;
  }
  EXPECT_EQ(bench.get("/api/v1/instances/web-01/series?from=now&to=-1h").status, 400);
}

TEST(Series, AClientWhoseClockIsAheadHearsOfNothingYet) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0);
  for (const char* ahead : {"now", "2027-01-15T08:00:01Z"})
    EXPECT_EQ(bench.get(std::string("/api/v1/instances/web-01/series?from=") + ahead).status, 200) << ahead;
  EXPECT_GT(bench.manager.past.asked.back().to, bench.manager.past.asked.back().from);
}

TEST(Activate, GivesThePersonaForAWhile) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0);
  bench.manager.add_resource(model::ResourceKind::persona, "night", 1);
  EXPECT_EQ(bench.send("POST", "/api/v1/instances/web-01/activate", R"({"persona":"night","for":"2h"})").status, 200);
  EXPECT_EQ(bench.manager.last<node::Activate>().persona.value, "night");
  EXPECT_EQ(bench.manager.last<node::Activate>().lasting, 2h);
  EXPECT_EQ(bench.send("POST", "/api/v1/instances/web-01/activate", R"({"persona":"night"})").status, 200);
  EXPECT_EQ(bench.manager.last<node::Activate>().lasting, 0s);
}

TEST(Activate, RefusesWhatMakesNoSense) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0);
  bench.manager.add_resource(model::ResourceKind::persona, "night", 1);
  const std::string path = "/api/v1/instances/web-01/activate";
  EXPECT_EQ(bench.send("POST", path, "{}").status, 400);
  EXPECT_EQ(bench.send("POST", path, "[]").status, 400);
  EXPECT_EQ(bench.send("POST", path, R"({"persona":7})").status, 400);
  EXPECT_EQ(bench.send("POST", path, R"({"persona":"nigt"})").status, 404);
  EXPECT_EQ(bench.send("POST", path, R"({"persona":"night","for":"soon"})").status, 400);
  EXPECT_EQ(bench.send("POST", path, R"({"persona":"night","for":-1})").status, 400);
  EXPECT_EQ(bench.send("POST", "/api/v1/instances/nobody/activate", R"({"persona":"night"})").status, 404);
  EXPECT_TRUE(bench.manager.given.empty());
}

TEST(Deactivate, EndsWhateverIsActiveByHand) {
  Bench bench;
  bench.manager.add_instance("web-01", model::InstanceType::host, 0);
  EXPECT_EQ(bench.send("POST", "/api/v1/instances/web-01/deactivate").status, 200);
  EXPECT_TRUE(bench.manager.last<node::Deactivate>().persona.empty());
}

}  // namespace
}  // namespace mien::edge
