// What the verbs of acting say and do, against the API in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/testing/verbs_bench.h"
#include "edge/api/testing/acting.h"
#include "edge/crypto/crypto.h"
#include "store/audit.h"

namespace mien::app {
namespace {

using edge::testing::action_of;
using edge::testing::decision_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;

class Acting : public testing::VerbsBench {
 protected:
  Acting() {
    web = &bench.manager.add_instance("web-01", model::InstanceType::host, 0.93);
    edge::testing::show(bench.manager, action_of("a-2-1", model::ActionState::applied, bench.now - 1min));
    edge::testing::show(bench.manager, action_of("a-3-1", model::ActionState::proposed, bench.now));
    edge::testing::keep(bench.manager, action_of("a-1-1", model::ActionState::reverted, bench.now - 2h));
    edge::testing::keep(bench.manager, decision_of("d-1-1", model::Outcome::acted, bench.now - 2h));
    bench.manager.board()
        .ranks[{.policy = PolicyName("contain-hog"), .step = 0, .persona = PersonaName("linux-server")}] = {
        .trials = 4, .successes = 3, .demoted = 0};
  }
  node::InstanceView* web = nullptr;
};

TEST_F(Acting, actions_lists_what_is_in_force_and_how_often_each_step_helped) {
  Ran ran = run({"actions"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("LEASE-LEFT"), HasSubstr("a-2-1"), HasSubstr("29m"), HasSubstr("a-3-1"),
                             HasSubstr("approve in 60m"), Not(HasSubstr("a-1-1"))));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("how often each step helped"), HasSubstr("75 %")));
  EXPECT_THAT(run({"actions", "--all"}).out, AllOf(HasSubstr("a-1-1"), HasSubstr("helped: 0.93 -> 0.21")));
  EXPECT_THAT(run({"actions", "db-01"}).err, HasSubstr("nothing is in force"));
  wire::Document json = *wire::parse_document(run({"actions", "-o", "json"}).out);
  EXPECT_EQ(json["items"].size(), 2U);
}

TEST_F(Acting, actions_says_what_can_not_be_taken_back_and_what_to_do) {
  model::Action action = action_of("a-4-1", model::ActionState::reverting, bench.now - 1min);
  action.note = "stuck: cpu.max can not be put back yet: remove what is in the way";
  edge::testing::show(bench.manager, action);
  EXPECT_THAT(run({"actions"}).out, AllOf(HasSubstr("a-4-1  stuck"), HasSubstr("a-4-1 is stuck: cpu.max can not")));
}

TEST_F(Acting, a_hold_stands_above_the_actions) {
  bench.manager.board().holds[{}] = {.until = bench.now + 1h, .actor = "admin (local token)"};
  EXPECT_THAT(run({"actions"}).out, AllOf(HasSubstr("HOLDS"), HasSubstr("everything"), HasSubstr("60m")));
}

TEST_F(Acting, a_person_approves_rejects_and_reverts) {
  EXPECT_THAT(run({"approve", "a-3-1"}).out, HasSubstr("a-3-1 is approved"));
  EXPECT_EQ(bench.manager.last<node::ApproveAction>().action.value, "a-3-1");
  EXPECT_EQ(run({"reject", "a-3-1"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::RejectAction>().action.value, "a-3-1");
  EXPECT_EQ(run({"reject", "a-3-1", "--comment", "the nightly batch"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::RejectAction>().comment, "the nightly batch");
  EXPECT_EQ(run({"revert", "a-2-1", "--dry-run"}).exit, 0);
  EXPECT_TRUE(bench.manager.given.back().rehearsed);
  EXPECT_EQ(run({"approve", "a-9-9"}).exit, 3);
  bench.manager.answer.status =
      Error{.code = Code::refused, .message = "automatic action is held", .where = {}, .cause = {}};
  Ran ran = run({"approve", "a-3-1"});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("automatic action is held"));
}

TEST_F(Acting, hold_and_resume_name_the_same_scope) {
  EXPECT_THAT(run({"hold", "--instance", "web-01", "--for", "1h"}).out, HasSubstr("web-01 is held for 1h"));
  EXPECT_EQ(bench.manager.last<node::PutHold>().lasting, Duration{1h});
  EXPECT_EQ(run({"hold", "--learning"}).exit, 0);
  EXPECT_TRUE(bench.manager.last<node::PutHold>().scope.learning);
  EXPECT_EQ(run({"resume", "--pool", "web"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::EndHold>().scope.pool.value, "web");
  EXPECT_EQ(run({"hold", "--pool", "web", "--instance", "web-01"}).exit, 2);
  EXPECT_EQ(run({"hold", "--for", "soon"}).exit, 2);
}

TEST_F(Acting, release_asks_a_person_at_a_terminal_and_no_script) {
  EXPECT_EQ(run({"release", "web-01"}).exit, 0);
  EXPECT_EQ(bench.manager.last<node::ReleaseActions>().instance.value, "web-01");
  EXPECT_EQ(run({"release", "--all"}).exit, 0);
  EXPECT_TRUE(bench.manager.last<node::ReleaseActions>().instance.empty());
  std::size_t given = bench.manager.given.size();
  confirm = [](const std::string&) { return false; };
  EXPECT_EQ(run({"release"}).exit, 4);
  EXPECT_EQ(bench.manager.given.size(), given);
  EXPECT_EQ(run({"release", "-y"}).exit, 0);
  EXPECT_EQ(run({"release", "web-01", "--all"}).exit, 2);
}

TEST_F(Acting, get_and_describe_show_actions_and_decisions) {
  EXPECT_THAT(run({"get", "actions"}).out, AllOf(HasSubstr("a-1-1"), HasSubstr("a-3-1"), HasSubstr("75 %")));
  EXPECT_THAT(run({"get", "decisions"}).out, AllOf(HasSubstr("d-1-1"), HasSubstr("acted")));
  EXPECT_THAT(run({"describe", "action", "a-1-1"}).out,
              AllOf(HasSubstr("cpu.max"), HasSubstr("max 100000"), HasSubstr("FOUND AT THE END")));
  EXPECT_THAT(run({"describe", "decision", "d-1-1"}).out,
              AllOf(HasSubstr("budget"), HasSubstr("kinds: limit is not ramp"), HasSubstr("allowed")));
  EXPECT_EQ(run({"describe", "action", "a-9-9"}).exit, 3);
}

TEST_F(Acting, why_walks_from_an_action_to_the_record) {
  store::AuditChain chain{edge::sha256, std::nullopt};
  bench.manager.books.rows.push_back(chain.append({.at = bench.now - 2h,
                                                   .actor = "mien",
                                                   .verb = "action.ordered",
                                                   .subject = "Action/a-1-1",
                                                   .cause = "d-1-1",
                                                   .detail = "limit cpu"}));
  Ran ran = run({"why", "a-1-1"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("Action/a-1-1"), HasSubstr("policy contain-hog, generation 3"),
                             HasSubstr("guard budget allowed it"), HasSubstr("cpu.max: max 100000 -> 50000 100000"),
                             HasSubstr("it helped"), HasSubstr("action.ordered")));
}

TEST_F(Acting, why_of_an_instance_says_what_was_done_and_what_was_refused) {
  EXPECT_THAT(run({"why", "web-01"}).out,
              AllOf(HasSubstr("this was done"), HasSubstr("a-2-1"), HasSubstr("it is in force")));
  model::Finding finding;
  finding.id = FindingId("f-1");
  finding.instance = web->name;
  finding.opened_at = bench.now - 1min;
  web->findings = {finding};
  bench.manager.shown->board = std::make_shared<const node::ActionBoard>();
  edge::testing::keep(bench.manager, decision_of("d-2-1", model::Outcome::refused, bench.now));
  bench.manager.books.entries.erase({store::Table::action, "a-1-1"});
  Ran ran = run({"why", "web-01"});
  EXPECT_THAT(ran.out, AllOf(HasSubstr("nothing was done, because"), HasSubstr("the guard `budget` said no: 2 of 2")));
  Ran then = run({"why", "web-01", "--at", to_rfc3339(bench.now - 1h)});
  EXPECT_THAT(then.out, AllOf(HasSubstr("decided until then"), HasSubstr("d-1-1"), Not(HasSubstr("d-2-1"))));
}

}  // namespace
}  // namespace mien::app
