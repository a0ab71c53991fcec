#include "wire/zstd.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace mien::wire {
namespace {

TEST(zstd, unfolds_to_what_was_folded) {
  Prng prng{3};
  for (std::size_t size : {0U, 1U, 1000U, 200'000U}) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>(prng.below(256));
    EXPECT_EQ(*unzstd(zstd(text)), text) << size;
  }
  EXPECT_EQ(*unzstd(zstd("one, ") + zstd("two")), "one, two") << "several frames are one text";
}

TEST(zstd, a_bomb_is_refused_and_honest_repetition_is_not) {
  EXPECT_EQ(unzstd(zstd(std::string(40U << 20U, 'x'))).error().code, Code::exhausted);
  EXPECT_TRUE(unzstd(zstd(std::string(900'000, 'x'))).ok());
  GzipLimits small{.max_output = Bytes{999}};
  EXPECT_EQ(unzstd(zstd(std::string(1000, 'x')), small).error().code, Code::exhausted);
  EXPECT_TRUE(unzstd(zstd(std::string(999, 'x')), small).ok());
}

TEST(zstd, what_is_cut_or_is_something_else_is_invalid) {
  std::string whole = zstd("some text that is long enough to be worth folding, and is folded");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    auto cut = unzstd(whole.substr(0, length));
    if (length == 0) continue;
    ASSERT_FALSE(cut.ok()) << length;
    EXPECT_EQ(cut.error().code, Code::invalid);
  }
  EXPECT_EQ(unzstd("plain text").error().code, Code::invalid);
}

TEST(zstd, the_content_encoding_says_how_to_unfold) {
  std::string kept;
  EXPECT_EQ(*unfold("", "text", {}, kept), "text");
  EXPECT_EQ(*unfold("identity", "text", {}, kept), "text");
  EXPECT_EQ(*unfold("gzip", gzip("text"), {}, kept), "text");
  EXPECT_EQ(*unfold("zstd", zstd("text"), {}, kept), "text");
  EXPECT_EQ(unfold("br", "text", {}, kept).error().code, Code::unsupported);
}

}  // namespace
}  // namespace mien::wire
