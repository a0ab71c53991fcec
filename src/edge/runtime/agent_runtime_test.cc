#include "edge/runtime/agent_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/testing/temporary_directory.h"
#include "node/testing/memory_hand.h"

namespace mien::edge {
namespace {

using model::ActionState;

const InstanceName web{"web.service@h"};
constexpr Duration hung = 30s;

// A manager as far as acting goes: answers a poll when it has something newer, and takes reports.
class FakeManager {
 public:
  explicit FakeManager(const std::string& directory) : path_(directory + "/manager.sock") {
    auto started = HttpServer::start({.unix_path = path_}, [this](HttpRequest request, std::shared_ptr<Responder> way) {
      answer(request, std::move(way));
    });
    CHECK(started.ok());
    server_ = std::move(*started);
  }
  ~FakeManager() {
    {
      std::lock_guard lock(mutex_);
      waiting_.clear();
    }
    server_->stop(1s);
  }
  FakeManager(const FakeManager&) = delete;
  FakeManager& operator=(const FakeManager&) = delete;

  [[nodiscard]] HttpTarget target() const { return {.url = "http://localhost", .unix_path = path_}; }

  void tell(wire::OrderDirective order) {
    std::lock_guard lock(mutex_);
    batch_.next = ++last_;
    batch_.directives = {{.id = last_, .body = std::move(order)}};
    for (const auto& way : waiting_) respond(*way);
    waiting_.clear();
  }
  std::optional<model::ActionReport> wait_for(ActionState state) {
    std::unique_lock lock(mutex_);
    std::optional<model::ActionReport> found;
    changed_.wait_for(lock, hung, [&] {
      for (const model::ActionReport& report : reports_)
        if (report.state == state) found = report;
      return found.has_value();
    });
    return found;
  }
  std::vector<model::Abilities> abilities() {
    std::lock_guard lock(mutex_);
    return abilities_;
  }

 private:
  void answer(const HttpRequest& request, std::shared_ptr<Responder> way) {
    std::lock_guard lock(mutex_);
    if (request.path == "/api/v1/agents/h/directives") {
      auto after = parse_integer(request.query.at("after"));
      if (after && static_cast<std::uint64_t>(*after) < last_) respond(*way);
      else waiting_.push_back(std::move(way));
      return;
    }
    if (request.path == "/api/v1/agents/h/reports") {
      Result<wire::AgentReports> body = wire::decode_reports(request.body);
      if (!body || request.header("mien-agent") != "h") {
        way->respond({.status = 400, .headers = {}, .body = "no reports"});
        return;
      }
      if (body->abilities) abilities_.push_back(*body->abilities);
      reports_.insert(reports_.end(), body->reports.begin(), body->reports.end());
      changed_.notify_all();
    }
    way->respond({});
  }
  void respond(Responder& way) { way.respond({.status = 200, .headers = {}, .body = wire::encode_json(batch_)}); }

  std::string path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  wire::DirectiveBatch batch_;
  std::uint64_t last_ = 0;
  std::vector<std::shared_ptr<Responder>> waiting_;
  std::vector<model::ActionReport> reports_;
  std::vector<model::Abilities> abilities_;
  std::unique_ptr<HttpServer> server_;
};

TEST(agent_runtime, orders_reach_the_hand_and_reports_the_manager_without_a_pause_in_between) {
  testing::TemporaryDirectory directory;
  FakeManager manager{directory.path()};
  auto hand = std::make_shared<node::testing::MemoryHand>();
  hand->targets[web].fields["cpu.max"] = "max 100000";
  auto runtime = AgentRuntime::start({.manager = manager.target(),
                                      .token = {},
                                      .directory = directory.path() + "/agent",
                                      .collect = {.host = "h", .identities = {}},
                                      .sense = {.sensors = false},
                                      .acting = {.hand = hand,
                                                 .allow = {model::Verb::limit},
                                                 .never_touch = {},
                                                 .boot_id = "boot",
                                                 .hold_file = directory.path() + "/hold"},
                                      .interval = 1h,  // nothing here waits for a tick
                                      .report = [](std::string_view) {}});
  ASSERT_TRUE(runtime.ok()) << runtime.error().to_string();
  wire::OrderDirective order{.action = ActionId{"a-1"},
                             .version = 1,
                             .target = web,
                             .verb = model::Verb::limit,
                             .with = {{"cpu.max", "50000 100000"}},
                             .lease = 1h,
                             .valid_until = wall_now() + 1h};
  manager.tell(order);
  std::optional<model::ActionReport> applied = manager.wait_for(ActionState::applied);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->changes.at(0).before, "max 100000");
  order.version = 2;
  order.revert = true;
  order.reason = model::EndReason::by_hand;
  manager.tell(order);
  std::optional<model::ActionReport> reverted = manager.wait_for(ActionState::reverted);
  ASSERT_TRUE(reverted);
  EXPECT_EQ(reverted->reason, model::EndReason::by_hand);
  ASSERT_EQ(manager.abilities().size(), 1U);
  EXPECT_EQ(manager.abilities()[0].allow, std::vector<std::string>{"limit"});
  (*runtime)->stop();
  EXPECT_EQ(hand->targets[web].fields["cpu.max"], "max 100000");
}

TEST(agent_runtime, refuses_to_start_with_a_journal_that_it_can_not_read) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory.path() + "/journal", std::ios::binary) << "MIENJRN9 of a later release";
  auto started = AgentRuntime::start({.manager = {.url = "http://127.0.0.1:1"},
                                      .token = {},
                                      .directory = directory.path(),
                                      .collect = {.host = "h", .identities = {}},
                                      .sense = {.sensors = false},
                                      .acting = {.hand = std::make_shared<node::testing::MemoryHand>()},
                                      .report = [](std::string_view) {}});
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::unsupported);
}

}  // namespace
}  // namespace mien::edge
