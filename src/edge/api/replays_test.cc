#include "edge/api/replays.h"

#include <gtest/gtest.h>

#include <future>

#include "edge/api/testing/fake_manager.h"

namespace mien::edge::api {
namespace {

using edge::testing::Bench;
using edge::testing::Captured;

// An Api whose replays do what the test says.
struct ReplaysBench {
  Bench bench;
  std::shared_ptr<Replays> replays;
  std::unique_ptr<Api> api;

  explicit ReplaysBench(RunReplay run) : replays(std::make_shared<Replays>(std::move(run))) {
    ApiOptions options = bench.options();
    options.replays = replays;
    api = std::make_unique<Api>(std::move(options));
  }
  std::shared_ptr<Captured> post(std::string body, const std::string& query = "") {
    auto captured = std::make_shared<Captured>();
    api->handle(Bench::request("POST", "/api/v1/replay" + query, std::move(body)), captured);
    return captured;
  }
  // What runs is told to stop, and has ended.
  void stop() {
    api.reset();
    replays.reset();
  }
};

constexpr const char* policy =
    R"({"apiVersion":"mien.dev/v1","kind":"Policy","metadata":{"name":"p"},"spec":{"ladder":[{"do":"alert"}]}})";

TEST(Replays, LinesAreStreamedAsTheyComeAndSignsOfLifeAreNoLines) {
  ReplaysBench bench([](const ReplayRequest&, const TellLine& tell) -> Status {
    EXPECT_TRUE(tell(R"({"type":"replay"})"));
    EXPECT_TRUE(tell(""));
    EXPECT_TRUE(tell(R"({"type":"summary"})"));
    return {};
  });
  auto captured = bench.post("{}");
  while (bench.replays->check().ok() == false) std::this_thread::yield();
  bench.stop();
  EXPECT_EQ(captured->response().headers["content-type"], "application/x-ndjson");
  EXPECT_EQ(captured->streamed(), "{\"type\":\"replay\"}\n{\"type\":\"summary\"}\n");
}

TEST(Replays, WhatIsAskedForReachesTheRun) {
  ReplayRequest asked;
  ReplaysBench bench([&](const ReplayRequest& request, const TellLine&) -> Status {
    asked = request;
    return {};
  });
  auto captured =
      bench.post(R"({"since":"2h","instance":"web-01","mode":"enforce","policies":[)" + std::string(policy) + "]}");
  while (bench.replays->check().ok() == false) std::this_thread::yield();
  EXPECT_EQ(asked.from, bench.bench.now - 2h);
  EXPECT_EQ(asked.instance.value, "web-01");
  EXPECT_EQ(asked.mode, model::Mode::enforce);
  ASSERT_TRUE(asked.policies);
  ASSERT_EQ(asked.policies->size(), 1U);
  EXPECT_EQ(asked.policies->front().metadata.name, "p");
}

TEST(Replays, OneRunsAtATimeAndEndsWithTheService) {
  std::promise<void> began;
  bool told_to_stop = false;
  ReplaysBench bench([&](const ReplayRequest&, const TellLine& tell) -> Status {
    began.set_value();
    while (tell("")) std::this_thread::yield();
    told_to_stop = true;
    return Error{.code = Code::unavailable, .message = "stopped", .where = {}, .cause = {}};
  });
  auto first = bench.post("{}");
  began.get_future().wait();
  EXPECT_EQ(bench.post("{}")->wait().status, 409);
  EXPECT_EQ(bench.post("{}", "?dry_run=true")->wait().status, 409);
  bench.stop();
  EXPECT_TRUE(told_to_stop);
  EXPECT_EQ(first->wait().status, 503);
}

TEST(Replays, AnErrorBehindTheFirstLineIsTheLastLine) {
  ReplaysBench bench([](const ReplayRequest&, const TellLine& tell) -> Status {
    for (int i = 0; i < 5'000; ++i) EXPECT_TRUE(tell(R"({"type":"finding.opened"})"));
    return Error{.code = Code::corrupt, .message = "record 7 is damaged", .where = {}, .cause = {}};
  });
  auto captured = bench.post("{}");
  while (bench.replays->check().ok() == false) std::this_thread::yield();
  bench.stop();
  std::string all = captured->streamed();
  std::size_t last = all.rfind('\n', all.size() - 2) + 1;
  EXPECT_NE(all.find("\"type\":\"error\"", last), std::string::npos);
  EXPECT_NE(all.find("record 7 is damaged", last), std::string::npos);
}

TEST(Replays, WhatCanNotBeUnderstoodIsRefusedBeforeAnythingRuns) {
  int runs = 0;
  ReplaysBench bench([&](const ReplayRequest&, const TellLine&) -> Status {
    ++runs;
    return {};
  });
  for (const char* body :
       {R"({"since":"yesterday"})", R"({"sinse":"1h"})", R"({"mode":"yes"})", R"({"verify":"yes"})", R"([])", R"(7)",
        R"({"policies":[{"apiVersion":"mien.dev/v1","kind":"Pool","metadata":{"name":"p"},"spec":{}}]})",
        R"({"policies":[{"kind":"Policy"}]})", R"({"policies":{}})"})
    EXPECT_EQ(bench.post(body)->wait().status, 400) << body;
  EXPECT_EQ(bench.post("{}", "?dry_run=true")->wait().status, 200);
  EXPECT_EQ(runs, 0);
}

TEST(Replays, ACallerWhoSeesOnlySomeInstancesIsRefused) {
  ReplaysBench bench([](const ReplayRequest&, const TellLine&) -> Status { return {}; });
  bench.bench.caller.selector = "role=web";
  EXPECT_EQ(bench.post("{}")->wait().status, 403);
  EXPECT_EQ(bench.bench.asked, Need::write);
}

TEST(Replays, AManagerWithoutAStoreSaysSo) {
  Bench bench;
  EXPECT_EQ(bench.send("POST", "/api/v1/replay", "{}").status, 501);
}

}  // namespace
}  // namespace mien::edge::api
