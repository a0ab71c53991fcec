#include "drift/strongest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"

namespace mien::drift {
namespace {

TEST(Strongest, IsTheBeginningOfTheSortedRow) {
  Prng random(5);
  for (std::size_t width : {0, 1, 7, 16, 17, 38, 500}) {
    std::vector<std::pair<float, std::uint32_t>> row;
    for (std::uint32_t s = 0; s < width; ++s) {
      // Some have no surprise at all, and some the same.
      auto surprise = static_cast<float>(random.chance(0.3) ? 0 : random.chance(0.2) ? 1.5 : random.exponential());
      row.emplace_back(surprise, s);
    }
    std::vector<std::pair<float, std::uint32_t>> shuffled = row;
    for (std::size_t i = shuffled.size(); i > 1; --i)
      std::swap(shuffled[i - 1], shuffled[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);
    Strongest strongest;
    for (auto [surprise, s] : shuffled) strongest.add(surprise, s);
    std::stable_sort(row.begin(), row.end(), [](const auto& a, const auto& b) { return a.first > b.first; });

    ASSERT_EQ(strongest.count(), std::min<std::size_t>(width, Strongest::most));
    double squared = 0;
    for (std::size_t i = 0; i < strongest.count(); ++i) {
      EXPECT_EQ(strongest.surprise(i), row[i].first) << width << " " << i;
      EXPECT_EQ(strongest.series(i), row[i].second) << width << " " << i;
      if (i < 8) squared += static_cast<double>(row[i].first) * static_cast<double>(row[i].first);
    }
    EXPECT_DOUBLE_EQ(strongest.length(8), std::sqrt(squared));
  }
}

TEST(Strongest, TakesWhatIsLargerThanAnyFloat) {
  Strongest strongest;
  strongest.add(1, 3);
  strongest.add(std::numeric_limits<float>::infinity(), 4);
  strongest.add(std::numeric_limits<float>::max(), 5);
  EXPECT_EQ(strongest.series(0), 4U);
  EXPECT_EQ(strongest.series(1), 5U);
  EXPECT_EQ(strongest.series(2), 3U);
}

}  // namespace
}  // namespace mien::drift
