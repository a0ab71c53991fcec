#include "node/lease_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/testing/lease_machine.h"

namespace mien::node {
namespace {

using namespace testing::lease_words;
using ::testing::HasSubstr;

// ---- hands that fail ----

TEST(lease_trouble, a_read_back_that_differs_puts_back_what_was_written_and_reports_both_values) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hand.fault = [&](const HandTouch& touch) {
    // a kernel that rounds
    if (touch.kind == Kind::read && touch.key == "memory.high" &&
        machine.hand.targets[web].fields["memory.high"] == "1000000")
      machine.hand.targets[web].fields["memory.high"] = "999424";
    return HandFault::none;
  };
  machine.hear(machine.order("a-1", web, two_fields));
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::failed);
  EXPECT_THAT(machine.last().note, HasSubstr("memory.high was written as `1000000` and reads `999424`"));
}

TEST(lease_trouble, a_write_that_is_ignored_is_found_out) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hand.fault = [](const HandTouch& touch) {
    return touch.kind == Kind::write && touch.key == "memory.high" ? HandFault::ignore : HandFault::none;
  };
  machine.hear(machine.order("a-1", web, two_fields));
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::failed);
}

TEST(lease_trouble, a_write_that_fails_half_way_is_put_back) {
  for (HandFault how : {HandFault::fail, HandFault::fail_after, HandFault::half}) {
    Machine machine;
    auto before = machine.hand.targets;
    bool once = true;
    machine.hand.fault = [&](const HandTouch& touch) {
      if (touch.kind != Kind::write || touch.key != "memory.high" || !once) return HandFault::none;
      once = false;
      return how;
    };
    machine.hear(machine.order("a-1", web, two_fields));
    EXPECT_EQ(machine.hand.targets, before);
    EXPECT_EQ(machine.last().state, ActionState::failed);
    EXPECT_THAT(machine.last().note, HasSubstr("memory.high could not be written"));
    EXPECT_THAT(machine.last().note, HasSubstr("what was there before is back"));
  }
}

TEST(lease_trouble, putting_back_goes_on_until_it_works) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hear(machine.order("a-1", web, two_fields));
  machine.hand.fault = [](const HandTouch& touch) {
    if (touch.key != "cpu.max") return HandFault::none;
    return touch.kind == Kind::write ? HandFault::half : HandFault::fail;
  };
  machine.reports.clear();
  machine.revert("a-1", web);
  for (int i = 0; i < 100; ++i) machine.tick();
  ASSERT_EQ(machine.reports.size(), 1U) << "said once";
  EXPECT_EQ(machine.last().state, ActionState::reverting);
  EXPECT_EQ(machine.last().reason, EndReason::by_hand);
  EXPECT_THAT(machine.last().note, HasSubstr("cpu.max of web.service@h can not be put back to `max 100000` yet: "));
  EXPECT_THAT(machine.last().note, HasSubstr("mien doctor --changes"));
  machine.reports.clear();
  EXPECT_EQ(machine.value(web, "memory.high"), "max");  // the other field did not wait for it
  EXPECT_EQ(machine.agent->keeper().in_force().size(), 1U);
  int faults = 0;
  machine.hand.fault = [&](const HandTouch& touch) {
    return touch.kind == Kind::write && ++faults < 4 ? HandFault::half : HandFault::none;
  };
  for (int i = 0; i < 200 && machine.reports.empty(); ++i) machine.tick();
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
}

TEST(lease_trouble, that_it_can_not_be_put_back_is_told_until_the_manager_has_it) {
  Machine machine;
  machine.hear(machine.order("a-1", web, two_fields));
  machine.hand.fault = [](const HandTouch& touch) {
    return touch.key == "cpu.max" ? HandFault::fail : HandFault::none;
  };
  machine.manager = false;
  machine.revert("a-1", web);
  for (int i = 0; i < 30; ++i) machine.tick();
  EXPECT_GE(machine.sent.size(), 4U);
  machine.reports.clear();
  machine.manager = true;
  for (int i = 0; i < 30; ++i) machine.tick();
  ASSERT_FALSE(machine.reports.empty());
  for (const model::ActionReport& report : machine.reports) EXPECT_EQ(report.state, ActionState::reverting);
  machine.reports.clear();
  for (int i = 0; i < 30; ++i) machine.tick();
  EXPECT_TRUE(machine.reports.empty());
}

TEST(lease_trouble, a_lie_in_the_read_back_after_putting_back_is_looked_at_again) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hear(machine.order("a-1", web, half_cpu));
  int reads = 0;
  machine.hand.fault = [&](const HandTouch& touch) {
    return touch.kind == Kind::read && ++reads == 2 ? HandFault::lie : HandFault::none;
  };
  machine.revert("a-1", web);
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
}

TEST(lease_trouble, a_lie_in_the_first_read_when_it_is_taken_back_is_no_conflict) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hear(machine.order("a-1", web, half_cpu));
  int reads = 0;
  machine.hand.fault = [&](const HandTouch& touch) {
    return touch.kind == Kind::read && ++reads <= 2 ? HandFault::lie : HandFault::none;
  };
  machine.revert("a-1", web);
  machine.tick();
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
}

TEST(lease_trouble, a_call_that_is_not_answered_in_time_is_unknown_and_read_back) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.answers = false;
  machine.hear(machine.order("a-1", web, half_cpu));
  machine.answer_next();  // plan
  machine.answer_next();  // identity
  ASSERT_EQ(machine.waiting.size(), 1U);
  CallHand write = machine.waiting.front();
  ASSERT_TRUE(std::holds_alternative<WriteCall>(write.what));
  machine.waiting.clear();
  HandAnswered late = carry_out(machine.hand, write);  // it was done, but nobody heard
  for (int i = 0; i < 46; ++i) machine.tick();
  ASSERT_FALSE(machine.waiting.empty());
  EXPECT_TRUE(std::holds_alternative<ReadCall>(machine.waiting.back().what));
  machine.waiting.erase(machine.waiting.begin(), machine.waiting.end() - 1);
  machine.agent->step(machine.now, late);  // too late: it says nothing any more
  machine.answers = true;
  machine.settle();
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::failed);
  EXPECT_THAT(machine.last().note, HasSubstr("did not answer in time"));
}

TEST(lease_trouble, one_call_at_a_time_goes_to_a_target_in_order_of_action) {
  Machine machine;
  machine.answers = false;
  machine.step(OrdersReceived{.orders = {machine.order("a-2", web, {{"memory.high", "1"}}),
                                         machine.order("a-1", web, half_cpu), machine.order("a-3", batch, half_cpu)}});
  ASSERT_EQ(machine.waiting.size(), 2U);
  EXPECT_EQ(std::get<PlanCall>(machine.waiting[0].what).with, half_cpu);
  EXPECT_EQ(std::get<PlanCall>(machine.waiting[1].what).target, batch);
  for (int i = 0; i < 40 && !machine.waiting.empty(); ++i) {
    std::map<InstanceName, int> calls;
    for (const CallHand& call : machine.waiting)
      std::visit([&](const auto& what) { EXPECT_EQ(++calls[what.target], 1); }, call.what);
    machine.answer_next();
  }
  machine.settle();
  EXPECT_EQ(machine.agent->keeper().in_force().size(), 3U);
}

// ---- a dead agent, and a dead machine ----

// Kills the agent after each possible number of answers, and starts it again.
TEST(lease_trouble, a_kill_at_any_point_leaves_a_lease_that_stands_or_nothing) {
  int applied = 0;
  int put_back = 0;
  for (int answered = 0; answered < 9; ++answered) {
    Machine machine;
    auto before = machine.hand.targets;
    machine.answers = false;
    machine.hear(machine.order("a-1", web, two_fields));
    for (int i = 0; i < answered && !machine.waiting.empty(); ++i) machine.answer_next();
    bool journaled = machine.journal.kept.contains(ActionId{"a-1"});
    machine.start();
    machine.answers = true;
    machine.tick();
    if (!journaled) {
      EXPECT_EQ(machine.hand.targets, before);
      continue;
    }
    ASSERT_FALSE(machine.reports.empty()) << answered;
    if (machine.last().state == ActionState::applied) {
      ++applied;
      EXPECT_EQ(machine.value(web, "cpu.max"), "50000 100000");
      machine.tick(60s);
      EXPECT_EQ(machine.last().state, ActionState::reverted);
    } else {
      ++put_back;
      EXPECT_EQ(machine.last().state, ActionState::failed) << answered;
    }
    EXPECT_EQ(machine.hand.targets, before) << answered;
  }
  EXPECT_GT(applied, 0);
  EXPECT_GE(put_back, 4);
}

TEST(lease_trouble, a_kill_while_it_is_taken_back_ends_it_at_the_next_start) {
  for (int answered = 0; answered < 6; ++answered) {
    Machine machine;
    auto before = machine.hand.targets;
    machine.hear(machine.order("a-1", web, two_fields));
    machine.answers = false;
    machine.revert("a-1", web, EndReason::worse);
    for (int i = 0; i < answered && !machine.waiting.empty(); ++i) machine.answer_next();
    machine.start();
    machine.answers = true;
    machine.tick();
    EXPECT_EQ(machine.hand.targets, before) << answered;
    EXPECT_EQ(machine.last().state, ActionState::reverted) << answered;
    EXPECT_EQ(machine.last().reason, EndReason::worse) << answered;
  }
}

TEST(lease_trouble, a_lease_that_ran_out_while_the_agent_was_dead_ends_at_once) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  machine.now.mono = machine.now.mono + 10min;
  machine.start();
  machine.tick();
  EXPECT_EQ(machine.value(web, "cpu.max"), "max 100000");
  EXPECT_EQ(machine.last().reason, EndReason::lease_over);
}

TEST(lease_trouble, after_a_reboot_nothing_is_written_and_it_is_said) {
  Machine machine;
  machine.hear(machine.order("a-1", web, two_fields));
  std::size_t writes = machine.hand.writes.size();
  machine.options.boot_id = "boot-2";
  machine.now.mono = MonoTime{5'000'000'000};
  machine.hand.targets[web].fields["cpu.max"] = "max 100000";
  machine.hand.targets[web].fields.erase("memory.high");
  machine.start();
  machine.tick();
  EXPECT_EQ(machine.hand.writes.size(), writes);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  EXPECT_EQ(machine.last().reason, EndReason::agent_ended);
  EXPECT_EQ(machine.last().changes.at(0).found, "max 100000");
  EXPECT_EQ(machine.last().changes.at(1).found, "");
  EXPECT_TRUE(machine.agent->keeper().in_force().empty());
}

TEST(lease_trouble, a_value_that_still_stands_after_a_reboot_is_reported_and_left_alone) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  std::size_t writes = machine.hand.writes.size();
  machine.options.boot_id = "boot-2";
  machine.start();
  machine.tick();
  EXPECT_EQ(machine.hand.writes.size(), writes);
  EXPECT_EQ(machine.last().state, ActionState::conflicted);
  EXPECT_THAT(machine.last().note, HasSubstr("cpu.max still reads"));
}

TEST(lease_trouble, an_ending_that_was_not_told_is_told_after_the_next_start) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  machine.manager = false;
  machine.tick(60s);
  machine.start();
  machine.sent.clear();
  machine.manager = true;
  machine.reports.clear();
  machine.tick();
  ASSERT_EQ(machine.reports.size(), 1U);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  machine.start();
  machine.tick();
  EXPECT_EQ(machine.reports.size(), 1U);
}

TEST(lease_trouble, an_applied_lease_that_the_journal_can_not_take_is_put_back) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hand.fault = [&](const HandTouch& touch) {
    if (touch.kind == Kind::write) machine.journal.full = true;
    return HandFault::none;
  };
  machine.hear(machine.order("a-1", web, half_cpu));
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::failed);
  machine.journal.full = false;
  machine.hand.fault = {};
  machine.tick(31s);
  EXPECT_NE(machine.journal.kept.at(ActionId{"a-1"}).stage, Stage::begun);  // its end is on disk now
}

TEST(lease_trouble, what_has_ended_is_remembered_until_it_can_not_be_asked_for_again) {
  Machine machine;
  machine.options.most_leases = 2;
  machine.start();
  for (int i = 0; i < 100; ++i) {
    machine.revert(cat("a-", i), web);
    machine.tick(10s);
  }
  EXPECT_EQ(machine.reports.size(), 100U);  // the table was emptied as it filled
  machine.lines.clear();
  for (int i = 0; i < 20; ++i) machine.revert(cat("b-", i), web);
  EXPECT_THAT(machine.lines, ::testing::Contains(HasSubstr("no room for the order b-")));
}

TEST(lease_trouble, the_same_story_comes_out_the_same_twice) {
  auto story = [] {
    Machine machine;
    machine.hear(machine.order("a-1", web, two_fields));
    machine.hear(machine.order("a-2", batch, half_cpu));
    machine.tick(61s);
    std::vector<model::ActionReport> told = machine.reports;
    return std::pair{told, machine.journal.history};
  };
  EXPECT_EQ(story(), story());
}

}  // namespace
}  // namespace mien::node
