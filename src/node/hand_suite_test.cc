// The conformance suite on the hand in memory: what the suite asks can be met, and a hand that cheats is caught.
#include "node/testing/hand_suite.h"

#include <gtest/gtest-spi.h>

#include "node/testing/memory_hand.h"

namespace mien::node::testing {
namespace {

const InstanceName web("web.service@host-1");

MemoryHand hand_with_web() {
  MemoryHand hand;
  hand.targets[web].fields = {{"cpu.max", "max 100000"}, {"memory.high", "max"}};
  return hand;
}
HandCase case_of(MemoryHand& hand) {
  return {
      .hand = hand, .target = web, .with = {{"cpu.max", "50000 100000"}, {"memory.high", "4096"}}, .effect = [&hand] {
        return hand.targets[web].fields["cpu.max"] != "max 100000";
      }};
}

TEST(HandSuite, IsPassedByTheHandInMemory) {
  MemoryHand hand = hand_with_web();
  expect_applied_and_given_back(case_of(hand));
  expect_repaired_when_half_applied(case_of(hand));
  expect_abilities_are_explained(hand);
}

// The macro of GoogleTest takes no locals: the cheat is chosen here.
void meet_hand_that(HandFault fault) {
  MemoryHand hand = hand_with_web();
  hand.fault = [fault](const HandTouch& touch) {
    return touch.kind == HandTouch::Kind::write ? fault : HandFault::none;
  };
  expect_applied_and_given_back(case_of(hand));
}

TEST(HandSuite, CatchesAHandThatOnlySaysThatItWrote) {
  ::testing::TestPartResultArray caught;
  {
    ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &caught);
    meet_hand_that(HandFault::ignore);
  }
  EXPECT_GT(caught.size(), 0);
}

TEST(HandSuite, CatchesAHandThatFailsHalfWay) { EXPECT_FATAL_FAILURE(meet_hand_that(HandFault::half), "said no"); }

}  // namespace
}  // namespace mien::node::testing
