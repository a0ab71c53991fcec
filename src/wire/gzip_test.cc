#include "wire/gzip.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace mien::wire {
namespace {

TEST(gzip, what_was_folded_unfolds_to_itself) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += cat("line ", i, '\n');
  for (const std::string& each : {std::string{}, std::string{"a"}, text}) {
    Result<std::string> back = gunzip(gzip(each));
    ASSERT_TRUE(back.ok()) << back.error().to_string();
    EXPECT_EQ(*back, each);
  }
}

TEST(gzip, the_same_text_gives_the_same_bytes) { EXPECT_EQ(gzip("telemetry"), gzip("telemetry")); }

TEST(gzip, members_one_after_the_other_are_one_text) {
  Result<std::string> back = gunzip(gzip("one ") + gzip("two"));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, "one two");
}

TEST(gzip, a_bomb_is_refused_by_its_ratio) {
  std::string bomb = gzip(std::string(8U << 20U, '\0'));
  EXPECT_GT((8U << 20U) / bomb.size(), 200U);
  Result<std::string> back = gunzip(bomb, {.max_ratio = 200});
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code, Code::exhausted);
  EXPECT_NE(back.error().message.find("send smaller requests"), std::string::npos);
}

TEST(gzip, a_large_body_is_refused_by_its_size) {
  GzipLimits limits{.max_output = Bytes{1000}};
  EXPECT_TRUE(gunzip(gzip(std::string(1000, 'x')), limits).ok());
  EXPECT_EQ(gunzip(gzip(std::string(1001, 'x')), limits).error().code, Code::exhausted);
}

TEST(gzip, every_cut_of_a_body_is_an_error) {
  std::string whole = gzip("some telemetry, some telemetry, some more");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_FALSE(gunzip(std::string_view(whole).substr(0, n)).ok()) << n;
  }
}

TEST(gzip, what_is_not_gzip_is_named_with_its_place) {
  Result<std::string> back = gunzip("{\"resourceMetrics\":[]}");
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code, Code::invalid);
  EXPECT_NE(back.error().message.find("not gzip at byte"), std::string::npos);
  std::string changed = gzip(std::string(500, 'a'));
  changed[changed.size() - 5] = static_cast<char>(changed[changed.size() - 5] ^ 1);  // its checksum
  EXPECT_EQ(gunzip(changed).error().code, Code::invalid);
}

ByteSource in_pieces(std::string_view bytes, std::size_t size) {
  return [bytes, size]() mutable -> Result<std::string_view> {
    std::string_view piece = bytes.substr(0, size);
    bytes.remove_prefix(piece.size());
    return piece;
  };
}

Result<std::string> read_through(std::string_view packed, std::size_t size) {
  GunzipReader reader(in_pieces(packed, size));
  std::string text;
  while (true) {
    std::string_view piece = TRY(reader.next());
    if (piece.empty()) return text;
    EXPECT_LE(piece.size(), 65'536U);
    text += piece;
  }
}

TEST(gunzip_reader, unfolds_pieces_of_any_size) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += cat("line ", i % 100, '\n');
  std::string packed = gzip(text) + gzip("") + gzip("the end");
  for (std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, packed.size()}) {
    Result<std::string> back = read_through(packed, size);
    ASSERT_TRUE(back.ok()) << size << back.error().to_string();
    EXPECT_EQ(*back, text + "the end") << size;
  }
}

TEST(gunzip_reader, unfolds_what_fills_its_pieces_exactly) {
  for (std::size_t length : {65'535U, 65'536U, 65'537U, 131'072U}) {
    std::string text(length, 'x');
    std::string packed = gzip(text);
    Result<std::string> back = read_through(packed, packed.size());
    ASSERT_TRUE(back.ok()) << length << back.error().to_string();
    EXPECT_EQ(*back, text);
  }
}

TEST(gunzip_reader, names_where_it_is_cut_or_damaged) {
  std::string whole = gzip("some telemetry, some telemetry, some more");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    Result<std::string> back = read_through(std::string_view(whole).substr(0, n), 10);
    ASSERT_FALSE(back.ok()) << n;
    EXPECT_NE(back.error().message.find(cat("after ", n, " bytes")), std::string::npos) << back.error().message;
  }
  EXPECT_NE(read_through("timestamp,cpu\n", 4).error().message.find("not gzip, or damaged, at byte"),
            std::string::npos);
  std::string changed = gzip(std::string(500, 'a'));
  changed[changed.size() - 5] = static_cast<char>(changed[changed.size() - 5] ^ 1);  // its checksum
  EXPECT_EQ(read_through(changed, 3).error().code, Code::invalid);
}

}  // namespace
}  // namespace mien::wire
