#include "edge/http/url.h"

#include <gtest/gtest.h>

namespace mien::edge {
namespace {

TEST(Url, OnlyNamesAndAddressesThatCanNotLeaveThisMachineAreLoopback) {
  for (const char* host : {"localhost", "LOCALHOST", "localhost.", "api.localhost", "127.0.0.1", "127.255.255.254",
                           "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
}

TEST(Url, ANameThatOnlyLooksLikeALoopbackAddressIsAnotherMachine) {
  for (const char* host :
       {"", ".", "127.example.net", "127.", "127.1", "127.0.0.1.example.net", "127.0.0.256", "1270.0.0.1", "128.0.0.1",
        "localhost.example.net", "notlocalhost", "::2", "::ffff:128.0.0.1", "0.0.0.0", "::"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

}  // namespace
}  // namespace mien::edge
