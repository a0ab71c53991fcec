// `mien score`: the engine on a file, without a server, in constant memory whatever the file's length. Standard output
// gets each line as its row comes; a file is put in place when the run is over, and stays as it was when it fails.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "app/cli.h"
#include "app/progress.h"
#include "base/result.h"

namespace mien::app {

struct ScoreOptions {
  std::string input = {};   // path or "-"; gzip is unpacked
  std::string output = {};  // path or "-"
  std::uint64_t train_rows = 0;
  double false_alarms_per_week = 1;
  std::string state_in = {};   // empty: start anew
  std::string state_out = {};  // empty: not kept
  bool autoencoder = false;    // one that trains itself on the rows judges too
  std::string model = {};      // empty, or one that was trained before
  std::string plot = {};       // empty, or a path that ends in .svg or .png
  std::string modules = {};    // the folder of the module that draws; empty: where it is installed
  bool explain = false;        // each finding on standard error
};

struct ScoreSurroundings {
  std::ostream& out;
  std::ostream& err;
  Progress* progress = nullptr;            // of a person who watches
  std::function<bool()> interrupted = {};  // asked now and then
};

// Errors: not_found, invalid (the input, with file:line:column), unsupported (the module is missing), io, conflict
// (interrupted). After one, every file that was to be written is as it was.
[[nodiscard]] Status run_score(const ScoreOptions& options, const ScoreSurroundings& around);
// Runs it with progress for a person who watches, where `draws`, and until an interruption is asked for; which is
// obeyed when it has ended.
[[nodiscard]] Status run_watched(Session& session, bool draws,
                                 const std::function<Status(const ScoreSurroundings&)>& run);
void add_score_verb(CLI::App& program, Session& session);

struct TrainOptions {
  std::string input = {};   // path or "-"; gzip is unpacked
  std::string output = {};  // path of the model
  std::uint64_t train_rows = 0;
  std::uint64_t seed = 1;
  std::uint32_t epochs = 200;  // at most
};

// `mien train`: reads a history, keeps a draw of its ordinary rows, and trains an autoencoder on them. The same input
// and seed give the same bytes. Errors as of run_score, and invalid where too few rows are ordinary.
[[nodiscard]] Status run_train(const TrainOptions& options, const ScoreSurroundings& around);
void add_train_verb(CLI::App& program, Session& session);

}  // namespace mien::app
