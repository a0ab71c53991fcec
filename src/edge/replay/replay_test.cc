// Replays over a real store: the log trimmed, the history behind it, a manager that goes on meanwhile.
#include "edge/replay/replay.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "edge/crypto/crypto.h"
#include "edge/testing/temporary_directory.h"
#include "node/manager_driver.h"
#include "node/series_table.h"
#include "node/testing/resources.h"
#include "wire/document.h"

namespace mien::edge {
namespace {

using node::testing::declared_cpu;
using node::testing::persona;
using node::testing::resource_of;

const InstanceName host{"web-01"};

model::Resource alert() {
  model::Value::Map step{{"do", "alert"}};
  return resource_of(model::ResourceKind::policy, "tell",
                     {{"mode", "enforce"},
                      {"match", model::Value::Map{{"severity", "info"}}},
                      {"ladder", model::Value::List{model::Value{std::move(step)}}}});
}

// A manager over the embedded store, fed with one host's cpu.
struct StoredManager {
  edge::testing::TemporaryDirectory directory;
  DataPaths paths{directory.path()};
  std::unique_ptr<store::Log> log = open_log(paths.log).value();
  std::unique_ptr<store::Ledger> ledger = open_ledger(paths.ledger).value();
  std::unique_ptr<store::History> history = open_history(paths.history).value();
  std::unique_ptr<node::ManagerDriver> driver;
  node::SeriesTable series;
  WallTime now{1'790'000'000'000'000'000};
  std::uint64_t sequence = 0;
  std::uint64_t request = 0;

  StoredManager() {
    node::ManagerSeams seams{
        .log = *log, .ledger = *ledger, .history = *history, .sha256 = sha256, .sign = [](std::string_view bytes) {
          return std::string(bytes);
        }};
    driver = std::make_unique<node::ManagerDriver>(
        seams, node::ManagerOptions{.builtin = {persona("linux-server", {})}, .limits = {}}, "test");
    EXPECT_TRUE(driver->recover(now).ok());
    second(0.1);
    give(node::PutResource{.resource = model::encode_resource(persona("web", *declared_cpu().map()))});
    give(node::Activate{.persona = PersonaName{"web"}, .instance = host, .lasting = {}});
    model::Resource worn =
        resource_of(model::ResourceKind::instance, host.value, {{"personas", model::Value::List{model::Value{"web"}}}});
    give(node::PutResource{.resource = model::encode_resource(worn)});
    seconds(20, 0.1);
  }
  void append(const node::Record& record) {
    std::string bytes = node::encode_record(record);
    std::string_view view = bytes;
    ASSERT_TRUE(log->append(0, now, std::span(&view, 1)).ok());
  }
  void fold() {
    for (bool more = true; more;) {
      auto sent = driver->pump(now);
      ASSERT_TRUE(sent.ok()) << sent.error().to_string();
      more = sent->more;
    }
  }
  void give(node::CommandBody body) {
    append(node::CommandGiven{.command = {.request = ++request, .actor = "test", .body = std::move(body)}});
    fold();
  }
  void second(double cpu) {
    now = now + 1s;
    model::Delivery delivery{
        .source = "web-01", .epoch = 1, .sequence = ++sequence, .authenticated = true, .instances = {}};
    delivery.instances.push_back(
        {.instance = host,
         .type = model::InstanceType::host,
         .parent = {},
         .identities = {},
         .series = {{.metric = MetricName{"system.cpu.utilization"}, .attributes = {}, .unit = "1", .kind = {}}},
         .batch = {.times = {now}, .series = {}, .values = {cpu}},
         .refused = 0});
    append(node::FrameArrived{.frame = series.number(std::move(delivery))});
    append(node::TickPassed{});
    fold();
  }
  void seconds(int count, double cpu) {
    for (int i = 0; i < count; ++i) second(cpu + 0.01 * (i % 3));
  }
  void trim() {
    ASSERT_TRUE(driver->settle(now).ok());
    ASSERT_TRUE(log->trim(0, log->bounds(0)->last).ok());
    ASSERT_GT(log->bounds(0)->first, 1U);
  }

  ReplayPlace place() {
    return {.data = directory.path(), .builtin = {persona("linux-server", {})}, .history = nullptr};
  }
  std::vector<wire::Document> replay(const ReplayRequest& asked, bool with_history = false) {
    ReplayPlace from = place();
    if (with_history) from.history = history.get();
    std::vector<wire::Document> lines;
    Status status = run_replay(from, asked, [&](const std::string& line) {
      if (!line.empty()) lines.push_back(wire::parse_document(line).value());
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    return lines;
  }
};

std::size_t count(const std::vector<wire::Document>& lines, const std::string& type) {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line["type"] == type; }));
}

TEST(StoredReplay, OfAWholeLogEveryLineIsExactAndTheSameEveryTime) {
  StoredManager world;
  world.seconds(10, 0.9);
  std::vector<wire::Document> lines = world.replay({});
  ASSERT_GE(lines.size(), 3U);
  EXPECT_EQ(lines.front()["type"], "replay");
  EXPECT_EQ(lines.front()["exact"], true);
  EXPECT_EQ(count(lines, "finding.opened"), 1U);
  for (const auto& line : lines) EXPECT_FALSE(line.value("approximate", wire::Document()) == true);
  EXPECT_EQ(lines.back()["type"], "summary");
  EXPECT_EQ(lines.back()["found"], 1);
  EXPECT_EQ(lines, world.replay({}));
}

TEST(StoredReplay, APolicyIsTriedFromTheTimeThatIsAskedForOn) {
  StoredManager world;
  world.seconds(10, 0.9);
  ReplayRequest request;
  request.policies = {alert()};
  EXPECT_EQ(world.replay(request).back()["acted"], 1);
  request.from = world.now + 1s;
  EXPECT_EQ(world.replay(request).back()["acted"], 0);
}

TEST(StoredReplay, OfATrimmedLogTheRestIsFoldedAndCalledApproximate) {
  StoredManager world;
  world.now = world.now + 3600s;
  world.seconds(1, 0.1);
  world.trim();
  world.seconds(20, 0.1);
  world.seconds(10, 0.9);
  std::vector<wire::Document> lines = world.replay({});
  EXPECT_EQ(lines.front()["exact"], false);
  EXPECT_FALSE(lines.front()["approximate"].empty());
  EXPECT_EQ(count(lines, "finding.opened"), 1U) << "series and persona of before are known";
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) EXPECT_EQ(lines[i]["approximate"], true);
}

TEST(StoredReplay, WhatIsOlderThanTheLogComesFromTheHistoryInMinutes) {
  StoredManager world;
  WallTime began = world.now;
  for (int minute = 0; minute < 60; ++minute) {  // one sample each: a history without the seconds
    world.now = world.now + 59s;
    world.second(minute >= 30 ? 0.9 : 0.1);
  }
  world.now = world.now + 3600s;
  world.second(0.1);
  world.trim();
  std::vector<wire::Document> lines = world.replay({}, true);
  EXPECT_EQ(lines.front()["approximate"].size(), 2U);
  EXPECT_LE(parse_time(lines.front()["from"].get<std::string>())->ns, (began + 120s).ns);
  EXPECT_GE(count(lines, "finding.opened"), 1U);
  EXPECT_GT(lines.back()["instance_days"].get<double>(), 0.5 / 24);
}

TEST(StoredReplay, WhoeverListensCanStopIt) {
  StoredManager world;
  Status status = run_replay(world.place(), {}, [](const std::string&) { return false; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::unavailable);
}

TEST(StoredProof, WhatAManagerRecordsIsProvenWhileItGoesOn) {
  StoredManager world;
  world.give(node::PutResource{.resource = model::encode_resource(alert())});
  world.seconds(300, 0.9);
  int more = 3;
  auto verdict = run_proof(world.place(), [&](const std::string&) {
    if (more-- > 0) world.seconds(5, 0.1);
    return true;
  });
  ASSERT_TRUE(verdict.ok()) << verdict.error().to_string();
  EXPECT_FALSE(verdict->difference) << verdict->difference->message;
  EXPECT_GE(verdict->findings, 1U);
  EXPECT_GE(verdict->decisions, 1U);
  EXPECT_EQ(verdict->to, world.log->bounds(0)->last);
}

TEST(StoredProof, OfATrimmedLogNothingIsClaimed) {
  StoredManager world;
  world.now = world.now + 3600s;
  world.seconds(1, 0.1);
  world.trim();
  auto verdict = run_proof(world.place(), [](const std::string&) { return true; });
  ASSERT_TRUE(verdict.ok()) << verdict.error().to_string();
  EXPECT_FALSE(verdict->difference);
  EXPECT_EQ(verdict->records, 0U);
  EXPECT_NE(verdict->not_claimed, "");
}

TEST(StoredProof, WhereThereIsNoStoreItIsSaidAndNothingIsMade) {
  edge::testing::TemporaryDirectory directory;
  ReplayPlace place{.data = directory.path() + "/none", .builtin = {}, .history = nullptr};
  EXPECT_FALSE(run_proof(place, [](const std::string&) { return true; }).ok());
  EXPECT_FALSE(open_log_for_reading(place.data).ok());
}

}  // namespace
}  // namespace mien::edge
