#include "edge/runtime/lease_runtime.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/replace_file.h"

namespace mien::edge {
namespace {

constexpr Duration post_again_after = 5s;
constexpr Duration guard_at_work = 15s;  // a guard of an agent that was killed holds the journal for as long at most
constexpr Duration release_pause = 50ms;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string release_file(const std::string& directory) { return directory + "/release"; }

}  // namespace

Result<std::unique_ptr<LeaseRuntime>> LeaseRuntime::start(Options options) {
  std::unique_ptr<FileJournal> journal = TRY(
      FileJournal::open({.directory = options.directory, .large = Bytes{1U << 20U}, .lock_timeout = guard_at_work}));
  if (journal->damaged() > 0)
    options.report(cat(journal->damaged(),
                       " places in the journal could not be read and are left out: ", options.directory, "/journal"));
  std::unique_ptr<Guard> guard;
  // Where nothing is allowed, and nothing is left of when something was, nothing can need it.
  std::vector<node::JournalEntry> entries = journal->entries();
  bool needed = !options.acting.allow.empty() || std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.guarded && entry.stage < node::JournalEntry::Stage::ended;
  });
  if (!options.acting.guard_program.empty() && needed) {
    guard = TRY(Guard::start({.program = options.acting.guard_program,
                              .arguments = {"guard", "--data", options.directory, "--name", options.agent}}));
  }
  return std::unique_ptr<LeaseRuntime>{new LeaseRuntime(std::move(options), std::move(journal), std::move(guard))};
}

LeaseRuntime::LeaseRuntime(Options options, std::unique_ptr<FileJournal> journal, std::unique_ptr<Guard> guard)
    : options_(std::move(options)),
      journal_(std::move(journal)),
      guard_(std::move(guard)),
      driver_(node::LeaseKeeper{[this] {
                node::LeaseOptions keeping;
                keeping.boot_id = options_.acting.boot_id;
                keeping.allow = options_.acting.allow;
                keeping.never_touch = options_.acting.never_touch;
                keeping.journal = journal_->entries();
                return keeping;
              }()},
              *journal_,
              {.call =
                   [this](node::CallHand call, MonoTime give_up) {
                     Lock lock(mutex_);
                     calls_.push_back({.call = std::move(call), .give_up = give_up});
                     changed_.notify_all();
                   },
               .send =
                   [this](const node::SendReports& reports) {
                     Lock lock(mutex_);
                     to_send_ = reports;
                     changed_.notify_all();
                   },
               .report = options_.report}) {
  {
    Lock lock(mutex_);
    abilities_.agent = options_.agent;
    abilities_.boot_id = options_.acting.boot_id;
    for (const node::Hand::Ability& ability : options_.acting.hand->abilities())
      if (ability.works) abilities_.can.emplace_back(model::to_text(ability.verb));
    for (model::Verb verb : options_.acting.allow) abilities_.allow.emplace_back(model::to_text(verb));
    abilities_.never_touch = options_.acting.never_touch;
    abilities_.held = was_held_ = exists(options_.acting.hold_file);
  }
  lease_thread_ = std::thread([this] { lease_loop(); });
  hand_thread_ = std::thread([this] { hand_loop(); });
  report_thread_ = std::thread([this] { report_loop(); });
}

LeaseRuntime::~LeaseRuntime() {
  stop();
  journal_.reset();  // before the guard, which needs it now
}

void LeaseRuntime::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread* thread : {&lease_thread_, &hand_thread_, &report_thread_})
    if (thread->joinable()) thread->join();
}

void LeaseRuntime::hear(std::vector<model::Order> orders) {
  if (!orders.empty()) push(node::OrdersReceived{.orders = std::move(orders)});
}

void LeaseRuntime::push(node::LeaseEvent event) {
  Lock lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

// ---- the keeper ----

// Waits for something to happen, at most until the next tick. Nothing: it was the tick, or the end.
std::vector<node::LeaseEvent> LeaseRuntime::take_events() {
  Lock lock(mutex_);
  while (!stopping_ && events_.empty() && mono_now() < next_tick_) changed_.wait_for(mutex_, next_tick_ - mono_now());
  std::vector<node::LeaseEvent> taken;
  if (stopping_) return taken;
  std::move(events_.begin(), events_.end(), std::back_inserter(taken));
  events_.clear();
  return taken;
}

void LeaseRuntime::lease_loop() {
  tick();
  for (;;) {
    for (node::LeaseEvent& event : take_events()) {
      // The hold file counts from the moment it is there, not from the next tick.
      if (std::holds_alternative<node::OrdersReceived>(event))
        driver_.step({.wall = wall_now(), .mono = mono_now()}, node::LeaseTick{.hold_file = look_at_hold()});
      driver_.step({.wall = wall_now(), .mono = mono_now()}, std::move(event));
    }
    {
      Lock lock(mutex_);
      if (stopping_) return;
    }
    if (mono_now() >= next_tick_) tick();
  }
}

void LeaseRuntime::tick() {
  next_tick_ = mono_now() + options_.tick;
  if (guard_ && !guard_->stand()) options_.report("the guard is gone and can not be started again");
  node::AgentNow now{.wall = wall_now(), .mono = mono_now()};
  driver_.step(now, node::LeaseTick{.hold_file = look_at_hold()});
  std::string asked = release_file(options_.directory);
  if (!exists(asked)) return;
  driver_.step(now, node::ReleaseAsked{});
  ::unlink(asked.c_str());
}

bool LeaseRuntime::look_at_hold() {
  bool held = exists(options_.acting.hold_file);
  if (held != was_held_) {
    was_held_ = held;
    Lock lock(mutex_);
    abilities_.held = held;
    abilities_told_ = false;
    changed_.notify_all();
  }
  return held;
}

// ---- the hand ----

void LeaseRuntime::hand_loop() {
  for (;;) {
    Call next;
    {
      Lock lock(mutex_);
      while (!stopping_ && calls_.empty()) changed_.wait(mutex_);
      if (stopping_) return;
      next = std::move(calls_.front());
      calls_.pop_front();
    }
    // What was given up must not happen any more.
    if (mono_now() < next.give_up) push(node::carry_out(*options_.acting.hand, next.call));
  }
}

// ---- reports ----

void LeaseRuntime::report_loop() {
  MonoTime not_before;
  std::string said;
  for (;;) {
    wire::AgentReports body;
    std::uint64_t number = 0;
    {
      Lock lock(mutex_);
      for (;;) {
        if (stopping_) return;
        bool something = to_send_ || !abilities_told_;
        Duration wait = not_before - mono_now();
        if (something && wait <= Duration{0}) break;
        if (something) changed_.wait_for(mutex_, wait);
        else changed_.wait(mutex_);
      }
      if (!abilities_told_) body.abilities = abilities_;
      if (to_send_) {
        number = to_send_->number;
        body.reports = std::move(to_send_->reports);
        to_send_.reset();
      }
    }
    Status posted = options_.post(body);
    if (!posted) {
      if (std::string why = posted.error().to_string(); why != std::exchange(said, why))
        options_.report(
            cat("the manager does not take reports of what was done here: ", why, "; trying until it does"));
      not_before = mono_now() + post_again_after;
      continue;  // the keeper says its reports again
    }
    said.clear();
    node::ReportsTaken taken{.number = number, .actions = {}};
    for (const model::ActionReport& report : body.reports) taken.actions.push_back(report.action);
    if (!taken.actions.empty()) push(std::move(taken));
    Lock lock(mutex_);
    if (body.abilities && *body.abilities == abilities_) abilities_told_ = true;
  }
}

// ---- handing everything back ----

Result<std::size_t> release_everything(const std::string& directory, node::Hand& hand, const std::string& boot_id,
                                       Duration timeout) {
  auto in_force = [&]() -> Result<std::vector<node::JournalEntry>> {
    std::vector<node::JournalEntry> all = TRY(read_journal(directory));
    std::erase_if(all, [](const auto& entry) { return entry.stage >= node::JournalEntry::Stage::ended; });
    return all;
  };
  if (TRY(in_force()).empty()) return std::size_t{0};
  MonoTime until = mono_now() + timeout;
  std::string asked = release_file(directory);
  TRY(replace_file(asked, ""));
  for (;;) {
    auto journal = FileJournal::open({.directory = directory, .large = Bytes{1U << 20U}, .lock_timeout = {}});
    if (journal) {  // no agent runs: it is done here
      ::unlink(asked.c_str());
      return take_back_now(
          **journal, hand,
          {
            .which = TRY(in_force())
            , .boot_id = boot_id, .patience = until - mono_now()
          },
          [](std::string_view) {});
    }
    if (journal.error().code != Code::unavailable) return std::move(journal).error();
    std::size_t left = TRY(in_force())
    .size();
    if (left == 0 || mono_now() >= until) {
      ::unlink(asked.c_str());
      return left;
    }
    std::this_thread::sleep_for(release_pause);
  }
}

}  // namespace mien::edge
