#include "wire/csv.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mien::wire {
namespace {

std::string complaint(std::string_view text) {
  Result<CsvTable> table = parse_csv(text, "x.csv");
  return table ? "" : table.error().to_string();
}

TEST(Csv, EveryWayToWriteATimeIsRead) {
  Result<CsvTable> table = parse_csv(
      "timestamp,a\n2024-01-01T00:00:00Z,1\n2024-01-01 00:00:00,2\n1704067200,3\n1704067200000,4\n1704067200.25,5\n", "x.csv");
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

TEST(Csv, TooManyColumnsAreRefused) {
  std::string header = "timestamp";
  for (int i = 0; i < 1025; ++i) header += ",c" + std::to_string(i);
  EXPECT_NE(complaint(header).find("more than 1024 columns"), std::string::npos);
}

}  // namespace
}  // namespace mien::wire
