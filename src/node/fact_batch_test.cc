#include "node/fact_batch.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mien::node {
namespace {

using model::FactKind;
using model::SecurityFact;

SecurityFact fact(FactKind kind, std::string object, std::int64_t at = 1) {
  return {.kind = kind,
          .at = WallTime{at},
          .object = std::move(object),
          .process = "/bin/sh",
          .pid = static_cast<std::uint32_t>(at),
          .parents = {},
          .user = "root",
          .detail = {},
          .count = 1};
}

wire::InstanceFacts of(std::string name, std::vector<SecurityFact> facts, std::uint64_t refused = 0) {
  return {.instance = InstanceName{std::move(name)},
          .type = model::InstanceType::host,
          .parent = {},
          .identities = {},
          .facts = std::move(facts),
          .refused = refused};
}

TEST(fact_batch, the_same_fact_within_a_tick_is_one_with_a_count_and_the_first_time) {
  std::vector<SecurityFact> facts;
  for (std::int64_t at = 9; at > 0; --at) facts.push_back(fact(FactKind::execution, "/bin/true", at));
  facts.push_back(fact(FactKind::execution, "/bin/false"));
  FactBatch batch = batch_facts({of("h", facts)}, 256);
  ASSERT_EQ(batch.instances.size(), 1U);
  ASSERT_EQ(batch.instances[0].facts.size(), 2U);
  const SecurityFact& nine = batch.instances[0].facts[1];
  EXPECT_EQ(nine.object, "/bin/true");
  EXPECT_EQ(nine.count, 9U);
  EXPECT_EQ(nine.at, WallTime{1});
  EXPECT_EQ(nine.pid, 1U);
  EXPECT_EQ(batch.shed, 0U);
}

TEST(fact_batch, of_too_many_the_least_important_are_shed_and_counted_at_their_instance) {
  std::vector<SecurityFact> storm;
  for (int i = 0; i < 300; ++i) storm.push_back(fact(FactKind::connection, std::to_string(i), i + 1));
  FactBatch batch = batch_facts({of("a", storm), of("b", {fact(FactKind::listener, "tcp/1", 1000)}, 5)}, 256);
  ASSERT_EQ(batch.instances.size(), 2U);
  EXPECT_EQ(batch.instances[0].facts.size(), 255U);
  EXPECT_EQ(batch.instances[0].refused, 45U);
  ASSERT_EQ(batch.instances[1].facts.size(), 1U);
  EXPECT_EQ(batch.instances[1].refused, 5U);
  EXPECT_EQ(batch.facts, 256U);
  EXPECT_EQ(batch.shed, 50U);
}

TEST(fact_batch, the_order_in_which_facts_were_seen_changes_nothing) {
  std::vector<SecurityFact> facts;
  for (int i = 0; i < 40; ++i) facts.push_back(fact(static_cast<FactKind>(i % 12), std::to_string(i % 7), i % 5));
  FactBatch one = batch_facts({of("h", facts)}, 20);
  std::reverse(facts.begin(), facts.end());
  FactBatch other = batch_facts({of("h", facts)}, 20);
  EXPECT_EQ(one.instances, other.instances);
  EXPECT_EQ(one.shed, other.shed);
}

TEST(fact_batch, long_texts_are_cut_between_characters_and_an_instance_without_news_is_left_out) {
  std::string path(1025, 'a');
  path[1023] = '\xc3';
  path[1024] = '\xa4';
  SecurityFact longer = fact(FactKind::write, path);
  FactBatch batch = batch_facts({of("h", {longer}), of("quiet", {})}, 256);
  ASSERT_EQ(batch.instances.size(), 1U);
  EXPECT_EQ(batch.instances[0].facts[0].object, std::string(1023, 'a'));
}

}  // namespace
}  // namespace mien::node
