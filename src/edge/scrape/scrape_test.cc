#include "edge/scrape/scrape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "base/text.h"
#include "edge/api/testing/fake_manager.h"
#include "edge/clock.h"
#include "edge/http/http.h"
#include "edge/testing/temporary_directory.h"
#include "wire/gzip.h"

namespace mien::edge {
namespace {

using ::testing::HasSubstr;

TEST(TargetFile, IsReadAsPrometheusWritesIt) {
  auto targets = parse_target_file(
      R"([{"targets": ["web-01:9100", "web-02:9100"], "labels": {"tier": "front"}}, {"targets": ["db-01:9100"]}])",
      "targets.json");
  ASSERT_TRUE(targets.ok()) << targets.error().to_string();
  ASSERT_EQ(targets->size(), 3U);
  EXPECT_EQ(targets->at(1).address, "web-02:9100");
  EXPECT_EQ(targets->at(1).labels.at("tier"), "front");
  EXPECT_TRUE(targets->at(2).labels.empty());
  auto yaml = parse_target_file("- targets: ['web-01:9100']\n  labels: {tier: front}\n", "targets.yml");
  ASSERT_TRUE(yaml.ok()) << yaml.error().to_string();
  EXPECT_EQ(yaml->size(), 1U);
}

TEST(TargetFile, SaysWhatIsWrongWithIt) {
  for (const char* text : {"{}", "[7]", "[{}]", "[{targets: web-01}]", "[{targets: [7]}]",
                           "[{targets: [a], labls: {}}]", "[{targets: [a], labels: {a: [1]}}]", "[{targets: ['']}]"}) {
    auto targets = parse_target_file(text, "targets.json");
    ASSERT_FALSE(targets.ok()) << text;
    EXPECT_EQ(targets.error().where.substr(0, 12), "targets.json") << text;
  }
}

// An exporter of the test's own on a free port, and a manager that remembers what it was given.
struct Fleet : ::testing::Test {
  testing::Bench bench;
  std::shared_ptr<PrometheusDoor> door = std::make_shared<PrometheusDoor>();
  std::unique_ptr<HttpServer> exporter;
  std::atomic<int> status = 200;
  std::atomic<int> asked = 0;
  std::mutex mutex;
  std::string text = "node_load1 0.5\n";
  std::string authorization;
  testing::TemporaryDirectory directory;
  std::mutex report_mutex;
  std::string reported;

  void SetUp() override {
    HttpServerOptions options;
    options.port = 0;
    auto started = HttpServer::start(options, [this](HttpRequest request, std::shared_ptr<Responder> responder) {
      HttpResponse response;
      response.status = status;
      {
        std::lock_guard lock(mutex);
        response.body = wire::gzip(text);
        authorization = request.header("authorization");
      }
      response.headers["content-encoding"] = "gzip";
      ++asked;
      responder->respond(std::move(response));
    });
    ASSERT_TRUE(started) << started.error().to_string();
    exporter = std::move(*started);
  }
  void TearDown() override { exporter->stop(1s); }

  [[nodiscard]] std::string address() const { return cat("127.0.0.1:", exporter->port()); }
  std::unique_ptr<Scraper> scrape(ScrapeJob job) {
    job.name = "node";
    job.interval = std::chrono::milliseconds{20};
    return std::make_unique<Scraper>(ScraperOptions{.jobs = {std::move(job)},
                                                    .rules = {},
                                                    .port = &bench.manager,
                                                    .door = door,
                                                    .now = wall_now,
                                                    .report = [this](std::string_view line) {
                                                      std::lock_guard lock(report_mutex);
                                                      reported += cat(line, "\n");
                                                    }});
  }
  void await_asked(int more) {
    int before = asked;
    while (asked < before + more) std::this_thread::yield();
  }
};

TEST_F(Fleet, WhatAnExporterAnswersIsTakenInUnderItsAddress) {
  {
    std::ofstream(directory.path() + "/token") << "secret\n";
    auto scraper =
        scrape({.targets = {address()}, .token_file = directory.path() + "/token", .labels = {{"tier", "front"}}});
    await_asked(3);
  }
  ASSERT_FALSE(bench.manager.taken.empty());
  const model::DeliveredInstance& instance = bench.manager.taken[0].instances.at(0);
  EXPECT_EQ(instance.instance.value, "127.0.0.1");
  EXPECT_EQ(to_text(instance.series.at(0)), "system.cpu.load_average.1m");
  EXPECT_EQ(instance.batch.values.at(0), 0.5);
  EXPECT_EQ(authorization, "Bearer secret");
}

TEST_F(Fleet, ASeriesThatIsGoneAndATargetThatFailsEnd) {
  auto scraper = scrape({.targets = {address()}});
  await_asked(2);
  {
    std::lock_guard lock(mutex);
    text = "node_load5 0.5\n";
  }
  await_asked(2);
  status = 500;
  await_asked(3);
  scraper.reset();
  std::vector<std::string> ended;
  for (const model::Delivery& delivery : bench.manager.taken) {
    const model::DeliveredInstance& instance = delivery.instances.at(0);
    for (std::size_t c = 0; c < instance.series.size(); ++c)
      if (model::is_ended(instance.batch.at(c, instance.batch.times.size() - 1)))
        ended.push_back(to_text(instance.series[c]));
  }
  EXPECT_THAT(ended, ::testing::ElementsAre("system.cpu.load_average.1m", "system.cpu.load_average.5m"));
  EXPECT_THAT(reported, HasSubstr("answered 500"));
  Lock lock(door->mutex);
  EXPECT_GT(door->scrapes_failed, 0U);
  EXPECT_GT(door->scrapes_answered, 0U);
}

TEST_F(Fleet, AnAnswerIsTakenWholeOrNotAtAll) {
  {
    std::lock_guard lock(mutex);
    text = "node_load1 0.5\n<html>\n";
  }
  auto scraper = scrape({.targets = {address()}});
  await_asked(3);
  scraper.reset();
  EXPECT_TRUE(bench.manager.taken.empty());
  EXPECT_THAT(reported, HasSubstr("line 2"));
}

TEST_F(Fleet, TargetsComeFromFilesToo) {
  std::string file = directory.path() + "/targets.json";
  std::ofstream(file) << cat("[{\"targets\": [\"", address(), "\"]}]");
  auto scraper = scrape({.files = {file, directory.path() + "/missing.json"}});
  await_asked(1);
  scraper.reset();
  EXPECT_THAT(reported, HasSubstr("missing.json"));
}

TEST_F(Fleet, EndsWhileATargetHangs) {
  HttpServerOptions options;
  options.port = 0;
  std::shared_ptr<Responder> held;
  std::atomic<bool> came = false;
  auto hanging = HttpServer::start(options, [&](HttpRequest, std::shared_ptr<Responder> responder) {
    held = std::move(responder);
    came = true;
  });
  ASSERT_TRUE(hanging);
  auto scraper = scrape({.targets = {cat("127.0.0.1:", (*hanging)->port())}});
  while (!came) std::this_thread::yield();
  scraper.reset();
  EXPECT_TRUE(bench.manager.taken.empty());
  held.reset();
  (*hanging)->stop(1s);
}

}  // namespace
}  // namespace mien::edge
