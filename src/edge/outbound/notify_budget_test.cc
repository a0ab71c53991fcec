#include "edge/outbound/notify_budget.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace mien::edge {
namespace {

struct Budget : ::testing::Test {
  std::shared_ptr<OutboundMeters> meters = std::make_shared<OutboundMeters>();
  NotifyBudget budget{NotifyLimit{.findings = 2, .within = std::chrono::hours{24}}, meters};
  WallTime now{1'800'000'000'000'000'000};

  bool tells(const char* id, model::Severity severity = model::Severity::high,
             model::FindingState state = model::FindingState::open) {
    model::Finding finding;
    finding.id = FindingId(id);
    finding.severity = severity;
    finding.state = state;
    return budget.tells(finding, now);
  }
};

TEST_F(Budget, HoldsBackWhatIsMoreThanADayMayTell) {
  EXPECT_TRUE(tells("f-1"));
  EXPECT_TRUE(tells("f-2"));
  EXPECT_FALSE(tells("f-3"));
  EXPECT_FALSE(tells("f-3"));
  EXPECT_EQ(meters->held_back, 1U) << "asked twice, held back once";
}

TEST_F(Budget, GoesOnTellingWhatItTold) {
  EXPECT_TRUE(tells("f-1"));
  EXPECT_TRUE(tells("f-2"));
  now = now + std::chrono::hours{1};
  EXPECT_TRUE(tells("f-1"));
}

TEST_F(Budget, TellsLaterWhatIsStillThere) {
  EXPECT_TRUE(tells("f-1"));
  EXPECT_TRUE(tells("f-2"));
  EXPECT_FALSE(tells("f-3"));
  now = now + std::chrono::hours{24};
  EXPECT_TRUE(tells("f-3"));
}

TEST_F(Budget, TellsTheEndOfWhatWasNotHeldBack) {
  EXPECT_TRUE(tells("f-1"));
  EXPECT_TRUE(tells("f-2"));
  EXPECT_FALSE(tells("f-3"));
  EXPECT_FALSE(tells("f-3", model::Severity::high, model::FindingState::resolved));
  EXPECT_TRUE(tells("f-0", model::Severity::high, model::FindingState::resolved)) << "told before a restart";
}

TEST_F(Budget, NeverHoldsBackWhatIsCritical) {
  EXPECT_TRUE(tells("f-1"));
  EXPECT_TRUE(tells("f-2", model::Severity::critical));
  EXPECT_TRUE(tells("f-3", model::Severity::critical));
  EXPECT_FALSE(tells("f-4")) << "and it counts";
}

TEST(NotifyBudget, WithoutALimitTellsEverything) {
  auto meters = std::make_shared<OutboundMeters>();
  NotifyBudget budget{std::nullopt, meters};
  for (int i = 0; i < 100; ++i) {
    model::Finding finding;
    finding.id = FindingId(cat("f-", i));
    EXPECT_TRUE(budget.tells(finding, {}));
  }
  EXPECT_EQ(meters->held_back, 0U);
}

}  // namespace
}  // namespace mien::edge
