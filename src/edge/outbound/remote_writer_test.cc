#include "edge/outbound/remote_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "edge/api/testing/fake_manager.h"
#include "edge/clock.h"
#include "edge/outbound/testing/listener.h"
#include "edge/testing/temporary_directory.h"
#include "wire/remote_write.h"

namespace mien::edge {
namespace {

struct Writer : ::testing::Test {
  testing::TemporaryDirectory directory;
  testing::Listener listener;
  testing::FakeManager manager;
  std::shared_ptr<OutboundMeters> meters = std::make_shared<OutboundMeters>();
  // A clock of which no two readings are alike, so that no two bodies are.
  WallTime began = wall_now();
  std::atomic<int> asked{0};

  void SetUp() override { manager.add_instance("web-01", model::InstanceType::host, 0.75); }
  std::unique_ptr<RemoteWriter> start(Bytes queue = Bytes{4U << 20U}) {
    auto started =
        RemoteWriter::start({.servers = {{.destination = {.name = "long-term", .url = listener.url() + "/api/v1/write"},
                                          .samples = WrittenSamples::scores,
                                          .interval = 2ms,
                                          .queue = queue,
                                          .labels = {{"site", "hall-2"}}}},
                             .directory = directory.path(),
                             .port = &manager,
                             .now = [this] { return began + std::chrono::milliseconds{++asked}; },
                             .report = {},
                             .meters = meters,
                             .backoff = {.first = 1ms, .longest = 2ms}});
    EXPECT_TRUE(started.ok());
    return std::move(*started);
  }
  // Our own door reads what we write.
  static wire::PrometheusIngested read(const HttpRequest& request, const std::string& instance_label) {
    auto body = wire::unfold_remote_write(request.header("content-encoding"), request.body);
    EXPECT_TRUE(body.ok());
    wire::PrometheusMemory memory;
    auto taken = wire::decode_remote_write(wire::RemoteWriteVersion::v1, *body,
                                           {.instance_label = instance_label, .keep_port = true}, wall_now(), memory);
    EXPECT_TRUE(taken.ok());
    return std::move(*taken);
  }
};

TEST_F(Writer, WritesScoresThatARemoteWriteDoorReads) {
  auto writer = start();
  HttpRequest request = listener.await(1)[0];
  EXPECT_EQ(request.path, "/api/v1/write");
  EXPECT_EQ(request.header("content-type"), "application/x-protobuf");
  EXPECT_EQ(request.header("x-prometheus-remote-write-version"), "0.1.0");
  wire::PrometheusIngested taken = read(request, "instance_name");
  ASSERT_EQ(taken.delivery.instances.size(), 1U);
  const model::DeliveredInstance& web = taken.delivery.instances[0];
  EXPECT_EQ(web.instance.value, "web-01");
  bool found = false;
  for (std::size_t i = 0; i < web.series.size(); ++i) {
    if (web.series[i].metric.value != "mien_drift_score") continue;
    found = true;
    EXPECT_EQ(web.batch.values[i], 0.75);
    EXPECT_EQ(web.series[i].attributes.at("site"), "hall-2");
  }
  EXPECT_TRUE(found);
}

TEST_F(Writer, ItsOwnScoresNeverComeBackAsAnInstance) {
  auto writer = start();
  EXPECT_TRUE(read(listener.await(1)[0], "instance").delivery.instances.empty());
}

TEST_F(Writer, KeepsWhatIsNotTakenAndDropsWhatIsRefused) {
  listener.answer([](std::size_t n) {
    return HttpResponse{.status = n == 0 ? 503 : n == 1 ? 429 : n == 2 ? 400 : 200, .headers = {}, .body = {}};
  });
  auto writer = start();
  std::vector<HttpRequest> heard = listener.await(5);
  EXPECT_EQ(heard[0].body, heard[1].body);
  EXPECT_EQ(heard[1].body, heard[2].body);
  EXPECT_NE(heard[2].body, heard[3].body);
  writer.reset();
  EXPECT_EQ(meters->all().at(0)->failed, 2U);
  EXPECT_EQ(meters->all().at(0)->refused, 1U);
}

}  // namespace
}  // namespace mien::edge
