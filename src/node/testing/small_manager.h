// A manager over memory seams with a clock and a door of its own: what unit tests of node and the simulation start
// from.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "node/manager_driver.h"
#include "node/series_table.h"
#include "node/testing/memory_seams.h"
#include "node/testing/resources.h"

namespace mien::node::testing {

inline constexpr WallTime start{1'700'000'000'000'000'000};

// The newest answers and notices are kept; `now` moves with second().
struct SmallManager {
  MemoryLog log;
  MemoryLedger ledger;
  MemoryHistory history;
  SeriesTable series;
  std::unique_ptr<ManagerDriver> driver;
  WallTime now = start;
  std::uint64_t request = 0;
  std::uint64_t sequence = 0;
  std::vector<Answer> answers;
  std::vector<Notice> notices;

  SmallManager() { restart(); }

  void restart() {
    ManagerSeams seams{
        .log = log, .ledger = ledger, .history = history, .sha256 = test_hash, .sign = [](std::string_view bytes) {
          return std::string(bytes);
        }};
    driver = std::make_unique<ManagerDriver>(
        seams, ManagerOptions{.builtin = {persona("linux-server", {})}, .limits = {}}, "test");
    ASSERT_TRUE(driver->recover(now).ok());
    series = {};
    for (const auto& [name, view] : driver->view()->instances)
      if (view->series) series.restore(name, *view->series);
  }

  void append(const Record& record) {
    std::string bytes = encode_record(record);
    std::string_view view = bytes;
    ASSERT_TRUE(log.append(0, now, std::span(&view, 1)).ok());
  }
  void fold() {
    for (;;) {
      auto sent = driver->pump(now);
      ASSERT_TRUE(sent.ok()) << sent.error().to_string();
      for (Answer& answer : sent->answers) answers.push_back(std::move(answer));
      for (Notice& notice : sent->notices) notices.push_back(std::move(notice));
      if (!sent->more) return;
    }
  }
  Answer give(CommandBody body) {
    EXPECT_TRUE(complete(body, ledger).ok());
    append(CommandGiven{.command = {.request = ++request, .actor = "test", .body = std::move(body)}});
    fold();
    return answers.back();
  }
  void report(AgentReported reported) {
    append(reported);
    fold();
  }
  Answer put(const model::Resource& resource) {
    return give(PutResource{.resource = model::encode_resource(resource), .from_files = false});
  }

  FrameArrived frame_of(const std::string& instance, double cpu) {
    model::Delivery delivery{
        .source = "web-01", .epoch = 1, .sequence = ++sequence, .authenticated = true, .instances = {}};
    std::size_t at = instance.find('@');  // "nginx.service@web-01" is a service of web-01
    bool service = at != std::string::npos;
    delivery.instances.push_back(
        {.instance = InstanceName{instance},
         .type = service ? model::InstanceType::service : model::InstanceType::host,
         .parent = InstanceName{service ? instance.substr(at + 1) : ""},
         .identities = {},
         .series = {{.metric = MetricName{"system.cpu.utilization"}, .attributes = {}, .unit = "1", .kind = {}}},
         .batch = {.times = {now}, .series = {}, .values = {cpu}},
         .refused = 0});
    return FrameArrived{.frame = series.number(std::move(delivery))};
  }
  void second(double cpu, const std::string& instance = "web-01") {
    now = now + 1s;
    append(frame_of(instance, cpu));
    append(TickPassed{});
    fold();
  }
  std::shared_ptr<const InstanceView> instance(const std::string& name) {
    auto view = driver->view();
    auto at = view->instances.find(InstanceName{name});
    return at == view->instances.end() ? nullptr : at->second;
  }
  // The declared persona is active and twenty quiet seconds have passed.
  void settle_in(const std::string& name = "web-01") {
    second(0.1, name);
    ASSERT_TRUE(put(persona("web", *declared_cpu().map())).status.ok());
    ASSERT_TRUE(
        give(Activate{.persona = PersonaName{"web"}, .instance = InstanceName{name}, .lasting = {}}).status.ok());
    for (int i = 0; i < 20; ++i) second(0.1 + 0.01 * (i % 3), name);
  }
};

}  // namespace mien::node::testing
