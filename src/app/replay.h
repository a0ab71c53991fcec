// `mien replay`: what would have been found, decided and done. On a file without a server; on the history of a running
// manager, which does the work; on a data directory whose manager is stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli.h"
#include "base/result.h"
#include "model/policy.h"
#include "model/resource.h"
#include "node/replay.h"

namespace mien::app {

// One CSV file as the telemetry of one instance.
struct CsvReplay {
  std::string_view text;                  // of the file, unpacked
  std::string name;                       // of the file, for errors
  InstanceName instance;                  // that the columns are of
  std::vector<model::Resource> personas;  // the last one is worn; empty: linux-server
  std::vector<model::Resource> policies;
  std::optional<model::Mode> mode;  // instead of what the policies say
  std::uint64_t train_rows = 0;     // known to be healthy
};
// Tells every event in order; the same input gives the same ones. Errors: invalid, with file:line:column.
[[nodiscard]] Result<node::ReplayCounts> replay_csv(const CsvReplay& what,
                                                    const std::function<void(const node::ReplayLine&)>& tell);

void add_replay_verb(CLI::App& program, Session& session);

}  // namespace mien::app
