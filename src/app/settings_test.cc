#include "app/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mien::app {
namespace {

using ::testing::HasSubstr;

std::string problem(std::string_view text) {
  Result<ManagerSettings> settings = parse_settings(text, "mien.yaml");
  return settings ? "" : settings.error().to_string();
}

TEST(Settings, SayWhereToListenAndUnderWhichNames) {
  Result<ManagerSettings> settings = parse_settings(
      "listen: '[::]:7071'\nnames: [mien.example.net, 192.0.2.7, '2001:db8::7']\nretention: 7d\n", "mien.yaml");
  ASSERT_TRUE(settings.ok()) << settings.error().to_string();
  EXPECT_EQ(settings->listen, "[::]:7071");
  EXPECT_EQ(settings->names, (std::vector<std::string>{"mien.example.net", "192.0.2.7", "2001:db8::7"}));
  EXPECT_EQ(settings->retention, std::chrono::hours{7 * 24});
}

TEST(Settings, ListenTakesAddressesOfAMachineAndNothingElse) {
  for (const char* listen : {"127.0.0.1", "0.0.0.0:0", "'[::1]:7070'", "localhost:7070"})
    EXPECT_EQ(problem(std::string("listen: ") + listen), "") << listen;
  for (const char* listen : {"nowhere", "mien.example.net:7070", "'127.0.0.1:'", "127.0.0.1:70700", "'::1'", "''",
                             "'http://127.0.0.1:7070'", "[127.0.0.1]", "7070"})
    EXPECT_THAT(problem(std::string("listen: ") + listen), HasSubstr("`listen`: ")) << listen;
}

TEST(Settings, NamesAreHostsAlone) {
  for (const char* name : {"''", "'mien:7070'", "'https://mien'", "'[::1]'", "'a b'", "'::g'", "7", "null"})
    EXPECT_THAT(problem(std::string("names: [") + name + "]"), HasSubstr("`names`: ")) << name;
  EXPECT_THAT(problem("names: mien"), HasSubstr("a list of names"));
}

TEST(Settings, SizesAndTimesHaveAFloorAndACeiling) {
  EXPECT_THAT(problem("store_limit: 1MB"), HasSubstr("`store_limit`: at least 64MB"));
  EXPECT_THAT(problem("store_limit: 9999999PB"), HasSubstr("`store_limit`: "));
  EXPECT_THAT(problem("store_limit: 2000TB"), HasSubstr("`store_limit`: at most 1PB"));
  EXPECT_THAT(problem("retention: 1s"), HasSubstr("`retention`: at least 10m"));
  EXPECT_THAT(problem("retention: 99999999999999d"), HasSubstr("`retention`: "));
  EXPECT_THAT(problem("retention: 367d"), HasSubstr("`retention`: at most 366d"));
  EXPECT_THAT(problem("data: ''"), HasSubstr("`data`: a directory"));
}

}  // namespace
}  // namespace mien::app
