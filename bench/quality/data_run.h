// The table of a data folder: runs the program on every file (or takes scores that lie there) and judges.
#pragma once

#include <ostream>
#include <set>
#include <string>

#include "base/result.h"

namespace mien::quality {

struct DataOptions {
  std::string data = {};
  std::string scores = {};   // folder of scores; empty: run `program`
  std::string program = {};  // path of mien
  std::string keep = {};     // where scores of a run are kept; empty: nowhere
  std::size_t jobs = 2;
  std::set<std::string> only = {};  // folders; empty: all
  bool quick = false;               // every tenth window of the VUS
  bool each = false;                // every series too
  bool one_budget = false;          // the promise at 1 a week only: a third of the runs of most folders
  bool autoencoder = false;         // smd, asd and js2 once more with --autoencoder, in DIR/autoencoder/
};

// Scores lie in DIR/FOLDER/NAME.csv for a budget of 1 a week and in DIR/at-BUDGET/FOLDER/NAME.csv for others.
[[nodiscard]] Status judge_data(const DataOptions& options, std::ostream& out);

}  // namespace mien::quality
