#include "app/progress.h"

#include <gtest/gtest.h>

#include <sstream>

namespace mien::app {
namespace {

using namespace std::chrono_literals;

constexpr Style plain{.colour = false, .unicode = false, .width = 0};

TEST(ProgressText, SaysShareRowsSpeedAndRest) {
  std::string text = progress_text({.bytes = 250, .all = 1000, .rows = 40'000}, 10s, plain);
  EXPECT_NE(text.find("25 % of 1kB, 40k rows, 4k rows/s, 30s left"), std::string::npos) << text;
}

TEST(ProgressText, OfAPipeSaysWhatWasReadAndGuessesNoEnd) {
  EXPECT_EQ(progress_text({.bytes = 2'500'000, .all = {}, .rows = 10}, 5s, plain), "2.5MB read, 10 rows, 2 rows/s");
  EXPECT_EQ(progress_text({.bytes = 0, .all = 0, .rows = 0}, 0s, plain), "0B read, 0 rows");
}

TEST(ProgressText, FitsTheTerminal) {
  Style narrow = plain;
  narrow.width = 30;
  EXPECT_LE(width_of(progress_text({.bytes = 1, .all = 1'000'000, .rows = 4'000'000}, 10s, narrow)), 29U);
}

TEST(ProgressLine, IsRedrawnInPlaceTenTimesASecondAndClearedWithoutATrace) {
  std::ostringstream err;
  MonoTime now{};
  {
    Progress progress(err, plain, [&now] { return now; });
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      now = now + 1ms;
      progress.show({.bytes = i, .all = 1000, .rows = i});
    }
  }
  std::string text = err.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '%'), 10);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.back(), '\r');
  std::size_t last = text.rfind('\r', text.size() - 2);
  EXPECT_EQ(text.find_first_not_of(' ', last + 1), text.size() - 1);  // blanks over what stood there
}

TEST(ProgressLine, WorkThatIsDoneAtOnceShowsNothing) {
  std::ostringstream err;
  {
    Progress progress(err, plain, [] { return MonoTime{}; });
    progress.show({.bytes = 10, .all = 10, .rows = 3});
  }
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace mien::app
