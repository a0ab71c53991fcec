// The agent machine: readings and security facts become requests, requests are numbered, kept until a manager took
// them, and sent in order. It touches no clock, thread, socket, file or random source; the driver (node/agent_driver.h)
// carries its effects out.
//
// Sending: one request at a time. While what waits is younger than ten minutes it goes out in order, oldest first. An
// older backlog goes to history only, so fresh requests overtake it: it gets a few requests per tick beside them.
// A request whose answer never came is sent again with the same number; the manager counts it once. Both doors share
// one sequence of numbers and one spool.
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
#include "wire/otlp_facts.h"

namespace mien::node {

// Which door of the manager a request is for.
enum class AgentDoor : std::uint8_t {
  metrics = 0,  // /v1/metrics: readings
  logs = 1,     // /v1/logs: security facts
};

// One numbered request. `number` = epoch << 32 | sequence within the epoch, so it only grows.
struct AgentRequest {
  std::uint64_t number = 0;
  WallTime at;       // of its readings
  std::string body;  // OTLP protobuf
  AgentDoor door = AgentDoor::metrics;
  friend bool operator==(const AgentRequest&, const AgentRequest&) = default;
  static constexpr auto fields = std::tuple{field("number", &AgentRequest::number), field("at", &AgentRequest::at),
                                            field("body", &AgentRequest::body), field("door", &AgentRequest::door)};
};

struct AgentNow {
  WallTime wall;
  MonoTime mono;
};

// ---- events ----
struct ReadingsTaken {
  const std::vector<model::InstanceReadings>* instances = nullptr;  // borrowed for the step
  // What the sensors counted, of the same instances or of others; gauges and counters only. May be null.
  const std::vector<model::InstanceReadings>* sensed = nullptr;
  // Guests as their hypervisor sees them. What it tells of one stands before what a control group of the same instance
  // says under the same name: that is of the process which runs the guest. May be null.
  const std::vector<model::InstanceReadings>* guests = nullptr;
};
// What the sensors saw since the last tick, in any order and as often as they saw it; node/fact_batch.h makes one of
// what is the same, and keeps the most important where there are too many.
struct FactsTaken {
  const std::vector<wire::InstanceFacts>* instances = nullptr;  // borrowed for the step
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
using AgentEvent = std::variant<ReadingsTaken, FactsTaken, UploadAnswered, SpoolRead, SpoolShed>;

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
  std::size_t facts_per_tick = 256;  // of all instances; the least important of more are shed
};

struct AgentCounters {
  std::uint64_t requests = 0;
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  std::uint64_t retries = 0;
  std::uint64_t spooled = 0;
  std::uint64_t shed = 0;        // lost for want of room, the only way an agent loses telemetry
  std::uint64_t facts = 0;       // sent or waiting
  std::uint64_t facts_shed = 0;  // over the limit of a tick, or lost in the sensors already
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
  void on(const AgentNow& now, const FactsTaken& taken, Effects& out);
  void on(const AgentNow& now, const UploadAnswered& answered, Effects& out);
  void on(const AgentNow& now, const SpoolRead& read, Effects& out);
  void on(const AgentNow& now, const SpoolShed& shed, Effects& out);
  using BusyMemories = std::map<InstanceName, std::vector<BusyMemory>>;
  using Instances = std::vector<model::InstanceReadings>;
  // `before`: what is told elsewhere, and not told again. May be null.
  void gather(const AgentNow& now, const Instances& instances, const Instances* before, BusyMemories& busy,
              model::Delivery& delivery);
  void keep_new(AgentDoor door, WallTime at, std::string body, Effects& out);
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
  BusyMemories busy_, guest_busy_;
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
