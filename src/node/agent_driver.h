// Carries out what the agent machine asks, through two seams: where requests wait on disk, and the way to the manager.
// Production runs it on one thread (edge/agent_runtime), the simulation steps it. Uploads are answered later.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "node/agent.h"

namespace mien::node {

// Requests waiting on disk, oldest first; bounded. Survives kill -9: what put() returned ok for is read again.
class Spool {
 public:
  virtual ~Spool() = default;
  // How many of the oldest were dropped to make room (usually 0).
  virtual Result<std::uint64_t> put(const AgentRequest& request) = 0;
  virtual Result<std::optional<AgentRequest>> oldest() = 0;
  // Forgets requests up to and including `number`. May come back after a crash: the manager counts each once.
  virtual Status drop(std::uint64_t number) = 0;
};

class AgentDriver {
 public:
  using StartUpload = std::function<void(const AgentRequest&)>;  // answers with step(UploadAnswered) later
  using WriteLine = std::function<void(std::string_view)>;

  AgentDriver(Agent agent, Spool& spool, StartUpload upload, WriteLine report)
      : agent_(std::move(agent)), spool_(spool), upload_(std::move(upload)), report_(std::move(report)) {}

  void step(const AgentNow& now, AgentEvent event);
  [[nodiscard]] const Agent& agent() const { return agent_; }

 private:
  Agent agent_;
  Spool& spool_;
  StartUpload upload_;
  WriteLine report_;
};

}  // namespace mien::node
