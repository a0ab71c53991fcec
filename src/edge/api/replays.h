// Replays asked over HTTP: JSON lines, streamed while a thread of its own folds. One at a time; ended with the service.
#pragma once

#include <atomic>
#include <thread>

#include "edge/api/service.h"
#include "edge/mutex.h"
#include "edge/replay/replay.h"

namespace mien::edge::api {

using RunReplay = std::function<Status(const ReplayRequest& request, const TellLine& tell)>;

class Replays {
 public:
  explicit Replays(RunReplay run) : run_(std::move(run)) {}
  ~Replays();
  Replays(const Replays&) = delete;
  Replays& operator=(const Replays&) = delete;

  // Errors: conflict (another one runs).
  [[nodiscard]] Status check() const;
  // Answers the call, now or line by line.
  void start(const CallPtr& call, ReplayRequest request);

 private:
  class Stream;
  void run(const CallPtr& call, const ReplayRequest& request);

  const RunReplay run_;
  Mutex mutex_;
  Condition wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::atomic<bool> busy_ = false;
  std::thread thread_;
};

}  // namespace mien::edge::api
