// The agent's eyes on what matters to security: who ran, listened, connected, wrote, became, came in; as facts of the
// instance it happened in (model/security_fact.h), once a tick.
//
//   auto senses = Senses::start({.host = "web-01"});
//   for each tick: facts(senses->look(wall_now(), mono_now(), owner)); readings(senses->counted())
//
// Each sensor uses the best way that works here and says which (states()): eBPF first, else what the kernel has always
// had. None is needed: where nothing works, nothing is seen, and that is said. Sensors only watch: nothing here can
// refuse or delay what it sees. Not thread-safe. No errors after start. docs/guide/agent.md: what is seen, and what it
// costs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "edge/collect/collect.h"
#include "edge/sense/sensor.h"
#include "model/telemetry.h"
#include "wire/otlp_facts.h"

namespace mien::edge {

// What agent.yaml says under `collect`.
struct SenseSettings {
  bool sensors = true;  // all of them
  bool ebpf = true;     // false: by the other ways alone
  std::vector<std::string> writes_below{
      "/etc", "/usr", "/bin", "/sbin", "/lib", "/boot", "/root/.ssh", "/var/spool/cron", "/opt"};
  std::vector<std::string> reads_of{"/etc/shadow", "/etc/gshadow", "/etc/ssh/*_key", "/root/.ssh/id_*",
                                    "/home/*/.ssh/id_*"};
  bool pseudonyms = false;       // persons are told by pseudonyms (edge/sense/pseudonyms.h)
  std::string libvirt = "auto";  // guests from outside (edge/guests/guests.h): "auto", "off" or a connection's URI
  friend bool operator==(const SenseSettings&, const SenseSettings&) = default;
};

struct SenseOptions {
  std::string host;
  std::map<std::string, std::string> identities;  // of the host
  SenseSettings settings{};
  std::string proc_root = "/proc";
  std::string sys_root = "/sys";
  std::string key_file{};  // of pseudonyms; empty: a key for this run
  std::string log_root{};  // before /var/log and /var/lib; empty: this machine's own
};

// How much is seen at all; the agent lowers it to keep to its budget (node/budget.h).
enum class SenseEffort : std::uint8_t { full = 0, less = 1, least = 2 };

class Senses {
 public:
  using OwnerOf = std::function<Owner(std::string_view group)>;

  static std::unique_ptr<Senses> start(SenseOptions options);
  virtual ~Senses() = default;
  // What was seen since the last call, by instance.
  virtual const std::vector<wire::InstanceFacts>& look(WallTime wall, MonoTime mono, const OwnerOf& owner) = 0;
  // What was counted, as of the last look: system calls of each instance, updates that wait, what was lost.
  [[nodiscard]] virtual const std::vector<model::InstanceReadings>& counted() const = 0;
  [[nodiscard]] virtual const std::vector<SensorState>& states() const = 0;
  virtual void set_effort(SenseEffort effort) = 0;
};

// What would be used here, and why not better: starts each sensor and ends it again. For `mien doctor`.
[[nodiscard]] std::vector<SensorState> probe_sensors(const SenseOptions& options);

}  // namespace mien::edge
