#include <gtest/gtest.h>

#include "base/codec.h"
#include "edge/api/testing/fake_manager.h"

namespace mien::edge {
namespace {

using testing::Bench;

model::Finding finding(const std::string& id, const std::string& instance, WallTime opened_at,
                       model::FindingState state) {
  model::Finding made;
  made.id = FindingId(id);
  made.instance = InstanceName(instance);
  made.persona = PersonaName("linux-server");
  made.kind = model::FindingKind::level;
  made.severity = model::Severity::medium;
  made.state = state;
  made.opened_at = opened_at;
  made.updated_at = opened_at;
  if (state == model::FindingState::resolved) made.resolved_at = opened_at + 1min;
  made.summary = "memory is high";
  made.first_mover = "system.memory.usage{state=used}";
  model::Deviation deviation;
  deviation.name = MetricName("system.memory.usage");
  deviation.attributes = {{"state", "used"}};
  deviation.observed = 9;
  deviation.expected = 3;
  made.metrics = {deviation};
  return made;
}

struct Findings : ::testing::Test {
  Bench bench;
  node::InstanceView* host = &bench.manager.add_instance("web-01", model::InstanceType::host, 0.95);

  void open(const std::string& id, Duration ago) {
    host->findings.push_back(finding(id, "web-01", bench.now - ago, model::FindingState::open));
  }
  void store(const std::string& id, Duration ago, const std::string& instance = "web-01") {
    bench.manager.books.entries[{store::Table::finding, id}] =
        encode(finding(id, instance, bench.now - ago, model::FindingState::resolved));
  }
  std::vector<std::string> ids(const std::string& target) {
    std::vector<std::string> all;
    auto list = Bench::json(bench.get(target));
    for (const auto& item : list["items"]) all.push_back(item["id"]);
    return all;
  }
};

TEST_F(Findings, AreThoseThatAreOpen) {
  open("f-2", 1min);
  open("f-3", 5s);
  store("f-1", 1h);
  EXPECT_EQ(ids("/api/v1/findings"), (std::vector<std::string>{"f-3", "f-2"}));
}

TEST_F(Findings, IncludeThoseThatAreOverWhenAllAreAskedFor) {
  open("f-3", 5s);
  // An open finding is in the ledger too: it is shown once, as it is now.
  bench.manager.books.entries[{store::Table::finding, "f-3"}] =
      encode(finding("f-3", "web-01", bench.now - 5s, model::FindingState::open));
  store("f-1", 1h);
  store("f-2", 30min);
  EXPECT_EQ(ids("/api/v1/findings?all=true"), (std::vector<std::string>{"f-3", "f-2", "f-1"}));
  EXPECT_EQ(ids("/api/v1/findings?state=resolved"), (std::vector<std::string>{"f-2", "f-1"}));
}

TEST_F(Findings, PageThroughALongPastNewestFirst) {
  for (int i = 0; i < 2500; ++i) store("f-" + std::to_string(10000 + i), std::chrono::minutes(2500 - i));
  std::vector<std::string> seen;
  std::string after;
  do {
    auto list =
        Bench::json(bench.get("/api/v1/findings?all=true&limit=1000" + (after.empty() ? "" : "&after=" + after)));
    for (const auto& item : list["items"]) seen.push_back(item["id"]);
    after = list["next"].is_null() ? "" : list["next"].get<std::string>();
  } while (!after.empty() && seen.size() < 5000);
  ASSERT_EQ(seen.size(), 2500U);
  EXPECT_EQ(seen.front(), "f-12499");
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
}

TEST_F(Findings, AreFiltered) {
  open("f-2", 1min);
  EXPECT_EQ(ids("/api/v1/findings?instance=web-01&kind=level&severity=medium&state=open").size(), 1U);
  for (const char* none : {"instance=db-01", "kind=spike", "severity=high", "state=acknowledged", "selector=role=db"}) {
    EXPECT_TRUE(ids(std::string("/api/v1/findings?") + none).empty()) << none;
  }
}

TEST_F(Findings, AreFoundByIdOpenOrOver) {
  open("f-2", 1min);
  store("f-1", 1h);
  EXPECT_EQ(Bench::json(bench.get("/api/v1/findings/f-2"))["state"], "open");
  auto over = Bench::json(bench.get("/api/v1/findings/f-1"));
  EXPECT_EQ(over["state"], "resolved");
  EXPECT_EQ(over["metrics"][0]["observed"], 9.0);
  EXPECT_EQ(bench.get("/api/v1/findings/f-9").status, 404);
}

TEST_F(Findings, SayWhichEntryOfTheLedgerIsDamaged) {
  bench.manager.books.entries[{store::Table::finding, "f-1"}] = "\x01nonsense";
  HttpResponse response = bench.get("/api/v1/findings?all=true");
  EXPECT_EQ(response.status, 500);
  EXPECT_NE(Bench::json(response)["detail"].get<std::string>().find("f-1"), std::string::npos);
}

TEST_F(Findings, OfInstancesThatACallerMayNotSeeAreNotThere) {
  open("f-2", 1min);
  store("f-1", 1h);
  host->labels = {{"role", "db"}};
  bench.caller.selector = "role=web";
  EXPECT_TRUE(ids("/api/v1/findings?all=true").empty());
  EXPECT_EQ(bench.get("/api/v1/findings/f-1").status, 404);
  EXPECT_EQ(bench.send("POST", "/api/v1/findings/f-2/ack").status, 404);
}

TEST_F(Findings, AreAcknowledgedWithAComment) {
  open("f-2", 1min);
  EXPECT_EQ(bench.send("POST", "/api/v1/findings/f-2/ack", R"({"comment":"known"})").status, 200);
  EXPECT_EQ(bench.manager.last<node::AcknowledgeFinding>().comment, "known");
  EXPECT_EQ(bench.send("POST", "/api/v1/findings/f-9/ack").status, 404);
  EXPECT_EQ(bench.send("POST", "/api/v1/findings/f-2/ack", R"({"comment":")" + std::string(1001, 'x') + "\"}").status,
            400);
}

TEST_F(Findings, AreExplainedDownToTheSamples) {
  open("f-2", 1min);
  store::HistorySeries one;
  one.series = {.metric = MetricName("system.memory.usage"),
                .attributes = {{"state", "used"}},
                .unit = "By",
                .kind = model::SeriesKind::gauge};
  for (int i = 0; i < 300; ++i)
    one.points.push_back({.at = bench.now - std::chrono::seconds(300 - i), .min = 9, .max = 9, .mean = 9, .count = 1});
  bench.manager.past.series = {one};
  auto json = Bench::json(bench.get("/api/v1/explain/f-2"));
  EXPECT_EQ(json["subject"], "Finding/f-2");
  std::vector<std::string> steps;
  for (const auto& step : json["walk"]) steps.push_back(step["step"]);
  EXPECT_EQ(steps, (std::vector<std::string>{"finding", "first_mover", "deviation", "persona", "samples"}));
  const auto& samples = json["walk"].back()["series"][0]["samples"];
  EXPECT_EQ(samples.size(), 240U);  // the newest ones
  EXPECT_EQ(samples.back()[1], 9.0);
  EXPECT_NE(json["walk"][2]["text"].get<std::string>().find("+200 %"), std::string::npos);
}

TEST_F(Findings, OfALimitShowTheLimitAndNotABandOfOnePoint) {
  open("f-2", 1min);
  model::Finding& limit = host->findings.back();
  limit.kind = model::FindingKind::limit;
  auto text = [&](double observed, double low, double high) {
    limit.metrics[0].observed = observed;
    limit.metrics[0].expected = limit.metrics[0].low = low;
    limit.metrics[0].high = high;
    return Bench::json(bench.get("/api/v1/explain/f-2"))["walk"][2]["text"].get<std::string>();
  };
  EXPECT_EQ(text(1, 0.8, 0.8), "system.memory.usage{state=used} is 1; limit 0.8 (+25 %)");
  EXPECT_EQ(text(1, 0.1, 0.8), "system.memory.usage{state=used} is 1; limit 0.8 (+25 %)");
  EXPECT_EQ(text(1, 2, 3), "system.memory.usage{state=used} is 1; limit 2 (-50 %)");
  EXPECT_EQ(text(1, 0, 2), "system.memory.usage{state=used} is 1; the limit is on how fast it may change");
}

TEST_F(Findings, OfAnInstanceStandInItsExplanation) {
  open("f-2", 1min);
  auto json = Bench::json(bench.get("/api/v1/explain/web-01"));
  EXPECT_EQ(json["subject"], "Instance/web-01");
  EXPECT_NE(json["walk"].dump().find("f-2: memory is high"), std::string::npos);
  EXPECT_EQ(bench.get("/api/v1/explain/nothing").status, 404);
}

TEST_F(Findings, AreNotAllThatIsExplainedWhatIsSlowIsToo) {
  node::SlowView slow;
  slow.metrics.push_back({.name = MetricName("requests"), .attributes = {}, .hour_bits = 0.4, .usual_bits = 0.05});
  slow.metrics.back().most_bits = 0.2;
  slow.metrics.back().unlike = true;
  slow.metrics.push_back({.name = MetricName("memory"), .attributes = {{"state", "used"}}});
  slow.metrics.back().per_day = 12;
  slow.metrics.back().per_day_ratio = 0.01;
  slow.metrics.back().days = 7;
  slow.metrics.back().moving = true;
  slow.departure_bits = 0.4;
  slow.departure_of = "requests";
  host->slow = std::make_shared<const node::SlowView>(slow);
  host->candidate = node::CandidateView{.number = 13, .began = bench.now};
  auto json = Bench::json(bench.get("/api/v1/explain/web-01"));
  std::string walk = json["walk"].dump();
  EXPECT_NE(walk.find("0.4 bits from healthy hours"), std::string::npos) << walk;
  EXPECT_NE(walk.find("moves by 12 a day (+1 %) for 7 days"), std::string::npos) << walk;
  EXPECT_NE(walk.find("0.4 bits away from what is declared"), std::string::npos) << walk;
  EXPECT_NE(walk.find("--to 13"), std::string::npos) << walk;
  auto drift = Bench::json(bench.get("/api/v1/instances/web-01/drift"));
  EXPECT_EQ(drift["slow"]["metrics"][0]["hour_bits"], 0.4);
  EXPECT_TRUE(drift["slow"]["metrics"][1]["hour_bits"].is_null()) << "not known yet";
  EXPECT_TRUE(drift["candidate"]["revision"].get<std::string>().ends_with("@web-01/13"));
  std::string metrics = bench.get("/metrics").body;
  EXPECT_NE(metrics.find("mien_window_divergence_bits{instance_name=\"web-01\",window=\"1h\"} 0.4"), std::string::npos);
  EXPECT_NE(metrics.find("mien_moving_metrics{instance_name=\"web-01\"} 1"), std::string::npos);
}

TEST_F(Findings, OrTheirAbsenceExplainWhyNothingWasDone) {
  auto json = Bench::json(bench.get("/api/v1/why/web-01"));
  std::string reasons = json["reasons"].dump();
  EXPECT_NE(reasons.find("still learning"), std::string::npos);
  EXPECT_NE(reasons.find("no finding is open"), std::string::npos);
  EXPECT_NE(reasons.find("there is no policy"), std::string::npos);
  open("f-2", 1min);
  host->findings[0].late = true;
  bench.manager.add_resource(model::ResourceKind::policy, "p", 1);
  reasons = Bench::json(bench.get("/api/v1/why/web-01"))["reasons"].dump();
  EXPECT_NE(reasons.find("f-2 (medium level) is open; its evidence was old"), std::string::npos);
  EXPECT_NE(reasons.find("policy p "), std::string::npos) << reasons;
  EXPECT_EQ(bench.get("/api/v1/why/a-1").status, 404);
}

}  // namespace
}  // namespace mien::edge
