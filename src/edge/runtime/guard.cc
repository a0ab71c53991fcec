#include "edge/runtime/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/runtime/file_journal.h"

extern char** environ;

namespace mien::edge {
namespace {

constexpr Duration wait_pause = 20ms;
constexpr Duration take_back_tick = 200ms;

Error failure(std::string_view doing, int number) {
  return {.code = Code::io, .message = cat("can not ", doing, ": ", std::strerror(number)), .where = {}, .cause = {}};
}

// What posix_spawn needs, given back whatever happens.
struct SpawnPlan {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

bool is_in_force(const node::JournalEntry& entry) { return entry.stage < node::JournalEntry::Stage::ended; }

}  // namespace

// ---- the agent's end ----

Result<std::unique_ptr<Guard>> Guard::start(Options options) {
  std::unique_ptr<Guard> guard{new Guard(std::move(options))};
  TRY(guard->spawn());
  return guard;
}

// A session of its own: what the terminal sends to the agent's group does not reach it. Signals are open again.
Status Guard::spawn() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failure("make the guard's pipe", errno);
  SpawnPlan plan;
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&plan.attributes, &none);
  ::posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  ::posix_spawn_file_actions_adddup2(&plan.files, ends[0], STDIN_FILENO);
  std::vector<std::string> words{"mien"};
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int failed =
      ::posix_spawn(&process_, options_.program.c_str(), &plan.files, &plan.attributes, arguments.data(), environ);
  ::close(ends[0]);
  if (failed != 0) {
    ::close(ends[1]);
    process_ = -1;
    return failure("start the guard", failed);
  }
  pipe_ = ends[1];
  return {};
}

bool Guard::stand() {
  if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == 0) return true;
  if (pipe_ >= 0) ::close(pipe_);
  pipe_ = -1;
  process_ = -1;
  return spawn().ok();
}

Guard::~Guard() {
  if (pipe_ >= 0) ::close(pipe_);
  if (process_ <= 0) return;
  MonoTime until = mono_now() + options_.grace;
  while (::waitpid(process_, nullptr, WNOHANG) == 0 && mono_now() < until) std::this_thread::sleep_for(wait_pause);
}

// ---- the guard's end ----

Result<std::size_t> stand_guard(int pipe, node::Hand& hand, const GuardedOptions& options) {
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  for (;;) {
    std::array<char, 64> ignored{};
    ssize_t n = ::read(pipe, ignored.data(), ignored.size());
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  // Nothing to do is the usual end, and needs no lock: only the agent that is gone could have added to it.
  std::vector<node::JournalEntry> all = TRY(read_journal(options.directory));
  std::erase_if(all, [](const node::JournalEntry& entry) { return !entry.guarded || !is_in_force(entry); });
  if (all.empty()) return std::size_t{0};
  Result<std::unique_ptr<FileJournal>> journal =
      FileJournal::open({.directory = options.directory, .large = Bytes{1U << 20U}, .lock_timeout = options.patience});
  if (!journal && journal.error().code == Code::unavailable) return std::size_t{0};  // a new agent has it
  if (!journal) return std::move(journal).error();
  TakeBack what{
      .which = {}, .boot_id = options.boot_id, .reason = model::EndReason::agent_ended, .patience = options.patience};
  for (node::JournalEntry& entry : (*journal)->entries())
    if (entry.guarded && is_in_force(entry)) what.which.push_back(std::move(entry));
  std::size_t guarded = what.which.size();
  return guarded - take_back_now(**journal, hand, std::move(what), options.report);
}

std::size_t take_back_now(node::Journal& journal, node::Hand& hand, TakeBack what,
                          const std::function<void(std::string_view)>& report) {
  std::deque<node::CallHand> calls;
  node::LeaseOptions keeping;
  keeping.boot_id = what.boot_id;
  keeping.journal = std::move(what.which);
  node::LeaseDriver driver{node::LeaseKeeper{std::move(keeping)},
                           journal,
                           {.call = [&](node::CallHand call, MonoTime) { calls.push_back(std::move(call)); },
                            .send = [](const node::SendReports&) {},
                            .report = report}};
  auto now = [] { return node::AgentNow{.wall = wall_now(), .mono = mono_now()}; };
  MonoTime until = mono_now() + what.patience;
  driver.step(now(), node::ReleaseAsked{.reason = what.reason});
  for (;;) {
    while (!calls.empty()) {
      node::CallHand call = std::move(calls.front());
      calls.pop_front();
      driver.step(now(), node::carry_out(hand, call));
    }
    std::size_t left = driver.keeper().in_force().size();
    if (left == 0 || mono_now() >= until) return left;
    std::this_thread::sleep_for(take_back_tick);
    driver.step(now(), node::LeaseTick{});
  }
}

}  // namespace mien::edge
