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

TEST(Url, WhatIsNoHostIsNeitherLoopbackNorAnAddress) {
  using namespace std::string_view_literals;
  for (std::string_view host : {"127.0.0.1\0.example.net"sv, "::1\0"sv, "evil/.localhost"sv, "a b.localhost"sv}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
    EXPECT_FALSE(is_ip_address(host)) << host;
  }
}

TEST(Url, AnAddressIsNoNameAndHasNoBrackets) {
  for (const char* host : {"192.0.2.1", "0.0.0.0", "::", "2001:db8::1"}) EXPECT_TRUE(is_ip_address(host)) << host;
  for (const char* host : {"", "localhost", "192.0.2", "[::1]", "192.0.2.1:80"})
    EXPECT_FALSE(is_ip_address(host)) << host;
}

}  // namespace
}  // namespace mien::edge
