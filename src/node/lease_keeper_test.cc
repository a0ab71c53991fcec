#include "node/lease_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/testing/lease_machine.h"

namespace mien::node {
namespace {

using namespace testing::lease_words;
using ::testing::HasSubstr;

TEST(lease_keeper, an_order_is_applied_read_back_and_reported_with_what_was_there_before) {
  Machine machine;
  machine.hear(machine.order("a-1", web, two_fields));
  EXPECT_EQ(machine.value(web, "cpu.max"), "50000 100000");
  EXPECT_EQ(machine.value(web, "memory.high"), "1000000");
  ASSERT_EQ(machine.reports.size(), 1U);
  EXPECT_EQ(machine.last().state, ActionState::applied);
  EXPECT_EQ(machine.last().expires_at, machine.now.wall + 60s);
  ASSERT_EQ(machine.last().changes.size(), 2U);
  EXPECT_EQ(machine.last().changes[0].before, "max 100000");
  ASSERT_EQ(machine.agent->keeper().in_force().size(), 1U);
}

TEST(lease_keeper, nothing_is_written_before_the_previous_value_is_on_disk) {
  Machine machine;
  bool journaled_first = true;
  machine.hand.fault = [&](const HandTouch& touch) {
    if (touch.kind == Kind::write)
      journaled_first = journaled_first && machine.journal.kept.contains(ActionId{"a-1"}) &&
                        machine.journal.kept.at(ActionId{"a-1"}).changes.at(0).before == "max 100000";
    return HandFault::none;
  };
  machine.hear(machine.order("a-1", web, half_cpu));
  EXPECT_TRUE(journaled_first);
  ASSERT_FALSE(machine.hand.writes.empty());

  Machine full;
  full.journal.full = true;
  full.hear(full.order("a-1", web, half_cpu));
  EXPECT_TRUE(full.hand.writes.empty());
  EXPECT_EQ(full.last().state, ActionState::failed);
  EXPECT_THAT(full.last().note, HasSubstr("nothing was changed"));
}

TEST(lease_keeper, a_lease_ends_by_itself_and_the_exact_previous_values_are_back) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hear(machine.order("a-1", web, two_fields));
  machine.tick(59s);
  EXPECT_EQ(machine.value(web, "cpu.max"), "50000 100000");
  machine.tick();
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  EXPECT_EQ(machine.last().reason, EndReason::lease_over);
  EXPECT_EQ(machine.last().changes.at(0).found, "50000 100000");
  EXPECT_TRUE(machine.agent->keeper().in_force().empty());
}

TEST(lease_keeper, a_lease_ends_on_time_without_a_manager_and_is_told_afterwards) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  machine.manager = false;
  machine.tick(60s);
  EXPECT_EQ(machine.value(web, "cpu.max"), "max 100000");
  for (int i = 0; i < 20; ++i) machine.tick();
  EXPECT_GE(machine.sent.size(), 3U);  // it is said again and again
  machine.manager = true;
  machine.sent.erase(machine.sent.begin(), machine.sent.end() - 1);
  machine.settle();
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  EXPECT_EQ(machine.journal.kept.at(ActionId{"a-1"}).stage, Stage::forgotten);
  for (int i = 0; i < 20; ++i) machine.tick();
  EXPECT_TRUE(machine.sent.empty());
}

TEST(lease_keeper, a_late_answer_about_the_older_report_does_not_silence_the_newer_one) {
  Machine machine;
  machine.manager = false;
  machine.hear(machine.order("a-1", web, half_cpu));
  ASSERT_EQ(machine.sent.size(), 1U);
  machine.tick(60s);
  ASSERT_EQ(machine.sent.size(), 2U);
  machine.step(ReportsTaken{.number = machine.sent[0].number, .actions = {ActionId{"a-1"}}});
  machine.sent.clear();
  machine.tick(6s);
  ASSERT_EQ(machine.sent.size(), 1U);
  EXPECT_EQ(machine.sent[0].reports.at(0).state, ActionState::reverted);
}

TEST(lease_keeper, what_somebody_else_changed_is_left_alone_and_the_other_fields_are_restored) {
  Machine machine;
  machine.hear(machine.order("a-1", web, two_fields));
  machine.hand.targets[web].fields["memory.high"] = "777";
  machine.revert("a-1", web);
  EXPECT_EQ(machine.value(web, "memory.high"), "777");
  EXPECT_EQ(machine.value(web, "cpu.max"), "max 100000");
  EXPECT_EQ(machine.last().state, ActionState::conflicted);
  EXPECT_EQ(machine.last().reason, EndReason::by_hand);
  EXPECT_EQ(machine.last().changes.at(1).found, "777");
  EXPECT_THAT(machine.last().note, HasSubstr("memory.high is `777` now, which is not ours"));
}

TEST(lease_keeper, a_field_that_somebody_put_back_already_is_fine) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  std::size_t writes = machine.hand.writes.size();
  machine.hand.targets[web].fields["cpu.max"] = "max 100000";
  machine.revert("a-1", web);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  EXPECT_EQ(machine.hand.writes.size(), writes);
}

TEST(lease_keeper, a_target_that_is_gone_has_nothing_of_ours) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  machine.hand.targets.erase(web);
  machine.tick(60s);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  EXPECT_THAT(machine.last().note, HasSubstr("cpu.max is gone with what it belonged to"));
}

// ---- what may not begin ----

struct Refusal {
  std::string name;
  std::function<void(Machine&, model::Order&)> arrange;
  std::string note;
  friend void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }
};

class lease_keeper_refuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(lease_keeper_refuses, and_says_what_to_do_and_writes_nothing) {
  Machine machine;
  model::Order order = machine.order("a-9", web, half_cpu);
  GetParam().arrange(machine, order);
  std::size_t writes = machine.hand.writes.size();
  machine.hear(order);
  EXPECT_EQ(machine.last().action.value, "a-9");
  EXPECT_EQ(machine.last().state, ActionState::failed);
  EXPECT_THAT(machine.last().note, HasSubstr(GetParam().note));
  EXPECT_EQ(machine.hand.writes.size(), writes);
  EXPECT_TRUE(machine.last().changes.empty());
}

INSTANTIATE_TEST_SUITE_P(
    all, lease_keeper_refuses,
    ::testing::Values(
        Refusal{"too_late", [](Machine& m, model::Order& o) { o.valid_until = m.now.wall - 1s; }, "came too late"},
        Refusal{"verb_not_allowed", [](Machine&, model::Order& o) { o.verb = model::Verb::prioritize; },
                "`prioritize` is not allowed on this machine: add it to `allow` in /etc/mien/agent.yaml"},
        Refusal{"never_touched", [](Machine&, model::Order& o) { o.target = InstanceName{"sshd.service@h"}; },
                "`sshd.service` is on the never-touch list"},
        Refusal{"hold_file",
                [](Machine& m, model::Order&) {
                  m.hold = true;
                  m.tick();
                },
                "hold file /run/mien/hold"},
        Refusal{"identity_changed",
                [](Machine& m, model::Order&) {
                  m.hand.fault = [&m](const HandTouch& touch) {
                    if (touch.kind == Kind::identity) m.hand.targets[web].identity = "second";
                    return HandFault::none;
                  };
                },
                "was started anew between the plan and the write"},
        Refusal{"not_running", [](Machine& m, model::Order&) { m.hand.targets.erase(web); }, "does not run here"},
        Refusal{"no_such_field",
                [](Machine&, model::Order& o) {
                  o.with = {{"io.latency", "1"}};
                },
                "no field io.latency"},
        Refusal{"field_held", [](Machine& m, model::Order&) { m.hear(m.order("a-1", web, half_cpu)); },
                "the field cpu.max is held by a-1"},
        Refusal{"table_full",
                [](Machine& m, model::Order&) {
                  m.options.most_leases = 1;
                  m.start();
                  m.hear(m.order("a-1", batch, half_cpu));
                },
                "1 leases are in force on this machine already"}),
    [](const auto& chosen) { return chosen.param.name; });

TEST(lease_keeper, refuses_a_kernel_setting_that_is_held_through_another_target) {
  Machine machine;
  machine.hand.targets[web].fields["sysctl:vm.swappiness"] = "60";
  machine.hear(machine.order("a-1", batch, {{"sysctl:vm.swappiness", "10"}}));
  machine.hear(machine.order("a-2", web, {{"sysctl:vm.swappiness", "20"}}));
  EXPECT_EQ(machine.last().state, ActionState::failed);
  EXPECT_THAT(machine.last().note, HasSubstr("held by a-1"));
}

TEST(lease_keeper, a_field_is_free_again_once_its_lease_is_over) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  machine.tick(60s);
  machine.hear(machine.order("a-2", web, {{"cpu.max", "20000 100000"}}));
  EXPECT_EQ(machine.last().state, ActionState::applied);
  EXPECT_EQ(machine.last().changes.at(0).before, "max 100000");
}

// ---- being told twice, too late, or to stop ----

TEST(lease_keeper, an_order_that_is_heard_twice_is_done_once) {
  Machine machine;
  model::Order order = machine.order("a-1", web, half_cpu);
  machine.hear(order);
  std::size_t writes = machine.hand.writes.size();
  machine.hear(order);
  EXPECT_EQ(machine.hand.writes.size(), writes);
  EXPECT_EQ(machine.reports.size(), 2U);  // who asks again does not know
  machine.tick(60s);
  order.valid_until = machine.now.wall + 30s;
  machine.hear(order);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  EXPECT_EQ(machine.value(web, "cpu.max"), "max 100000");
}

TEST(lease_keeper, what_was_refused_is_not_begun_when_it_is_heard_again) {
  Machine machine;
  model::Order order = machine.order("a-1", web, half_cpu);
  machine.hold = true;
  machine.tick();
  machine.hear(order);
  machine.hold = false;
  machine.tick();
  machine.start();
  machine.hear(order);
  EXPECT_TRUE(machine.hand.writes.empty());
  EXPECT_EQ(machine.last().state, ActionState::failed);
}

TEST(lease_keeper, an_older_version_of_an_order_changes_nothing) {
  Machine machine;
  model::Order order = machine.order("a-1", web, half_cpu);
  order.version = 5;
  machine.hear(order);
  order.version = 4;
  order.revert = true;
  machine.hear(order);
  EXPECT_EQ(machine.value(web, "cpu.max"), "50000 100000");
}

TEST(lease_keeper, taking_back_something_unknown_is_answered) {
  Machine machine;
  machine.revert("a-7", web, EndReason::no_effect);
  EXPECT_EQ(machine.last().state, ActionState::reverted);
  EXPECT_EQ(machine.last().reason, EndReason::no_effect);
  EXPECT_TRUE(machine.hand.writes.empty());
}

TEST(lease_keeper, taking_back_in_the_middle_of_the_writes_leaves_nothing) {
  for (int answered = 0; answered < 9; ++answered) {
    Machine machine;
    auto before = machine.hand.targets;
    machine.answers = false;
    machine.hear(machine.order("a-1", web, two_fields));
    for (int i = 0; i < answered && !machine.waiting.empty(); ++i) machine.answer_next();
    machine.revert("a-1", web);
    machine.answers = true;
    machine.settle();
    EXPECT_EQ(machine.hand.targets, before) << answered;
    EXPECT_EQ(machine.last().state, ActionState::reverted) << answered;
    EXPECT_EQ(machine.last().reason, EndReason::by_hand) << answered;
  }
}

TEST(lease_keeper, a_hold_file_keeps_what_is_in_force_until_its_end) {
  Machine machine;
  machine.hear(machine.order("a-1", web, half_cpu));
  machine.hold = true;
  machine.tick();
  EXPECT_EQ(machine.value(web, "cpu.max"), "50000 100000");
  machine.tick(60s);
  EXPECT_EQ(machine.value(web, "cpu.max"), "max 100000");
  EXPECT_EQ(machine.last().reason, EndReason::lease_over);
}

TEST(lease_keeper, a_release_takes_everything_back) {
  Machine machine;
  auto before = machine.hand.targets;
  machine.hear(machine.order("a-1", web, two_fields));
  machine.hear(machine.order("a-2", batch, half_cpu));
  machine.step(ReleaseAsked{});
  EXPECT_EQ(machine.hand.targets, before);
  EXPECT_TRUE(machine.agent->keeper().in_force().empty());
  EXPECT_EQ(machine.last().reason, EndReason::released);
}

TEST(lease_keeper, what_has_no_lease_is_done_and_stays) {
  Machine machine;
  model::Order order = machine.order("a-1", web, half_cpu);
  order.lease = {};
  machine.hear(order);
  machine.tick(1h);
  EXPECT_EQ(machine.value(web, "cpu.max"), "50000 100000");
  EXPECT_EQ(machine.last().state, ActionState::done);
}

// ---- never touched ----

TEST(never_touch, patterns_match_any_run_of_characters) {
  EXPECT_TRUE(is_never_touched({"sshd.service"}, "sshd.service"));
  EXPECT_FALSE(is_never_touched({"sshd.service"}, "sshd.service2"));
  EXPECT_TRUE(is_never_touched({"systemd-*"}, "systemd-journald.service"));
  EXPECT_TRUE(is_never_touched({"*.scope"}, "session-1.scope"));
  EXPECT_FALSE(is_never_touched({"*.scope"}, "session-1.scope.d"));
  EXPECT_TRUE(is_never_touched({"a*b*c"}, "a-b-b-c"));
  EXPECT_FALSE(is_never_touched({"a*b*c"}, "a-b-b"));
  EXPECT_TRUE(is_never_touched({"*"}, ""));
  EXPECT_FALSE(is_never_touched({""}, "x"));
  EXPECT_FALSE(is_never_touched({}, "x"));
}

TEST(never_touch, the_way_in_and_mien_itself_are_never_touched) {
  std::vector<std::string> defaults = default_never_touch();
  for (const char* unit :
       {"ssh.service", "sshd.service", "mien.service", "mien-agent.service", "systemd-logind.service",
        "session-3.scope", "user@1000.service", "dbus.service", "NetworkManager.service"})
    EXPECT_TRUE(is_never_touched(defaults, unit)) << unit;
  for (const char* unit : {"nginx.service", "mienagerie.service", "docker-0123.scope", "postgresql@15-main.service"})
    EXPECT_FALSE(is_never_touched(defaults, unit)) << unit;
}

}  // namespace
}  // namespace mien::node
