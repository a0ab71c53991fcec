#include "edge/runtime/budget.h"

#include <gtest/gtest.h>

#include <vector>

namespace mien::edge {
namespace {

struct Agent {
  Budget budget{{.cpu = Ratio{0.02}, .memory = Bytes{40U << 20U}}};
  MonoTime now{1'000'000'000};
  OwnUse use{.cpu = {}, .resident = Bytes{10U << 20U}};
  std::vector<unsigned> changes;

  void run(int seconds, double share) {
    for (int i = 0; i < seconds; ++i) {
      now = now + 1s;
      use.cpu += Duration{static_cast<std::int64_t>(share * 1e9)};
      if (budget.take(now, use)) changes.push_back(budget.pressure());
    }
  }
};

TEST(budget, an_agent_within_it_sees_everything) {
  Agent agent;
  agent.run(600, 0.015);
  EXPECT_TRUE(agent.changes.empty());
  EXPECT_EQ(agent.budget.effort(), SenseEffort::full);
  EXPECT_EQ(agent.budget.stretch(), 1U);
}

TEST(budget, one_expensive_second_is_no_pressure) {
  Agent agent;
  agent.run(30, 0.005);
  agent.run(1, 0.1);
  agent.run(60, 0.005);
  EXPECT_TRUE(agent.changes.empty());
}

TEST(budget, too_much_for_long_is_less_seen_step_by_step_and_back_when_it_is_calm) {
  Agent agent;
  agent.run(60, 0.2);
  EXPECT_EQ(agent.changes, (std::vector<unsigned>{1, 2, 3}));
  EXPECT_EQ(agent.budget.effort(), SenseEffort::least);
  EXPECT_EQ(agent.budget.stretch(), 5U);
  EXPECT_NE(agent.budget.why().find("CPU 20 % of 2 %"), std::string::npos) << agent.budget.why();
  agent.changes.clear();
  agent.run(400, 0.001);
  EXPECT_EQ(agent.changes, (std::vector<unsigned>{2, 1, 0}));
}

TEST(budget, what_is_just_within_it_is_no_calm) {
  Agent agent;
  agent.run(30, 0.2);
  agent.changes.clear();
  agent.run(30, 0.019);
  agent.changes.clear();
  agent.run(600, 0.015);
  EXPECT_TRUE(agent.changes.empty()) << "going back would bring it over again";
}

TEST(budget, memory_counts_too) {
  Agent agent;
  agent.use.resident = Bytes{41U << 20U};
  agent.run(30, 0.001);
  ASSERT_FALSE(agent.changes.empty());
  EXPECT_NE(agent.budget.why().find("memory 41 MiB of 40"), std::string::npos) << agent.budget.why();
}

}  // namespace
}  // namespace mien::edge
