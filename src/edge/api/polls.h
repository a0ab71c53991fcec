// Long polls for directives: an agent's request waits here until there is something newer for it, or its time is over.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/api/service.h"
#include "edge/mutex.h"

namespace mien::edge::api {

constexpr std::size_t most_polls = 4096;
constexpr Duration longest_poll = 30s;

class PollHub {
 public:
  explicit PollHub(Service& service) : service_(service) {}
  // Answers now when there is something newer than `after`, else later. Errors: exhausted.
  Status wait(const CallPtr& call, const std::string& agent, std::uint64_t after);
  // Looks at the newest view for everybody who waits; answers those whose time is over with what they know already.
  void tick(WallTime now);

 private:
  struct Poll {
    CallPtr call;
    std::string agent;
    std::uint64_t after = 0;
    WallTime until;
  };
  Service& service_;
  Mutex mutex_;
  std::vector<Poll> polls_ GUARDED_BY(mutex_);
};

}  // namespace mien::edge::api
