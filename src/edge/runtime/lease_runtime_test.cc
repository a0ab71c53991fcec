#include "edge/runtime/lease_runtime.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/testing/temporary_directory.h"
#include "node/testing/memory_hand.h"

namespace mien::edge {
namespace {

using model::ActionState;
using model::EndReason;
using ::testing::HasSubstr;
using Stage = node::JournalEntry::Stage;

const InstanceName web{"web.service@h"};
constexpr Duration hung = 30s;

// A hand in memory that several threads may look at.
class LockedHand final : public node::Hand {
 public:
  std::vector<Ability> abilities() override {
    std::lock_guard lock(mutex_);
    return hand_.abilities();
  }
  Result<node::Plan> plan(const InstanceName& target, model::Verb verb, const model::Arguments& with) override {
    std::lock_guard lock(mutex_);
    return hand_.plan(target, verb, with);
  }
  Result<std::string> identity(const InstanceName& target) override {
    std::lock_guard lock(mutex_);
    return hand_.identity(target);
  }
  Result<std::string> read(const InstanceName& target, std::string_view key) override {
    std::lock_guard lock(mutex_);
    return hand_.read(target, key);
  }
  Status write(const InstanceName& target, std::string_view key, std::string_view value) override {
    std::lock_guard lock(mutex_);
    return hand_.write(target, key, value);
  }
  void put(const std::string& key, const std::string& value) {
    std::lock_guard lock(mutex_);
    hand_.targets[web].fields[key] = value;
  }
  std::string value(const std::string& key) {
    std::lock_guard lock(mutex_);
    return hand_.targets[web].fields[key];
  }

 private:
  std::mutex mutex_;
  node::testing::MemoryHand hand_;
};

// A manager that takes reports, or does not.
class Inbox {
 public:
  Status take(const wire::AgentReports& body) {
    std::lock_guard lock(mutex_);
    if (!open) return Error{.code = Code::unavailable, .message = "away", .where = {}, .cause = {}};
    if (body.abilities) abilities_.push_back(*body.abilities);
    reports_.insert(reports_.end(), body.reports.begin(), body.reports.end());
    changed_.notify_all();
    return {};
  }
  std::optional<model::ActionReport> wait_for(ActionState state) {
    return wait([&]() -> std::optional<model::ActionReport> {
      for (const model::ActionReport& report : reports_)
        if (report.state == state) return report;
      return std::nullopt;
    });
  }
  std::optional<model::Abilities> wait_for_abilities(bool held) {
    return wait([&]() -> std::optional<model::Abilities> {
      if (!abilities_.empty() && abilities_.back().held == held) return abilities_.back();
      return std::nullopt;
    });
  }
  std::atomic<bool> open = true;

 private:
  template <class Look>
  auto wait(Look look) -> decltype(look()) {
    std::unique_lock lock(mutex_);
    decltype(look()) found;
    changed_.wait_for(lock, hung, [&] { return (found = look()).has_value(); });
    return found;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<model::ActionReport> reports_;
  std::vector<model::Abilities> abilities_;
};

struct LeaseRuntimeTest : ::testing::Test {
  testing::TemporaryDirectory directory;
  std::shared_ptr<LockedHand> hand = std::make_shared<LockedHand>();
  Inbox inbox;
  std::string hold_file = directory.path() + "/hold";
  Duration tick = 10ms;
  LeaseRuntimeTest() {
    hand->put("cpu.max", "max 100000");
    hand->put("cgroup.freeze", "0");
  }

  std::unique_ptr<LeaseRuntime> start() {
    auto started = LeaseRuntime::start({.acting = {.hand = hand,
                                                   .allow = {model::Verb::limit},
                                                   .never_touch = {"sshd*"},
                                                   .boot_id = "boot",
                                                   .hold_file = hold_file},
                                        .agent = "h",
                                        .directory = directory.path(),
                                        .tick = tick,
                                        .post = [this](const wire::AgentReports& body) { return inbox.take(body); },
                                        .report = [](std::string_view) {}});
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().to_string());
    return started.ok() ? std::move(*started) : nullptr;
  }
  static model::Order order(const std::string& id, Duration lease) {
    return {.action = ActionId{id},
            .version = 1,
            .target = web,
            .verb = model::Verb::limit,
            .with = {{"cpu.max", "50000 100000"}},
            .lease = lease,
            .valid_until = wall_now() + 1min};
  }
};

TEST_F(LeaseRuntimeTest, says_what_may_and_can_be_done_and_when_its_hold_file_comes_and_goes) {
  auto runtime = start();
  std::optional<model::Abilities> first = inbox.wait_for_abilities(false);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->agent, "h");
  EXPECT_EQ(first->allow, std::vector<std::string>{"limit"});
  EXPECT_THAT(first->can, ::testing::Contains("prioritize"));
  EXPECT_EQ(first->never_touch, std::vector<std::string>{"sshd*"});
  std::ofstream(hold_file) << "";
  EXPECT_TRUE(inbox.wait_for_abilities(true));
  std::filesystem::remove(hold_file);
  EXPECT_TRUE(inbox.wait_for_abilities(false));
}

TEST_F(LeaseRuntimeTest, an_order_reaches_the_hand_without_a_tick_and_ends_by_itself) {
  tick = 1h;
  {
    auto runtime = start();
    runtime->hear({order("a-1", 1h)});
    ASSERT_TRUE(inbox.wait_for(ActionState::applied));
    EXPECT_EQ(hand->value("cpu.max"), "50000 100000");
  }
  EXPECT_EQ(hand->value("cpu.max"), "50000 100000");  // an agent that ends keeps what is in force for the next one
  tick = 10ms;
  auto runtime = start();
  model::Order back = order("a-1", 1h);
  back.version = 2;
  back.revert = true;
  back.reason = EndReason::by_hand;
  runtime->hear({back});
  ASSERT_TRUE(inbox.wait_for(ActionState::reverted));
  EXPECT_EQ(hand->value("cpu.max"), "max 100000");
  runtime->hear({order("a-2", 20ms)});
  std::optional<model::ActionReport> applied = inbox.wait_for(ActionState::applied);
  ASSERT_TRUE(applied);
}

TEST_F(LeaseRuntimeTest, a_lease_ends_on_time_while_the_manager_is_away_and_is_told_when_it_is_back) {
  inbox.open = false;
  auto runtime = start();
  runtime->hear({order("a-1", 50ms)});
  MonoTime until = mono_now() + hung;
  auto ended = [&] {
    auto entries = read_journal(directory.path());
    return entries.ok() && entries->size() == 1 && entries->front().stage == Stage::ended;
  };
  while (!ended() && mono_now() < until) std::this_thread::yield();
  EXPECT_EQ(hand->value("cpu.max"), "max 100000");
  inbox.open = true;
  std::optional<model::ActionReport> told = inbox.wait_for(ActionState::reverted);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->reason, EndReason::lease_over);
}

TEST_F(LeaseRuntimeTest, a_hold_file_counts_at_once) {
  tick = 1h;
  auto runtime = start();
  std::ofstream(hold_file) << "";
  runtime->hear({order("a-1", 1h)});
  std::optional<model::ActionReport> refused = inbox.wait_for(ActionState::failed);
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->note, HasSubstr("hold file"));
  EXPECT_EQ(hand->value("cpu.max"), "max 100000");
}

TEST_F(LeaseRuntimeTest, a_second_agent_on_the_same_journal_is_refused) {
  auto runtime = start();
  auto second = FileJournal::open({.directory = directory.path()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::unavailable);
}

TEST_F(LeaseRuntimeTest, everything_is_released_by_the_agent_that_runs) {
  auto runtime = start();
  runtime->hear({order("a-1", 1h)});
  ASSERT_TRUE(inbox.wait_for(ActionState::applied));
  Result<std::size_t> left = release_everything(directory.path(), *hand, "boot", hung);
  ASSERT_TRUE(left.ok()) << left.error().to_string();
  EXPECT_EQ(*left, 0U);
  EXPECT_EQ(hand->value("cpu.max"), "max 100000");
  std::optional<model::ActionReport> told = inbox.wait_for(ActionState::reverted);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->reason, EndReason::released);
}

TEST_F(LeaseRuntimeTest, everything_is_released_where_no_agent_runs_and_the_next_one_tells) {
  {
    auto runtime = start();
    runtime->hear({order("a-1", 1h)});
    ASSERT_TRUE(inbox.wait_for(ActionState::applied));
  }
  Result<std::size_t> left = release_everything(directory.path(), *hand, "boot", hung);
  ASSERT_TRUE(left.ok());
  EXPECT_EQ(*left, 0U);
  EXPECT_EQ(hand->value("cpu.max"), "max 100000");
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/release"));
  auto runtime = start();
  EXPECT_TRUE(inbox.wait_for(ActionState::reverted));
  EXPECT_EQ(*release_everything(directory.path() + "/nothing", *hand, "boot", hung), 0U);
}

// ---- the guard ----

struct GuardTest : LeaseRuntimeTest {
  node::JournalEntry frozen(const std::string& id, Stage stage, bool guarded) {
    node::JournalEntry entry;
    entry.stage = stage;
    entry.order = order(id, 1h);
    entry.boot_id = "boot";
    entry.guarded = guarded;
    entry.expires_at = mono_now() + 1h;
    entry.changes = {{.key = guarded ? "cgroup.freeze" : "cpu.max",
                      .before = guarded ? "0" : "max 100000",
                      .after = guarded ? "1" : "50000 100000",
                      .found = {}}};
    return entry;
  }
  void journal(const std::vector<node::JournalEntry>& entries) {
    auto opened = FileJournal::open({.directory = directory.path()});
    ASSERT_TRUE(opened.ok());
    for (const node::JournalEntry& entry : entries) ASSERT_TRUE((*opened)->put(entry).ok());
  }
  // A pipe whose other end is gone already.
  Result<std::size_t> stand(Duration patience = hung) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    ::close(ends[1]);
    Result<std::size_t> ended = stand_guard(
        ends[0], *hand,
        {.directory = directory.path(), .boot_id = "boot", .patience = patience, .report = [](std::string_view) {}});
    ::close(ends[0]);
    return ended;
  }
};

TEST_F(GuardTest, takes_back_what_is_guarded_and_leaves_the_rest_to_the_next_agent) {
  hand->put("cgroup.freeze", "1");
  hand->put("cpu.max", "50000 100000");
  journal({frozen("a-1", Stage::applied, true), frozen("a-2", Stage::applied, false)});
  Result<std::size_t> ended = stand();
  ASSERT_TRUE(ended.ok()) << ended.error().to_string();
  EXPECT_EQ(*ended, 1U);
  EXPECT_EQ(hand->value("cgroup.freeze"), "0");
  EXPECT_EQ(hand->value("cpu.max"), "50000 100000");
  auto runtime = start();  // and it tells
  std::optional<model::ActionReport> told = inbox.wait_for(ActionState::reverted);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->action.value, "a-1");
  EXPECT_EQ(told->reason, EndReason::agent_ended);
}

TEST_F(GuardTest, takes_back_what_was_only_begun_and_leaves_alone_what_somebody_else_changed) {
  hand->put("cgroup.freeze", "1");
  journal({frozen("a-1", Stage::begun, true)});
  EXPECT_EQ(*stand(), 1U);
  EXPECT_EQ(hand->value("cgroup.freeze"), "0");
  hand->put("cgroup.freeze", "somebody else's");
  journal({frozen("a-2", Stage::applied, true)});
  EXPECT_EQ(*stand(), 1U);
  EXPECT_EQ(hand->value("cgroup.freeze"), "somebody else's");
  EXPECT_EQ(read_journal(directory.path())->at(1).report->state, ActionState::conflicted);
}

TEST_F(GuardTest, leaves_everything_to_a_new_agent_that_is_there_already) {
  hand->put("cgroup.freeze", "1");
  journal({frozen("a-1", Stage::applied, true)});
  auto runtime = start();
  EXPECT_EQ(*stand(1ms), 0U);
  EXPECT_EQ(hand->value("cgroup.freeze"), "1");
}

TEST_F(GuardTest, has_nothing_to_do_where_nothing_was_done) {
  EXPECT_EQ(*stand(), 0U);
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/journal"));
}

TEST_F(GuardTest, a_guard_ends_when_its_agent_ends_and_is_started_again_when_it_died) {
  std::string seen = directory.path() + "/seen";
  {
    auto guard = Guard::start({.program = "/bin/sh", .arguments = {"-c", cat("cat; echo ended >> ", seen)}});
    ASSERT_TRUE(guard.ok());
    EXPECT_TRUE((*guard)->stand());
    EXPECT_FALSE(std::filesystem::exists(seen));
  }
  std::ifstream in(seen);
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "ended");
  auto brief = Guard::start({.program = "/bin/true", .arguments = {}});
  ASSERT_TRUE(brief.ok());
  EXPECT_TRUE((*brief)->stand());
  EXPECT_FALSE(Guard::start({.program = "/nowhere/mien", .arguments = {}}).ok());
}

// ---- a real freezer, and a real kill -9 ----

// Version 1's freezer or version 2's freeze, in a control group of our own.
class Freezer {
 public:
  Freezer() {
    for (const char* root : {"/sys/fs/cgroup/freezer", "/sys/fs/cgroup"}) {
      path_ = cat(root, "/mien-test-", ::getpid());
      std::error_code failed;
      if (!std::filesystem::create_directory(path_, failed)) continue;
      for (const char* file : {"freezer.state", "cgroup.freeze"}) {
        if (std::filesystem::exists(path_ + "/" + file)) field_ = file;
      }
      if (!field_.empty()) return;
      std::filesystem::remove(path_, failed);
    }
  }
  ~Freezer() {
    if (field_.empty()) return;
    put(thawed());
    std::error_code ignored;
    MonoTime until = mono_now() + hung;
    while (::rmdir(path_.c_str()) != 0 && errno == EBUSY && mono_now() < until) std::this_thread::yield();
  }
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;
  [[nodiscard]] bool there() const { return !field_.empty(); }
  [[nodiscard]] std::string thawed() const { return field_ == "freezer.state" ? "THAWED" : "0"; }
  [[nodiscard]] std::string frozen() const { return field_ == "freezer.state" ? "FROZEN" : "1"; }
  void put(const std::string& value) const { std::ofstream(path_ + "/" + field_) << value; }
  [[nodiscard]] std::string value() const {
    std::ifstream in(path_ + "/" + field_);
    std::string line;
    std::getline(in, line);
    return line;
  }
  void add(pid_t process) const { std::ofstream(path_ + "/cgroup.procs") << process; }
  [[nodiscard]] const std::string& field() const { return field_; }

 private:
  std::string path_;
  std::string field_;
};

// The least hand that writes that one file.
class FreezerHand final : public node::Hand {
 public:
  explicit FreezerHand(const Freezer& freezer) : freezer_(freezer) {}
  std::vector<Ability> abilities() override { return {}; }
  Result<node::Plan> plan(const InstanceName&, model::Verb, const model::Arguments&) override {
    return node::Plan{.identity = "one",
                      .fields = {{.key = freezer_.field(), .before = freezer_.value(), .after = freezer_.frozen()}},
                      .outlives_nothing = true};
  }
  Result<std::string> identity(const InstanceName&) override { return std::string("one"); }
  Result<std::string> read(const InstanceName&, std::string_view) override {
    MonoTime until = mono_now() + hung;
    while (freezer_.value() == "FREEZING" && mono_now() < until) std::this_thread::yield();
    return freezer_.value();
  }
  Status write(const InstanceName&, std::string_view, std::string_view value) override {
    freezer_.put(std::string(value));
    return {};
  }

 private:
  const Freezer& freezer_;
};

TEST_F(GuardTest, what_a_killed_agent_froze_is_thawed) {
  Freezer freezer;
  if (!freezer.there()) GTEST_SKIP() << "no control group with a freezer can be made here: run as root";
  pid_t frozen_process = ::fork();
  if (frozen_process == 0) {
    for (;;) ::pause();
  }
  freezer.add(frozen_process);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  pid_t agent = ::fork();
  if (agent == 0) {  // the agent: freezes, and is killed in the middle of its lease
    ::close(ends[0]);
    FreezerHand freezing{freezer};
    auto opened = FileJournal::open({.directory = directory.path()});
    if (!opened) ::_exit(1);
    node::JournalEntry entry = frozen("a-1", Stage::begun, true);
    entry.changes = {{.key = freezer.field(), .before = freezer.value(), .after = freezer.frozen(), .found = {}}};
    if (!(*opened)->put(entry)) ::_exit(1);
    if (!freezing.write(web, freezer.field(), freezer.frozen())) ::_exit(1);
    entry.stage = Stage::applied;
    if (!(*opened)->put(entry)) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ends[1]);
  MonoTime until = mono_now() + hung;
  while (freezer.value() != freezer.frozen() && mono_now() < until) std::this_thread::yield();
  ASSERT_EQ(freezer.value(), freezer.frozen());
  ::kill(agent, SIGKILL);
  ::waitpid(agent, nullptr, 0);
  FreezerHand thawing{freezer};
  Result<std::size_t> ended = stand_guard(
      ends[0], thawing,
      {.directory = directory.path(), .boot_id = "boot", .patience = hung, .report = [](std::string_view) {}});
  ::close(ends[0]);
  ASSERT_TRUE(ended.ok()) << ended.error().to_string();
  EXPECT_EQ(*ended, 1U);
  EXPECT_EQ(freezer.value(), freezer.thawed());
  EXPECT_EQ(read_journal(directory.path())->at(0).report->reason, EndReason::agent_ended);
  ::kill(frozen_process, SIGKILL);
  ::waitpid(frozen_process, nullptr, 0);
}

}  // namespace
}  // namespace mien::edge
