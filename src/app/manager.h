// A whole manager process: store, door, API, TLS, confinement. `mien manager` is this, and `mien up` starts one.
#pragma once

#include <string>

#include "app/cli.h"
#include "app/settings.h"

namespace mien::app {

struct ManagerArguments {
  ManagerSettings settings;
  std::string socket;       // not empty: also serves the agent of this host here (unix socket)
  std::string local_agent;  // its host name
};

// Runs until SIGTERM or SIGINT; a clean stop is done (exit 0). Must be called before the process has other threads.
Status run_manager(Session& session, const ManagerArguments& arguments);

void add_manager_verb(CLI::App& program, Session& session);
void add_agent_verb(CLI::App& program, Session& session);
void add_up_verb(CLI::App& program, Session& session);

}  // namespace mien::app
