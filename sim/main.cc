// mien-sim --seed N [--quiet]: one simulated world. Prints a line per event (virtual seconds, who, what), then one line
// that ends with the hash of the run. Exit 0: every invariant held; 1: one did not, and the last line names it.
#include <cstdio>
#include <string>

#include "base/text.h"
#include "sim/world.h"

int main(int argc, char** argv) {
  std::uint64_t seed = 0;
  bool quiet = false;
  bool given = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--quiet") {
      quiet = true;
    } else if (argument == "--seed" && i + 1 < argc) {
      auto number = mien::parse_integer(argv[++i]);
      given = number && *number >= 0;
      seed = given ? static_cast<std::uint64_t>(*number) : 0;
    } else {
      given = false;
      break;
    }
  }
  if (!given) {
    std::fputs("usage: mien-sim --seed N [--quiet]\n", stderr);
    return 2;
  }
  mien::sim::World world(seed, [quiet](std::string_view line) {
    if (!quiet) std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  });
  world.run();
  std::string hash(16, '0');
  for (std::size_t i = 0; i < 16; ++i) hash[15 - i] = "0123456789abcdef"[(world.hash() >> (4 * i)) & 15];
  const char* verdict = world.failure().empty() ? "ok" : world.failure().c_str();
  std::printf("seed %llu %s: %s hash %s\n", static_cast<unsigned long long>(seed), verdict, world.summary().c_str(),
              hash.c_str());
  return world.failure().empty() ? 0 : 1;
}
