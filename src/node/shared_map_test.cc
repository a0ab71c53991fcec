#include "node/shared_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/prng.h"

namespace mien::node {
namespace {

using Map = SharedMap<std::string, std::uint64_t>;
using Slow = std::map<std::string, std::uint64_t>;

Slow all_of(const Map& map) {
  Slow all;
  std::string before;
  for (const auto& [key, value] : map) {
    EXPECT_TRUE(before < key || all.empty()) << key << " after " << before;
    before = key;
    all[key] = value;
  }
  return all;
}

TEST(SharedMap, AnyChangesGiveWhatAStdMapHas) {
  Prng prng{1};
  Map map;
  Slow slow;
  for (std::uint64_t i = 0; i < 4'000; ++i) {
    std::string key = std::to_string(prng.below(900));
    // Grows to several chunks, then empties again.
    if (prng.chance(i < 2'000 ? 0.2 : 0.8)) {
      map.erase(key);
      slow.erase(key);
    } else {
      map.set(key, i);
      slow[key] = i;
    }
    ASSERT_EQ(map.size(), slow.size());
    std::string wanted = std::to_string(prng.below(1'000));
    ASSERT_EQ(map.contains(wanted), slow.contains(wanted));
    auto found = map.lower_bound(wanted);
    auto expected = slow.lower_bound(wanted);
    ASSERT_EQ(found == map.end(), expected == slow.end());
    if (expected == slow.end()) continue;
    ASSERT_EQ(found->first, expected->first);
    ASSERT_EQ(found->second, expected->second);
  }
  EXPECT_EQ(all_of(map), slow);
  for (const auto& [key, value] : slow) map.erase(key);
  EXPECT_TRUE(map.empty());
  EXPECT_TRUE(map.begin() == map.end());
}

TEST(SharedMap, ACopySeesNothingOfWhatBecomesOfTheOther) {
  Map map;
  for (std::uint64_t i = 0; i < 300; ++i) map.set(std::to_string(i), i);
  Map copy = map;
  Slow before = all_of(copy);
  map.set("17", 0);
  map.set("new", 1);
  map.erase("100");
  EXPECT_EQ(all_of(copy), before);
  EXPECT_EQ(map.at("17"), 0U);
  EXPECT_EQ(map.size(), 300U);
  EXPECT_FALSE(map.contains("100"));
}

TEST(SharedMap, ACopySharesTheEntriesThatDidNotChange) {
  Map map;
  for (std::uint64_t i = 0; i < 300; ++i) map.set(std::to_string(i), i);
  Map copy = map;
  map.set("17", 0);
  std::size_t shared = 0;
  for (auto a = map.begin(), b = copy.begin(); a != map.end(); ++a, ++b) shared += &*a == &*b ? 1 : 0;
  EXPECT_EQ(shared, 299U);
}

}  // namespace
}  // namespace mien::node
