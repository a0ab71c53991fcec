// The collecting half as a process: joined to a manager over TLS, over loopback, or over the unix socket of `mien up`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "edge/runtime/agent_runtime.h"

namespace mien::app {

struct AgentArguments {
  std::string manager;         // URL
  std::string socket;          // not empty: the manager's unix socket on this host
  std::string ca_fingerprint;  // https, first start: "sha256:..." from the join line
  std::string token;           // one-time token from the join line, or an agent's own; empty: the one kept from before
  std::string directory = "/var/lib/mien-agent";
  std::string host;  // empty: the host name
};

// Joins (first start) and begins to collect. Errors: refused with what to do (wrong authority, used or expired
// enrolment), invalid (plain HTTP to another machine), unavailable only while joining.
Result<std::unique_ptr<edge::AgentRuntime>> start_agent(AgentArguments arguments,
                                                        std::function<void(std::string_view)> report);

[[nodiscard]] std::string host_name();

}  // namespace mien::app
