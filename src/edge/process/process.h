// Two processes as one program, and signals as values: what `mien up` is made of.
//
// The root half starts the manager with `spawn_self` and watches it; each ends when the other is gone: the child
// because the kernel tells it (PR_SET_PDEATHSIG), the parent because its StopWatch sees the child's pidfd.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mien::edge {

// How a process ended.
struct Ending {
  int status = 0;  // exit status, when signal is 0
  int signal = 0;
  [[nodiscard]] std::string to_text() const;  // "exited with status 1", "was killed by signal 9 (Killed)"
};

// A started process; ends it when destroyed: SIGTERM, and SIGKILL after `grace`. Not thread-safe.
class Child {
 public:
  virtual ~Child() = default;
  [[nodiscard]] virtual pid_t id() const = 0;
  [[nodiscard]] virtual int descriptor() const = 0;  // pidfd: readable once it has ended
  // How it ended, or nothing when it still runs after `timeout`.
  virtual std::optional<Ending> wait(Duration timeout) = 0;
  virtual void signal(int number) = 0;
};

struct SpawnOptions {
  std::vector<std::string> arguments{};  // after the program's name
  std::string program{"/proc/self/exe"};
  Duration grace = 10s;
};
// Starts this program again. The child gets SIGTERM when the THREAD that called this ends: call it from main's. Signals
// that are blocked here are open again there. Errors: io.
Result<std::unique_ptr<Child>> spawn_self(const SpawnOptions& options);

// What ended the waiting: a signal, or the child.
struct StopReason {
  int signal = 0;
  bool child_ended = false;
};

// SIGTERM, SIGINT and SIGHUP as calls of a function, from a thread of its own; SIGPIPE is ignored from then on. Make it
// before any other thread is started, so that all inherit the blocked signals. Destroying it ends the thread and leaves
// the signals blocked.
class StopWatch {
 public:
  // `child` may be null; it must outlive the watch.
  static Result<std::unique_ptr<StopWatch>> start(const Child* child, std::function<void(StopReason)> on_stop);
  virtual ~StopWatch() = default;
};

}  // namespace mien::edge
