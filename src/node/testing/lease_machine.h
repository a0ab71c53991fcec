// A machine in memory with its hand, its journal and an agent that can be killed and started again: for the lease
// keeper's tests.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/lease_driver.h"
#include "node/testing/memory_hand.h"

namespace mien::node::testing {

inline const InstanceName web{"web.service@h"};
inline const InstanceName batch{"batch.service@h"};

// A machine, its hand and journal, and an agent that can be killed and started again.
struct Machine {
  MemoryHand hand;
  MemoryJournal journal;
  LeaseOptions options{
      .boot_id = "boot-1", .allow = {model::Verb::limit}, .never_touch = {"sshd.service"}, .journal = {}};
  AgentNow now{.wall = WallTime{1'700'000'000'000'000'000}, .mono = MonoTime{100'000'000'000}};
  std::unique_ptr<LeaseDriver> agent;
  std::deque<CallHand> waiting;  // calls that were not answered yet
  bool answers = true;           // the hand answers at once
  bool manager = true;           // takes reports at once
  std::vector<SendReports> sent;
  std::vector<model::ActionReport> reports;  // as taken
  std::vector<std::string> lines;
  bool hold = false;

  Machine() {
    hand.targets[web].fields = {{"cpu.max", "max 100000"}, {"memory.high", "max"}, {"cgroup.freeze", "0"}};
    hand.targets[batch].fields = {{"cpu.max", "max 100000"}, {"sysctl:vm.swappiness", "60"}};
    start();
  }

  void start() {
    options.journal = journal.entries();
    waiting.clear();
    agent = std::make_unique<LeaseDriver>(
        LeaseKeeper{options}, journal,
        LeaseDriver::Ways{.call = [this](CallHand call, MonoTime) { waiting.push_back(std::move(call)); },
                          .send = [this](const SendReports& batch_sent) { sent.push_back(batch_sent); },
                          .report = [this](std::string_view line) { lines.emplace_back(line); }});
  }

  void step(LeaseEvent event) {
    agent->step(now, std::move(event));
    settle();
  }
  void settle() {
    for (bool more = true; more;) {
      more = false;
      if (answers && !waiting.empty()) {
        answer_next();
        more = true;
      }
      if (manager && !sent.empty()) {
        SendReports batch_sent = sent.front();
        sent.erase(sent.begin());
        ReportsTaken taken{.number = batch_sent.number, .actions = {}};
        for (const model::ActionReport& report : batch_sent.reports) {
          reports.push_back(report);
          taken.actions.push_back(report.action);
        }
        agent->step(now, std::move(taken));
        more = true;
      }
    }
  }
  void answer_next() {
    CallHand call = waiting.front();
    waiting.pop_front();
    agent->step(now, carry_out(hand, call));
  }
  void tick(Duration passed = 1s) {
    now.wall = now.wall + passed;
    now.mono = now.mono + passed;
    step(LeaseTick{.hold_file = hold});
  }
  // An order's text and the answers to everything that it leads to.
  model::Order order(const std::string& id, const InstanceName& target, model::Arguments with) const {
    return {.action = ActionId{id},
            .version = 1,
            .target = target,
            .verb = model::Verb::limit,
            .with = std::move(with),
            .lease = 60s,
            .valid_until = now.wall + 30s};
  }
  void hear(model::Order one) { step(OrdersReceived{.orders = {std::move(one)}}); }
  void revert(const std::string& id, const InstanceName& target, model::EndReason reason = model::EndReason::by_hand) {
    model::Order back = order(id, target, {});
    back.version = 2;
    back.revert = true;
    back.reason = reason;
    hear(back);
  }
  const std::string& value(const InstanceName& target, const std::string& key) {
    return hand.targets.at(target).fields.at(key);
  }
  const model::ActionReport& last() const { return reports.back(); }
};

inline const model::Arguments half_cpu{{"cpu.max", "50000 100000"}};
inline const model::Arguments two_fields{{"cpu.max", "50000 100000"}, {"memory.high", "1000000"}};

// The words in which the keeper's tests are written.
namespace lease_words {
using model::ActionState;
using model::EndReason;
using Kind = HandTouch::Kind;
using Stage = JournalEntry::Stage;
using testing::batch;
using testing::half_cpu;
using testing::HandFault;
using testing::HandTouch;
using testing::Machine;
using testing::two_fields;
using testing::web;
}  // namespace lease_words

}  // namespace mien::node::testing
