#include "node/agent_driver.h"

#include <gtest/gtest.h>

#include "wire/otlp.h"

namespace mien::node {
namespace {

class ListSpool final : public Spool {
 public:
  Result<std::uint64_t> put(const AgentRequest& request) override {
    if (full) return Error{.code = Code::exhausted, .message = "full", .where = {}, .cause = {}};
    items.push_back(request);
    return std::uint64_t{0};
  }
  Result<std::optional<AgentRequest>> oldest() override {
    return items.empty() ? std::optional<AgentRequest>{} : std::optional<AgentRequest>{items.front()};
  }
  Status drop(std::uint64_t number) override {
    while (!items.empty() && items.front().number <= number) items.pop_front();
    return {};
  }
  std::deque<AgentRequest> items;
  bool full = false;
};

struct Host {
  ListSpool spool;
  std::vector<AgentRequest> sent;
  std::vector<std::string> lines;
  AgentDriver driver;
  AgentNow now{.wall = WallTime{1'700'000'000'000'000'000}, .mono = MonoTime{1'000'000'000}};
  double busy = 0;
  std::vector<model::InstanceReadings> readings;
  std::size_t answered = 0;

  explicit Host(AgentOptions options = {})
      : driver(
            Agent{options}, spool, [this](const AgentRequest& request) { sent.push_back(request); },
            [this](std::string_view line) { lines.emplace_back(line); }) {}

  void tick() {
    now.wall = now.wall + 1s;
    now.mono = now.mono + 1s;
    busy += 0.5;
    model::Series cpu{.metric = MetricName{"system.cpu.utilization"},
                      .attributes = {},
                      .unit = "1",
                      .kind = model::SeriesKind::gauge};
    model::Series load{.metric = MetricName{"system.linux.cpu.load_1m"},
                       .attributes = {},
                       .unit = "1",
                       .kind = model::SeriesKind::gauge};
    readings = {{.instance = InstanceName{"h"},
                 .type = model::InstanceType::host,
                 .parent = {},
                 .identities = {},
                 .readings = {{.series = cpu, .kind = model::Reading::Kind::busy, .value = busy, .capacity = 2},
                              {.series = load, .kind = model::Reading::Kind::gauge, .value = 1, .capacity = 1}}}};
    driver.step(now, ReadingsTaken{.instances = &readings});
  }
  bool answer(UploadOutcome outcome) {
    if (answered == sent.size()) return false;
    std::uint64_t number = sent[answered++].number;
    driver.step(now, UploadAnswered{.number = number, .outcome = outcome, .why = "test", .retry_after = {}});
    return true;
  }
};

TEST(Agent, WhatTheHypervisorTellsOfAGuestStandsBeforeItsControlGroup) {
  auto gauge = [](const char* metric, double value) {
    return model::Reading{
        .series = {.metric = MetricName{metric}, .attributes = {}, .unit = "1", .kind = model::SeriesKind::gauge},
        .kind = model::Reading::Kind::gauge,
        .value = value,
        .capacity = 1};
  };
  auto instance = [](const char* name, model::InstanceType type, std::vector<model::Reading> readings) {
    return model::InstanceReadings{
        .instance = InstanceName{name}, .type = type, .parent = {}, .identities = {}, .readings = std::move(readings)};
  };
  std::vector<model::InstanceReadings> groups{
      instance("h", model::InstanceType::host, {gauge("a", 1)}),
      instance("qemu-db@h", model::InstanceType::guest, {gauge("a", 2), gauge("b", 3)})};
  std::vector<model::InstanceReadings> guests{instance("qemu-db@h", model::InstanceType::guest, {gauge("a", 4)}),
                                              instance("qemu-web@h", model::InstanceType::guest, {gauge("a", 5)})};
  auto told = [&] {
    Agent agent{{}};
    auto effects = agent.step({.wall = WallTime{1'700'000'000'000'000'000}, .mono = MonoTime{1}},
                              ReadingsTaken{.instances = &groups, .sensed = nullptr, .guests = &guests});
    auto read = wire::decode_otlp({.encoding = wire::OtlpEncoding::protobuf,
                                   .content_encoding = {},
                                   .body = std::get<Upload>(effects.at(0)).request.body,
                                   .arrived = WallTime{1'700'000'000'000'000'000},
                                   .trusted = true,
                                   .agent = "h",
                                   .limits = {},
                                   .gzip = {}});
    EXPECT_TRUE(read.ok());
    std::map<std::string, double> values;
    for (const model::DeliveredInstance& each : read->delivery.instances)
      for (std::size_t i = 0; i < each.series.size(); ++i)
        values[each.instance.value + " " + each.series[i].metric.value] = each.batch.at(i, 0);
    return values;
  };
  using Values = std::map<std::string, double>;
  EXPECT_EQ(told(), (Values{{"h a", 1}, {"qemu-db@h a", 4}, {"qemu-db@h b", 3}, {"qemu-web@h a", 5}}));
  guests[0].readings[0].value = model::missing;  // not asked in this tick: that is no reason to say something else
  EXPECT_EQ(told(), (Values{{"h a", 1}, {"qemu-db@h b", 3}, {"qemu-web@h a", 5}}));
}

TEST(Agent, SendsOneNumberedRequestATick) {
  Host host;
  for (int i = 0; i < 3; ++i) {
    host.tick();
    ASSERT_TRUE(host.answer(UploadOutcome::taken));
  }
  ASSERT_EQ(host.sent.size(), 3U);
  EXPECT_EQ(host.sent[2].number, (std::uint64_t{1} << 32U) | 3U);
}

TEST(Agent, BusyTimeBecomesUtilisation) {
  Host host;
  host.tick();
  host.answer(UploadOutcome::taken);
  host.tick();
  auto decoded = wire::decode_otlp({.encoding = wire::OtlpEncoding::protobuf,
                                    .content_encoding = {},
                                    .body = host.sent[1].body,
                                    .arrived = host.now.wall,
                                    .trusted = true,
                                    .agent = "h",
                                    .limits = {},
                                    .gzip = {}});
  ASSERT_TRUE(decoded.ok());
  const model::DeliveredInstance& part = decoded->delivery.instances.at(0);
  ASSERT_EQ(part.series.size(), 2U);
  EXPECT_EQ(part.series[0].metric.value, "system.cpu.utilization");
  EXPECT_EQ(part.batch.at(0, 0), 0.25);
}

TEST(Agent, WhatIsNotTakenWaitsOnDiskAndArrivesInOrder) {
  Host host;
  host.tick();
  host.answer(UploadOutcome::later);
  for (int i = 0; i < 100; ++i) {
    host.tick();
    host.answer(UploadOutcome::later);
  }
  EXPECT_GT(host.spool.items.size(), 90U);
  std::vector<std::uint64_t> taken;
  for (int i = 0; i < 200; ++i) {
    host.tick();
    while (host.answered < host.sent.size()) {
      taken.push_back(host.sent[host.answered].number & 0xffffffffU);
      host.answer(UploadOutcome::taken);
    }
  }
  ASSERT_EQ(taken.size(), 301U);
  for (std::size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i], i + 1);
  EXPECT_TRUE(host.spool.items.empty());
  EXPECT_EQ(host.lines.size(), 2U) << "said once that nobody listens, and once that somebody does again";
}

TEST(Agent, FreshRequestsOvertakeABacklogOfMoreThanTenMinutes) {
  Host host;
  host.tick();
  host.answer(UploadOutcome::later);
  for (int i = 0; i < 700; ++i) {
    host.tick();
    host.answer(UploadOutcome::later);
  }
  host.answered = host.sent.size();
  host.now.mono = host.now.mono + 60s;
  std::size_t before = host.sent.size();
  for (int i = 0; i < 3; ++i) {
    host.tick();
    while (host.answered < host.sent.size()) host.answer(UploadOutcome::taken);
    if (host.sent.size() == before) host.answer(UploadOutcome::taken);
  }
  EXPECT_FALSE(host.spool.items.empty()) << "the backlog goes at a bounded rate";
}

TEST(Agent, ARefusedRequestIsDroppedAndSaid) {
  Host host;
  host.tick();
  host.answer(UploadOutcome::refused);
  host.tick();
  EXPECT_EQ(host.sent.size(), 2U);
  EXPECT_EQ(host.driver.agent().counters().refused, 1U);
  EXPECT_EQ(host.lines.size(), 1U);
}

TEST(Agent, AShareOfTimeIsAtMostAll) {
  Host host;
  host.tick();
  host.answer(UploadOutcome::taken);
  host.busy += 1.51;  // 2.01 busy seconds of two CPUs in one second: the kernel's ticks are coarser than our clock
  host.tick();
  auto decoded = wire::decode_otlp({.encoding = wire::OtlpEncoding::protobuf,
                                    .content_encoding = {},
                                    .body = host.sent.back().body,
                                    .arrived = host.now.wall,
                                    .trusted = true,
                                    .agent = "h",
                                    .limits = {},
                                    .gzip = {}});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->delivery.instances.at(0).series.at(0).metric.value, "system.cpu.utilization");
  EXPECT_EQ(decoded->delivery.instances.at(0).batch.values.at(0), 1.0);
}

TEST(Agent, ABusyReadingThatMovedToAnotherPlaceGivesNoFalseDifference) {
  Host host;
  host.tick();
  host.answer(UploadOutcome::taken);
  host.tick();
  host.answer(UploadOutcome::taken);
  // A device came before it: the same index now is another series.
  model::Series disk{
      .metric = MetricName{"system.disk.utilization"}, .attributes = {}, .unit = "1", .kind = model::SeriesKind::gauge};
  host.readings[0].readings.insert(host.readings[0].readings.begin(),
                                   {.series = disk, .kind = model::Reading::Kind::busy, .value = 1e6, .capacity = 1});
  host.now.wall = host.now.wall + 1s;
  host.now.mono = host.now.mono + 1s;
  host.driver.step(host.now, ReadingsTaken{.instances = &host.readings});
  auto decoded = wire::decode_otlp({.encoding = wire::OtlpEncoding::protobuf,
                                    .content_encoding = {},
                                    .body = host.sent.back().body,
                                    .arrived = host.now.wall,
                                    .trusted = true,
                                    .agent = "h",
                                    .limits = {},
                                    .gzip = {}});
  ASSERT_TRUE(decoded.ok());
  for (const model::Series& series : decoded->delivery.instances.at(0).series)
    EXPECT_EQ(series.metric.value, "system.linux.cpu.load_1m");
}

TEST(Agent, NoRoomOnDiskIsCountedAndSaid) {
  Host host;
  host.spool.full = true;
  host.tick();
  for (int i = 0; i < 5; ++i) {
    host.answer(UploadOutcome::later);
    host.tick();
  }
  EXPECT_GT(host.driver.agent().counters().shed, 0U);
}

model::SecurityFact execution(std::string path) {
  model::SecurityFact fact;
  fact.object = std::move(path);
  return fact;
}

TEST(Agent, FactsGoToTheOtherDoorInTheSameSequence) {
  Host host;
  host.tick();
  ASSERT_TRUE(host.answer(UploadOutcome::taken));
  std::vector<wire::InstanceFacts> facts{{.instance = InstanceName{"h"},
                                          .type = model::InstanceType::host,
                                          .parent = {},
                                          .identities = {},
                                          .facts = {execution("/bin/true"), execution("/bin/true")},
                                          .refused = 3}};
  host.driver.step(host.now, FactsTaken{.instances = &facts});
  ASSERT_EQ(host.sent.size(), 2U);
  EXPECT_EQ(host.sent[0].door, AgentDoor::metrics);
  EXPECT_EQ(host.sent[1].door, AgentDoor::logs);
  EXPECT_EQ(host.sent[1].number, host.sent[0].number + 1);
  EXPECT_EQ(host.driver.agent().counters().facts, 1U);
  EXPECT_EQ(host.driver.agent().counters().facts_shed, 3U);
  facts.clear();
  host.driver.step(host.now, FactsTaken{.instances = &facts});
  EXPECT_EQ(host.sent.size(), 2U) << "nothing seen is nothing sent";
}

TEST(Agent, FactsWaitInTheSpoolForTheirDoor) {
  Host host;
  std::vector<wire::InstanceFacts> facts{{.instance = InstanceName{"h"},
                                          .type = model::InstanceType::host,
                                          .parent = {},
                                          .identities = {},
                                          .facts = {execution("/bin/true")},
                                          .refused = 0}};
  host.tick();
  ASSERT_TRUE(host.answer(UploadOutcome::later));
  host.tick();
  host.driver.step(host.now, FactsTaken{.instances = &facts});
  ASSERT_FALSE(host.spool.items.empty());
  EXPECT_EQ(host.spool.items.back().door, AgentDoor::logs);
}

TEST(Agent, WhatSensorsCountedJoinsWhatWasReadOfTheSameInstance) {
  Host host;
  model::Series calls{.metric = MetricName{"mien.syscall.count"},
                      .attributes = {},
                      .unit = "{call}",
                      .kind = model::SeriesKind::counter};
  model::Reading reading{.series = calls, .kind = model::Reading::Kind::counter, .value = 7, .capacity = 1};
  std::vector<model::InstanceReadings> sensed{
      {.instance = InstanceName{"h"}, .type = {}, .parent = {}, .identities = {}, .readings = {reading}},
      {.instance = InstanceName{"w@h"},
       .type = model::InstanceType::service,
       .parent = InstanceName{"h"},
       .identities = {},
       .readings = {reading}}};
  host.tick();
  host.answer(UploadOutcome::taken);
  host.driver.step(host.now, ReadingsTaken{.instances = &host.readings, .sensed = &sensed});
  ASSERT_EQ(host.sent.size(), 2U);
  auto back = wire::decode_otlp({.encoding = wire::OtlpEncoding::protobuf,
                                 .content_encoding = {},
                                 .body = host.sent[1].body,
                                 .arrived = host.now.wall,
                                 .trusted = true,
                                 .agent = "h",
                                 .limits = {},
                                 .gzip = {}});
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->delivery.instances.size(), 2U);
  for (const model::DeliveredInstance& part : back->delivery.instances)
    EXPECT_EQ(std::count(part.series.begin(), part.series.end(), calls), 1) << part.instance.value;
}

}  // namespace
}  // namespace mien::node
