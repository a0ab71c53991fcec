#include "policy/check.h"

#include <gtest/gtest.h>

namespace mien::policy {
namespace {

using model::ResourceKind;
using model::Value;
using Map = Value::Map;
using List = Value::List;

Value when(const char* text) { return Value(Map{{"when", Value(text)}}); }

TEST(CheckExpressions, PointsAtThePolicysConditionAndSuggestsWhatWasMeant) {
  auto found = check_expressions(ResourceKind::policy, when("load.cpus > 0.6"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].gravity, model::Gravity::error);
  EXPECT_EQ(found[0].pointer, "/when");
  EXPECT_EQ(found[0].message, "unknown name `load.cpus` (column 1)");
  EXPECT_EQ(found[0].suggestion, "did you mean `load.cpu`?");
}

TEST(CheckExpressions, LooksAtEveryActivationOfAPersona) {
  Value spec(
      Map{{"activation", Value(List{when("load.cpu > 0.6"), when("(load.cpu > 1"), Value("no map"), when("1")})}});
  auto found = check_expressions(ResourceKind::persona, spec);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].pointer, "/activation/1/when");
  EXPECT_EQ(found[0].message, "here is the end (column 14)");
  EXPECT_EQ(found[1].pointer, "/activation/3/when");
  EXPECT_EQ(found[1].suggestion, "");
}

TEST(CheckExpressions, HasNothingToSayOfTheRest) {
  EXPECT_TRUE(check_expressions(ResourceKind::policy, when("drift.score > 0.9")).empty());
  EXPECT_TRUE(check_expressions(ResourceKind::persona, when("((")).empty());  // not its key
  EXPECT_TRUE(check_expressions(ResourceKind::pool, when("((")).empty());
  EXPECT_TRUE(check_expressions(ResourceKind::policy, Value("text")).empty());
  EXPECT_TRUE(check_expressions(ResourceKind::policy, Value(Map{{"when", Value(3)}})).empty());
}

}  // namespace
}  // namespace mien::policy
