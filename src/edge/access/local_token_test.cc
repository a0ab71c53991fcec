#include "edge/access/local_token.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

TEST(LocalToken, IsWrittenForItsUserAndFoundByTheUrl) {
  testing::TemporaryDirectory home;
  LocalTokenPlaces places{.directories = {home.path() + "/mien"}};
  auto written = write_local_token(7070, places);
  ASSERT_TRUE(written.ok()) << written.error().to_string();
  struct stat status {};
  ASSERT_EQ(::stat(written->path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(written->token.size(), 64U);
  for (const char* url :
       {"http://127.0.0.1:7070", "http://localhost:7070", "http://[::1]:7070", "https://127.0.0.1:7070/"})
    EXPECT_EQ(*find_local_token(url, places), written->token) << url;
}

TEST(LocalToken, IsNeverGivenForAnotherMachineOrPort) {
  testing::TemporaryDirectory home;
  LocalTokenPlaces places{.directories = {home.path() + "/mien"}};
  ASSERT_TRUE(write_local_token(7070, places).ok());
  for (const char* url : {"http://evil.example:7070", "http://10.0.0.1:7070", "http://127.0.0.1:7071",
                          "http://127.0.0.1.evil.example:7070"})
    EXPECT_EQ(*find_local_token(url, places), std::nullopt) << url;
  EXPECT_FALSE(find_local_token("127.0.0.1:7070", places).ok());
}

TEST(LocalToken, IsNewAtEachStartAndRemovedByItsOwner) {
  testing::TemporaryDirectory home;
  LocalTokenPlaces places{.directories = {home.path() + "/mien"}};
  auto first = write_local_token(7070, places);
  auto second = write_local_token(7070, places);
  EXPECT_NE(first->token, second->token);
  remove_local_token(*first);  // it is the second's by now
  EXPECT_EQ(*find_local_token("http://127.0.0.1:7070", places), second->token);
  remove_local_token(*second);
  EXPECT_EQ(*find_local_token("http://127.0.0.1:7070", places), std::nullopt);
}

TEST(LocalToken, TakesTheNextPlaceWhereOneCannotBeUsed) {
  testing::TemporaryDirectory home;
  std::filesystem::create_directory(home.path() + "/open");
  ::chmod((home.path() + "/open").c_str(), 0777);
  LocalTokenPlaces places{.directories = {"/nowhere/mien", home.path() + "/open", home.path() + "/good"}};
  auto written = write_local_token(7070, places);
  ASSERT_TRUE(written.ok()) << written.error().to_string();
  EXPECT_EQ(written->path, home.path() + "/good/7070.token");
  places.directories.pop_back();
  auto refused = write_local_token(7070, places);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("/nowhere/mien"), std::string::npos);
}

TEST(LocalToken, IsNotTakenFromAFileThatOthersMayRead) {
  testing::TemporaryDirectory home;
  LocalTokenPlaces places{.directories = {home.path() + "/mien"}};
  auto written = write_local_token(7070, places);
  ::chmod(written->path.c_str(), 0644);
  EXPECT_EQ(find_local_token("http://127.0.0.1:7070", places).error().code, Code::refused);
}

}  // namespace
}  // namespace mien::edge
