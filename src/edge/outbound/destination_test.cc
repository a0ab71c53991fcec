#include "edge/outbound/destination.h"

#include <gtest/gtest.h>

#include "edge/outbound/testing/listener.h"

namespace mien::edge {
namespace {

TEST(DestinationUrl, IsTakenApart) {
  auto url = parse_destination("https://alerts.example.net/hooks/mien/?team=a%20b");
  ASSERT_TRUE(url.ok()) << url.error().to_string();
  EXPECT_EQ(url->server, "https://alerts.example.net");
  EXPECT_EQ(url->path, "/hooks/mien");
  EXPECT_EQ(url->query.at("team"), "a b");
  EXPECT_EQ(parse_destination("http://a:9093")->path, "");
  for (const char* wrong :
       {"", "a:9093", "ftp://a/", "http://user:word@a/", "http://a/#x", "http:///x", "http://a:0x/"})
    EXPECT_FALSE(parse_destination(wrong).ok()) << wrong;
}

TEST(Backoff, DoublesUpToItsLongestWithJitter) {
  Backoff backoff{.first = 1s, .longest = 10s};
  Prng chance(1);
  for (auto [attempt, whole] : {std::pair{1U, 1s}, {2U, 2s}, {4U, 8s}, {5U, 10s}, {4'000'000'000U, 10s}}) {
    Duration low = whole, high = 0s;
    for (int i = 0; i < 100; ++i) {
      Duration wait = backoff.after(attempt, chance);
      low = std::min(low, wait);
      high = std::max(high, wait);
    }
    EXPECT_GE(low, Duration(whole) / 2);
    EXPECT_LE(high, Duration(whole));
    EXPECT_GT(high - low, Duration(whole) / 4);
  }
}

TEST(Destination, KnowsWhatAnAnswerMeans) {
  testing::Listener listener;
  Destination to({.name = "a", .url = listener.url()});
  for (auto [status, outcome] : {std::pair{200, Outcome::delivered},
                                 {204, Outcome::delivered},
                                 {400, Outcome::refused},
                                 {404, Outcome::refused},
                                 {408, Outcome::again},
                                 {429, Outcome::again},
                                 {500, Outcome::again},
                                 {503, Outcome::again},
                                 {302, Outcome::refused}}) {
    listener.answer([status = status](std::size_t) {
      return HttpResponse{.status = status, .headers = {{"retry-after", "7"}}, .body = {}};
    });
    Told told = to.post("/x", "body", {});
    EXPECT_EQ(told.outcome, outcome) << status;
    if (outcome == Outcome::again) {
      EXPECT_EQ(told.not_before, 7s);
    }
  }
}

TEST(Destination, ThatIsNotThereIsTriedAgain) {
  std::string url;
  {
    testing::Listener gone;
    url = gone.url();
  }
  Destination to({.name = "a", .url = url});
  EXPECT_EQ(to.post("", "body", {}).outcome, Outcome::again);
}

}  // namespace
}  // namespace mien::edge
