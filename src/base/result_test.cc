#include "base/result.h"

#include <gtest/gtest.h>

namespace mien {
namespace {

Error lost(std::string message) {
  return {.code = Code::not_found, .message = std::move(message), .where = "web.yaml:3:5", .cause = {}};
}

Result<std::unique_ptr<int>> half(int x) {
  if (x % 2 != 0) return lost("odd");
  return std::make_unique<int>(x / 2);
}

Result<int> quarter(int x) {
  std::unique_ptr<int> first = TRY(half(x));  // moves out of the Result
  return *TRY(half(*first));
}

Status check(int x) {
  int result = TRY(quarter(x));
  return result == 1 ? Status{} : Status{lost("not four")};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(*quarter(8), 2);
  ASSERT_FALSE(quarter(6).ok());
  EXPECT_EQ(quarter(6).error().code, Code::not_found);
  EXPECT_EQ(quarter(6).value_or(7), 7);
}

TEST(Result, TryReturnsTheFirstErrorToTheCaller) {
  EXPECT_TRUE(check(4).ok());
  EXPECT_EQ(check(5).error().message, "odd");
  EXPECT_EQ(check(8).error().message, "not four");
}

TEST(Result, AnErrorTellsItsCauseAndPlace) {
  Error error = lost("no such key").within("reading the persona");
  EXPECT_EQ(error.code, Code::not_found);
  EXPECT_EQ(error.to_string(), "reading the persona (because: web.yaml:3:5: no such key)");
}

TEST(Result, EveryCodeHasAName) {
  for (int code = 1; code <= 10; ++code) EXPECT_NE(to_text(static_cast<Code>(code)), "") << code;
  EXPECT_EQ(to_text(Code::exhausted), "exhausted");
}

TEST(ResultDeathTest, TakingTheValueOfAnErrorEndsTheProgram) {
  EXPECT_DEATH((void)*quarter(5), "ok\\(\\)");
  EXPECT_DEATH((void)Status{}.error(), "error_");
}

}  // namespace
}  // namespace mien
