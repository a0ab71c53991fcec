// The agent machine: readings become requests, requests are numbered, kept until a manager took them, and sent in
// order. It touches no clock, thread, socket, file or random source; the driver (node/agent_driver.h) carries its
// effects out.
//
// Sending: one request at a time. While what waits is younger than ten minutes it goes out in order, oldest first. An
// older backlog goes to history only, so fresh requests overtake it: it gets a few requests per tick beside them.
// A request whose answer never came is sent again with the same number; the manager counts it once.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/prng.h"
#include "base/result.h"
#include "base/time.h"
#include "model/telemetry.h"

namespace mien::node {

// One numbered request. `number` = epoch << 32 | sequence within the epoch, so it only grows.
struct AgentRequest {
  std::uint64_t number = 0;
  WallTime at;       // of its readings
  std::string body;  // OTLP protobuf
  friend bool operator==(const AgentRequest&, const AgentRequest&) = default;
  static constexpr auto fields = std::tuple{field("number", &AgentRequest::number), field("at", &AgentRequest::at),
                                            field("body", &AgentRequest::body)};
};

struct AgentNow {
  WallTime wall;
  MonoTime mono;
};

// ---- events ----
struct ReadingsTaken {
  const std::vector<model::InstanceReadings>* instances = nullptr;  // borrowed for the step
};
enum class UploadOutcome : std::uint8_t {
  taken,    // it is in the manager's log
  refused,  // the manager will never take it (malformed, too large): counted and dropped
  later,    // not now, or nobody knows: keep it and try again
};
struct UploadAnswered {
  std::uint64_t number = 0;
  UploadOutcome outcome = UploadOutcome::later;
  std::string why;  // for people, when not taken
  Duration retry_after{};
};
// The driver's answer to ReadSpool: the oldest spooled request, or nothing.
struct SpoolRead {
  std::optional<AgentRequest> oldest;
};
// The spool could not keep a request (disk full, over its limit): it dropped its oldest to make room.
struct SpoolShed {
  std::uint64_t requests = 0;
};
using AgentEvent = std::variant<ReadingsTaken, UploadAnswered, SpoolRead, SpoolShed>;

// ---- effects ----
struct Upload {
  AgentRequest request;
};
struct PutSpool {
  AgentRequest request;
};
struct DropSpool {
  std::uint64_t number = 0;  // the oldest, which was taken
};
struct ReadSpool {};
struct Report {
  std::string line;  // for the agent's own log
};
using AgentEffect = std::variant<Upload, PutSpool, DropSpool, ReadSpool, Report>;

struct AgentOptions {
  std::uint64_t epoch = 1;           // grows with every start of the agent
  std::uint64_t seed = 1;            // of the back-off's jitter
  bool spool_waiting = false;        // the spool held requests at start
  std::size_t memory_requests = 30;  // kept in memory before the spool takes over
};

struct AgentCounters {
  std::uint64_t requests = 0;
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  std::uint64_t retries = 0;
  std::uint64_t spooled = 0;
  std::uint64_t shed = 0;  // lost for want of room, the only way an agent loses telemetry
};

class Agent {
 public:
  explicit Agent(const AgentOptions& options);
  std::vector<AgentEffect> step(const AgentNow& now, AgentEvent event);
  [[nodiscard]] const AgentCounters& counters() const { return counters_; }

 private:
  // The previous cumulative value of a busy reading, and of which: places shift when a device comes or goes.
  struct BusyMemory {
    model::Series series;
    MonoTime at;
    double value = 0;
  };
  using Effects = std::vector<AgentEffect>;

  void on(const AgentNow& now, const ReadingsTaken& taken, Effects& out);
  void on(const AgentNow& now, const UploadAnswered& answered, Effects& out);
  void on(const AgentNow& now, const SpoolRead& read, Effects& out);
  void on(const AgentNow& now, const SpoolShed& shed, Effects& out);
  model::Delivery gather(const AgentNow& now, const std::vector<model::InstanceReadings>& instances);
  double utilisation(const AgentNow& now, std::vector<BusyMemory>& memory, std::size_t index,
                     const model::Reading& reading);
  void keep(AgentRequest request, Effects& out);
  void send_next(const AgentNow& now, Effects& out);
  void send(AgentRequest request, Effects& out);
  [[nodiscard]] bool backlog_is_old(WallTime now) const;

  AgentOptions options_;
  Prng prng_;
  AgentCounters counters_;
  std::uint64_t sequence_ = 0;
  std::map<InstanceName, std::vector<BusyMemory>> busy_;
  std::deque<AgentRequest> waiting_;  // in memory, oldest first
  bool spool_waiting_ = false;        // the spool has something, as far as we know
  bool spool_asked_ = false;          // a ReadSpool is on its way
  std::optional<AgentRequest> spool_oldest_;
  std::optional<std::uint64_t> in_flight_;
  bool in_flight_from_spool_ = false;
  std::size_t backlog_turns_ = 0;  // requests that an old backlog may still send in this tick
  Duration back_off_{};
  MonoTime retry_at_;
  std::uint32_t failures_ = 0;  // since the last request that was taken
};

}  // namespace mien::node
