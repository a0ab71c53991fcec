// A small second process that ends what must not outlive the agent: a frozen service has nobody who thaws it when the
// agent is killed. It holds one end of a pipe whose other end only the agent has; when the agent is gone, however, the
// pipe ends. Then it reads the journal, takes back what is guarded (where our value still stands), writes that down and
// ends. The next agent tells the manager.
//
// It opens no network and keeps nothing in memory but the hand. SIGTERM, SIGINT and SIGHUP do not end it: what stops
// the agent's service must not stop the guard before the agent. A new agent that has the journal already is left alone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "node/hand.h"
#include "node/lease_driver.h"

namespace mien::edge {

// The agent's end. Not thread-safe.
class Guard {
 public:
  struct Options {
    std::string program{"/proc/self/exe"};
    std::vector<std::string> arguments{};  // after the program's name; its standard input is the pipe
    Duration grace = 15s;                  // to do its work when the agent ends cleanly
  };
  // Errors: io.
  static Result<std::unique_ptr<Guard>> start(Options options);
  // Lets it do its work, and waits for it. The journal must be closed before.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  // Starts it again when it is gone; false: it was gone and could not be started.
  bool stand();

 private:
  explicit Guard(Options options) : options_(std::move(options)) {}
  Status spawn();
  Options options_;
  pid_t process_ = -1;
  int pipe_ = -1;
};

// ---- the guard's end ----

struct GuardedOptions {
  std::string directory;  // of the journal
  std::string boot_id;
  Duration patience = 10s;  // for the journal, and for taking back; what is left then is the next agent's
  std::function<void(std::string_view)> report;
};
// Waits for the pipe's end and takes back what is guarded. How many leases it ended.
Result<std::size_t> stand_guard(int pipe, node::Hand& hand, const GuardedOptions& options);

// Takes back every lease among `which` here and now, with calls made one after another; until it is done or `patience`
// is over. How many are still in force.
struct TakeBack {
  std::vector<node::JournalEntry> which;
  std::string boot_id;
  model::EndReason reason = model::EndReason::released;
  Duration patience = 10s;
};
std::size_t take_back_now(node::Journal& journal, node::Hand& hand, TakeBack what,
                          const std::function<void(std::string_view)>& report);

}  // namespace mien::edge
