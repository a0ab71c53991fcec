// The half on each machine as a process: it collects, and does there what its own settings allow. Joined to a manager
// over TLS, over loopback, or over the unix socket of `mien up`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/agent_settings.h"
#include "edge/runtime/agent_runtime.h"

namespace mien::app {

inline constexpr std::string_view default_agent_directory = "/var/lib/mien-agent";

struct AgentArguments {
  std::string manager;         // URL
  std::string socket;          // not empty: the manager's unix socket on this host
  std::string ca_fingerprint;  // https, first start: "sha256:..." from the join line
  std::string token;           // one-time token from the join line, or an agent's own; empty: the one kept from before
  std::string directory{default_agent_directory};
  std::string host{};        // empty: the host name
  AgentSettings settings{};  // what may be done to this machine
};

// Joins (first start) and begins to collect. Errors: refused with what to do (wrong authority, used or expired
// enrolment), invalid (plain HTTP to another machine), unavailable only while joining.
Result<std::unique_ptr<edge::AgentRuntime>> start_agent(AgentArguments arguments,
                                                        std::function<void(std::string_view)> report);

[[nodiscard]] std::string host_name();

// Settings of the file, with what the command line says of `allow` instead.
[[nodiscard]] Result<AgentSettings> agent_settings_of(const std::string& file, const std::vector<std::string>& allow);

}  // namespace mien::app
