// Chooses a mutant, then runs what this program was made for: PROGRAM MUTANT|none ARGUMENTS...
#include "tests/mutants/mutant.h"

#ifdef MIEN_MUTANTS_OF_SIM
int simulate(int argc, char** argv);  // sim/main.cc, renamed
#else
#include <gtest/gtest.h>
#endif

namespace {

// INVARIANT: written once, before anything runs. The one global of this tree, in a program that is nothing but a test.
std::string_view chosen;

}  // namespace

bool mien::mutants::is(std::string_view name) { return name == chosen; }

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  chosen = argv[1];
  argv[1] = argv[0];
  --argc;
  ++argv;
#ifdef MIEN_MUTANTS_OF_SIM
  return simulate(argc, argv);
#else
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
#endif
}
