#include "edge/runtime/start_up_pages.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace mien::edge {
namespace {

TEST(start_up_pages, only_mappings_that_equal_their_file_are_let_go) {
  constexpr std::string_view smaps =
      "1000-3000 r-xp 00000000 08:01 42                         /usr/bin/mien\n"
      "Size:                  8 kB\nRss:                   8 kB\nAnonymous:             0 kB\nVmFlags: rd ex\n"
      "3000-4000 r--p 00002000 08:01 42                         /usr/bin/mien\nAnonymous:             4 kB\n"
      "4000-5000 rw-p 00003000 08:01 42                         /usr/bin/mien\nAnonymous:             0 kB\n"
      "5000-6000 r--s 00000000 08:01 43                         /var/log/journal/x\nAnonymous:             0 kB\n"
      "6000-7000 r-xp 00000000 00:00 0                          [vdso]\nAnonymous:             0 kB\n"
      "7000-8000 r--p 00000000 00:00 0 \nAnonymous:             0 kB\n"
      "8000-9000 r--p 00000000 08:01 44                         /usr/lib/with space.so\nAnonymous:             0 kB\n";
  EXPECT_EQ(unchanged_file_mappings(smaps),
            (std::vector<AddressRange>{{.begin = 0x1000, .end = 0x3000}, {.begin = 0x8000, .end = 0x9000}}));
  for (std::string_view text : {"", "x", "1000 r-xp", "3000-1000 r-xp 0 0 0 /x\nAnonymous: 0 kB\n", "Anonymous: 0 kB\n",
                                "10g0-2000 r-xp 0 0 0 /x\nAnonymous: 0 kB\n"})
    EXPECT_TRUE(unchanged_file_mappings(text).empty()) << text;
}

// Of this process, KiB.
std::int64_t resident_of_files() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssFile:")) return std::stoll(line.substr(8));
  return 0;
}

TEST(start_up_pages, of_this_program_are_handed_back_and_what_runs_meanwhile_goes_on) {
  std::int64_t before = resident_of_files();
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> rounds = 0;
  std::thread other([&] {
    while (!ends) {
      std::vector<std::string> some(100, "text that is long enough to be allocated");
      rounds += some.size();
    }
  });
  for (int i = 0; i < 20; ++i) release_start_up_pages();
  ends = true;
  other.join();
  release_start_up_pages();
  EXPECT_LT(resident_of_files(), before);
  EXPECT_EQ(rounds % 100, 0U);
}

}  // namespace
}  // namespace mien::edge
