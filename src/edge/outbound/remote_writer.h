// Remote-write out: every `interval` what Mien makes of each instance (its score, alarm level and findings), and, where
// asked for, every sample that it took in, go to a server that speaks Prometheus remote-write 1.0. What can not leave
// waits in an outbox on disk, bounded, oldest shed first.
//
// Threads: one that reads the view and the history, one that sends. Ownership: the port must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.h"
#include "base/result.h"
#include "edge/outbound/destination.h"
#include "edge/outbound_meters.h"
#include "node/manager_port.h"
#include "wire/remote_write_encode.h"

namespace mien::edge {

enum class WrittenSamples : std::uint8_t { scores, all };

struct RemoteWriteOptions {
  DestinationOptions destination;
  WrittenSamples samples = WrittenSamples::scores;
  Duration interval = std::chrono::seconds{15};
  Bytes queue{256U << 20U};
  std::map<std::string, std::string> labels;  // added to every series
  friend bool operator==(const RemoteWriteOptions&, const RemoteWriteOptions&) = default;
};

// What Mien says of its instances at `now`.
[[nodiscard]] std::vector<wire::WrittenSeries> scores_of(const node::View& view, WallTime now);

struct RemoteWriterOptions {
  std::vector<RemoteWriteOptions> servers;
  std::string directory;
  node::ManagerPort* port = nullptr;
  std::function<WallTime()> now;
  std::function<void(std::string_view)> report;
  std::shared_ptr<OutboundMeters> meters;
  Backoff backoff{.first = std::chrono::milliseconds{200}, .longest = std::chrono::seconds{30}};
};

class RemoteWriter {
 public:
  static constexpr std::size_t most_servers = 8;
  static constexpr std::size_t most_samples = 5'000;  // of one request

  static Result<std::unique_ptr<RemoteWriter>> start(RemoteWriterOptions options);
  ~RemoteWriter();
  RemoteWriter(const RemoteWriter&) = delete;
  RemoteWriter& operator=(const RemoteWriter&) = delete;

 private:
  struct State;
  explicit RemoteWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mien::edge
