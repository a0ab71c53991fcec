#include "wire/csv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mien::wire {
namespace {

std::string complaint(std::string_view text) {
  Result<CsvTable> table = parse_csv(text, "x.csv");
  return table ? "" : table.error().to_string();
}

TEST(Csv, EveryWayToWriteATimeIsRead) {
  Result<CsvTable> table = parse_csv(
      "timestamp,a\n2024-01-01T00:00:00Z,1\n2024-01-01 00:00:00,2\n1704067200,3\n1704067200000,4\n1704067200.25,5\n",
      "x.csv");
  ASSERT_TRUE(table.ok());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(table->times[i].ns, 1'704'067'200'000'000'000) << i;
  EXPECT_EQ(table->times[4].ns, 1'704'067'200'250'000'000);
  EXPECT_EQ(table->stamps[3], "1704067200000");
}

TEST(Csv, EmptyCellsAreMissingAndBlankLinesAreSkipped) {
  Result<CsvTable> table = parse_csv("\xef\xbb\xbftimestamp,a,\"b, c\"\r\n1,,2\r\n\r\n2,NaN,-3e2\r\n", "x.csv");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->columns, (std::vector<std::string>{"a", "b, c"}));
  ASSERT_EQ(table->values.size(), 4U);
  EXPECT_TRUE(std::isnan(table->values[0]));
  EXPECT_EQ(table->values[1], 2);
  EXPECT_TRUE(std::isnan(table->values[2]));
  EXPECT_EQ(table->values[3], -300);
}

TEST(Csv, AMistakeIsNamedWithFileLineAndColumn) {
  EXPECT_NE(complaint("timestamp,cpu\n1,2\n2,x\n").find("x.csv:3:3: `x` in column `cpu`"), std::string::npos);
  EXPECT_NE(complaint("timestamp,cpu\nnoon,2\n").find("x.csv:2:1: `noon` is no time"), std::string::npos);
  EXPECT_NE(complaint("timestamp,cpu\n1,inf\n").find("x.csv:2:3"), std::string::npos);
  EXPECT_NE(complaint("timestamp,a,b\n1,2\n").find("2 cells, the header 3"), std::string::npos);
  EXPECT_NE(complaint("timestamp,a\n1,2,3\n").find("x.csv:2:5: more cells"), std::string::npos);
  EXPECT_NE(complaint("time,a\n").find("must be `timestamp`"), std::string::npos);
  EXPECT_NE(complaint("timestamp,a,a\n").find("twice"), std::string::npos);
  EXPECT_NE(complaint("timestamp,\"a\n").find("never closed"), std::string::npos);
  EXPECT_NE(complaint("timestamp\n").find("nothing to judge"), std::string::npos);
  EXPECT_NE(complaint("").find("empty"), std::string::npos);
}

// Hands out a text in pieces of `size` bytes, each gone when the next one is asked for.
ByteSource in_pieces(std::string text, std::size_t size) {
  return
      [text = std::move(text), size, at = std::size_t{0}, piece = std::string()]() mutable -> Result<std::string_view> {
        piece.assign(text, at, size);
        at = std::min(text.size(), at + size);
        return std::string_view(piece);
      };
}

TEST(Csv, InPiecesOfAnySizeItIsTheSameTable) {
  std::string text = "\xef\xbb\xbftimestamp,a,\"b, c\"\r\n1,,2\r\n\r\n2024-01-01T00:00:00Z,NaN,-3e2\n1704067201,4,5";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    Result<CsvReader> reader = CsvReader::open(in_pieces(text, size), "x.csv");
    ASSERT_TRUE(reader.ok()) << size << reader.error().to_string();
    EXPECT_EQ(reader->columns(), (std::vector<std::string>{"a", "b, c"}));
    std::string stamps;
    double sum = 0;
    CsvRow row;
    while (true) {
      Result<bool> more = reader->next(row);
      ASSERT_TRUE(more.ok()) << size;
      if (!*more) break;
      stamps += std::string(row.stamp) + ";";
      for (double value : row.values) sum += std::isnan(value) ? 1000 : value;
    }
    EXPECT_EQ(stamps, "1;2024-01-01T00:00:00Z;1704067201;") << size;
    EXPECT_EQ(sum, 1000 + 2 + 1000 - 300 + 4 + 5) << size;
  }
}

TEST(Csv, ARowComesOutBeforeMoreBytesAreAskedFor) {
  int asked = 0;
  auto source = [&]() -> Result<std::string_view> {
    ++asked;
    return asked == 1 ? std::string_view("timestamp,a\n1,2\n2,") : std::string_view("3\n");
  };
  CsvReader reader = *CsvReader::open(source, "x.csv");
  CsvRow row;
  ASSERT_TRUE(reader.next(row).ok());
  EXPECT_EQ(asked, 1);
  ASSERT_TRUE(reader.next(row).ok());
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(row.values.front(), 3);
}

TEST(Csv, AMistakeInALaterPieceKeepsItsPlaceAndTheSourcesOwnErrorIsPassedOn) {
  CsvReader reader = *CsvReader::open(in_pieces("timestamp,cpu\n1,2\n2,x\n", 5), "x.csv");
  CsvRow row;
  ASSERT_TRUE(reader.next(row).ok());
  EXPECT_EQ(reader.next(row).error().where, "x.csv:3:3");
  Error gone{.code = Code::io, .message = "gone", .where = {}, .cause = {}};
  CsvReader other = *CsvReader::open(
      [&gone, first = true]() mutable -> Result<std::string_view> {
        if (std::exchange(first, false)) return std::string_view("timestamp,a\n");
        return gone;
      },
      "x.csv");
  EXPECT_EQ(other.next(row).error().code, Code::io);
}

TEST(Csv, ALineWithoutEndIsRefusedBeforeItFillsTheMemory) {
  std::size_t given = 0;
  auto endless = [&given, piece = std::string(65'536, '7')]() -> Result<std::string_view> {
    given += piece.size();
    return std::string_view(piece);
  };
  Result<CsvReader> reader = CsvReader::open(endless, "x.csv");
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().where, "x.csv:1:1");
  EXPECT_LE(given, 2 * CsvReader::max_line);
}

TEST(Csv, TooManyColumnsAreRefused) {
  std::string header = "timestamp";
  for (int i = 0; i < 1025; ++i) header += ",c" + std::to_string(i);
  EXPECT_NE(complaint(header).find("more than 1024 columns"), std::string::npos);
}

}  // namespace
}  // namespace mien::wire
